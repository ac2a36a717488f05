"""school.db of the library, second half: where readers are, what they put on their own shelf, how often items are opened.

Who read what belongs to the reader. For the counts a reader is a digest with a salt that lives for a day: it tells two
readers of a day apart and can be led back to nobody once the salt is gone.
"""

import hashlib
import os
import sqlite3

from densach_hub.library.model import DayOfReads, ItemReads, Place


def place(c: sqlite3.Connection, account_id: str, item_id: str) -> Place | None:
    row = c.execute("SELECT * FROM reading_place WHERE account_id = ? AND item_id = ?", (account_id, item_id)).fetchone()
    return _place(row) if row else None


def put(c: sqlite3.Connection, account_id: str, new: Place, *, received_at: int) -> None:
    c.execute(
        "INSERT OR REPLACE INTO reading_place (account_id, item_id, at, place, fraction, device, received_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (account_id, new.item, new.at, new.where, new.fraction, new.device, received_at),
    )


def latest(c: sqlite3.Connection, account_id: str, limit: int) -> list[Place]:
    rows = c.execute(
        "SELECT p.* FROM reading_place p JOIN item i ON i.id = p.item_id"
        " WHERE p.account_id = ? AND i.state = 'ready' ORDER BY p.at DESC LIMIT ?",
        (account_id, limit),
    )
    return [_place(row) for row in rows]


def forget(c: sqlite3.Connection, account_id: str, item_id: str) -> None:
    c.execute("DELETE FROM reading_place WHERE account_id = ? AND item_id = ?", (account_id, item_id))


def own_shelf(c: sqlite3.Connection, account_id: str) -> list[str]:
    rows = c.execute("SELECT item_id FROM own_shelf WHERE account_id = ? ORDER BY at DESC LIMIT 500", (account_id,))
    return [row["item_id"] for row in rows]


def on_shelf(c: sqlite3.Connection, account_id: str, item_id: str) -> bool:
    return c.execute("SELECT 1 FROM own_shelf WHERE account_id = ? AND item_id = ?", (account_id, item_id)).fetchone() is not None


def put_on_shelf(c: sqlite3.Connection, account_id: str, item_id: str, *, at: int) -> None:
    c.execute("INSERT OR IGNORE INTO own_shelf VALUES (?, ?, ?)", (account_id, item_id, at))


def take_off_shelf(c: sqlite3.Connection, account_id: str, item_id: str) -> None:
    c.execute("DELETE FROM own_shelf WHERE account_id = ? AND item_id = ?", (account_id, item_id))


def salt(c: sqlite3.Connection, day: str) -> bytes:
    """The day's salt, made when first asked for; older ones are thrown away."""
    c.execute("DELETE FROM reader_salt WHERE day < ?", (day,))
    c.execute("INSERT OR IGNORE INTO reader_salt VALUES (?, ?)", (day, os.urandom(16)))
    found: bytes = c.execute("SELECT salt FROM reader_salt WHERE day = ?", (day,)).fetchone()["salt"]
    return found


def count_reads(c: sqlite3.Connection, day: str, opened: list[tuple[str, str]]) -> None:
    """`opened`: (item, whatever tells one reader from another). The same reader counts once per item and day."""
    secret = salt(c, day)
    c.executemany(
        "INSERT OR IGNORE INTO item_read VALUES (?, ?, ?)",
        [(day, item, hashlib.blake2b(reader.encode(), key=secret, digest_size=8).digest()) for item, reader in opened],
    )


def reads_by_day(c: sqlite3.Connection, first: str, last: str) -> list[DayOfReads]:
    rows = c.execute(
        "SELECT day, count(*) AS reads, count(DISTINCT item_id) AS items FROM item_read WHERE day BETWEEN ? AND ?"
        " GROUP BY day ORDER BY day",
        (first, last),
    )
    return [DayOfReads(day=r["day"], reads=r["reads"], items=r["items"]) for r in rows]


def reads_by_item(c: sqlite3.Connection, first: str, last: str, limit: int) -> list[ItemReads]:
    rows = c.execute(
        "SELECT r.item_id, w.title, r.reads FROM (SELECT item_id, count(*) AS reads FROM item_read"
        " WHERE day BETWEEN ? AND ? GROUP BY item_id ORDER BY reads DESC, item_id LIMIT ?) r"
        " JOIN item i ON i.id = r.item_id JOIN edition e ON e.id = i.edition_id JOIN work w ON w.id = e.work_id"
        " ORDER BY r.reads DESC, w.title",
        (first, last, limit),
    )
    return [ItemReads(item=r["item_id"], title=r["title"], reads=r["reads"]) for r in rows]


def _place(r: sqlite3.Row) -> Place:
    return Place(item=r["item_id"], where=r["place"], fraction=r["fraction"], at=r["at"], device=r["device"])
