"""SQL of enrolment: room tokens and the machines that wait to be admitted (school.db)."""

from sqlite3 import Connection, Row

import msgspec

from densach_hub.fleet.model import RoomToken, Waiting, WaitingState
from densach_wire.enrolment import EnrolRequest

_request = msgspec.json.Decoder(EnrolRequest)


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """A waiting machine as enrolment needs it: what it asked, and with which key."""

    waiting: Waiting
    key_hash: str
    request: EnrolRequest
    same_as: str | None


def add_token(c: Connection, token: RoomToken, secret_hash: str) -> None:
    c.execute(
        """
        INSERT INTO enrol_token (id, hash, room, created_at, created_by, expires_at, uses, uses_left)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (token.id, secret_hash, token.room, token.created_at, token.created_by, token.expires_at, token.uses, token.uses_left),
    )


def token_by_hash(c: Connection, secret_hash: str) -> RoomToken | None:
    """Also one that is used up, expired or revoked."""
    row = c.execute("SELECT * FROM enrol_token WHERE hash = ?", (secret_hash,)).fetchone()
    return None if row is None else _token(row)


def tokens(c: Connection, now: int) -> list[RoomToken]:
    """Those that still let somebody in, newest first, at most 200."""
    rows = c.execute(
        """
        SELECT * FROM enrol_token WHERE revoked_at IS NULL AND uses_left > 0 AND expires_at > ?
        ORDER BY created_at DESC LIMIT 200
        """,
        (now,),
    )
    return [_token(r) for r in rows]


def use_token(c: Connection, token: str) -> None:
    """One use less; never below none."""
    c.execute("UPDATE enrol_token SET uses_left = uses_left - 1 WHERE id = ? AND uses_left > 0", (token,))


def revoke_token(c: Connection, token: str, at: int) -> bool:
    """False when it was revoked before."""
    return c.execute("UPDATE enrol_token SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", (at, token)).rowcount > 0


def add_waiting(c: Connection, ticket: Ticket, ticket_hash: str) -> None:
    w = ticket.waiting
    c.execute(
        """
        INSERT INTO enrol_waiting (id, ticket_hash, key_hash, request, address, twin_of, same_as, asked_at, seen_at, state,
                                   decided_at, decided_by, machine)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (w.id, ticket_hash, ticket.key_hash, msgspec.json.encode(ticket.request), w.address, w.twin_of, ticket.same_as,
         w.asked_at, w.seen_at, w.state, w.decided_at, w.decided_by, w.machine),
    )  # fmt: skip


def ticket_by_hash(c: Connection, ticket_hash: str) -> Ticket | None:
    return _ticket(c.execute("SELECT * FROM enrol_waiting WHERE ticket_hash = ?", (ticket_hash,)).fetchone())


def ticket_by_key(c: Connection, key_hash: str) -> Ticket | None:
    """The newest open one of the same key: an agent that lost its ticket."""
    row = c.execute(
        "SELECT * FROM enrol_waiting WHERE key_hash = ? AND state = 'waiting' ORDER BY asked_at DESC LIMIT 1", (key_hash,)
    ).fetchone()
    return _ticket(row)


def newest_by_key(c: Connection, key_hash: str) -> Ticket | None:
    """However it was decided."""
    row = c.execute("SELECT * FROM enrol_waiting WHERE key_hash = ? ORDER BY asked_at DESC LIMIT 1", (key_hash,)).fetchone()
    return _ticket(row)


def machine_by_key(c: Connection, key_hash: str) -> str | None:
    """The machine whose key this is: only its owner can sign a request with it."""
    row = c.execute(
        """
        SELECT machine FROM enrol_waiting WHERE key_hash = ? AND state = 'admitted' AND machine IS NOT NULL
        ORDER BY decided_at DESC LIMIT 1
        """,
        (key_hash,),
    ).fetchone()
    return None if row is None else str(row[0])


def new_ticket(c: Connection, waiting: str, ticket_hash: str) -> None:
    """The earlier ticket stops working."""
    c.execute("UPDATE enrol_waiting SET ticket_hash = ? WHERE id = ?", (ticket_hash, waiting))


def waiting(c: Connection, waiting_id: str) -> Ticket | None:
    return _ticket(c.execute("SELECT * FROM enrol_waiting WHERE id = ?", (waiting_id,)).fetchone())


def seen(c: Connection, waiting_id: str, at: int, address: str) -> None:
    """It asked again, at `at` (epoch ms) from `address`."""
    c.execute("UPDATE enrol_waiting SET seen_at = ?, address = ? WHERE id = ?", (at, address, waiting_id))


def decide(c: Connection, waiting_id: str, state: WaitingState, at: int, by: str, machine: str | None) -> None:
    """`machine`: the id it was admitted as; None when refused."""
    c.execute(
        "UPDATE enrol_waiting SET state = ?, decided_at = ?, decided_by = ?, machine = ? WHERE id = ?",
        (state, at, by, machine, waiting_id),
    )


def all_waiting(c: Connection) -> list[Waiting]:
    """Newest first, at most 1,000."""
    rows = c.execute("SELECT * FROM enrol_waiting WHERE state = 'waiting' ORDER BY asked_at DESC LIMIT 1000")
    return [t.waiting for r in rows if (t := _ticket(r)) is not None]


def waiting_count(c: Connection, address: str | None = None) -> int:
    """How many wait, of all or of those who last asked from one address."""
    found = c.execute(
        "SELECT count(*) FROM enrol_waiting WHERE state = 'waiting' AND (?1 IS NULL OR address = ?1)", (address,)
    ).fetchone()
    return int(found[0])


def forget_waiting(c: Connection, *, before: int) -> None:
    """Takes those off the list who have not asked since (epoch ms)."""
    c.execute("DELETE FROM enrol_waiting WHERE state = 'waiting' AND seen_at < ?", (before,))


def twins_since(c: Connection, since: int) -> list[Waiting]:
    """Machines made from another one's disk that were admitted since then."""
    rows = c.execute(
        """
        SELECT * FROM enrol_waiting WHERE state = 'admitted' AND twin_of IS NOT NULL AND decided_at >= ?
        ORDER BY decided_at DESC LIMIT 200
        """,
        (since,),
    )
    return [t.waiting for r in rows if (t := _ticket(r)) is not None]


def _token(r: Row) -> RoomToken:
    return RoomToken(
        id=r["id"], room=r["room"], created_at=r["created_at"], created_by=r["created_by"], expires_at=r["expires_at"],
        uses=r["uses"], uses_left=r["uses_left"], revoked_at=r["revoked_at"],
    )  # fmt: skip


def _ticket(r: Row | None) -> Ticket | None:
    if r is None:
        return None
    q = _request.decode(r["request"])
    os = " ".join(filter(None, (q.os.name or q.os.family, q.os.version)))
    found = Waiting(
        id=r["id"], hostname=q.hostname, maker=q.maker, model=q.model, os=os, agent=q.agent, address=r["address"],
        simulated=q.simulated, fingerprint=q.fingerprint, was=q.was, twin_of=r["twin_of"], same_as=r["same_as"],
        asked_at=r["asked_at"],
        seen_at=r["seen_at"], state=WaitingState(r["state"]), decided_at=r["decided_at"], decided_by=r["decided_by"],
        machine=r["machine"],
    )  # fmt: skip
    return Ticket(waiting=found, key_hash=r["key_hash"], request=q, same_as=r["same_as"])
