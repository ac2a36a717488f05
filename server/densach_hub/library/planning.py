"""What an import would do with each line: new, changed, as before, or unusable. Reads the catalogue, changes nothing.

A line meets an item by its own number, by the key it came with before, or by an ISBN that one item alone has together with
the same title and people. What is only alike becomes a new item, and the desk offers the two as twins afterwards.
"""

import sqlite3

import msgspec

from densach_hub.library import batches, store
from densach_hub.library.batches import Action, Row
from densach_hub.library.exchange.line import Line
from densach_hub.library.matching import ISBN, isbn13, same_people, title_key
from densach_hub.library.model import Item, Record
from densach_hub.library.rules import grades

ADDED_TO = ("identifiers", "collections")
"""Lists that an import adds to; every other field that it gives replaces what was there. Nothing is emptied by it."""


def plan(c: sqlite3.Connection, batch_id: str, lines: list[Line]) -> list[Row]:
    """The rows for a slice of lines; a line that repeats an earlier one of the same file is left out with a remark."""
    rows: list[Row] = []
    seen: set[str] = set()
    for line in lines:
        record = line.record
        if record is None:
            rows.append(Row(line=line.number, action=Action.WRONG, code=line.code, detail=line.detail))
            continue
        key = f"own:{line.own}" if line.own else record.key or ""
        if key in seen or batches.has_key(c, batch_id, key):
            rows.append(Row(line=line.number, action=Action.SAME, code="import.twice", title=record.title, detail=line.detail))
            continue
        seen.add(key)
        rows.append(_row(c, line, msgspec.structs.replace(record, key=key), key))
    return rows


def _row(c: sqlite3.Connection, line: Line, record: Record, key: str) -> Row:
    first, last = grades(record.grade_from, record.grade_to)
    record = msgspec.structs.replace(record, grade_from=first, grade_to=last)
    there = meets(c, record, line.own)
    row = Row(
        line=line.number, action=Action.NEW, title=record.title, code=line.code, detail=line.detail, record=record, key=key,
        file=str(line.files[0]) if line.files else line.link,
    )  # fmt: skip
    if there is None:
        return row
    before = store.record_of(there)
    after = laid_over(before, record)
    action = Action.SAME if after == before else Action.CHANGED
    kept = after if action is Action.CHANGED else None
    return msgspec.structs.replace(
        row, action=action, item=there.id, record=kept, before=before if kept else None, expects=there.changed_at
    )


def meets(c: sqlite3.Connection, record: Record, own: str | None) -> Item | None:
    """The item that a record is about."""
    there = store.item(c, own) if own else None
    if there is None and record.key and (known := store.by_key(c, record.key)) is not None:
        there = store.item(c, known)
    if there is None:
        there = _by_isbn(c, record)
    while there is not None and there.merged_into:
        there = store.item(c, there.merged_into)
    return there


def _by_isbn(c: sqlite3.Connection, record: Record) -> Item | None:
    for text in record.identifiers:
        if (number := isbn13(text)) is None:
            continue
        found = c.execute("SELECT item_id FROM match_key WHERE kind = ? AND key = ? LIMIT 2", (ISBN, number)).fetchall()
        there = store.item(c, found[0]["item_id"]) if len(found) == 1 else None
        if (
            there is not None
            and title_key(there.title) == title_key(record.title)
            and same_people([one.name for one in there.creators], [one.name for one in record.creators])
        ):
            return there
    return None


def laid_over(before: Record, record: Record) -> Record:
    """What is said of an item once an import was laid over it."""
    given = {name: getattr(record, name) for name in Record.__struct_fields__ if name != "key"}
    fields = {name: value for name, value in given.items() if value not in (None, ())}
    for name in ADDED_TO:
        if name in fields:
            fields[name] = tuple(dict.fromkeys((*getattr(before, name), *fields[name])))
    if "identifiers" in fields and (isbns := {number for text in before.identifiers if (number := isbn13(text))}):
        new = [text for text in fields["identifiers"] if text in before.identifiers or isbn13(text) not in isbns]
        fields["identifiers"] = tuple(new)
    return msgspec.structs.replace(before, **fields)
