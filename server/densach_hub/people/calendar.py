"""Decisions about school days. Pure.

A "school day" decides what counts as a machine silent for five days: Sundays, Tết and the summer do not.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import pairwise

from densach_core.errors import BadInput, NotFound
from densach_core.text import t
from densach_hub.people.model import Calendar, Holiday, Period, Term

FARTHEST_BACK = 500
"""Days looked back for school days: over a whole summer and the year before."""

# First day of the lunar year in Vietnam (UTC+7: 2030 differs from China's), and 10 March of the lunar calendar.
TET = {
    2026: date(2026, 2, 17), 2027: date(2027, 2, 6), 2028: date(2028, 1, 26), 2029: date(2029, 2, 13),
    2030: date(2030, 2, 2), 2031: date(2031, 1, 23), 2032: date(2032, 2, 11),
}  # fmt: skip
HUNG_KINGS = {
    2026: date(2026, 4, 26), 2027: date(2027, 4, 16), 2028: date(2028, 4, 4), 2029: date(2029, 4, 23),
    2030: date(2030, 4, 12),
}  # fmt: skip


def is_school_day(calendar: Calendar, day: date) -> bool:
    """Whether lessons are held: in a term, on a school weekday or as an extra day, and no holiday (an extra day wins)."""
    if day in calendar.extra_days:
        return True
    return (
        any(term.first <= day <= term.last for term in calendar.terms)
        and day.isoweekday() in calendar.weekdays
        and not any(holiday.first <= day <= holiday.last for holiday in calendar.holidays)
    )


def is_school_day_in(calendars: Iterable[Calendar], day: date) -> bool:
    return any(is_school_day(calendar, day) for calendar in calendars)


def covers(calendars: Iterable[Calendar], day: date) -> bool:
    """Whether a calendar says anything about a day; otherwise "school day" is unknown, not false."""
    return any(calendar.first <= day <= calendar.last or day in calendar.extra_days for calendar in calendars)


def last_school_days(calendars: Sequence[Calendar], n: int, before: date) -> list[date]:
    """The `n` newest school days before `before` (exclusive), newest first; fewer when the calendars hold no more."""
    found: list[date] = []
    day = before
    for _ in range(FARTHEST_BACK):
        if len(found) >= n:
            break
        day -= timedelta(days=1)
        if is_school_day_in(calendars, day):
            found.append(day)
    return found


def school_days(calendars: Sequence[Calendar], first: date, last: date) -> Iterator[date]:
    """The school days from `first` to `last`, both inclusive."""
    day = first
    while day <= last:
        if is_school_day_in(calendars, day):
            yield day
        day += timedelta(days=1)


def calendar_of(calendars: Iterable[Calendar], day: date) -> Calendar | None:
    """The calendar a day falls in; in a summer the one that ended last before it; None before the first."""
    begun = [calendar for calendar in calendars if calendar.first <= day]
    return max(begun, key=lambda calendar: calendar.first) if begun else None


def school_year_of(day: date) -> str:
    """How a school year is written; it turns on 1 August."""
    start = day.year if day.month >= 8 else day.year - 1
    return f"{start}-{start + 1}"


def period_at(calendar: Calendar, moment: time) -> Period | None:
    """The lesson going on at a time of day (from its start to just before its end)."""
    return next((p for p in calendar.periods if p.starts <= moment < p.ends), None)


def check(calendar: Calendar) -> None:
    """Raises BadInput("calendar.…") for what cannot be: no term, ends before starts, lessons that overlap."""
    if not calendar.terms:
        raise BadInput("calendar.no-term", t("A school year needs at least one term."), field="terms")
    spans = [(f"last_{n}", x.name, x.first, x.last) for n, x in enumerate(calendar.terms, 1)]
    spans += [("holidays", x.name, x.first, x.last) for x in calendar.holidays]
    for field, name, first, last in spans:
        if last < first:
            what = t("{name} ends before it begins.", name=name)
            raise BadInput("calendar.backwards", what, t("Correct the two dates."), field=field)
    if (calendar.last - calendar.first).days > 370:
        what = t("A school year is not longer than a year.")
        raise BadInput("calendar.too-long", what, t("Correct the dates of the terms."), field="last_2")
    if not calendar.weekdays:
        raise BadInput("calendar.no-weekday", t("Choose at least one school weekday."), field="weekdays")
    ordered = sorted(calendar.periods, key=lambda p: p.starts)
    for period in ordered:
        if period.ends <= period.starts:
            raise BadInput("calendar.period-backwards", t("Lesson {n} ends before it begins.", n=period.number), field="periods")
    for one, two in pairwise(ordered):
        if two.starts < one.ends:
            what = t("Lessons {one} and {two} overlap.", one=one.number, two=two.number)
            raise BadInput("calendar.overlap", what, field="periods")


def proposed(day: date) -> Calendar:
    """A sensible year to begin with: opening on 5 September, 18 and 17 full weeks, Tết off.

    Schools follow their department's decision, so every date is only a proposal to be corrected.
    """
    year = int(school_year_of(day)[:4])
    opening = date(year, 9, 5)
    start = opening if opening.isoweekday() < 7 else opening + timedelta(days=1)
    monday = start + timedelta(days=(8 - start.isoweekday()) % 7)
    first_end = monday + timedelta(weeks=18, days=-2)
    holidays = [Holiday("Tết Dương lịch", date(year + 1, 1, 1), date(year + 1, 1, 1))]
    if tet := TET.get(year + 1):
        off = tet - timedelta(days=tet.isoweekday() - 1 + (7 if tet.isoweekday() <= 3 else 0))
        holidays.append(Holiday("Tết Nguyên đán", off, off + timedelta(days=13)))
    if kings := HUNG_KINGS.get(year + 1):
        holidays.append(Holiday("Giỗ Tổ Hùng Vương", kings, kings))
    holidays.append(Holiday("Giải phóng miền Nam và Quốc tế Lao động", date(year + 1, 4, 30), date(year + 1, 5, 1)))
    second = first_end + timedelta(days=2)
    second_end = second + timedelta(weeks=17 + 2, days=-2)
    return Calendar(
        id=f"{year}-{year + 1}",
        terms=(Term("Học kỳ I", start, first_end), Term("Học kỳ II", second, second_end)),
        holidays=tuple(holidays),
        weekdays=(1, 2, 3, 4, 5, 6),
        periods=proposed_periods(),
    )


def proposed_periods() -> tuple[Period, ...]:
    """Five lessons of 45 minutes in the morning from 7:00, four in the afternoon from 13:30, a long break after two."""
    found: list[Period] = []
    for afternoon, opening, many in ((False, time(7, 0), 5), (True, time(13, 30), 4)):
        at = datetime.combine(date.min, opening)
        for n in range(many):
            end = at + timedelta(minutes=45)
            found.append(Period(number=len(found) + 1, starts=at.time(), ends=end.time(), afternoon=afternoon))
            at = end + timedelta(minutes=20 if n == 1 else 5)
    return tuple(found)


def proposed_for(school_year: str) -> Calendar:
    """The proposal for a year written like "2026-2027". Raises NotFound("people.no-year")."""
    first = school_year.partition("-")[0]
    if len(first) != 4 or not (first.isascii() and first.isdigit()) or not 2000 <= int(first) <= 2100:
        fits = False
    else:
        fits = school_year == f"{first}-{int(first) + 1}"
    if not fits:
        raise NotFound("people.no-year", t("“{year}” is no school year.", year=school_year[:20]), t("Write it like 2026-2027."))
    return proposed(date(int(first), 9, 1))
