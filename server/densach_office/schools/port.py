"""The door behind which an office keeps what schools said: SQLite for a commune, another store when that grows too small.

One contract test suite (tests/office/store_contract.py) runs against every implementation.
"""

from collections.abc import Sequence
from typing import Protocol

from densach_office.schools.model import Arrival, Child, Heard, Held, Notice, PairingCode
from densach_wire.upward import Answer


class SchoolStore(Protocol):
    """Every method is one transaction; what it returned is on disk. All reads are keyed by school first."""

    async def add_code(self, code: PairingCode) -> None:
        """Keeps a code; codes issued earlier for the same school and not used yet are withdrawn."""

    async def codes(self) -> list[PairingCode]:
        """Codes that were not used, newest first."""

    async def redeem(self, code_hash: str, child: Child) -> PairingCode | None:
        """Uses a code up and pins the child's key, replacing an earlier one, if the code is open at `child.paired_at`
        and was issued for `child.code`. Otherwise changes nothing. Returns the code as it was found, None if unknown.
        """

    async def children(self) -> list[Child]:
        """By name."""

    async def child(self, code: str) -> Child | None: ...

    async def revoke(self, code: str, at: int) -> None:
        """The child's key is no longer accepted; what it said stays."""

    async def take(self, child: Child, arrivals: Sequence[Arrival], *, at: int, sent_at: int) -> list[Answer]:
        """Stores records whose version rises, answers each, and notes what it ignored; also notes that the child spoke.

        Idempotent: the same call again changes no record, nor when the child was last heard: an envelope that somebody
        recorded and sends again (nothing rises, `sent_at` not after the last) is no sign of life.
        """

    async def note(self, notice: Notice) -> None: ...

    async def notices(self, child: str | None, limit: int) -> list[Notice]:
        """Newest first; of one child, or of all."""

    async def schools(self) -> list[Heard]:
        """Every school that is paired or was spoken for."""

    async def held(self, kinds: Sequence[str] | None = None, school: str | None = None, starting: str = "") -> list[Held]:
        """The records as they stand (cancelled ones left out), by school and id.

        `starting`: only those whose subject (the part of the id after school and kind) starts so.
        """

    async def record(self, record_id: str) -> Held | None:
        """The newest version, cancelled or not."""

    async def versions(self, record_id: str, limit: int) -> list[Held]:
        """Newest first."""

    async def days(self, kind: str, since: str, starting: str = "") -> list[Held]:
        """For each record of a kind the last version of each day (`as_of` ≥ `since`), and the last one before that; by
        school, id, day. Cancelled versions are among them: they end a figure."""

    async def thin(self, before: str) -> None:
        """Of days before `before` (ISO date) keeps only each record's last version of the day."""
