"""Writing search.db: an item's title and what else is said of it, and the text inside it, into every side there is.

SQLite's own folding misses đ, so folding is ours, before indexing and before asking.
"""
# ruff: noqa: S608 - only names of tables and marks are put into statements; what somebody asked is a parameter

import sqlite3
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from densach_hub.library import query as asked
from densach_hub.library import sides
from densach_hub.library.formats.found import Passage
from densach_hub.library.licences import licence_of
from densach_hub.library.model import Filters, Item
from densach_hub.library.school_words import code_of
from densach_hub.library.sides import MIGRATIONS, SHAPE, VERSION, Tables, version
from densach_hub.library.store import card_of

__all__ = ["MIGRATIONS", "VERSION", "add_text", "known", "put", "put_all", "remove", "remove_text", "text_done", "version"]

STORED_SLICE = 200
WORDED = ("kind", "subject", "language", "material", "audience", "licence")
_LIMITED = ", ".join(SHAPE)
_MARKS = ", ".join("?" * len(SHAPE))
_RENEWED = ", ".join(f"{column} = excluded.{column}" for column in (*SHAPE, "shape", "added_at", "changed_at"))
_COLUMNS = "title, exact, people, topics, about, limits"


def put(c: sqlite3.Connection, it: Item, *, only: Tables | None = None) -> None:
    """Indexes an item's title and what else is said of it, in place of what was there. `only`: in this side alone."""
    for side in [only] if only else sides.all_sides(c):
        _put(c, side, it)


def _put(c: sqlite3.Connection, side: Tables, it: Item) -> None:
    titles = f"{it.title} {it.subtitle or ''}".strip()
    grades = range(it.grade_from, (it.grade_to or it.grade_from) + 1) if it.grade_from is not None else range(0)
    last_grade = it.grade_to if it.grade_to is not None else it.grade_from
    topics = f"{' '.join(it.topics)} {(it.subject or '').replace('-', ' ')}"
    about = f"{it.description or ''} {it.publisher or ''} {' '.join(it.identifiers)}"
    more = (it.series, it.series_number, it.ddc, it.cutter, it.curriculum, it.statement, it.place, *it.collections)
    about = " ".join(filter(None, (about, *more)))
    if grades:
        about += f" lớp khối {' '.join(map(str, grades))}"
    _forget(c, side, it.id)
    limited = {
        "kind": it.kind, "subject": it.subject, "grade_from": it.grade_from, "grade_to": last_grade, "language": it.language,
        "material": code_of("material", it.material) if it.material else None,
        "audience": code_of("audience", it.audience) if it.audience else None,
        "licence": licence_of(it.licence, it.rights),
    }  # fmt: skip
    values = tuple(limited[column] for column in SHAPE)
    row = c.execute(
        f"INSERT INTO {side.entry} (item, {_LIMITED}, shape, added_at, changed_at) VALUES (?, {_MARKS}, ?, ?, ?)"
        f" ON CONFLICT (item) DO UPDATE SET {_RENEWED} RETURNING id",
        (it.id, *values, _shape(c, side, values), it.added_at, it.changed_at),
    ).fetchone()
    c.execute(f"INSERT OR REPLACE INTO {side.card} VALUES (?, ?)", (row["id"], msgspec.json.encode(card_of(it))))
    limits = [limit(name, limited[name]) for name in WORDED] + [limit("grade", grade) for grade in grades]
    words = (
        row["id"], asked.spelled(titles), asked.exact_words(titles),
        asked.spelled(" ".join((it.people, *it.other_names))), asked.spelled(topics),
        asked.spelled(about), " ".join(filter(None, limits)),
    )  # fmt: skip
    c.execute(f"INSERT OR REPLACE INTO {side.said} VALUES (?, ?, ?, ?, ?, ?, ?)", words)
    c.execute(f"INSERT INTO {side.words} (rowid, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", words)
    _count_words(c, side, (words[1], words[3], words[4]), 1)


def _shape(c: sqlite3.Connection, side: Tables, values: tuple[object, ...]) -> int:
    """The number of entries like this, one more of them from now on."""
    row = c.execute(
        f"INSERT INTO {side.shape} (key, {_LIMITED}, n) VALUES (json_array({_MARKS}), {_MARKS}, 1)"
        " ON CONFLICT (key) DO UPDATE SET n = n + 1 RETURNING id",
        (*values, *values),
    ).fetchone()
    return int(row["id"])


