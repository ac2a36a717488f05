"""Rooms, places, declared machines, repairs, faults, lists by CSV: what people write."""

import pytest
from tests.hub.fleet.conftest import DAY, HOUR, MINUTE, Lab

from densach_core.database import Database
from densach_core.errors import BadInput, Conflict, NotFound, TooMany
from densach_hub.fleet.declared import condition_of, parse
from densach_hub.fleet.model import Condition, Declaration, Room, Seat
from densach_hub.fleet.rooms import in_order


async def _room(lab: Lab, name: str = "Phòng Tin 1", seats: int = 4) -> Room:
    return await lab.fleet.rooms.new(name, by="Lan", seats=seats, columns=2, levels=("THCS",))


async def test_rooms_are_numbered_from_the_teachers_desk(lab: Lab) -> None:
    room = await _room(lab)
    assert (room.id, room.levels) == ("phong-tin-1", ("THCS",))
    assert [(s.id, s.row, s.column) for s in room.seats] == [("01", 0, 0), ("02", 0, 1), ("03", 1, 0), ("04", 1, 1)]
    second = await _room(lab)
    assert second.id == "phong-tin-1-2"
    with pytest.raises(BadInput):
        await lab.fleet.rooms.put(Room(id="x", name="X", seats=(Seat(id="1", label="1"), Seat(id="1", label="2"))), by="Lan")
    with pytest.raises(NotFound):
        await lab.fleet.rooms.get("nowhere")


async def test_a_room_with_machines_is_not_removed(lab: Lab) -> None:
    room = await _room(lab)
    machine = await lab.machine(room=room.id, seat="01")
    with pytest.raises(Conflict):
        await lab.fleet.rooms.remove(room.id, by="Lan")
    await lab.fleet.register.move(machine.id, None, None, by="Lan")
    await lab.fleet.rooms.remove(room.id, by="Lan")
    assert await lab.fleet.rooms.all() == []


async def test_one_seat_one_machine(lab: Lab) -> None:
    room = await _room(lab)
    one, two = await lab.machine("PC-01", room=room.id, seat="01"), await lab.machine("PC-02")
    lab.clock.advance(MINUTE)
    await lab.fleet.register.move(two.id, room.id, "01", by="Lan")
    pushed = await lab.fleet.register.machine(one.id)
    assert pushed.place is not None
    assert (pushed.place.room, pushed.place.seat) == (room.id, None)
    found = await lab.fleet.register.at_seat(room.id, "01")
    assert found is not None
    assert found.id == two.id
    with pytest.raises(NotFound):
        await lab.fleet.register.move(one.id, room.id, "99", by="Lan")


async def test_many_machines_into_a_room_at_once_in_order_of_their_numbers(lab: Lab) -> None:
    room = await _room(lab, seats=5)
    await lab.machine("TAKEN", room=room.id, seat="02")
    machines = [await lab.machine(f"PC-{n}") for n in (10, 2, 1, 3)]
    await lab.fleet.register.move_many([m.id for m in machines], room.id, by="Lan", seats_from="01")
    seats = {m.name: m.place.seat for m in await lab.fleet.register.machines(room=room.id) if m.place}
    assert seats == {"PC-1": "01", "TAKEN": "02", "PC-2": "03", "PC-3": "04", "PC-10": "05"}
    await lab.fleet.register.move_many([m.id for m in machines], room.id, by="Lan")
    assert sum(1 for m in await lab.fleet.register.machines(room=room.id) if m.place and m.place.seat) == 1


async def test_retired_machines_leave_their_seat_and_keep_their_history(lab: Lab) -> None:
    room = await _room(lab)
    machine = await lab.machine(room=room.id, seat="01")
    await lab.fleet.register.note_repair(machine.id, "thay nguồn", by="Lan", parts="PSU 300 W")
    lab.clock.advance(DAY)
    await lab.fleet.register.retire(machine.id, by="Lan", why="hỏng nặng")
    assert await lab.fleet.register.machines() == []
    assert await lab.fleet.register.at_seat(room.id, "01") is None
    gone = await lab.fleet.register.machine(machine.id)
    assert (gone.alive, gone.place) == (False, None)
    assert [r.parts for r in await lab.fleet.register.repairs(machine.id)] == ["PSU 300 W"]
    assert [m.id for m in await lab.fleet.register.machines(retired=True)] == [machine.id]


async def test_who_did_what_is_in_the_audit_log(lab: Lab, school: Database) -> None:
    machine = await lab.machine()
    await lab.fleet.register.rename(machine.id, "Máy thầy", by="Minh")
    rows = await school.read(lambda c: [tuple(r) for r in c.execute('SELECT by_name, what, "on" FROM audit ORDER BY seq')])
    assert rows == [("Lan", "fleet.machine-added", machine.id), ("Minh", "fleet.machine-renamed", machine.id)]


async def test_a_broken_machine_works_again_after_its_repair(lab: Lab) -> None:
    machine = await lab.machine()
    await lab.fleet.register.set_condition(machine.id, Condition.BROKEN, by="Lan")
    await lab.fleet.register.note_repair(machine.id, "thay RAM", by="Lan", works_again=True)
    assert (await lab.fleet.register.machine(machine.id)).condition is Condition.WORKING
    with pytest.raises(BadInput):
        await lab.fleet.register.note_repair(machine.id, "  ", by="Lan")


