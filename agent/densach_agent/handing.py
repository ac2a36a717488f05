"""The agent's side of the hand: leaves a job, waits for the word about it.

Started by systemd (densach-agent-hand.path) where the package is installed; an agent that is root itself starts the
hand; any other may at least write on its own user's screen, and never switches anything off.
"""

import contextlib
import logging
import os
import subprocess
import sys
from pathlib import Path

import msgspec

from densach_agent.clock import Clock
from densach_agent.hand import Job, Word
from densach_agent.requests import Pending, Upshot

log = logging.getLogger(__name__)

_PATIENCE_MS = 20_000
_UNIT = "densach-agent-hand.path"


class Hand:
    """`folder` is where jobs are left; `by_systemd`: a path unit watches it."""

    def __init__(self, folder: Path, clock: Clock, *, by_systemd: bool) -> None:
        self._folder = folder
        self._clock = clock
        self._by_systemd = by_systemd
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def strong(self) -> bool:
        """Whether it may switch the machine off."""
        return self._by_systemd or os.geteuid() == 0

    def give(self, what: str, text: str = "", seconds: int = 10) -> Pending:
        """Leaves the job; what it returns knows after a while how it went. Raises OSError."""
        job = msgspec.convert(
            {"what": what, "up_ms": self._clock.up_ms(), "text": text[:1000], "seconds": min(max(seconds, 1), 60)}, Job
        )
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = os.urandom(6).hex()
        temporary, place = self._folder / f".{name}", self._folder / f"{name}.job"
        temporary.write_bytes(msgspec.json.encode(job))
        temporary.replace(place)
        if not self._by_systemd:
            self._start()
        word = self._folder / f"{name}.word"
        until = self._clock.up_ms() + _PATIENCE_MS

        def ask() -> Upshot | None:
            self._reap()
            found = _read(word)
            if found is not None:
                return Upshot(f"failed: {found.failed}" if found.failed else "", {"shown": found.shown})
            if self._clock.up_ms() < until:
                return None
            with contextlib.suppress(OSError):
                place.unlink()
            return Upshot(f"failed: nothing took the job; is {_UNIT} running?")

        return ask

    def close(self) -> None:
        """Waits a moment for what still runs: it has done its deed, and only has to end."""
        for process in self._processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(2)
        self._reap()

    def _start(self) -> None:
        folder = str(Path(__file__).parent.parent)
        path = os.pathsep.join(filter(None, (folder, os.environ.get("PYTHONPATH"))))
        self._processes.append(
            subprocess.Popen(
                [sys.executable, "-m", "densach_agent.hand", str(self._folder)],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": path}, start_new_session=True,
            )
        )  # fmt: skip

    def _reap(self) -> None:
        self._processes = [process for process in self._processes if process.poll() is None]


def _read(path: Path) -> Word | None:
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Word)
    except (OSError, msgspec.MsgspecError):
        return None
    with contextlib.suppress(OSError):
        path.unlink()
    return found
