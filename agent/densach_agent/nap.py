"""Between the word that the machine is about to sleep and the word that it is awake again."""

import contextlib
import os
from pathlib import Path

_TURNS_AWAKE = 60
"""Turns of half a second that a machine told to sleep goes on living before it is believed to be awake: a suspend that
failed sends no second word on every system."""


class Nap:
    """Signals tell (`told`), the loop asks (`turn`) and confirms (`settled`). `marker`: a file that says that the last
    word has been sent, so that the sleep hook need not wait any longer."""

    def __init__(self, marker: Path | None) -> None:
        self._marker = marker
        self._wish: str | None = None
        self._turns = 0
        self.asleep = False

    def told(self, word: str) -> None:
        """`sleep` or `wake`; may be called by a signal handler."""
        self._wish = word

    def turn(self) -> str | None:
        """What is to be done now, at most once for each change."""
        if self.asleep and self._wish is None:
            self._turns += 1
            if self._turns >= _TURNS_AWAKE:
                self._wish = "wake"
        wish, self._wish = self._wish, None
        if wish == "sleep" and not self.asleep:
            self.asleep, self._turns = True, 0
            return "sleep"
        if wish == "wake" and self.asleep:
            self.asleep = False
            return "wake"
        return None

    def settled(self) -> None:
        if self._marker is None or self._marker.exists() is self.asleep:
            return
        with contextlib.suppress(OSError):
            if self.asleep:
                self._marker.touch()
            else:
                self._marker.unlink(missing_ok=True)


def marker() -> Path | None:
    """In the service's folder under /run, where the sleep hook looks."""
    runtime = os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
    return Path(runtime) / "asleep" if runtime else None
