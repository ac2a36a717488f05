"""SQL of classes, pupils and teachers, in school.db."""

from collections.abc import Iterable
from datetime import date
from sqlite3 import Connection, Row

from densach_core.folding import fold
from densach_core.i18n import sort_key
from densach_core.migrations import Migration
from densach_hub.people.model import Completeness, Level, LevelCount, Pupil, SchoolClass, Sex, Teacher
from densach_hub.people.roster import class_key

MIGRATIONS: list[Migration] = [
    Migration(
        "classes, people, imports",
        """
        CREATE TABLE people_class (
          id TEXT PRIMARY KEY,
          school_year TEXT NOT NULL,
          name TEXT NOT NULL,
          name_key TEXT NOT NULL,
          grade INTEGER NOT NULL,
          level TEXT NOT NULL,
          homeroom_id TEXT,
          UNIQUE (school_year, name_key)
        ) STRICT;
        CREATE TABLE people_class_room (
          class_id TEXT NOT NULL REFERENCES people_class (id) ON DELETE CASCADE,
          room_id TEXT NOT NULL,
          PRIMARY KEY (class_id, room_id)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE person (
          id TEXT PRIMARY KEY,
          kind TEXT NOT NULL CHECK (kind IN ('pupil', 'teacher')),
          name TEXT NOT NULL,
          name_folded TEXT NOT NULL,
          code TEXT,
          code_key TEXT,
          temporary TEXT,
          birth_date TEXT,
          sex TEXT,
          subject TEXT,
          has_personal_id INTEGER,
          created_at INTEGER NOT NULL,
          left_at INTEGER
        ) STRICT;
        CREATE UNIQUE INDEX person_by_code ON person (kind, code_key) WHERE code_key IS NOT NULL;
        CREATE TABLE people_place (
          person_id TEXT NOT NULL REFERENCES person (id) ON DELETE CASCADE,
          school_year TEXT NOT NULL,
          class_id TEXT NOT NULL REFERENCES people_class (id) ON DELETE CASCADE,
          PRIMARY KEY (person_id, school_year)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX people_place_by_class ON people_place (class_id);
        CREATE TABLE people_import (
          id TEXT PRIMARY KEY,
          at INTEGER NOT NULL,
          by_id TEXT,
          file_name TEXT NOT NULL,
          school_year TEXT NOT NULL,
          roster BLOB NOT NULL
        ) STRICT;
        """,
    )
]

_CLASSES = """
SELECT c.*, (SELECT count(*) FROM people_place p JOIN person x ON x.id = p.person_id
             WHERE p.class_id = c.id AND x.left_at IS NULL) AS pupils,
       (SELECT group_concat(room_id, ' ') FROM people_class_room r WHERE r.class_id = c.id) AS rooms
FROM people_class c
"""
_PUPILS = """
SELECT x.*, p.class_id, c.name AS class_name
FROM person x LEFT JOIN people_place p ON p.person_id = x.id AND p.school_year = ?
LEFT JOIN people_class c ON c.id = p.class_id
WHERE x.kind = 'pupil'
"""
_TEACHERS = """
SELECT x.*, (SELECT group_concat(name, char(10)) FROM people_class c
             WHERE c.homeroom_id = x.id AND c.school_year = ?) AS homerooms
FROM person x WHERE x.kind = 'teacher'
"""

# --- classes --------------------------------------------------------------------------------------------------------


def classes(c: Connection, school_year: str) -> list[SchoolClass]:
    """By grade, then by name with numbers as numbers (6A2 before 6A10)."""
    found = [_class(r) for r in c.execute(f"{_CLASSES} WHERE c.school_year = ?", (school_year,))]
    return sorted(found, key=lambda one: (one.grade, _natural(one.name)))


def school_class(c: Connection, class_id: str) -> SchoolClass | None:
    row = c.execute(f"{_CLASSES} WHERE c.id = ?", (class_id,)).fetchone()
    return _class(row) if row else None


def put_class(c: Connection, one: SchoolClass) -> None:
    """A new one or a changed one; its year stays, its rooms are `set_rooms`."""
    c.execute(
        "INSERT INTO people_class (id, school_year, name, name_key, grade, level, homeroom_id) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET name = excluded.name, name_key = excluded.name_key, grade = excluded.grade,"
        " level = excluded.level, homeroom_id = excluded.homeroom_id",
        (one.id, one.school_year, one.name, class_key(one.name), one.grade, one.level, one.homeroom_id),
    )


def set_rooms(c: Connection, class_id: str, room_ids: Iterable[str]) -> None:
    """Replaces the rooms a class is taught in."""
    c.execute("DELETE FROM people_class_room WHERE class_id = ?", (class_id,))
    c.executemany("INSERT OR IGNORE INTO people_class_room VALUES (?, ?)", [(class_id, room) for room in room_ids])


def set_homeroom(c: Connection, class_id: str, teacher_id: str | None) -> None:
    c.execute("UPDATE people_class SET homeroom_id = ? WHERE id = ?", (teacher_id, class_id))


