"""search.db of the library: everything in it is derived and can be thrown away.

Two full-text tables over folded text: titles (with people, topics and what it is about) and passages of the text inside.
SQLite's own folding misses đ, so folding is ours, before indexing and before asking.
"""

import sqlite3
import zlib
from collections.abc import Iterable, Sequence

import msgspec

from densach_core.folding import fold
from densach_core.migrations import Migration
from densach_hub.library import query as asked
from densach_hub.library.formats.found import Passage
from densach_hub.library.model import Card, Filters, Hit, Inside, Item
from densach_hub.library.query import Query
from densach_hub.library.store import card_of

COUNTED = 1_000
PASSAGES_SEEN = 240
HITS_AN_ITEM = 3
VERSION = 2
"""Raise it when what is indexed changes: the hub then rebuilds by itself."""

MIGRATIONS = [
    Migration(
        "titles and texts",
        """
        CREATE TABLE entry (
            id INTEGER PRIMARY KEY, item TEXT NOT NULL UNIQUE, kind TEXT, subject TEXT, grade_from INTEGER, grade_to INTEGER,
            language TEXT, added_at INTEGER NOT NULL, changed_at INTEGER NOT NULL, text_of TEXT,
            title TEXT NOT NULL, exact TEXT NOT NULL, people TEXT NOT NULL, topics TEXT NOT NULL, about TEXT NOT NULL,
            card BLOB NOT NULL
        );
        CREATE INDEX entry_added ON entry(added_at);
        CREATE VIRTUAL TABLE entry_words USING fts5(
            title, exact, people, topics, about, content='entry', content_rowid='id',
            tokenize='unicode61 remove_diacritics 0', prefix='2 3'
        );
        CREATE TABLE passage (
            id INTEGER PRIMARY KEY, entry INTEGER NOT NULL, section INTEGER NOT NULL, label TEXT, text BLOB NOT NULL
        );
        CREATE INDEX passage_of_entry ON passage(entry);
        CREATE VIRTUAL TABLE passage_words USING fts5(text, content='', tokenize='unicode61 remove_diacritics 0');
        CREATE TABLE built (version INTEGER NOT NULL);
        """,
    ),
    Migration(
        "words apart from cards, limits as words",
        """
        DROP TABLE entry_words;
        DROP TABLE entry;
        DELETE FROM built;
        CREATE TABLE entry (
            id INTEGER PRIMARY KEY, item TEXT NOT NULL UNIQUE, kind TEXT, subject TEXT, grade_from INTEGER, grade_to INTEGER,
            language TEXT, added_at INTEGER NOT NULL, changed_at INTEGER NOT NULL, text_of TEXT, card BLOB NOT NULL
        );
        CREATE INDEX entry_added ON entry(added_at);
        CREATE TABLE entry_text (
            id INTEGER PRIMARY KEY, title TEXT NOT NULL, exact TEXT NOT NULL, people TEXT NOT NULL, topics TEXT NOT NULL,
            about TEXT NOT NULL, limits TEXT NOT NULL
        );
        CREATE VIRTUAL TABLE entry_words USING fts5(
            title, exact, people, topics, about, limits, content='entry_text', content_rowid='id',
            tokenize='unicode61 remove_diacritics 0', prefix='2 3'
        );
        """,
    ),
]

_cards = msgspec.json.Decoder(Card)
_WEIGHTS = "8.0, 8.0, 4.0, 3.0, 1.0, 0.0"
_COLUMNS = "title, exact, people, topics, about, limits"
_FORGET = (
    f"INSERT INTO entry_words (entry_words, rowid, {_COLUMNS})"  # noqa: S608 - fixed words
    f" SELECT 'delete', id, {_COLUMNS} FROM entry_text WHERE id = (SELECT id FROM entry WHERE item = ?)"
)


def version(c: sqlite3.Connection) -> int:
    row = c.execute("SELECT max(version) FROM built").fetchone()
    return row[0] or 0


def set_version(c: sqlite3.Connection) -> None:
    c.execute("DELETE FROM built")
    c.execute("INSERT INTO built VALUES (?)", (VERSION,))