def _count_words(c: sqlite3.Connection, side: Tables, columns: tuple[str, ...], n: int) -> None:
    _count(c, side.word, Counter(word for column in columns for word in set(asked.words_of(column))), n)


def _count(c: sqlite3.Connection, table: str, counted: Counter[str], n: int) -> None:
    c.executemany(
        f"INSERT INTO {table} VALUES (?, ?) ON CONFLICT (term) DO UPDATE SET n = n + excluded.n",
        [(word, n * times) for word, times in sorted(counted.items())],
    )
    if n < 0:
        c.executemany(f"DELETE FROM {table} WHERE term = ? AND n <= 0", [(word,) for word in counted])


def _forget(c: sqlite3.Connection, side: Tables, item_id: str) -> None:
    """Takes back what is said of an item: an index without content wants to be told the words once more."""
    old = c.execute(
        f"SELECT e.shape, s.* FROM {side.entry} e JOIN {side.said} s ON s.id = e.id WHERE e.item = ?", (item_id,)
    ).fetchone()
    if old is None:
        return
    c.execute(
        f"INSERT INTO {side.words} ({side.words}, rowid, {_COLUMNS}) VALUES ('delete', ?, ?, ?, ?, ?, ?, ?)", tuple(old)[1:]
    )
    _count_words(c, side, (old["title"], old["people"], old["topics"]), -1)
    c.execute(f"UPDATE {side.shape} SET n = n - 1 WHERE id = ?", (old["shape"],))


def limit(name: str, value: object) -> str | None:
    """`subjectnguvan`, `grade6`: a limit as one word of the index."""
    if value is None:
        return None
    return name + "".join(letter for letter in str(value).lower() if letter.isalnum())


def bounds(filters: Filters) -> str:
    """The limits as a part of an FTS5 expression."""
    limits = [limit(name, getattr(filters, name)) for name in (*WORDED, "grade")]
    words = " AND ".join(f'"{one}"' for one in limits if one)
    return f" AND limits : ({words})" if words else ""


def put_all(c: sqlite3.Connection, items: Iterable[Item], *, only: Tables | None = None) -> None:
    for it in items:
        put(c, it, only=only)


def remove(c: sqlite3.Connection, item_id: str) -> None:
    """Takes an item out, its text too."""
    remove_text(c, item_id)
    for side in sides.all_sides(c):
        _remove_entry(c, side, item_id)


def _remove_entry(c: sqlite3.Connection, side: Tables, item_id: str) -> None:
    _forget(c, side, item_id)
    row = c.execute(f"DELETE FROM {side.entry} WHERE item = ? RETURNING id", (item_id,)).fetchone()
    if row is not None:
        c.execute(f"DELETE FROM {side.card} WHERE id = ?", (row["id"],))
        c.execute(f"DELETE FROM {side.said} WHERE id = ?", (row["id"],))


def leave_only(c: sqlite3.Connection, side: Tables, items: Sequence[str], *, after: str, upto: str | None) -> int:
    """Between two ids (in their order, the second included; None: to the end) only these stay. Returns how many went."""
    end = "" if upto is None else " AND item <= :upto"
    rows = c.execute(f"SELECT item FROM {side.entry} WHERE item > :after{end}", {"after": after, "upto": upto}).fetchall()
    gone = {row["item"] for row in rows} - set(items)
    for item in gone:
        remove(c, item)
    return len(gone)


def remove_text(c: sqlite3.Connection, item_id: str) -> None:
    """Takes an item's passages out; an index without content wants to be told the words once more."""
    text = c.execute("SELECT id FROM text WHERE item = ?", (item_id,)).fetchone()
    for side in sides.all_sides(c):
        entry = c.execute(f"SELECT text_upto FROM {side.entry} WHERE item = ?", (item_id,)).fetchone()
        if text is not None and entry is not None and entry["text_upto"] is not None:
            rows = c.execute("SELECT id, body FROM passage WHERE text = ? AND id <= ?", (text["id"], entry["text_upto"]))
            heard = Counter[str]()
            for row in rows:
                words = asked.spelled(unpacked(row["body"]))
                c.execute(
                    f"INSERT INTO {side.passages} ({side.passages}, rowid, text) VALUES ('delete', ?, ?)", (row["id"], words)
                )
                heard.update(set(asked.words_of(words)))
            _count(c, side.heard, heard, -1)
        c.execute(f"UPDATE {side.entry} SET text_of = NULL, text_upto = NULL WHERE item = ?", (item_id,))
    if text is not None:
        c.execute("DELETE FROM passage WHERE text = ?", (text["id"],))
        c.execute("DELETE FROM text WHERE id = ?", (text["id"],))


