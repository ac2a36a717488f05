"""SQL of what was decided about who is who (telemetry.db)."""

from collections.abc import Iterable
from sqlite3 import Connection, Row

import msgspec

from densach_wire.messages import Factor

_encode = msgspec.json.Encoder().encode
_KEPT_FOR_ONE = 200


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """One decision about a machine's identity. `what` is one of `identity.DECISIONS`; `kept` and `changed` are kinds of
    factors; `by` a person, or "" for the hub itself. Open: a person can still say otherwise, or something is to come."""

    id: int
    device: str
    what: str
    at: int
    other: str | None = None
    kept: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    by: str = ""
    open: bool = False


def add(
    c: Connection,
    device: str,
    what: str,
    at: int,
    *,
    other: str | None = None,
    kept: Iterable[str] = (),
    changed: Iterable[str] = (),
    before: tuple[Factor, ...] | None = None,
    by: str = "",
    settled: bool = True,
) -> int:
    done = c.execute(
        """
        INSERT INTO identity (device, other, at, what, kept, changed, before, by, settled_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (device, other, at, what, " ".join(kept), " ".join(changed), None if before is None else _encode(before), by,
         at if settled else None),
    )  # fmt: skip
    c.execute(
        """
        DELETE FROM identity WHERE device = ?1 AND settled_at IS NOT NULL AND id NOT IN
            (SELECT id FROM identity WHERE device = ?1 ORDER BY id DESC LIMIT ?2)
        """,
        (device, _KEPT_FOR_ONE),
    )
    return int(done.lastrowid or 0)


def decisions(c: Connection, device: str | None, limit: int) -> list[Decision]:
    """Newest first."""
    rows = c.execute(
        "SELECT * FROM identity WHERE ?1 IS NULL OR device = ?1 OR other = ?1 ORDER BY id DESC LIMIT ?2", (device, limit)
    )
    return [_decision(r) for r in rows]


def open_one(c: Connection, decision: int, what: str) -> tuple[Decision, tuple[Factor, ...]] | None:
    """An open decision and the fingerprint before it."""
    row = c.execute("SELECT * FROM identity WHERE id = ? AND what = ? AND settled_at IS NULL", (decision, what)).fetchone()
    if row is None:
        return None
    return _decision(row), msgspec.json.decode(row["before"] or b"[]", type=tuple[Factor, ...])


def settle(c: Connection, device: str, what: str, at: int) -> None:
    c.execute("UPDATE identity SET settled_at = ? WHERE device = ? AND what = ? AND settled_at IS NULL", (at, device, what))


def merging(c: Connection, device: str) -> str | None:
    """The machine that this one was said to be, until it has come back as that."""
    row = c.execute(
        "SELECT other FROM identity WHERE device = ? AND what = 'merged' AND settled_at IS NULL ORDER BY id DESC", (device,)
    ).fetchone()
    return None if row is None else row[0]


def _decision(r: Row) -> Decision:
    return Decision(
        id=r["id"], device=r["device"], what=r["what"], at=r["at"], other=r["other"], kept=tuple(r["kept"].split()),
        changed=tuple(r["changed"].split()), by=r["by"], open=r["settled_at"] is None,
    )  # fmt: skip
