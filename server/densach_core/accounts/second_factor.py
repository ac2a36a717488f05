"""The second factor: a code from an app, or one of eight recovery codes on paper."""

import secrets
from collections import OrderedDict
from sqlite3 import Connection

from densach_core.accounts import store, totp
from densach_core.accounts.audit import trace
from densach_core.accounts.hashing import digest, new_key
from densach_core.accounts.model import Account
from densach_core.accounts.rules import CLEAR_LETTERS
from densach_core.accounts.sessions import Sessions
from densach_core.clock import Clock
from densach_core.database import Database
from densach_core.errors import BadInput, Conflict
from densach_core.text import t

RECOVERY_CODES = 8
TICKET_S = 300.0
TICKETS = 1_000


class Tickets:
    """Between password and code: five minutes, in memory, used up by a success."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held: OrderedDict[bytes, tuple[str, float]] = OrderedDict()

    def issue(self, login_key: str) -> str:
        ticket = new_key()
        self._held[digest(ticket)] = (login_key, self._clock.monotonic() + TICKET_S)
        while len(self._held) > TICKETS:
            self._held.popitem(last=False)
        return ticket

    def holder(self, ticket: str) -> str | None:
        held = self._held.get(digest(ticket))
        return held[0] if held and self._clock.monotonic() < held[1] else None

    def spend(self, ticket: str) -> None:
        self._held.pop(digest(ticket), None)


class SecondFactor:
    def __init__(self, school: Database, clock: Clock, sessions: Sessions) -> None:
        self._db = school
        self._clock = clock
        self._sessions = sessions

    async def begin(self, account: Account) -> bytes:
        """The key to show as a QR code; it counts only once `finish` has seen a code made with it."""
        found = await self._db.read(lambda c: store.secrets_by_id(c, account.id))
        if found is not None and found.totp_pending is not None:
            return found.totp_pending
        key = secrets.token_bytes(20)
        await self._db.write(lambda c: store.set_pending_totp(c, account.id, key))
        return key

    async def finish(self, account: Account, code: str) -> list[str]:
        """Switches the second factor on; returns the recovery codes, shown this once.

        Raises BadInput("accounts.code-wrong"), Conflict("accounts.no-pending-factor").
        """
        found = await self._db.read(lambda c: store.secrets_by_id(c, account.id))
        if found is None or found.totp_pending is None:
            raise Conflict("accounts.no-pending-factor", t("Begin with the second factor again."))
        key, now = found.totp_pending, self._clock.now_ms()
        step = totp.matching_step(key, code, now_ms=now, after=None)
        if step is None:
            raise BadInput(
                "accounts.code-wrong",
                t("This code is not right."),
                t("Check the time of the phone and of the hub, and type the code that the app shows now."),
                field="code",
            )
        codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
        mark = trace(account, self._clock)

        def work(c: Connection) -> None:
            store.set_totp(c, account.id, key, step)
            store.set_recovery(c, account.id, [digest(recovery_form(one)) for one in codes])
            mark.note(c, "accounts.second-factor-on", on=account.id)

        await self._db.write(work)
        self._sessions.forget(account.id)
        return codes

    async def remove(self, account_id: str, *, by: Account | str) -> None:
        """Switches it off (a lost phone). A short password then makes its owner choose a longer one at once."""
        mark = trace(by, self._clock)

        def work(c: Connection) -> None:
            store.set_totp(c, account_id, None, None)
            store.set_recovery(c, account_id, [])
            mark.note(c, "accounts.second-factor-off", on=account_id)

        await self._db.write(work)
        self._sessions.forget(account_id)

    async def recovery_left(self, account: Account) -> int:
        return await self._db.read(lambda c: store.recovery_left(c, account.id))

    async def accepts(self, found: store.Secrets, code: str) -> bool:
        """Whether a code (from the app or from the paper) is right and unused; it is used up by this."""
        now, account = self._clock.now_ms(), found.account
        step = None
        if found.totp_key is not None:
            step = totp.matching_step(found.totp_key, code, now_ms=now, after=found.totp_step)
        if step is not None:
            used = step
            return await self._db.write(lambda c: store.use_totp_step(c, account.id, used))
        hashed = digest(recovery_form(code))
        mark = trace(account, self._clock)

        def spend(c: Connection) -> bool:
            if not store.use_recovery(c, account.id, hashed, now):
                return False
            mark.note(c, "accounts.recovery-code-used", on=account.id)
            return True

        return await self._db.write(spend)


def recovery_form(code: str) -> str:
    """However it was typed from paper: without spaces and dashes, in small letters."""
    return "".join(ch for ch in code.lower() if ch.isalnum())[:64]


def _recovery_code() -> str:
    letters = "".join(secrets.choice(CLEAR_LETTERS) for _ in range(12))
    return f"{letters[:6]}-{letters[6:]}"
