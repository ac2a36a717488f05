"""What a roster file says, row by row, before it is held against what the school already knows. Pure.

A row that cannot be used is a problem with its place and a code; the others go on.
"""

import re
import unicodedata
from datetime import date, timedelta

import msgspec

from densach_core.errors import BadInput
from densach_core.folding import fold
from densach_core.text import Text, t
from densach_hub.people.columns import Column, Header, Kind, find_header, words_of
from densach_hub.people.model import GRADES, Level, Sex
from densach_hub.people.table import Cell, Sheet

EXCEL_EPOCH = date(1899, 12, 30)
OLDEST = date(1930, 1, 1)
_NOT_WORD = re.compile(r"[\W_]+")
_CLASS_NAME = re.compile(r"^(1[0-2]|[1-9])(?![0-9])")
_DATE = re.compile(r"^(\d{1,2})\s*[/.\-]\s*(\d{1,2})\s*[/.\-]\s*(\d{4}|\d{2})$")
_ISO_DATE = re.compile(r"^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ].*)?$")
_LEFT = {"chuyen truong", "da chuyen truong", "chuyen di", "da chuyen di", "thoi hoc", "da thoi hoc", "bo hoc", "da bo hoc",
         "nghi viec", "nghi huu", "chuyen cong tac", "left", "gone"}  # fmt: skip


class RowProblem(msgspec.Struct, frozen=True, kw_only=True):
    """`row` counts from 1 as the spreadsheet does. `fatal`: the row was not used."""

    sheet: str
    row: int
    code: str
    text: Text
    fatal: bool = True


class PupilRow(msgspec.Struct, frozen=True, kw_only=True):
    row: int
    name: str
    class_name: str
    grade: int
    code: str | None = None
    birth_date: date | None = None
    sex: Sex | None = None
    has_personal_id: bool | None = None
    left: bool = False


class TeacherRow(msgspec.Struct, frozen=True, kw_only=True):
    row: int
    name: str
    code: str | None = None
    birth_date: date | None = None
    sex: Sex | None = None
    subject: str | None = None
    homeroom_of: tuple[str, ...] = ()
    left: bool = False


class ClassRow(msgspec.Struct, frozen=True, kw_only=True):
    """A class as named by a file; `homeroom` is the teacher's name or code."""

    row: int
    name: str
    grade: int
    homeroom: str | None = None


class Roster(msgspec.Struct, frozen=True, kw_only=True):
    pupils: list[PupilRow]
    teachers: list[TeacherRow]
    classes: list[ClassRow]
    problems: list[RowProblem]
    ignored_columns: list[str]


def read_roster(sheets: list[Sheet], *, today: date) -> Roster:
    """Raises BadInput("roster.no-header") when no sheet has headings that say what it is."""
    reader = _Reader(today)
    found = False
    for sheet in sheets:
        header = find_header(sheet)
        if header is not None:
            found = True
            reader.read(sheet, header)
    if not found:
        raise BadInput(
            "roster.no-header",
            t("No row with column headings was found."),
            t("The list needs headings such as “Họ và tên”, “Lớp”, “Ngày sinh”, “Mã học sinh”."),
        )
    return reader.roster()


def person_key(name: str) -> str:
    """Names that differ only in case, spaces or Unicode form are one person's; marks tell people apart (Hùng, Hưng)."""
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


def class_key(name: str) -> str:
    """ "6 A1", "6a1", "Lớp 6A1" are one class; "12/3" and "1/23" are two."""
    parts = _NOT_WORD.sub(" ", fold(name)).split()
    if parts and parts[0] == "lop":
        parts = parts[1:]
    key = ""
    for part in parts:
        key += f"/{part}" if key[-1:].isdigit() and part[:1].isdigit() else part
    return key.removeprefix("lop")


def grade_of(class_name: str) -> int | None:
    """The grade a class's name begins with: "10 Tin" → 10, "6/2" → 6; None when it does not."""
    match = _CLASS_NAME.match(class_key(class_name))
    return int(match[1]) if match else None


def level_of(grade: int) -> Level:
    return next(level for level, grades in GRADES.items() if grade in grades)