def school_years(c: Connection) -> list[str]:
    """Years with classes, newest first."""
    return [r[0] for r in c.execute("SELECT DISTINCT school_year FROM people_class ORDER BY school_year DESC")]


def levels(c: Connection, school_year: str) -> list[LevelCount]:
    """Per level with at least one class: classes, pupils, and the largest class."""
    found = []
    everything = classes(c, school_year)
    for level in Level:
        of_level = [one for one in everything if one.level == level]
        if of_level:
            largest = max(of_level, key=lambda one: one.pupils)
            found.append(
                LevelCount(
                    level=level,
                    classes=len(of_level),
                    pupils=sum(one.pupils for one in of_level),
                    largest_class=largest.pupils,
                    largest_class_name=largest.name,
                )
            )
    return found


# --- people ---------------------------------------------------------------------------------------------------------


def pupils(c: Connection, school_year: str) -> list[Pupil]:
    """Everybody ever enrolled, with the class of that year if any (also those who left)."""
    return [_pupil(r) for r in c.execute(_PUPILS, (school_year,))]


def pupils_of_class(c: Connection, one: SchoolClass) -> list[Pupil]:
    """Those who are there now, by given name as a class list has them."""
    rows = c.execute(f"{_PUPILS} AND p.class_id = ? AND x.left_at IS NULL", (one.school_year, one.id))
    return sorted((_pupil(r) for r in rows), key=lambda p: sort_key(p.name))


def pupil(c: Connection, pupil_id: str, school_year: str) -> Pupil | None:
    """With the class of `school_year`; also who has left."""
    row = c.execute(f"{_PUPILS} AND x.id = ?", (school_year, pupil_id)).fetchone()
    return _pupil(row) if row else None


def find_pupils(c: Connection, school_year: str, words: str, limit: int) -> list[Pupil]:
    """All words in name, code or class, without tone marks; who has left comes last."""
    where, values = "", list[object]([school_year])
    for word in fold(words).split():
        where += (
            " AND (instr(x.name_folded, ?) OR instr(lower(ifnull(x.code, ifnull(x.temporary, ''))), ?)"
            " OR instr(lower(ifnull(c.name, '')), ?))"
        )
        values += [word, word, word]
    rows = c.execute(f"{_PUPILS} {where} ORDER BY x.left_at IS NOT NULL, x.name_folded LIMIT ?", (*values, limit))
    return sorted((_pupil(r) for r in rows), key=lambda p: (p.left_at is not None, sort_key(p.name)))


def teachers(c: Connection, school_year: str) -> list[Teacher]:
    """With the classes of `school_year`; who has left comes last."""
    found = [_teacher(r) for r in c.execute(_TEACHERS, (school_year,))]
    return sorted(found, key=lambda x: (x.left_at is not None, sort_key(x.name)))


def add_pupil(c: Connection, one: Pupil, *, at: int, has_personal_id: bool | None) -> None:
    """`has_personal_id`: whether the roster gave a number (the number itself is never kept); None: it did not say."""
    c.execute(
        "INSERT INTO person (id, kind, name, name_folded, code, code_key, temporary, birth_date, sex, has_personal_id,"
        " created_at) VALUES (?, 'pupil', ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            one.id, one.name, fold(one.name), one.code, _key(one.code), one.temporary, _iso(one.birth_date), one.sex,
            has_personal_id, at,
        ),
    )  # fmt: skip


def change_pupil(c: Connection, one: Pupil, *, has_personal_id: bool | None) -> None:
    """`has_personal_id` None keeps what was known."""
    c.execute(
        "UPDATE person SET name = ?, name_folded = ?, code = ?, code_key = ?, birth_date = ?, sex = ?, left_at = ?,"
        " has_personal_id = ifnull(?, has_personal_id) WHERE id = ?",
        (
            one.name, fold(one.name), one.code, _key(one.code), _iso(one.birth_date), one.sex, one.left_at,
            has_personal_id, one.id,
        ),
    )  # fmt: skip


def set_place(c: Connection, person_id: str, school_year: str, class_id: str) -> None:
    """A pupil has one class a school year."""
    c.execute(
        "INSERT INTO people_place VALUES (?, ?, ?)"
        " ON CONFLICT (person_id, school_year) DO UPDATE SET class_id = excluded.class_id",
        (person_id, school_year, class_id),
    )


def add_teacher(c: Connection, one: Teacher, *, at: int) -> None:
    c.execute(
        "INSERT INTO person (id, kind, name, name_folded, code, code_key, birth_date, sex, subject, created_at)"
        " VALUES (?, 'teacher', ?, ?, ?, ?, ?, ?, ?, ?)",
        (one.id, one.name, fold(one.name), one.code, _key(one.code), _iso(one.birth_date), one.sex, one.subject, at),
    )


def change_teacher(c: Connection, one: Teacher) -> None:
    c.execute(
        "UPDATE person SET name = ?, name_folded = ?, code = ?, code_key = ?, birth_date = ?, sex = ?, subject = ?, left_at = ?"
        " WHERE id = ?",
        (
            one.name, fold(one.name), one.code, _key(one.code), _iso(one.birth_date), one.sex, one.subject, one.left_at,
            one.id,
        ),
    )  # fmt: skip


