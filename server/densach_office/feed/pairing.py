"""One-time codes: how an office comes to know a school's key. Codes are stored as hashes and shown once."""

import hashlib
import secrets

import structlog
from aiohttp import web

from densach_core.accounts.audit import Audit
from densach_core.accounts.model import Account
from densach_core.clock import DAY_MS, Clock
from densach_core.errors import BadInput, Conflict, NotAllowed, NotFound, TooMany
from densach_core.text import t
from densach_office.schools.model import Child, ChildKind, PairingCode
from densach_office.schools.port import SchoolStore
from densach_office.schools.rules import is_code
from densach_wire.upward import PairRequest, key_id

log = structlog.get_logger("pairing")
PAIRING: "web.AppKey[Pairing]" = web.AppKey("pairing")

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
GROUPS, GROUP = 4, 4
"""16 letters of 32: 80 bits, and still readable over the telephone."""
LASTS_MS = 14 * DAY_MS
WRONG_TRIES = 10
WRONG_WINDOW_MS = 60_000
MOST_ADDRESSES = 10_000


class Pairing:
    def __init__(self, store: SchoolStore, clock: Clock, audit: Audit) -> None:
        self._store = store
        self._clock = clock
        self._audit = audit
        self._wrong: dict[str, list[int]] = {}

    async def issue(self, *, code: str, name: str, kind: ChildKind, by: Account | str) -> str:
        """A new code for a school (or an office below). Raises BadInput("pairing.bad-school")."""
        code = code.strip()
        if not is_code(code):
            raise BadInput(
                "pairing.bad-school",
                t("A school's code is made of letters, digits, dots and hyphens."),
                t("Type it as the sector writes it, leading zeros included."),
                field="code",
            )
        plain = "-".join("".join(secrets.choice(ALPHABET) for _ in range(GROUP)) for _ in range(GROUPS))
        now = self._clock.now_ms()
        await self._store.add_code(
            PairingCode(
                hash=_hash(plain),
                code=code,
                kind=kind,
                name=" ".join(name.split()),
                issued_at=now,
                issued_by=by.name if isinstance(by, Account) else by,
                expires_at=now + LASTS_MS,
            )
        )
        await self._audit.note(by=by, what="office.code-issued", on=code)
        return plain

    async def redeem(self, request: PairRequest, address: str) -> Child:
        """Pins the key. Raises NotAllowed("pairing.wrong-code" | "pairing.code-expired"), Conflict
        ("pairing.code-used"), BadInput("pairing.bad-key"), TooMany after ten wrong tries in a minute from one address.
        """
        now = self._clock.now_ms()
        self._patience(address, now)
        key = _key(request.public_key)
        child = Child(
            code=request.school,
            kind=ChildKind.SCHOOL,
            name=" ".join(request.name.split())[:200],
            key=key.hex(),
            key_id=key_id(key),
            paired_at=now,
        )
        found = await self._store.redeem(_hash(request.code), child)
        if found is None or found.code != request.school:
            self._wrong.setdefault(address, []).append(now)
            log.warning("pairing.refused", school=request.school[:40], code="pairing.wrong-code")
            raise NotAllowed(
                "pairing.wrong-code",
                t("This code was not issued for this school."),
                t("Check the code and the school's code, or ask for a new one."),
            )
        if found.used_at is not None:
            log.warning("pairing.refused", school=request.school, code="pairing.code-used")
            raise Conflict("pairing.code-used", t("This code has been used already."), t("Ask for a new one."))
        if not found.open(now):
            log.warning("pairing.refused", school=request.school, code="pairing.code-expired")
            raise NotAllowed("pairing.code-expired", t("This code is no longer valid."), t("Ask for a new one."))
        await self._audit.note(by=None, what="office.paired", on=request.school, detail={"key": child.key_id})
        log.info("pairing.done", school=request.school, key=child.key_id)
        return child

    async def revoke(self, code: str, *, by: Account) -> None:
        """Raises NotFound."""
        if await self._store.child(code) is None:
            raise NotFound("office.no-school", t("No school with this code is paired."))
        await self._store.revoke(code, self._clock.now_ms())
        await self._audit.note(by=by, what="office.key-revoked", on=code)

    def _patience(self, address: str, now: int) -> None:
        if len(self._wrong) > MOST_ADDRESSES:
            self._wrong.clear()
        recent = [at for at in self._wrong.get(address, []) if now - at < WRONG_WINDOW_MS]
        if recent:
            self._wrong[address] = recent
        else:
            self._wrong.pop(address, None)
        if len(recent) >= WRONG_TRIES:
            raise TooMany("pairing.too-many", t("There were too many wrong codes."), t("Wait a minute."), retry_after_s=60)


def _hash(code: str) -> str:
    letters = "".join(letter for letter in code.upper() if letter.isalnum())
    return hashlib.sha256(letters.encode()).hexdigest()


def _key(text: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise BadInput("pairing.bad-key", t("The public key is no Ed25519 key."))
    return key
