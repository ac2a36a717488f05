"""Imports of records: read, show what would change, do exactly that, take it back.

Each is a batch on disk that goes through stages; a stage works in slices and finds by its rows where it was, so that a power
cut at any moment leaves either nothing to be seen or something that goes on by itself. What is added is hidden (`arriving`)
until all of it is there, then shown in one transaction. One process works at a time (a lock file).
"""

import asyncio
import contextlib
import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from sqlite3 import Connection, IntegrityError
from sqlite3 import Error as SqliteError

import msgspec
import structlog

from densach_core.clock import Clock
from densach_core.database import Database
from densach_core.errors import Conflict, NotFound, Problem, Unavailable
from densach_core.live import Bus
from densach_core.text import t
from densach_hub.library import batches, harvesting, store, versions
from densach_hub.library.batches import Action, Batch, Row, Stage
from densach_hub.library.cataloguing import Cataloguer
from densach_hub.library.exchange.line import Line
from densach_hub.library.exchange.opds import Asked
from densach_hub.library.exchange.reading import Reading, reading
from densach_hub.library.exchange.visiting import Visitor, checked, checked_login, room_for
from densach_hub.library.model import Form, Item, Record, State
from densach_hub.library.planning import plan
from densach_hub.library.vault import FULL, Vault, disk_full, sync_folder

log = structlog.get_logger("library")
SLICE = 400
FETCHED = 4
"""Rows at a time where their files come over the network: a power cut loses no more than these."""
POLL_SECONDS = 5.0
LOOK_SECONDS = 0.2
UNDONE = "import undone"
CAME = (Action.NEW, Action.CHANGED)
NewItem = Callable[..., Item]


