"""The log-book and the census: figures with the machines behind them."""

from datetime import date

from tests.hub.fleet.conftest import DAY, HOUR, MINUTE, Lab

from densach_core.clock import day_of, day_start_ms
from densach_hub.fleet.logbook import rows, stays
from densach_hub.fleet.model import Condition, Declaration, Place
from densach_hub.fleet.sights import SlotOfDay
from densach_hub.fleet.telling import Arrival, Arrived, EquipmentSeen
from densach_wire.messages import Moment, Presence, UsageSlice

TODAY = date(2026, 11, 24)
SLOTS = (SlotOfDay(number=1, start_min=420, end_min=465), SlotOfDay(number=2, start_min=470, end_min=515))


def clock_time(hour: int, minute: int, day: date = TODAY) -> int:
    return day_start_ms(day) + hour * HOUR + minute * MINUTE


async def _use(lab: Lab, device: str, start: int, minutes: int, *, active: int | None = None) -> None:
    seq = await lab.fleet.telemetry.mark(device, "s1")
    first = seq.upto + 1 if seq else 1
    piece = UsageSlice(
        session="s",
        start=Moment(0),
        end=Moment(1),
        active_ms=(minutes if active is None else active) * MINUTE,
        idle_ms=0,
        unknown_ms=minutes * MINUTE // 3,
    )
    now = lab.clock.now_ms()
    record = Arrived(first, now, piece, start, start + minutes * MINUTE)
    await lab.fleet.telemetry.receive(Arrival(device=device, stream="s1", boot="b1", received_at=now, records=(record,)))
    await lab.fleet.telemetry.roll_up()


def test_slices_are_laid_over_periods() -> None:
    stays = [("a", 0, None), ("b", 0, None), ("late", clock_time(8, 0), None)]
    slices = [
        ("a", clock_time(7, 0), clock_time(7, 45), 45 * MINUTE, 0),
        ("b", clock_time(7, 30), clock_time(8, 0), 30 * MINUTE, 15 * MINUTE),
        ("late", clock_time(7, 0), clock_time(7, 45), 45 * MINUTE, 0),
        ("stranger", clock_time(7, 0), clock_time(7, 45), 45 * MINUTE, 0),
    ]
    found = rows(slices, stays, (), SLOTS)
    assert [(r.slot.number, r.machines_used, r.minutes, r.unknown_minutes, r.evidence) for r in found] == [
        (1, 2, 60, 7, ("a", "b")),
        (2, 1, 10, 5, ("b",)),
    ]


def test_logging_out_of_the_lesson_before_is_no_lesson() -> None:
    slices = [("a", clock_time(7, 0), clock_time(7, 54), 54 * MINUTE, 0)]
    assert [r.slot.number for r in rows(slices, [("a", 0, None)], (), SLOTS)] == [1]


async def test_a_month_of_a_room(lab: Lab) -> None:
    room = await lab.fleet.rooms.new("Phòng Tin 1", by="Lan", seats=4)
    lab.clock.advance(-3 * DAY)
    one, two = await lab.machine("PC-01", room=room.id, seat="01"), await lab.machine("PC-02", room=room.id)
    simulated = await lab.machine("SIM-03", room=room.id, simulated=True)
    lab.clock.advance(3 * DAY)
    for device in (one.id, two.id, simulated.id):
        await _use(lab, device, clock_time(7, 10), 30)
    await lab.fleet.faults.report(room=room.id, text="chuột hỏng", address="x")
    month = await lab.fleet.logbook.month(room.id, 2026, 11, slots=SLOTS)
    assert [(r.day, r.slot.number, r.machines_used, r.minutes, r.unknown_minutes, r.faults) for r in month] == [
        ("2026-11-24", 1, 2, 60, 20, ()),
        ("2026-11-24", 2, 0, 0, 0, ("chuột hỏng",)),
    ]
    with_simulated = await lab.fleet.logbook.month(room.id, 2026, 11, slots=SLOTS, simulated=True)
    assert with_simulated[0].machines_used == 3
    assert await lab.fleet.logbook.month(room.id, 2026, 10) == []


