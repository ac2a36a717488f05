from datetime import date, time, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from densach_core.errors import BadInput
from densach_hub.people import calendar as rules
from densach_hub.people.forms import CalendarForm, extra_days_text, holidays_text, periods_text
from densach_hub.people.model import Calendar, Holiday, Period, Term

YEAR = Calendar(
    id="2026-2027",
    terms=(
        Term("I", date(2026, 9, 7), date(2027, 1, 9)),
        Term("II", date(2027, 1, 11), date(2027, 5, 22)),
    ),
    holidays=(Holiday("Tết", date(2027, 2, 1), date(2027, 2, 14)),),
    weekdays=(1, 2, 3, 4, 5),
    extra_days=(date(2026, 10, 3),),
)
days = st.dates(date(2026, 6, 1), date(2027, 9, 30))


@pytest.mark.parametrize(
    ("day", "is_one"),
    [
        (date(2026, 9, 7), True),
        (date(2026, 9, 6), False),
        (date(2026, 9, 12), False),  # a Saturday
        (date(2026, 10, 3), True),  # a Saturday made up for
        (date(2027, 2, 4), False),  # Tết
        (date(2027, 2, 15), True),
        (date(2027, 1, 10), False),  # between the terms
        (date(2027, 7, 1), False),
    ],
)
def test_school_days(day: date, is_one: bool) -> None:
    assert rules.is_school_day(YEAR, day) is is_one


@given(days, st.integers(0, 30))
def test_last_school_days_are_the_newest_before(before: date, n: int) -> None:
    found = rules.last_school_days([YEAR], n, before)
    assert found == sorted(set(found), reverse=True)
    assert len(found) <= n
    assert all(day < before and rules.is_school_day(YEAR, day) for day in found)
    if found:
        skipped = [day for day in rules.school_days([YEAR], found[-1], before - timedelta(days=1)) if day not in found]
        assert not skipped
    if len(found) < n:
        assert not list(rules.school_days([YEAR], date(2026, 1, 1), (found[-1] if found else before) - timedelta(days=1)))


@given(days)
def test_a_calendar_covers_its_school_days(day: date) -> None:
    if rules.is_school_day(YEAR, day):
        assert rules.covers([YEAR], day)


def test_five_school_days_before_school_begins_again_are_those_before_tet() -> None:
    assert rules.last_school_days([YEAR], 5, date(2027, 2, 15)) == [date(2027, 1, d) for d in (29, 28, 27, 26, 25)]


def test_the_last_days_of_the_year_before_count_in_september() -> None:
    before = rules.proposed(date(2025, 9, 1))
    found = rules.last_school_days([before, YEAR], 5, date(2026, 9, 9))
    assert found[:2] == [date(2026, 9, 8), date(2026, 9, 7)]
    assert [day.year for day in found[2:]] == [2026] * 3
    assert all(day <= before.last for day in found[2:])


@pytest.mark.parametrize(
    ("day", "year"), [(date(2026, 7, 31), "2025-2026"), (date(2026, 8, 1), "2026-2027"), (date(2027, 5, 1), "2026-2027")]
)
def test_the_school_year_turns_in_august(day: date, year: str) -> None:
    assert rules.school_year_of(day) == year


@given(st.dates(date(2020, 1, 1), date(2040, 12, 31)))
def test_the_proposed_year_is_a_sensible_one(day: date) -> None:
    year = rules.proposed(day)
    rules.check(year)
    assert year.id == rules.school_year_of(day)
    assert year.first.month == 9
    assert year.first.day <= 6
    taught = sum(1 for _ in rules.school_days([year], year.first, year.last))
    assert taught + 16 >= 34 * 6, "about 35 weeks of six days, less single holidays"
    assert taught <= (36 if year.last.year in rules.TET else 38) * 6
    assert date(year.last.year, 5, 15) <= year.last <= date(year.last.year, 5, 31)


@pytest.mark.parametrize("year", range(2026, 2032))
def test_tet_is_free(year: int) -> None:
    calendar = rules.proposed(date(year - 1, 10, 1))
    tet = rules.TET[year]
    assert not any(rules.is_school_day(calendar, tet + timedelta(days=n)) for n in range(-2, 5))


def test_periods() -> None:
    year = msgspec.structs.replace(YEAR, periods=rules.proposed_periods())
    rules.check(year)
    first = rules.period_at(year, time(7, 0))
    assert first is not None
    assert first.number == 1
    assert rules.period_at(year, time(7, 45)) is None
    afternoon = rules.period_at(year, time(13, 31))
    assert afternoon is not None
    assert afternoon.afternoon
    assert (afternoon.number, len(year.periods)) == (6, 9)


@given(st.times())
def test_at_most_one_lesson_goes_on_at_a_time(moment: time) -> None:
    year = msgspec.structs.replace(YEAR, periods=rules.proposed_periods())
    found = rules.period_at(year, moment)
    assert sum(p.starts <= moment < p.ends for p in year.periods) == (found is not None)


@pytest.mark.parametrize(
    ("code", "wrong"),
    [
        ("calendar.no-term", {"terms": ()}),
        ("calendar.backwards", {"terms": (Term("I", date(2027, 1, 1), date(2026, 9, 1)),)}),
        ("calendar.backwards", {"holidays": (Holiday("x", date(2027, 1, 2), date(2027, 1, 1)),)}),
        ("calendar.too-long", {"terms": (Term("I", date(2026, 1, 1), date(2027, 6, 1)),)}),
        ("calendar.no-weekday", {"weekdays": ()}),
        ("calendar.period-backwards", {"periods": (Period(number=1, starts=time(8), ends=time(7)),)}),
        (
            "calendar.overlap",
            {"periods": (Period(number=1, starts=time(7), ends=time(8)), Period(number=2, starts=time(7, 30), ends=time(9)))},
        ),
    ],
)
def test_what_cannot_be_is_refused(code: str, wrong: dict[str, object]) -> None:
    with pytest.raises(BadInput) as caught:
        rules.check(msgspec.structs.replace(YEAR, **wrong))
    assert caught.value.code == code


def test_a_calendar_survives_its_own_form() -> None:
    """What the page shows, sent back unchanged, changes nothing."""
    year = rules.proposed(date(2026, 9, 1))
    form = CalendarForm(
        first_1=year.terms[0].first, last_1=year.terms[0].last, first_2=year.terms[1].first, last_2=year.terms[1].last,
        holidays=holidays_text(year), weekdays=list(year.weekdays), extra_days=extra_days_text(year),
        periods=periods_text(year),
    )  # fmt: skip
    assert form.calendar() == year


@pytest.mark.parametrize("line", ["Tết", "Tết: ngày mai", "Tết: 31/02/2027", ": 01/01/2027", "x: 1/1/2027 - 2/1/2027 - 3/1/2027"])
def test_odd_holidays_are_named(line: str) -> None:
    form = CalendarForm(
        first_1=date(2026, 9, 5), last_1=date(2027, 1, 9), first_2=date(2027, 1, 11), last_2=date(2027, 5, 22),
        holidays=line, weekdays=[1],
    )  # fmt: skip
    with pytest.raises(BadInput):
        form.calendar()
