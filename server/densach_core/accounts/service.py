"""What can be done with accounts, by intent. Every change leaves a line in the audit log, in the same transaction."""

import secrets
from sqlite3 import Connection

from aiohttp import web

from densach_core.accounts import audit, store
from densach_core.accounts.audit import AUDIT, Audit
from densach_core.accounts.doorkeeper import Doorkeeper
from densach_core.accounts.hashing import Hashing, digest, new_key
from densach_core.accounts.model import Account, AccountState, Entry, Role, Token
from densach_core.accounts.rules import (
    FAILURES_FORGOTTEN_MS,
    check_login,
    check_password,
    check_pin,
    is_long,
    is_pupil_only,
    lock_ms,
    login_key,
    new_password,
    new_pin,
)
from densach_core.accounts.second_factor import SecondFactor, Tickets
from densach_core.accounts.sessions import Sessions
from densach_core.clock import DAY_MS, Clock
from densach_core.database import Database
from densach_core.errors import BadInput, Conflict, NotFound, TooMany
from densach_core.text import t

__all__ = ["ACCOUNTS", "AUDIT", "COOKIE", "Accounts", "Audit"]

COOKIE = "densach"
TOKEN_PREFIX = "ds_"  # noqa: S105 - what tokens begin with, so that a leaked one is recognised


