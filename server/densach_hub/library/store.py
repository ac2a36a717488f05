"""school.db of the library: works, editions, items. The only SQL over them; functions of a connection."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from densach_core.migrations import Migration
from densach_hub.library.catalogue_schema import CATALOGUE
from densach_hub.library.matching import keys_of
from densach_hub.library.model import Card, Creator, Form, Heading, HeldTitle, Item, Kind, Record, State

MIGRATIONS = [
    Migration(
        "works, editions, items",
        """
        CREATE TABLE work (
            id TEXT PRIMARY KEY, title TEXT NOT NULL, subtitle TEXT, description TEXT, subject TEXT,
            grade_from INTEGER, grade_to INTEGER, topics TEXT NOT NULL DEFAULT '[]', created_at INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE work_creator (
            work_id TEXT NOT NULL REFERENCES work(id), place INTEGER NOT NULL, name TEXT NOT NULL, role TEXT NOT NULL,
            PRIMARY KEY (work_id, place)
        ) WITHOUT ROWID;
        CREATE TABLE edition (
            id TEXT PRIMARY KEY, work_id TEXT NOT NULL REFERENCES work(id), publisher TEXT, published TEXT, language TEXT,
            identifiers TEXT NOT NULL DEFAULT '[]', rights TEXT, source TEXT
        ) WITHOUT ROWID;
        CREATE INDEX edition_of_work ON edition(work_id);
        CREATE TABLE item (
            id TEXT PRIMARY KEY, edition_id TEXT NOT NULL REFERENCES edition(id), form TEXT NOT NULL, state TEXT NOT NULL,
            kind TEXT, file TEXT, file_name TEXT, size INTEGER, media_type TEXT, pages INTEGER, duration_ms INTEGER,
            headings TEXT NOT NULL DEFAULT '[]', cover TEXT, problem TEXT, problem_detail TEXT, remark TEXT,
            record_key TEXT UNIQUE, said TEXT NOT NULL DEFAULT '[]', attempts INTEGER NOT NULL DEFAULT 0,
            added_at INTEGER NOT NULL, added_by TEXT NOT NULL, changed_at INTEGER NOT NULL, ready_at INTEGER,
            withdrawn_at INTEGER, withdrawn_by TEXT, withdrawn_why TEXT
        );
        CREATE INDEX item_of_edition ON item(edition_id);
        CREATE UNIQUE INDEX item_file ON item(file) WHERE file IS NOT NULL;
        CREATE INDEX item_state ON item(state, added_at);
        CREATE INDEX item_changed ON item(changed_at);
        """,
    ),
    Migration(
        "places and reads",
        """
        CREATE TABLE reading_place (
            account_id TEXT NOT NULL, item_id TEXT NOT NULL REFERENCES item(id), at INTEGER NOT NULL, place TEXT NOT NULL,
            fraction REAL NOT NULL, device TEXT NOT NULL, received_at INTEGER NOT NULL,
            PRIMARY KEY (account_id, item_id)
        ) WITHOUT ROWID;
        CREATE INDEX reading_place_latest ON reading_place(account_id, at);
        CREATE TABLE item_read (
            day TEXT NOT NULL, item_id TEXT NOT NULL, reader BLOB NOT NULL, PRIMARY KEY (day, item_id, reader)
        ) WITHOUT ROWID;
        CREATE TABLE reader_salt (day TEXT PRIMARY KEY, salt BLOB NOT NULL) WITHOUT ROWID;
        CREATE TABLE own_shelf (
            account_id TEXT NOT NULL, item_id TEXT NOT NULL REFERENCES item(id), at INTEGER NOT NULL,
            PRIMARY KEY (account_id, item_id)
        ) WITHOUT ROWID;
        """,
    ),
    Migration(
        "readers' marks",
        """
        CREATE TABLE reading_mark (
            account_id TEXT NOT NULL, item_id TEXT NOT NULL REFERENCES item(id), id TEXT NOT NULL, kind TEXT NOT NULL,
            place TEXT NOT NULL, fraction REAL NOT NULL, changed_at INTEGER NOT NULL, made_at INTEGER NOT NULL,
            label TEXT NOT NULL, quote TEXT NOT NULL, note TEXT NOT NULL, colour TEXT, deleted INTEGER NOT NULL,
            device TEXT NOT NULL, version INTEGER NOT NULL, received_at INTEGER NOT NULL,
            PRIMARY KEY (account_id, item_id, id)
        ) WITHOUT ROWID;
        """,
    ),
    *CATALOGUE,
]

OF_WORK = ("title", "subtitle", "description", "subject", "grade_from", "grade_to", "topics", "material", "curriculum",
           "audience", "level", "ddc", "cutter", "collections")  # fmt: skip
OF_EDITION = ("publisher", "published", "language", "identifiers", "rights", "source", "series", "series_number", "place",
              "statement", "extent", "licence")  # fmt: skip
PLAIN = tuple(name for name in OF_WORK + OF_EDITION if name not in {"topics", "collections", "identifiers"})
"""Fields that lie in their columns as they are; the others are lists in JSON."""
_JOINED = f"""
    SELECT i.*, e.work_id, {", ".join(f"e.{name}" for name in OF_EDITION)}, {", ".join(f"w.{name}" for name in OF_WORK)},
           (SELECT json_group_array(variant) FROM
               (SELECT f.variant FROM work_creator k JOIN name_form f ON f.kind = 'person' AND f.preferred = k.name
                WHERE k.work_id = w.id UNION SELECT f.variant FROM json_each(w.topics) j
                JOIN name_form f ON f.kind = 'topic' AND f.preferred = j.value)) AS other_names,
           (SELECT json_group_array(json_object('name', name, 'role', role)) FROM
               (SELECT name, role FROM work_creator WHERE work_id = w.id ORDER BY place)) AS creators
    FROM item i JOIN edition e ON e.id = i.edition_id JOIN work w ON w.id = e.work_id
"""  # noqa: S608 - fixed words
_creators = msgspec.json.Decoder(tuple[Creator, ...])
_strings = msgspec.json.Decoder(tuple[str, ...])
_headings = msgspec.json.Decoder(tuple[Heading, ...])


def item(c: sqlite3.Connection, item_id: str) -> Item | None:
    row = c.execute(f"{_JOINED} WHERE i.id = ?", (item_id,)).fetchone()
    return _item(row) if row else None


def by_file(c: sqlite3.Connection, digest: str) -> Item | None:
    """`digest`: SHA-256 of the file's bytes, hex."""
    row = c.execute(f"{_JOINED} WHERE i.file = ?", (digest,)).fetchone()
    return _item(row) if row else None


def items(c: sqlite3.Connection, states: Iterable[State], *, words: str = "", limit: int = 50, offset: int = 0) -> list[Item]:
    """For the librarian: newest first; `words` in title or file name (a plain scan: it is a list of thousands)."""
    wanted = list(states)
    marks = ",".join("?" * len(wanted))
    like = f"%{words.replace('%', '')}%"
    rows = c.execute(
        f"{_JOINED} WHERE i.state IN ({marks}) AND (w.title LIKE ? OR ifnull(i.file_name, '') LIKE ?)"
        " ORDER BY i.added_at DESC, i.id LIMIT ? OFFSET ?",
        (*wanted, like, like, limit, offset),
    )
    return [_item(row) for row in rows]


def ready_after(c: sqlite3.Connection, last: str, limit: int) -> list[Item]:
    """Ready items in the order of their ids, for rebuilding the index in slices."""
    rows = c.execute(f"{_JOINED} WHERE i.state = 'ready' AND i.id > ? ORDER BY i.id LIMIT ?", (last, limit))
    return [_item(row) for row in rows]


def of_work(c: sqlite3.Connection, work_id: str, *, without: str) -> list[str]:
    """The other items of a work: what is said of the work is said of them too."""
    rows = c.execute(
        "SELECT i.id FROM item i JOIN edition e ON e.id = i.edition_id WHERE e.work_id = ? AND i.id != ?", (work_id, without)
    )
    return [row["id"] for row in rows]


def offered(c: sqlite3.Connection, where: str, values: Sequence[object], limit: int) -> list[Item]:
    """What teachers brought. `where` is one of our own conditions with its order."""
    rows = c.execute(f"{_JOINED} WHERE i.offered_by IS NOT NULL AND {where} LIMIT ?", (*values, limit))
    return [_item(row) for row in rows]


def review(c: sqlite3.Connection, item_id: str, *, approved: bool, at: int, by: str, note: str) -> None:
    c.execute(
        "UPDATE item SET reviewed_by = ?, reviewed_at = ?, review_note = ?, changed_at = ? WHERE id = ?",
        (by, at, note or None, at, item_id),
    )
    if approved:
        c.execute("UPDATE item SET state = 'ready', ready_at = ? WHERE id = ?", (at, item_id))
    else:
        withdraw(c, item_id, at=at, by=by, why=note)


def ready_where(c: sqlite3.Connection, where: str, values: Sequence[object], after: str, limit: int) -> list[Item]:
    """Ready items by id from `after` on. `where` is SQL over i, e and w that begins with AND, of our own words."""
    rows = c.execute(f"{_JOINED} WHERE i.state = 'ready' AND i.id > ?{where} ORDER BY i.id LIMIT ?", (after, *values, limit))
    return [_item(row) for row in rows]


def ready_near(c: sqlite3.Connection, where: str, values: Sequence[object], limit: int) -> list[Item]:
    """Ready files. `where` as in `ready_where`."""
    rows = c.execute(f"{_JOINED} WHERE i.state = 'ready' AND i.form = 'file'{where} LIMIT ?", (*values, limit))
    return [_item(row) for row in rows]


def counts_by_state(c: sqlite3.Connection) -> dict[str, int]:
    """State → how many items; a state nothing is in has no entry."""
    return dict(c.execute("SELECT state, count(*) FROM item GROUP BY state").fetchall())


def waiting(c: sqlite3.Connection, limit: int) -> list[Item]:
    """The files nobody has read yet, oldest first."""
    rows = c.execute(f"{_JOINED} WHERE i.state = 'waiting' ORDER BY i.added_at, i.id LIMIT ?", (limit,))
    return [_item(row) for row in rows]


def stamp(c: sqlite3.Connection) -> tuple[int, int]:
    """Changes whenever an item does: (newest change, number of items)."""
    row = c.execute("SELECT ifnull(max(changed_at), 0), count(*) FROM item").fetchone()
    return row[0], row[1]


def add(c: sqlite3.Connection, new: Item, *, key: str | None = None, said: Iterable[str] = ()) -> None:
    """Adds work, edition and item at once. `said`: fields a person gave, which a file's own words never replace."""
    c.execute(_ADD_WORK, (new.work_id, new.added_at, *_values(new, OF_WORK)))
    _put_creators(c, new.work_id, new.creators)
    c.execute(_ADD_EDITION, (new.edition_id, new.work_id, *_values(new, OF_EDITION)))
    c.execute(
        "INSERT INTO item (id, edition_id, form, state, kind, file, file_name, size, record_key, said, added_at, added_by,"
        " changed_at, ready_at, copies, offered_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            new.id, new.edition_id, new.form, new.state, new.kind, new.file, new.file_name, new.size, key,
            _json(sorted(said)), new.added_at, new.added_by, new.changed_at, new.ready_at, new.copies, new.offered_by,
        ),
    )  # fmt: skip
    _put_keys(c, new)


