"""search.db's lay-out: the texts once, the words in two sides. One side answers while the other is being built.

Everything in the file is derived and can be thrown away. A *side* is a whole set of tables of words; which of them answers is
one row, so a rebuild becomes visible in one commit, goes on where a power cut left it, and is kept in step by whoever
corrects an item meanwhile, from whichever process. What was read out of files (the costly part) is kept once, beside both.
"""
# ruff: noqa: S608 - only names of tables are put into statements

import sqlite3

from densach_core.migrations import Migration

VERSION = 5
"""Raise it when what is indexed changes: the hub then rebuilds by itself, while searching goes on."""

_NAMES = ("1", "2")

MIGRATIONS = [
    Migration("titles and texts", "CREATE TABLE built (version INTEGER NOT NULL);"),
    Migration("words apart from cards, limits as words", "DELETE FROM built;"),
    Migration(
        "texts once, words in two sides",
        """
        DROP TABLE IF EXISTS passage_words;
        DROP TABLE IF EXISTS entry_words;
        DROP TABLE IF EXISTS entry_text;
        DROP TABLE IF EXISTS entry;
        DROP TABLE IF EXISTS passage;
        DROP TABLE built;
        CREATE TABLE side (name TEXT PRIMARY KEY, version INTEGER NOT NULL, answers INTEGER NOT NULL);
        CREATE TABLE text (id INTEGER PRIMARY KEY, item TEXT NOT NULL UNIQUE, file TEXT NOT NULL, whole INTEGER NOT NULL);
        CREATE TABLE passage (
            id INTEGER PRIMARY KEY, text INTEGER NOT NULL, section INTEGER NOT NULL, label TEXT, body BLOB NOT NULL
        );
        CREATE INDEX passage_of_text ON passage(text);
        """,
    ),
    Migration("words and shapes counted as they come", lambda c: _catch_up(c)),  # noqa: PLW0108 - stands below
]


