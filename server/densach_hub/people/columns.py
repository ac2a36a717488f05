"""Which column is what: by the words above it, in any order, in Vietnamese or English, with or without marks.

Templates of the sector move their columns between versions, so nothing goes by position. Words are compared folded and
without punctuation.
"""

from enum import StrEnum

import msgspec

from densach_core.folding import fold
from densach_hub.people.table import Cell, Sheet

HEADER_WITHIN = 30
"""Exports put school, title and date above the header; it is looked for in this many rows."""


class Column(StrEnum):
    CODE = "code"
    TEACHER_CODE = "teacher-code"
    NAME = "name"
    FAMILY = "family"
    GIVEN = "given"
    BIRTH = "birth"
    SEX = "sex"
    FEMALE = "female"
    CLASS = "class"
    GRADE = "grade"
    HOMEROOM = "homeroom"
    HOMEROOM_OF = "homeroom-of"
    SUBJECT = "subject"
    PERSONAL_ID = "personal-id"
    STATUS = "status"
    ROLE = "role"


class Kind(StrEnum):
    """What a sheet lists."""

    PUPILS = "pupils"
    TEACHERS = "teachers"
    CLASSES = "classes"


WORDS: dict[Column, tuple[str, ...]] = {
    Column.CODE: (
        "ma hoc sinh", "ma hs", "ma so hoc sinh", "ma dinh danh hoc sinh", "ma dinh danh bo gd dt", "ma dinh danh bo gddt",
        "ma dinh danh nganh", "ma dinh danh", "ma so", "ma", "pupil code", "student code", "student id", "pupil id", "code", "id",
    ),
    Column.TEACHER_CODE: (
        "ma giao vien", "ma gv", "ma can bo", "ma cb", "ma nhan su", "ma so giao vien", "teacher code", "teacher id",
        "staff code",
    ),
    Column.NAME: (
        "ho va ten", "ho ten", "ho ten hoc sinh", "ho va ten hoc sinh", "ten hoc sinh", "ho ten hs", "ho va ten hs",
        "ho ten giao vien", "ho va ten giao vien", "ten giao vien", "ho ten gv", "ho va ten gv", "ho ten can bo",
        "ho va ten can bo", "full name", "name", "student name", "pupil name", "teacher name", "pupil", "student", "teacher",
    ),
    Column.FAMILY: ("ho dem", "ho va ten dem", "ho va dem", "ho lot", "ho va chu lot", "ho", "family name", "surname"),
    Column.GIVEN: ("ten", "given name", "first name"),
    Column.BIRTH: ("ngay sinh", "ngay thang nam sinh", "sinh ngay", "ns", "birth date", "date of birth", "dob", "born"),
    Column.SEX: ("gioi tinh", "gt", "phai", "sex", "gender"),
    Column.FEMALE: ("nu", "female"),
    Column.CLASS: ("lop", "ten lop", "lop hoc", "lop hien tai", "class", "class name"),
    Column.GRADE: ("khoi", "khoi lop", "khoi hoc", "grade", "year group"),
    Column.HOMEROOM: (
        "gvcn", "giao vien chu nhiem", "ho ten gvcn", "ten gvcn", "gv chu nhiem", "chu nhiem", "homeroom teacher", "form teacher",
    ),
    Column.HOMEROOM_OF: ("chu nhiem lop", "lop chu nhiem", "cn lop", "gvcn lop", "homeroom class", "homeroom of"),
    Column.SUBJECT: ("mon", "mon day", "mon hoc", "mon giang day", "day mon", "chuyen mon", "bo mon", "subject", "subjects"),
    Column.PERSONAL_ID: (
        "so dinh danh ca nhan", "so dinh danh", "cccd", "so cccd", "cmnd", "cmnd cccd", "personal id", "national id",
    ),
    Column.STATUS: ("trang thai", "tinh trang", "trang thai hoc sinh", "trang thai hoc tap", "status"),
    Column.ROLE: ("vai tro", "chuc vu", "nhiem vu", "role", "position"),
}  # fmt: skip

_BY_WORDS = {word: column for column, words in WORDS.items() for word in words}


class Header(msgspec.Struct, frozen=True):
    """`row` is the index of the header; `columns` says where each known column is; `unknown` are ignored headings."""

    row: int
    columns: dict[Column, int]
    kind: Kind
    unknown: list[str]


def words_of(cell: Cell) -> str:
    """A heading without marks, punctuation and what stands in brackets: "Họ và tên (*)" → "ho va ten"."""
    text = fold(str(cell or "")).partition("(")[0]
    return " ".join("".join(ch if ch.isalnum() else " " for ch in text).split())


def find_header(sheet: Sheet) -> Header | None:
    """The row that names the most columns we know; None when no row names a person or a class."""
    best: Header | None = None
    for index, row in enumerate(sheet.rows[:HEADER_WITHIN]):
        columns: dict[Column, int] = {}
        unknown = []
        for place, cell in enumerate(row):
            words = words_of(cell)
            column = _BY_WORDS.get(words)
            if column is not None:
                columns.setdefault(column, place)
            elif words and words not in {"stt", "tt", "no", "so thu tu"}:
                unknown.append(str(cell).strip())
        kind = _kind(columns, sheet.name)
        if kind is not None and (best is None or len(columns) > len(best.columns)):
            best = Header(index, columns, kind, unknown)
    return best


def _kind(columns: dict[Column, int], sheet_name: str) -> Kind | None:
    has = columns.keys()
    named = Column.NAME in has or {Column.FAMILY, Column.GIVEN} <= has
    if not named:
        return Kind.CLASSES if Column.CLASS in has and (has & {Column.HOMEROOM, Column.GRADE}) else None
    if len(has) < 2:
        return None
    if has & {Column.TEACHER_CODE, Column.HOMEROOM_OF}:
        return Kind.TEACHERS
    words = f" {words_of(sheet_name)} "
    says_teachers = any(f" {word} " in words for word in ("giao vien", "gv", "can bo", "nhan vien", "teachers", "staff"))
    if says_teachers or (Column.SUBJECT in has and Column.CLASS not in has):
        return Kind.TEACHERS
    return Kind.PUPILS
