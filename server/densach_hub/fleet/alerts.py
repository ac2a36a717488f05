"""What needs a person today, and the sights of rooms and machines that go with it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from sqlite3 import Connection

import msgspec

from densach_core.accounts.audit import trace
from densach_core.clock import DAY_MS, Clock, day_of
from densach_core.database import Database
from densach_core.documents import Single
from densach_core.errors import NotFound
from densach_core.live import Bus
from densach_core.text import t
from densach_hub.fleet import store_register, store_told, store_use
from densach_hub.fleet.comparing import PLUGGED
from densach_hub.fleet.enrolment import Enrolment
from densach_hub.fleet.faults import Faults
from densach_hub.fleet.findings import DISK_EVENTS, TWIN_EVENTS, Facts, Ground, find, is_planned
from densach_hub.fleet.model import Acknowledgement, Condition, FaultReport, FleetPolicy, Kind, Machine, Maintenance
from densach_hub.fleet.register import COMPUTERS, Register
from densach_hub.fleet.rooms import Rooms
from densach_hub.fleet.rules import glyph
from densach_hub.fleet.sights import Finding, Glyph, MachineRow, MachineSight, RoomCount, RoomSight, SeatSight
from densach_hub.fleet.telling import Change

WEEK_MS = 7 * DAY_MS
RECENT_MS = 2 * DAY_MS
"""A measurement older than this says nothing of today (a machine that is off is not hot)."""


class Alerts:
    """Findings are derived from facts each time, never stored: one that is over is gone. Only acknowledgements stay."""

    def __init__(
        self,
        *,
        school: Database,
        telemetry: Database,
        clock: Clock,
        bus: Bus,
        rooms: Rooms,
        register: Register,
        faults: Faults,
        enrolment: Enrolment,
        policy: Single[FleetPolicy],
    ) -> None:
        self._school = school
        self._telemetry = telemetry
        self._clock = clock
        self._bus = bus
        self._rooms = rooms
        self._register = register
        self._faults = faults
        self._enrolment = enrolment
        self._policy = policy

    async def morning(self, *, since: int | None = None, acknowledged: bool = False) -> list[Finding]:
        """The findings in order of urgency, newest first within a kind.

        `since` (default: a week ago) bounds what happened once (a change); what lasts (silent, disk) always shows.
        `acknowledged` shows those already seen too.
        """
        return await self._findings(await self._ground(), since=since, acknowledged=acknowledged)

    async def acknowledge(self, key: str, *, by: str, note: str = "") -> None:
        """Raises NotFound when the finding is over."""
        if not any(f.key == key for f in await self.morning(acknowledged=True)):
            raise NotFound("fleet.no-finding", t("This is over already."), t("Open the page again."))
        mark = trace(by, self._clock)
        word = Acknowledgement(key=key, at=mark.at, by=by, note=note[:500])

        def work(c: Connection) -> None:
            store_register.acknowledge(c, word)
            mark.note(c, "fleet.finding-seen", on=key)

        await self._school.write(work)
        self._bus.say("fleet")

    async def rooms(self) -> list[RoomSight]:
        """Every room as a small map."""
        ground = await self._ground()
        findings = await self._findings(ground)
        faults = await self._faults.open_ones()
        return [_room_sight(ground, room_id, findings, faults) for room_id in ground.rooms]

    async def room(self, room_id: str) -> RoomSight:
        """Raises NotFound."""
        room = await self._rooms.get(room_id)
        ground = await self._ground()
        return _room_sight(ground, room.id, await self._findings(ground), await self._faults.open_ones(room=room_id))

    async def machines(self, *, placed: bool | None = None) -> list[MachineRow]:
        """All computers of the register; `placed` False: those that stand in no room."""
        ground = await self._ground()
        on = ground.rooms_on()
        return [
            _machine_row(ground, machine, on)
            for machine in ground.machines.values()
            if machine.kind in COMPUTERS and (placed is None or placed is (machine.place is not None))
        ]

    async def machine(self, machine_id: str) -> MachineSight:
        """Everything for a machine's page. Raises NotFound."""
        machine = await self._register.machine(machine_id)
        ground = await self._ground()
        now = ground.now
        room = await self._rooms.find(machine.place.room if machine.place else None)
        windows = await self._register.maintenance(now=now - 400 * DAY_MS)
        repairs, places = await self._register.repairs(machine_id), await self._register.places(machine_id)
        faults = await self._faults.of_machine(machine_id)
        findings = tuple(f for f in await self._findings(ground, acknowledged=True) if f.machine == machine_id)
        today = day_of(now)
        first = (today - timedelta(days=27)).isoformat()
        month = now - 28 * DAY_MS

        def work(c: Connection) -> MachineSight:
            return MachineSight(
                machine=machine,
                glyph=_glyph(ground, machine, ground.rooms_on()),
                live=ground.lives.get(machine_id),
                room=room,
                seat=room.seat(machine.place.seat) if room and machine.place and machine.place.seat else None,
                findings=findings,
                sections=tuple(store_told.sections(c, machine_id)),
                usage=tuple(store_told.usage_days(c, machine_id, first, today.isoformat())),
                changes=_planned(store_told.changes(c, machine_id, 0, 200), machine, windows),
                repairs=tuple(repairs),
                faults=tuple(faults),
                events=tuple(store_told.events(c, machine_id, 100)),
                periods=tuple(store_told.periods(c, machine_id, month)),
                streams=tuple(store_told.streams(c, machine_id)),
                lost=tuple(store_told.lost(c, machine_id, 0)),
                clock=tuple(store_told.clock_doubts(c, machine_id, month)),
                places=tuple(places),
                metrics=store_told.metrics(c, machine_id),
                undated_ms=store_use.undated_ms(c, machine_id),
            )

        return await self._telemetry.read(work)

    async def _findings(self, ground: Ground, *, since: int | None = None, acknowledged: bool = False) -> list[Finding]:
        found = find(ground, await self._facts(ground, since if since is not None else ground.now - WEEK_MS))
        seen = await self._school.read(store_register.acknowledgements)
        marked = [_seen(f, seen.get(f.key)) for f in found]
        return [f for f in marked if acknowledged or f.acknowledged_at is None]

    async def _ground(self) -> Ground:
        machines = await self._register.machines(kinds=tuple(Kind))
        return Ground(
            machines={m.id: m for m in machines},
            rooms={room.id: room for room in await self._rooms.all()},
            lives=await self._telemetry.read(store_told.lives),
            policy=await self._policy.get(),
            now=self._clock.now_ms(),
        )

    async def _facts(self, ground: Ground, since: int) -> Facts:
        windows = await self._register.maintenance(now=since)
        waiting, made = await self._enrolment.waiting(), await self._enrolment.twins_since(since)
        faults = await self._faults.open_ones()
        policy, recent = ground.policy, ground.now - RECENT_MS

        def work(c: Connection) -> Facts:
            return Facts(
                changes=[
                    *store_told.changes(c, None, since, 500, without=PLUGGED),
                    *store_told.changes(c, None, since, 2000, only=PLUGGED),  # these are many, and push nothing else out
                ],
                maintenance=windows,
                twins=store_told.open_twins(c),
                made_twins=made,
                waiting=waiting,
                faults=faults,
                clock=store_told.clock_doubts(c, None, since),
                disk_events=store_told.events_of_kind(c, DISK_EVENTS, since),
                twin_events=store_told.events_of_kind(c, TWIN_EVENTS, since),
                smart=store_told.sick_disks(c),
                sick_disks=store_told.health_above(c, "smart_failing", 1.0, recent),
                full_disks=store_told.health_above(c, "disk_used_pct", policy.disk_full_pct, recent),
                hot=store_told.health_above(c, "temp_max_c", policy.temperature_c, recent),
                quarantine=store_told.quarantine_tally(c, since),
                lost=store_told.lost(c, None, since),
            )

        return await self._telemetry.read(work)