def remove(c: sqlite3.Connection, it: Item) -> None:
    """Deletes a catalogue line that was added by mistake, with its edition and work where nothing else stands on them.

    Raises sqlite3.IntegrityError when something of a reader hangs on it.
    """
    for table in ("match_key", "item_version", "reading_list_item"):
        c.execute(f"DELETE FROM {table} WHERE item_id = ?", (it.id,))  # noqa: S608 - fixed words
    c.execute("DELETE FROM item WHERE id = ?", (it.id,))
    if c.execute("SELECT 1 FROM item WHERE edition_id = ?", (it.edition_id,)).fetchone() is None:
        c.execute("DELETE FROM edition WHERE id = ?", (it.edition_id,))
    if c.execute("SELECT 1 FROM edition WHERE work_id = ?", (it.work_id,)).fetchone() is None:
        c.execute("DELETE FROM work_creator WHERE work_id = ?", (it.work_id,))
        c.execute("DELETE FROM work WHERE id = ?", (it.work_id,))


def by_key(c: sqlite3.Connection, key: str) -> str | None:
    """The item whose catalogue record has this key (`record_key`), so that nothing is added twice."""
    row = c.execute("SELECT id FROM item WHERE record_key = ?", (key,)).fetchone()
    return row["id"] if row else None


