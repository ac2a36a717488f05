"""Sessions and API tokens: random keys outside, their hashes inside, each looked up once in 30 s and kept in memory.

One process serves a school, so whatever ends a session here ends it at once; a change made by a command in another
process is seen within `CACHE_S`.
"""

from collections import OrderedDict
from sqlite3 import Connection

import msgspec

from densach_core.accounts import store
from densach_core.accounts.hashing import digest, new_key
from densach_core.accounts.model import Account, Token
from densach_core.accounts.rules import ABSOLUTE_MS, MINUTE_MS, session_alive
from densach_core.clock import Clock
from densach_core.database import Database

CACHE_S = 30.0
CACHE_SIZE = 4_000
TOUCH_MS = 5 * MINUTE_MS


class _Seen(msgspec.Struct, frozen=True):
    account: Account
    until: float


class Sessions:
    def __init__(self, school: Database, clock: Clock) -> None:
        self._db = school
        self._clock = clock
        self._seen: OrderedDict[bytes, _Seen] = OrderedDict()

    async def of_cookie(self, cookie: str) -> Account | None:
        """Whose session a cookie is; None when it is unknown, over, or its account closed."""
        key = digest(cookie)
        if (account := self._remembered(key)) is not None:
            return account
        row = await self._db.read(lambda c: store.session(c, key))
        now = self._clock.now_ms()
        if row is None or row.closed_at is not None:
            return None
        if not session_alive(now=now, seen_at=row.seen_at, expires_at=row.expires_at, roles=row.account.roles):
            return None
        if now - row.seen_at >= TOUCH_MS or row.seen_at > now:
            await self._db.write_grouped(lambda c: store.touch_session(c, key, now))
        self._remember(key, row.account)
        return row.account

    async def of_token(self, bearer: str) -> Account | None:
        """What an API token may do, as an account without a person; None when it is unknown, over or revoked."""
        key = digest(bearer)
        kept_as = b"token " + key  # apart from cookies: a token sent as a cookie must open nothing
        if (account := self._remembered(kept_as)) is not None:
            return account
        token = await self._db.read(lambda c: store.token(c, key))
        now = self._clock.now_ms()
        if token is None or token.revoked_at is not None or (token.expires_at is not None and now >= token.expires_at):
            return None
        if token.used_at is None or now - token.used_at >= TOUCH_MS:
            await self._db.write_grouped(lambda c: store.touch_token(c, token.id, now))
        account = account_of_token(token)
        self._remember(kept_as, account)
        return account

    def start(self, c: Connection, account_id: str, *, now: int, address: str | None, instead_of: str | None) -> str:
        """A new session inside the caller's transaction; the browser's former one (`instead_of`) ends. Returns the cookie."""
        cookie = new_key()
        store.end_old_sessions(c, now=now)
        if instead_of:
            store.end_session(c, digest(instead_of))
        store.add_session(c, digest(cookie), account_id, at=now, expires_at=now + ABSOLUTE_MS, address=address)
        return cookie

    async def end(self, cookie: str) -> None:
        key = digest(cookie)
        await self._db.write_grouped(lambda c: store.end_session(c, key))
        self._seen.pop(key, None)

    def forget(self, account_id: str) -> None:
        """Drops what is remembered of an account (its sessions changed, or its roles did)."""
        for key in [key for key, seen in self._seen.items() if seen.account.id == account_id]:
            del self._seen[key]

    def forget_key(self, key: str | None) -> None:
        if key is not None:
            self._seen.pop(digest(key), None)

    def _remembered(self, key: bytes) -> Account | None:
        seen = self._seen.get(key)
        if seen is None:
            return None
        if self._clock.monotonic() >= seen.until:
            del self._seen[key]
            return None
        return seen.account

    def _remember(self, key: bytes, account: Account) -> None:
        self._seen[key] = _Seen(account, self._clock.monotonic() + CACHE_S)
        while len(self._seen) > CACHE_SIZE:
            self._seen.popitem(last=False)


def account_of_token(token: Token) -> Account:
    return Account(id=f"token:{token.id}", login=token.name, name=token.name, roles=token.roles)
