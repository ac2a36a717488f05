"""What belongs to readers: the place in a book, the own shelf. And how often items are opened, without names."""

import asyncio
from sqlite3 import Connection

import structlog

from densach_core.clock import Clock, day_of
from densach_core.database import Database
from densach_core.errors import BadInput, Unavailable
from densach_core.text import t
from densach_hub.library import places
from densach_hub.library.model import Place, Reads
from densach_hub.library.rules import later_place, placed_at

log = structlog.get_logger("library")

MOST_WHERE = 1_000
FLUSH_SECONDS = 5.0


class Readers:
    """Places are on disk when `save` returns; reads are gathered and written every few seconds."""

    def __init__(self, school: Database, clock: Clock) -> None:
        self._school = school
        self._clock = clock
        self._opened: set[tuple[str, str, str]] = set()

    async def place(self, account_id: str, item_id: str) -> Place | None:
        return await self._school.read(lambda c: places.place(c, account_id, item_id))

    async def save(
        self, account_id: str, item_id: str, *, where: str, fraction: float, device_at: int, device_now: int, device: str
    ) -> Place:
        """Takes a device's record and returns the place that holds: an older record never overwrites a newer one.

        `device_at` and `device_now` are of the same clock, right or wrong. Raises BadInput for what cannot be a place.
        """
        if len(where) > MOST_WHERE or not 0 <= fraction <= 1:
            raise BadInput("library.bad-place", t("This is no place in a book."))
        now = self._clock.now_ms()
        told = Place(item=item_id, where=where, fraction=fraction, at=placed_at(device_at, device_now, now), device=device[:60])

        def keep(c: Connection) -> Place:
            here = places.place(c, account_id, item_id)
            holds = later_place(here, told)
            if holds is None or holds == here:
                return here or told
            places.put(c, account_id, holds, received_at=now)
            return holds

        return await self._school.write_grouped(keep)

    async def latest(self, account_id: str, limit: int = 12) -> list[Place]:
        """Where the reader is in what they opened last."""
        return await self._school.read(lambda c: places.latest(c, account_id, limit))

    async def forget(self, account_id: str, item_id: str) -> None:
        await self._school.write(lambda c: places.forget(c, account_id, item_id))

    async def own_shelf(self, account_id: str) -> list[str]:
        return await self._school.read(lambda c: places.own_shelf(c, account_id))

    async def on_shelf(self, account_id: str, item_id: str) -> bool:
        return await self._school.read(lambda c: places.on_shelf(c, account_id, item_id))

    async def put_on_shelf(self, account_id: str, item_id: str) -> None:
        at = self._clock.now_ms()
        await self._school.write(lambda c: places.put_on_shelf(c, account_id, item_id, at=at))

    async def take_off_shelf(self, account_id: str, item_id: str) -> None:
        await self._school.write(lambda c: places.take_off_shelf(c, account_id, item_id))

    def opened(self, item_id: str, reader: str) -> None:
        """An item was opened. `reader` tells one from another on the same day and is never stored as it is."""
        self._opened.add((day_of(self._clock.now_ms()).isoformat(), item_id, reader))

    async def flush(self) -> None:
        """Writes the gathered reads."""
        opened, self._opened = self._opened, set()
        by_day: dict[str, list[tuple[str, str]]] = {}
        for day, item, reader in sorted(opened):
            by_day.setdefault(day, []).append((item, reader))
        for day, pairs in by_day.items():
            try:
                await self._school.write_grouped(lambda c, d=day, p=pairs: places.count_reads(c, d, p))  # type: ignore[misc]
            except BaseException:
                self._opened |= {(day, item, reader) for item, reader in pairs}
                raise

    async def reads(self, first: str, last: str, *, limit: int = 200) -> Reads:
        """Reads from day to day (ISO dates, both inside) with the days and items behind them."""
        await self._flush_if_there_is_room()
        days = await self._school.read(lambda c: places.reads_by_day(c, first, last))
        items = await self._school.read(lambda c: places.reads_by_item(c, first, last, limit))
        return Reads(total=sum(day.reads for day in days), days=tuple(days), items=tuple(items))

    async def run(self) -> None:
        """Writes gathered reads every few seconds, and once more at the end."""
        try:
            while True:
                await asyncio.sleep(FLUSH_SECONDS)
                await self._flush_if_there_is_room()
        finally:
            await asyncio.shield(self._flush_if_there_is_room())

    async def _flush_if_there_is_room(self) -> None:
        """On a full disk reading goes on; what was read is written when there is room."""
        try:
            await self.flush()
        except Unavailable as problem:
            log.warning("library.reads-not-written", code=problem.code)
