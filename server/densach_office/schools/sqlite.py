"""The store of a commune's or small department's office: one SQLite file (office.db)."""

from collections.abc import Sequence
from sqlite3 import Connection, Row

import msgspec

from densach_core.database import Database
from densach_core.migrations import Migration
from densach_office.schools.model import Arrival, Child, ChildKind, Heard, Held, Notice, NoticeKind, PairingCode
from densach_office.schools.rules import judge
from densach_wire.upward import Answer, Record, Sukien, Verdict

NOTICES_KEPT = 500
"""Of one child."""

MIGRATIONS = [
    Migration(
        "schools",
        """
        CREATE TABLE child (
            code TEXT PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, key TEXT NOT NULL, key_id TEXT NOT NULL,
            paired_at INTEGER NOT NULL, heard_at INTEGER, sent_at INTEGER, revoked_at INTEGER) WITHOUT ROWID;
        CREATE TABLE pairing_code (
            hash TEXT PRIMARY KEY, code TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
            issued_at INTEGER NOT NULL, issued_by TEXT NOT NULL, expires_at INTEGER NOT NULL,
            used_at INTEGER, withdrawn_at INTEGER) WITHOUT ROWID;
        CREATE TABLE record (
            school TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, kind TEXT NOT NULL, event TEXT NOT NULL,
            as_of TEXT NOT NULL, updated_at TEXT NOT NULL, received_at INTEGER NOT NULL, via TEXT NOT NULL,
            digest TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (school, id)) WITHOUT ROWID;
        CREATE TABLE record_version (
            school TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, kind TEXT NOT NULL, event TEXT NOT NULL,
            as_of TEXT NOT NULL, updated_at TEXT NOT NULL, received_at INTEGER NOT NULL, via TEXT NOT NULL,
            digest TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (school, id, version)) WITHOUT ROWID;
        CREATE INDEX record_version_by_day ON record_version (kind, as_of);
        CREATE TABLE notice (
            seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, child TEXT NOT NULL, kind TEXT NOT NULL, record TEXT,
            version INTEGER, held INTEGER, code TEXT);
        CREATE INDEX notice_by_child ON notice (child, seq);
        """,
    )
]


