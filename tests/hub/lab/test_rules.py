"""Decisions of the lab's pages."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from densach_core.clock import DAY_MS
from densach_core.text import t, tn
from densach_hub.fleet.model import Room, Seat
from densach_hub.fleet.rooms import numbered_seats
from densach_hub.fleet.sights import Finding, FindingKind, Glyph, RoomCount, RoomSight, SeatSight
from densach_hub.fleet.telling import ClockDoubt, ClockTrust, UsageDay
from densach_hub.lab.history import doubts
from densach_hub.lab.rules import (
    days_of_use,
    drawn,
    parse_code,
    parse_place,
    relaid,
    safe_cell,
    seat_code,
    sorted_out,
)

NOW = 1_795_485_600_000  # 2026-11-24 09:00 in Vietnam
HOUR = 3_600_000


def finding(key: str, since: int, *, urgent: bool = True, seen: int | None = None) -> Finding:
    return Finding(
        key=key, kind=FindingKind.SILENT, urgent=urgent, what=t("x"), do=t("y"), since_at=since, acknowledged_at=seen,
        acknowledged_by="Lan" if seen else None,
    )  # fmt: skip


def test_the_morning_begins_with_last_night() -> None:
    found = [
        finding("old", NOW - 3 * DAY_MS),
        finding("night", NOW - 8 * HOUR),
        finding("dawn", NOW - 2 * HOUR),
        finding("calm", NOW - HOUR, urgent=False),
        finding("seen", NOW - HOUR, seen=NOW),
    ]
    morning = sorted_out(found, NOW)
    assert [f.key for f in morning.fresh] == ["dawn", "night"]
    assert [f.key for f in morning.older] == ["old"]
    assert {f.key for f in morning.calm} == {"calm", "seen"}
    assert morning.urgent == 3


def sight(seats: tuple[Seat, ...]) -> RoomSight:
    room = Room(id="r", name="R", seats=seats)
    return RoomSight(room=room, seats=tuple(SeatSight(seat=s, glyph=Glyph.EMPTY) for s in seats), count=RoomCount())


@given(st.lists(st.tuples(st.integers(-3, 12), st.integers(-3, 40)), max_size=60))
def test_no_two_seats_are_drawn_on_one_place(places: list[tuple[int, int]]) -> None:
    seats = tuple(Seat(id=str(n), label=str(n), row=row, column=column) for n, (row, column) in enumerate(places))
    cells = drawn(sight(seats)).cells
    assert len({(c.row, c.column) for c in cells}) == len(seats)
    assert all(1 <= c.column <= 24 and c.row >= 1 for c in cells)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(1, 12))
def test_a_seat_keeps_its_id_when_the_room_is_laid_anew(before: int, after: int, columns: int) -> None:
    room = Room(id="r", name="R", seats=numbered_seats(before, 6))
    seats = relaid(room, after, columns)
    assert len(seats) == after
    assert [s.id for s in seats[:before]] == [s.id for s in room.seats[:after]]
    assert len({s.id for s in seats}) == after
    assert all(s.column < columns for s in seats)


@pytest.mark.parametrize("code", ["phong-tin-1.07", " phong-tin-1.07 "])
def test_a_label_leads_to_its_seat(code: str) -> None:
    assert parse_code(code) == ("phong-tin-1", "07")
    assert parse_code(seat_code("phong-tin-1", "07")) == ("phong-tin-1", "07")


@pytest.mark.parametrize("code", ["", "phong", "a.b.c", "../x.1", "phong tin.1", "x." + "1" * 40])
def test_what_is_no_label_leads_nowhere(code: str) -> None:
    assert parse_code(code) is None


def test_a_place_is_nowhere_a_room_or_a_seat() -> None:
    assert parse_place("") == (None, None)
    assert parse_place("phong") == ("phong", None)
    assert parse_place("phong/07") == ("phong", "07")


def test_a_day_without_a_word_is_not_a_day_without_use() -> None:
    usage = [UsageDay(device="d", day="2026-11-24", active_ms=HOUR, idle_ms=0, session_ms=HOUR, sessions=1),
             UsageDay(device="d", day="2026-11-22", active_ms=0, idle_ms=0, session_ms=0, sessions=0)]  # fmt: skip
    bars = days_of_use(usage, date(2026, 11, 24), 4)
    assert [bar.hours for bar in bars] == [None, 0.0, None, 1.0]


def test_a_spreadsheet_is_given_no_formula() -> None:
    assert safe_cell("=1+1") == "'=1+1"
    assert safe_cell("PC-07") == "PC-07"


def test_a_dead_clock_is_one_line_with_a_count() -> None:
    def boot(n: int, trust: ClockTrust) -> ClockDoubt:
        return ClockDoubt(device="pc", boot=str(n), trust=trust, offset_ms=None, first_at=n, last_at=n)

    clock = [*(boot(n, ClockTrust.NONE) for n in range(12)), boot(20, ClockTrust.SKEWED), boot(30, ClockTrust.GOOD)]
    dead, wrong = doubts(clock)
    assert (dead.at, dead.detail) == (11, tn("at {n} start", "at {n} starts", n=12))
    assert (wrong.at, wrong.detail) == (20, None)
