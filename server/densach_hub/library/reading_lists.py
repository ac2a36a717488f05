"""Reading lists of a class: a teacher makes one, its pupils see it, the teacher sees by number how many opened what.

Who opened is kept as a keyed hash of the list's own, only to count nobody twice: it names no one and is good for nothing else.
"""

import hashlib
import secrets
import sqlite3

import msgspec

from densach_core.accounts.model import Account, Role
from densach_core.clock import Clock
from densach_core.database import Database
from densach_core.errors import BadInput, NotAllowed, NotFound
from densach_core.text import t
from densach_hub.library import store
from densach_hub.library.model import Card, State

MOST_TITLE = 120
MOST_ITEMS = 200


class Entry(msgspec.Struct, frozen=True):
    """`opened`: by how many pupils of the class; None for those who may not know."""

    card: Card
    opened: int | None = None


class ReadingList(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    class_id: str
    title: str
    by_name: str
    created_at: int
    note: str | None = None
    closed_at: int | None = None
    entries: tuple[Entry, ...] = ()


class ReadingLists:
    def __init__(self, school: Database, clock: Clock) -> None:
        self._school = school
        self._clock = clock

    async def make(self, title: str, class_id: str, *, by: Account, note: str | None = None) -> ReadingList:
        title = " ".join(title.split())
        if not title or len(title) > MOST_TITLE:
            raise BadInput("lists.title", t("A title has 1 to {n} letters.", n=MOST_TITLE), field="title")
        if not class_id:
            raise BadInput("lists.class", t("Choose a class."), field="class_id")
        key, at = secrets.token_hex(5), self._clock.now_ms()
        await self._school.write(
            lambda c: c.execute(
                "INSERT INTO reading_list VALUES (?, ?, ?, ?, ?, ?, ?, NULL, ?)",
                (key, class_id, title, (note or "")[:500] or None, by.id, by.name, at, secrets.token_bytes(16)),
            )
        )
        return await self.own(key, by)

    async def made_by(self, account: Account) -> list[ReadingList]:
        """An account's own lists, newest first, with counts."""
        return await self._school.read(
            lambda c: _lists(c, "by_id = ? ORDER BY closed_at IS NOT NULL, created_at DESC", account.id, counted=True)
        )

    async def of_class(self, class_id: str) -> list[ReadingList]:
        """What a class is to read now; without counts."""
        return await self._school.read(
            lambda c: _lists(c, "class_id = ? AND closed_at IS NULL ORDER BY created_at DESC", class_id, counted=False)
        )

    async def own(self, list_id: str, account: Account) -> ReadingList:
        """A list with its counts, for whoever made it. Raises NotFound, NotAllowed."""

        def read(c: sqlite3.Connection) -> ReadingList:
            row = c.execute("SELECT by_id FROM reading_list WHERE id = ?", (list_id,)).fetchone()
            if row is None:
                raise NotFound("lists.unknown", t("This reading list is not known."), t("Look at your lists."))
            if row["by_id"] != account.id:
                raise NotAllowed("lists.not-own", t("This reading list is another teacher's."), t("Make one of your own."))
            return _lists(c, "id = ?", list_id, counted=True)[0]

        return await self._school.read(read)

    async def put(self, list_id: str, item_id: str, *, by: Account) -> ReadingList:
        """Adds an item at the end. Raises NotFound, NotAllowed, BadInput when the list is full."""
        if len((await self.own(list_id, by)).entries) >= MOST_ITEMS:
            raise BadInput("lists.full", t("A list holds {n} items.", n=MOST_ITEMS), t("Make another list."))

        def add(c: sqlite3.Connection) -> None:
            there = store.item(c, item_id)
            if there is None or there.state is not State.READY:
                raise NotFound("library.no-item", t("The library does not have this (any more)."), t("Search for it."))
            c.execute(
                "INSERT OR IGNORE INTO reading_list_item SELECT ?, ?, ifnull(max(place), 0) + 1 FROM reading_list_item"
                " WHERE list_id = ?",
                (list_id, item_id, list_id),
            )

        await self._school.write(add)
        return await self.own(list_id, by)

    async def take_off(self, list_id: str, item_id: str, *, by: Account) -> ReadingList:
        await self.own(list_id, by)
        await self._school.write(
            lambda c: c.execute("DELETE FROM reading_list_item WHERE list_id = ? AND item_id = ?", (list_id, item_id))
        )
        return await self.own(list_id, by)

    async def close(self, list_id: str, *, by: Account, closed: bool = True) -> ReadingList:
        """Pupils no longer see a closed list; its counts stay."""
        await self.own(list_id, by)
        at = self._clock.now_ms() if closed else None
        await self._school.write(lambda c: c.execute("UPDATE reading_list SET closed_at = ? WHERE id = ?", (at, list_id)))
        return await self.own(list_id, by)

    async def opened(self, list_id: str, item_id: str, account: Account) -> None:
        """A pupil of the class opened an item of the list; anybody else is not counted."""

        def note(c: sqlite3.Connection) -> None:
            row = c.execute(
                "SELECT l.salt FROM reading_list l JOIN reading_list_item i ON i.list_id = l.id"
                " WHERE l.id = ? AND i.item_id = ? AND l.class_id = ?",
                (list_id, item_id, account.class_id),
            ).fetchone()
            if row is not None:
                reader = hashlib.blake2b(account.id.encode(), key=row["salt"], digest_size=16).digest()
                c.execute("INSERT OR IGNORE INTO reading_list_opened VALUES (?, ?, ?)", (list_id, item_id, reader))

        if account.class_id is not None and Role.STUDENT in account.roles:
            await self._school.write_grouped(note)


def _lists(c: sqlite3.Connection, where: str, value: str, *, counted: bool) -> list[ReadingList]:
    rows = c.execute(f"SELECT * FROM reading_list WHERE {where} LIMIT 100", (value,)).fetchall()  # noqa: S608
    return [
        ReadingList(
            id=row["id"], class_id=row["class_id"], title=row["title"], by_name=row["by_name"], created_at=row["created_at"],
            note=row["note"], closed_at=row["closed_at"], entries=_entries(c, row["id"], counted=counted),
        )
        for row in rows
    ]  # fmt: skip


def _entries(c: sqlite3.Connection, list_id: str, *, counted: bool) -> tuple[Entry, ...]:
    rows = c.execute(
        "SELECT item_id, (SELECT count(*) FROM reading_list_opened o WHERE o.list_id = i.list_id AND o.item_id = i.item_id) AS n"
        " FROM reading_list_item i WHERE list_id = ? ORDER BY place",
        (list_id,),
    ).fetchall()
    there = [(store.item(c, row["item_id"]), row["n"]) for row in rows]
    return tuple(
        Entry(store.card_of(it), n if counted else None) for it, n in there if it is not None and it.state is State.READY
    )
