"""Who is who: what the hub took for one machine and what for two, why, and a person's word that overrules it.

* `new-parts`: another body under a known id, held for one (main board swapped, the disk kept). A person may split it.
* `returned`: a machine that asked to join was surely one of the register's: it has its old id back.
* `twin`, `alternating`, `moved-disk`: held for two. A person may say "the same after all".
* `same`, `split`, `merged`: what a person said.
"""

from sqlite3 import Connection
from typing import Protocol

import structlog

from densach_core.clock import Clock
from densach_core.database import Database
from densach_core.errors import Conflict, NotFound
from densach_core.live import Bus
from densach_core.text import t
from densach_hub.fleet import store_identity as store
from densach_hub.fleet import store_telling, store_told
from densach_hub.fleet.register import Register
from densach_hub.fleet.rules import Likeness, alternates, body, likeness, same_machine
from densach_hub.fleet.store_identity import Decision
from densach_hub.fleet.telling import Live
from densach_wire.likeness import decide
from densach_wire.messages import Factor, Hello

log = structlog.get_logger("fleet")

NEW_PARTS, RETURNED, SAME, SPLIT, MERGED = "new-parts", "returned", "same", "split", "merged"
TWIN, ALTERNATING, MOVED_DISK = "fingerprint", "alternating", "moved-disk"
DECISIONS = (NEW_PARTS, RETURNED, TWIN, ALTERNATING, MOVED_DISK, SAME, SPLIT, MERGED)


class SendAway(Protocol):
    """Whoever talks to devices (intake's pipeline does)."""

    def send_away(self, device: str, boot: str | None) -> None:
        """Asks a machine to give its identity up and to join anew; only the one of this boot is meant."""


class Identity:
    """Decisions, listed and made. Rules are in `rules` and `densach_wire.likeness`."""

    def __init__(self, telemetry: Database, clock: Clock, bus: Bus, register: Register) -> None:
        self._db = telemetry
        self._clock = clock
        self._bus = bus
        self._register = register
        self.porter: SendAway | None = None
        """Set by whoever talks to devices."""

    async def decisions(self, device: str | None = None, *, limit: int = 100) -> list[Decision]:
        """Newest first; of one machine, or of all."""
        return await self._db.read(lambda c: store.decisions(c, device, limit))

    async def split(self, decision: int, *, by: str) -> str:
        """ "New parts" were wrong: another machine has this one's disk. It keeps its id, history and old body; the one
        that speaks now is sent to the door and joins as a machine of its own. Returns the id. Raises NotFound."""
        at = self._clock.now_ms()

        def work(c: Connection) -> tuple[str, str | None]:
            found = store.open_one(c, decision, NEW_PARTS)
            if found is None:
                raise NotFound("fleet.no-decision", t("This has been settled already."))
            device, before = found[0].device, found[1]
            now = {factor.digest for factor in store_telling.factors(c, device)}
            # What both have (the disk) went along with the newcomer: it must not speak for this one any more.
            store_telling.set_factors(c, device, (f for f in before if f.digest not in now), at)
            live = store_told.live(c, device)
            store.settle(c, device, NEW_PARTS, at)
            store.add(c, device, SPLIT, at, by=by)
            return device, None if live is None else live.boot

        device, boot = await self._db.write(work)
        self._away(device, boot)
        return device

    async def merge(self, device: str, into: str, *, by: str) -> None:
        """Two entries are one machine (installed anew with so many new parts that nobody could know it): `device` is sent to
        the door and comes back as `into`. What `device` told stays in its own history. Raises NotFound, Conflict."""
        await self._register.machine(device)
        await self._register.machine(into)
        if device == into:
            raise Conflict("fleet.merge-itself", t("Choose two different machines."))
        at = self._clock.now_ms()

        def work(c: Connection) -> str | None:
            if store.merging(c, into) is not None:
                raise Conflict("fleet.merge-chain", t("The other one is on its way to become a third machine."))
            store_telling.set_factors(c, into, store_telling.factors(c, device), at)
            store_telling.set_factors(c, device, (), at)
            store.settle(c, device, MERGED, at)
            store.add(c, device, MERGED, at, other=into, by=by, settled=False)
            live = store_told.live(c, device)
            return None if live is None else live.boot

        boot = await self._db.write(work)
        self._away(device, boot)

    async def merging(self, device: str) -> str | None:
        return await self._db.read(lambda c: store.merging(c, device))

    async def merged(self, device: str) -> None:
        """It has come back as the other one."""
        at = self._clock.now_ms()
        await self._db.write(lambda c: store.settle(c, device, MERGED, at))

    async def returned(self, device: str, shown: tuple[Factor, ...]) -> None:
        """A machine that joined was known: notes why. Call before its new fingerprint is learned."""
        at = self._clock.now_ms()

        def work(c: Connection) -> None:
            found = decide(store_telling.factors(c, device), shown)
            store.add(c, device, RETURNED, at, kept=found.kept, changed=found.changed)

        await self._db.write(work)

    async def is_told_apart(self, device: str) -> bool:
        """Whether another machine with the very same factors goes by this id now: its boots alternate."""
        return await self._db.read(
            lambda c: any(one.why == ALTERNATING for one in store_told.open_twins(c) if one.device == device)
        )

    async def known_by(self, shown: tuple[Factor, ...]) -> str | None:
        """The device that this fingerprint surely belongs to; None if there is none, or more than one."""
        found = await self._db.read(lambda c: whose(c, shown))
        return found[0] if len(found) == 1 else None

    async def resembles(self, device: str, shown: tuple[Factor, ...]) -> Likeness:
        """Whether a fingerprint may be this device's."""

        def work(c: Connection) -> Likeness:
            known = store_telling.factors(c, device)
            return likeness(known, shown, _others(c, known, shown, device))

        return await self._db.read(work)

    async def same_after_all(self, twin: int, *, by: str = "") -> str:
        """A person says that the "twin" is the same machine (a new main board and disk): returns its id."""
        at = self._clock.now_ms()

        def work(c: Connection) -> str:
            found = store_telling.twin_fingerprint(c, twin)
            if found is None:
                raise NotFound("fleet.no-twin", t("This has been settled already."))
            store_telling.set_factors(c, found[0], found[1], at)
            store_telling.settle_twins(c, found[0], at, trusted=True)
            store.add(c, found[0], SAME, at, by=by)
            return found[0]

        device = await self._db.write(work)
        self._bus.say("fleet")
        return device

    def _away(self, device: str, boot: str | None) -> None:
        if self.porter is not None:
            self.porter.send_away(device, boot)
        self._bus.say("fleet")


