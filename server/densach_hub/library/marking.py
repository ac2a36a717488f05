"""Readers' own marks on disk: what devices tell is merged, never taken back by accident. Only their owner ever gets them."""

from collections.abc import Sequence
from sqlite3 import Connection

import msgspec

from densach_core.clock import Clock
from densach_core.database import Database
from densach_core.errors import BadInput, Conflict, NotFound, Problem
from densach_core.text import t
from densach_hub.library import marks_store
from densach_hub.library.marks import (
    MOST_AT_ONCE,
    MOST_MARKS,
    MOST_OF_READER,
    Mark,
    MarkNote,
    check,
    merged,
    told,
)
from densach_hub.library.model import Item


class Refused(msgspec.Struct, frozen=True):
    """A mark that was not taken, and why; the others of the same request were."""

    id: str
    problem: Problem


class Taken(msgspec.Struct, frozen=True):
    """All marks that are there after merging, and what was refused."""

    marks: list[Mark]
    refused: list[Refused]


class Marking:
    """Marks are on disk when `take` returns."""

    def __init__(self, school: Database, clock: Clock) -> None:
        self._school = school
        self._clock = clock

    async def of(self, account_id: str, item_id: str) -> list[Mark]:
        return await self._school.read(lambda c: marks_store.marks(c, account_id, item_id))

    async def items(self, account_id: str, limit: int = 500) -> list[tuple[str, int]]:
        """(item, how many marks), the one marked last first."""
        return await self._school.read(lambda c: marks_store.marked_items(c, account_id, limit))

    async def take(self, account_id: str, item: Item, notes: Sequence[MarkNote], *, device: str, device_now: int) -> Taken:
        """Merges what a device tells. One mark that cannot be taken holds up no other.

        `device` tells one browser from another; `device_now` is its clock, right or wrong. Raises BadInput when there are
        more than 100.
        """
        if len(notes) > MOST_AT_ONCE:
            raise BadInput("library.marks-at-once", t("Send up to {n} marks at once.", n=MOST_AT_ONCE), field="marks")
        now = self._clock.now_ms()

        def keep(c: Connection) -> Taken:
            refused: list[Refused] = []
            for note in notes:
                try:
                    check(note, item.kind)
                    _keep(c, account_id, told(note, item.id, device=device, device_now=device_now, now=now), note.base, now)
                except Problem as problem:
                    refused.append(Refused(note.id[:40], problem))
            return Taken(marks_store.marks(c, account_id, item.id), refused)

        return await self._school.write_grouped(keep)

    async def remove(self, account_id: str, item_id: str, mark_id: str) -> None:
        """Removes a mark now. Raises NotFound when the reader has none of that id there."""
        now = self._clock.now_ms()

        def remove(c: Connection) -> None:
            here = marks_store.mark(c, account_id, item_id, mark_id)
            if here is None or here.deleted:
                raise NotFound("library.no-mark", t("You have no such mark here (any more)."))
            gone = msgspec.structs.replace(
                here, deleted=True, label="", quote="", note="", changed_at=max(now, here.changed_at), version=here.version + 1
            )
            marks_store.put(c, account_id, gone, received_at=now)
            marks_store.forget_old_removals(c, account_id, item_id)

        await self._school.write(remove)


def _keep(c: Connection, account_id: str, new: Mark, base: int, now: int) -> None:
    here = marks_store.mark(c, account_id, new.item, new.id)
    if here is None and new.deleted and base == 0:
        return  # made and removed on the same device before the hub heard of it
    result = merged(here, new, base)
    for one in (result.mark, result.copy):
        if one is None or one == here:
            continue
        if one is result.copy and marks_store.mark(c, account_id, one.item, one.id) is not None:
            continue
        adds = not one.deleted and (one is result.copy or here is None or here.deleted)
        if adds and one is result.mark:
            _check_room(c, account_id, one.item)
        marks_store.put(c, account_id, one, received_at=now)
    if result.mark.deleted:
        marks_store.forget_old_removals(c, account_id, new.item)


def _check_room(c: Connection, account_id: str, item_id: str) -> None:
    if marks_store.count(c, account_id, item_id) >= MOST_MARKS:
        raise Conflict(
            "library.marks-full",
            t("You have {n} marks in this book already.", n=MOST_MARKS),
            t("Remove some you no longer need."),
        )
    if marks_store.count_of_reader(c, account_id) >= MOST_OF_READER:
        raise Conflict(
            "library.marks-full-all",
            t("You have {n} marks in all books already.", n=MOST_OF_READER),
            t("Remove some you no longer need."),
        )
