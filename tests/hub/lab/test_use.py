"""What machines were used for, as the technician reads it."""

from tests.hub.lab.conftest import Stage
from tests.hub.lab.test_pages import words

from densach_hub.fleet.telling import Arrival, Arrived, UsePart
from densach_hub.lab.use import use_of
from densach_wire.messages import Moment, SessionKind, UsageSlice

MINUTE = 60_000
MACHINE = "pc-pc-07"


async def tell(stage: Stage, *pieces: UsageSlice) -> None:
    now = stage.hub.rooms.clock.now_ms()
    records = tuple(Arrived(seq, now, piece, now - 15 * MINUTE, now) for seq, piece in enumerate(pieces, 1))
    arrival = Arrival(device=MACHINE, stream="of-use", boot="b1", received_at=now, records=records)
    await stage.fleet.telemetry.receive(arrival)
    await stage.fleet.telemetry.roll_up()


def piece(active: int, how: str, kind: SessionKind = SessionKind.LOCAL, unknown: int = 0, **apps: int) -> UsageSlice:
    named = {name.replace("_", "-"): minutes * MINUTE for name, minutes in apps.items()}
    return UsageSlice(
        session="s", start=Moment(0), end=Moment(900), active_ms=active * MINUTE, idle_ms=0, kind=kind,
        unknown_ms=unknown * MINUTE, apps=named, apps_how=how,
    )  # fmt: skip


async def test_hours_by_class_say_whether_it_was_in_front_or_only_ran(stage: Stage) -> None:
    await tell(
        stage,
        piece(300, "foreground", browser=120, office=90, e_learning=60, coding=20),
        piece(90, "running", unknown=45, browser=90, media=30),
        piece(40, "", SessionKind.EXAM),
    )
    said = words(await stage.technician.get(f"/lab/machines/{MACHINE}"))
    for sentence in (
        "Dùng vào việc gì: theo cửa sổ đang dùng đo được Trình duyệt web 2 giờ Soạn thảo và đọc tài liệu 1,5 giờ",
        "Dùng vào việc gì: theo phần mềm đang chạy đo được",
        "tổng các giờ này có thể lớn hơn số giờ sử dụng",
        "có 45 phút không rõ có người ngồi máy hay không",
        "Thi, kiểm tra 40 phút",
    ):
        assert sentence in said, sentence
    place = (await stage.fleet.register.machine(MACHINE)).place
    assert place is not None
    said = words(await stage.technician.get(f"/lab/rooms/{place.room}"))
    assert "máy hiện đặt ở phòng này" in said
    assert "Lập trình 20 phút 1 máy" in said


def test_where_everybody_just_sat_there_kinds_are_not_told() -> None:
    use = use_of([UsePart(what="kind", name="local", ms=MINUTE, machines=1)], 0, 1, simulated=False)
    assert not use.told
    remote = UsePart(what="kind", name="remote", ms=MINUTE, machines=1)
    assert [share.width for share in use_of([remote, remote], 0, 1, simulated=False).kinds] == [100, 100]


async def test_use_at_an_unknown_time_is_added_onto_no_day(stage: Stage) -> None:
    now = stage.hub.rooms.clock.now_ms()
    before = sum(day.active_ms for day in (await stage.fleet.alerts.machine(MACHINE)).usage)
    records = tuple(Arrived(seq, now, piece(300, ""), now - 15 * MINUTE, now) for seq in range(1, 13))
    told = Arrival(device=MACHINE, stream="of-use", boot="b0", received_at=now, records=records, placed=False)
    await stage.fleet.telemetry.receive(told)
    await stage.fleet.telemetry.roll_up()
    sight = await stage.fleet.alerts.machine(MACHINE)
    assert sum(day.active_ms for day in sight.usage) == before
    assert sight.undated_ms == 12 * 300 * MINUTE
    assert "60 giờ sử dụng không rõ vào lúc nào" in words(await stage.technician.get(f"/lab/machines/{MACHINE}"))
