"""The door: who comes in, who has to wait, and what a wrong try costs."""

from sqlite3 import Connection

from densach_core.accounts import store
from densach_core.accounts.audit import trace
from densach_core.accounts.doorkeeper import Doorkeeper
from densach_core.accounts.hashing import Hashing
from densach_core.accounts.model import Account, Entry
from densach_core.accounts.rules import FAILURES_FORGOTTEN_MS, lock_ms, login_key
from densach_core.accounts.second_factor import SecondFactor, Tickets
from densach_core.accounts.sessions import Sessions
from densach_core.clock import Clock
from densach_core.database import Database
from densach_core.errors import BadInput, TooMany
from densach_core.text import t

LONGEST_TYPED = 1_000


class Entrance:
    def __init__(
        self,
        school: Database,
        clock: Clock,
        hashing: Hashing,
        sessions: Sessions,
        second_factor: SecondFactor,
        *,
        pause_s: float,
    ) -> None:
        self._db = school
        self._clock = clock
        self._hashing = hashing
        self._sessions = sessions
        self._second_factor = second_factor
        self._door = Doorkeeper(clock, pause_s=pause_s)
        self._tickets = Tickets(clock)

    async def by_secret(self, login: str, secret: str, code: str | None, address: str | None, instead_of: str | None) -> Entry:
        await self._door.wait(address)
        key = login_key(login)[:200]
        async with self._door.turn(key):
            found = await self._db.read(lambda c: store.secrets_by_login(c, key))
            self._refuse_locked(key, found)
            fits = await self._hashing.matches(found.secret if found else None, secret[:LONGEST_TYPED])
            if found is None or found.closed_at is not None or not fits:
                raise await self._failed(key, found, address)
            if found.totp_key is not None:
                if code is None:
                    return Entry(account=found.account, ticket=self._tickets.issue(key))
                if not await self._second_factor.accepts(found, code):
                    raise await self._failed(key, found, address)
            fresh = await self._hashing.hash(secret) if found.secret and self._hashing.outdated(found.secret) else None
            return await self._enter(found.account, address, instead_of, fresh)

    async def by_code(self, ticket: str, code: str, address: str | None, instead_of: str | None) -> Entry:
        key = self._tickets.holder(ticket)
        if key is None:
            raise BadInput("accounts.ticket-over", t("This took too long."), t("Sign in again from the start."))
        await self._door.wait(address)
        async with self._door.turn(key):
            found = await self._db.read(lambda c: store.secrets_by_login(c, key))
            self._refuse_locked(key, found)
            if found is None or found.closed_at is not None or not await self._second_factor.accepts(found, code):
                raise await self._failed(key, found, address)
            self._tickets.spend(ticket)
            return await self._enter(found.account, address, instead_of, None)

    async def _enter(self, account: Account, address: str | None, instead_of: str | None, fresh: str | None) -> Entry:
        mark = trace(account, self._clock, address)

        def work(c: Connection) -> str:
            store.note_success(c, account.id, at=mark.at)
            if fresh is not None:
                store.rehash(c, account.id, fresh)
            if account.staff:
                mark.note(c, "accounts.logged-in", on=account.id)
            return self._sessions.start(c, account.id, now=mark.at, address=address, instead_of=instead_of)

        cookie = await self._db.write_grouped(work)
        self._sessions.forget_key(instead_of)
        return Entry(account=account, cookie=cookie)

    async def checked(self, account: Account, secret: str, address: str | None) -> store.Secrets:
        """Before something delicate: is it still the same person? Raises BadInput("accounts.wrong-old"), TooMany."""
        key = login_key(account.login)
        async with self._door.turn(key):
            found = await self._db.read(lambda c: store.secrets_by_id(c, account.id))
            self._refuse_locked(key, found)
            if found is None or not await self._hashing.matches(found.secret, secret[:LONGEST_TYPED]):
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
            person, mark = found.account, trace(None, self._clock, address)

            def work(c: Connection) -> None:
                store.note_failure(c, person.id, at=now, failures=failures, locked_until=until)
                if until is not None:
                    mark.note(c, "accounts.locked", on=person.id)

            await self._db.write_grouped(work)
        return BadInput(
            "accounts.wrong",
            t("Name and password or PIN do not fit together."),
            t("Check both and try again."),
            field="secret",
        )
