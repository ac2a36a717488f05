"""The audit log: append-only lines in school.db (triggers refuse to change or delete one).

Codes are `room.noun-verb`, e.g. `lab.repair-added`. No secrets and no personal data beyond the name of who acted.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from sqlite3 import Connection

import msgspec
from aiohttp import web

from densach_core.accounts.model import Account, Note
from densach_core.clock import Clock
from densach_core.database import Database

MAX_DETAIL = 2_000
SEARCHED = """by_name || ' ' || what || ' ' || ifnull("on", '') || ' ' || ifnull(detail, '')"""
_from: ContextVar[str | None] = ContextVar("densach_audit_from", default=None)


@contextmanager
def noted_from(address: str | None) -> Iterator[None]:
    """Inside it every trace says that it came from `address` (the web middleware wraps each request in it)."""
    mark = _from.set(address)
    try:
        yield
    finally:
        _from.reset(mark)


class Trace(msgspec.Struct, frozen=True):
    """Who acts, when and from where: taken on the event loop, written inside the change's own transaction.

    `by` is an account, a word such as "set-up" or "command", or None for the system itself.
    """

    by: Account | str | None
    at: int
    address: str | None

    def note(self, c: Connection, what: str, *, on: str | None = None, detail: str | Mapping[str, object] | None = None) -> None:
        """Adds a line, so that a change and its trace stand or fall together."""
        if isinstance(detail, Mapping):
            detail = msgspec.json.encode(detail).decode()
        who_id, who = (self.by.id, self.by.name) if isinstance(self.by, Account) else (None, self.by or "system")
        c.execute(
            'INSERT INTO audit (at, by_id, by_name, what, "on", detail, address) VALUES (?, ?, ?, ?, ?, ?, ?)',
            (self.at, who_id, who, what, on, detail[:MAX_DETAIL] if detail else None, self.address),
        )


def trace(by: Account | str | None, clock: Clock, address: str | None = None) -> Trace:
    """The trace of what is about to be done; without `address` it is the request's."""
    return Trace(by, clock.now_ms(), address or _from.get())


class Audit:
    """Writes and reads the log, for rooms whose change is not a transaction of school.db."""

    def __init__(self, school: Database, clock: Clock) -> None:
        self._db = school
        self._clock = clock

    async def note(
        self,
        *,
        by: Account | str | None,
        what: str,
        on: str | None = None,
        detail: str | Mapping[str, object] | None = None,
        address: str | None = None,
    ) -> None:
        """Adds a line; on disk when this returns."""
        mark = trace(by, self._clock, address)
        await self._db.write(lambda c: mark.note(c, what, on=on, detail=detail))

    async def latest(self, *, limit: int = 100, before: int | None = None, search: str | None = None) -> list[Note]:
        """The newest lines first, older than line `before`; `search` looks in who, what, on what and detail."""
        return await self._db.read(lambda c: notes(c, limit=limit, before=before, search=search))


def notes(c: Connection, *, limit: int, before: int | None, search: str | None) -> list[Note]:
    where, values = ["1"], list[object]()
    if before is not None:
        where.append("seq < ?")
        values.append(before)
    if search:
        where.append(f"instr(lower({SEARCHED}), lower(?))")
        values.append(search)
    rows = c.execute(
        f"SELECT * FROM audit WHERE {' AND '.join(where)} ORDER BY seq DESC LIMIT ?",  # noqa: S608 - fixed words only
        (*values, limit),
    )
    return [
        Note(
            seq=r["seq"],
            at=r["at"],
            by_id=r["by_id"],
            by=r["by_name"],
            what=r["what"],
            on=r["on"],
            detail=r["detail"],
            address=r["address"],
        )
        for r in rows
    ]


AUDIT = web.AppKey("audit", Audit)