def said(c: sqlite3.Connection, item_id: str) -> frozenset[str]:
    """The fields of an item that a person wrote."""
    row = c.execute("SELECT said FROM item WHERE id = ?", (item_id,)).fetchone()
    return frozenset(_strings.decode(row["said"])) if row else frozenset()


def put(c: sqlite3.Connection, new: Item, *, said_too: Iterable[str] = ()) -> None:
    """Writes everything an item, its edition and its work say."""
    fields = sorted(said(c, new.id) | set(said_too))
    c.execute(_PUT_WORK, (*_values(new, OF_WORK), new.work_id))
    _put_creators(c, new.work_id, new.creators)
    c.execute(_PUT_EDITION, (*_values(new, OF_EDITION), new.edition_id))
    _put_keys(c, new)
    c.execute(
        "UPDATE item SET state = ?, kind = ?, media_type = ?, pages = ?, duration_ms = ?, headings = ?, cover = ?,"
        " problem = ?, remark = ?, said = ?, changed_at = ?, ready_at = ?, copies = ? WHERE id = ?",
        (
            new.state, new.kind, new.media_type, new.pages, new.duration_ms, _json(new.headings), new.cover, new.problem,
            new.remark, _json(fields), new.changed_at, new.ready_at, new.copies, new.id,
        ),
    )  # fmt: skip


