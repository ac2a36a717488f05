"""What people type about the school and its year, turned into documents. Used by these pages and by set-up."""

import re
import secrets
from datetime import date, time

import msgspec

from densach_core.errors import BadInput
from densach_core.folding import fold
from densach_core.text import t
from densach_hub.people.calendar import check, school_year_of
from densach_hub.people.model import Calendar, Campus, Holiday, Level, Period, SchoolCode, SchoolProfile, Term

CODES = 3
_TIME = re.compile(r"(\d{1,2})\s*[:hg]\s*(\d{2})?")
_DAY = re.compile(r"(\d{1,2})\s*[/.\-]\s*(\d{1,2})\s*[/.\-]\s*(\d{4})")


class ProfileForm(msgspec.Struct, frozen=True):
    """Codes come in three rows; campuses one a line, "name; code"."""

    name: str = ""
    code_1: str | None = None
    since_1: date | None = None
    code_2: str | None = None
    since_2: date | None = None
    code_3: str | None = None
    since_3: date | None = None
    levels: list[Level] = []
    province_code: str | None = None
    province: str | None = None
    commune_code: str | None = None
    commune: str | None = None
    campuses: str = ""
    login_by_class: bool = False
    login_full_names: bool = False

    def profile(self, before: SchoolProfile) -> SchoolProfile:
        """Raises BadInput("profile.…")."""
        name = " ".join(self.name.split())
        if not name:
            raise BadInput("profile.no-name", t("The school's name is missing."), field="name")
        if not self.levels:
            raise BadInput("profile.no-level", t("Choose at least one level."), field="levels")
        rows = ((self.code_1, self.since_1), (self.code_2, self.since_2), (self.code_3, self.since_3))
        codes = [
            SchoolCode(code=_code(code, f"code_{n}"), since=since)
            for n, (code, since) in enumerate(rows, 1)
            if code and code.strip()
        ]
        return SchoolProfile(
            name=name[:200],
            codes=tuple(_dated(codes)),
            levels=tuple(level for level in Level if level in self.levels),
            province_code=_digits(self.province_code, 2, "province_code"),
            province=self.province,
            commune_code=_digits(self.commune_code, 5, "commune_code"),
            commune=self.commune,
            campuses=_campuses(self.campuses, before),
            login_by_class=self.login_by_class,
            login_full_names=self.login_full_names,
        )


class CalendarForm(msgspec.Struct, frozen=True):
    """Holidays one a line, "name: from - to"; lessons one a line, "7:00 - 7:45"."""

    first_1: date
    last_1: date
    first_2: date
    last_2: date
    holidays: str = ""
    weekdays: list[int] = []
    extra_days: str = ""
    periods: str = ""

    def calendar(self, school_year: str | None = None) -> Calendar:
        """Raises BadInput("calendar.…")."""
        found = Calendar(
            id=school_year or school_year_of(self.first_1),
            terms=(Term("Học kỳ I", self.first_1, self.last_1), Term("Học kỳ II", self.first_2, self.last_2)),
            holidays=tuple(_holiday(line) for line in _lines(self.holidays)),
            weekdays=tuple(sorted({day for day in self.weekdays if 1 <= day <= 7})),
            extra_days=tuple(day for line in _lines(self.extra_days) for day in _days(line, "extra_days")),
            periods=_periods(self.periods),
        )
        check(found)
        return found


def holidays_text(calendar: Calendar) -> str:
    return "\n".join(
        f"{h.name}: {h.first:%d/%m/%Y}" + (f" - {h.last:%d/%m/%Y}" if h.last != h.first else "") for h in calendar.holidays
    )


def extra_days_text(calendar: Calendar) -> str:
    return "\n".join(f"{day:%d/%m/%Y}" for day in calendar.extra_days)


def periods_text(calendar: Calendar) -> str:
    return "\n".join(f"{p.starts:%H:%M} - {p.ends:%H:%M}" for p in calendar.periods)


def campuses_text(profile: SchoolProfile) -> str:
    return "\n".join(f"{c.name}; {c.code}" if c.code else c.name for c in profile.campuses)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()][:200]


def _code(code: str, field: str) -> str:
    code = code.strip()
    if len(code) > 30 or not all(ch.isalnum() or ch in "-._" for ch in code):
        raise BadInput("profile.code-odd", t("“{code}” is no school code.", code=code[:40]), field=field)
    return code


def _dated(codes: list[SchoolCode]) -> list[SchoolCode]:
    """In order of their beginning; each lasts until the day before the next."""
    ordered = sorted(codes, key=lambda one: one.since or date.min)
    found = []
    for index, one in enumerate(ordered):
        after = ordered[index + 1].since if index + 1 < len(ordered) else None
        until = date.fromordinal(after.toordinal() - 1) if after else None
        found.append(msgspec.structs.replace(one, until=until))
    return found


def _digits(text: str | None, n: int, field: str) -> str | None:
    if text is None or not text.strip():
        return None
    text = text.strip()
    if len(text) != n or not (text.isascii() and text.isdigit()):
        raise BadInput("profile.area-odd", t("“{code}” does not have {n} digits.", code=text[:20], n=n), field=field)
    return text


def _campuses(text: str, before: SchoolProfile) -> tuple[Campus, ...]:
    """A campus keeps its id as long as its name or code stays."""
    found: list[Campus] = []
    for line in _lines(text):
        name, _, code = (part.strip() for part in line.partition(";"))
        known = next((c for c in before.campuses if c.name == name or (code and c.code == code)), None)
        key = known.id if known else re.sub(r"[^a-z0-9]+", "-", fold(name)).strip("-")[:30] or secrets.token_hex(3)
        if any(c.id == key for c in found):
            key = f"{key}-{len(found) + 1}"
        found.append(Campus(id=key, name=name[:100], code=_code(code, "campuses") if code else None))
    return tuple(found)


def _holiday(line: str) -> Holiday:
    name, _, rest = line.rpartition(":")
    days = _days(rest, "holidays")
    if not name.strip() or len(days) not in {1, 2}:
        raise BadInput(
            "calendar.holiday-odd",
            t("This line is no holiday: “{line}”.", line=line[:60]),
            t("Write it like “Tết Dương lịch: 01/01/2027” or “Name: 08/02/2027 - 21/02/2027”."),
            field="holidays",
        )
    return Holiday(name.strip()[:80], days[0], days[-1])


def _days(text: str, field: str) -> list[date]:
    found = []
    for day, month, year in _DAY.findall(text):
        try:
            found.append(date(int(year), int(month), int(day)))
        except ValueError as error:
            raise BadInput("calendar.day-odd", t("“{text}” is no date.", text=f"{day}/{month}/{year}"), field=field) from error
    return found


def _periods(text: str) -> tuple[Period, ...]:
    found: list[Period] = []
    for line in _lines(text):
        times: list[time] = []
        for hour, minute in _TIME.findall(line):
            if int(hour) > 23 or int(minute or 0) > 59:
                times.clear()
                break
            times.append(time(int(hour), int(minute or 0)))
        if len(times) != 2:
            raise BadInput(
                "calendar.period-odd",
                t("This line is no lesson: “{line}”.", line=line[:40]),
                t("Write its two times, like “7:00 - 7:45”."),
                field="periods",
            )
        found.append(Period(number=len(found) + 1, starts=times[0], ends=times[1], afternoon=times[0] >= time(12)))
    return tuple(found)
