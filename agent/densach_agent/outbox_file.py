"""The outbox's file: opened, checked, given room of its own."""

import logging
import sqlite3
from pathlib import Path

from densach_agent import outbox_rows as rows

log = logging.getLogger(__name__)

_BALLAST_BYTES = 256 * 1024


def open_file(path: Path | None) -> tuple[sqlite3.Connection, bool]:
    """Opens or makes the file. One that is no database is set aside (`….broken`): the stream begins anew
    (then True)."""
    try:
        return _connect(path), False
    except sqlite3.DatabaseError as error:
        if path is None or isinstance(error, sqlite3.OperationalError):
            raise
        log.error("the outbox cannot be read (%s): set aside, a new one begins", error)
        for suffix in ("", "-wal", "-shm"):
            part = path.with_name(path.name + suffix)
            if part.exists():
                part.replace(part.with_name(part.name + ".broken"))
        return _connect(path), True


def _connect(path: Path | None) -> sqlite3.Connection:
    db = sqlite3.connect(":memory:" if path is None else str(path), isolation_level=None, check_same_thread=False, timeout=5)
    try:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("PRAGMA cache_size=-256")
        db.execute("PRAGMA auto_vacuum=NONE")
        if (found := db.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise sqlite3.DatabaseError(found)
        new = rows.create(db)
        if new and path is not None:
            _take_ballast(db)
    except sqlite3.Error:
        db.close()
        raise
    return db


def _take_ballast(db: sqlite3.Connection) -> None:
    """Room inside the file and its log, taken while there is some: on a disk that others filled, the outbox still
    finds pages of its own."""
    with rows.transaction(db):
        db.execute("INSERT INTO meta (key, value) VALUES ('ballast', zeroblob(?))", (_BALLAST_BYTES,))
    with rows.transaction(db):
        db.execute("DELETE FROM meta WHERE key = 'ballast'")
    db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
