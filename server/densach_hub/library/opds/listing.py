"""What can be opened, newest first, a stretch at a time from where the last one ended: as quick at the end of 100,000 as at the
beginning. And how much of it stands under each subject, grade, kind and language.
"""
# ruff: noqa: S608 - only names of tables are put into statements

import sqlite3
from collections.abc import Sequence

import msgspec

from densach_hub.library import counts, sides
from densach_hub.library.counts import Shape
from densach_hub.library.index import WORDED, bounds, limit
from densach_hub.library.model import Facets, Filters, Kind
from densach_hub.library.sides import Tables

_shapes = msgspec.json.Decoder(Shape)
RARE = 1_500
"""Up to so many fitting items are taken from the index of limits and put in order; of more, one is soon met going by age."""


class Mark(msgspec.Struct, frozen=True):
    """Where a stretch ends: when its item came in, and its number, for those of the same moment."""

    added_at: int
    entry: int

    def __str__(self) -> str:
        return f"{self.added_at}-{self.entry}"


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """Ids of items, newest first; `newer`, `older`: there are more on that side."""

    items: tuple[str, ...] = ()
    first: Mark | None = None
    last: Mark | None = None
    newer: bool = False
    older: bool = False


class Group(msgspec.Struct, frozen=True):
    """Items alike in all that a list can be limited to, and when the last of them changed."""

    shape: Shape
    n: int
    changed_at: int


def mark_of(text: str) -> Mark | None:
    """A mark out of an address; None for what is none."""
    added_at, dash, entry = text.partition("-")
    if not dash or not all(part.isascii() and part.isdigit() and len(part) <= 18 for part in (added_at, entry)):
        return None
    return Mark(int(added_at), int(entry))


def stretch(
    c: sqlite3.Connection,
    filters: Filters,
    *,
    most: int,
    rare: bool,
    before: Mark | None = None,
    after: Mark | None = None,
    oldest: bool = False,
) -> Stretch:
    """At most `most` items: older than `before`, newer than `after`, the oldest of all, else the newest.

    `rare`: at most `RARE` items fit the filters.
    """
    side = sides.answering(c)
    if side is None:
        return Stretch()
    up = before is None and (after is not None or oldest)
    where, values = _where(filters)
    if (mark := before or after) is not None:
        where += f" AND (e.added_at, e.id) {'>' if up else '<'} (?, ?)"
        values += [mark.added_at, mark.entry]
    source, first_values = _source(side, filters, rare=rare)
    order = "ASC" if up else "DESC"
    rows = c.execute(
        f"SELECT e.id, e.item, e.added_at FROM {source} WHERE e.kind IS NOT NULL{where}"
        f" ORDER BY e.added_at {order}, e.id {order} LIMIT ?",
        (*first_values, *values, most + 1),
    ).fetchall()
    more = len(rows) > most
    rows = rows[:most][::-1] if up else rows[:most]
    if not rows:
        return Stretch(newer=before is not None, older=after is not None)
    marks = [Mark(row["added_at"], row["id"]) for row in (rows[0], rows[-1])]
    return Stretch(
        items=tuple(row["item"] for row in rows),
        first=marks[0],
        last=marks[1],
        newer=more if up else before is not None,
        older=after is not None if up else more,
    )


def _source(side: Tables, filters: Filters, *, rare: bool) -> tuple[str, list[object]]:
    if not rare:
        return f"{side.entry} e", []
    kinds = " OR ".join(f'"{limit("kind", kind)}"' for kind in Kind)
    question = f"limits : ({kinds}){bounds(filters)}"
    return (
        f"(SELECT rowid AS id FROM {side.words} WHERE {side.words} MATCH ?) h CROSS JOIN {side.entry} e ON e.id = h.id",
        [question],
    )


def _where(filters: Filters) -> tuple[str, list[object]]:
    where, values = "", list[object]()
    for column in WORDED:
        value = getattr(filters, column)
        if value is not None:
            where += f" AND e.{column} = ?"
            values.append(value)
    if filters.grade is not None:
        where += " AND e.grade_from <= ? AND e.grade_to >= ?"
        values += [filters.grade, filters.grade]
    return where, values


def groups(c: sqlite3.Connection) -> tuple[Group, ...]:
    """Everything there is, in groups: a look at the whole table, whose answer serves every list until something changes."""
    side = sides.answering(c)
    if side is None:
        return ()
    rows = c.execute(
        f"SELECT s.key, a.n, a.changed_at FROM (SELECT shape, count(*) AS n, max(changed_at) AS changed_at FROM {side.entry}"
        f" WHERE kind IS NOT NULL GROUP BY 1) a JOIN {side.shape} s ON s.id = a.shape"
    )
    return tuple(Group(_shapes.decode(row["key"]), row["n"], row["changed_at"]) for row in rows)


def counted(every: Sequence[Group], filters: Filters) -> tuple[Facets, int]:
    """How many fit the filters, and how many would with another subject, grade, kind or language in their place."""
    return counts.counted([(group.shape, group.n) for group in every], filters)
