"""What the lab's pages ask for, put together from the fleet. Changes go straight to the fleet's own doors."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, timedelta

import segno
from aiohttp import web
from msgspec.structs import replace

from densach_core.briefly import Briefly
from densach_core.clock import DAY_MS, Clock, day_of
from densach_core.errors import NotFound
from densach_core.text import Text, t
from densach_hub.fleet.logbook import USUAL_PERIODS
from densach_hub.fleet.model import FaultReport, Machine, Room
from densach_hub.fleet.service import Fleet
from densach_hub.fleet.sights import LogBookRow, MachineRow, SetUp, SetUps, SlotOfDay
from densach_hub.lab.composition import groups, software_count
from densach_hub.lab.history import happened
from densach_hub.lab.model import Curve, FaultPlace, JoinLine, Label, MachinePage, Morning, RoomMap
from densach_hub.lab.rules import days_of_use, drawn, parse_code, seat_code, sorted_out
from densach_hub.lab.use import Use, use_of

CURVES: dict[str, tuple[Text, str]] = {
    "cpu_pct": (t("Processor at work"), "%"),
    "mem_used_pct": (t("Memory in use"), "%"),
    "disk_used_pct": (t("Fullest disk"), "%"),
    "temp_max_c": (t("Hottest place"), "°C"),
    "battery_pct": (t("Battery"), "%"),
    "load_1m": (t("Load of the system"), ""),
}
"""Metrics worth a line on a machine's page, in order."""

WEEKS_MS = 14 * DAY_MS
SlotsOf = Callable[[date], Awaitable[tuple[SlotOfDay, ...]]]


async def usual_slots(_day: date) -> tuple[SlotOfDay, ...]:
    """Ten periods of 45 minutes, until a school's calendar says otherwise."""
    return USUAL_PERIODS


