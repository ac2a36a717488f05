"""What machines tell: kept exactly once, compared with what was known, rolled up, thinned."""

import asyncio
from collections.abc import Iterable, Sequence
from sqlite3 import Connection

import msgspec
import structlog

from densach_core.clock import DAY_MS, Clock
from densach_core.database import Database
from densach_core.documents import Single
from densach_core.errors import Unavailable
from densach_core.live import Bus
from densach_core.precedence import Courtesy, Precedence
from densach_hub.fleet import receiving, store_identity, store_rollup, store_telling, store_told, store_use
from densach_hub.fleet.identity import MERGED, note_parts, suspicion
from densach_hub.fleet.model import FleetPolicy, TwinMode
from densach_hub.fleet.register import Register
from densach_hub.fleet.rules import day_name
from densach_hub.fleet.telling import (
    Arrival,
    Change,
    ClockTrust,
    HealthPoint,
    Live,
    Misfit,
    Quarantined,
    Section,
    Stored,
    StreamMark,
    UsageDay,
    UsePart,
)
from densach_wire.likeness import decide
from densach_wire.messages import Factor, Hello, Presence

log = structlog.get_logger("fleet")

ROLL_EVERY_S = 15.0
THIN_EVERY_MS = 3_600_000
SAY_EVERY_S = 2.0
QUIET_S = 1.0
"""So long a roll-up waits for a moment in which nobody waits for a page."""


class HelloVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What intake should answer to a hello.

    `twin`: this is another machine with a registered machine's identity. It should be sent `cmd/reenrol`; what it
    tells is held back (not acknowledged) while the policy is ENFORCE.
    """

    known: bool
    upto: int = 0
    """Stored of this stream so far: acknowledge it at once, so that the agent knows what to send."""
    want: tuple[str, ...] = ()
    """Inventory sections the hub has nothing of ("*": all)."""
    twin: bool = False
    renamed_from: str | None = None


class Telemetry:
    """Facts of telemetry.db. Awaitable methods return after the commit is on disk."""

    def __init__(
        self,
        telemetry: Database,
        clock: Clock,
        bus: Bus,
        register: Register,
        policy: Single[FleetPolicy],
        precedence: Precedence,
    ) -> None:
        self._db = telemetry
        self._clock = clock
        self._bus = bus
        self._register = register
        self._policy = policy
        self._precedence = precedence
        self._courtesy = Courtesy(precedence, clock)
        self._said_at = float("-inf")
        self._unsaid = False

    # ---- told by intake

    async def receive(self, arrival: Arrival) -> Stored:
        """Stores a batch exactly once, in a grouped transaction; acknowledge `upto` when this returns."""
        stored = await self._db.write_grouped(lambda c: receiving.receive(c, arrival))
        if stored.stored or stored.misfits:
            self._say()
        return stored

    def apply(self, c: Connection, arrival: Arrival) -> Stored:
        """The same inside a transaction of the caller's (on telemetry.db)."""
        return receiving.receive(c, arrival)

    def apply_all(self, c: Connection, arrivals: Sequence[Arrival]) -> list[Stored]:
        """Many at once, in their order: their rows are appended together."""
        return receiving.receive_all(c, arrivals, self.give_way)

    def give_way(self) -> None:
        """In the writer's thread, between two pieces of work on a backlog: pages go first."""
        self._courtesy.give_way()

    async def hello(
        self,
        device: str,
        hello: Hello,
        *,
        at: int,
        clock: ClockTrust = ClockTrust.GOOD,
        offset_ms: int | None = None,
        retained: bool = False,
    ) -> HelloVerdict:
        """A birth. Compares the fingerprint (twins), notes a new boot, a new stream, a new host name."""
        if not self._register.knows(device):
            return HelloVerdict(known=False)
        mode = (await self._policy.get()).twins

        def work(c: Connection) -> HelloVerdict:
            return take_hello(c, device, hello, mode, at=at, clock=clock, offset_ms=offset_ms, retained=retained)

        verdict = await self._db.write(work)
        if not verdict.twin:
            os = " ".join(filter(None, (hello.os.name or hello.os.family, hello.os.version)))
            await self._register.note_identity(
                device, hostname=hello.hostname, maker=hello.maker, model=hello.model, os=os, simulated=hello.simulated
            )
        self._say()
        return verdict

    async def presence(self, device: str, presence: Presence, *, at: int, retained: bool = False) -> None:
        """A retained presence is as old as it may be: it tells the state, not that the device was heard now. The last
        will is the broker's word, not the device's."""
        heard = None if retained or presence is Presence.OFFLINE else at

        def work(c: Connection) -> None:
            store_telling.put_presence(c, device, presence, at, heard)
            if heard is not None:
                store_telling.note_heard_day(c, device, at, day_name(at))

        if self._register.knows(device):
            await self._db.write_grouped(work)
            self._say()

    async def quarantine(self, misfit: Misfit, *, device: str | None, at: int) -> None:
        """A whole message that does not fit. Bounded: the oldest go first, their number stays counted."""
        await self._db.write_grouped(lambda c: store_telling.add_quarantine(c, [misfit], device, at))
        self._say()

    # ---- identity

    async def learn_fingerprint(self, device: str, shown: Iterable[Factor], *, at: int) -> None:
        """The fingerprint a machine was admitted with: what later hellos are compared to."""
        factors = tuple(shown)
        await self._db.write(lambda c: store_telling.put_factors(c, device, factors, at))

    async def twin_left(self, device: str) -> None:
        """The other machine has its own name now."""
        at = self._clock.now_ms()
        await self._db.write(lambda c: store_telling.settle_twins(c, device, at, trusted=False))

    # ---- asked by pages and measures

    async def mark(self, device: str, stream: str) -> StreamMark | None:
        return await self._db.read(lambda c: store_told.stream(c, device, stream))

    async def live(self, device: str) -> Live | None:
        return await self._db.read(lambda c: store_told.live(c, device))

    async def sections(self, device: str) -> list[Section]:
        return await self._db.read(lambda c: store_told.sections(c, device))

    async def sections_of_all(self, names: Sequence[str]) -> list[Section]:
        """These sections of every device, for lists of machines with their facts."""
        return await self._db.read(lambda c: [one for name in names for one in store_told.section_of_all(c, name)], seconds=5.0)

    async def changes(self, device: str | None = None, *, since: int = 0, limit: int = 200) -> list[Change]:
        """Newest first."""
        return await self._db.read(lambda c: store_told.changes(c, device, since, limit))

    async def usage_days(self, device: str, first_day: str, last_day: str) -> list[UsageDay]:
        """Days with usage only, oldest first; `day` is an ISO date in the school's zone."""
        return await self._db.read(lambda c: store_told.usage_days(c, device, first_day, last_day))

    async def uses(self, devices: Sequence[str], first_day: str, last_day: str) -> tuple[list[UsePart], int]:
        """What these machines were used for, added up, and how much of it nobody can know to have been use."""
        return await self._db.read(
            lambda c: (store_use.parts(c, devices, first_day, last_day), store_use.unknown(c, devices, first_day, last_day))
        )

    async def health(self, device: str, metric: str, *, since: int, until: int) -> list[HealthPoint]:
        """Hour by hour; metrics: cpu_pct, mem_used_pct, disk_used_pct, temp_max_c, uptime_h, and a device's own."""
        return await self._db.read(lambda c: store_told.health(c, device, metric, since, until))

    async def quarantined(self, *, device: str | None = None, since: int = 0, limit: int = 100) -> list[Quarantined]:
        """Newest first."""
        return await self._db.read(lambda c: store_told.quarantined(c, device, since, limit))

    async def quarantine_total(self) -> int:
        """How much never fitted, ever."""
        return await self._db.read(lambda c: store_told.tally(c, "quarantine"))

    # ---- upkeep

    async def roll_up(self) -> None:
        """Brings the roll-ups up to date (days of usage, hours of health), in short transactions."""
        more = True
        while more:
            more = await self._db.write(store_rollup.roll_up)

    async def thin(self) -> None:
        """Forgets raw facts that are older than the policy says."""
        policy = await self._policy.get()
        now = self._clock.now_ms()
        raw, usage = now - policy.keep_raw_days * DAY_MS, now - policy.keep_usage_days * DAY_MS
        more = True
        while more:
            more = await self._db.write(lambda c: store_rollup.thin(c, raw_before=raw, usage_before=usage))

    async def run(self) -> None:
        """For ever: roll-ups every few seconds, thinning every hour, and the last word of a quiet moment to pages."""
        thinned_at = self._clock.now_ms()
        woken = asyncio.Event()
        while True:
            try:
                more = True
                while more:
                    await self._precedence.quiet(QUIET_S)
                    # Behind a whole lab's backlog storing goes first: roll-ups take a twelfth of the writer's time.
                    began = self._clock.monotonic()
                    more = await self._db.write(lambda c: store_rollup.roll_up(c, give_way=self.give_way))
                    if more:
                        await asyncio.sleep(min(ROLL_EVERY_S, 11 * (self._clock.monotonic() - began)))
                if self._clock.now_ms() - thinned_at >= THIN_EVERY_MS:
                    thinned_at = self._clock.now_ms()
                    await self.thin()
            except Unavailable as error:  # a full disk: what is raw stays raw, and is rolled up when there is room
                log.warning("fleet.not-rolled-up", reason=error.code)
            if self._unsaid:
                self._unsaid = False
                self._bus.say("fleet")
            try:
                async with asyncio.timeout(ROLL_EVERY_S):  # not wait_for: it may swallow being cancelled
                    await woken.wait()
            except TimeoutError:
                continue

    def _say(self) -> None:
        """Tells open pages, at most every SAY_EVERY_S: a busy lab must not make them fetch for every batch."""
        now = self._clock.monotonic()
        if now - self._said_at >= SAY_EVERY_S:
            self._said_at = now
            self._unsaid = False
            self._bus.say("fleet")
        else:
            self._unsaid = True