class Imports:
    """`run` works as a task of the hub; a command calls `settled`, which works itself when no hub does."""

    def __init__(
        self, *, school: Database, vault: Vault, cataloguer: Cataloguer, data: Path, clock: Clock, bus: Bus, new_item: NewItem
    ) -> None:
        self._school = school
        self._vault = vault
        self._cataloguer = cataloguer
        self._clock = clock
        self._bus = bus
        self._new_item = new_item
        self._lock = data / "import.lock"
        self._wake = asyncio.Event()
        self.folder = data / "imports"
        self.shelves: tuple[Path, ...] = ()
        """Folders of this machine from which the desk may import (sticks, another disk)."""

    # ---- what people do

    async def begin(self, path: Path, name: str, *, by: str) -> Batch:
        """Takes a file (it is copied) or a folder (it stays where it is); reading goes on in the background."""
        batch = Batch(
            id=secrets.token_hex(6), file_name=name[:200], format="", by=by, at=self._clock.now_ms(), stage=Stage.READING
        )
        kept = await asyncio.to_thread(self._keep, path, batch.id)
        await self._school.write(lambda c: batches.start(c, batch, str(kept)))
        self._wake.set()
        return batch

    async def visit(
        self, address: str, *, by: str, files: bool, here: bool = False, login: tuple[str, str] | None = None
    ) -> Batch:
        """Begins with another catalogue's address (OPDS). `here`: it may be this machine itself; `login`: name and password for
        the other side, kept until the import ends. Raises BadInput."""
        asked = Asked(opds=checked(address), files=files, here=here, login=checked_login(login))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "opds"
            harvesting.begin(path, asked)
            return await self.begin(path, asked.opds, by=by)

    async def batch(self, batch_id: str) -> Batch:
        """Raises NotFound."""
        found = await self._school.read(lambda c: batches.get(c, batch_id))
        if found is None:
            raise NotFound("import.unknown", t("This import is not known."), t("Choose the file again."))
        return found

    async def latest(self, limit: int = 50) -> list[Batch]:
        return await self._school.read(lambda c: batches.latest(c, limit))

    async def rows(self, batch_id: str, action: Action, *, limit: int = 100, after: int = -1) -> list[Row]:
        return await self._school.read(lambda c: batches.rows(c, batch_id, [action], limit=limit, after=after))

    async def remarks(self, batch_id: str, *, limit: int = 200) -> list[Row]:
        """Lines that could not be used, then lines with something odd, and what an import or its undo left alone."""
        return await self._school.read(lambda c: batches.remarks(c, batch_id, limit))

    async def apply(self, batch_id: str) -> Batch:
        """Does what the preview showed; an item that changed since is left alone. Raises Conflict when it is not waiting."""
        return await self._turn(batch_id, (Stage.PREVIEW,), Stage.ADDING, CAME)

    async def undo(self, batch_id: str) -> Batch:
        """Takes back what the import added and changed, unless somebody changed or used it since."""
        return await self._turn(batch_id, (Stage.DONE,), Stage.UNDOING, CAME)

    async def drop(self, batch_id: str) -> None:
        """A preview nobody wants."""
        await self._turn(batch_id, (Stage.PREVIEW, Stage.FAILED), Stage.DROPPED, ())
        await self._school.write(lambda c: batches.forget_rows(c, batch_id))
        await asyncio.to_thread(self._forget, batch_id)

    async def _turn(self, batch_id: str, allowed: tuple[Stage, ...], to: Stage, actions: tuple[Action, ...]) -> Batch:
        def turn(c: Connection) -> None:
            now = batches.get(c, batch_id)
            if now is None:
                raise NotFound("import.unknown", t("This import is not known."), t("Choose the file again."))
            if now.stage not in allowed:
                raise Conflict("import.stage", t("This import has gone on meanwhile."), t("Look where it stands now."))
            total = batches.count(c, batch_id, actions) if actions else 0
            batches.set_stage(c, batch_id, to, at=self._clock.now_ms(), total=total)

        await self._school.write(turn)
        self._said()
        self._wake.set()
        return await self.batch(batch_id)

    # ---- work

    async def run(self) -> None:
        """Until cancelled: whatever is at work, also what a killed process left."""
        while True:
            self._wake.clear()
            await self.work()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._wake.wait()

    async def settled(self, batch_id: str, *, told: Callable[[Batch], None] | None = None) -> Batch:
        """Waits until an import has nothing to do, working on it here unless another process does."""
        working = asyncio.create_task(self.work())
        try:
            while True:
                now = await self.batch(batch_id)
                if told is not None:
                    told(now)
                if not now.at_work:
                    return now
                if working.done():
                    working.result()
                    working = asyncio.create_task(self.work())
                await asyncio.wait({working}, timeout=LOOK_SECONDS)
        finally:
            await working

    async def work(self) -> int:
        """Does everything there is to do; returns how many stages it went through. Nothing while another process works."""
        done = 0
        async with self._alone() as alone:
            while alone and (batch := await self._school.read(batches.next_at_work)) is not None:
                if batch.stage is Stage.READING:
                    await self._read_or_fail(batch)
                else:
                    await self._stage(batch)
                done += 1
                self._said()
        return done

    async def _read_or_fail(self, batch: Batch) -> None:
        """Whatever is wrong with a file ends its own import, never the hub: a file is read again at every start otherwise."""
        try:
            await self._read(batch)
        except (Unavailable, SqliteError):
            raise
        except Exception as problem:  # noqa: BLE001 - a parser may fail in any way
            code = problem.code if isinstance(problem, Problem) else "import.not-readable"
            log.info("library.import-failed", batch=batch.id, code=code, reason=str(problem)[:300])
            await self._school.write(lambda c: self._set(c, batch, Stage.FAILED, code=code))
            await asyncio.to_thread(self._forget, batch.id)

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[bool]:
        with self._lock.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                await asyncio.sleep(LOOK_SECONDS)
                yield False
                return
            yield True

    async def _stage(self, batch: Batch) -> None:
        match batch.stage:
            case Stage.ADDING:
                await self._add(batch)
            case Stage.CHANGING:
                await self._change(batch)
            case Stage.INDEXING:
                await self._index(batch)
            case _:
                await self._take_back(batch)

    def _set(self, c: Connection, batch: Batch, stage: Stage, *, total: int = 0, code: str | None = None) -> None:
        batches.set_stage(c, batch.id, stage, at=self._clock.now_ms(), total=total, code=code)

    async def _read(self, batch: Batch) -> None:
        """From the beginning, also after a power cut: until the preview stands nothing depends on the rows."""
        path = Path(await self._school.read(lambda c: batches.path_of(c, batch.id)))
        harvested = await self._harvest(path)
        async with reading(path) as source:
            await self._read_lines(batch, source)
        await self._school.write(lambda c: self._set(c, batch, Stage.PREVIEW))
        await asyncio.to_thread(*((harvesting.shrink, path) if harvested else (self._forget, batch.id)))

    async def _read_lines(self, batch: Batch, source: Reading) -> None:
        def begin(c: Connection) -> None:
            batches.forget_rows(c, batch.id)
            batches.set_stage(
                c, batch.id, Stage.READING, at=self._clock.now_ms(), total=source.total or 0, format_name=source.format,
                ignored=source.ignored,
            )  # fmt: skip

        await self._school.write(begin)
        while part := await source.take(SLICE):

            def keep(c: Connection, lines: list[Line] = part) -> None:
                batches.add_rows(c, batch.id, plan(c, batch.id, lines))
                batches.advance(c, batch.id, len(lines))

            await self._school.write_grouped(keep)
            self._said()

    async def _harvest(self, path: Path) -> bool:
        """Fetches another catalogue's pages behind its address; False of any other file."""
        asked = await asyncio.to_thread(harvesting.asked_in, path)
        if asked is None:
            return False
        harvest = await asyncio.to_thread(harvesting.Harvest, path, asked)
        while await asyncio.to_thread(harvest.step):
            self._said()
        return True

    async def _add(self, batch: Batch) -> None:
        after = -1
        asked = await asyncio.to_thread(harvesting.asked_in, self.folder / batch.id)
        while part := await self._to_do(batch, Action.NEW, after, limit=FETCHED if asked else SLICE):
            after = part[-1].line
            files = {row.line: await self._brought(row.file, asked) for row in part if row.file}

            def add(c: Connection, rows: list[Row] = part, files: dict[int, tuple[str, int] | None] = files) -> None:
                for row in rows:
                    self._add_row(c, batch, row, files.get(row.line))
                batches.advance(c, batch.id, len(rows))

            await self._school.write(add)
            self._said()

        def show(c: Connection) -> None:
            batches.show_added(c, batch.id, at=self._clock.now_ms())
            self._set(c, batch, Stage.CHANGING, total=batches.count(c, batch.id, [Action.CHANGED]))

        await self._school.write(show)
        if asked is not None:
            await asyncio.to_thread(self._forget, batch.id)
        self._cataloguer.wake()

    def _add_row(self, c: Connection, batch: Batch, row: Row, file: tuple[str, int] | None) -> None:
        if row.record is None:
            return
        there = store.by_key(c, row.record.key) if row.record.key else None
        if there is None and file is not None and (other := store.by_file(c, file[0])) is not None:
            there = other.id
        if there is not None:
            batches.set_row(c, batch.id, row.line, done=2, item=there, code="import.there-already")
            return
        new = self._new_item(row.record, by=batch.by, form=Form.LISTED, state=State.ARRIVING)
        if file is not None and row.file is not None:
            new = msgspec.structs.replace(
                new, form=Form.FILE, file=file[0], size=file[1], file_name=(Path(row.file).name or row.file)[:200]
            )
        said = [name for name in Record.__struct_fields__ if name != "key" and getattr(row.record, name) not in (None, ())]
        store.add(c, new, key=row.record.key, said=said)
        c.execute("UPDATE item SET batch = ? WHERE id = ?", (batch.id, new.id))
        batches.set_row(c, batch.id, row.line, done=1, item=new.id, code="import.file-missing" if row.file and not file else None)

    async def _brought(self, name: str, asked: Asked | None) -> tuple[str, int] | None:
        """A row's file, from the disk or from the catalogue it was found in."""
        if asked is None:
            return await asyncio.to_thread(self._file, name)
        visitor = Visitor(asked.opds, here=asked.here, login=asked.login)
        try:
            return await asyncio.to_thread(self._fetched, visitor, name)
        finally:
            visitor.stopped = True

    def _fetched(self, visitor: Visitor, address: str) -> tuple[str, int] | None:
        """As `_file`, from another catalogue. A full disk is waited out; what cannot be had is remarked on."""
        with tempfile.NamedTemporaryFile(dir=self.folder, suffix=".tmp") as file:
            try:
                size = visitor.into(address, file, room_for(self.folder))
            except Problem as problem:
                log.info("library.file-not-fetched", address=address, code=problem.code)
                return None
            file.flush()
            return (self._vault.copy(Path(file.name)), size) if size else None

    def _file(self, name: str) -> tuple[str, int] | None:
        """(digest, bytes) of a file that is now in the vault; None when it is gone or empty. Raises Unavailable (disk full)."""
        path = Path(name)
        try:
            size = path.stat().st_size
            return (self._vault.copy(path), size) if size else None
        except OSError:
            return None

    async def _change(self, batch: Batch) -> None:
        after = -1
        while part := await self._to_do(batch, Action.CHANGED, after):
            after = part[-1].line

            def change(c: Connection, rows: list[Row] = part) -> None:
                at = self._clock.now_ms()
                for row in rows:
                    old = store.item(c, row.item or "")
                    if old is None or row.record is None or old.changed_at != row.expects:
                        batches.set_row(c, batch.id, row.line, done=2, code="import.changed-meanwhile")
                    else:
                        self._put(c, old, row.record, at=max(at, old.changed_at + 1), by=batch.by, why="import")
                        batches.set_row(c, batch.id, row.line, done=1, left_at=max(at, old.changed_at + 1))
                batches.advance(c, batch.id, len(rows))

            await self._school.write(change)
            self._said()
        await self._school.write(lambda c: self._set(c, batch, Stage.INDEXING, total=batches.count(c, batch.id, CAME, done=1)))

    def _put(self, c: Connection, old: Item, record: Record, *, at: int, by: str, why: str) -> None:
        fields = {name: getattr(record, name) for name in Record.__struct_fields__ if name != "key"}
        new = msgspec.structs.replace(old, **fields, changed_at=at)
        store.put(c, new, said_too=[name for name in fields if getattr(new, name) != getattr(old, name)])
        versions.keep(c, old, new, at=at, by=by, why=why)

    async def _index(self, batch: Batch) -> None:
        """Found by search; a rebuild or a start brings this in step as well, so that losing it costs nothing."""
        after = -1
        while part := await self._school.read(lambda c, a=after: batches.rows(c, batch.id, CAME, done=1, after=a, limit=SLICE)):  # type: ignore[misc]
            after = part[-1].line
            await self._cataloguer.indexed_some([row.item for row in part if row.item])
            n = len(part)
            await self._school.write_grouped(lambda c, n=n: batches.advance(c, batch.id, n))  # type: ignore[misc]
            self._said()
        await self._school.write(lambda c: self._set(c, batch, Stage.DONE))

    async def _take_back(self, batch: Batch) -> None:
        after = -1
        while part := await self._school.read(lambda c, a=after: batches.rows(c, batch.id, CAME, done=1, after=a, limit=SLICE)):  # type: ignore[misc]
            after = part[-1].line

            def back(c: Connection, rows: list[Row] = part) -> None:
                kept = sum(not self._row_back(c, batch, row) for row in rows)
                batches.keep_back(c, batch.id, kept)
                batches.advance(c, batch.id, len(rows))

            await self._school.write(back)
            await self._cataloguer.indexed_some([row.item for row in part if row.item])
            self._said()
        await self._school.write(lambda c: self._set(c, batch, Stage.UNDONE))

    def _row_back(self, c: Connection, batch: Batch, row: Row) -> bool:
        """Whether a row could be taken back. A file was read since, which is no person's change; its item is withdrawn."""
        old = store.item(c, row.item or "")
        at = self._clock.now_ms()
        if old is None:
            batches.set_row(c, batch.id, row.line, done=3)
            return True
        machine_only = row.file is not None and not versions.of(c, old.id, 1) and old.state is not State.WITHDRAWN
        if old.changed_at != row.left_at and not machine_only:
            batches.set_row(c, batch.id, row.line, done=2, code="import.changed-since")
            return False
        if row.action is Action.CHANGED and row.before is not None:
            self._put(c, old, row.before, at=max(at, old.changed_at + 1), by=batch.by, why="import-undone")
        elif old.form is Form.FILE or not _removed(c, old):
            store.withdraw(c, old.id, at=at, by=batch.by, why=UNDONE)
            batches.set_row(c, batch.id, row.line, done=3, code="import.withdrawn")
            return True
        batches.set_row(c, batch.id, row.line, done=3)
        return True

    async def _to_do(self, batch: Batch, action: Action, after: int, *, limit: int = SLICE) -> list[Row]:
        """The next rows; `after` spares stepping over those already done, a stage that starts again begins before the first."""
        return await self._school.read(lambda c: batches.rows(c, batch.id, [action], done=0, after=after, limit=limit))

    def _said(self) -> None:
        self._bus.say("imports")

    # ---- files

    def _keep(self, path: Path, batch_id: str) -> Path:
        """A copy on our own disk, fsynced before anybody is told that it was received; of a folder only its name."""
        if path.is_dir():
            return path.resolve()
        self._vault.must_have_room(path.stat().st_size)
        self.folder.mkdir(exist_ok=True)
        kept = self.folder / batch_id
        try:
            with path.open("rb") as old, kept.open("wb") as new:
                kept.chmod(0o600)
                shutil.copyfileobj(old, new, 1024 * 1024)
                new.flush()
                os.fsync(new.fileno())
        except OSError as error:
            kept.unlink(missing_ok=True)
            if error.errno in FULL:
                raise disk_full() from error
            raise
        sync_folder(self.folder)
        return kept

    def _forget(self, batch_id: str) -> None:
        (self.folder / batch_id).unlink(missing_ok=True)


def _removed(c: Connection, it: Item) -> bool:
    """Deletes a line of the catalogue that nobody used; False when a reader's place, shelf or note hangs on it."""
    c.execute("SAVEPOINT gone")
    try:
        store.remove(c, it)
    except IntegrityError:
        c.execute("ROLLBACK TO gone")
        c.execute("RELEASE gone")
        return False
    c.execute("RELEASE gone")
    return True