class Lab:
    """`slots_of` gives the school periods of a day (for the log-book); the usual ones where nobody provides it.
    `reason_of` says in words why something is in quarantine. `set_ups` knows what plays did to machines."""

    def __init__(
        self,
        fleet: Fleet,
        clock: Clock,
        *,
        slots_of: SlotsOf = usual_slots,
        reason_of: Callable[[str], Text] = Text,
        set_ups: SetUps | None = None,
    ) -> None:
        self.fleet = fleet
        self.reason_of = reason_of
        self.lines: Briefly[JoinLine] = Briefly(clock)
        self._clock = clock
        self._slots_of = slots_of
        self._set_ups = set_ups

    def now_ms(self) -> int:
        return self._clock.now_ms()

    def today(self) -> date:
        return day_of(self._clock.now_ms())

    async def waiting_count(self) -> int:
        """How many machines stand at the door, for the tab."""
        return len(await self.fleet.enrolment.waiting())

    async def morning(self) -> Morning:
        found = sorted_out(await self.fleet.alerts.morning(acknowledged=True), self._clock.now_ms())
        return replace(found, watched=len(await self.fleet.register.machines()))

    async def rooms(self) -> list[RoomMap]:
        """Every room, ready to be drawn."""
        return [drawn(sight) for sight in await self.fleet.alerts.rooms()]

    async def room(self, room_id: str) -> RoomMap:
        """Raises NotFound."""
        return drawn(await self.fleet.alerts.room(room_id))

    async def set_up(self, locale: str) -> dict[str, SetUp]:
        """Machine → the last play that was run on it."""
        return {} if self._set_ups is None else await self._set_ups.set_up(locale)

    async def set_up_of(self, machine_id: str, locale: str) -> list[SetUp]:
        """What plays did to a machine, newest first."""
        return [] if self._set_ups is None else await self._set_ups.set_up_of(machine_id, locale)

    async def room_faults(self, room_id: str) -> list[FaultReport]:
        return await self.fleet.faults.open_ones(room=room_id)

    async def machines(self) -> list[MachineRow]:
        return await self.fleet.alerts.machines()

    async def homeless(self) -> list[MachineRow]:
        """Machines that stand in no room."""
        return await self.fleet.alerts.machines(placed=False)

    async def machine(self, machine_id: str) -> MachinePage:
        """A machine's record. Raises NotFound."""
        sight = await self.fleet.alerts.machine(machine_id)
        now = self._clock.now_ms()
        curves = []
        for metric, (label, unit) in CURVES.items():
            if metric in sight.metrics:
                points = await self.fleet.telemetry.health(machine_id, metric, since=now - WEEKS_MS, until=now)
                if points:
                    curves.append(Curve(metric=metric, label=label, unit=unit, points=tuple(points)))
        return MachinePage(
            sight=sight,
            groups=groups(sight.sections),
            software=software_count(sight.sections),
            use=days_of_use(sight.usage, self.today()),
            used_ms=sum(day.active_ms for day in sight.usage) if sight.usage else None,
            days_used=sum(1 for day in sight.usage if day.active_ms > 0),
            of_what=await self._use([sight.machine]),
            curves=tuple(curves),
            history=happened(sight),
            rooms=tuple(await self.fleet.rooms.all()),
        )

    async def room_use(self, room: RoomMap) -> Use:
        """What the machines that stand there now were used for. Simulated ones count only where there are no others."""
        there = [seat.machine for seat in (*room.sight.seats, *room.sight.loose) if seat.machine is not None]
        return await self._use([machine for machine in there if not machine.simulated] or there)

    async def _use(self, machines: Sequence[Machine]) -> Use:
        """The last four weeks."""
        today = self.today()
        first, ids = today - timedelta(days=27), [machine.id for machine in machines]
        parts, unknown_ms = await self.fleet.telemetry.uses(ids, first.isoformat(), today.isoformat())
        return use_of(parts, unknown_ms, len(ids), simulated=any(machine.simulated for machine in machines))

    async def log_book(self, room_id: str, year: int, month: int, *, simulated: bool) -> tuple[Room, list[LogBookRow]]:
        """The month's lines of a room's log-book. Raises NotFound."""
        room = await self.fleet.rooms.get(room_id)
        slots = await self._slots_of(date(year, month, 15))
        return room, await self.fleet.logbook.month(room_id, year, month, slots=slots, simulated=simulated)

    async def labels(self, room_id: str, base: str) -> tuple[Room, list[Label]]:
        """A QR label for each seat; `base` is the hub's address as phones reach it. Raises NotFound."""
        room = await self.fleet.rooms.get(room_id)
        labels = []
        for seat in room.seats:
            address = f"{base}/fault/{seat_code(room.id, seat.id)}"
            path, size = qr_path(address)
            labels.append(Label(seat=seat, address=address, path=path, size=size))
        return room, labels

    async def fault_place(self, code: str) -> FaultPlace:
        """The seat a label points at. Raises NotFound("lab.no-seat")."""
        found = parse_code(code)
        room = await self.fleet.rooms.find(found[0]) if found else None
        seat = room.seat(found[1]) if room and found else None
        if room is None or seat is None:
            raise NotFound("lab.no-seat", t("This label belongs to no seat."), t("Tell the technician or a teacher."))
        machine = await self.fleet.register.at_seat(room.id, seat.id)
        reports = await self.fleet.faults.open_ones(room=room.id)
        return FaultPlace(code=code, room=room, seat=seat, machine=machine, open=tuple(r for r in reports if r.seat == seat.id))


def qr_path(text: str) -> tuple[str, int]:
    """A QR code as an SVG path with its quiet zone, and the side of its square in modules."""
    rows = [bytes(row) for row in segno.make(text, error="m", micro=False).matrix]
    parts = []
    for y, row in enumerate(rows, 4):
        x = 0
        while x < len(row):
            length = 1
            while x + length < len(row) and row[x + length] == row[x]:
                length += 1
            if row[x]:
                parts.append(f"M{x + 4} {y}h{length}v1h-{length}z")
            x += length
    return "".join(parts), len(rows) + 8


LAB = web.AppKey("lab", Lab)