def set_state(
    c: sqlite3.Connection,
    item_id: str,
    state: State,
    *,
    at: int,
    problem: str | None = None,
    detail: str = "",
    media_type: str | None = None,
) -> None:
    """`media_type`: what the bytes of a file that cannot be read speak for."""
    c.execute(
        "UPDATE item SET state = ?, problem = ?, problem_detail = ?, media_type = ifnull(?, media_type), changed_at = ?"
        " WHERE id = ?",
        (state, problem, detail, media_type, at, item_id),
    )


def attach(c: sqlite3.Connection, item_id: str, *, file: str, file_name: str, size: int, at: int) -> None:
    """A catalogue line gets its file, which is still to be read."""
    c.execute(
        "UPDATE item SET form = 'file', state = 'waiting', file = ?, file_name = ?, size = ?, attempts = 0, changed_at = ?"
        " WHERE id = ?",
        (file, file_name, size, at, item_id),
    )


def count_attempt(c: sqlite3.Connection, item_id: str) -> int:
    """One more try at reading a file; on disk before the try, so that a file that takes the hub down is noticed."""
    row = c.execute("UPDATE item SET attempts = attempts + 1 WHERE id = ? RETURNING attempts", (item_id,)).fetchone()
    return int(row["attempts"]) if row else 0


def reset_attempts(c: sqlite3.Connection, item_id: str) -> None:
    """A file that broke its reader may be tried from the start."""
    c.execute("UPDATE item SET attempts = 0 WHERE id = ?", (item_id,))


def set_cover(c: sqlite3.Connection, item_id: str, cover: str | None, *, at: int) -> None:
    """`cover`: digest of a picture in the vault; None: it is drawn."""
    c.execute("UPDATE item SET cover = ?, changed_at = ? WHERE id = ?", (cover, at, item_id))


def withdraw(c: sqlite3.Connection, item_id: str, *, at: int, by: str, why: str) -> None:
    c.execute(
        "UPDATE item SET state = 'withdrawn', withdrawn_at = ?, withdrawn_by = ?, withdrawn_why = ?, changed_at = ? WHERE id = ?",
        (at, by, why, at, item_id),
    )


def set_merged(c: sqlite3.Connection, item_id: str, into: str) -> None:
    """Whoever asks for this item is led to the other."""
    c.execute("UPDATE item SET merged_into = ? WHERE id = ?", (into, item_id))


