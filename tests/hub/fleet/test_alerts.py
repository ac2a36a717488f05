"""The morning page's findings and the sights of rooms and machines, from real stores."""

import pytest
from tests.hub.fleet.conftest import DAY, HOUR, MINUTE, Lab, hello

from densach_core.errors import NotFound
from densach_hub.fleet.model import Condition, Declaration, Room, RoomKind
from densach_hub.fleet.sights import Finding, FindingKind, Glyph
from densach_hub.fleet.telling import ChangeState, Misfit
from densach_wire.messages import Attrs, Event, Health, InventorySection, Item, Moment, Presence, UsageSlice, Volume

GB = 1024**3


def memory(*slots: str, digest: str) -> InventorySection:
    items = tuple(Item("memory", slot, {"size_bytes": 4 * GB, "serial": f"S-{slot}"}) for slot in slots)
    return InventorySection("memory", items, digest)


async def _room(lab: Lab, seats: int = 4) -> Room:
    return await lab.fleet.rooms.new("Phòng Tin 1", by="Lan", seats=seats, columns=2)


async def _kinds(lab: Lab) -> list[FindingKind]:
    return [f.kind for f in await lab.fleet.alerts.morning()]


async def _heard(lab: Lab, device: str) -> None:
    now = lab.clock.now_ms()
    await lab.fleet.telemetry.presence(device, Presence.ONLINE, at=now)


async def _one(lab: Lab, kind: FindingKind) -> Finding:
    return next(f for f in await lab.fleet.alerts.morning() if f.kind is kind)


async def test_stolen_memory_is_suspected_then_confirmed_by_the_next_boot(lab: Lab) -> None:
    room = await _room(lab)
    machine = await lab.machine(room=room.id, seat="03")
    tell = lab.fleet.telemetry.receive
    await tell(lab.arrival(machine.id, 1, memory("A", "B", digest="1")))
    assert await _kinds(lab) == []
    lab.clock.advance(DAY)
    await tell(lab.arrival(machine.id, 2, memory("A", digest="2"), boot="b2"))
    finding = await _one(lab, FindingKind.SUSPECTED)
    assert (finding.room_name, finding.seat_label, finding.urgent) == ("Phòng Tin 1", "03", True)
    assert finding.what.values["detail"] == "4 GB B"
    lab.clock.advance(2 * MINUTE)
    asked = await tell(lab.arrival(machine.id, 3, Event("a"), boot="b2"))
    assert asked.want == ("memory",)
    await tell(lab.arrival(machine.id, 4, memory("A", digest="2"), boot="b2"))
    assert await _kinds(lab) == [FindingKind.REMOVED]
    sight = await lab.fleet.alerts.machine(machine.id)
    assert [(c.key, c.state) for c in sight.changes] == [("B", ChangeState.CONFIRMED)]
    assert sight.seat is not None
    assert sight.seat.label == "03"


async def test_a_flaky_contact_is_taken_back(lab: Lab) -> None:
    machine = await lab.machine()
    tell = lab.fleet.telemetry.receive
    await tell(lab.arrival(machine.id, 1, memory("A", "B", digest="1")))
    await tell(lab.arrival(machine.id, 2, memory("A", digest="2")))
    assert await _kinds(lab) == [FindingKind.SUSPECTED]
    await tell(lab.arrival(machine.id, 3, memory("A", "B", digest="1")))
    assert await _kinds(lab) == []
    changes = await lab.fleet.telemetry.changes(machine.id)
    assert [(c.key, c.state) for c in changes] == [("B", ChangeState.RETURNED)]


async def test_a_look_that_failed_says_nothing_about_the_machine(lab: Lab) -> None:
    from densach_wire.messages import SectionStatus

    machine = await lab.machine()
    tell = lab.fleet.telemetry.receive
    await tell(lab.arrival(machine.id, 1, memory("A", "B", digest="1")))
    await tell(lab.arrival(machine.id, 2, InventorySection("memory", status=SectionStatus.DENIED, reason="no root")))
    sections = await lab.fleet.telemetry.sections(machine.id)
    assert (len(sections[0].items), sections[0].status, sections[0].reason) == (2, SectionStatus.DENIED, "no root")
    assert await _kinds(lab) == []


