"""What a person writes and may edit by hand: small JSON documents in TinyDB, safe against power cuts and editors.

TinyDB's own storage writes in place (a cut between write and truncate loses the file) and keeps the file handle (an editor that
saves by rename is overwritten). So: open by path each time, temp file + fsync + rename + fsync of the folder, a `.bak`,
and when a person leaves a file that cannot be read, the last good copy is served and the fault is shown.
At most 500 documents a file: every operation costs the whole file. Each accepted change also leaves a dated snapshot
in school.db, so that "as of 30 Sep" can be answered.
"""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec
from tinydb import TinyDB
from tinydb.storages import Storage
from tinydb.table import Document, Table

from densach_core.clock import Clock
from densach_core.database import Database
from densach_core.errors import BadInput, Conflict
from densach_core.migrations import Migration
from densach_core.text import Text, t
from densach_core.whole_file import write_whole

MOST_DOCUMENTS = 500

MIGRATIONS = [
    Migration(
        "snapshots of documents",
        """CREATE TABLE document_snapshot (
            at INTEGER NOT NULL, file TEXT NOT NULL, document TEXT NOT NULL, by TEXT NOT NULL, body TEXT,
            PRIMARY KEY (file, document, at)) WITHOUT ROWID;""",
    )
]


class Identified(msgspec.Struct, frozen=True):
    """A document of a shelf has an id that never changes."""

    id: str


T = TypeVar("T", bound=msgspec.Struct)
R = TypeVar("R")


class SafeStorage(Storage):
    """TinyDB storage that survives power cuts and hand edits.

    `fault` is set while the file on disk cannot be read; then the last good copy is served and writing is refused,
    so that a person's half-done edit is never overwritten.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fault: Text | None = None
        self._seen: tuple[int, int, int] | None = None
        self._good: dict[str, Any] | None = None

    def read(self) -> dict[str, Any] | None:
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            return self._good if self._seen is None else self._recover()
        mark = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        if mark != self._seen:
            try:
                self._good = json.loads(self.path.read_bytes())
                self.fault = None
            except ValueError as error:
                self.fault = t("{file} cannot be read: {reason}", file=self.path.name, reason=str(error))
                if self._good is None:
                    self._good = self._from_backup()
            self._seen = mark
        return self._good

    def write(self, data: Mapping[str, Any]) -> None:
        self.read()
        if self.fault is not None:
            raise Conflict("documents.unreadable", self.fault, t("Correct the file by hand, or put its .bak copy in place."))
        body = msgspec.json.format(msgspec.json.encode(data), indent=2)
        if self.path.exists():
            write_whole(self.path.with_suffix(".json.bak"), self.path.read_bytes())
        write_whole(self.path, body)
        self._good = msgspec.json.decode(body)
        stat = self.path.stat()
        self._seen = (stat.st_ino, stat.st_mtime_ns, stat.st_size)

    def _recover(self) -> dict[str, Any] | None:
        """The file vanished while running: what was last good is still the truth."""
        return self._good

    def _from_backup(self) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = json.loads(self.path.with_suffix(".json.bak").read_bytes())
        except (OSError, ValueError):
            return None
        return found


class Documents:
    """The folder of documents. All work on it happens in one thread of its own."""

    def __init__(self, folder: Path, school: Database, clock: Clock) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._school = school
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="documents")
        self._storages: dict[str, SafeStorage] = {}

    def one(self, name: str, kind: type[T], default: T) -> "Single[T]":
        """A file that holds a single document."""
        return Single(self._shelf(name, kind), default)

    def many(self, name: str, kind: type[T]) -> "Shelf[T]":
        """A file of documents told apart by their `id`."""
        return self._shelf(name, kind)

    def faults(self) -> list[Text]:
        """Files a person left unreadable, for `doctor` and the technician's page."""
        return [storage.fault for storage in self._storages.values() if storage.fault is not None]

    def close(self) -> None:
        self._thread.shutdown()

    def _shelf(self, name: str, kind: type[T]) -> "Shelf[T]":
        storage = self._storages.setdefault(name, SafeStorage(self._folder / f"{name}.json"))
        return Shelf(name, kind, _database(storage), self._school, self._clock, self._thread)