def text_of(cell: Cell) -> str:
    """A cell as text, without the spaces people leave; numbers as they were typed (codes may be numbers)."""
    if cell is None or isinstance(cell, bool):
        return ""
    return " ".join(unicodedata.normalize("NFC", str(cell)).replace("\u00a0", " ").split())


def day_of_cell(cell: Cell, *, today: date) -> date | None:
    """A date as a spreadsheet keeps it or as people write it (day first). None when empty; raises ValueError otherwise."""
    if isinstance(cell, date):
        return _sane(cell, today)
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        if not 1 <= cell < 80_000:
            raise ValueError
        return _sane(EXCEL_EPOCH + timedelta(days=int(cell)), today)
    text = text_of(cell).lstrip("'")
    if not text:
        return None
    if match := _DATE.match(text):
        day, month, year = (int(part) for part in match.groups())
        if year < 100:
            year += 2000 if 2000 + year <= today.year else 1900
        return _sane(date(year, month, day), today)
    if match := _ISO_DATE.match(text):
        return _sane(date(int(match[1]), int(match[2]), int(match[3])), today)
    raise ValueError


def _sane(day: date, today: date) -> date:
    if not OLDEST <= day <= today:
        raise ValueError
    return day


class _Reader:
    def __init__(self, today: date) -> None:
        self._today = today
        self._pupils: list[PupilRow] = []
        self._teachers: list[TeacherRow] = []
        self._classes: dict[str, ClassRow] = {}
        self._problems: list[RowProblem] = []
        self._ignored: list[str] = []

    def roster(self) -> Roster:
        return Roster(
            pupils=self._pupils,
            teachers=self._teachers,
            classes=list(self._classes.values()),
            problems=self._problems,
            ignored_columns=list(dict.fromkeys(self._ignored)),
        )

    def read(self, sheet: Sheet, header: Header) -> None:
        self._ignored += header.unknown
        for index in range(header.row + 1, len(sheet.rows)):
            row = _Row(sheet, index, header, self._today, self._problems)
            if row.is_empty():
                continue
            if header.kind is Kind.PUPILS:
                self._pupil(row)
            elif header.kind is Kind.TEACHERS:
                self._teacher(row)
            else:
                self._class(row)

    def _pupil(self, row: "_Row") -> None:
        name = row.name()
        class_name = row.text(Column.CLASS) or row.class_of_sheet()
        if name is None:
            return
        if not class_name:
            row.problem("roster.no-class", t("The class of {name} is missing.", name=name))
            return
        grade = row.grade(class_name)
        if grade is None:
            return
        self._note_class(row, class_name, grade, row.text(Column.HOMEROOM))
        self._pupils.append(
            PupilRow(
                row=row.number, name=name, class_name=class_name, grade=grade, code=row.code(Column.CODE),
                birth_date=row.birth_date(), sex=row.sex(), has_personal_id=row.has_personal_id(), left=row.left(),
            )
        )  # fmt: skip

    def _teacher(self, row: "_Row") -> None:
        name = row.name()
        if name is None:
            return
        homeroom_of = tuple(part.strip() for part in re.split(r"[,;]", row.text(Column.HOMEROOM_OF)) if part.strip())
        for class_name in homeroom_of:
            grade = grade_of(class_name)
            if grade is not None:
                self._note_class(row, class_name, grade, "")
        self._teachers.append(
            TeacherRow(
                row=row.number, name=name, code=row.code(Column.TEACHER_CODE) or row.code(Column.CODE),
                birth_date=row.birth_date(), sex=row.sex(), subject=row.text(Column.SUBJECT) or None,
                homeroom_of=homeroom_of, left=row.left(),
            )
        )  # fmt: skip

    def _class(self, row: "_Row") -> None:
        class_name = row.text(Column.CLASS)
        if not class_name:
            row.problem("roster.no-class-name", t("The name of the class is missing."))
            return
        grade = row.grade(class_name)
        if grade is not None:
            self._note_class(row, class_name, grade, row.text(Column.HOMEROOM))

    def _note_class(self, row: "_Row", name: str, grade: int, homeroom: str) -> None:
        key = class_key(name)
        known = self._classes.get(key)
        if known is None or (homeroom and not known.homeroom):
            self._classes[key] = ClassRow(
                row=row.number, name=known.name if known else name, grade=grade, homeroom=homeroom or None
            )


