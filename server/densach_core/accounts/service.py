"""What can be done with accounts, by intent. Every change leaves a line in the audit log, in the same transaction."""

import secrets
from collections.abc import Awaitable, Callable, Iterable
from datetime import date
from sqlite3 import Connection

from aiohttp import web

from densach_core.accounts import store
from densach_core.accounts.audit import AUDIT, Audit, trace
from densach_core.accounts.entrance import Entrance
from densach_core.accounts.hashing import Hashing, digest, new_key
from densach_core.accounts.model import Account, AccountState, Entry, Role, Token
from densach_core.accounts.rules import (
    check_login,
    check_password,
    check_pin,
    is_long,
    is_pupil_only,
    new_password,
    new_pin,
)
from densach_core.accounts.second_factor import SecondFactor
from densach_core.accounts.sessions import Sessions
from densach_core.clock import DAY_MS, Clock
from densach_core.database import Database
from densach_core.errors import BadInput, Conflict, NotFound
from densach_core.text import t

__all__ = ["ACCOUNTS", "AUDIT", "COOKIE", "Accounts", "Audit"]

COOKIE = "densach"
TOKEN_PREFIX = "ds_"  # noqa: S105 - what tokens begin with, so that a leaked one is recognised


class Accounts:
    """People who may sign in, their sessions and the API's tokens. `school` is the database with this room's tables.

    `cookie` is the name of the session's cookie: browsers send cookies to every port of a host, so that a hub and an office
    on one machine need two names, or signing in at one would sign out at the other.
    """

    def __init__(
        self, school: Database, clock: Clock, *, cookie: str = COOKIE, hashing: Hashing | None = None, pause_s: float = 1.0
    ) -> None:
        self.cookie = cookie
        self._db = school
        self._clock = clock
        self._hashing = hashing or Hashing()
        self._sessions = Sessions(school, clock)
        self.second_factor = SecondFactor(school, clock, self._sessions)
        self.birth_date_of: Callable[[str], Awaitable[date | None]] = _unknown
        """Of an account's id; lent by whoever keeps people, so that no PIN is a birthday."""
        self._entrance = Entrance(school, clock, self._hashing, self._sessions, self.second_factor, pause_s=pause_s)

    # --- who is asking ----------------------------------------------------------------------------------------------

    async def session(self, cookie: str) -> Account | None:
        """Whose session a browser's cookie is (remembered for up to 30 s)."""
        return await self._sessions.of_cookie(cookie)

    async def token(self, bearer: str) -> Account | None:
        """What a program's token may do (remembered for up to 30 s)."""
        return await self._sessions.of_token(bearer)

    # --- coming and going -------------------------------------------------------------------------------------------

    async def log_in(
        self, login: str, secret: str, code: str | None = None, address: str | None = None, *, instead_of: str | None = None
    ) -> Entry:
        """A new session, or a ticket when a second factor is needed and `code` is None.

        `instead_of` is the cookie the browser came with: that session ends, whoever owned it.
        Raises BadInput("accounts.wrong") without saying what was wrong, TooMany("accounts.locked").
        """
        return await self._entrance.by_secret(login, secret, code, address, instead_of)

    async def log_in_with_code(
        self, ticket: str, code: str, address: str | None = None, *, instead_of: str | None = None
    ) -> Entry:
        """The second step. Raises BadInput("accounts.ticket-over") when the first is too long ago, and as `log_in`."""
        return await self._entrance.by_code(ticket, code, address, instead_of)

    async def log_out(self, cookie: str) -> None:
        await self._sessions.end(cookie)

    async def end_sessions(self, account_id: str, *, by: Account | str, but: str | None = None) -> None:
        """Ends every session of an account (but the one of the cookie `but`)."""
        mark = trace(by, self._clock)

        def work(c: Connection) -> None:
            store.end_sessions(c, account_id, but=digest(but) if but else None)
            mark.note(c, "accounts.sessions-ended", on=account_id)

        await self._db.write(work)
        self._sessions.forget(account_id)

    # --- looking after accounts -------------------------------------------------------------------------------------

    async def add(
        self,
        *,
        login: str,
        name: str,
        roles: frozenset[Role],
        by: Account | str,
        secret: str | None = None,
        class_id: str | None = None,
        must_change: bool = False,
        account_id: str | None = None,
    ) -> Account:
        """A new account. Without `secret` nobody can sign in until `reset`.

        A staff password shorter than 14 characters is taken here, but its owner must add a second factor at once.
        Raises BadInput, Conflict("accounts.login-taken").
        """
        if not roles:
            raise BadInput("accounts.no-role", t("Choose at least one role."), field="roles")
        if not name.strip():
            raise BadInput("accounts.no-name", t("The name is missing."), field="name")
        pupil = is_pupil_only(roles)
        if secret is not None and pupil:
            check_pin(secret, await self.birth_date_of(account_id) if account_id else None)
        elif secret is not None:
            check_password(secret, login=login, second_factor=True)
        new = Account(
            id=account_id or secrets.token_hex(8),
            login=check_login(login),
            name=" ".join(name.split()),
            roles=roles,
            class_id=class_id,
            must_change=must_change,
        )
        hashed = await self._hashing.hash(secret) if secret is not None else None
        long = secret is None or pupil or is_long(secret)
        mark = trace(by, self._clock)

        def work(c: Connection) -> Account:
            store.add_account(c, new, at=mark.at, secret=hashed, secret_long=long)
            mark.note(c, "accounts.added", on=new.id, detail={"login": new.login, "roles": sorted(roles)})
            return store.account(c, new.id) or new

        return await self._db.write(work)

    async def change(self, account_id: str, *, name: str, login: str, roles: frozenset[Role], by: Account | str) -> Account:
        """Raises NotFound, BadInput, Conflict("accounts.last-admin"). A change of roles ends the account's sessions."""
        if not roles:
            raise BadInput("accounts.no-role", t("Choose at least one role."), field="roles")
        login, name = check_login(login), " ".join(name.split())
        mark = trace(by, self._clock)

        def work(c: Connection) -> Account:
            before = store.account(c, account_id)
            if before is None:
                raise _no_account()
            if Role.ADMIN in before.roles and Role.ADMIN not in roles:
                _keep_an_admin(c)
            store.change_account(c, account_id, login=login, name=name, roles=roles, class_id=before.class_id)
            if before.roles != roles:
                store.end_sessions(c, account_id)
            mark.note(c, "accounts.changed", on=account_id, detail={"login": login, "roles": sorted(roles)})
            return store.account(c, account_id) or before

        account = await self._db.write(work)
        self._sessions.forget(account_id)
        return account

    async def reset(self, account_id: str, *, by: Account | str) -> str:
        """A new random PIN (pupils) or first password (staff), shown this once. Unlocks, and ends every session."""
        account = await self.get(account_id)
        pupil = is_pupil_only(account.roles)
        secret = new_pin(secrets.randbelow, await self.birth_date_of(account_id)) if pupil else new_password(secrets.choice)
        hashed = await self._hashing.hash(secret)
        mark = trace(by, self._clock)

        def work(c: Connection) -> None:
            store.set_secret(c, account_id, secret=hashed, long=True, must_change=not pupil)
            store.end_sessions(c, account_id)
            mark.note(c, "accounts.secret-reset", on=account_id)

        await self._db.write(work)
        self._sessions.forget(account_id)
        return secret

    async def unlock(self, account_id: str, *, by: Account | str) -> None:
        mark = trace(by, self._clock)

        def work(c: Connection) -> None:
            if store.account(c, account_id) is None:
                raise _no_account()
            store.unlock(c, account_id)
            mark.note(c, "accounts.unlocked", on=account_id)

        await self._db.write(work)

    async def close(self, account_id: str, *, by: Account | str) -> None:
        """Nobody can sign in with it any more; what it did stays. Raises Conflict("accounts.last-admin")."""
        mark = trace(by, self._clock)

        def work(c: Connection) -> None:
            account = store.account(c, account_id)
            if account is None:
                raise _no_account()
            if Role.ADMIN in account.roles:
                _keep_an_admin(c)
            store.set_closed(c, account_id, mark.at)
            store.end_sessions(c, account_id)
            mark.note(c, "accounts.closed", on=account_id)

        await self._db.write(work)
        self._sessions.forget(account_id)

    async def reopen(self, account_id: str, *, by: Account | str) -> None:
        mark = trace(by, self._clock)

        def work(c: Connection) -> None:
            if store.account(c, account_id) is None:
                raise _no_account()
            store.set_closed(c, account_id, None)
            mark.note(c, "accounts.reopened", on=account_id)

        await self._db.write(work)

    async def get(self, account_id: str) -> Account:
        found = await self._db.read(lambda c: store.account(c, account_id))
        if found is None:
            raise _no_account()
        return found

    async def state(self, account_id: str) -> AccountState:
        found = await self._db.read(lambda c: store.state(c, account_id))
        if found is None:
            raise _no_account()
        return found

    async def page(
        self, *, search: str = "", role: Role | None = None, limit: int = 50, offset: int = 0
    ) -> tuple[list[AccountState], int]:
        """Some accounts (staff first) and how many there are."""
        return await self._db.read(lambda c: store.states(c, search=search, role=role, limit=limit, offset=offset))

    async def of_class(self, class_id: str) -> list[AccountState]:
        return await self._db.read(lambda c: store.states_of_class(c, class_id))

    async def names(self, account_ids: Iterable[str]) -> dict[str, str]:
        """id → name of those among the ids that are accounts (at most 500)."""
        wanted = sorted(set(account_ids))[:500]
        return await self._db.read(lambda c: store.names(c, wanted))

    def now(self) -> int:
        """The present by this hub's clock, epoch ms: what locks and ends of tokens are held against."""
        return self._clock.now_ms()

    async def has_admin(self) -> bool:
        return await self._db.read(lambda c: store.open_with_role(c, Role.ADMIN)) > 0

    # --- one's own account ------------------------------------------------------------------------------------------

    async def change_secret(self, account: Account, old: str, new: str, *, cookie: str, address: str | None) -> None:
        """Raises BadInput("accounts.wrong-old"), TooMany and the rules of secrets. Every other session ends."""
        found = await self._entrance.checked(account, old, address)
        pupil = is_pupil_only(account.roles)
        if pupil:
            check_pin(new, await self.birth_date_of(account.id))
        else:
            check_password(new, login=account.login, second_factor=found.totp_key is not None)
        if new == old:
            raise BadInput("accounts.same", t("The new one is the same as the old one."), field="new")
        hashed = await self._hashing.hash(new)
        mark = trace(account, self._clock, address)

        def work(c: Connection) -> None:
            store.set_secret(c, account.id, secret=hashed, long=pupil or is_long(new), must_change=False)
            store.end_sessions(c, account.id, but=digest(cookie))
            mark.note(c, "accounts.secret-changed", on=account.id)

        await self._db.write(work)
        self._sessions.forget(account.id)

    async def confirm(self, account: Account, secret: str, address: str | None) -> None:
        """Before something delicate: is it still the same person? Raises BadInput("accounts.wrong-old"), TooMany."""
        await self._entrance.checked(account, secret, address)

    async def set_locale(self, account: Account, locale: str) -> None:
        await self._db.write(lambda c: store.set_locale(c, account.id, locale))
        self._sessions.forget(account.id)

    # --- tokens -----------------------------------------------------------------------------------------------------

    async def create_token(
        self, *, name: str, roles: frozenset[Role], by: Account | str, days: int | None = None
    ) -> tuple[Token, str]:
        """A program's key to the API, shown this once; it ends after `days` (None: when it is revoked)."""
        if not name.strip() or not roles:
            raise BadInput("accounts.token-odd", t("A token needs a name and a role."))
        mark = trace(by, self._clock)
        token = Token(
            id=secrets.token_hex(6), name=name.strip(), roles=roles, created_at=mark.at, used_at=None,
            expires_at=None if days is None else mark.at + days * DAY_MS, revoked_at=None,
        )  # fmt: skip
        bearer = TOKEN_PREFIX + new_key()

        def work(c: Connection) -> None:
            store.add_token(c, token, digest(bearer))
            mark.note(c, "accounts.token-created", on=token.id,
                detail={"name": token.name, "roles": sorted(roles)},
            )  # fmt: skip

        await self._db.write(work)
        return token, bearer

    async def tokens(self) -> list[Token]:
        return await self._db.read(store.tokens)

    async def revoke_token(self, token_id: str, *, by: Account | str) -> None:
        mark = trace(by, self._clock)

        def work(c: Connection) -> None:
            if not store.revoke_token(c, token_id, mark.at):
                raise NotFound("accounts.no-token", t("There is no such token."))
            mark.note(c, "accounts.token-revoked", on=token_id)

        await self._db.write(work)
        self._sessions.forget(f"token:{token_id}")

    def forget(self, account_id: str) -> None:
        """To be called by a room that changed an account inside a transaction of its own."""
        self._sessions.forget(account_id)

    async def hash_secret(self, secret: str) -> str:
        """For rooms that make many accounts in one transaction of their own."""
        return await self._hashing.hash(secret)


async def _unknown(_: str) -> date | None:
    return None


def _no_account() -> NotFound:
    return NotFound("accounts.no-account", t("There is no such account."))


def _keep_an_admin(c: Connection) -> None:
    if store.open_with_role(c, Role.ADMIN) <= 1:
        raise Conflict(
            "accounts.last-admin",
            t("This is the last administrator."),
            t("Make somebody else administrator first."),
        )


ACCOUNTS = web.AppKey("accounts", Accounts)