class _UncachedTable(Table):
    default_query_cache_capacity = 0


class _Tiny(TinyDB):
    table_class = _UncachedTable


def _database(storage: SafeStorage) -> TinyDB:
    return _Tiny(storage=lambda: storage)


class Shelf(Generic[T]):
    """Documents of one kind, by id."""

    def __init__(
        self, name: str, kind: type[T], tiny: TinyDB, school: Database, clock: Clock, thread: ThreadPoolExecutor
    ) -> None:
        self._name = name
        self._kind = kind
        self._tiny = tiny
        self._school = school
        self._clock = clock
        self._thread = thread

    async def all(self) -> list[T]:
        return await self._do(lambda: [self._parse(document) for document in self._tiny.all()])

    async def get(self, key: str) -> T | None:
        return await self._do(lambda: self._find(key))

    async def put(self, value: T, *, by: str) -> None:
        """Stores a document (new or changed); `by` is who did it, as kept in the snapshot."""
        body = msgspec.to_builtins(value)
        key = str(body.get("id", self._name))

        def store() -> None:
            old = self._document(key)
            if old is not None:
                self._tiny.update(lambda document: (document.clear(), document.update(body))[0], doc_ids=[old.doc_id])
            elif len(self._tiny) >= MOST_DOCUMENTS:
                raise BadInput("documents.too-many", t("There are already {n} of these.", n=MOST_DOCUMENTS))
            else:
                self._tiny.insert(body)

        await self._do(store)
        await self._school.write(self._snapshot(key, by, msgspec.json.encode(value).decode()))

    async def remove(self, key: str, *, by: str) -> None:
        def drop() -> None:
            old = self._document(key)
            if old is not None:
                self._tiny.remove(doc_ids=[old.doc_id])

        await self._do(drop)
        await self._school.write(self._snapshot(key, by, None))

    async def as_of(self, at_ms: int) -> list[T]:
        """The documents as they stood at a moment."""

        def find(c: sqlite3.Connection) -> list[str]:
            rows = c.execute(
                "SELECT body, max(at) FROM document_snapshot WHERE file = ? AND at <= ? GROUP BY document", (self._name, at_ms)
            )
            return [row["body"] for row in rows if row["body"] is not None]

        return [msgspec.json.decode(body, type=self._kind) for body in await self._school.read(find)]

    def _snapshot(self, key: str, by: str, body: str | None) -> Callable[[sqlite3.Connection], object]:
        row = (self._clock.now_ms(), self._name, key, by, body)
        return lambda c: c.execute("INSERT OR REPLACE INTO document_snapshot VALUES (?, ?, ?, ?, ?)", row)

    def _document(self, key: str) -> Document | None:
        return next((d for d in self._tiny.all() if d.get("id", self._name) == key), None)

    def _find(self, key: str) -> T | None:
        document = self._document(key)
        return None if document is None else self._parse(document)

    def _parse(self, document: Mapping[str, Any]) -> T:
        try:
            return msgspec.convert(dict(document), self._kind)
        except msgspec.ValidationError as error:
            raise Conflict(
                "documents.wrong-shape",
                t("A document in {file} does not fit: {reason}", file=f"{self._name}.json", reason=str(error)),
                t("Correct the file by hand, or put its .bak copy in place."),
            ) from error

    async def _do(self, work: Callable[[], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


class Single(Generic[T]):
    """One document, with a default until a person writes it."""

    def __init__(self, shelf: Shelf[T], default: T) -> None:
        self._shelf = shelf
        self._default = default

    async def get(self) -> T:
        found = await self._shelf.all()
        return found[0] if found else self._default

    async def exists(self) -> bool:
        return bool(await self._shelf.all())

    async def put(self, value: T, *, by: str) -> None:
        await self._shelf.put(value, by=by)

    async def as_of(self, at_ms: int) -> T:
        found = await self._shelf.as_of(at_ms)
        return found[0] if found else self._default