class _Row:
    """One row of a sheet, read through its header; odd cells are noted as problems on the way."""

    def __init__(self, sheet: Sheet, index: int, header: Header, today: date, problems: list[RowProblem]) -> None:
        self._sheet = sheet
        self._cells = sheet.rows[index]
        self._columns = header.columns
        self._today = today
        self._problems = problems
        self.number = index + 1

    def is_empty(self) -> bool:
        """Also rows that only carry a number or a total below the list: nothing in any column that says who."""
        who = (Column.NAME, Column.FAMILY, Column.GIVEN, Column.CODE, Column.TEACHER_CODE, Column.CLASS)
        return not any(self.text(column) for column in who)

    def cell(self, column: Column) -> Cell:
        place = self._columns.get(column)
        return self._cells[place] if place is not None and place < len(self._cells) else None

    def text(self, column: Column) -> str:
        return text_of(self.cell(column))

    def problem(self, code: str, text: Text, *, fatal: bool = True) -> None:
        self._problems.append(RowProblem(sheet=self._sheet.name, row=self.number, code=code, text=text, fatal=fatal))

    def name(self) -> str | None:
        name = self.text(Column.NAME) or " ".join(f"{self.text(Column.FAMILY)} {self.text(Column.GIVEN)}".split())
        if Column.NAME in self._columns and Column.GIVEN in self._columns and Column.FAMILY not in self._columns:
            name = f"{self.text(Column.NAME)} {self.text(Column.GIVEN)}".strip()
        if not name:
            self.problem("roster.no-name", t("The name is missing."))
            return None
        if len(name) > 100 or not any(ch.isalpha() for ch in name):
            self.problem("roster.name-odd", t("“{name}” is no person's name.", name=name[:40]))
            return None
        return name

    def code(self, column: Column) -> str | None:
        code = self.text(column).lstrip("'")
        if not code:
            return None
        if len(code) > 30 or not all(ch.isalnum() or ch in "-._/" for ch in code):
            self.problem("roster.code-odd", t("“{code}” is no code; the row is used without it.", code=code[:40]), fatal=False)
            return None
        return code

    def class_of_sheet(self) -> str:
        """Many schools keep a sheet for each class, named after it."""
        return self._sheet.name.strip() if grade_of(self._sheet.name) and len(self._sheet.name) <= 12 else ""

    def grade(self, class_name: str) -> int | None:
        digits = "".join(ch for ch in self.text(Column.GRADE) if ch.isdigit())
        grade = int(digits) if digits and len(digits) < 3 else grade_of(class_name)
        if grade is None or not 1 <= grade <= 12:
            self.problem("roster.no-grade", t("The grade of class “{name}” is not clear.", name=class_name))
            return None
        return grade

    def birth_date(self) -> date | None:
        cell = self.cell(Column.BIRTH)
        try:
            return day_of_cell(cell, today=self._today)
        except ValueError:
            self.problem(
                "roster.birth-odd",
                t("“{date}” is no birth date (day/month/year); the row is used without it.", date=text_of(cell)[:20]),
                fatal=False,
            )
            return None

    def sex(self) -> Sex | None:
        said = words_of(self.cell(Column.SEX))
        if said in {"nu", "female", "f", "girl"}:
            return Sex.FEMALE
        if said in {"nam", "male", "m", "boy"}:
            return Sex.MALE
        if Column.FEMALE in self._columns:
            return Sex.FEMALE if self.text(Column.FEMALE) else Sex.MALE
        return None

    def has_personal_id(self) -> bool | None:
        """Only whether it is there: the number itself is not kept."""
        return bool(self.text(Column.PERSONAL_ID)) if Column.PERSONAL_ID in self._columns else None

    def left(self) -> bool:
        return words_of(self.cell(Column.STATUS)) in _LEFT
