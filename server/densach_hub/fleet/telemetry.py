"""What machines tell: kept exactly once, compared with what was known, rolled up, thinned."""

import asyncio
from sqlite3 import Connection

import msgspec

from densach_core.clock import Clock
from densach_core.database import Database
from densach_core.documents import Single
from densach_core.live import Bus
from densach_hub.fleet.model import FleetPolicy
from densach_hub.fleet.register import Register
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
)
from densach_wire.messages import Hello, Presence


class HelloVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What intake should answer to a hello.

    `twin`: this is another machine with a registered machine's identity. It should be sent `cmd/reenrol`; what it
    tells is kept in quarantine while the policy is ENFORCE.
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

    def __init__(self, telemetry: Database, clock: Clock, bus: Bus, register: Register, policy: Single[FleetPolicy]) -> None:
        self._db = telemetry
        self._clock = clock
        self._bus = bus
        self._register = register
        self._policy = policy

    # ---- told by intake

    async def receive(self, arrival: Arrival) -> Stored:
        """Stores a batch exactly once, in a grouped transaction; acknowledge `upto` when this returns."""
        raise NotImplementedError

    def apply(self, c: Connection, arrival: Arrival) -> Stored:
        """The same inside a transaction of the caller's (on telemetry.db)."""
        raise NotImplementedError

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
        raise NotImplementedError

    async def presence(self, device: str, presence: Presence, *, at: int, retained: bool = False) -> None:
        """A retained presence is as old as it may be: it tells the state, not that the device was heard now."""
        raise NotImplementedError

    async def quarantine(self, misfit: Misfit, *, device: str | None, at: int) -> None:
        """A whole message that does not fit. Bounded: the oldest go first, their number stays counted."""
        raise NotImplementedError

    # ---- asked by pages and measures

    async def mark(self, device: str, stream: str) -> StreamMark | None:
        raise NotImplementedError

    async def live(self, device: str) -> Live | None:
        raise NotImplementedError

    async def sections(self, device: str) -> list[Section]:
        raise NotImplementedError

    async def changes(self, device: str | None = None, *, since: int = 0, limit: int = 200) -> list[Change]:
        """Newest first."""
        raise NotImplementedError

    async def usage_days(self, device: str, first_day: str, last_day: str) -> list[UsageDay]:
        """Days with usage only, oldest first; `day` is an ISO date in the school's zone."""
        raise NotImplementedError

    async def health(self, device: str, metric: str, *, since: int, until: int) -> list[HealthPoint]:
        """Hour by hour; metrics: cpu_pct, mem_used_pct, disk_used_pct, temp_max_c, uptime_h, and a device's own."""
        raise NotImplementedError

    async def quarantined(self, *, device: str | None = None, limit: int = 100) -> list[Quarantined]:
        raise NotImplementedError

    async def run(self) -> None:
        """Every hour: what is older than the policy says is thinned."""
        while True:
            await asyncio.sleep(3600)
