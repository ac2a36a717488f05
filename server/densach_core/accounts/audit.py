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
_address: ContextVar[str | None] = ContextVar("densach_audit_address", default=None)


@contextmanager
def noted_from(address: str | None) -> Iterator[None]:
    """Inside it every note says that it came from `address` (the web middleware wraps each request in it)."""
    mark = _address.set(address)
    try:
        yield
    finally:
        _address.reset(mark)


class Audit:
    """Writes and reads the log. `by` is an account, a word such as "set-up" or "command", or None for the system."""

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
        at, place = self._clock.now_ms(), address or _address.get()
        await self._db.write(lambda c: record(c, at=at, by=by, what=what, on=on, detail=detail, address=place))

    async def latest(self, *, limit: int = 100, before: int | None = None, search: str | None = None) -> list[Note]:
        """The newest lines first, older than line `before`; `search` looks in who, what, on what and detail."""
        return await self._db.read(lambda c: notes(c, limit=limit, before=before, search=search))


def record(
    c: Connection,
    *,
    at: int,
    by: Account | str | None,
    what: str,
    on: str | None = None,
    detail: str | Mapping[str, object] | None = None,
    address: str | None = None,
) -> None:
    """Adds a line inside the caller's transaction, so that a change and its trace stand or fall together."""
    if isinstance(detail, Mapping):
        detail = msgspec.json.encode(detail).decode()
    who_id, who = (by.id, by.name) if isinstance(by, Account) else (None, by or "system")
    c.execute(
        'INSERT INTO audit (at, by_id, by_name, what, "on", detail, address) VALUES (?, ?, ?, ?, ?, ?, ?)',
        (at, who_id, who, what, on, detail[:MAX_DETAIL] if detail else None, address or _address.get()),
    )


def notes(c: Connection, *, limit: int, before: int | None, search: str | None) -> list[Note]:
    where, values = ["1"], list[object]()
    if before is not None:
        where.append("seq < ?")
        values.append(before)
    if search:
        where.append("instr(lower(by_name || ' ' || what || ' ' || ifnull(\"on\", '') || ' ' || ifnull(detail, '')), lower(?))")
        values.append(search)
    rows = c.execute(
        f"SELECT * FROM audit WHERE {' AND '.join(where)} ORDER BY seq DESC LIMIT ?",  # noqa: S608 - fixed words only
        (*values, limit),
    )
    return [
        Note(
            seq=r["seq"], at=r["at"], by_id=r["by_id"], by=r["by_name"], what=r["what"], on=r["on"],
            detail=r["detail"], address=r["address"],
        )
        for r in rows
    ]


AUDIT = web.AppKey("audit", Audit)
