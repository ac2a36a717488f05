"""Pupils one by one: added, corrected, moved to another class, left, back."""

import secrets
from datetime import date
from sqlite3 import Connection
from typing import Protocol

import msgspec

from densach_core.accounts import store as account_store
from densach_core.accounts.audit import trace
from densach_core.accounts.model import Account
from densach_core.accounts.service import Accounts
from densach_core.clock import Clock
from densach_core.database import Database
from densach_core.errors import BadInput, Conflict
from densach_core.live import Bus
from densach_core.text import t
from densach_hub.people import store
from densach_hub.people.imports import add_pupil_account, follow_pupil
from densach_hub.people.model import Pupil, SchoolClass, Sex
from densach_hub.people.names import temporary_code


class Year(Protocol):
    async def school_year(self) -> str: ...

    async def school_class(self, class_id: str) -> SchoolClass: ...

    async def pupil(self, pupil_id: str) -> Pupil: ...


class Pupils:
    def __init__(self, school: Database, clock: Clock, bus: Bus, accounts: Accounts, year: Year) -> None:
        self._db = school
        self._clock = clock
        self._bus = bus
        self._accounts = accounts
        self._year = year

    async def add(
        self,
        *,
        name: str,
        class_id: str,
        by: Account | str,
        code: str | None = None,
        birth_date: date | None = None,
        sex: Sex | None = None,
    ) -> Pupil:
        """A pupil who came during the year. Raises BadInput, Conflict("people.code-taken")."""
        school_class = await self._year.school_class(class_id)
        new = Pupil(
            id=secrets.token_hex(8),
            name=_name(name),
            code=_code(code),
            birth_date=birth_date,
            sex=sex,
            class_id=school_class.id,
            class_name=school_class.name,
        )
        mark = trace(by, self._clock)

        def work(c: Connection) -> Pupil:
            _refuse_taken(c, new)
            temporary = None
            if new.code is None:
                temporary = temporary_code(secrets.randbelow, lambda code: account_store.login_taken(c, code))
            pupil = msgspec.structs.replace(new, temporary=temporary)
            store.add_pupil(c, pupil, at=mark.at, has_personal_id=None)
            add_pupil_account(c, pupil, school_class, at=mark.at)
            store.set_place(c, pupil.id, school_class.school_year, school_class.id)
            mark.note(c, "people.pupil-added", on=pupil.id, detail=school_class.name)
            return pupil

        pupil = await self._db.write(work)
        self._bus.say("people")
        return pupil

    async def change(
        self,
        pupil_id: str,
        *,
        name: str,
        class_id: str,
        by: Account | str,
        code: str | None = None,
        birth_date: date | None = None,
        sex: Sex | None = None,
    ) -> Pupil:
        """Corrects what is known, or moves to another class; who had left is back. The account keeps step."""
        school_class = await self._year.school_class(class_id)
        before = await self._year.pupil(pupil_id)
        after = msgspec.structs.replace(
            before, name=_name(name), code=_code(code) or before.code, birth_date=birth_date, sex=sex, left_at=None
        )
        mark = trace(by, self._clock)

        def work(c: Connection) -> None:
            _refuse_taken(c, after)
            store.change_pupil(c, after, has_personal_id=None)
            follow_pupil(c, before, after, school_class)
            store.set_place(c, after.id, school_class.school_year, school_class.id)
            mark.note(c, "people.pupil-changed", on=after.id, detail=school_class.name)

        await self._db.write(work)
        self._accounts.forget(pupil_id)
        self._bus.say("people")
        return await self._year.pupil(pupil_id)

    async def leave(self, pupil_ids: list[str], *, by: Account | str) -> int:
        """Finished school or went to another one: kept, counted no more, accounts closed. Returns how many."""
        mark = trace(by, self._clock)

        def work(c: Connection) -> int:
            present = [key for key in dict.fromkeys(pupil_ids) if store.is_present(c, key)]
            for key in present:
                store.set_left(c, key, mark.at)
                account_store.set_closed(c, key, mark.at)
                account_store.end_sessions(c, key)
                mark.note(c, "people.pupil-left", on=key)
            return len(present)

        left = await self._db.write(work)
        for key in pupil_ids:
            self._accounts.forget(key)
        self._bus.say("people")
        return left

    async def without_class(self) -> list[Pupil]:
        """Present pupils with no class this year: who finished school in summer, or is missing from the new roster."""
        year = await self._year.school_year()
        return await self._db.read(lambda c: store.pupils_without_class(c, year))


def _name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > 100:
        raise BadInput("people.no-name", t("The name is missing."), field="name")
    return name


def _code(code: str | None) -> str | None:
    code = (code or "").strip()
    if not code:
        return None
    if len(code) > 30 or not all(ch.isalnum() or ch in "-._/" for ch in code):
        raise BadInput("people.code-odd", t("“{code}” is no pupil code.", code=code[:40]), field="code")
    return code


def _refuse_taken(c: Connection, pupil: Pupil) -> None:
    if pupil.code is None:
        return
    other = store.pupil_with_code(c, pupil.code)
    if other is not None and other != pupil.id:
        raise Conflict(
            "people.code-taken",
            t("Another pupil has the code {code}.", code=pupil.code),
            t("Look this pupil up by the code."),
            field="code",
        )