class Tables:
    """The names of one side's tables."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.entry = f"entry_{name}"
        self.card = f"card_{name}"
        self.said = f"said_{name}"
        self.words = f"entry_words_{name}"
        self.vocabulary = f"entry_terms_{name}"
        self.word = f"entry_word_{name}"
        self.shape = f"entry_shape_{name}"
        self.passages = f"passage_words_{name}"
        self.terms = f"passage_terms_{name}"
        self.heard = f"passage_word_{name}"


SHAPE = ("kind", "subject", "grade_from", "grade_to", "language", "material", "audience", "licence")
"""All that a list can be limited to: entries alike in these are one shape, and are counted together."""

_TABLES = {name: Tables(name) for name in _NAMES}


def answering(c: sqlite3.Connection) -> Tables | None:
    """The side that answers; None before anything was built."""
    row = c.execute("SELECT name FROM side WHERE answers").fetchone()
    return _TABLES[row["name"]] if row else None


def all_sides(c: sqlite3.Connection) -> list[Tables]:
    """The side that answers (made if there is none) and the one being built: what is written goes to both."""
    names = [row["name"] for row in c.execute("SELECT name FROM side ORDER BY answers DESC")]
    if not names:
        _make(c, _NAMES[0], answers=True)
        names = [_NAMES[0]]
    return [_TABLES[name] for name in names]


def version(c: sqlite3.Connection) -> int:
    """What the answering side was wholly built as; 0: not whole yet."""
    row = c.execute("SELECT version FROM side WHERE answers").fetchone()
    return row["version"] if row else 0


def building(c: sqlite3.Connection) -> Tables | None:
    """The side a rebuild was at when it was interrupted, if this version began it."""
    row = c.execute("SELECT name FROM side WHERE NOT answers AND version = ?", (-VERSION,)).fetchone()
    return _TABLES[row["name"]] if row else None


def begin(c: sqlite3.Connection) -> Tables:
    """The side to build: the one that was begun, else a new one."""
    begun = building(c)
    if begun is not None:
        return begun
    answers = all_sides(c)[0].name
    (other,) = (name for name in _NAMES if name != answers)
    _drop(c, other)
    _make(c, other, answers=False)
    return _TABLES[other]


def whole(c: sqlite3.Connection, side: Tables) -> None:
    """This side is whole and answers from now on; the other is no more. Nothing happens when it is gone or answers already."""
    if c.execute("SELECT 1 FROM side WHERE name = ? AND version = ?", (side.name, -VERSION)).fetchone() is None:
        return
    c.execute("UPDATE side SET version = ?, answers = 1 WHERE name = ?", (VERSION, side.name))
    for row in c.execute("SELECT name FROM side WHERE name != ?", (side.name,)).fetchall():
        _drop(c, row["name"])


def _make(c: sqlite3.Connection, name: str, *, answers: bool) -> None:
    t = _TABLES[name]
    tokenize = "tokenize='unicode61 remove_diacritics 0'"
    for statement in (
        f"""CREATE TABLE {t.entry} (id INTEGER PRIMARY KEY, item TEXT NOT NULL UNIQUE, kind TEXT, subject TEXT,
            grade_from INTEGER, grade_to INTEGER, language TEXT, added_at INTEGER NOT NULL, changed_at INTEGER NOT NULL,
            text_of TEXT, text_upto INTEGER, material TEXT, audience TEXT, licence TEXT, shape INTEGER)""",
        *_counting(t),
        f"CREATE INDEX {t.entry}_added ON {t.entry}(added_at)",
        f"CREATE INDEX {t.entry}_limits ON {t.entry}(kind, subject, grade_from, grade_to, language)",
        f"CREATE INDEX {t.entry}_shelf ON {t.entry}(subject, added_at)",
        f"CREATE TABLE {t.card} (id INTEGER PRIMARY KEY, card BLOB NOT NULL)",
        f"""CREATE TABLE {t.said} (id INTEGER PRIMARY KEY, title TEXT NOT NULL, exact TEXT NOT NULL, people TEXT NOT NULL,
            topics TEXT NOT NULL, about TEXT NOT NULL, limits TEXT NOT NULL)""",
        f"""CREATE VIRTUAL TABLE {t.words} USING fts5(title, exact, people, topics, about, limits, content='{t.said}',
            content_rowid='id', {tokenize}, prefix='1 2 3')""",
        f"CREATE VIRTUAL TABLE {t.passages} USING fts5(text, content='', {tokenize})",
    ):
        c.execute(statement)
    c.execute("INSERT OR REPLACE INTO side VALUES (?, ?, ?)", (name, -VERSION, answers))


def _counting(t: Tables) -> tuple[str, ...]:
    """`word`: in how many titles, names and topics each word is; `heard`: in how many passages; `shape`: how many entries are
    alike. All are kept in step with what is written, so that nothing has to be counted while somebody waits."""
    return (
        f"CREATE TABLE {t.heard} (term TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID",
        f"CREATE TABLE {t.word} (term TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID",
        f"""CREATE TABLE {t.shape} (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, kind TEXT, subject TEXT, grade_from INTEGER,
            grade_to INTEGER, language TEXT, material TEXT, audience TEXT, licence TEXT, n INTEGER NOT NULL)""",
    )


def _catch_up(c: sqlite3.Connection) -> None:
    """Sides of before get what they lack, so that they answer until they are built anew (but for how words in texts may end: to
    count those takes too long at a start)."""
    columns = ", ".join(SHAPE)
    for row in c.execute("SELECT name FROM side").fetchall():
        t = _TABLES[row[0]]
        for added in ("material TEXT", "audience TEXT", "licence TEXT", "shape INTEGER"):
            c.execute(f"ALTER TABLE {t.entry} ADD COLUMN {added}")
        for statement in _counting(t):
            c.execute(statement)
        named = "col IN ('title', 'people', 'topics')"
        c.execute(f"INSERT INTO {t.word} SELECT term, sum(doc) FROM {t.vocabulary} WHERE {named} GROUP BY term")
        alike = f"SELECT json_array({columns}), {columns}, count(*) FROM {t.entry} GROUP BY 1"
        c.execute(f"INSERT INTO {t.shape} (key, {columns}, n) {alike}")
        own = ", ".join(f"{t.entry}.{column}" for column in SHAPE)
        c.execute(f"UPDATE {t.entry} SET shape = (SELECT s.id FROM {t.shape} s WHERE s.key = json_array({own}))")


def _drop(c: sqlite3.Connection, name: str) -> None:
    t = _TABLES[name]
    for table in (t.vocabulary, t.terms, t.words, t.passages, t.said, t.card, t.entry, t.word, t.heard, t.shape):
        c.execute(f"DROP TABLE IF EXISTS {table}")
    c.execute("DELETE FROM side WHERE name = ?", (name,))
