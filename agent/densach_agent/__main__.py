"""`python -m densach_agent DATA`: the resident process and nothing else. `densach agent run` becomes this one, so that
what a command line needs does not stay in memory."""

import gc
import logging
import sys
from pathlib import Path

from densach_agent.clock import SystemClock
from densach_agent.facts import current
from densach_agent.lock import Held
from densach_agent.machine import this_machine
from densach_agent.resident import run
from densach_agent.settings import BadSettings, load
from densach_agent.words import say


def main(folder: Path) -> int:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    try:
        settings = load(folder)
    except BadSettings as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if (folder / "sealed").exists() and _stays_away(folder):
        return 0
    gc.freeze()
    try:
        run(folder, settings, this_machine(current(SystemClock().boot)))
    except Held:
        sys.stderr.write(say("another agent runs on {folder} already", folder=folder) + "\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"{error.filename or folder}: {error.strerror}\n")
        return 1
    return 0


def _stays_away(folder: Path) -> bool:
    """Waits for SIGTERM while the disk is sealed for cloning, so that nobody has to start it again and again."""
    import signal

    from densach_agent.seal import is_sealed

    if not is_sealed(folder, SystemClock().boot):
        return False
    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    sys.stderr.write(say("This disk is sealed for cloning: the agent starts with the next start of the machine.") + "\n")
    sys.stderr.flush()
    signal.sigwait(ends)
    return True


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
