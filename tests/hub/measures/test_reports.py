"""From machines, classes and books to figures: each with its state, none with an invented 0."""

from datetime import date, timedelta

import pytest
from tests.hub.measures.conftest import DAY, SchoolUnderTest

from densach_core.criteria.model import Reason
from densach_core.errors import NotFound
from densach_hub.fleet.model import Condition, RoomKind
from densach_hub.measures.export import report_csv, report_xlsx
from densach_hub.people.model import Level
from densach_wire.messages import Presence
from densach_wire.upward import State


async def test_an_empty_school_knows_nothing_and_says_so(school: SchoolUnderTest) -> None:
    await school.set_up(Level.TH, Level.THCS)
    for key in ("machines-registered", "machines-working", "machines-connected"):
        assert await school.value(key) == (None, "unknown", Reason.NO_MACHINES)
    assert await school.value("pupils-per-computer.THCS") == (None, "unknown", Reason.NO_MACHINES)
    assert await school.value("computers-short") == (None, "unknown", Reason.NO_MACHINES)
    assert await school.value("studio-rooms") == (None, "unknown", Reason.NO_STUDIO)
    assert await school.value("library-titles") == (0, "measured", None)
    assert await school.value("library-loans") == (None, "unknown", Reason.NO_DESK)


async def test_without_a_calendar_nobody_knows_what_a_school_day_is(school: SchoolUnderTest) -> None:
    await school.set_up(calendar=False)
    room = await school.room("Phòng máy 1")
    await school.works(await school.machine("M1", room), days_ago=1)
    assert await school.value("machines-working") == (None, "unknown", Reason.NO_CALENDAR)


async def test_working_means_the_last_five_school_days_not_the_last_five_days(school: SchoolUnderTest) -> None:
    await school.set_up()
    room = await school.room("Phòng máy 1")
    inside, outside, never = [await school.machine(name, room) for name in ("M1", "M2", "M3")]
    # Tuesday 24: the days are Tue 24, Mon 23, Sat 21, Fri 20, Thu 19; a Sunday lies between.
    await school.works(inside, days_ago=5)
    await school.works(outside, days_ago=6)
    await school.connect(never)
    assert (await school.value("machines-working"))[0] == 1
    assert (await school.value("machines-connected"))[0] == 1
    opened = await school.measures.opened("machines-working")
    assert [machine.name for machine in opened.counted] == ["M1"]
    assert sorted(machine.name for machine in opened.left_out) == ["M2", "M3"]
    assert opened.school_days == ("2026-11-24", "2026-11-23", "2026-11-21", "2026-11-20", "2026-11-19")


async def test_a_machine_admitted_today_and_not_yet_seen_at_work_is_unknown_not_broken(school: SchoolUnderTest) -> None:
    await school.set_up()
    room = await school.room("Phòng máy 1")
    await school.machine("M1", room, admitted_ago=3_600_000)
    assert await school.value("machines-working") == (None, "unknown", Reason.NOT_HEARD)


async def test_the_ratio_takes_the_largest_class_of_the_level_and_the_room_it_is_taught_in(school: SchoolUnderTest) -> None:
    await school.set_up(Level.THCS, Level.THPT)
    shared, other = await school.room("Tin 1"), await school.room("Tin 2")
    for n in range(4):
        await school.works(await school.machine(f"A{n}", shared), days_ago=1)
    await school.works(await school.machine("B0", other), days_ago=1)
    await school.klass("6A", 6, 10, shared)
    await school.klass("6B", 6, 3, other)
    await school.klass("10A", 10, 6, shared)
    assert await school.value("pupils-per-computer.THCS") == (2.5, "measured", None)
    assert await school.value("pupils-per-computer.THPT") == (1.5, "measured", None)
    # Tin 1: THCS needs 5, THPT 6, 4 work: 2 short. Tin 2: 6B needs 2, 1 works: 1 short.
    assert (await school.value("computers-short"))[0] == 3


async def test_declared_machines_count_as_declared_and_broken_ones_do_not_work(school: SchoolUnderTest) -> None:
    await school.set_up()
    room = await school.room("Phòng máy 1")
    await school.works(await school.machine("M1", room), days_ago=1)
    await school.declare("Win7", room, Condition.WORKING)
    await school.declare("Hỏng", room, Condition.BROKEN)
    await school.declare("Chưa xem", room, Condition.UNKNOWN)
    await school.klass("6A", 6, 8, room)
    assert await school.value("machines-registered") == (4, "declared", None)
    assert await school.value("machines-working") == (2, "declared", None)
    assert await school.value("pupils-per-computer.THCS") == (4, "declared", None)


async def test_nought_is_measured_once_the_register_has_had_anything(school: SchoolUnderTest) -> None:
    await school.set_up()
    await school.room("Phòng studio", RoomKind.STUDIO)
    await school.machine("S1", None, simulated=True)
    assert await school.value("machines-registered") == (None, "unknown", Reason.NO_MACHINES)
    assert await school.value("studio-equipment") == (None, "unknown", Reason.NO_MACHINES)
    machine = await school.machine("M1", None)
    await school.fleet.register.retire(machine.id, by="test")
    assert await school.value("machines-registered") == (0, "measured", None)
    assert await school.value("studio-equipment") == (0, "measured", None)


