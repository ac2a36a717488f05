"""The demonstration's processes: started in order, watched, ended in order, and never left behind."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PATIENCE_S = 12.0


class Child:
    """One process with a log file. The kernel tells it to end when this process dies, however that happens."""

    def __init__(self, name: str, command: Sequence[str], log: Path, *, given: str | None = None) -> None:
        self.name = name
        self.command = list(command)
        self.log = log
        self._given = given
        self._process: subprocess.Popen[bytes] | None = None
        self.starts = 0

    def start(self) -> None:
        self.starts += 1
        parent = os.getpid()

        def follow_parent() -> None:
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:  # it died before the call above
                os._exit(1)

        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C reaches the supervisor only, which then ends everything in order.
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL if self._given is None else subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=follow_parent,  # noqa: PLW1509 - this process has one thread
            )
        if self._given is not None and self._process.stdin is not None:
            self._process.stdin.write(self._given.encode())
            self._process.stdin.close()

    @property
    def pid(self) -> int:
        """Raises RuntimeError before the first start."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process.pid

    @property
    def ended(self) -> int | None:
        """The exit code; None while it runs."""
        return None if self._process is None else self._process.poll()

    def wait(self, seconds: float) -> int:
        """Raises subprocess.TimeoutExpired."""
        if self._process is None:
            return 0
        return self._process.wait(seconds)

    def ask_to_end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def end(self, seconds: float = _PATIENCE_S) -> None:
        """Asks, waits, and at last ends it and what it started."""
        if self._process is None:
            return
        self.ask_to_end()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def last_words(self, lines: int = 12) -> str:
        try:
            return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-lines:])
        except OSError:
            return ""


def python(*words: str) -> list[str]:
    """A command of this Python, with this project's code."""
    return [sys.executable, "-m", *words]


def densach(*words: str) -> list[str]:
    return python("densach_cli", *words)


def end_all(groups: Sequence[Sequence[Child]]) -> None:
    """Group after group: all of one are asked at once, then waited for."""
    for group in groups:
        for child in group:
            child.ask_to_end()
        until = time.monotonic() + _PATIENCE_S
        for child in group:
            child.end(max(0.1, until - time.monotonic()))