async def test_what_a_machine_did_before_it_was_placed_is_in_the_log_book_of_its_only_room(lab: Lab) -> None:
    room = await lab.fleet.rooms.new("Phòng Tin 1", by="Lan", seats=9)
    simulated = await lab.machine("SIM", simulated=True)
    await _use(lab, simulated.id, clock_time(7, 10, date(2026, 11, 3)), 30)
    await lab.fleet.register.move_many([simulated.id], room.id, by="Lan", seats_from=room.seats[0].id)
    assert await lab.fleet.logbook.month(room.id, 2026, 11, slots=SLOTS) == []
    [row] = await lab.fleet.logbook.month(room.id, 2026, 11, slots=SLOTS, simulated=True)
    assert (row.day, row.machines_used, row.evidence) == ("2026-11-03", 1, (simulated.id,))


def test_who_was_in_two_rooms_was_in_none_before_the_first_known_one() -> None:
    a, again = Place(room="a", since_at=100, until_at=200), Place(room="a", seat="a-1", since_at=200)
    assert stays([again, a], "a") == [(200, None), (0, 200)]
    assert stays([Place(room="b", since_at=200), a], "a") == [(100, 200)]
    assert stays([], "a") == []


async def test_figures_of_rooms(lab: Lab) -> None:
    room = await lab.fleet.rooms.new("Phòng Tin 1", by="Lan", seats=9)
    lab.clock.advance(-10 * DAY)
    used = await lab.machine("USED", room=room.id)
    online = await lab.machine("ONLINE", room=room.id)
    dead = await lab.machine("DEAD", room=room.id)
    simulated = await lab.machine("SIM", room=room.id, simulated=True)
    good = await lab.fleet.register.declare(Declaration(name="Cũ", room=room.id, condition=Condition.WORKING), by="Lan")
    bad = await lab.fleet.register.declare(Declaration(name="Hỏng", condition=Condition.BROKEN), by="Lan")
    lab.clock.advance(10 * DAY)
    await _use(lab, used.id, clock_time(7, 0), 20)
    await _use(lab, simulated.id, clock_time(7, 0), 20)
    await lab.fleet.telemetry.presence(online.id, Presence.ONLINE, at=clock_time(8, 30))
    await lab.fleet.telemetry.presence(online.id, Presence.OFF, at=clock_time(8, 45))
    days = [TODAY]
    figures, nowhere = await lab.fleet.census.by_room(days)
    assert (figures.room, nowhere.room) == (room.id, "")
    assert figures.working.ids == tuple(sorted((used.id, online.id, good.id)))
    assert figures.connected.ids == tuple(sorted((used.id, online.id)))
    assert (figures.registered.n, figures.measured.n, figures.declared.n, figures.simulated.ids) == (4, 3, 1, (simulated.id,))
    assert dead.id not in figures.working.ids
    assert (nowhere.broken.ids, nowhere.working.n) == ((bad.id,), 0)
    whole = await lab.fleet.census.count(days)
    assert (whole.registered.n, whole.broken.n) == (5, 1)
    assert (await lab.fleet.census.worked(days)).ids == tuple(sorted((used.id, online.id)))
    assert await lab.fleet.census.used_ms([used.id, dead.id], TODAY, TODAY) == {used.id: 20 * MINUTE}


async def test_figures_as_of_a_day_gone_by(lab: Lab) -> None:
    one = await lab.fleet.rooms.new("Phòng Tin 1", by="Lan", seats=2)
    two = await lab.fleet.rooms.new("Phòng Tin 2", by="Lan", seats=2)
    machine = await lab.machine(room=one.id)
    start = day_of(lab.clock.now_ms())
    lab.clock.advance(2 * DAY)
    await lab.fleet.register.move(machine.id, two.id, None, by="Lan")
    lab.clock.advance(2 * DAY)
    await lab.fleet.register.retire(machine.id, by="Lan")
    then = await lab.fleet.census.machines_on(start)
    assert [m.place.room if m.place else None for m in then] == [one.id]
    assert [m.place.room if m.place else None for m in await lab.fleet.census.machines_on(date(2026, 11, 27))] == [two.id]
    assert await lab.fleet.census.machines_on(date(2026, 11, 28)) == []
    assert await lab.fleet.census.machines_on(date(2026, 11, 23)) == []


async def test_equipment_is_counted_apart(lab: Lab) -> None:
    studio = await lab.fleet.rooms.new("Studio", by="Lan")
    made = await lab.fleet.equipment.seen(EquipmentSeen(tongue="tasmota", key="AA", name="Đèn"), at=lab.clock.now_ms())
    await lab.fleet.register.move(made.id, studio.id, None, by="Lan")
    assert [m.id for m in await lab.fleet.census.equipment(room=studio.id)] == [made.id]
    assert await lab.fleet.census.machines_on(TODAY) == []