async def test_a_simulated_machine_that_speaks_does_not_make_the_school_heard(school: SchoolUnderTest) -> None:
    await school.set_up(Level.THCS)
    real, pretending = await school.machine("M1", None), await school.machine("S1", None, simulated=True)
    await school.fleet.telemetry.presence(pretending.id, Presence.ONLINE, at=school.clock.now_ms())
    assert (await school.measures.facts()).last_heard_at is None
    await school.fleet.telemetry.presence(real.id, Presence.ONLINE, at=(spoke := school.clock.now_ms() - DAY))
    assert (await school.measures.facts()).last_heard_at == spoke


async def test_simulated_machines_are_in_no_headline_and_the_ratio_with_them_stands_beside(school: SchoolUnderTest) -> None:
    await school.set_up()
    room = await school.room("Phòng máy 1")
    await school.works(await school.machine("M1", room), days_ago=1)
    await school.works(await school.machine("S1", room, simulated=True), days_ago=1)
    await school.klass("6A", 6, 8, room)
    assert (await school.value("machines-registered"))[0] == 1
    assert (await school.value("machines-working"))[0] == 1
    opened = await school.measures.opened("pupils-per-computer.THCS")
    assert (opened.line.indicator.value, opened.line.indicator.with_simulated) == (8, 4)
    assert opened.line.indicator.grounds.simulated == 1
    assert ([machine.name for machine in opened.counted], [machine.name for machine in opened.simulated]) == (["M1"], ["S1"])
    table = report_csv(await school.measures.report(), "vi", lambda text: text.msgid).decode("utf-8-sig").splitlines()
    head, ratio = table[0].split(";"), next(line for line in table if line.startswith("pupils-per-computer.THCS")).split(";")
    row = dict(zip(head, ratio, strict=True))
    beside = (row["Mô phỏng (tính riêng)"], row["Giá trị khi tính cả mô phỏng"])
    assert (row["Giá trị"], row["Đạt"], *beside) == ("8,0", "không", "1", "4,0")
    assert await school.value("computers-short") == (3, "measured", None)


async def test_studio_and_its_computers(school: SchoolUnderTest) -> None:
    await school.set_up()
    studio = await school.room("Phòng studio", RoomKind.STUDIO)
    await school.machine("ST1", studio)
    assert await school.value("studio-rooms") == (1, "declared", None)
    assert await school.value("studio-equipment") == (1, "measured", None)


async def test_each_day_is_kept_and_can_be_opened_later(school: SchoolUnderTest) -> None:
    await school.set_up()
    room = await school.room("Phòng máy 1")
    first = await school.machine("M1", room)
    await school.measures.snapshot()
    school.clock.advance(3 * DAY)
    await school.machine("M2", room)
    await school.measures.snapshot()
    then, now = date(2026, 11, 24), date(2026, 11, 27)
    kept = await school.measures.report(then + timedelta(days=1))
    assert (kept.day, kept.lines[0].indicator.value) == ("2026-11-24", 1)
    assert (kept.first_day, kept.last_day) == ("2026-11-24", "2026-11-27")
    opened = await school.measures.opened("machines-registered", then)
    assert [machine.id for machine in opened.counted] == [first.id]
    trend = (await school.measures.report(now)).lines[0].trend
    assert trend is not None
    assert [value for value in trend.values if value is not None] == [1, 2]
    with pytest.raises(NotFound):
        await school.measures.report(date(2026, 11, 1))
    with pytest.raises(NotFound):
        await school.measures.opened("no-such-figure")


async def test_the_schools_own_criteria_file_is_used(school: SchoolUnderTest) -> None:
    folder = school.folder / "criteria"
    folder.mkdir()
    (folder / "broken.toml").write_text("id = 7", "utf-8")
    await school.set_up()
    assert [name for name, _ in (await school.measures.shelf()).problems] == ["broken.toml"]


async def test_files_to_take_away_write_unknown_as_a_word(school: SchoolUnderTest) -> None:
    await school.set_up()
    room = await school.room("Phòng máy 1")
    await school.works(await school.machine("M1", room), days_ago=1)
    await school.klass("6A", 6, 3, room)
    report = await school.measures.report()
    table = report_csv(report, "vi", lambda text: text.msgid)
    assert table.startswith(b"\xef\xbb\xbf")
    lines = table.decode("utf-8-sig").splitlines()
    ratio = next(line for line in lines if line.startswith("pupils-per-computer.THCS"))
    assert ";3,0;" in ratio
    loans = next(line for line in lines if line.startswith("library-loans"))
    assert ";chưa rõ;" in loans
    assert ";0;" not in loans.partition("lượt")[0]
    assert report_xlsx(report, "vi", "Trường", lambda text: text.msgid)[:2] == b"PK"


async def test_state_of_every_line_is_one_of_three_words(school: SchoolUnderTest) -> None:
    await school.set_up(Level.TH)
    for line in (await school.measures.report()).lines:
        assert line.indicator.state in set(State)
        assert (line.indicator.value is None) == (line.indicator.reason is not None)