class SqliteSchools:
    """Implements `SchoolStore`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def add_code(self, code: PairingCode) -> None:
        def work(c: Connection) -> None:
            c.execute(
                "UPDATE pairing_code SET withdrawn_at = ? WHERE code = ? AND used_at IS NULL AND withdrawn_at IS NULL",
                (code.issued_at, code.code),
            )
            c.execute(
                "INSERT INTO pairing_code (hash, code, kind, name, issued_at, issued_by, expires_at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (code.hash, code.code, code.kind, code.name, code.issued_at, code.issued_by, code.expires_at),
            )

        await self._db.write(work)

    async def codes(self) -> list[PairingCode]:
        sql = "SELECT * FROM pairing_code WHERE used_at IS NULL ORDER BY issued_at DESC, hash LIMIT 500"
        return await self._db.read(lambda c: [_code(row) for row in c.execute(sql)])

    async def redeem(self, code_hash: str, child: Child) -> PairingCode | None:
        def work(c: Connection) -> PairingCode | None:
            row = c.execute("SELECT * FROM pairing_code WHERE hash = ?", (code_hash,)).fetchone()
            if row is None:
                return None
            found = _code(row)
            if not found.open(child.paired_at) or found.code != child.code:
                return found
            c.execute("UPDATE pairing_code SET used_at = ? WHERE hash = ?", (child.paired_at, code_hash))
            c.execute(
                "INSERT INTO child (code, kind, name, key, key_id, paired_at) VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (code) DO UPDATE SET kind = excluded.kind, name = excluded.name, key = excluded.key, "
                "key_id = excluded.key_id, paired_at = excluded.paired_at, revoked_at = NULL, "
                "sent_at = CASE WHEN key_id = excluded.key_id THEN sent_at END",
                (child.code, found.kind, child.name or found.name, child.key, child.key_id, child.paired_at),
            )
            return found

        return await self._db.write(work)

    async def children(self) -> list[Child]:
        return await self._db.read(lambda c: [_child(row) for row in c.execute("SELECT * FROM child ORDER BY name, code")])

    async def child(self, code: str) -> Child | None:
        def work(c: Connection) -> Child | None:
            row = c.execute("SELECT * FROM child WHERE code = ?", (code,)).fetchone()
            return _child(row) if row else None

        return await self._db.read(work)

    async def revoke(self, code: str, at: int) -> None:
        await self._db.write(lambda c: c.execute("UPDATE child SET revoked_at = ? WHERE code = ?", (at, code)))

    async def take(self, child: Child, arrivals: Sequence[Arrival], *, at: int, sent_at: int) -> list[Answer]:
        def work(c: Connection) -> list[Answer]:
            answers = [_take(c, child, arrival, at) for arrival in arrivals]
            _heard(c, child.code, at, sent_at, rose=any(answer.verdict is Verdict.ACCEPTED for answer in answers))
            _thin_notices(c, child.code)
            return answers

        return await self._db.write(work)

    async def note(self, notice: Notice) -> None:
        def work(c: Connection) -> None:
            _note(c, notice)
            _thin_notices(c, notice.child)

        await self._db.write(work)

    async def notices(self, child: str | None, limit: int) -> list[Notice]:
        def work(c: Connection) -> list[Notice]:
            rows = c.execute("SELECT * FROM notice WHERE ? IS NULL OR child = ? ORDER BY seq DESC LIMIT ?", (child, child, limit))
            return [_notice(row) for row in rows]

        return await self._db.read(work)

    async def schools(self) -> list[Heard]:
        sql = """
            SELECT s.code, s.via, s.heard, child.name, child.heard_at, child.revoked_at, child.code AS paired,
                   json_extract(CAST(record.body AS TEXT), '$.name') AS own_name
            FROM (
                SELECT code, max(via) AS via, max(heard) AS heard FROM (
                    SELECT school AS code, via, received_at AS heard FROM record WHERE via <> school
                    UNION ALL SELECT school, school, received_at FROM record WHERE via = school
                    UNION ALL SELECT code, code, NULL FROM child WHERE kind = 'school')
                GROUP BY code) AS s
            LEFT JOIN child ON child.code = s.code
            LEFT JOIN record ON record.school = s.code AND record.id = s.code || '/profile' AND record.event <> 'CANCEL'
            ORDER BY s.code"""

        def work(c: Connection) -> list[Heard]:
            return [
                Heard(
                    code=row["code"],
                    name=row["own_name"] or row["name"] or row["code"],
                    via=row["code"] if row["paired"] else row["via"],
                    heard_at=row["heard_at"] if row["paired"] else row["heard"],
                    revoked=row["revoked_at"] is not None,
                )
                for row in c.execute(sql)
            ]

        return await self._db.read(work)

    async def held(self, kinds: Sequence[str] | None = None, school: str | None = None, starting: str = "") -> list[Held]:
        asked = msgspec.json.encode(list(kinds)).decode() if kinds is not None else None
        sql = (
            "SELECT * FROM record WHERE event <> 'CANCEL' AND (? IS NULL OR kind IN (SELECT value FROM json_each(?))) "
            "AND (? IS NULL OR school = ?) AND substr(id, length(school) + length(kind) + 3, ?) = ? ORDER BY school, id"
        )
        values = (asked, asked, school, school, len(starting), starting)
        return await self._db.read(lambda c: [_held(row) for row in c.execute(sql, values)])

    async def record(self, record_id: str) -> Held | None:
        school = record_id.partition("/")[0]

        def work(c: Connection) -> Held | None:
            return _current(c, school, record_id)

        return await self._db.read(work)

    async def versions(self, record_id: str, limit: int) -> list[Held]:
        school = record_id.partition("/")[0]
        sql = "SELECT * FROM record_version WHERE school = ? AND id = ? ORDER BY version DESC LIMIT ?"
        return await self._db.read(lambda c: [_held(row) for row in c.execute(sql, (school, record_id, limit))])

    async def days(self, kind: str, since: str, starting: str = "") -> list[Held]:
        sql = """
            SELECT v.* FROM record_version AS v JOIN (
                SELECT school, id, max(version) AS version FROM record_version
                WHERE kind = ? AND substr(id, length(school) + length(kind) + 3, ?) = ?
                GROUP BY school, id, CASE WHEN as_of < ? THEN '' ELSE as_of END) AS last
            ON v.school = last.school AND v.id = last.id AND v.version = last.version
            ORDER BY v.school, v.id, v.version"""
        values = (kind, len(starting), starting, since)
        return await self._db.read(lambda c: [_held(row) for row in c.execute(sql, values)], seconds=10)

    async def thin(self, before: str) -> None:
        sql = """
            DELETE FROM record_version AS v WHERE as_of < ? AND EXISTS (
                SELECT 1 FROM record_version AS newer WHERE newer.school = v.school AND newer.id = v.id
                AND newer.as_of = v.as_of AND newer.version > v.version)"""
        await self._db.write(lambda c: c.execute(sql, (before,)))


def _take(c: Connection, child: Child, arrival: Arrival, at: int) -> Answer:
    record = arrival.record
    held = _current(c, record.school, record.id)
    paired = c.execute(
        "SELECT 1 FROM child WHERE code = ? AND kind = 'school' AND revoked_at IS NULL", (record.school,)
    ).fetchone()
    ignored = judge(held, arrival, child, paired_itself=paired is not None)
    if ignored is not None:
        held_version = held.record.version if held else None
        _note(
            c,
            Notice(at=at, child=child.code, kind=ignored, record=record.id, version=record.version, held=held_version),
        )
        return Answer(id=record.id, verdict=Verdict.IGNORED, version=held_version, digest=held.digest if held else None)
    values = (
        record.school, record.id, record.version, record.kind, record.event, record.as_of, record.updated_at, at,
        child.code, arrival.digest, bytes(record.body),
    )  # fmt: skip
    c.execute("INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
    c.execute("INSERT OR REPLACE INTO record_version VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
    return Answer(id=record.id, verdict=Verdict.ACCEPTED)


def _heard(c: Connection, child: str, at: int, sent_at: int, *, rose: bool) -> None:
    """The child spoke, unless somebody says again what it said: nothing rose, and it was not sent after the last envelope.

    `sent_at` (the child's clock) never goes back here, so that no envelope can count twice; a child whose clock was set
    back is still heard by each record that rises.
    """
    c.execute(
        "UPDATE child SET heard_at = ?1, sent_at = max(?2, coalesce(sent_at, ?2)) "
        "WHERE code = ?3 AND (?4 OR sent_at IS NULL OR sent_at < ?2)",
        (at, sent_at, child, rose),
    )


def _current(c: Connection, school: str, record_id: str) -> Held | None:
    row = c.execute("SELECT * FROM record WHERE school = ? AND id = ?", (school, record_id)).fetchone()
    return _held(row) if row else None


def _note(c: Connection, notice: Notice) -> None:
    c.execute(
        "INSERT INTO notice (at, child, kind, record, version, held, code) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (notice.at, notice.child, notice.kind, notice.record, notice.version, notice.held, notice.code),
    )


def _thin_notices(c: Connection, child: str) -> None:
    c.execute(
        "DELETE FROM notice WHERE child = ? AND seq <= "
        "(SELECT seq FROM notice WHERE child = ? ORDER BY seq DESC LIMIT 1 OFFSET ?)",
        (child, child, NOTICES_KEPT),
    )


def _held(row: Row) -> Held:
    return Held(
        record=Record(
            id=row["id"],
            event=Sukien(row["event"]),
            version=row["version"],
            updated_at=row["updated_at"],
            school=row["school"],
            kind=row["kind"],
            as_of=row["as_of"],
            body=msgspec.Raw(row["body"]),
        ),
        digest=row["digest"],
        received_at=row["received_at"],
        via=row["via"],
    )


def _child(row: Row) -> Child:
    values = {key: row[key] for key in row.keys()}  # noqa: SIM118 - a Row iterates over its values
    return Child(**{**values, "kind": ChildKind(row["kind"])})


def _code(row: Row) -> PairingCode:
    values = {key: row[key] for key in row.keys()}  # noqa: SIM118
    return PairingCode(**{**values, "kind": ChildKind(row["kind"])})


def _notice(row: Row) -> Notice:
    values = {key: row[key] for key in row.keys() if key != "seq"}  # noqa: SIM118
    return Notice(**{**values, "kind": NoticeKind(row["kind"])})
