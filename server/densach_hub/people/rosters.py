"""Imports a roster: read, show what would change, do exactly that."""

import asyncio
import hashlib
import secrets
import zlib
from datetime import date
from sqlite3 import Connection
from typing import Protocol

import msgspec

from densach_core.accounts.audit import trace
from densach_core.accounts.model import Account
from densach_core.accounts.service import Accounts
from densach_core.clock import DAY_MS, Clock
from densach_core.database import Database
from densach_core.errors import Conflict, NotFound
from densach_core.live import Bus
from densach_core.text import t
from densach_hub.people import store
from densach_hub.people.imports import Done, carry_out
from densach_hub.people.plan import Known, Plan, make_plan
from densach_hub.people.roster import Roster, read_roster
from densach_hub.people.table import read_sheets

WAITING_MS = DAY_MS
READ_S = 10.0


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was read and waits for a yes. `mark` changes when what would be done changes."""

    id: str
    file_name: str
    plan: Plan
    mark: str


class Year(Protocol):
    async def school_year(self) -> str: ...

    async def today(self) -> date: ...


class Rosters:
    def __init__(self, school: Database, clock: Clock, bus: Bus, accounts: Accounts, year: Year) -> None:
        self._db = school
        self._clock = clock
        self._bus = bus
        self._accounts = accounts
        self._year = year

    async def preview(self, file_name: str, body: bytes, *, by: Account | str, school_year: str | None = None) -> Preview:
        """Reads a file and says what it would change; nothing is changed yet. Raises BadInput("roster.…"), TooLarge."""
        year = school_year or await self._year.school_year()
        today = await self._year.today()
        roster = await asyncio.to_thread(lambda: read_roster(read_sheets(file_name, body), today=today))
        key, now = secrets.token_hex(8), self._clock.now_ms()
        packed = await asyncio.to_thread(lambda: zlib.compress(msgspec.json.encode(roster)))
        who = by.id if isinstance(by, Account) else None
        await self._db.write(
            lambda c: store.keep_import(
                c, key=key, at=now, by_id=who, file_name=file_name[:200], school_year=year, roster=packed,
                older_than=now - WAITING_MS,
            )
        )  # fmt: skip
        return await self.waiting(key)

    async def waiting(self, import_id: str) -> Preview:
        """Raises NotFound("people.no-import") when it was applied, dropped, or waited longer than a day."""
        file_name, year, roster = await self._waiting(import_id)
        known = await self._db.read(lambda c: _known(c, year), seconds=READ_S)
        plan = await asyncio.to_thread(make_plan, roster, known)
        return Preview(id=import_id, file_name=file_name, plan=plan, mark=mark_of(plan))

    async def apply(self, import_id: str, mark: str, *, by: Account | str) -> Done:
        """Does what the preview showed. Raises Conflict("people.roster-moved") when that would be something else by now."""
        file_name, year, roster = await self._waiting(import_id)
        noting = trace(by, self._clock)

        def work(c: Connection) -> Done:
            plan = make_plan(roster, _known(c, year))
            if mark_of(plan) != mark:
                raise Conflict(
                    "people.roster-moved",
                    t("Something changed since the preview."),
                    t("Look at the new preview and confirm again."),
                )
            done = carry_out(c, plan, at=noting.at)
            store.drop_import(c, import_id)
            noting.note(
                c, "people.roster-imported", on=year,
                detail={"file": file_name, "new": done.new, "changed": done.changed, "left": done.left},
            )  # fmt: skip
            return done

        done = await self._db.write(work)
        for key in done.touched:
            self._accounts.forget(key)
        self._bus.say("people")
        return done

    async def drop(self, import_id: str) -> None:
        await self._db.write(lambda c: store.drop_import(c, import_id))

    async def _waiting(self, import_id: str) -> tuple[str, str, Roster]:
        found = await self._db.read(lambda c: store.waiting_import(c, import_id))
        if found is None:
            raise NotFound(
                "people.no-import", t("This import is done or was dropped."), t("Choose the file again if it is still needed.")
            )
        file_name, year, packed = found
        roster = await asyncio.to_thread(lambda: msgspec.json.decode(zlib.decompress(packed), type=Roster))
        return file_name, year, roster


def mark_of(plan: Plan) -> str:
    """A short digest of everything a plan would do."""
    return hashlib.sha256(msgspec.json.encode((plan.classes, plan.pupils, plan.teachers))).hexdigest()[:16]


def _known(c: Connection, school_year: str) -> Known:
    return Known(
        school_year=school_year,
        classes=store.classes(c, school_year),
        pupils=store.pupils(c, school_year),
        teachers=store.teachers(c, school_year),
    )
