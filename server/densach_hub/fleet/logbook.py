"""The paper log-book of a computer room (sổ theo dõi sử dụng phòng máy), filled in by what was measured."""

import calendar
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from sqlite3 import Connection

from densach_core.clock import day_of, day_start_ms
from densach_core.database import Database
from densach_hub.fleet import store_told
from densach_hub.fleet.faults import Faults
from densach_hub.fleet.model import FaultReport, Place
from densach_hub.fleet.register import Register
from densach_hub.fleet.rooms import Rooms
from densach_hub.fleet.sights import LogBookRow, SlotOfDay

MINUTE_MS = 60_000
USUAL_PERIODS = tuple(
    SlotOfDay(number=n, start_min=start, end_min=start + 45)
    for n, start in enumerate((425, 475, 535, 585, 635, 780, 830, 890, 940, 990), 1)
)
"""Ten periods of 45 minutes, 7:05–11:20 and 13:00–17:15, until the school's own time-table says otherwise."""
LEAST_MS = 5 * MINUTE_MS
"""A machine counts as used in a period from five active minutes on: logging out of the lesson before is no lesson."""

Slice = tuple[str, int, int, int, int]
"""(machine, start, end, active ms, the part of it of which nothing says whether somebody was there)"""
Stay = tuple[str, int, int | None]
"""(machine, since, until) it stood in the room."""


class LogBook:
    """One room, one month."""

    def __init__(self, telemetry: Database, register: Register, rooms: Rooms, faults: Faults) -> None:
        self._db = telemetry
        self._register = register
        self._rooms = rooms
        self._faults = faults

    async def month(
        self, room: str, year: int, month: int, *, slots: tuple[SlotOfDay, ...] = USUAL_PERIODS, simulated: bool = False
    ) -> list[LogBookRow]:
        """One row for each period in which a machine was used or a fault reported, in order.

        A machine counts where it stood then; before its first known place, in the only room it ever stood in (a machine
        tells what it did before it was admitted or placed). Simulated machines only on request.
        """
        await self._rooms.get(room)
        first, last = date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])
        start, end = day_start_ms(first), day_start_ms(last) + 24 * 60 * MINUTE_MS
        stays = await self._stays(room, simulated)
        slices = await self._db.read(lambda c: _slices(c, start, end), seconds=10)
        faults = await self._faults.between(room, start, end)
        return rows(slices, stays, faults, slots)

    async def _stays(self, room: str, simulated: bool) -> list[Stay]:
        found: list[Stay] = []
        for machine in await self._register.machines(retired=True):
            if machine.simulated and not simulated:
                continue
            found += [(machine.id, since, until) for since, until in stays(await self._register.places(machine.id), room)]
        return found


def stays(places: Sequence[Place], room: str) -> list[tuple[int, int | None]]:
    """From when until when a machine stood in a room. Who has only ever been in one room was there before, too, as far
    as anybody can know; of who was in several, nobody knows where it began."""
    if not places:
        return []
    first = min(place.since_at for place in places)
    only = len({place.room for place in places}) == 1
    return [(0 if only and p.since_at == first else p.since_at, p.until_at) for p in places if p.room == room]


def _slices(c: Connection, start: int, end: int) -> list[Slice]:
    return store_told.slices(c, start, end)


def rows(
    slices: Iterable[Slice], stays: Iterable[Stay], faults: Iterable[FaultReport], slots: Sequence[SlotOfDay]
) -> list[LogBookRow]:
    """Slices laid over the periods of their day. A slice across two periods counts in each for what falls into it,
    its active time taken as spread evenly."""
    where: dict[str, list[tuple[int, int | None]]] = defaultdict(list)
    for machine, since, until in stays:
        where[machine].append((since, until))
    active: dict[tuple[str, int], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    unknown: dict[tuple[str, int], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for machine, start, end, active_ms, unknown_ms in slices:
        stood = any(since <= start and (until is None or start < until) for since, until in where.get(machine, ()))
        if end <= start or not stood:
            continue
        day = day_of(start)
        midnight = day_start_ms(day)
        for slot in slots:
            part = min(end, midnight + slot.end_min * MINUTE_MS) - max(start, midnight + slot.start_min * MINUTE_MS)
            if part > 0:
                active[day.isoformat(), slot.number][machine] += active_ms * part // (end - start)
                unknown[day.isoformat(), slot.number][machine] += unknown_ms * part // (end - start)
    told: dict[tuple[str, int], list[str]] = defaultdict(list)
    for fault in faults:
        day = day_of(fault.at)
        minute = (fault.at - day_start_ms(day)) // MINUTE_MS
        slot_then = next((s for s in slots if minute < s.end_min), slots[-1] if slots else None)
        if slot_then is not None:
            told[day.isoformat(), slot_then.number].append(fault.text)
    by_number = {slot.number: slot for slot in slots}
    found: list[LogBookRow] = []
    for day_name, number in sorted({*active, *told}):
        cell = active.get((day_name, number), {})
        used = tuple(sorted(m for m, ms in cell.items() if ms >= LEAST_MS))
        texts = tuple(told.get((day_name, number), ()))
        if used or texts:
            found.append(
                LogBookRow(
                    day=day_name, slot=by_number[number], machines_used=len(used), machines_on=None,
                    minutes=sum(cell[m] for m in used) // MINUTE_MS,
                    unknown_minutes=sum(unknown[day_name, number][m] for m in used) // MINUTE_MS, faults=texts, evidence=used,
                )
            )  # fmt: skip
    return found
