"""The outbox's SQL: plain functions of a connection, called inside the outbox's transactions."""

import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from densach_agent.clock import Clock
from densach_wire.messages import Body, Event, Gap, Health, InventorySection, UsageSlice

_TABLES = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID",
    # `first` < `seq` only for gaps: a gap stands for first…seq. `wall` and `up` are milliseconds.
    """CREATE TABLE record (seq INTEGER PRIMARY KEY, first INTEGER NOT NULL, kind TEXT NOT NULL, boot TEXT NOT NULL,
       up INTEGER NOT NULL, wall INTEGER NOT NULL, lived INTEGER NOT NULL, body BLOB NOT NULL)""",
    "CREATE TABLE ack (upto INTEGER PRIMARY KEY, lived INTEGER NOT NULL)",
    "CREATE TABLE section (name TEXT PRIMARY KEY, digest TEXT NOT NULL) WITHOUT ROWID",
)
_VERSION = 1
_PACKED_FROM = 1_024
_ACK_STEP_MS = 3_600_000
_KINDS: dict[type, str] = {
    InventorySection: "inventory",
    UsageSlice: "usage",
    Health: "health",
    Event: "event",
    Gap: "gap",
}
_COLUMNS = "seq, first, kind, boot, up, wall, body"


class New(msgspec.Struct, frozen=True):
    """A record that has no sequence yet. Times in milliseconds; `body` is JSON."""

    kind: str
    boot: str
    up: int
    wall: int
    body: bytes


class Row(msgspec.Struct, frozen=True):
    seq: int
    first: int
    kind: str
    boot: str
    up: int
    wall: int
    body: bytes


class _Section(msgspec.Struct, frozen=True):
    section: str = ""


def new_row(body: Body, clock: Clock) -> New:
    return New(_KINDS[type(body)], clock.boot, clock.up_ms(), clock.now_ms(), msgspec.json.encode(body))


def _packed(body: bytes) -> bytes:
    """A list of packages takes a tenth: weeks without a hub fit into little, and the disk writes less."""
    return zlib.compress(body, 6) if len(body) >= _PACKED_FROM else body


def _row(columns: tuple[int, int, str, str, int, int, bytes]) -> Row:
    """JSON never begins as a compressed body does."""
    seq, first, kind, boot, up, wall, body = columns
    return Row(seq, first, kind, boot, up, wall, zlib.decompress(body) if body[:1] == b"x" else body)


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """BEGIN IMMEDIATE … COMMIT; one inside another belongs to the outer one."""
    if db.in_transaction:
        yield
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        _roll_back(db)
        raise


def _roll_back(db: sqlite3.Connection) -> None:
    """A full disk has often rolled back already."""
    if db.in_transaction:
        db.execute("ROLLBACK")


def create(db: sqlite3.Connection) -> bool:
    """Makes the tables; False if they are there."""
    with transaction(db):
        if db.execute("PRAGMA user_version").fetchone()[0]:
            return False
        for statement in _TABLES:
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {_VERSION}")
    return True


def meta(db: sqlite3.Connection) -> dict[str, str]:
    return {key: str(value) for key, value in db.execute("SELECT key, value FROM meta")}