def birth_date(c: Connection, person_id: str) -> date | None:
    """None when it is not known, or there is nobody with this id."""
    row = c.execute("SELECT birth_date FROM person WHERE id = ?", (person_id,)).fetchone()
    return date.fromisoformat(row["birth_date"]) if row and row["birth_date"] else None


def is_present(c: Connection, person_id: str) -> bool:
    return c.execute("SELECT 1 FROM person WHERE id = ? AND left_at IS NULL", (person_id,)).fetchone() is not None


def pupil_with_code(c: Connection, code: str) -> str | None:
    """The id of the pupil, also of one who has left; whatever capitals the code has."""
    row = c.execute("SELECT id FROM person WHERE kind = 'pupil' AND code_key = ?", (_key(code),)).fetchone()
    return row["id"] if row else None


def pupils_without_class(c: Connection, school_year: str) -> list[Pupil]:
    """Present ones with no class in `school_year`."""
    rows = c.execute(f"{_PUPILS} AND p.class_id IS NULL AND x.left_at IS NULL", (school_year,))
    return sorted((_pupil(r) for r in rows), key=lambda p: sort_key(p.name))


def set_left(c: Connection, person_id: str, left_at: int | None) -> None:
    """Epoch ms; None: is back."""
    c.execute("UPDATE person SET left_at = ? WHERE id = ?", (left_at, person_id))


def completeness(c: Connection, kind: str) -> Completeness:
    """What the roster still lacks; `kind` is "pupil" or "teacher"."""
    row = c.execute(
        "SELECT count(*) AS n, total(code IS NULL) AS code, total(birth_date IS NULL) AS birth,"
        " total(has_personal_id IS NOT 1) AS personal FROM person WHERE kind = ? AND left_at IS NULL",
        (kind,),
    ).fetchone()
    return Completeness(
        people=row["n"],
        without_code=int(row["code"]),
        without_birth_date=int(row["birth"]),
        without_personal_id=int(row["personal"]),
    )


# --- imports waiting for a yes --------------------------------------------------------------------------------------


def keep_import(
    c: Connection, *, key: str, at: int, by_id: str | None, file_name: str, school_year: str, roster: bytes, older_than: int
) -> None:
    """Also forgets what was never applied: these rows are children's data."""
    c.execute("DELETE FROM people_import WHERE at < ?", (older_than,))
    c.execute("INSERT INTO people_import VALUES (?, ?, ?, ?, ?, ?)", (key, at, by_id, file_name, school_year, roster))


def waiting_import(c: Connection, key: str) -> tuple[str, str, bytes] | None:
    """(file name, school year, the roster as encoded), or None."""
    row = c.execute("SELECT file_name, school_year, roster FROM people_import WHERE id = ?", (key,)).fetchone()
    return (row["file_name"], row["school_year"], row["roster"]) if row else None


def drop_import(c: Connection, key: str) -> None:
    c.execute("DELETE FROM people_import WHERE id = ?", (key,))


# --- rows -----------------------------------------------------------------------------------------------------------


def _class(row: Row) -> SchoolClass:
    return SchoolClass(
        id=row["id"],
        school_year=row["school_year"],
        name=row["name"],
        grade=row["grade"],
        level=Level(row["level"]),
        homeroom_id=row["homeroom_id"],
        room_ids=tuple(sorted((row["rooms"] or "").split())),
        pupils=row["pupils"],
    )


def _pupil(row: Row) -> Pupil:
    return Pupil(
        id=row["id"],
        name=row["name"],
        code=row["code"],
        temporary=row["temporary"],
        birth_date=date.fromisoformat(row["birth_date"]) if row["birth_date"] else None,
        sex=Sex(row["sex"]) if row["sex"] else None,
        class_id=row["class_id"],
        class_name=row["class_name"],
        left_at=row["left_at"],
    )


def _teacher(row: Row) -> Teacher:
    return Teacher(
        id=row["id"],
        name=row["name"],
        code=row["code"],
        birth_date=date.fromisoformat(row["birth_date"]) if row["birth_date"] else None,
        sex=Sex(row["sex"]) if row["sex"] else None,
        subject=row["subject"],
        homeroom_of=tuple(sorted((row["homerooms"] or "").split("\n"), key=_natural)) if row["homerooms"] else (),
        left_at=row["left_at"],
    )


def _key(code: str | None) -> str | None:
    return code.casefold() if code else None


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _natural(name: str) -> list[tuple[int, str]]:
    """6A2 before 6A10."""
    parts: list[tuple[int, str]] = []
    digits = word = ""
    for ch in f"{class_key(name)} ":
        if ch.isdigit():
            if word:
                parts.append((0, word))
            word, digits = "", digits + ch
        else:
            if digits:
                parts.append((int(digits), ""))
            digits, word = "", word + ch
    return [*parts, (0, word)]
