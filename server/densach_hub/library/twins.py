"""What may be one thing twice: offered to the librarian in pairs, merged by her hand, taken apart again.

Two files of one work stay two items of it. A catalogue line is folded into the other item: what that one does not say is
taken over, readers' shelves, places and notes follow, and the line's address leads to the item that stands for it.
The same file twice cannot be: files are known by their content.
"""

import sqlite3
from collections.abc import Iterator

import msgspec

from densach_core.clock import Clock
from densach_core.database import Database
from densach_core.errors import Conflict, NotFound
from densach_core.text import t
from densach_hub.library import store, versions
from densach_hub.library.cataloguing import Cataloguer
from densach_hub.library.matching import TITLE, same_people
from densach_hub.library.model import Form, Item, Record, State

LOOKED_AT = 2_000
UNIONS = ("identifiers", "topics", "collections")
FOLLOWING = (
    ("reading_place", "account_id"),
    ("own_shelf", "account_id"),
    ("reading_mark", "account_id"),
    ("reading_list_item", "list_id"),
)
"""Tables of readers that follow a merge, with whose they are."""
_records = msgspec.json.Decoder(Record)
_moved = msgspec.json.Decoder(dict[str, list[str]])
_ITEMS = (
    "JOIN item i1 ON i1.id = a.item_id AND i1.state IN ('ready', 'waiting', 'broken') JOIN edition e1 ON e1.id = i1.edition_id"
    " JOIN item i2 ON i2.id = b.item_id AND i2.state IN ('ready', 'waiting', 'broken') JOIN edition e2 ON e2.id = i2.edition_id"
)


class Pair(msgspec.Struct, frozen=True):
    """`why`: isbn or title. `first` is the one to keep: it has a file, or has been here longer."""

    first: Item
    second: Item
    why: str


class Merger(msgspec.Struct, frozen=True, kw_only=True):
    """A merge that was made; `undone_at` when it was taken back."""

    id: int
    kept: str
    gone: str
    at: int
    by: str
    title: str
    undone_at: int | None


class Twins:
    def __init__(self, school: Database, cataloguer: Cataloguer, clock: Clock) -> None:
        self._school = school
        self._cataloguer = cataloguer
        self._clock = clock

    async def pairs(self, limit: int = 30) -> list[Pair]:
        """Those with an ISBN in common first."""
        return await self._school.read(lambda c: pairs(c, limit), seconds=5.0)

    async def mergers(self, limit: int = 30) -> list[Merger]:
        return await self._school.read(lambda c: _mergers(c, limit))

    async def are_different(self, first: str, second: str, *, by: str) -> None:
        """The pair is not offered again."""
        a, b = sorted((first, second))
        at = self._clock.now_ms()
        await self._school.write(lambda c: c.execute("INSERT OR IGNORE INTO different VALUES (?, ?, ?, ?)", (a, b, at, by)))

    async def merge(self, keep: str, gone: str, *, by: str) -> int:
        """Returns the number of the merger. Raises NotFound; Conflict when one of them is no longer there."""
        number = await self._school.write(lambda c: merge(c, keep, gone, at=self._clock.now_ms(), by=by))
        await self._cataloguer.indexed_some([keep, gone])
        return number

    async def part(self, number: int, *, by: str) -> Merger:
        """Takes a merger back. Raises NotFound, Conflict when that was done."""
        merger = await self._school.write(lambda c: part(c, number, at=self._clock.now_ms(), by=by))
        await self._cataloguer.indexed_some([merger.kept, merger.gone])
        return merger


def pairs(c: sqlite3.Connection, limit: int) -> list[Pair]:
    """Bounded: looks at the first 2,000 pairs of equal keys."""
    found: dict[tuple[str, str], Pair] = {}
    for a, b, kind in _candidates(c):
        if (a, b) in found:
            continue
        first, second = store.item(c, a), store.item(c, b)
        if first is not None and second is not None and _alike(first, second, kind):
            if (second.form is Form.FILE, -second.added_at) > (first.form is Form.FILE, -first.added_at):
                first, second = second, first
            found[a, b] = Pair(first, second, kind)
        if len(found) >= limit:
            break
    return list(found.values())


def _candidates(c: sqlite3.Connection) -> Iterator[tuple[str, str, str]]:
    rows = c.execute(
        "SELECT a.item_id AS a, b.item_id AS b, a.kind AS kind FROM match_key a"  # noqa: S608 - fixed words
        f" JOIN match_key b ON b.kind = a.kind AND b.key = a.key AND b.item_id > a.item_id {_ITEMS}"
        " WHERE e1.work_id != e2.work_id AND NOT EXISTS (SELECT 1 FROM different WHERE a = a.item_id AND b = b.item_id)"
        " ORDER BY a.kind LIMIT ?",
        (LOOKED_AT,),
    )
    return ((row["a"], row["b"], row["kind"]) for row in rows)


def _alike(a: Item, b: Item, kind: str) -> bool:
    """Equal titles of other people, other volumes or other grades are no twins."""
    if kind != TITLE:
        return True
    if a.series_number and b.series_number and a.series_number != b.series_number:
        return False
    if a.grade_from and b.grade_from and a.grade_from != b.grade_from:
        return False
    return same_people([one.name for one in a.creators], [one.name for one in b.creators])


