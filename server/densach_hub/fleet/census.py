"""Counting machines for measures: each figure with the ids behind it, simulated ones apart."""

from collections.abc import Iterable, Sequence
from datetime import date
from sqlite3 import Connection

import msgspec

from densach_core.clock import DAY_MS, Clock, day_start_ms
from densach_core.database import Database
from densach_hub.fleet import store_told
from densach_hub.fleet.model import Condition, Kind, Machine
from densach_hub.fleet.register import Register
from densach_hub.fleet.rooms import Rooms
from densach_hub.fleet.sights import Count, FleetCount

WORKED_MS = 10 * 60_000
"""A machine that ran for ten minutes on a day worked that day."""


class _Seen(msgspec.Struct, frozen=True):
    worked: frozenset[str]
    connected: frozenset[str]


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
        end = min(day_start_ms(day) + DAY_MS - 1, max(self._clock.now_ms(), day_start_ms(day)))
        return await self._register.machines_on(end)

    async def worked(self, days: Sequence[date], *, simulated: bool = False) -> Count:
        """Measured machines that worked on at least one of the days: a session, or ten minutes online.

        With `simulated` those that only pretend are among them: the caller tells them apart.
        """
        seen = await self._seen(days)
        machines = await self.machines_on(max(days))
        return _count(m for m in machines if (_measured(m) or (simulated and m.simulated)) and m.id in seen.worked)

    async def connected(self, days: Sequence[date]) -> Count:
        """Measured machines heard on at least one of the days."""
        seen = await self._seen(days)
        return _count(m for m in await self.machines_on(max(days)) if _measured(m) and m.id in seen.connected)

    async def count(self, days: Sequence[date], *, room: str | None = None) -> FleetCount:
        """All figures of a room (or the whole school) as of the last of the days."""
        machines = await self.machines_on(max(days))
        chosen = machines if room is None else [m for m in machines if m.place is not None and m.place.room == room]
        return _figures(room, chosen, await self._seen(days))

    async def by_room(self, days: Sequence[date]) -> list[FleetCount]:
        """`count` for each room, and last one with room "" for machines that stand nowhere."""
        machines, seen = await self.machines_on(max(days)), await self._seen(days)
        rooms = [room.id for room in await self._rooms.all()]
        found = [_figures(r, [m for m in machines if m.place is not None and m.place.room == r], seen) for r in rooms]
        return [*found, _figures("", [m for m in machines if m.place is None or m.place.room not in rooms], seen)]

    async def equipment(self, *, room: str | None = None) -> list[Machine]:
        """Studio equipment in the register, not retired."""
        return await self._register.machines(room=room, kinds=(Kind.EQUIPMENT,))

    async def used_ms(self, machine_ids: Sequence[str], first: date, last: date) -> dict[str, int]:
        """Active milliseconds of each machine between two days, inclusive; machines never measured are absent."""
        wanted = set(machine_ids)
        found = await self._db.read(lambda c: store_told.used_ms(c, first.isoformat(), last.isoformat()))
        return {machine: ms for machine, ms in found.items() if machine in wanted}

    async def _seen(self, days: Sequence[date]) -> _Seen:
        names = [day.isoformat() for day in days]

        def work(c: Connection) -> _Seen:
            worked = store_told.used_on(c, names) | store_told.alive_on(c, names, WORKED_MS)
            for day in days:
                start = day_start_ms(day)
                worked |= store_told.online_between(c, start, min(start + DAY_MS, max(start, now)), WORKED_MS)
            return _Seen(frozenset(worked), frozenset(store_told.heard_on(c, names)))

        now = self._clock.now_ms()
        return await self._db.read(work)


def _measured(m: Machine) -> bool:
    return m.kind is Kind.AGENT and not m.simulated


def _figures(room: str | None, machines: Sequence[Machine], seen: _Seen) -> FleetCount:
    real = [m for m in machines if not m.simulated]
    declared = [m for m in real if m.kind is Kind.DECLARED]
    works = [
        m
        for m in real
        if m.condition is not Condition.BROKEN
        and (m.id in seen.worked if m.kind is Kind.AGENT else m.condition is Condition.WORKING)
    ]
    return FleetCount(
        room=room, registered=_count(real), measured=_count(m for m in real if m.kind is Kind.AGENT), declared=_count(declared),
        working=_count(works), connected=_count(m for m in real if m.kind is Kind.AGENT and m.id in seen.connected),
        broken=_count(m for m in real if m.condition is Condition.BROKEN), simulated=_count(m for m in machines if m.simulated),
    )  # fmt: skip


def _count(machines: Iterable[Machine]) -> Count:
    return Count(ids=tuple(sorted(m.id for m in machines)))
