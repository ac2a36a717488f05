"""Log-ins on paper: made when they are printed, shown for ten minutes to who made them, kept as hashes."""

import asyncio
import secrets
from sqlite3 import Connection
from typing import Protocol

import msgspec

from densach_core.accounts import store as account_store
from densach_core.accounts.audit import trace
from densach_core.accounts.model import Account, AccountState
from densach_core.accounts.rules import new_password, new_pin
from densach_core.accounts.service import Accounts
from densach_core.briefly import Briefly
from densach_core.clock import Clock
from densach_core.database import Database
from densach_core.text import Text
from densach_hub.people.model import ClassPage, SchoolClass, Teacher


class Slip(msgspec.Struct, frozen=True, kw_only=True):
    """What one person needs to sign in, for paper. `secret` is None when one exists already and was not made anew."""

    name: str
    login: str
    secret: str | None
    class_name: str | None = None


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """Slips to be printed, and where one came from."""

    slips: tuple[Slip, ...]
    title: Text | str
    back: str


class Lists(Protocol):
    async def class_page(self, class_id: str) -> ClassPage: ...

    async def classes(self) -> list[SchoolClass]: ...

    async def teachers(self) -> list[Teacher]: ...


class Slips:
    def __init__(self, school: Database, clock: Clock, accounts: Accounts, people: Lists) -> None:
        self._db = school
        self._clock = clock
        self._accounts = accounts
        self._people = people
        self.sheets: Briefly[Sheet] = Briefly(clock)
        """Sheets that were made a moment ago: the browser that made one may load it again before it is printed."""

    async def of_class(self, class_id: str, *, by: Account | str, anew: bool = False) -> list[Slip]:
        """PINs for those of a class who have none (`anew`: for all), shown this once. About 20 ms a pupil."""
        page = await self._people.class_page(class_id)
        wanted = [(p, s) for p, s in page.pupils if s is not None and (anew or not s.has_secret)]
        made = await self._secrets(
            {s.account.id: new_pin(secrets.randbelow, p.birth_date) for p, s in wanted}, by, class_id, must_change=False
        )
        return [
            Slip(
                name=p.name,
                login=s.account.login if s else p.login,
                secret=made.get(p.id),
                class_name=page.school_class.name,
            )
            for p, s in page.pupils
        ]

    async def of_grade(self, grade: int, *, by: Account | str) -> list[Slip]:
        """PINs for those of a grade who have none, class after class; those who have one are left out."""
        found: list[Slip] = []
        for one in await self._people.classes():
            if one.grade == grade:
                found += [slip for slip in await self.of_class(one.id, by=by) if slip.secret is not None]
        return found

    async def of_teachers(self, *, by: Account | str) -> list[Slip]:
        """First passwords for teachers who have none yet."""
        found: list[tuple[Teacher, AccountState]] = []
        for teacher in await self._people.teachers():
            if teacher.left_at is None:
                state = await self._db.read(lambda c, key=teacher.id: account_store.state(c, key))  # type: ignore[misc]
                if state is not None and not state.has_secret:
                    found.append((teacher, state))
        made = await self._secrets(
            {state.account.id: new_password(secrets.choice) for _, state in found}, by, "teachers", must_change=True
        )
        return [Slip(name=x.name, login=s.account.login, secret=made[x.id]) for x, s in found]

    async def _secrets(self, made: dict[str, str], by: Account | str, on: str, *, must_change: bool) -> dict[str, str]:
        """Gives accounts (by id) the secrets made for them. Hashed two at a time, written together."""
        hashed = dict(
            zip(made, await asyncio.gather(*(self._accounts.hash_secret(secret) for secret in made.values())), strict=True)
        )
        mark = trace(by, self._clock)

        def work(c: Connection) -> None:
            for key, one in hashed.items():
                account_store.set_secret(c, key, secret=one, long=True, must_change=must_change)
                account_store.end_sessions(c, key)
            mark.note(c, "people.slips-made", on=on, detail={"n": len(hashed)})

        if hashed:
            await self._db.write(work)
            for key in hashed:
                self._accounts.forget(key)
        return made
