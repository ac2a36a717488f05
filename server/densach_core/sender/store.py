"""SQL of the outbox, in school.db (at an office: in its own database).

The record as it will be sent is stored whole, so that a version, once given out, always means the same bytes.
A record that waits is replaced by a newer one of the same day: a month without a line costs one record a day and id.
"""

from sqlite3 import Connection, Row

from densach_core.migrations import Migration
from densach_core.sender.model import Current, Parent, Refusal, Waiting

MIGRATIONS = [
    Migration(
        "upward",
        """
        CREATE TABLE upward_parent (
            id INTEGER PRIMARY KEY, url TEXT NOT NULL UNIQUE, office TEXT NOT NULL, name TEXT NOT NULL,
            paired_at INTEGER NOT NULL, heard_at INTEGER, tried_at INTEGER, next_at INTEGER NOT NULL DEFAULT 0,
            failures INTEGER NOT NULL DEFAULT 0, problem TEXT);
        CREATE TABLE upward_current (
            record TEXT PRIMARY KEY, kind TEXT NOT NULL, version INTEGER NOT NULL, event TEXT NOT NULL,
            as_of TEXT NOT NULL, digest TEXT, body BLOB NOT NULL) WITHOUT ROWID;
        CREATE TABLE upward_outbox (
            parent INTEGER NOT NULL REFERENCES upward_parent(id) ON DELETE CASCADE,
            record TEXT NOT NULL, as_of TEXT NOT NULL, version INTEGER NOT NULL, event TEXT NOT NULL,
            body BLOB NOT NULL, queued_at INTEGER NOT NULL, kept_version INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (parent, record, as_of)) WITHOUT ROWID;
        CREATE TABLE upward_refusal (
            parent INTEGER NOT NULL REFERENCES upward_parent(id) ON DELETE CASCADE,
            record TEXT NOT NULL, version INTEGER NOT NULL, code TEXT NOT NULL, at INTEGER NOT NULL,
            PRIMARY KEY (parent, record)) WITHOUT ROWID;
        """,
    ),
    Migration(
        "what was passed on",
        """CREATE TABLE upward_passed (
            parent INTEGER NOT NULL REFERENCES upward_parent(id) ON DELETE CASCADE,
            record TEXT NOT NULL, version INTEGER NOT NULL, PRIMARY KEY (parent, record)) WITHOUT ROWID;""",
    ),
]


def parents(c: Connection) -> list[Parent]:
    """In the order they were first paired."""
    return [_parent(row) for row in c.execute("SELECT * FROM upward_parent ORDER BY id")]


def put_parent(c: Connection, *, url: str, office: str, name: str, at: int) -> Parent:
    """A new parent, or one paired again."""
    c.execute(
        "INSERT INTO upward_parent (url, office, name, paired_at) VALUES (?, ?, ?, ?) ON CONFLICT (url) DO UPDATE SET "
        "office = excluded.office, name = excluded.name, paired_at = excluded.paired_at, next_at = 0, failures = 0, "
        "problem = NULL",
        (url, office, name, at),
    )
    return _parent(c.execute("SELECT * FROM upward_parent WHERE url = ?", (url,)).fetchone())


def drop_parent(c: Connection, parent: int) -> None:
    """With all that waits for it, was passed to it or was refused by it."""
    c.execute("DELETE FROM upward_outbox WHERE parent = ?", (parent,))
    c.execute("DELETE FROM upward_passed WHERE parent = ?", (parent,))
    c.execute("DELETE FROM upward_refusal WHERE parent = ?", (parent,))
    c.execute("DELETE FROM upward_parent WHERE id = ?", (parent,))


def succeeded(c: Connection, parent: int, *, at: int, next_at: int) -> None:
    """Epoch ms; `next_at`: when to try again."""
    c.execute(
        "UPDATE upward_parent SET heard_at = ?, tried_at = ?, next_at = ?, failures = 0, problem = NULL WHERE id = ?",
        (at, at, next_at, parent),
    )


def failed(c: Connection, parent: int, *, at: int, next_at: int, problem: str) -> None:
    """`problem` is a stable code; counts one more failure in a row."""
    c.execute(
        "UPDATE upward_parent SET tried_at = ?, next_at = ?, failures = failures + 1, problem = ? WHERE id = ?",
        (at, next_at, problem, parent),
    )


def current(c: Connection, record: str) -> Current | None:
    row = c.execute("SELECT * FROM upward_current WHERE record = ?", (record,)).fetchone()
    return _current(row) if row else None