def set_meta(db: sqlite3.Connection, key: str, value: str | int) -> None:
    db.execute("INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (key, value))


def insert(db: sqlite3.Connection, seq: int, first: int, new: New, lived: int) -> int:
    """Returns how many bytes its body takes."""
    body = _packed(new.body)
    db.execute(
        "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (seq, first, new.kind, new.boot, new.up, new.wall, lived, body)
    )
    return len(body)


def first_seq(db: sqlite3.Connection) -> int | None:
    row = db.execute("SELECT first FROM record ORDER BY seq LIMIT 1").fetchone()
    return None if row is None else int(row[0])


def last_seq(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT coalesce(max(seq), 0) FROM record").fetchone()[0])


def total_bytes(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT coalesce(sum(length(body)), 0) FROM record").fetchone()[0])


def after(db: sqlite3.Connection, seq: int, limit: int, max_bytes: int) -> list[Row]:
    """At most so many, of at most so many bytes (but at least one)."""
    found: list[Row] = []
    size = 0
    for columns in db.execute(f"SELECT {_COLUMNS} FROM record WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit)):  # noqa: S608
        row = _row(columns)
        size += len(row.body)
        if found and size > max_bytes:
            break
        found.append(row)
    return found


def older_than(db: sqlite3.Connection, acked: int, lived: int) -> list[Row]:
    found = db.execute(
        f"SELECT {_COLUMNS} FROM record WHERE seq > ? AND lived < ? AND kind <> 'gap' ORDER BY seq LIMIT 1000",  # noqa: S608
        (acked, lived),
    )
    return [_row(columns) for columns in found]


def oldest(db: sqlite3.Connection, acked: int, kinds: tuple[str, ...]) -> list[Row]:
    marks = ", ".join("?" * len(kinds))
    found = db.execute(
        f"SELECT {_COLUMNS} FROM record WHERE seq > ? AND kind IN ({marks}) ORDER BY seq LIMIT 5000",  # noqa: S608
        (acked, *kinds),
    )
    return [_row(columns) for columns in found]


def outdated_inventory(db: sqlite3.Connection, acked: int) -> list[Row]:
    """Unacknowledged sections of which a newer state waits too, oldest first."""
    found = oldest(db, acked, ("inventory",))
    newest = {section_of(row): row.seq for row in found}
    return [row for row in found if row.seq < newest[section_of(row)]]


def section_of(row: Row) -> str:
    return msgspec.json.decode(row.body, type=_Section).section


def forget_section(db: sqlite3.Connection, row: Row) -> None:
    """Its newest state was not told after all."""
    section = section_of(row)
    later = db.execute(
        "SELECT seq, first, kind, boot, up, wall, body FROM record WHERE seq > ? AND kind = 'inventory'", (row.seq,)
    )
    if not any(section_of(_row(one)) == section for one in later):
        db.execute("DELETE FROM section WHERE name = ?", (section,))


def note_ack(db: sqlite3.Connection, upto: int, lived: int) -> None:
    """When what was acknowledged, to the hour."""
    latest = db.execute("SELECT upto, lived FROM ack ORDER BY upto DESC LIMIT 1").fetchone()
    if latest is not None and lived - latest[1] < _ACK_STEP_MS:
        # The whole step takes the later age: nothing is let go of before its time.
        db.execute("UPDATE ack SET upto = ? WHERE upto = ?", (upto, latest[0]))
    else:
        db.execute("INSERT INTO ack VALUES (?, ?)", (upto, lived))


def forget_acks(db: sqlite3.Connection, acked: int) -> None:
    db.execute("DELETE FROM ack WHERE upto > ?", (acked,))


def delete_acked(db: sqlite3.Connection, acked: int, before_lived: int) -> int:
    """Deletes what was acknowledged before that age; returns the bytes freed."""
    row = db.execute("SELECT max(upto) FROM ack WHERE lived < ?", (before_lived,)).fetchone()
    if row[0] is None:
        return 0
    upto = min(int(row[0]), acked)
    db.execute("DELETE FROM ack WHERE upto < ?", (upto,))
    return _delete_upto(db, upto)


def delete_oldest_acked(db: sqlite3.Connection, acked: int, wanted_bytes: int) -> int:
    freed, upto = 0, 0
    for seq, size in db.execute("SELECT seq, length(body) FROM record WHERE seq <= ? ORDER BY seq", (acked,)):
        if freed >= wanted_bytes:
            break
        freed, upto = freed + size, seq
    return _delete_upto(db, upto)


def _delete_upto(db: sqlite3.Connection, upto: int) -> int:
    freed = int(db.execute("SELECT coalesce(sum(length(body)), 0) FROM record WHERE seq <= ?", (upto,)).fetchone()[0])
    db.execute("DELETE FROM record WHERE seq <= ?", (upto,))
    return freed


def replace_by_gap(db: sqlite3.Connection, row: Row, why: str, acked: int) -> int:
    """Puts a gap where a record was, joined with unacknowledged gaps beside it; returns by how many bytes the bodies
    grew (usually less than 0)."""
    gap = msgspec.json.encode(Gap(row.seq, row.seq, why, {row.kind: 1}))
    took = db.execute("SELECT length(body) FROM record WHERE seq = ?", (row.seq,)).fetchone()[0]
    db.execute("UPDATE record SET kind = 'gap', body = ? WHERE seq = ?", (gap, row.seq))
    grown = len(gap) - int(took)
    before = db.execute(
        f"SELECT {_COLUMNS} FROM record WHERE seq = ? AND seq > ? AND kind = 'gap'",  # noqa: S608
        (row.seq - 1, acked),
    ).fetchone()
    if before is not None:
        grown += _join(db, _row(before), row.seq)
    behind = db.execute("SELECT seq FROM record WHERE seq > ? AND first = ? AND kind = 'gap'", (row.seq, row.seq + 1))
    if (late := behind.fetchone()) is not None:
        this = db.execute(f"SELECT {_COLUMNS} FROM record WHERE seq = ?", (row.seq,)).fetchone()  # noqa: S608
        grown += _join(db, _row(this), late[0])
    return grown


def holes(db: sqlite3.Connection, start: int, end: int) -> list[tuple[int, int]]:
    """Ranges of start…end that no row covers."""
    found, expected = [], start
    for first, seq in db.execute("SELECT first, seq FROM record WHERE seq >= ? ORDER BY seq", (start,)):
        if first > expected:
            found.append((expected, first - 1))
        expected = seq + 1
    if expected <= end:
        found.append((expected, end))
    return found


def _join(db: sqlite3.Connection, early: Row, late_seq: int) -> int:
    late = _row(db.execute(f"SELECT {_COLUMNS} FROM record WHERE seq = ?", (late_seq,)).fetchone())  # noqa: S608
    one, two = (msgspec.json.decode(row.body, type=Gap) for row in (early, late))
    kinds = {kind: one.kinds.get(kind, 0) + two.kinds.get(kind, 0) for kind in {**one.kinds, **two.kinds}}
    body = msgspec.json.encode(Gap(early.first, late.seq, one.why if one.why == two.why else "size", kinds))
    db.execute("DELETE FROM record WHERE seq = ?", (early.seq,))
    db.execute("UPDATE record SET first = ?, body = ? WHERE seq = ?", (early.first, body, late.seq))
    return len(body) - len(early.body) - len(late.body)


def renumber(db: sqlite3.Connection, after_seq: int) -> None:
    """Only what came after `after_seq` stays, numbered from 1. Gaps do not move: their range means the old stream."""
    db.execute("DELETE FROM record WHERE seq <= ? OR kind = 'gap'", (after_seq,))
    seqs = [row[0] for row in db.execute("SELECT seq FROM record ORDER BY seq")]
    for new, old in enumerate(seqs, start=1):
        db.execute("UPDATE record SET seq = ?, first = ? WHERE seq = ?", (new, new, old))
    db.execute("DELETE FROM ack")
    db.execute("DELETE FROM section")


def digests(db: sqlite3.Connection) -> dict[str, str]:
    return dict(db.execute("SELECT name, digest FROM section").fetchall())


def set_digest(db: sqlite3.Connection, section: str, digest: str) -> None:
    db.execute("INSERT INTO section VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET digest = excluded.digest", (section, digest))