def take_back(c: sqlite3.Connection, item_id: str, *, at: int) -> None:
    """A withdrawn item returns to where it stood: ready if it was, else to be read again."""
    c.execute(
        "UPDATE item SET state = CASE WHEN ready_at IS NOT NULL THEN 'ready' ELSE 'waiting' END, withdrawn_at = NULL,"
        " withdrawn_by = NULL, withdrawn_why = NULL, merged_into = NULL, changed_at = ? WHERE id = ?",
        (at, item_id),
    )


def shelf(c: sqlite3.Connection, where: str, values: Sequence[object], limit: int, offset: int = 0) -> list[Card]:
    """Cards of ready items, newest first. `where` is one of this module's own conditions."""
    rows = c.execute(
        f"{_JOINED} WHERE i.state = 'ready'{where} ORDER BY i.added_at DESC, i.id LIMIT ? OFFSET ?", (*values, limit, offset)
    )
    return [card_of(_item(row)) for row in rows]


def counts_by_subject(c: sqlite3.Connection) -> list[tuple[str, int]]:
    """(subject's code, ready items), most first; items without a subject are in none."""
    rows = c.execute(
        "SELECT w.subject AS subject, count(*) AS n FROM item i JOIN edition e ON e.id = i.edition_id JOIN work w"
        " ON w.id = e.work_id WHERE i.state = 'ready' AND w.subject IS NOT NULL GROUP BY w.subject ORDER BY n DESC, w.subject"
    )
    return [(row["subject"], row["n"]) for row in rows]


def spans_of_grades(c: sqlite3.Connection) -> list[tuple[int, int, int]]:
    """(from, to, how many) of ready items that name a grade."""
    rows = c.execute(
        "SELECT w.grade_from AS a, ifnull(w.grade_to, w.grade_from) AS b, count(*) AS n FROM item i"
        " JOIN edition e ON e.id = i.edition_id JOIN work w ON w.id = e.work_id"
        " WHERE i.state = 'ready' AND w.grade_from IS NOT NULL GROUP BY a, b"
    )
    return [(row["a"], row["b"], row["n"]) for row in rows]


def count_ready(c: sqlite3.Connection, where: str = "", values: Sequence[object] = ()) -> int:
    """`where` is SQL over i, e and w that begins with AND; never a reader's words."""
    counted = "SELECT count(*) FROM item i JOIN edition e ON e.id = i.edition_id JOIN work w ON w.id = e.work_id"
    row = c.execute(f"{counted} WHERE i.state = 'ready'{where}", tuple(values)).fetchone()
    return int(row[0])


def languages(c: sqlite3.Connection) -> list[tuple[str, int]]:
    """(language code, ready items), most first."""
    rows = c.execute(
        "SELECT e.language AS language, count(*) AS n FROM item i JOIN edition e ON e.id = i.edition_id"
        " WHERE i.state = 'ready' AND e.language IS NOT NULL GROUP BY e.language ORDER BY n DESC"
    )
    return [(row["language"], row["n"]) for row in rows]


def holdings(c: sqlite3.Connection) -> dict[str, Any]:
    row = c.execute(
        "SELECT count(DISTINCT e.work_id) FILTER (WHERE i.state = 'ready' AND i.form = 'file') AS titles,"
        " count(*) FILTER (WHERE i.state = 'ready' AND i.form = 'file') AS items,"
        " ifnull(sum(i.size) FILTER (WHERE i.state = 'ready' AND i.form = 'file'), 0) AS bytes,"
        " count(*) FILTER (WHERE i.state = 'ready' AND i.form = 'listed') AS listed,"
        " count(*) FILTER (WHERE i.state = 'broken') AS broken"
        " FROM item i JOIN edition e ON e.id = i.edition_id"
    ).fetchone()
    kinds = c.execute("SELECT kind, count(*) FROM item WHERE state = 'ready' AND form = 'file' GROUP BY kind").fetchall()
    return {**dict(row), "by_kind": dict(kinds), "by_subject": dict(counts_by_subject(c))}