def merge(c: sqlite3.Connection, keep: str, gone: str, *, at: int, by: str) -> int:
    kept, lost = store.item(c, keep), store.item(c, gone)
    if kept is None or lost is None or keep == gone:
        raise NotFound("library.no-item", t("The library does not have this (any more)."), t("Search for it."))
    if kept.merged_into or lost.merged_into or State.WITHDRAWN in {kept.state, lost.state}:
        raise Conflict("library.merged-already", t("One of the two is no longer shown."), t("Look at the list again."))
    if lost.form is Form.FILE and kept.form is Form.LISTED:
        raise Conflict("library.merge-order", t("Keep the one that has the file."), t("Choose the other one to be kept."))
    at = max(at, kept.changed_at + 1, lost.changed_at + 1)
    before = store.record_of(kept)
    both_files = lost.form is Form.FILE
    after = before if both_files else filled_up(before, store.record_of(lost))
    moved: dict[str, list[str]] = {}
    if both_files:
        moved["work"] = [lost.work_id]
        c.execute("UPDATE edition SET work_id = ? WHERE id = ?", (kept.work_id, lost.edition_id))
        joined = store.item(c, gone)
        if joined is not None:
            store.put(c, msgspec.structs.replace(joined, changed_at=at))
            versions.keep(c, lost, joined, at=at, by=by, why="merged")
    else:
        _put(c, kept, after, at=at, by=by, why="merged")
        for table, owner in FOLLOWING:
            moved[table] = _follow(c, table, owner, gone, keep)
        store.withdraw(c, gone, at=at, by=by, why="")
        c.execute("UPDATE item SET merged_into = ? WHERE id = ?", (keep, gone))
    row = c.execute(
        "INSERT INTO merger (kept, gone, at, by, gone_state, before, after, moved) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (keep, gone, at, by, lost.state, _json(before), _json(after), _json(moved)),
    ).fetchone()
    return int(row["id"])


def filled_up(kept: Record, lost: Record) -> Record:
    """What the kept record does not say is taken from the other; lists are joined, copies added up."""
    fields: dict[str, object] = {}
    for name in Record.__struct_fields__:
        mine, theirs = getattr(kept, name), getattr(lost, name)
        if name in UNIONS:
            fields[name] = tuple(dict.fromkeys((*mine, *theirs)))
        elif name == "copies":
            fields[name] = mine + theirs if mine is not None and theirs is not None else mine if mine is not None else theirs
        elif mine in (None, ()):
            fields[name] = theirs
    return msgspec.structs.replace(kept, **fields)


def _follow(c: sqlite3.Connection, table: str, owner: str, gone: str, keep: str) -> list[str]:
    """Moves what readers have at one item to another, except where they have something there already; returns whose."""
    whose = [
        row[0]
        for row in c.execute(
            f"SELECT DISTINCT {owner} FROM {table} WHERE item_id = ? EXCEPT SELECT {owner} FROM {table} WHERE item_id = ?",  # noqa: S608
            (gone, keep),
        )
    ]
    c.executemany(f"UPDATE {table} SET item_id = ? WHERE item_id = ? AND {owner} = ?", [(keep, gone, one) for one in whose])  # noqa: S608
    return whose


def part(c: sqlite3.Connection, number: int, *, at: int, by: str) -> Merger:
    row = c.execute("SELECT * FROM merger WHERE id = ?", (number,)).fetchone()
    if row is None:
        raise NotFound("library.no-merger", t("This merge is not known."), t("Look at the list again."))
    if row["undone_at"] is not None:
        raise Conflict("library.parted", t("This merge was taken back already."))
    kept, lost = store.item(c, row["kept"]), store.item(c, row["gone"])
    if kept is None or lost is None:
        raise NotFound("library.no-item", t("The library does not have this (any more)."), t("Search for it."))
    at = max(at, kept.changed_at + 1, lost.changed_at + 1)
    moved = _moved.decode(row["moved"])
    if works := moved.pop("work", None):
        c.execute("UPDATE edition SET work_id = ? WHERE id = ?", (works[0], lost.edition_id))
        joined = store.item(c, lost.id)
        if joined is not None:
            store.put(c, msgspec.structs.replace(joined, changed_at=at))
            versions.keep(c, lost, joined, at=at, by=by, why="merge-undone")
    else:
        if store.record_of(kept) == _records.decode(row["after"]):
            _put(c, kept, _records.decode(row["before"]), at=at, by=by, why="merge-undone")
        for table, owner in FOLLOWING:
            c.executemany(
                f"UPDATE OR IGNORE {table} SET item_id = ? WHERE item_id = ? AND {owner} = ?",  # noqa: S608 - fixed words
                [(lost.id, kept.id, one) for one in moved.get(table, [])],
            )
        c.execute(
            "UPDATE item SET state = ?, merged_into = NULL, withdrawn_at = NULL, withdrawn_by = NULL, withdrawn_why = NULL,"
            " changed_at = ? WHERE id = ?",
            (row["gone_state"], at, lost.id),
        )
    c.execute("UPDATE merger SET undone_at = ? WHERE id = ?", (at, number))
    return Merger(
        id=number, kept=kept.id, gone=lost.id, at=row["at"], by=row["by"], title=kept.title, undone_at=at
    )  # fmt: skip


def _put(c: sqlite3.Connection, old: Item, record: Record, *, at: int, by: str, why: str) -> None:
    fields = {name: getattr(record, name) for name in Record.__struct_fields__ if name != "key"}
    new = msgspec.structs.replace(old, **fields, changed_at=at)
    store.put(c, new, said_too=[name for name in fields if getattr(new, name) != getattr(old, name)])
    versions.keep(c, old, new, at=at, by=by, why=why)


def _mergers(c: sqlite3.Connection, limit: int) -> list[Merger]:
    rows = c.execute(
        "SELECT m.id, m.kept, m.gone, m.at, m.by, m.undone_at, w.title FROM merger m JOIN item i ON i.id = m.kept"
        " JOIN edition e ON e.id = i.edition_id JOIN work w ON w.id = e.work_id ORDER BY m.id DESC LIMIT ?",
        (limit,),
    )
    return [Merger(**dict(row)) for row in rows]


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
