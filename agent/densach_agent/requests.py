"""What the hub may ask of a machine. Each request has an id and an expiry, is allowed or not by the machine's own
policy, is never run twice (the id is on disk before it begins), and its outcome is reported: at once, or at the first
chance after a reboot."""

import logging
from collections.abc import Callable
from typing import TypeAlias, TypeVar

import msgspec

from densach_agent.ledger import Entry, Ledger
from densach_agent.settings import Policy
from densach_wire.messages import Attrs, Command, Outcome, Result

log = logging.getLogger(__name__)
T = TypeVar("T")

INTERRUPTED = "failed: the agent ended before this was finished; it is not tried again"
_MOST_WAITING = 100


class Upshot(msgspec.Struct, frozen=True):
    """How a deed ended: done, or `refused` with a reason (its first word is a code of the contract)."""

    refused: str = ""
    attrs: Attrs = {}


DONE = Upshot()
Pending: TypeAlias = Callable[[], Upshot | None]
"""Asked at each turn until it knows."""
Deed: TypeAlias = Callable[[Command], Upshot | Pending]
Report: TypeAlias = Callable[[str, Result], bool]
"""Sends a result; whether there was a line to send it on."""


class Desk:
    """`deeds` by name; `now_ms` is the hub's clock as far as it is known; `boot` names this boot."""

    def __init__(
        self,
        ledger: Ledger,
        policy: Policy,
        deeds: dict[str, Deed],
        now_ms: Callable[[], int | None],
        report: Report,
        *,
        boot: str,
    ) -> None:
        self._ledger = ledger
        self._policy = policy
        self._deeds = deeds
        self._now_ms = now_ms
        self._report = report
        self._boot = boot
        self._waiting: list[tuple[str, Command]] = []
        self._pending: dict[str, Pending] = {}
        self._recover()

    @property
    def names(self) -> tuple[str, ...]:
        """What a hello may promise."""
        return tuple(sorted(name for name in self._deeds if self._policy.allows(name)))

    @property
    def busy(self) -> bool:
        """Something is under way: turns should be short."""
        return bool(self._pending)

    def receive(self, name: str, command: Command) -> None:
        """Right after a connection the hub's clock is not known yet; then a request waits for `tick`."""
        if len(self._waiting) < _MOST_WAITING:
            self._waiting.append((name, command))
        self.tick()

    def tick(self) -> None:
        for request, ask in list(self._pending.items()):
            upshot = self._safely(ask)
            if upshot is not None:
                del self._pending[request]
                self._settle(request, upshot)
        now = self._now_ms()
        if now is None:
            return
        self._tell()
        waiting, self._waiting = self._waiting, []
        for name, command in waiting:
            self._handle(name, command, now)

    def begun(self, request: str) -> None:
        """The machine is about to go down because of this request; on disk when this returns."""
        self._ledger.change(request, begun=True)

    def close(self, *, going_down: bool) -> None:
        """The agent ends, with the machine or alone. A restart is told by the boot that follows; what else was under
        way ends here, said so."""
        for entry in self._ledger.open_ones():
            if entry.begun and going_down:
                if entry.name == "shutdown":
                    self._settle(entry.id, DONE)
            elif not entry.begun:
                self._settle(entry.id, Upshot(INTERRUPTED))
        self._pending.clear()

    def _recover(self) -> None:
        """What an earlier life of the agent left open: a machine that was told to go down and began a new boot did it."""
        for entry in self._ledger.open_ones():
            went = entry.begun and entry.boot != self._boot
            self._settle(entry.id, DONE if went else Upshot(INTERRUPTED))

    def _handle(self, name: str, command: Command, now_ms: int) -> None:
        known = self._ledger.find(command.id)
        if known is not None:  # delivered again
            if known.outcome is not Outcome.ACCEPTED:
                self._ledger.change(command.id, told=False)
                self._tell()
            return
        entry = Entry(id=command.id, name=name, at=now_ms, boot=self._boot, by=command.by)
        reason = self._refusal(name, command, now_ms)
        if reason is None:
            try:
                self._ledger.accept(entry)
            except OSError as error:
                reason = f"failed: {error.strerror or error}"
        if reason is not None:
            log.info("request %s (%s) refused: %s", name, command.id, reason)
            self._ledger.note(msgspec.structs.replace(entry, outcome=Outcome.REFUSED, reason=reason))
            self._tell()
            return
        log.info("request %s (%s) from %s", name, command.id, command.by or "the hub")
        self._report(name, Result(id=command.id, outcome=Outcome.ACCEPTED))
        found = self._safely(lambda: self._deeds[name](command))
        if isinstance(found, Upshot):
            self._settle(command.id, found)
        else:
            self._pending[command.id] = found

    def _safely(self, ask: Callable[[], T]) -> T | Upshot:
        try:
            return ask()
        except Exception as error:
            log.exception("a request failed")
            return Upshot(f"failed: {type(error).__name__}: {error}"[:200])

    def _settle(self, request: str, upshot: Upshot) -> None:
        outcome = Outcome.REFUSED if upshot.refused else Outcome.DONE
        self._ledger.change(request, outcome=outcome, reason=upshot.refused[:500], attrs=upshot.attrs, told=False)
        self._tell()

    def _tell(self) -> None:
        """Final outcomes, in the order the requests came, to a hub that was heard; what finds no line waits for the
        next."""
        if self._now_ms() is None:
            return
        for entry in self._ledger.untold():
            result = Result(id=entry.id, outcome=entry.outcome, reason=entry.reason, attrs=entry.attrs)
            if not self._report(entry.name, result):
                return
            self._ledger.change(entry.id, told=True)

    def _refusal(self, name: str, command: Command, now_ms: int) -> str | None:
        if name not in self._deeds:
            return "unknown"
        if not self._policy.allows(name):
            return "policy"
        if command.expires * 1000 < now_ms:
            return "expired"
        return None