async def test_maintenance_windows(lab: Lab) -> None:
    room = await _room(lab)
    now = lab.clock.now_ms()
    window = await lab.fleet.register.plan_maintenance(by="Lan", from_at=now, until_at=now + HOUR, room=room.id)
    assert [w.id for w in await lab.fleet.register.maintenance(now=now)] == [window.id]
    await lab.fleet.register.end_maintenance(window.id, by="Lan")
    assert await lab.fleet.register.maintenance(now=now) == []
    with pytest.raises(BadInput):
        await lab.fleet.register.plan_maintenance(by="Lan", from_at=now, until_at=now, room=room.id)
    with pytest.raises(BadInput):
        await lab.fleet.register.plan_maintenance(by="Lan", from_at=now, until_at=now + 1)


async def test_fault_reports_are_few_short_and_nameless(lab: Lab) -> None:
    room = await _room(lab)
    report = lab.fleet.faults.report
    for text in ("", "   ", "x" * 301):
        with pytest.raises(BadInput):
            await report(room=room.id, text=text, address="a")
    with pytest.raises(NotFound):
        await report(room=room.id, seat="77", text="hỏng", address="a")
    for n in range(5):
        await report(room=room.id, seat="01", text=f"hỏng {n}", address="10.0.0.1")
    with pytest.raises(TooMany):
        await report(room=room.id, seat="01", text="hỏng", address="10.0.0.1")
    lab.clock.advance(11 * MINUTE)
    await report(room=room.id, seat="01", text="hỏng", address="10.0.0.1")
    for n in range(14):
        await report(room=room.id, seat="01", text="hỏng", address=f"10.0.1.{n}")
    with pytest.raises(TooMany):
        await report(room=room.id, seat="01", text="hỏng", address="10.0.2.1")
    open_ones = await lab.fleet.faults.open_ones(room=room.id)
    assert len(open_ones) == 20
    closed = await lab.fleet.faults.close(open_ones[0].id, by="Lan")
    assert closed.closed_by == "Lan"
    assert len(await lab.fleet.faults.open_ones()) == 19


CSV = """\ufeffTên máy;Phòng;Chỗ;Số thẻ tài sản;Tình trạng;Hệ điều hành;Người mua
Máy 01;Phòng Tin 1;1;TS-001;Tốt;Windows 7;ông A
Máy 02;phòng tin 1;02;TS-002;Hỏng;;
;;;;;;
Máy 03;Phòng Hoá;;TS-003;Tốt;;
Máy 04;Phòng Tin 1;9;TS-004;Tốt;;
Máy 05;;;TS-005;lạ lùng;;
""".encode()


async def test_a_list_is_shown_before_it_is_carried_out(lab: Lab) -> None:
    room = await _room(lab)
    shown = await lab.fleet.declared.preview(CSV)
    assert [(r.line, r.what) for r in shown.rows] == [(2, "new"), (3, "new"), (5, "wrong"), (6, "wrong"), (7, "wrong")]
    assert shown.ignored_columns == ("Người mua",)
    assert await lab.fleet.register.machines() == []
    await lab.fleet.declared.carry_out(CSV, shown.digest, by="Lan")
    machines = await lab.fleet.register.machines()
    assert [(m.name, m.condition, m.os, m.place.seat if m.place else None) for m in machines] == [
        ("Máy 01", Condition.WORKING, "Windows 7", "01"),
        ("Máy 02", Condition.BROKEN, "", "02"),
    ]
    again = await lab.fleet.declared.preview(CSV)
    assert again.count("same") == 2
    with pytest.raises(Conflict):
        await lab.fleet.declared.carry_out(CSV, shown.digest, by="Lan")
    assert (await lab.fleet.register.machines(room=room.id))[0].asset == "TS-001"


async def test_a_second_list_changes_what_it_names_and_nothing_else(lab: Lab) -> None:
    await _room(lab)
    first = await lab.fleet.declared.preview(CSV)
    await lab.fleet.declared.carry_out(CSV, first.digest, by="Lan")
    csv = b"asset number,name,condition\nts-001,Lab 1,broken\n"
    shown = await lab.fleet.declared.preview(csv)
    assert [(r.what, r.fields) for r in shown.rows] == [("changed", ("name", "condition"))]
    await lab.fleet.declared.carry_out(csv, shown.digest, by="Lan")
    machines = await lab.fleet.register.machines()
    assert [(m.name, m.os, m.condition, m.place.seat if m.place else None) for m in machines] == [
        ("Lab 1", "Windows 7", Condition.BROKEN, "01"),
        ("Máy 02", "", Condition.BROKEN, "02"),
    ]


async def test_a_machine_twice_in_a_list_is_wrong_the_second_time(lab: Lab) -> None:
    await lab.fleet.register.declare(Declaration(name="A", serial="S1"), by="Lan")
    shown = await lab.fleet.declared.preview(b"name,serial\nA,S1\nB,s1\n")
    assert [r.what for r in shown.rows] == ["same", "wrong"]


def test_files_that_are_no_list() -> None:
    for body in (b"", b"\xff\xfe\x00", b"phong,cho\n1,2\n", b"x" * 3_000_000):
        with pytest.raises(BadInput):
            parse(body)
    rows, _ = parse("name\tnote\nPC 1\tmới\n".encode("utf-16"))
    assert rows == [(2, {"name": "PC 1", "note": "mới"})]


def test_words_for_conditions_and_order_of_names() -> None:
    assert condition_of("Còn tốt") is Condition.WORKING
    assert condition_of("HỎNG nguồn") is Condition.BROKEN
    assert condition_of("") is Condition.UNKNOWN
    assert condition_of("???") is None
    assert sorted(["PC 10", "PC 2", "PC 1"], key=in_order) == ["PC 1", "PC 2", "PC 10"]