def clear(c: sqlite3.Connection) -> None:
    c.execute("INSERT INTO passage_words (passage_words) VALUES ('delete-all')")
    c.execute("DELETE FROM passage")
    c.execute("DELETE FROM entry")
    c.execute("DELETE FROM entry_text")
    c.execute("INSERT INTO entry_words (entry_words) VALUES ('rebuild')")
    c.execute("DELETE FROM built")


def put(c: sqlite3.Connection, it: Item) -> None:
    """Indexes an item's title and what else is said of it, in place of what was there."""
    titles = f"{it.title} {it.subtitle or ''}".strip()
    about = f"{it.description or ''} {it.publisher or ''} {' '.join(it.identifiers)}"
    last_grade = it.grade_to if it.grade_to is not None else it.grade_from
    c.execute(_FORGET, (it.id,))
    row = c.execute(
        "INSERT INTO entry (item, kind, subject, grade_from, grade_to, language, added_at, changed_at, card)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (item) DO UPDATE SET"
        " kind = excluded.kind, subject = excluded.subject, grade_from = excluded.grade_from, grade_to = excluded.grade_to,"
        " language = excluded.language, added_at = excluded.added_at, changed_at = excluded.changed_at, card = excluded.card"
        " RETURNING id",
        (
            it.id, it.kind, it.subject, it.grade_from, last_grade, it.language, it.added_at, it.changed_at,
            msgspec.json.encode(card_of(it)),
        ),
    ).fetchone()  # fmt: skip
    limits = [_limit("kind", it.kind), _limit("subject", it.subject), _limit("language", it.language)]
    if it.grade_from is not None and last_grade is not None:
        limits += [_limit("grade", grade) for grade in range(it.grade_from, last_grade + 1)]
    words = (
        row["id"], fold(titles), asked.exact_words(titles), fold(it.people), fold(" ".join(it.topics)), fold(about),
        " ".join(filter(None, limits)),
    )  # fmt: skip
    c.execute("INSERT OR REPLACE INTO entry_text VALUES (?, ?, ?, ?, ?, ?, ?)", words)
    c.execute(f"INSERT INTO entry_words (rowid, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", words)  # noqa: S608 - fixed words


def _limit(name: str, value: object) -> str | None:
    """`subjectnguvan`, `grade6`: a limit as one word of the index."""
    if value is None:
        return None
    return name + "".join(letter for letter in str(value).lower() if letter.isalnum())


def put_all(c: sqlite3.Connection, items: Iterable[Item]) -> None:
    for it in items:
        put(c, it)


def remove(c: sqlite3.Connection, item_id: str) -> None:
    remove_text(c, item_id)
    c.execute(_FORGET, (item_id,))
    c.execute("DELETE FROM entry_text WHERE id = (SELECT id FROM entry WHERE item = ?)", (item_id,))
    c.execute("DELETE FROM entry WHERE item = ?", (item_id,))


def remove_text(c: sqlite3.Connection, item_id: str) -> None:
    """Takes an item's passages out; a contentless index wants to be told the words once more."""
    rows = c.execute("SELECT p.id, p.text FROM passage p JOIN entry e ON e.id = p.entry WHERE e.item = ?", (item_id,)).fetchall()
    c.executemany(
        "INSERT INTO passage_words (passage_words, rowid, text) VALUES ('delete', ?, ?)",
        [(row["id"], fold(_text(row["text"]))) for row in rows],
    )
    c.executemany("DELETE FROM passage WHERE id = ?", [(row["id"],) for row in rows])
    c.execute("UPDATE entry SET text_of = NULL WHERE item = ?", (item_id,))


def add_text(c: sqlite3.Connection, item_id: str, passages: Iterable[Passage]) -> None:
    """Adds passages to an item that is in the index; the caller goes in slices, so that nobody waits long."""
    row = c.execute("SELECT id FROM entry WHERE item = ?", (item_id,)).fetchone()
    if row is None:
        return
    for passage in passages:
        cursor = c.execute(
            "INSERT INTO passage (entry, section, label, text) VALUES (?, ?, ?, ?)",
            (row["id"], passage.section, passage.label, zlib.compress(passage.text.encode(), 6)),
        )
        c.execute("INSERT INTO passage_words (rowid, text) VALUES (?, ?)", (cursor.lastrowid, passage.folded))