def _seen(finding: Finding, word: Acknowledgement | None) -> Finding:
    if word is None:
        return finding
    return msgspec.structs.replace(finding, acknowledged_by=word.by, acknowledged_at=word.at)


def _planned(changes: Iterable[Change], machine: Machine, windows: Sequence[Maintenance]) -> tuple[Change, ...]:
    return tuple(msgspec.structs.replace(c, planned=True) if is_planned(c, machine, windows) else c for c in changes)


def _glyph(ground: Ground, machine: Machine, rooms_on: frozenset[str]) -> Glyph:
    neighbours = machine.place is not None and machine.place.room in rooms_on
    return glyph(machine, ground.lives.get(machine.id), ground.policy, ground.now, neighbours=neighbours)


def _machine_row(ground: Ground, machine: Machine, rooms_on: frozenset[str]) -> MachineRow:
    room = ground.rooms.get(machine.place.room) if machine.place else None
    seat = room.seat(machine.place.seat) if room and machine.place and machine.place.seat else None
    return MachineRow(
        machine=machine, glyph=_glyph(ground, machine, rooms_on), live=ground.lives.get(machine.id),
        room_name=room.name if room else None, seat_label=seat.label if seat else None,
    )  # fmt: skip


def _room_sight(ground: Ground, room_id: str, findings: Sequence[Finding], faults: Sequence[FaultReport]) -> RoomSight:
    room, rooms_on = ground.rooms[room_id], ground.rooms_on()
    here = [m for m in ground.machines.values() if m.kind in COMPUTERS and m.place is not None and m.place.room == room_id]
    by_seat = {m.place.seat: m for m in here if m.place is not None and m.place.seat is not None}
    found = Counter(f.machine for f in findings if f.urgent and f.fault is None)
    reported = Counter(f.seat for f in faults if f.room == room_id)

    def sight(seat_id: str | None, machine: Machine | None) -> SeatSight:
        live = ground.lives.get(machine.id) if machine else None
        return SeatSight(
            seat=room.seat(seat_id) if seat_id else None,
            glyph=_glyph(ground, machine, rooms_on) if machine else Glyph.EMPTY,
            machine=machine, simulated=machine.simulated if machine else False, heard_at=live.heard_at if live else None,
            faults=reported[seat_id] if seat_id else 0, findings=found[machine.id] if machine else 0,
        )  # fmt: skip

    seats = tuple(sight(seat.id, by_seat.get(seat.id)) for seat in room.seats)
    known = {seat.id for seat in room.seats}
    loose = tuple(sight(None, m) for m in here if m.place is None or m.place.seat is None or m.place.seat not in known)
    return RoomSight(room=room, seats=seats, loose=loose, count=_count(seats, loose))


def _count(seats: Sequence[SeatSight], loose: Sequence[SeatSight]) -> RoomCount:
    """Simulated machines are counted in `simulated` and nowhere else."""
    real = [s for s in (*seats, *loose) if s.machine is not None and not s.simulated]
    glyphs = Counter(s.glyph for s in real)
    return RoomCount(
        machines=len(real), in_use=glyphs[Glyph.IN_USE], idle=glyphs[Glyph.IDLE], off=glyphs[Glyph.OFF],
        silent=glyphs[Glyph.SILENT], declared=sum(1 for s in real if s.machine and s.machine.kind is Kind.DECLARED),
        broken=sum(1 for s in real if s.machine and s.machine.condition is Condition.BROKEN),
        simulated=sum(1 for s in (*seats, *loose) if s.simulated), seats=len(seats),
        empty=sum(1 for s in seats if s.glyph is Glyph.EMPTY),
    )  # fmt: skip
