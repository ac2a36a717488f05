"""The library: what can be done with it, named by intent."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from sqlite3 import Connection
from sqlite3 import Error as SqliteError

import msgspec
import structlog
from aiohttp import web

from densach_core.clock import Clock
from densach_core.database import Database
from densach_core.errors import BadInput, Conflict, NotFound, Problem
from densach_core.live import Bus
from densach_core.text import t
from densach_hub.library import store, versions
from densach_hub.library.cataloguing import Cataloguer
from densach_hub.library.encyclopedias import Encyclopedias
from densach_hub.library.exchange.tables import Say
from densach_hub.library.exporting import Wanted, export
from densach_hub.library.extraction import WALL_SECONDS
from densach_hub.library.finding import Finder
from densach_hub.library.imports import Imports
from densach_hub.library.kept import Kept
from densach_hub.library.lessons import Lessons
from densach_hub.library.marking import Marking
from densach_hub.library.model import Added, Current, Form, HeldTitle, Holdings, Home, Item, Kind, Reads, Record, State
from densach_hub.library.names import Names
from densach_hub.library.offers import Offers
from densach_hub.library.pdf_views import PdfViews
from densach_hub.library.readers import Readers
from densach_hub.library.reading_lists import ReadingLists
from densach_hub.library.rules import grade_from_name, grades, title_from
from densach_hub.library.tracks import Tracks
from densach_hub.library.twins import Twins
from densach_hub.library.uploads import Upload, Uploads
from densach_hub.library.vault import Vault, digest_of
from densach_hub.library.versions import Version

log = structlog.get_logger("library")
MOST_TITLE = 500
MOST_WORDS = 4_000
SWEEP_SECONDS = 3600.0
LATER_SECONDS = 60.0
RESULTS_BYTES = 2 * 1024**2
PARTS_BYTES = 2 * 1024**2
LIMITS_BYTES = 256 * 1024
PICTURE_BYTES = 20 * 1024 * 1024


class Served(msgspec.Struct, frozen=True):
    """What is kept of an item whose file is being fetched in ranges; stale when the finder's generation moved on."""

    generation: int
    path: Path
    headers: dict[str, str]
    name: str


