"""Several commands at once, for root's one-shot: each with its own time, killed from outside when that is over, and not
waited for. A disk that hangs in the kernel delays nobody but itself.
"""

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable
from typing import IO

from densach_agent.machine import Output

_LARGEST = 1024 * 1024
_DYING_S = 0.5
"""What hangs in the kernel does not die before the kernel lets it."""
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def run_together(
    commands: Iterable[tuple[str, ...]],
    seconds: float,
    *,
    path: str = _PATH,
    monotonic: Callable[[], float] = time.monotonic,
) -> dict[tuple[str, ...], Output | None]:
    """Command → what it said (standard output); None for one that gave no answer in time. One that is not installed is
    not in the answer. `seconds`: for all together, as they run side by side."""
    running: dict[tuple[str, ...], tuple[subprocess.Popen[bytes], IO[bytes]]] = {}
    for argv in commands:
        file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the command has ended
        try:
            running[argv] = (
                subprocess.Popen(
                    argv, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.DEVNULL, env={"PATH": path, "LC_ALL": "C"}
                ),
                file,
            )
        except OSError:
            file.close()
    end = monotonic() + seconds
    found: dict[tuple[str, ...], Output | None] = {}
    for argv, (process, file) in running.items():
        try:
            code = process.wait(max(0.0, end - monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_DYING_S)
            found[argv] = None
        else:
            file.seek(0)
            found[argv] = Output(code, file.read(_LARGEST).decode("utf-8", "replace"))
        file.close()
    return found
