"""From a file to an item that can be found: reads what waits, fills in what the file says, keeps the index in step."""

import asyncio
import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from sqlite3 import Connection
from sqlite3 import Error as SqliteError

import msgspec
import structlog

from densach_core.clock import Clock
from densach_core.database import Database
from densach_core.errors import Problem, Unavailable, disk_full
from densach_core.live import Bus
from densach_core.text import t
from densach_hub.library import index, pairing, sides, store
from densach_hub.library.extraction import WALL_SECONDS, Extractor, Reading
from densach_hub.library.finding import Finder
from densach_hub.library.model import Form, Item, Kind, State
from densach_hub.library.rules import filled
from densach_hub.library.sides import Tables
from densach_hub.library.tracks import Tracks
from densach_hub.library.vault import FULL, Vault

log = structlog.get_logger("library")
MOST_ATTEMPTS = 3
POLL_SECONDS = 5.0
SLICE = 200
TEXTS = 5
"""So many kept texts go into one transaction, each with its first 200 passages."""


class Cataloguer:
    """The one who reads. Only one process does at a time (a lock file); others leave items waiting."""

    def __init__(
        self,
        *,
        school: Database,
        search: Database,
        vault: Vault,
        tracks: Tracks,
        data: Path,
        finder: Finder,
        clock: Clock,
        bus: Bus,
        wall_seconds: float = WALL_SECONDS,
    ) -> None:
        self._school = school
        self._search = search
        self._vault = vault
        self._tracks = tracks
        self._lock = data / "library.lock"
        self._finder = finder
        self._clock = clock
        self._bus = bus
        self._wake = asyncio.Event()
        self.trouble: Problem | None = None
        self.extractor = Extractor(data / "uploads", wall_seconds=wall_seconds)

    def wake(self) -> None:
        """Something waits to be read."""
        self._wake.set()

    async def run(self) -> None:
        """Reads what waits until cancelled; looks by itself every few seconds for what a command added.

        Raises what stopped it (a full disk); until it runs again `trouble` says so at the librarian's desk.
        """
        try:
            async with self.extractor:
                await self.catch_up()
                self.trouble = None
                while True:
                    self._wake.clear()
                    if await self._finder.notice():
                        await self._look()
                    try:
                        async with asyncio.timeout(POLL_SECONDS):
                            await self._wake.wait()
                    except TimeoutError:
                        await self.extractor.rest()
        except (Problem, OSError, SqliteError) as problem:
            self.trouble = _told(problem)
            self._bus.say("library")
            raise

    async def _look(self) -> None:
        with self.alone() as alone:
            if alone:
                await self.read_waiting()

    async def read_waiting(self) -> int:
        """Reads every waiting file; returns how many."""
        done = 0
        while items := await self._school.read(lambda c: store.waiting(c, 20)):
            for it in items:
                await self._read(it)
                done += 1
        return done

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """True while no other process reads (it holds the lock file)."""
        with self._lock.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True

    async def _read(self, it: Item) -> None:
        attempts = await self._school.write(lambda c: store.count_attempt(c, it.id))
        if it.file is None or attempts > MOST_ATTEMPTS:
            await self._broken(it, "library.reader-crashed" if it.file else "library.file-missing", "")
            return
        try:
            await self._read_file(it, it.file)
        except (Problem, OSError, SqliteError):  # not the file's fault: it is tried again as if it had not been
            with suppress(Problem, SqliteError):
                await self._school.write(lambda c: store.reset_attempts(c, it.id))
            raise

    async def _read_file(self, it: Item, file: str) -> None:
        beside = await self._tracks.added(it.id)
        async with self.extractor.read(self._vault.path(file), it.file_name or it.title, beside=beside) as reading:
            result = reading.result
            if result.found is None:
                await self._broken(it, result.problem or "library.reader-failed", result.detail, result.media_type)
                return
            await self._keep_tracks(it, reading)
            picture = await asyncio.to_thread(reading.cover)
            cover = await asyncio.to_thread(self._vault.keep, picture) if picture else it.cover
            at = self._clock.now_ms()
            found = result.found

            def finish(c: Connection) -> Item | None:
                now = store.item(c, it.id)
                if now is None or now.state is not State.WAITING:
                    return None
                seen = now.offered_by is None or now.reviewed_at is not None
                ready = msgspec.structs.replace(
                    filled(now, found, store.said(c, it.id)),
                    state=State.READY if seen else State.REVIEW,
                    cover=cover,
                    problem=None,
                    ready_at=at if seen else None,
                    changed_at=at,
                )
                store.put(c, ready)
                store.reset_attempts(c, it.id)
                return ready

            ready = await self._school.write(finish)
            if ready is not None and ready.state is State.READY:
                await self._search.write(lambda c: index.put(c, ready))
                if ready.kind is not Kind.ZIM:
                    await self._put_text(ready, reading)
                await self._catch_step(ready)
        self.changed()
        if ready is not None:
            await self.pair(ready)

    async def pair(self, it: Item) -> None:
        """Subtitles and the film they came beside."""
        for film, alone in await self._school.read(lambda c: pairing.belonging(c, it)):
            brought = next((track for track in await self._tracks.of(alone.id) if not track.added), None)
            if brought is None:
                continue
            await self._tracks.add(film.id, brought.file, brought.language, brought.label)
            await self.read_text(film)  # before the last step: killed anywhere, the words are found at one of the two
            at = self._clock.now_ms()
            await self._school.write(lambda c, film=film, alone=alone, at=at: pairing.lead(c, film, alone, at=at))  # type: ignore[misc]
            await self.indexed_some([alone.id])
            log.info("library.subtitles-paired", film=film.id, subtitles=alone.id)

    async def _broken(self, it: Item, code: str, detail: str, media_type: str | None = None) -> None:
        """`detail` is for the log: it may name paths and speaks the language of a program."""
        at = self._clock.now_ms()
        log.info("library.broken", item=it.id, code=code, detail=detail)

        def put(c: Connection) -> None:
            store.set_state(c, it.id, State.BROKEN, at=at, problem=code, detail=detail, media_type=media_type)

        await self._school.write(put)
        self.changed()

    async def _keep_tracks(self, it: Item, reading: Reading) -> None:
        """The subtitles its file brought."""
        brought = await asyncio.to_thread(reading.tracks)
        kept = [(await asyncio.to_thread(self._vault.keep, body), track.language, track.label) for track, body in brought]
        await self._tracks.found(it.id, kept)

    async def _put_text(self, it: Item, reading: Reading) -> None:
        """Replaces an item's text in the index, slice by slice."""
        file = it.file or ""
        await self._search.write(lambda c: index.remove_text(c, it.id))
        slices = reading.slices()
        while (part := await asyncio.to_thread(next, slices, None)) is not None:
            await self._search.write_grouped(lambda c, p=part: index.add_text(c, it.id, file, p))  # type: ignore[misc]
        await self._search.write(lambda c: index.text_done(c, it.id, file))

    async def indexed(self, it: Item) -> None:
        """Brings one item's entry in step with what was just written (or takes it out)."""
        await self._index(it)
        await self._catch_step(it)
        self.changed()

    async def _index(self, it: Item) -> None:
        if it.state is State.READY:
            await self._search.write(lambda c: index.put(c, it))
        else:
            await self._search.write(lambda c: index.remove(c, it.id))

    async def _catch_step(self, it: Item) -> None:
        """Whatever changed while `it` was written into the index (withdrawn, corrected) has the last word."""
        item_id = it.id
        while (now := await self._school.read(lambda c: store.item(c, item_id))) is not None:
            if (now.changed_at, now.state) == (it.changed_at, it.state):
                return
            it = now
            await self._index(it)

    async def indexed_some(self, item_ids: list[str]) -> None:
        """The same for a slice of items at once; those that are gone are taken out."""
        there = await self._school.read(lambda c: [store.item(c, item_id) for item_id in item_ids])
        shown = [it for it in there if it is not None and it.state is State.READY]
        hidden = set(item_ids) - {it.id for it in shown}

        def put(c: Connection) -> None:
            index.put_all(c, shown)
            for item_id in hidden:
                index.remove(c, item_id)

        await self._search.write(put)
        self.changed()

    def changed(self) -> None:
        self._finder.changed()
        self._bus.say("library")

    async def rebuild(self) -> int:
        """Makes the index anew from the catalogue and the texts read before. The old one answers until the new one is whole;
        interrupted, it goes on where it was. Returns how many items it went through."""
        side = await self._search.write(sides.begin)
        built = await self._fill(side)
        await self._search.write(lambda c: sides.whole(c, side))
        self.changed()
        return built

    async def catch_up(self) -> int:
        """Brings the index in step with the catalogue: after a crash, a restore, a new version. Returns how many it touched."""
        version = await self._search.read(sides.version)
        if version > 0 and (version != sides.VERSION or await self._search.read(sides.building) is not None):
            return await self.rebuild()
        side = await self._search.write(lambda c: sides.all_sides(c)[0])
        touched = await self._fill(side)
        if version != sides.VERSION:
            await self._search.write(lambda c: sides.whole(c, side))
        return touched

    async def _fill(self, side: Tables) -> int:
        """Puts into a side what it lacks or has otherwise, and takes out what the catalogue no longer has."""
        touched = 0
        last = ""
        while True:
            items = await self._school.read(lambda c, after=last: store.ready_after(c, after, SLICE))  # type: ignore[misc]
            ids = [it.id for it in items]
            upto = ids[-1] if ids else None
            touched += await self._search.write(
                lambda c, ids=ids, after=last, upto=upto: index.leave_only(c, side, ids, after=after, upto=upto)  # type: ignore[misc]
            )
            if not items:
                break
            last = ids[-1]
            known = await self._search.read(lambda c, ids=ids: index.known(c, ids, side))  # type: ignore[misc]
            stale = [i for i in items if known.get(i.id, (None, None))[0] != i.changed_at]
            if stale:
                await self._search.write(lambda c, some=stale: index.put_all(c, some, only=side))  # type: ignore[misc]
                touched += len(stale)
        if touched:
            self.changed()
        return touched + await self._fill_texts(side)

    async def _fill_texts(self, side: Tables) -> int:
        """The texts a side lacks, in the order of the items' ids; a few short ones in one transaction. Returns how many."""
        touched = 0
        last = ""
        while items := await self._school.read(lambda c, after=last: store.ready_after(c, after, SLICE)):  # type: ignore[misc]
            last = items[-1].id
            known = await self._search.read(lambda c, ids=[it.id for it in items]: index.known(c, ids, side))  # type: ignore[misc]
            textless = [it for it in items if it.form is Form.FILE and known.get(it.id, (None, None))[1] != it.file]
            touched += len(textless)
            for at in range(0, len(textless), TEXTS):
                some = textless[at : at + TEXTS]
                done = await self._search.write(
                    lambda c, some=some: [index.add_kept(c, side, it.id, it.file or "") for it in some]  # type: ignore[misc]
                )
                for it, more in zip(some, done, strict=True):
                    if more is not False:
                        await self._fill_text(side, it)
        return touched

    async def _fill_text(self, side: Tables, it: Item) -> None:
        """An item's text into a side: from what is kept, else by reading its file once more."""
        file = it.file or ""
        while (more := await self._search.write(lambda c: index.add_kept(c, side, it.id, file))) is not None:
            if not more:
                return
        await self.read_text(it)

    async def read_text(self, it: Item) -> None:
        """Reads an item's file once more for its text only (the index lost it, or it was withdrawn meanwhile).

        A ZIM file's articles come by themselves (encyclopedias.py): they are too many for one reading."""
        if it.file is None or it.kind is Kind.ZIM:
            return
        file = it.file
        beside = await self._tracks.added(it.id)
        async with self.extractor.read(self._vault.path(file), it.file_name or it.title, beside=beside) as reading:
            if reading.result.found is not None:
                await self._put_text(it, reading)
            else:
                await self._search.write(lambda c: index.text_done(c, it.id, file))


def _told(problem: Exception) -> Problem:
    """What stopped the reading, in words for the desk."""
    if isinstance(problem, Problem):
        return problem
    if isinstance(problem, OSError) and problem.errno in FULL:
        return disk_full()
    return Unavailable(
        "library.index-stopped", t("New items cannot be put into the search at the moment."), t("It is tried again every minute.")
    )
