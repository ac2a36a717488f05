"""Machines with an id of this school that the register does not know: admitted after the backup it was restored from.

They stand among those who wait; what marks them is that their entry already has a machine's id.
"""

from sqlite3 import Connection

from densach_hub.fleet import store_enrolment as store
from densach_hub.fleet.model import Waiting, WaitingState
from densach_wire.enrolment import EnrolRequest
from densach_wire.messages import Hello

REFUSED_FOR_MS = 24 * 3_600_000
"""One that was refused is not shown again for so long."""


def ticket(device: str, hello: Hello, entry: str, now: int) -> store.Ticket:
    """What a hello says, as an entry of the list. Nobody can ask with it: it holds no key."""
    request = EnrolRequest(
        hostname=hello.hostname, fingerprint=hello.fingerprint, csr_pem="", agent=hello.agent, os=hello.os,
        maker=hello.maker, model=hello.model, simulated=hello.simulated,
    )  # fmt: skip
    waiting = Waiting(id=entry, hostname=hello.hostname, asked_at=now, seen_at=now, machine=device)
    return store.Ticket(waiting=waiting, key_hash=f"device:{device}", request=request, same_as=None)


def stand_in_line(c: Connection, asked: store.Ticket, ticket_hash: str, now: int, *, most: int) -> bool:
    """Whether it stands in the list now: not if it was refused lately, nor if `most` wait already."""
    before = store.newest_by_key(c, asked.key_hash)
    if before is not None and before.waiting.state is WaitingState.WAITING:
        store.seen(c, before.waiting.id, now, before.waiting.address)
        return True
    if before is not None and before.waiting.state is WaitingState.REFUSED:
        decided_at = before.waiting.decided_at or 0
        if now - decided_at < REFUSED_FOR_MS:
            return False
    if store.waiting_count(c) >= most:
        return False
    store.add_waiting(c, asked, ticket_hash)
    return True