def currents(c: Connection) -> list[Current]:
    """What was last said about every record, by id."""
    return [_current(row) for row in c.execute("SELECT * FROM upward_current ORDER BY record")]


def put_current(c: Connection, value: Current) -> None:
    c.execute(
        "INSERT OR REPLACE INTO upward_current (record, kind, version, event, as_of, digest, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (value.record, value.kind, value.version, value.event, value.as_of, value.digest, value.body),
    )


def rise_to(c: Connection, record: str, told: int) -> None:
    """The office holds version `told`: ours starts above it, and the next statement counts as changed."""
    c.execute(
        "UPDATE upward_current SET version = max(version, ?), digest = NULL WHERE record = ?",
        (told, record),
    )


def queue(c: Connection, parent: int, item: Waiting) -> None:
    """One version a record and day waits: a newer one takes the place of an older, never the other way round."""
    c.execute(
        "INSERT INTO upward_outbox (parent, record, as_of, version, event, body, queued_at, kept_version) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (parent, record, as_of) DO UPDATE SET version = excluded.version, "
        "event = excluded.event, body = excluded.body, queued_at = excluded.queued_at, "
        "kept_version = excluded.kept_version WHERE excluded.version >= upward_outbox.version",
        (parent, item.record, item.as_of, item.version, item.event, item.body, item.queued_at, item.kept_version),
    )


def passed(c: Connection, parent: int) -> dict[str, int]:
    """The newest version of each forwarded record that a parent has answered for."""
    rows = c.execute("SELECT record, version FROM upward_passed WHERE parent = ?", (parent,))
    return {row["record"]: row["version"] for row in rows}


def note_passed(c: Connection, parent: int, record: str, version: int) -> None:
    """The parent answered for this version of a forwarded record; never goes back."""
    c.execute(
        "INSERT INTO upward_passed VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET version = max(version, excluded.version)",
        (parent, record, version),
    )


def forget_passed(c: Connection, parent: int) -> None:
    """Paired anew: who is there now may know nothing."""
    c.execute("DELETE FROM upward_passed WHERE parent = ?", (parent,))


def waiting(c: Connection, parent: int, limit: int) -> list[Waiting]:
    """In the order they must arrive: an older version of an id always before a newer one."""
    rows = c.execute("SELECT * FROM upward_outbox WHERE parent = ? ORDER BY record, version LIMIT ?", (parent, limit))
    return [
        Waiting(
            record=row["record"], as_of=row["as_of"], version=row["version"], event=row["event"], body=row["body"],
            queued_at=row["queued_at"], kept_version=bool(row["kept_version"]),
        )
        for row in rows
    ]  # fmt: skip


def drop(c: Connection, parent: int, record: str, version: int) -> None:
    """Lets go of what was answered; a newer version queued meanwhile stays."""
    c.execute("DELETE FROM upward_outbox WHERE parent = ? AND record = ? AND version = ?", (parent, record, version))


def count(c: Connection, parent: int) -> tuple[int, int | None]:
    """(how many wait, since when the oldest does in epoch ms)."""
    row = c.execute("SELECT count(*), min(queued_at) FROM upward_outbox WHERE parent = ?", (parent,)).fetchone()
    return row[0], row[1]


def refuse(c: Connection, parent: int, record: str, version: int, code: str, at: int) -> None:
    """Kept for a person to see; the newest refusal of a record takes the earlier one's place."""
    c.execute(
        "INSERT OR REPLACE INTO upward_refusal (parent, record, version, code, at) VALUES (?, ?, ?, ?, ?)",
        (parent, record, version, code, at),
    )


def forgive(c: Connection, parent: int, record: str) -> None:
    """The record was taken after all."""
    c.execute("DELETE FROM upward_refusal WHERE parent = ? AND record = ?", (parent, record))


def refusals(c: Connection) -> list[Refusal]:
    """The newest hundred, of all parents."""
    rows = c.execute(
        "SELECT r.*, p.name FROM upward_refusal r JOIN upward_parent p ON p.id = r.parent ORDER BY r.at DESC LIMIT 100"
    )
    return [
        Refusal(office=row["name"], record=row["record"], version=row["version"], code=row["code"], at=row["at"]) for row in rows
    ]


def _parent(row: Row) -> Parent:
    return Parent(**{key: row[key] for key in row.keys()})  # noqa: SIM118 - a Row iterates over its values


def _current(row: Row) -> Current:
    return Current(**{key: row[key] for key in row.keys()})  # noqa: SIM118
