"""The school as people know it: its name and codes, its year, its classes, pupils and teachers. No I/O.

Documents (written by a person, may be edited by hand): SchoolProfile, Calendar. Rows of school.db: the rest.
"""

from datetime import date, time
from enum import StrEnum

import msgspec

from densach_core.accounts.model import AccountState


class Level(StrEnum):
    """Cấp học: tiểu học, trung học cơ sở, trung học phổ thông."""

    TH = "TH"
    THCS = "THCS"
    THPT = "THPT"


GRADES: dict[Level, range] = {Level.TH: range(1, 6), Level.THCS: range(6, 10), Level.THPT: range(10, 13)}


class SchoolCode(msgspec.Struct, frozen=True, kw_only=True):
    """A code the school has or had (mã trường). Text: leading zeros matter. `since` and `until` are inclusive days."""

    code: str
    since: date | None = None
    until: date | None = None
    level: Level | None = None


class Campus(msgspec.Struct, frozen=True, kw_only=True):
    """Điểm trường."""

    id: str
    name: str
    code: str | None = None
    address: str | None = None


class SchoolProfile(msgspec.Struct, frozen=True, kw_only=True):
    """Document `school`. `login_by_class`: whether the log-in page lets anyone on the network list a class's names;
    `login_full_names`: whole names there, not given name and first letter of the family name."""

    name: str = ""
    codes: tuple[SchoolCode, ...] = ()
    levels: tuple[Level, ...] = ()
    province_code: str | None = None
    province: str | None = None
    commune_code: str | None = None
    commune: str | None = None
    campuses: tuple[Campus, ...] = ()
    login_by_class: bool = True
    login_full_names: bool = False

    def code_on(self, day: date) -> str | None:
        """The code in force on a day (the one that began last), or None."""
        fitting = [c for c in self.codes if (c.since is None or c.since <= day) and (c.until is None or day <= c.until)]
        return max(fitting, key=lambda c: c.since or date.min).code if fitting else None


class Term(msgspec.Struct, frozen=True):
    """Học kỳ; both days inclusive."""

    name: str
    first: date
    last: date


class Holiday(msgspec.Struct, frozen=True):
    """Days without lessons; both inclusive."""

    name: str
    first: date
    last: date


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """Tiết học, in the school's local time. Numbers run through the day, morning first."""

    number: int
    starts: time
    ends: time
    afternoon: bool = False


class Calendar(msgspec.Struct, frozen=True, kw_only=True):
    """Document in `calendars`, one a school year. `id` is the year as the school writes it: "2026-2027".

    `weekdays` are ISO (1 Monday … 7 Sunday). `extra_days` are lessons outside them (học bù).
    """

    id: str
    terms: tuple[Term, ...]
    holidays: tuple[Holiday, ...] = ()
    weekdays: tuple[int, ...] = (1, 2, 3, 4, 5, 6)
    extra_days: tuple[date, ...] = ()
    periods: tuple[Period, ...] = ()

    @property
    def first(self) -> date:
        return min(term.first for term in self.terms)

    @property
    def last(self) -> date:
        return max(term.last for term in self.terms)


class SchoolClass(msgspec.Struct, frozen=True, kw_only=True):
    """Lớp in one school year. `room_ids` are fleet's computer rooms it is taught in."""

    id: str
    school_year: str
    name: str
    grade: int
    level: Level
    homeroom_id: str | None = None
    room_ids: tuple[str, ...] = ()
    pupils: int = 0


class Sex(StrEnum):
    FEMALE = "female"
    MALE = "male"


class Pupil(msgspec.Struct, frozen=True, kw_only=True):
    """Học sinh. `code` is the sector's pupil code, missing for new first-graders for weeks; `temporary` then stands in.

    The account that signs in has the same `id`.
    """

    id: str
    name: str
    code: str | None = None
    temporary: str | None = None
    birth_date: date | None = None
    sex: Sex | None = None
    class_id: str | None = None
    class_name: str | None = None
    left_at: int | None = None

    @property
    def login(self) -> str:
        return self.code or self.temporary or self.id


class Teacher(msgspec.Struct, frozen=True, kw_only=True):
    """Giáo viên. The account that signs in has the same `id`."""

    id: str
    name: str
    code: str | None = None
    birth_date: date | None = None
    sex: Sex | None = None
    subject: str | None = None
    homeroom_of: tuple[str, ...] = ()
    left_at: int | None = None


class LevelCount(msgspec.Struct, frozen=True, kw_only=True):
    """What measures ask for a level in a school year, from the roster (never without one)."""

    level: Level
    classes: int
    pupils: int
    largest_class: int
    largest_class_name: str


class Completeness(msgspec.Struct, frozen=True, kw_only=True):
    """Of `people` present in the roster, how many lack what the sector asks for. Only counts: no numbers are kept."""

    people: int
    without_code: int
    without_birth_date: int
    without_personal_id: int


class ClassPage(msgspec.Struct, frozen=True, kw_only=True):
    """A class as its teacher sees it: pupils by given name, each with the state of the account."""

    school_class: SchoolClass
    homeroom: Teacher | None
    pupils: list[tuple[Pupil, AccountState | None]]
