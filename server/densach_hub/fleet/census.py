"""Counting machines for measures: each figure with the ids behind it, simulated ones apart."""

from collections.abc import Sequence
from datetime import date

from densach_core.clock import Clock
from densach_core.database import Database
from densach_hub.fleet.model import Machine
from densach_hub.fleet.register import Register
from densach_hub.fleet.rooms import Rooms
from densach_hub.fleet.sights import Count, FleetCount


class Census:
    """All days are days of the school's zone; the caller (who knows the calendar) says which are school days."""

    def __init__(self, telemetry: Database, register: Register, rooms: Rooms, clock: Clock) -> None:
        self._db = telemetry
        self._register = register
        self._rooms = rooms
        self._clock = clock

    async def machines_on(self, day: date) -> list[Machine]:
        """Computers in the register at the end of that day (admitted before, not yet retired), with the place they had
        then. Simulated ones included: they say so."""
        raise NotImplementedError

    async def worked(self, days: Sequence[date]) -> Count:
        """Measured machines that worked on at least one of the days: a session, or online for ten minutes."""
        raise NotImplementedError

    async def connected(self, days: Sequence[date]) -> Count:
        """Measured machines heard on at least one of the days."""
        raise NotImplementedError

    async def count(self, days: Sequence[date], *, room: str | None = None) -> FleetCount:
        """All figures of a room (or the whole school) as of the last of the days."""
        raise NotImplementedError

    async def by_room(self, days: Sequence[date]) -> list[FleetCount]:
        """`count` for each room, and last one with room "" for machines that stand nowhere."""
        raise NotImplementedError

    async def equipment(self, *, room: str | None = None) -> list[Machine]:
        """Studio equipment in the register, not retired."""
        raise NotImplementedError

    async def used_ms(self, machine_ids: Sequence[str], first: date, last: date) -> dict[str, int]:
        """Active milliseconds of each machine between two days, inclusive; machines never measured are absent."""
        raise NotImplementedError