class Accounts:
    """People who may sign in, their sessions and the API's tokens. `school` is the database with this room's tables."""

    def __init__(self, school: Database, clock: Clock, *, hashing: Hashing | None = None, pause_s: float = 1.0) -> None:
        self._db = school
        self._clock = clock
        self._hashing = hashing or Hashing()
        self._door = Doorkeeper(clock, pause_s=pause_s)
        self._tickets = Tickets(clock)
        self._sessions = Sessions(school, clock)
        self.second_factor = SecondFactor(school, clock, self._sessions)

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
        await self._door.wait(address)
        key = login_key(login)[:200]
        async with self._door.turn(key):
            found = await self._db.read(lambda c: store.secrets_by_login(c, key))
            self._refuse_locked(key, found)
            fits = await self._hashing.matches(found.secret if found else None, secret[:1000])
            if found is None or found.closed_at is not None or not fits:
                raise await self._failed(key, found, address)
            if found.totp_key is not None:
                if code is None:
                    return Entry(account=found.account, ticket=self._tickets.issue(key))
                if not await self.second_factor.accepts(found, code):
                    raise await self._failed(key, found, address)
            fresh = await self._hashing.hash(secret) if found.secret and self._hashing.outdated(found.secret) else None
            return await self._enter(found.account, address, instead_of, fresh)

    async def log_in_with_code(
        self, ticket: str, code: str, address: str | None = None, *, instead_of: str | None = None
    ) -> Entry:
        """The second step. Raises BadInput("accounts.ticket-over") when the first is too long ago, and as `log_in`."""
        key = self._tickets.holder(ticket)
        if key is None:
            raise BadInput("accounts.ticket-over", t("This took too long."), t("Sign in again from the start."))
        await self._door.wait(address)
        async with self._door.turn(key):
            found = await self._db.read(lambda c: store.secrets_by_login(c, key))
            self._refuse_locked(key, found)
            if found is None or found.closed_at is not None or not await self.second_factor.accepts(found, code):
                raise await self._failed(key, found, address)
            self._tickets.spend(ticket)
            return await self._enter(found.account, address, instead_of, None)

    async def log_out(self, cookie: str) -> None:
        await self._sessions.end(cookie)

    async def end_sessions(self, account_id: str, *, by: Account | str, but: str | None = None) -> None:
        """Ends every session of an account (but the one of the cookie `but`)."""
        now = self._clock.now_ms()

        def work(c: Connection) -> None:
            store.end_sessions(c, account_id, but=digest(but) if but else None)
            audit.record(c, at=now, by=by, what="accounts.sessions-ended", on=account_id)

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
            check_pin(secret)
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
        now = self._clock.now_ms()

        def work(c: Connection) -> Account:
            store.add_account(c, new, at=now, secret=hashed, secret_long=long)
            audit.record(
                c, at=now, by=by, what="accounts.added", on=new.id, detail={"login": new.login, "roles": sorted(roles)}
            )
            return store.account(c, new.id) or new

        return await self._db.write(work)

    async def change(
        self, account_id: str, *, name: str, login: str, roles: frozenset[Role], by: Account | str
    ) -> Account:
        """Raises NotFound, BadInput, Conflict("accounts.last-admin"). A change of roles ends the account's sessions."""
        if not roles:
            raise BadInput("accounts.no-role", t("Choose at least one role."), field="roles")
        login, name = check_login(login), " ".join(name.split())
        now = self._clock.now_ms()

        def work(c: Connection) -> Account:
            before = store.account(c, account_id)
            if before is None:
                raise _no_account()
            if Role.ADMIN in before.roles and Role.ADMIN not in roles:
                _keep_an_admin(c)
            store.change_account(c, account_id, login=login, name=name, roles=roles, class_id=before.class_id)
            if before.roles != roles:
                store.end_sessions(c, account_id)
            audit.record(
                c, at=now, by=by, what="accounts.changed", on=account_id, detail={"login": login, "roles": sorted(roles)}
            )
            return store.account(c, account_id) or before

        account = await self._db.write(work)
        self._sessions.forget(account_id)
        return account

    async def reset(self, account_id: str, *, by: Account | str) -> str:
        """A new random PIN (pupils) or first password (staff), shown this once. Unlocks, and ends every session."""
        account = await self.get(account_id)
        pupil = is_pupil_only(account.roles)
        secret = new_pin(secrets.randbelow) if pupil else new_password(secrets.choice)
        hashed = await self._hashing.hash(secret)
        now = self._clock.now_ms()

        def work(c: Connection) -> None:
            store.set_secret(c, account_id, secret=hashed, long=True, must_change=not pupil)
            store.end_sessions(c, account_id)
            audit.record(c, at=now, by=by, what="accounts.secret-reset", on=account_id)

        await self._db.write(work)
        self._sessions.forget(account_id)
        return secret

    async def unlock(self, account_id: str, *, by: Account | str) -> None:
        now = self._clock.now_ms()

        def work(c: Connection) -> None:
            if store.account(c, account_id) is None:
                raise _no_account()
            store.unlock(c, account_id)
            audit.record(c, at=now, by=by, what="accounts.unlocked", on=account_id)

        await self._db.write(work)

    async def close(self, account_id: str, *, by: Account | str) -> None:
        """Nobody can sign in with it any more; what it did stays. Raises Conflict("accounts.last-admin")."""
        now = self._clock.now_ms()

        def work(c: Connection) -> None:
            account = store.account(c, account_id)
            if account is None:
                raise _no_account()
            if Role.ADMIN in account.roles:
                _keep_an_admin(c)
            store.set_closed(c, account_id, now)
            store.end_sessions(c, account_id)
            audit.record(c, at=now, by=by, what="accounts.closed", on=account_id)

        await self._db.write(work)
        self._sessions.forget(account_id)

    async def reopen(self, account_id: str, *, by: Account | str) -> None:
        now = self._clock.now_ms()

        def work(c: Connection) -> None:
            if store.account(c, account_id) is None:
                raise _no_account()
            store.set_closed(c, account_id, None)
            audit.record(c, at=now, by=by, what="accounts.reopened", on=account_id)

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

    async def has_admin(self) -> bool:
        return await self._db.read(lambda c: store.open_with_role(c, Role.ADMIN)) > 0

    # --- one's own account ------------------------------------------------------------------------------------------

    async def change_secret(self, account: Account, old: str, new: str, *, cookie: str, address: str | None) -> None:
        """Raises BadInput("accounts.wrong-old"), TooMany and the rules of secrets. Every other session ends."""
        found = await self._checked(account, old, address)
        pupil = is_pupil_only(account.roles)
        if pupil:
            check_pin(new)
        else:
            check_password(new, login=account.login, second_factor=found.totp_key is not None)
        if new == old:
            raise BadInput("accounts.same", t("The new one is the same as the old one."), field="new")
        hashed = await self._hashing.hash(new)
        now = self._clock.now_ms()

        def work(c: Connection) -> None:
            store.set_secret(c, account.id, secret=hashed, long=pupil or is_long(new), must_change=False)
            store.end_sessions(c, account.id, but=digest(cookie))
            audit.record(c, at=now, by=account, what="accounts.secret-changed", on=account.id, address=address)

        await self._db.write(work)
        self._sessions.forget(account.id)

    async def confirm(self, account: Account, secret: str, address: str | None) -> None:
        """Before something delicate: is it still the same person? Raises BadInput("accounts.wrong-old"), TooMany."""
        await self._checked(account, secret, address)

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
        now = self._clock.now_ms()
        token = Token(
            id=secrets.token_hex(6), name=name.strip(), roles=roles, created_at=now, used_at=None,
            expires_at=None if days is None else now + days * DAY_MS, revoked_at=None,
        )  # fmt: skip
        bearer = TOKEN_PREFIX + new_key()

        def work(c: Connection) -> None:
            store.add_token(c, token, digest(bearer))
            audit.record(
                c, at=now, by=by, what="accounts.token-created", on=token.id,
                detail={"name": token.name, "roles": sorted(roles)},
            )  # fmt: skip

        await self._db.write(work)
        return token, bearer

    async def tokens(self) -> list[Token]:
        return await self._db.read(store.tokens)

    async def revoke_token(self, token_id: str, *, by: Account | str) -> None:
        now = self._clock.now_ms()

        def work(c: Connection) -> None:
            if not store.revoke_token(c, token_id, now):
                raise NotFound("accounts.no-token", t("There is no such token."))
            audit.record(c, at=now, by=by, what="accounts.token-revoked", on=token_id)

        await self._db.write(work)
        self._sessions.forget(f"token:{token_id}")

    def forget(self, account_id: str) -> None:
        """To be called by a room that changed an account inside a transaction of its own."""
        self._sessions.forget(account_id)

    async def hash_secret(self, secret: str) -> str:
        """For rooms that make many accounts in one transaction of their own."""
        return await self._hashing.hash(secret)

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _enter(self, account: Account, address: str | None, instead_of: str | None, fresh: str | None) -> Entry:
        now = self._clock.now_ms()

        def work(c: Connection) -> str:
            store.note_success(c, account.id, at=now)
            if fresh is not None:
                store.rehash(c, account.id, fresh)
            if account.staff:
                audit.record(c, at=now, by=account, what="accounts.logged-in", on=account.id, address=address)
            return self._sessions.start(c, account.id, now=now, address=address, instead_of=instead_of)

        cookie = await self._db.write_grouped(work)
        self._sessions.forget_key(instead_of)
        return Entry(account=account, cookie=cookie)

    async def _checked(self, account: Account, secret: str, address: str | None) -> store.Secrets:
        key = login_key(account.login)
        async with self._door.turn(key):
            found = await self._db.read(lambda c: store.secrets_by_id(c, account.id))
            self._refuse_locked(key, found)
            if found is None or not await self._hashing.matches(found.secret, secret[:1000]):
                await self._failed(key, found, address)
                raise BadInput(
                    "accounts.wrong-old", t("The present password or PIN is not right."), t("Type it again."), field="old"
                )
            return found

    def _refuse_locked(self, key: str, found: store.Secrets | None) -> None:
        until = found.locked_until if found else self._door.stranger_locked_until(key)
        now = self._clock.now_ms()
        if until is not None and now < until:
            minutes = -(-(until - now) // 60_000)
            raise TooMany(
                "accounts.locked",
                t("There were too many wrong tries with this name."),
                t("Wait {n} minutes, or ask your teacher or the person in charge to unlock it.", n=minutes),
                retry_after_s=(until - now) // 1000 + 1,
            )

    async def _failed(self, key: str, found: store.Secrets | None, address: str | None) -> BadInput:
        """Counts a wrong try and gives the error to raise: the same whether the name or the secret was wrong."""
        now = self._clock.now_ms()
        self._door.failed_from(address)
        if found is None:
            lasting = lock_ms(self._door.stranger_failed(key))
            if lasting is not None:
                self._door.lock_stranger(key, now + lasting)
        else:
            recent = found.failed_at is not None and now - found.failed_at < FAILURES_FORGOTTEN_MS
            failures = (found.failures if recent else 0) + 1
            lasting = lock_ms(failures)
            until = None if lasting is None else now + lasting
            person = found.account

            def work(c: Connection) -> None:
                store.note_failure(c, person.id, at=now, failures=failures, locked_until=until)
                if until is not None:
                    audit.record(c, at=now, by=None, what="accounts.locked", on=person.id, address=address)

            await self._db.write_grouped(work)
        return BadInput(
            "accounts.wrong",
            t("Name and password or PIN do not fit together."),
            t("Check both and try again."),
            field="secret",
        )


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
