"""Intake's own tables in telemetry.db: what was asked of devices, and which retained messages lie at the broker.

(Facts go into fleet's tables.) `retained_message` is the ledger that lets a retired device's messages be cleared.
"""

from collections.abc import Sequence
from sqlite3 import Connection, Row

import msgspec

from densach_core.migrations import Migration
from densach_hub.fleet.asking import UNFINISHED_MS, Asked, Wish
from densach_wire.messages import Attrs, Outcome, Result

TELEMETRY_MIGRATIONS = [
    Migration(
        "requests and retained messages",
        """
        CREATE TABLE request (
            id TEXT PRIMARY KEY, device TEXT NOT NULL, name TEXT NOT NULL, args BLOB NOT NULL, by TEXT NOT NULL,
            sent_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, outcome TEXT, reason TEXT NOT NULL DEFAULT '',
            attrs BLOB NOT NULL DEFAULT '{}', answered_at INTEGER) WITHOUT ROWID;
        CREATE INDEX request_device ON request (device, sent_at);
        CREATE TABLE retained_message (
            topic TEXT PRIMARY KEY, device TEXT NOT NULL, digest TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
        CREATE INDEX retained_message_device ON retained_message (device);
        """,
    ),
    Migration(
        "requests to many at once, and helpers",
        """
        ALTER TABLE request ADD COLUMN batch TEXT NOT NULL DEFAULT '';
        ALTER TABLE request ADD COLUMN helps TEXT;
        CREATE INDEX request_batch ON request (batch) WHERE batch <> '';
        """,
    ),
]
REQUESTS_KEPT = 5_000


def add_requests(c: Connection, rows: Sequence[Asked]) -> None:
    c.executemany(
        "INSERT INTO request (id, device, name, args, by, sent_at, expires_at, outcome, reason, attrs, answered_at, batch, helps)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (r.id, r.device, r.name, msgspec.json.encode(r.args), r.by, r.sent_at, r.expires_at, r.outcome, r.reason,
             msgspec.json.encode(r.attrs), r.answered_at, r.batch, r.helps)
            for r in rows
        ],
    )  # fmt: skip
    c.execute(
        "DELETE FROM request WHERE id IN (SELECT id FROM request ORDER BY sent_at DESC LIMIT -1 OFFSET ?)",
        (REQUESTS_KEPT,),
    )


def answer_request(c: Connection, device: str, result: Result, at: int) -> bool:
    """Whether this device was asked that. A final answer is never replaced by `accepted` that came late."""
    changed = c.execute(
        "UPDATE request SET outcome = ?, reason = ?, attrs = ?, answered_at = ? WHERE id = ? AND device = ?"
        " AND (outcome IS NULL OR outcome = 'accepted')",
        (result.outcome.value, result.reason, msgspec.json.encode(result.attrs), at, result.id, device),
    )
    return changed.rowcount > 0


def settle(c: Connection, device: str, name: str, at: int) -> int:
    """What a device was asked shows by itself: it woke, it is off. Only what was accepted, and not after its time; how
    many requests were settled."""
    changed = c.execute(
        "UPDATE request SET outcome = 'done', answered_at = ?3 WHERE device = ?1 AND name = ?2 AND helps IS NULL"
        " AND outcome = 'accepted' AND sent_at <= ?3 AND expires_at + ?4 >= ?3",
        (device, name, at, 0 if name == Wish.WAKE else UNFINISHED_MS),
    )
    return changed.rowcount


def refuse(c: Connection, ids: Sequence[str], reason: str, at: int) -> None:
    """The hub's own word on what it could not send."""
    c.executemany(
        "UPDATE request SET outcome = 'refused', reason = ?, answered_at = ? WHERE id = ? AND outcome IS NULL",
        [(reason, at, i) for i in ids],
    )


def batch(c: Connection, batch_id: str) -> list[Asked]:
    rows = c.execute("SELECT * FROM request WHERE batch = ? AND helps IS NULL ORDER BY device LIMIT 1000", (batch_id,))
    return [_request(row) for row in rows]


def request(c: Connection, request_id: str) -> Asked | None:
    row = c.execute("SELECT * FROM request WHERE id = ?", (request_id,)).fetchone()
    return None if row is None else _request(row)


def requests_of(c: Connection, device: str, limit: int) -> list[Asked]:
    """Newest first."""
    rows = c.execute("SELECT * FROM request WHERE device = ? AND helps IS NULL ORDER BY sent_at DESC LIMIT ?", (device, limit))
    return [_request(row) for row in rows]


def ledger(c: Connection) -> list[tuple[str, str, str]]:
    """(topic, device, digest) of what the hub itself retained."""
    return [(r["topic"], r["device"], r["digest"]) for r in c.execute("SELECT topic, device, digest FROM retained_message")]


def note_retained(c: Connection, entries: Sequence[tuple[str, str, str, int]]) -> None:
    c.executemany("INSERT OR REPLACE INTO retained_message (topic, device, digest, at) VALUES (?, ?, ?, ?)", entries)


def forget_retained(c: Connection, device: str) -> None:
    c.execute("DELETE FROM retained_message WHERE device = ?", (device,))


def _request(row: Row) -> Asked:
    return Asked(
        id=row["id"],
        device=row["device"],
        name=row["name"],
        args=msgspec.json.decode(row["args"], type=Attrs),
        by=row["by"],
        sent_at=row["sent_at"],
        expires_at=row["expires_at"],
        outcome=None if row["outcome"] is None else Outcome(row["outcome"]),
        reason=row["reason"],
        attrs=msgspec.json.decode(row["attrs"], type=Attrs),
        answered_at=row["answered_at"],
        batch=row["batch"],
        helps=row["helps"],
    )