def whose(c: Connection, shown: tuple[Factor, ...], *, but: str | None = None, no_disks: bool = False) -> list[str]:
    """Devices that this fingerprint surely belongs to."""
    shown = body(shown) if no_disks else shown
    found = []
    for device in store_telling.sharing(c, (f.digest for f in shown)):
        if device == but:
            continue
        known = store_telling.factors(c, device)
        known = body(known) if no_disks else known
        # The asker is one more machine unless it is this one.
        if same_machine(known, shown, _others(c, known, shown, device)):
            found.append(device)
    return found


def suspicion(c: Connection, device: str, hello: Hello, before: Live | None) -> str | None:
    """Why a hello is another machine's, or None."""
    if store.merging(c, device) is not None:
        return MERGED
    known, shown = store_telling.factors(c, device), hello.fingerprint
    verdict = likeness(known, shown, _others(c, known, shown, device))
    if verdict is Likeness.OTHER:
        return TWIN
    if _disk_moved(c, device, known, shown):
        return MOVED_DISK
    live_boot = before.boot if before is not None else None
    boots = store_telling.boots(c, device)
    return ALTERNATING if alternates(hello.boot, live_boot, boots, surely=verdict is Likeness.SAME) else None


def note_parts(c: Connection, device: str, shown: tuple[Factor, ...], at: int) -> None:
    """Notes that another body is held for the same machine, if it is another. Call before it is learned."""
    known = store_telling.factors(c, device)
    found = decide(known, shown)
    if found.changed and any(factor.strong for factor in known):
        store.settle(c, device, NEW_PARTS, at)
        store.add(c, device, NEW_PARTS, at, kept=found.kept, changed=found.changed, before=known, settled=False)


def _disk_moved(c: Connection, device: str, known: tuple[Factor, ...], shown: tuple[Factor, ...]) -> bool:
    """The disk is this machine's, the body another one's of the register."""
    changed = decide(body(known), body(shown))
    return bool(changed.changed) and not changed.kept and bool(whose(c, shown, but=device, no_disks=True))


def _others(c: Connection, known: tuple[Factor, ...], shown: tuple[Factor, ...], device: str) -> dict[str, int]:
    return store_telling.seen_on(c, (f.digest for f in (*known, *shown)), device)