async def test_announced_work_warns_nobody_but_stays_in_the_history(lab: Lab) -> None:
    room = await _room(lab)
    machine = await lab.machine(room=room.id)
    now = lab.clock.now_ms()
    await lab.fleet.register.plan_maintenance(by="Lan", from_at=now, until_at=now + 2 * HOUR, room=room.id, why="nâng RAM")
    tell = lab.fleet.telemetry.receive
    await tell(lab.arrival(machine.id, 1, memory("A", digest="1")))
    lab.clock.advance(HOUR)
    await tell(lab.arrival(machine.id, 2, memory("A", "B", digest="2"), boot="b2"))
    assert await _kinds(lab) == []
    changes = (await lab.fleet.alerts.machine(machine.id)).changes
    assert [(c.key, c.planned) for c in changes] == [("B", True)]


async def test_sick_machines(lab: Lab) -> None:
    machine = await lab.machine()
    full = Health(volumes=(Volume("/", 100 * GB, 2 * GB),), temps={"cpu": 97.0})
    await lab.fleet.telemetry.receive(lab.arrival(machine.id, 1, full, Event("disk-failing", {"disk": "sda"})))
    await lab.fleet.telemetry.roll_up()
    assert await _kinds(lab) == [FindingKind.DISK, FindingKind.SPACE, FindingKind.HEAT]
    assert (await _one(lab, FindingKind.SPACE)).what.values["n"] == 98


async def test_a_disk_that_says_so_is_named_until_it_is_replaced(lab: Lab) -> None:
    machine = await lab.machine("PC-07")
    attrs: Attrs = {
        "model": "KINGSTON SA400S37240G",
        "serial": "50026B7784D1F3A2",
        "health": "failing",
        "health_reason": "worn out",
    }
    weak: Attrs = {"model": "DT01ACA100", "serial": "Y8C0W3ANS", "health": "weak", "health_reason": "pending sectors"}
    sick = InventorySection("smart", (Item("disk-health", "sda", attrs), Item("disk-health", "sdb", weak)), "1")
    await lab.fleet.telemetry.receive(lab.arrival(machine.id, 1, sick, Event("disk-failing", {"disk": "sda"})))
    failing, worn = await lab.fleet.alerts.morning()
    assert (failing.kind, failing.urgent, worn.kind, worn.urgent) == (FindingKind.DISK, True, FindingKind.DISK, False)
    assert failing.what.values == {"name": "PC-07", "disk": "KINGSTON SA400S37240G"}
    assert worn.what.values["disk"] == "DT01ACA100"
    lab.clock.advance(30 * DAY)  # an event of the past is forgotten, a disk that is still sick is not
    await lab.fleet.telemetry.receive(lab.arrival(machine.id, 3, InventorySection("os", (), "1")))
    assert FindingKind.DISK in await _kinds(lab)
    well = InventorySection("smart", (Item("disk-health", "sda", {"serial": "NEW1", "health": "ok"}),), "2")
    await lab.fleet.telemetry.receive(lab.arrival(machine.id, 4, well))
    assert await _kinds(lab) == []


async def test_silence_needs_a_neighbour_or_days(lab: Lab) -> None:
    room = await _room(lab)
    one, two = await lab.machine("PC-01", room=room.id), await lab.machine("PC-02", room=room.id)
    for device in (one.id, two.id):
        await _heard(lab, device)
        await lab.fleet.telemetry.presence(device, Presence.OFFLINE, at=lab.clock.now_ms())
    lab.clock.advance(2 * HOUR)
    assert await _kinds(lab) == []
    await _heard(lab, two.id)
    finding = await _one(lab, FindingKind.SILENT)
    assert finding.machine == one.id
    lab.clock.advance(4 * DAY)
    assert await _kinds(lab) == [FindingKind.SILENT, FindingKind.SILENT]


async def test_never_heard_waits_a_day(lab: Lab) -> None:
    await lab.machine()
    assert await _kinds(lab) == []
    lab.clock.advance(2 * DAY)
    assert await _kinds(lab) == [FindingKind.NEVER_HEARD]


