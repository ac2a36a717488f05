"""Switching off and restarting: never under somebody's hands. Who works is not disturbed unless the hub insists; who is
only logged in is warned, and called back by one touch of the mouse."""

from collections.abc import Callable, Sequence

from densach_agent.clock import Clock
from densach_agent.handing import Hand
from densach_agent.requests import Pending, Upshot
from densach_agent.sessions import Session
from densach_agent.words import say
from densach_wire.messages import Command, SessionKind

GRACE_S = 60
LONGEST_GRACE_S = 600
_LOOK_EVERY_MS = 2_000
_GONE_MS = 180_000
"""So long a machine may take to stop; one that is still there then did not go."""


def at_work(sessions: Sequence[Session]) -> bool:
    """Whether somebody may be working. A session that does not tell whether it is idle counts as work; an exam always
    does."""
    return any(session.idle is not True or session.kind is SessionKind.EXAM for session in sessions)


class Power:
    """One going down at a time. `begun` notes on disk that the machine is about to go."""

    def __init__(self, hand: Hand, clock: Clock, sessions: Callable[[], Sequence[Session]], begun: Callable[[str], None]) -> None:
        self.hand = hand
        self.clock = clock
        self.sessions = sessions
        self.begun = begun
        self._under_way: str | None = None

    def shutdown(self, command: Command) -> Upshot | Pending:
        return self._go_down("shutdown", command)

    def restart(self, command: Command) -> Upshot | Pending:
        return self._go_down("restart", command)

    def _go_down(self, what: str, command: Command) -> Upshot | Pending:
        if self._under_way is not None:
            return Upshot("busy: it is going down already")
        force = command.args.get("force") is True
        here = self.sessions()
        if at_work(here) and not force:
            return Upshot("busy: somebody is at work")
        grace_ms = _grace_s(command) * 1000 if here else 0
        if grace_ms:
            self._warn(what, grace_ms // 1000, force=force)
        self._under_way = command.id
        return _Countdown(self, what, command.id, self.clock.up_ms() + grace_ms, force=force).ask

    def _warn(self, what: str, seconds: int, *, force: bool) -> None:
        if what == "restart":
            text = say("This machine restarts in {seconds} seconds. Save your work.", seconds=seconds)
        else:
            text = say("This machine switches off in {seconds} seconds. Save your work.", seconds=seconds)
        if not force:
            text += " " + say("To go on working, move the mouse or press a key.")
        self.hand.give("message", text)

    def ended(self) -> None:
        self._under_way = None


def _grace_s(command: Command) -> int:
    wish = command.args.get("grace_s")
    if isinstance(wish, bool) or not isinstance(wish, int | float):
        return GRACE_S
    return int(min(max(wish, 0), LONGEST_GRACE_S))


class _Countdown:
    """From the warning to the moment the machine is gone."""

    def __init__(self, power: Power, what: str, request: str, due_up_ms: int, *, force: bool) -> None:
        self._power = power
        self._what = what
        self._request = request
        self._due = due_up_ms
        self._force = force
        self._looked = due_up_ms
        self._given: Pending | None = None
        self._taken = False

    def ask(self) -> Upshot | None:
        upshot: Upshot | None = Upshot("failed")
        try:
            upshot = self._ask(self._power.clock.up_ms())
        finally:
            if upshot is not None:
                self._power.ended()
        return upshot

    def _ask(self, now: int) -> Upshot | None:
        power = self._power
        if self._given is not None:
            return self._watch(now)
        if not self._force and abs(now - self._looked) >= _LOOK_EVERY_MS:
            self._looked = now
            if at_work(power.sessions()):
                power.hand.give("message", say("Not switched off: somebody is at work."))
                return Upshot("busy: somebody came back to work")
        if now < self._due:
            return None
        power.begun(self._request)
        self._given = power.hand.give(self._what)
        return None

    def _watch(self, now: int) -> Upshot | None:
        if not self._taken and self._given is not None:
            word = self._given()
            if word is not None and word.refused:
                return word
            self._taken = word is not None
        if now - self._due > _GONE_MS:
            return Upshot("failed: it was told to go down and is still here")
        return None
