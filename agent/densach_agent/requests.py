"""What the hub may ask of a machine. Each request has an id and an expiry, is allowed or not by the machine's own
policy, is never run twice (the id is on disk before it begins), and its outcome is reported."""

import logging
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from densach_agent.outbox import Outbox
from densach_agent.settings import Policy
from densach_wire.messages import Command, Outcome, Result

log = logging.getLogger(__name__)

Deed = Callable[[Command], str | None]
"""Does it; None if it is done, else in a few words why not."""


class Desk:
    """`deeds` by name; `now_ms` is the hub's clock as far as it is known; `report` sends a result."""

    def __init__(
        self,
        outbox: Outbox,
        policy: Policy,
        deeds: dict[str, Deed],
        now_ms: Callable[[], int | None],
        report: Callable[[str, Result], None],
    ) -> None:
        self._outbox = outbox
        self._policy = policy
        self._deeds = deeds
        self._now_ms = now_ms
        self._report = report
        self._waiting: list[tuple[str, Command]] = []

    @property
    def names(self) -> tuple[str, ...]:
        """What a hello may promise."""
        return tuple(sorted(name for name in self._deeds if name in self._policy.allow))

    def receive(self, name: str, command: Command) -> None:
        """Right after a connection the hub's clock is not known yet; then a request waits for `tick`."""
        self._waiting.append((name, command))
        self.tick()

    def tick(self) -> None:
        now = self._now_ms()
        if now is None:
            return
        waiting, self._waiting = self._waiting, []
        for name, command in waiting:
            self._handle(name, command, now)

    def _handle(self, name: str, command: Command, now_ms: int) -> None:
        reason = self._refusal(name, command, now_ms)
        if reason is not None:
            self._report(name, Result(id=command.id, outcome=Outcome.REFUSED, reason=reason))
            return
        try:
            if self._outbox.seen_command(command.id):
                return  # delivered again: its outcome was or will be told once
        except sqlite3.Error as error:
            self._report(name, Result(id=command.id, outcome=Outcome.REFUSED, reason=f"failed: {error}"))
            return
        log.info("request %s (%s) from %s", name, command.id, command.by or "the hub")
        self._report(name, Result(id=command.id, outcome=Outcome.ACCEPTED))
        try:
            failure = self._deeds[name](command)
        except Exception as error:
            log.exception("request %s failed", name)
            failure = f"failed {type(error).__name__}: {error}"[:200]
        outcome = Outcome.DONE if failure is None else Outcome.REFUSED
        self._report(name, Result(id=command.id, outcome=outcome, reason=failure or ""))

    def _refusal(self, name: str, command: Command, now_ms: int) -> str | None:
        if name not in self._deeds:
            return "unknown"
        if name not in self._policy.allow:
            return "policy"
        if command.expires * 1000 < now_ms:
            return "expired"
        return None


def tell_people(command: Command) -> str | None:
    """Shows a message to whoever sits at the machine."""
    return _notice("message", str(command.args.get("text", ""))[:500])


def identify(command: Command) -> str | None:
    """Makes the machine findable among its like: lamps of the keyboard blink, the speaker beeps."""
    return _notice("identify", str(command.args.get("seconds", 10)))


def _notice(what: str, argument: str) -> str | None:
    """In a process of its own, not waited for: blinking takes a while."""
    folder = str(Path(__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (folder, os.environ.get("PYTHONPATH"))))}
    subprocess.Popen(
        [sys.executable, "-m", "densach_agent.notice", what, argument],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )
    return None