class Library:
    """One school's library. `data` is the hub's data folder (`files/`, `uploads/` below it).

    Start `run()` as a task: it reads what waits and keeps the index. Without it everything else works, but what is added
    stays waiting.
    """

    def __init__(
        self,
        *,
        school: Database,
        search: Database,
        data: Path,
        clock: Clock,
        bus: Bus,
        wall_seconds: float = WALL_SECONDS,
    ) -> None:
        self._school = school
        self._clock = clock
        self._bus = bus
        self.vault = Vault(data / "files")
        self.uploads = Uploads(data / "uploads", self.vault, clock)
        self.finder = Finder(school, search)
        self.readers = Readers(school, clock)
        self.tracks = Tracks(school, self.vault)
        self.lessons = Lessons(school, clock)
        self.marking = Marking(school, clock)
        self.served: dict[str, Served] = {}
        self.shelves: dict[str, tuple[Home, str]] = {}
        self.results = Kept(RESULTS_BYTES)
        self.parts = Kept(PARTS_BYTES)
        self.limits = Kept(LIMITS_BYTES)
        self.cataloguer = Cataloguer(
            school=school,
            search=search,
            vault=self.vault,
            tracks=self.tracks,
            data=data,
            finder=self.finder,
            clock=clock,
            bus=bus,
            wall_seconds=wall_seconds,
        )
        self.encyclopedias = Encyclopedias(school, search, self.file_of, self.cataloguer.changed)
        self.views = PdfViews(school, self.vault, data, self.cataloguer.changed)
        self.offers = Offers(school, self.cataloguer, clock)
        self.lists = ReadingLists(school, clock)
        self.names = Names(school, self.cataloguer)
        self.twins = Twins(school, self.cataloguer, clock)
        self.imports = Imports(
            school=school, vault=self.vault, cataloguer=self.cataloguer, data=data, clock=clock, bus=bus, new_item=self._new
        )

    async def run(self) -> None:
        """Until cancelled: finish interrupted uploads, read files, write reads, throw expired uploads away."""
        async with asyncio.TaskGroup() as group:
            group.create_task(_again_and_again(self._recover_and_read, "reading"), name="library reading")
            group.create_task(_again_and_again(self.readers.run, "reads"), name="library reads")
            group.create_task(_again_and_again(self._sweep, "uploads"), name="library uploads")
            group.create_task(_again_and_again(self.imports.run, "imports"), name="library imports")
            group.create_task(_again_and_again(self.views.run, "views"), name="library views")
            group.create_task(_again_and_again(self.encyclopedias.run, "articles"), name="library articles")

    async def _recover_and_read(self) -> None:
        await self.recover()
        await self.cataloguer.run()

    async def recover(self) -> None:
        """After a kill: what was wholly here becomes items, what was half-written goes."""
        await asyncio.to_thread(self.vault.sweep)
        await self.uploads.sweep()
        for upload in await self.uploads.unfinished():
            try:
                await self.finish_upload(upload)
            except BadInput as problem:
                log.warning("library.upload-refused", upload=upload.id, code=problem.code)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            await self.uploads.sweep()

    # ---- bringing things in

    async def add_file(
        self,
        path: Path,
        *,
        by: str,
        name: str | None = None,
        folder: str = "",
        known: Record | None = None,
        move: bool = False,
        offered_by: str | None = None,
    ) -> Added:
        """Copies a file into the library; it becomes readable once it was read. A file already here is not added again.

        `move`: it is on the library's own disk, complete and fsynced, and may be taken instead of copied.
        `known`: what is known of it better than the file may say. `offered_by`: the account of a teacher; readers then see it
        when a librarian has approved it. Raises NotFound, BadInput (empty), Unavailable (disk full).
        """
        size = await asyncio.to_thread(_size_of, path)
        digest = await asyncio.to_thread(digest_of if move else self.vault.copy, path)
        if move:
            await asyncio.to_thread(self.vault.adopt, path, digest)
        return await self._file(digest, size, name or path.name, by=by, folder=folder, known=known, offered_by=offered_by)

    async def finish_upload(self, upload: Upload) -> Upload:
        """All bytes of an upload are here: check, keep, make it an item."""
        whole = await self.uploads.complete(upload)
        if whole.item is not None or whole.sha256 is None:
            return whole
        added = await self._file(whole.sha256, whole.size, whole.name, by=whole.by, folder=whole.folder)
        return await self.uploads.became(whole, added.item, known=added.already)

    async def add_record(self, record: Record, *, by: str) -> Added:
        """Adds a line of a catalogue without a file. The same `key` again adds nothing."""
        new = self._new(record, by=by, form=Form.LISTED, state=State.READY)

        def add(c: Connection) -> Added:
            if record.key is not None and (there := store.by_key(c, record.key)) is not None:
                return Added(there, already=True)
            store.add(c, new, key=record.key, said=_given(record))
            return Added(new.id, already=False)

        added = await self._school.write(add)
        if not added.already:
            await self.cataloguer.indexed(new)
        return added

    async def _file(
        self,
        digest: str,
        size: int,
        name: str,
        *,
        by: str,
        folder: str = "",
        known: Record | None = None,
        offered_by: str | None = None,
    ) -> Added:
        record = known or Record(title=title_from(name))
        if record.grade_from is None and (grade := grade_from_name(f"{folder}/{name}")) is not None:
            record = msgspec.structs.replace(record, grade_from=grade, grade_to=grade)
        new = self._new(record, by=by, form=Form.FILE, state=State.WAITING)
        new = msgspec.structs.replace(new, file=digest, file_name=name, size=size, offered_by=offered_by)
        said = _given(record) if known is not None else frozenset[str]()

        def add(c: Connection) -> Added:
            there = store.by_file(c, digest)
            if there is None:
                store.add(c, new, key=record.key, said=said)
                return Added(new.id, already=False)
            return Added(there.id, already=True)

        added = await self._school.write(add)
        self.finder.changed()
        self._bus.say("library")
        self.cataloguer.wake()
        return added

    def _new(self, record: Record, *, by: str, form: Form, state: State) -> Item:
        now = self._clock.now_ms()
        fields = {name: getattr(record, name) for name in Record.__struct_fields__ if name != "key"}
        return _checked(
            Item(
                id=_new_id(),
                work_id=_new_id(),
                edition_id=_new_id(),
                form=form,
                state=state,
                added_at=now,
                added_by=by,
                changed_at=now,
                ready_at=now if state is State.READY else None,
                **fields,
            )
        )

    # ---- one item

    async def item(self, item_id: str, *, hidden: bool = False) -> Item:
        """An item; those not ready only with `hidden` (for the librarian). Raises NotFound.

        The address of one that was merged leads readers to the item that stands for it.
        """
        found = await self._school.read(lambda c: store.item(c, item_id))
        merged: set[str] = set()
        while found is not None and found.merged_into and found.merged_into not in merged and not hidden:
            item_id = found.merged_into  # which may have been merged since, too
            merged.add(item_id)
            found = await self._school.read(lambda c, one=item_id: store.item(c, one))  # type: ignore[misc]
        if found is None or (found.state is not State.READY and not hidden):
            raise NotFound("library.no-item", t("The library does not have this (any more)."), t("Search for it."))
        return found

    def file_of(self, it: Item) -> Path:
        """Where an item's file is. Raises NotFound when it has none."""
        if it.file is None or not self.vault.has(it.file):
            raise NotFound("library.file-missing", t("The file is no longer on the hub's disk."), t("Tell the librarian."))
        return self.vault.path(it.file)

    async def edit(
        self, item_id: str, record: Record, *, before: Record | None = None, by: str = "", why: str = "edited"
    ) -> Item:
        """What a person says about an item; it holds against what the file says, now and when it is read again.

        `before` is what the person saw: raises Conflict when something else is said by now. Raises BadInput, NotFound.
        What was said before is kept as a version (`by` whom, `why`: edited, many, restored).
        """

        def change(c: Connection) -> Item:
            old = _there(c, item_id)
            if before is not None and store.record_of(old) != before:
                raise Conflict(
                    "library.changed-meanwhile", t("Somebody else changed this meanwhile."), t("Look, then save again.")
                )
            fields = {name: getattr(record, name) for name in Record.__struct_fields__ if name != "key"}
            new = _checked(msgspec.structs.replace(old, **fields, changed_at=self._clock.now_ms()))
            store.put(c, new, said_too=[name for name in fields if getattr(new, name) != getattr(old, name)])
            versions.keep(c, old, new, at=new.changed_at, by=by, why=why)
            return new

        new = await self._school.write(change)
        await self.cataloguer.indexed(new)
        if beside := await self._school.read(lambda c: store.of_work(c, new.work_id, without=new.id)):
            await self.cataloguer.indexed_some(beside)
        return new

    async def edit_many(self, item_ids: list[str], field: str, value: object, *, add: bool, by: str) -> int:
        """Says the same of many items; returns how many it changed. `add`: to the list that is there. All of them or none."""

        def change(c: Connection) -> list[str]:
            changed = []
            for item_id in dict.fromkeys(item_ids):
                old = _there(c, item_id)
                said = tuple(dict.fromkeys((*getattr(old, field), *value))) if add and isinstance(value, tuple) else value
                at = max(self._clock.now_ms(), old.changed_at + 1)
                new = _checked(msgspec.structs.replace(old, **{field: said}, changed_at=at))
                if store.record_of(new) != store.record_of(old):
                    store.put(c, new, said_too=[field])
                    versions.keep(c, old, new, at=at, by=by, why="many")
                    changed.append(item_id)
            return changed

        changed = await self._school.write(change)
        await self.cataloguer.indexed_some(changed)
        return len(changed)

    async def set_cover(self, item_id: str, picture: Path | None) -> Item:
        """A picture as cover (read in the reading process), or None for the drawn one. Raises BadInput."""
        cover = None
        if picture is not None:
            async with self.cataloguer.extractor.read(picture, picture.name) as reading:
                body = await asyncio.to_thread(reading.cover)
                if reading.result.found is None or reading.result.found.kind is not Kind.IMAGE or body is None:
                    raise BadInput("library.no-picture", t("This is not a picture."), t("Choose a JPEG or PNG file."))
            cover = await asyncio.to_thread(self.vault.keep, body)
        return await self._changed(item_id, lambda c, at: store.set_cover(c, item_id, cover, at=at))

    async def attach(self, item_id: str, path: Path, name: str) -> Item:
        """Gives a catalogue line its file (complete and fsynced on the library's own disk; it is taken, not copied).

        What was said of the line holds. Raises Conflict when it has a file, or the file is another item's; BadInput (empty).
        """
        size = await asyncio.to_thread(_size_of, path)
        digest = await asyncio.to_thread(digest_of, path)

        def check(c: Connection) -> None:
            if _there(c, item_id).form is not Form.LISTED:
                raise Conflict("library.has-file", t("This item has its file already."))
            if (other := store.by_file(c, digest)) is not None:
                what = t("This file is already in the library: {title}", title=other.title)
                raise Conflict("library.known-file", what, t("Withdraw one of the two."))

        await self._school.read(check)
        await asyncio.to_thread(self.vault.adopt, path, digest)

        def put(c: Connection, at: int) -> None:
            check(c)
            store.attach(c, item_id, file=digest, file_name=name, size=size, at=at)

        changed = await self._changed(item_id, put)
        self.cataloguer.wake()
        return changed

    async def retry(self, item_id: str) -> Item:
        """Reads a broken file once more. Raises Conflict when it is not broken."""

        def again(c: Connection, at: int) -> None:
            if _there(c, item_id).state is not State.BROKEN:
                raise Conflict("library.not-broken", t("This item is not broken."))
            store.reset_attempts(c, item_id)
            store.set_state(c, item_id, State.WAITING, at=at)

        changed = await self._changed(item_id, again)
        self.cataloguer.wake()
        return changed

    async def withdraw(self, item_id: str, *, by: str, why: str) -> Item:
        """Takes an item from the readers' sight. Nothing is deleted; it can come back."""
        return await self._changed(item_id, lambda c, at: store.withdraw(c, item_id, at=at, by=by, why=why[:300]))

    async def take_back(self, item_id: str) -> Item:
        """A withdrawn item is shown again."""
        changed = await self._changed(item_id, lambda c, at: store.take_back(c, item_id, at=at))
        if changed.state is State.READY:
            await self.cataloguer.read_text(changed)
        else:
            self.cataloguer.wake()
        return changed

    async def _changed(self, item_id: str, work: Callable[[Connection, int], None]) -> Item:
        at = self._clock.now_ms()

        def change(c: Connection) -> Item:
            _there(c, item_id)
            work(c, at)
            return _there(c, item_id)

        changed = await self._school.write(change)
        await self.cataloguer.indexed(changed)
        return changed

    async def versions(self, item_id: str) -> list[Version]:
        """What was said of an item before, newest first."""
        return await self._school.read(lambda c: versions.of(c, item_id))

    async def restore(self, item_id: str, seq: int, *, by: str) -> Item:
        """Says again what an earlier version said (which becomes a version of its own). Raises NotFound."""
        found = await self._school.read(lambda c: versions.one(c, item_id, seq))
        if found is None:
            raise NotFound("library.no-version", t("This version is not known."), t("Look at the list of versions."))
        return await self.edit(item_id, found.record, by=by, why="restored")

    async def export(self, format_name: str, wanted: Wanted, say: Say) -> Path:
        """The catalogue as a file that the caller deletes."""
        return await export(self._school, self.uploads.folder, format_name, wanted, say, self.vault)

    # ---- lists

    async def desk(self, states: list[State], *, words: str = "", limit: int = 50, offset: int = 0) -> list[Item]:
        """The librarian's list: items in the given states, newest first."""
        return await self._school.read(lambda c: store.items(c, states, words=words, limit=limit, offset=offset))

    async def counts(self) -> dict[str, int]:
        """How many items in which state."""
        return await self._school.read(store.counts_by_state)

    async def standing(self, item_ids: list[str]) -> list[Item]:
        """Those items that are there, whatever their state."""
        found = await self._school.read(lambda c: [store.item(c, item_id) for item_id in item_ids])
        return [one for one in found if one is not None]

    async def languages(self) -> list[tuple[str, int]]:
        return await self._school.read(store.languages)

    async def current(self, account_id: str, limit: int = 12) -> list[Current]:
        """What somebody is in the middle of: begun, and not at its end."""
        places = [p for p in await self.readers.latest(account_id, limit * 2) if p.fraction < 0.995][:limit]
        cards = {card.id: card for card in await self.finder.cards([p.item for p in places])}
        return [Current(cards[p.item], p) for p in places if p.item in cards]

    # ---- for the measures

    async def holdings(self) -> Holdings:
        """What is held now."""
        return Holdings(**await self._school.read(store.holdings))

    async def held_titles(self, *, limit: int = 1_000, offset: int = 0) -> list[HeldTitle]:
        """The items behind the figure, oldest first."""
        return await self._school.read(lambda c: store.held_titles(c, limit, offset))

    async def reads(self, first: str, last: str) -> Reads:
        """How often items were opened from day to day (ISO dates, both inside)."""
        return await self.readers.reads(first, last)