def held_titles(c: sqlite3.Connection, limit: int, offset: int) -> list[HeldTitle]:
    """Ready files, oldest first; for exports."""
    rows = c.execute(
        "SELECT i.id, w.title, i.kind, i.added_at FROM item i JOIN edition e ON e.id = i.edition_id JOIN work w"
        " ON w.id = e.work_id WHERE i.state = 'ready' AND i.form = 'file' ORDER BY i.added_at, i.id LIMIT ? OFFSET ?",
        (limit, offset),
    )
    return [
        HeldTitle(item=r["id"], title=r["title"], kind=Kind(r["kind"]) if r["kind"] else None, added_at=r["added_at"])
        for r in rows
    ]


def card_of(it: Item) -> Card:
    """What a shelf shows of an item."""
    return Card(
        id=it.id, title=it.title, people=it.people, form=it.form, kind=it.kind, subject=it.subject, grade_from=it.grade_from,
        grade_to=it.grade_to, language=it.language, published=it.published, pages=it.pages, duration_ms=it.duration_ms,
        size=it.size, cover=it.cover, added_at=it.added_at,
    )  # fmt: skip


def record_of(it: Item) -> Record:
    """What a person may change of an item."""
    names = Record.__struct_fields__
    return Record(**{name: getattr(it, name) for name in names if name != "key"})


def _put_creators(c: sqlite3.Connection, work_id: str, creators: Sequence[Creator]) -> None:
    c.execute("DELETE FROM work_creator WHERE work_id = ?", (work_id,))
    c.executemany(
        "INSERT INTO work_creator VALUES (?, ?, ?, ?)",
        [(work_id, place, creator.name, creator.role) for place, creator in enumerate(creators)],
    )


def _put_keys(c: sqlite3.Connection, it: Item) -> None:
    """The keys under which twins of an item are found."""
    c.execute("DELETE FROM match_key WHERE item_id = ?", (it.id,))
    keys = keys_of(it.title, it.identifiers)
    c.executemany("INSERT INTO match_key VALUES (?, ?, ?)", [(kind, key, it.id) for kind, key in keys])


def _values(it: Item, names: Sequence[str]) -> list[object]:
    values = (getattr(it, name) for name in names)
    return [_json(value) if isinstance(value, tuple) else value for value in values]


def _item(r: sqlite3.Row) -> Item:
    return Item(
        id=r["id"], work_id=r["work_id"], edition_id=r["edition_id"], form=Form(r["form"]),
        state=State(r["state"]), added_at=r["added_at"], added_by=r["added_by"], changed_at=r["changed_at"],
        creators=_creators.decode(r["creators"]), topics=_strings.decode(r["topics"]),
        identifiers=_strings.decode(r["identifiers"]), collections=_strings.decode(r["collections"]),
        other_names=_strings.decode(r["other_names"]), kind=Kind(r["kind"]) if r["kind"] else None, file=r["file"],
        file_name=r["file_name"], size=r["size"], media_type=r["media_type"], pages=r["pages"], duration_ms=r["duration_ms"],
        headings=_headings.decode(r["headings"]), cover=r["cover"], problem=r["problem"], remark=r["remark"],
        ready_at=r["ready_at"], withdrawn_at=r["withdrawn_at"], withdrawn_why=r["withdrawn_why"], copies=r["copies"],
        merged_into=r["merged_into"], offered_by=r["offered_by"], reviewed_by=r["reviewed_by"], reviewed_at=r["reviewed_at"],
        review_note=r["review_note"], **{name: r[name] for name in PLAIN},
    )  # fmt: skip


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


_ADD_WORK = f"INSERT INTO work (id, created_at, {', '.join(OF_WORK)}) VALUES (?, ?{', ?' * len(OF_WORK)})"  # noqa: S608 - fixed
_ADD_EDITION = f"INSERT INTO edition (id, work_id, {', '.join(OF_EDITION)}) VALUES (?, ?{', ?' * len(OF_EDITION)})"  # noqa: S608
_PUT_WORK = f"UPDATE work SET {', '.join(f'{name} = ?' for name in OF_WORK)} WHERE id = ?"  # noqa: S608 - fixed words
_PUT_EDITION = f"UPDATE edition SET {', '.join(f'{name} = ?' for name in OF_EDITION)} WHERE id = ?"  # noqa: S608 - fixed words
