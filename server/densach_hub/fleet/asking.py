"""Asking machines to do something: what may be asked, by whom, and what became of it. No I/O.

The rows are intake's (it has the line to the machines); whoever asks is given an `Asker`.
"""

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

import msgspec
from aiohttp import web

from densach_core.accounts.model import TEACHERS, TECHNICIANS, Role
from densach_core.text import Text, t
from densach_wire.messages import Attrs, Outcome
from densach_wire.wake import plain_mac

ASKERS = TECHNICIANS | TEACHERS
"""Who may ask machines anything at all; a teacher may ask what a lesson needs (`may_ask`)."""
UNFINISHED_MS = 15 * 60_000
"""So long after it expired an accepted request may still be under way (a countdown, an inventory)."""


class Wish(StrEnum):
    """What a person may ask of a machine; the name of the request in the contract."""

    MESSAGE = "message"
    SHUTDOWN = "shutdown"
    WAKE = "wake"
    IDENTIFY = "identify"
    RESTART = "restart"
    REFRESH = "refresh"


LESSON = frozenset({Wish.MESSAGE, Wish.SHUTDOWN, Wish.WAKE, Wish.IDENTIFY})
"""What a teacher may ask: a message to the class, the room on in the morning and off in the evening."""
EXPIRES_S: dict[Wish, int] = {Wish.WAKE: 600}
"""How long a request waits for its machine; two minutes where nothing is said."""


def may_ask(wish: Wish, roles: frozenset[Role]) -> bool:
    return bool(roles & TECHNICIANS) or (wish in LESSON and bool(roles & TEACHERS))


class AskedState(StrEnum):
    """How a request stands now."""

    SENT = "sent"
    ACCEPTED = "accepted"
    DONE = "done"
    REFUSED = "refused"
    EXPIRED = "expired"
    """No answer came in time: the machine never does it."""
    UNFINISHED = "unfinished"
    """Accepted, and nothing was heard of it since."""

    @property
    def open(self) -> bool:
        return self in (AskedState.SENT, AskedState.ACCEPTED)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Something asked of a device. `outcome` None: no answer yet. `batch`: what was asked of many at once."""

    id: str
    batch: str = ""
    device: str
    name: str
    args: Attrs
    by: str
    sent_at: int
    expires_at: int
    outcome: Outcome | None = None
    reason: str = ""
    attrs: Attrs = {}
    answered_at: int | None = None
    helps: str | None = None
    """The request (`wake` of another machine) that this one is a help for."""

    def state(self, now: int) -> AskedState:
        if self.outcome is Outcome.DONE:
            return AskedState.DONE
        if self.outcome is Outcome.REFUSED:
            return AskedState.REFUSED
        if self.outcome is None or self.name == Wish.WAKE:
            late = now > self.expires_at
            return AskedState.EXPIRED if late else AskedState.SENT if self.outcome is None else AskedState.ACCEPTED
        return AskedState.UNFINISHED if now > self.expires_at + UNFINISHED_MS else AskedState.ACCEPTED

    def why(self) -> Text | None:
        """The reason in words; None where there is none. Unknown reasons are quoted."""
        code = self.reason.partition(":")[0]
        if not self.reason:
            return None
        known = REASONS.get(code.strip())
        if known is None:
            return t("It says: {reason}", reason=self.reason)
        return t("It failed: {reason}", reason=self.words() or code) if code == "failed" else known

    @property
    def failed(self) -> bool:
        """It tried and could not, which is no refusal."""
        return self.outcome is Outcome.REFUSED and self.reason.partition(":")[0].strip() == "failed"

    def words(self) -> str:
        """What the machine itself said of a failure, once and short: programs repeat themselves, and a long text came cut."""
        said = _CLASS.sub("", " ".join(self.reason.partition(":")[2].split()))
        again = said.find(said[:OPENING], OPENING) if len(said) > OPENING else -1
        said = (said if again < 0 else said[:again]).strip(" ;:,")
        return said if len(said) <= LONGEST else f"{said[:LONGEST].rsplit(' ', 1)[0]} …"


_CLASS = re.compile(r"\A[A-Za-z]+(?:Error|Exception|Expired): ")
OPENING = 20
"""A text whose first letters come again says the same again."""
LONGEST = 160
REASONS: dict[str, Text] = {
    "policy": t("This machine does not allow it (its agent.toml)."),
    "busy": t("Somebody is at work."),
    "nobody": t("Nobody is logged in."),
    "expired": t("It came too late."),
    "unknown": t("This machine's agent cannot do that."),
    "failed": t("It failed."),
    "no-line": t("The hub had no line to its broker."),
    "no-address": t("No network card with a cable is known of it that could be woken."),
}


class Asker(Protocol):
    """Sends requests and knows what became of them."""

    async def ask(self, devices: Sequence[str], wish: Wish, args: Attrs, *, by: str) -> str:
        """One request for each device, on disk before any is sent; returns the batch. Raises NotFound."""
        ...

    async def batch(self, batch: str) -> list[Asked]:
        """Raises NotFound."""
        ...

    async def of(self, device: str, *, limit: int = 50) -> list[Asked]:
        """Newest first."""
        ...


ASKER: web.AppKey[Asker] = web.AppKey("asker", Asker)


def wakeable(items: Sequence[msgspec.Struct], /) -> tuple[str, ...]:
    """Addresses of a machine's own wired cards, from the items of its `network` section: no dock, no radio, nothing
    that makes up its address."""
    found = []
    for item in items:
        attrs: Attrs = getattr(item, "attrs", {})
        if attrs.get("kind") not in (None, "ethernet") or attrs.get("random_mac") is True or attrs.get("bus") == "usb":
            continue
        mac = plain_mac(str(attrs.get("permanent_mac") or attrs.get("mac") or ""))
        if mac is not None:
            found.append(mac)
    return tuple(dict.fromkeys(found))