async def test_seen_findings_step_aside_until_they_change(lab: Lab) -> None:
    machine = await lab.machine()
    await _heard(lab, machine.id)
    lab.clock.advance(4 * DAY)
    first = await _one(lab, FindingKind.SILENT)
    await lab.fleet.alerts.acknowledge(first.key, by="Lan")
    assert await _kinds(lab) == []
    assert (await lab.fleet.alerts.morning(acknowledged=True))[0].acknowledged_by == "Lan"
    await _heard(lab, machine.id)
    with pytest.raises(NotFound):
        await lab.fleet.alerts.acknowledge(first.key, by="Lan")
    lab.clock.advance(4 * DAY)
    assert await _kinds(lab) == [FindingKind.SILENT]


async def test_faults_from_seats(lab: Lab) -> None:
    room = await _room(lab)
    machine = await lab.machine(room=room.id, seat="02")
    report = await lab.fleet.faults.report(room=room.id, seat="02", text="  chuột   hỏng ", address="10.0.0.9")
    assert (report.text, report.machine, report.by) == ("chuột hỏng", machine.id, None)
    finding = await _one(lab, FindingKind.FAULT)
    assert (finding.fault, finding.machine, finding.seat_label) == (report.id, machine.id, "02")
    seat = (await lab.fleet.alerts.room(room.id)).seats[1]
    assert (seat.faults, seat.findings) == (1, 0)
    await lab.fleet.register.note_repair(machine.id, "thay chuột", by="Lan", works_again=True)
    assert await _kinds(lab) == []
    assert (await lab.fleet.faults.of_machine(machine.id))[0].closed_by == "Lan"


async def test_what_was_lost_or_did_not_fit_is_said(lab: Lab) -> None:
    machine = await lab.machine()
    now = lab.clock.now_ms()
    for _ in range(2):
        await lab.fleet.telemetry.quarantine(Misfit("wire.not-json", "empty", b"x"), device=machine.id, at=now)
    await lab.fleet.telemetry.hello(machine.id, hello(), at=now)
    for _ in range(4):
        await lab.fleet.telemetry.receive(lab.arrival(machine.id, 5, Event("a")))
        lab.clock.advance(MINUTE)
    assert await _kinds(lab) == [FindingKind.QUARANTINE, FindingKind.LOST]
    assert (await _one(lab, FindingKind.QUARANTINE)).what.n == 2
    assert (await _one(lab, FindingKind.LOST)).what.n == 4


async def test_a_room_as_a_map(lab: Lab) -> None:
    room = await _room(lab)
    used = await lab.machine("PC-01", room=room.id, seat="01")
    await lab.machine("SIM-02", room=room.id, seat="02", simulated=True)
    old = await lab.fleet.register.declare(
        Declaration(name="Máy cũ", room=room.id, seat="03", condition=Condition.BROKEN), by="Lan"
    )
    loose = await lab.fleet.register.declare(Declaration(name="Máy kho", room=room.id), by="Lan")
    await _heard(lab, used.id)
    now = lab.clock.now_ms()
    piece = UsageSlice(session="s", start=Moment(0), end=Moment(1), active_ms=MINUTE, idle_ms=0)
    await lab.fleet.telemetry.receive(lab.arrival(used.id, 1, piece))
    sight = await lab.fleet.alerts.room(room.id)
    looks = [(s.seat.label if s.seat else None, s.glyph, s.simulated) for s in sight.seats]
    assert looks == [
        ("01", Glyph.IN_USE, False),
        ("02", Glyph.OFF, True),
        ("03", Glyph.BROKEN, False),
        ("04", Glyph.EMPTY, False),
    ]
    assert [s.machine.id for s in sight.loose if s.machine] == [loose.id]
    count = sight.count
    assert (count.machines, count.in_use, count.declared, count.broken, count.simulated, count.empty) == (3, 1, 2, 1, 1, 1)
    assert sight.seats[0].heard_at == now
    rows = await lab.fleet.alerts.machines()
    assert [(r.machine.id, r.seat_label) for r in rows][-1] == (old.id, "03") or len(rows) == 4
    assert await lab.fleet.alerts.machines(placed=False) == []


async def test_rooms_of_every_kind_and_a_wrong_id(lab: Lab) -> None:
    await _room(lab)
    await lab.fleet.rooms.new("Studio", by="Lan", kind=RoomKind.STUDIO)
    assert [s.room.name for s in await lab.fleet.alerts.rooms()] == ["Phòng Tin 1", "Studio"]
    with pytest.raises(NotFound):
        await lab.fleet.alerts.room("nowhere")
    with pytest.raises(NotFound):
        await lab.fleet.alerts.machine("nothing")