LIBRARY: web.AppKey[Library] = web.AppKey("library", Library)


async def _again_and_again(work: Callable[[], Awaitable[None]], what: str) -> None:
    """Runs work that has no end; a full disk stops it for a minute, not for ever, and never the hub."""
    while True:
        try:
            await work()
        except (Problem, OSError, SqliteError) as problem:
            log.warning("library.later", what=what, reason=str(problem))
            await asyncio.sleep(LATER_SECONDS)


def _there(c: Connection, item_id: str) -> Item:
    found = store.item(c, item_id)
    if found is None:
        raise NotFound("library.no-item", t("The library does not have this (any more)."), t("Search for it."))
    return found


def _given(record: Record) -> frozenset[str]:
    return frozenset(n for n in Record.__struct_fields__ if n != "key" and getattr(record, n) not in (None, ()))


def _checked(it: Item) -> Item:
    """Lengths and grades in their bounds. Raises BadInput naming the field."""
    title = " ".join(it.title.split())
    if not title or len(title) > MOST_TITLE:
        raise BadInput("library.title", t("A title has 1 to {n} letters.", n=MOST_TITLE), field="title")
    first, last = grades(it.grade_from, it.grade_to)
    if first is not None and last is not None and not 1 <= first <= last <= 12:
        raise BadInput("library.grade", t("Grades go from 1 to 12."), field="grade_from")
    description = it.description[:MOST_WORDS] if it.description else None
    return msgspec.structs.replace(it, title=title, grade_from=first, grade_to=last, description=description)


def _size_of(path: Path) -> int:
    if not path.is_file():
        raise NotFound("library.no-such-file", t("{name} is not a file.", name=path.name), t("Check the name."))
    size = path.stat().st_size
    if size == 0:
        raise BadInput("library.empty", t("The file is empty."), t("Choose a file that is not empty."))
    return size


def _new_id() -> str:
    """Ten letters and figures, in every address for ever."""
    return secrets.token_hex(5)
