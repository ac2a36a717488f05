"""school.db of the library, third part: bookmarks, highlights and notes. The only SQL over them."""

import sqlite3

from densach_hub.library.marks import TOMBSTONES, Colour, Mark, MarkKind


def marks(c: sqlite3.Connection, account_id: str, item_id: str) -> list[Mark]:
    """Those that are there, in the order of the item."""
    rows = c.execute(
        "SELECT * FROM reading_mark WHERE account_id = ? AND item_id = ? AND deleted = 0 ORDER BY fraction, made_at, id",
        (account_id, item_id),
    )
    return [_mark(row) for row in rows]


def mark(c: sqlite3.Connection, account_id: str, item_id: str, mark_id: str) -> Mark | None:
    """Removed ones too."""
    row = c.execute(
        "SELECT * FROM reading_mark WHERE account_id = ? AND item_id = ? AND id = ?", (account_id, item_id, mark_id)
    ).fetchone()
    return _mark(row) if row else None


def put(c: sqlite3.Connection, account_id: str, new: Mark, *, received_at: int) -> None:
    c.execute(
        "INSERT OR REPLACE INTO reading_mark (account_id, item_id, id, kind, place, fraction, changed_at, made_at, label, quote,"
        " note, colour, deleted, device, version, received_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            account_id, new.item, new.id, new.kind, new.where, new.fraction, new.changed_at, new.made_at, new.label, new.quote,
            new.note, new.colour, new.deleted, new.device, new.version, received_at,
        ),
    )  # fmt: skip


def count(c: sqlite3.Connection, account_id: str, item_id: str) -> int:
    """How many are there; removed ones do not count."""
    found: int = c.execute(
        "SELECT count(*) FROM reading_mark WHERE account_id = ? AND item_id = ? AND deleted = 0", (account_id, item_id)
    ).fetchone()[0]
    return found


def count_of_reader(c: sqlite3.Connection, account_id: str) -> int:
    found: int = c.execute("SELECT count(*) FROM reading_mark WHERE account_id = ? AND deleted = 0", (account_id,)).fetchone()[0]
    return found


def forget_old_removals(c: sqlite3.Connection, account_id: str, item_id: str) -> None:
    """The newest removals stay, so that another device's older version does not come back."""
    c.execute(
        "DELETE FROM reading_mark WHERE account_id = ?1 AND item_id = ?2 AND deleted = 1 AND id NOT IN"
        " (SELECT id FROM reading_mark WHERE account_id = ?1 AND item_id = ?2 AND deleted = 1"
        " ORDER BY changed_at DESC LIMIT ?3)",
        (account_id, item_id, TOMBSTONES),
    )


def marked_items(c: sqlite3.Connection, account_id: str, limit: int) -> list[tuple[str, int]]:
    """(item, how many marks) of a reader, the one marked last first; items no longer shown are left out."""
    rows = c.execute(
        "SELECT m.item_id, count(*) AS n, max(m.changed_at) AS last FROM reading_mark m JOIN item i ON i.id = m.item_id"
        " WHERE m.account_id = ? AND m.deleted = 0 AND i.state = 'ready' GROUP BY m.item_id ORDER BY last DESC LIMIT ?",
        (account_id, limit),
    )
    return [(row["item_id"], row["n"]) for row in rows]


def _mark(r: sqlite3.Row) -> Mark:
    return Mark(
        id=r["id"], item=r["item_id"], kind=MarkKind(r["kind"]), where=r["place"], fraction=r["fraction"],
        changed_at=r["changed_at"], made_at=r["made_at"], label=r["label"], quote=r["quote"], note=r["note"],
        colour=Colour(r["colour"]) if r["colour"] else None, deleted=bool(r["deleted"]), device=r["device"],
        version=r["version"],
    )  # fmt: skip