def take_hello(
    c: Connection,
    device: str,
    hello: Hello,
    mode: TwinMode,
    *,
    at: int,
    clock: ClockTrust = ClockTrust.GOOD,
    offset_ms: int | None = None,
    retained: bool = False,
) -> HelloVerdict:
    """What a birth of a registered device changes, in a transaction of the caller's."""
    before = store_told.live(c, device)
    why = None if mode is TwinMode.OFF else suspicion(c, device, hello, before)
    store_telling.note_boot(c, device, hello.boot, at, clock, offset_ms)
    news = why is not None and store_telling.note_twin(c, device, hello, why, at, hold_back=mode is TwinMode.ENFORCE)
    if news and why is not None and why != MERGED:  # a merge is written down already, as a person's word
        found = decide(store_telling.factors(c, device), hello.fingerprint)
        store_identity.add(c, device, why, at, kept=found.kept, changed=found.changed)
    if why is None or mode is not TwinMode.ENFORCE:
        heard = None if retained else at
        store_telling.put_hello(c, device, hello, at, heard_at=heard, trust=clock, offset_ms=offset_ms)
        if not retained:
            store_telling.note_heard_day(c, device, at, day_name(at))
    if why is None and hello.fingerprint:
        note_parts(c, device, hello.fingerprint, at)
        store_telling.put_factors(c, device, hello.fingerprint, at)
    mark = store_told.stream(c, device, hello.stream)
    renamed = before is not None and why is None and hello.hostname and before.hostname not in ("", hello.hostname)
    return HelloVerdict(
        known=True,
        upto=mark.upto if mark is not None else 0,
        want=() if store_told.told_anything(c, device) else ("*",),
        twin=why is not None,
        renamed_from=before.hostname if renamed and before is not None else None,
    )
