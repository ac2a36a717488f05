"""Holds a roster file against what the school knows, and says what would change. Pure.

People are matched by their stable code; without one by name, class and birth date (the class may have changed since last
year when name and birth date leave no doubt). Who is absent from a file is kept: an export of one grade must not empty
the others. Case variants of a name are one person.
"""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import TypeVar

import msgspec

from densach_core.text import t
from densach_hub.people.model import Level, Pupil, SchoolClass, Teacher
from densach_hub.people.roster import (
    ClassRow,
    PupilRow,
    Roster,
    RowProblem,
    TeacherRow,
    class_key,
    level_of,
    person_key,
)

P = TypeVar("P", Pupil, Teacher)


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the school knows before the import. Pupils carry the class they have in `school_year`, or None."""

    school_year: str
    classes: list[SchoolClass]
    pupils: list[Pupil]
    teachers: list[Teacher]


class What(StrEnum):
    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    LEFT = "left"


class PupilStep(msgspec.Struct, frozen=True, kw_only=True):
    """`before` is None for a new pupil. `changes` name the fields that differ (of `row` against `before`)."""

    what: What
    row: PupilRow
    before: Pupil | None
    changes: tuple[str, ...] = ()


class TeacherStep(msgspec.Struct, frozen=True, kw_only=True):
    what: What
    row: TeacherRow
    before: Teacher | None
    changes: tuple[str, ...] = ()


class ClassStep(msgspec.Struct, frozen=True, kw_only=True):
    """`homeroom` is the name or code of a teacher as the file says it."""

    what: What
    name: str
    grade: int
    level: Level
    before: SchoolClass | None
    homeroom: str | None = None


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """`missing` are pupils of classes the file names who are not in it; they stay as they are."""

    school_year: str
    classes: list[ClassStep]
    pupils: list[PupilStep]
    teachers: list[TeacherStep]
    missing: list[Pupil]
    problems: list[RowProblem]
    ignored_columns: list[str]

    def count(self, what: What) -> int:
        return self._whats().count(what)

    @property
    def changes_anything(self) -> bool:
        return any(what is not What.SAME for what in (*self._whats(), *(step.what for step in self.classes)))

    def _whats(self) -> list[What]:
        return [step.what for step in self.pupils] + [step.what for step in self.teachers]


def make_plan(roster: Roster, known: Known) -> Plan:
    problems = list(roster.problems)
    classes = [_class_step(row, known, roster.teachers, problems) for row in roster.classes]
    pupils = _pupil_steps(roster.pupils, known, problems)
    teachers = _teacher_steps(roster.teachers, known, problems)
    named = {class_key(step.name) for step in classes}
    seen = {step.before.id for step in pupils if step.before}
    missing = [
        pupil
        for pupil in known.pupils
        if pupil.class_name and class_key(pupil.class_name) in named and pupil.id not in seen and pupil.left_at is None
    ]
    return Plan(
        school_year=known.school_year,
        classes=classes,
        pupils=pupils,
        teachers=teachers,
        missing=missing if roster.pupils else [],
        problems=sorted(problems, key=lambda p: (p.sheet, p.row)),
        ignored_columns=roster.ignored_columns,
    )


def _class_step(row: ClassRow, known: Known, coming: list[TeacherRow], problems: list[RowProblem]) -> ClassStep:
    before = next((c for c in known.classes if class_key(c.name) == class_key(row.name)), None)
    homeroom = row.homeroom
    if homeroom is not None:
        meant = {x.id for x in known.teachers if x.left_at is None and homeroom_fits(x, homeroom)}
        new = {person_key(x.name) for x in coming if homeroom_fits(x, homeroom)}
        if len(meant) != 1 and not (not meant and len(new) == 1):
            problems.append(
                RowProblem(
                    sheet="",
                    row=row.row,
                    code="roster.homeroom-unknown",
                    text=t("No teacher “{name}” is known for class {class_name}.", name=homeroom, class_name=row.name),
                    fatal=False,
                )
            )
            homeroom = None
        elif before is not None and before.homeroom_id in meant:
            homeroom = None
    same = before is not None and before.grade == row.grade and homeroom is None
    return ClassStep(
        what=What.NEW if before is None else What.SAME if same else What.CHANGED,
        name=before.name if before else row.name,
        grade=row.grade,
        level=level_of(row.grade),
        before=before,
        homeroom=homeroom,
    )


def homeroom_fits(teacher: Teacher | TeacherRow, said: str) -> bool:
    """Whether a file that says `said` means this teacher: by code, or by name."""
    return (teacher.code is not None and teacher.code.casefold() == said.casefold()) or person_key(teacher.name) == person_key(
        said
    )


def _pupil_steps(rows: list[PupilRow], known: Known, problems: list[RowProblem]) -> list[PupilStep]:
    by_code = {pupil.code.casefold(): pupil for pupil in known.pupils if pupil.code}
    by_code |= {p.temporary.casefold(): p for p in known.pupils if p.temporary and p.temporary.casefold() not in by_code}
    by_name = _grouped(known.pupils, lambda p: person_key(p.name))
    taken: dict[str, PupilRow] = {}
    seen_new: dict[tuple[object, ...], PupilRow] = {}
    steps = []
    for row in rows:
        before = by_code.get(row.code.casefold()) if row.code else None
        if before is None:
            before = _by_name(row, by_name.get(person_key(row.name), []))
        key = (row.code.casefold(),) if row.code else (person_key(row.name), class_key(row.class_name), row.birth_date)
        first = taken.get(before.id) if before else seen_new.get(key)
        if first is not None:
            problems.append(_twice(row, row.name, first.row))
            continue
        if before is None:
            seen_new[key] = row
            if row.left:
                continue
            steps.append(PupilStep(what=What.NEW, row=row, before=None))
            continue
        taken[before.id] = row
        changes = _pupil_changes(row, before)
        what = What.LEFT if row.left and before.left_at is None else What.CHANGED if changes else What.SAME
        steps.append(PupilStep(what=what, row=row, before=before, changes=changes))
    return steps


def _by_name(row: PupilRow, named_alike: list[Pupil]) -> Pupil | None:
    """Somebody of this name who may be meant. Never somebody who has another code."""
    fitting = [
        p
        for p in named_alike
        if not (row.code and p.code and row.code.casefold() != p.code.casefold())
        and not (row.birth_date and p.birth_date and row.birth_date != p.birth_date)
    ]
    in_class = [p for p in fitting if p.class_name and class_key(p.class_name) == class_key(row.class_name)]
    if len(in_class) == 1:
        return in_class[0]
    sure = [p for p in in_class or fitting if row.birth_date is not None and p.birth_date == row.birth_date]
    return sure[0] if len(sure) == 1 else None


def _pupil_changes(row: PupilRow, before: Pupil) -> tuple[str, ...]:
    """An empty cell says nothing: it never wipes out what is known."""
    return tuple(
        field
        for field, differs in (
            ("name", row.name != before.name),
            ("code", row.code is not None and row.code != before.code and row.code != before.temporary),
            ("birth_date", row.birth_date is not None and row.birth_date != before.birth_date),
            ("sex", row.sex is not None and row.sex != before.sex),
            ("class", before.class_name is None or class_key(row.class_name) != class_key(before.class_name)),
            ("back", before.left_at is not None and not row.left),
        )
        if differs
    )


def _teacher_steps(rows: list[TeacherRow], known: Known, problems: list[RowProblem]) -> list[TeacherStep]:
    by_code = {teacher.code.casefold(): teacher for teacher in known.teachers if teacher.code}
    by_name = _grouped(known.teachers, lambda x: person_key(x.name))
    taken: dict[str, TeacherRow] = {}
    seen_new: dict[tuple[object, ...], TeacherRow] = {}
    steps = []
    for row in rows:
        before = by_code.get(row.code.casefold()) if row.code else None
        if before is None:
            alike = [
                x
                for x in by_name.get(person_key(row.name), [])
                if not (row.code and x.code and row.code.casefold() != x.code.casefold())
                and not (row.birth_date and x.birth_date and row.birth_date != x.birth_date)
            ]
            before = alike[0] if len(alike) == 1 else None
        key = (row.code.casefold(),) if row.code else (person_key(row.name), row.birth_date)
        first = taken.get(before.id) if before else seen_new.get(key)
        if first is not None:
            problems.append(_twice(row, row.name, first.row))
            continue
        if before is None:
            seen_new[key] = row
            if not row.left:
                steps.append(TeacherStep(what=What.NEW, row=row, before=None))
            continue
        taken[before.id] = row
        changes = _teacher_changes(row, before)
        what = What.LEFT if row.left and before.left_at is None else What.CHANGED if changes else What.SAME
        steps.append(TeacherStep(what=what, row=row, before=before, changes=changes))
    return steps


def _teacher_changes(row: TeacherRow, before: Teacher) -> tuple[str, ...]:
    homerooms = {class_key(name) for name in before.homeroom_of}
    return tuple(
        field
        for field, differs in (
            ("name", row.name != before.name),
            ("code", row.code is not None and row.code != before.code),
            ("birth_date", row.birth_date is not None and row.birth_date != before.birth_date),
            ("sex", row.sex is not None and row.sex != before.sex),
            ("subject", row.subject is not None and row.subject != before.subject),
            ("homeroom", bool(row.homeroom_of) and not {class_key(name) for name in row.homeroom_of} <= homerooms),
            ("back", before.left_at is not None and not row.left),
        )
        if differs
    )


def _twice(row: PupilRow | TeacherRow, name: str, first: int) -> RowProblem:
    return RowProblem(
        sheet="",
        row=row.row,
        code="roster.twice",
        text=t("{name} is in the file twice (first in row {row}).", name=name, row=first),
    )


def _grouped(people: Iterable[P], key: Callable[[P], str]) -> dict[str, list[P]]:
    groups: dict[str, list[P]] = {}
    for person in people:
        groups.setdefault(key(person), []).append(person)
    return groups