def text_done(c: sqlite3.Connection, item_id: str, file: str) -> None:
    """All of this file's text is in."""
    c.execute("UPDATE entry SET text_of = ? WHERE item = ?", (file, item_id))


def has_text(c: sqlite3.Connection, item_id: str, file: str) -> bool:
    return c.execute("SELECT 1 FROM entry WHERE item = ? AND text_of = ?", (item_id, file)).fetchone() is not None


def known(c: sqlite3.Connection, ids: Sequence[str]) -> dict[str, tuple[int, str | None]]:
    """item → (change it was indexed at, file whose text is in)."""
    marks = ",".join("?" * len(ids))
    rows = c.execute(f"SELECT item, changed_at, text_of FROM entry WHERE item IN ({marks})", tuple(ids))  # noqa: S608 - marks
    return {row["item"]: (row["changed_at"], row["text_of"]) for row in rows}


def count(c: sqlite3.Connection) -> int:
    return int(c.execute("SELECT count(*) FROM entry").fetchone()[0])


def titles(
    c: sqlite3.Connection, query: Query, filters: Filters, *, limit: int, offset: int
) -> tuple[list[Card], bool, int | None]:
    """Items whose title (or people, topics) fit, best first; whether there are more; how many (None: beyond 1,000)."""
    if not query.words:
        return _newest(c, filters, limit, offset)
    bounds = _bounds(filters)
    found: dict[int, None] = {}
    enough = offset + limit + 1
    questions = asked.title_questions(query)
    for question in questions:
        _ask(c, question + bounds, found, enough)
        if len(found) >= enough:
            break
    if not found and len(query.words) > 1:
        questions = [asked.any_question(query)]
        _ask(c, questions[0] + bounds, found, enough)
    total = len(found) if len(found) < enough else _count(c, questions[-1] + bounds)
    wanted = list(found)[offset : offset + limit]
    return _cards_of(c, wanted), len(found) > offset + limit, total


def _newest(c: sqlite3.Connection, filters: Filters, limit: int, offset: int) -> tuple[list[Card], bool, int | None]:
    where, values = _where(filters)
    rows = c.execute(
        f"SELECT card FROM entry e WHERE 1{where} ORDER BY added_at DESC, id DESC LIMIT ? OFFSET ?",  # noqa: S608 - fixed
        (*values, limit + 1, offset),
    ).fetchall()
    total = c.execute(f"SELECT count(*) FROM entry e WHERE 1{where}", values).fetchone()[0]  # noqa: S608 - fixed words
    return [_cards.decode(row["card"]) for row in rows[:limit]], len(rows) > limit, total


def _ask(c: sqlite3.Connection, question: str, found: dict[int, None], enough: int) -> None:
    rows = c.execute(
        f"SELECT rowid FROM entry_words WHERE entry_words MATCH ? ORDER BY bm25(entry_words, {_WEIGHTS}), rowid LIMIT ?",  # noqa: S608
        (question, enough),
    )
    for row in rows:
        found.setdefault(row["rowid"])


def _count(c: sqlite3.Connection, question: str) -> int | None:
    row = c.execute(
        "SELECT count(*) FROM (SELECT 1 FROM entry_words WHERE entry_words MATCH ? LIMIT ?)", (question, COUNTED + 1)
    ).fetchone()
    return row[0] if row[0] <= COUNTED else None


def _cards_of(c: sqlite3.Connection, ids: Sequence[int]) -> list[Card]:
    marks = ",".join("?" * len(ids))
    rows = c.execute(f"SELECT id, card FROM entry WHERE id IN ({marks})", tuple(ids))  # noqa: S608 - marks only
    found = {row["id"]: row["card"] for row in rows}
    return [_cards.decode(found[number]) for number in ids if number in found]