def add_text(c: sqlite3.Connection, item_id: str, file: str, passages: Iterable[Passage]) -> None:
    """Adds passages of an item's file; the caller goes in slices, so that nobody waits long. Shown when `text_done`.

    A side that does not have the item, or not all passages before these, gets them later from what is kept.
    """
    text = c.execute("SELECT id FROM text WHERE item = ?", (item_id,)).fetchone()
    if text is None:
        text = c.execute("INSERT INTO text (item, file, whole) VALUES (?, ?, 0) RETURNING id", (item_id, file)).fetchone()
    last = c.execute("SELECT max(id) FROM passage WHERE text = ?", (text["id"],)).fetchone()[0]
    in_step = [
        side
        for side in sides.all_sides(c)
        if (entry := c.execute(f"SELECT text_upto FROM {side.entry} WHERE item = ?", (item_id,)).fetchone()) is not None
        and entry["text_upto"] == last
    ]
    heard = Counter[str]()
    for passage in passages:
        last = c.execute(
            "INSERT INTO passage (text, section, label, body) VALUES (?, ?, ?, ?)",
            (text["id"], passage.section, passage.label, zlib.compress(passage.text.encode(), 6)),
        ).lastrowid
        words = asked.one_spelling(passage.folded)
        heard.update(set(asked.words_of(words)))
        for side in in_step:
            c.execute(f"INSERT INTO {side.passages} (rowid, text) VALUES (?, ?)", (last, words))
    for side in in_step:
        _count(c, side.heard, heard, 1)
        c.execute(f"UPDATE {side.entry} SET text_upto = ? WHERE item = ?", (last, item_id))


def text_done(c: sqlite3.Connection, item_id: str, file: str) -> None:
    """All of this file's text is in (there may be none): from now on it is found."""
    c.execute(
        "INSERT INTO text (item, file, whole) VALUES (?, ?, 1) ON CONFLICT (item) DO UPDATE SET whole = 1, file = excluded.file",
        (item_id, file),
    )
    last = c.execute("SELECT max(p.id) FROM passage p JOIN text t ON t.id = p.text WHERE t.item = ?", (item_id,)).fetchone()[0]
    for side in sides.all_sides(c):
        c.execute(f"UPDATE {side.entry} SET text_of = ? WHERE item = ? AND text_upto IS ?", (file, item_id, last))


def add_kept(c: sqlite3.Connection, side: Tables, item_id: str, file: str) -> bool | None:
    """Puts the next slice of a kept text into a side. True: there is more; False: all in; None: this text is not kept."""
    text = c.execute("SELECT id FROM text WHERE item = ? AND file = ? AND whole", (item_id, file)).fetchone()
    entry = c.execute(f"SELECT text_upto FROM {side.entry} WHERE item = ?", (item_id,)).fetchone()
    if text is None or entry is None:
        return None
    upto = entry["text_upto"]
    rows = c.execute(
        "SELECT id, body FROM passage WHERE text = ? AND id > ? ORDER BY id LIMIT ?", (text["id"], upto or 0, STORED_SLICE)
    ).fetchall()
    heard = Counter[str]()
    for row in rows:
        words = asked.spelled(unpacked(row["body"]))
        heard.update(set(asked.words_of(words)))
        c.execute(f"INSERT INTO {side.passages} (rowid, text) VALUES (?, ?)", (row["id"], words))
        upto = row["id"]
    _count(c, side.heard, heard, 1)
    done = len(rows) < STORED_SLICE
    c.execute(f"UPDATE {side.entry} SET text_upto = ?, text_of = ? WHERE item = ?", (upto, file if done else None, item_id))
    return not done


def known(c: sqlite3.Connection, ids: Sequence[str], side: Tables | None = None) -> dict[str, tuple[int, str | None]]:
    """item → (change it was indexed at, file whose text is in)."""
    side = side or sides.answering(c)
    if side is None:
        return {}
    marks = ",".join("?" * len(ids))
    rows = c.execute(f"SELECT item, changed_at, text_of FROM {side.entry} WHERE item IN ({marks})", tuple(ids))
    return {row["item"]: (row["changed_at"], row["text_of"]) for row in rows}


def unpacked(body: bytes) -> str:
    return zlib.decompress(body).decode()
