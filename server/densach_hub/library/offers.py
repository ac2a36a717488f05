"""What teachers bring: read at once, seen by readers when a librarian has said yes."""

from sqlite3 import Connection

from densach_core.clock import Clock
from densach_core.database import Database
from densach_core.errors import Conflict, NotFound
from densach_core.text import t
from densach_hub.library import store
from densach_hub.library.cataloguing import Cataloguer
from densach_hub.library.model import Item, State

MOST_NOTE = 300


class Offers:
    def __init__(self, school: Database, cataloguer: Cataloguer, clock: Clock) -> None:
        self._school = school
        self._cataloguer = cataloguer
        self._clock = clock

    async def waiting(self, limit: int = 100) -> list[Item]:
        """What waits for a librarian, oldest first."""
        return await self._school.read(lambda c: store.offered(c, "i.state = 'review' ORDER BY i.added_at, i.id", (), limit))

    async def of(self, account_id: str, limit: int = 50) -> list[Item]:
        """What somebody brought, newest first, whatever became of it."""
        return await self._school.read(
            lambda c: store.offered(c, "i.offered_by = ? ORDER BY i.added_at DESC, i.id", (account_id,), limit)
        )

    async def review(self, item_id: str, *, approved: bool, by: str, note: str = "") -> Item:
        """A librarian's word. Refused: withdrawn with the note, which the teacher sees. Raises NotFound, Conflict."""
        at = self._clock.now_ms()

        def decide(c: Connection) -> Item:
            there = store.item(c, item_id)
            if there is None:
                raise NotFound("library.no-item", t("The library does not have this (any more)."), t("Search for it."))
            if there.state is not State.REVIEW:
                raise Conflict("library.not-in-review", t("This item does not wait for approval."), t("Look at the list again."))
            store.review(c, item_id, approved=approved, at=at, by=by, note=note.strip()[:MOST_NOTE])
            return store.item(c, item_id) or there

        decided = await self._school.write(decide)
        await self._cataloguer.indexed(decided)
        if approved:
            await self._cataloguer.read_text(decided)
            await self._cataloguer.pair(decided)
        return decided