def _bounds(filters: Filters) -> str:
    """The limits as a part of an FTS5 expression."""
    limits = [_limit(name, getattr(filters, name)) for name in ("kind", "subject", "language", "grade")]
    words = " AND ".join(f'"{limit}"' for limit in limits if limit)
    return f" AND limits : ({words})" if words else ""


def texts(c: sqlite3.Connection, query: Query, filters: Filters, *, limit: int) -> list[Inside]:
    """Items whose text has the words: those with the phrase first, then those with most fitting passages.

    Looks at the first 240 fitting passages only: a word that is everywhere must not cost more than a rare one.
    """
    where, values = _where(filters)
    seen: dict[int, list[int]] = {}
    cards: dict[int, bytes] = {}
    for question in asked.text_questions(query):
        rows = c.execute(
            "SELECT p.id, p.entry, e.card FROM passage_words w JOIN passage p ON p.id = w.rowid"  # noqa: S608 - fixed words
            f" JOIN entry e ON e.id = p.entry WHERE passage_words MATCH ?{where} LIMIT ?",
            (question, *values, PASSAGES_SEEN),
        ).fetchall()
        for row in rows:
            known_passages = seen.setdefault(row["entry"], [])
            if row["id"] not in known_passages:
                known_passages.append(row["id"])
            cards[row["entry"]] = row["card"]
        if len(seen) >= limit:
            break
    best = sorted(seen, key=lambda entry: -min(len(seen[entry]), 9))[:limit]
    return [_inside(c, query, cards[entry], seen[entry]) for entry in best]


def inside(c: sqlite3.Connection, query: Query, item_id: str, *, limit: int) -> list[Hit]:
    """The places in one item. Its passages stand close together: only that stretch of the index is asked."""
    span = c.execute(
        "SELECT e.id AS entry, min(p.id) AS first, max(p.id) AS last FROM entry e JOIN passage p ON p.entry = e.id"
        " WHERE e.item = ?",
        (item_id,),
    ).fetchone()
    if span is None or span["first"] is None:
        return []
    for question in asked.text_questions(query):
        rows = c.execute(
            "SELECT p.section, p.label, p.text FROM passage_words w JOIN passage p ON p.id = w.rowid"
            " WHERE passage_words MATCH ? AND w.rowid BETWEEN ? AND ? AND p.entry = ? ORDER BY w.rowid LIMIT ?",
            (question, span["first"], span["last"], span["entry"], limit),
        ).fetchall()
        if rows:
            return [_hit(row, query) for row in rows]
    return []


def cards(c: sqlite3.Connection, ids: Sequence[str]) -> dict[str, Card]:
    marks = ",".join("?" * len(ids))
    rows = c.execute(f"SELECT item, card FROM entry WHERE item IN ({marks})", tuple(ids))  # noqa: S608 - marks only
    return {row["item"]: _cards.decode(row["card"]) for row in rows}


def _inside(c: sqlite3.Connection, query: Query, card: bytes, passages: list[int]) -> Inside:
    marks = ",".join("?" * min(len(passages), HITS_AN_ITEM))
    rows = c.execute(
        f"SELECT section, label, text FROM passage WHERE id IN ({marks}) ORDER BY id",  # noqa: S608 - marks only
        tuple(passages[:HITS_AN_ITEM]),
    )
    return Inside(card=_cards.decode(card), hits=tuple(_hit(row, query) for row in rows), pages=len(passages))


def _hit(row: sqlite3.Row, query: Query) -> Hit:
    return Hit(section=row["section"], label=row["label"], excerpt=asked.excerpt(_text(row["text"]), query))


def _text(packed: bytes) -> str:
    return zlib.decompress(packed).decode()


def _where(filters: Filters) -> tuple[str, list[object]]:
    where, values = "", list[object]()
    for column in ("subject", "kind", "language"):
        value = getattr(filters, column)
        if value is not None:
            where += f" AND e.{column} = ?"
            values.append(value)
    if filters.grade is not None:
        where += " AND e.grade_from <= ? AND e.grade_to >= ?"
        values += [filters.grade, filters.grade]
    return where, values
