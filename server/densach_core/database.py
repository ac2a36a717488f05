"""SQLite behind one door: one writer thread, a few read-only readers, callers pass a function of a connection.

Why so: a transaction is one hop; the event loop never waits for a disk; writers never wait for each other inside SQLite
(DEFERRED transactions that upgrade to a write fail at once, so every write is BEGIN IMMEDIATE on the one connection).
`durable` means `synchronous=FULL`: WAL with NORMAL may lose a commit that was already acknowledged when power fails.
"""

import asyncio
import queue
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec

from densach_core.errors import Problem, Unavailable, disk_full
from densach_core.migrations import Migration, migrate
from densach_core.text import t

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

GROUP_SECONDS = 0.2
GROUP_TASKS = 500
READERS = 2
PATIENCE = 8
LEAST_BYTES = 1024**2
"""With less room than that the journals of a database cannot be made."""


class _Task(msgspec.Struct):
    work: Callable[[sqlite3.Connection], Any]
    future: Future[Any]
    grouped: bool


class Database:
    """An SQLite file. Use as an async context manager; opening runs the migrations of every room.

    Args:
        path: the file; its folder must exist.
        migrations: for each room its append-only list.
        durable: acknowledged commits survive a power cut (`synchronous=FULL`); False only for what can be rebuilt.
        backups: where a copy is put before pending migrations run on a file that already holds data.
    """

    def __init__(
        self,
        path: Path,
        migrations: Mapping[str, Sequence[Migration]],
        *,
        durable: bool = True,
        backups: Path | None = None,
    ) -> None:
        self.path = path
        self.durable = durable
        self._migrations = migrations
        self._backups = backups
        self._writes: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._reads: queue.SimpleQueue[tuple[Work[Any], Future[Any], float] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._open = False

    async def __aenter__(self) -> Self:
        connection = await asyncio.to_thread(self._prepare)
        self._open = True
        self._threads = [threading.Thread(target=self._write_loop, args=(connection,), name=f"write {self.path.name}")]
        self._threads += [threading.Thread(target=self._read_loop, name=f"read {self.path.name} {n}") for n in range(READERS)]
        for thread in self._threads:
            thread.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if not self._open:
            return
        self._open = False
        self._writes.put(None)
        for _ in range(READERS):
            self._reads.put(None)
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    async def write(self, work: Work[T]) -> T:
        """Runs `work` in a transaction of its own, at once; resolves when it is committed, rolls back if it raises."""
        return await self._put(work, grouped=False)

    async def write_grouped(self, work: Work[T]) -> T:
        """Runs `work` in a savepoint of a shared transaction (≤ 200 ms or 500 tasks); resolves after the commit."""
        return await self._put(work, grouped=True)

    async def read(self, work: Work[T], *, seconds: float = 2.0) -> T:
        """Runs `work` on a read-only connection; interrupted after `seconds` of reckoning (raises Unavailable), or after
        PATIENCE times as long by the clock: on a machine that is busy with others a page comes late rather than not."""
        self._must_be_open()
        future: Future[T] = Future()
        self._reads.put((work, future, seconds))
        return await asyncio.wrap_future(future)

    async def copy_to(self, target: Path) -> None:
        """A consistent copy of the running database, in small steps so that writers are not locked out."""
        await asyncio.to_thread(copy_database, self.path, target)

    async def _put(self, work: Work[T], *, grouped: bool) -> T:
        self._must_be_open()
        future: Future[T] = Future()
        self._writes.put(_Task(work, future, grouped))
        # Once queued it will run: a caller that goes away must not leave the answer half known.
        return await asyncio.shield(asyncio.wrap_future(future))

    def _must_be_open(self) -> None:
        if not self._open:
            raise Unavailable("database.closed", t("The database is closed."), t("Start the hub again."))

    def _prepare(self) -> sqlite3.Connection:
        try:
            connection = connect(self.path, durable=self.durable)
            migrate(connection, self._migrations, path=self.path, backups=self._backups)
        except sqlite3.OperationalError as error:
            # Without room for its journal SQLite says of a full disk that it cannot open or read it.
            no_room = self.path.parent.is_dir() and shutil.disk_usage(self.path.parent).free < LEAST_BYTES
            raise (disk_full() if no_room else _told(error)) from error
        return connection

    def _write_loop(self, connection: sqlite3.Connection) -> None:
        task = self._writes.get()
        while task is not None:
            if task.grouped:
                task = self._run_group(connection, task)
            else:
                _run_alone(connection, task)
                task = self._writes.get()
        with suppress(sqlite3.Error):  # a full disk must not spoil the farewell
            connection.execute("PRAGMA optimize")
        connection.close()

    def _run_group(self, connection: sqlite3.Connection, first: _Task) -> _Task | None:
        """Commits `first` and the grouped tasks right behind it; returns the next thing to do (None: closing)."""
        until = time.monotonic() + GROUP_SECONDS
        begun = [first]
        done: list[tuple[_Task, Any, BaseException | None]] = []
        following: list[_Task | None] = []
        try:
            connection.execute("BEGIN IMMEDIATE")
            task = first
            while True:
                done.append((task, *_run_in_savepoint(connection, task)))
                if len(done) >= GROUP_TASKS or time.monotonic() >= until or self._writes.empty():
                    break
                following = [self._writes.get()]
                if following[0] is None or not following[0].grouped:
                    break
                task = following[0]
                begun.append(task)
                following = []
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            problem = _told(error)
            for failed in begun:
                failed.future.set_exception(problem)
        else:
            for task, answer, failure in done:
                if failure is None:
                    task.future.set_result(answer)
                else:
                    task.future.set_exception(failure)
        return following[0] if following else self._writes.get()

    def _read_loop(self) -> None:
        connection = connect(self.path, durable=self.durable, read_only=True)
        reckoned = deadline = 0.0
        connection.set_progress_handler(lambda: time.thread_time() > reckoned or time.monotonic() > deadline, 2000)
        while (item := self._reads.get()) is not None:
            work, future, seconds = item
            if not future.set_running_or_notify_cancel():
                continue
            reckoned, deadline = time.thread_time() + seconds, time.monotonic() + PATIENCE * seconds
            try:
                future.set_result(work(connection))
            except sqlite3.Error as error:
                future.set_exception(_told(error))
            except BaseException as error:  # noqa: BLE001 - the waiting caller gets whatever went wrong
                future.set_exception(error)
        connection.close()


def connect(path: Path, *, durable: bool, read_only: bool = False) -> sqlite3.Connection:
    """An SQLite connection with the house's settings; rows can be read by column name."""
    mode = "ro" if read_only else "rwc"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False, timeout=10
    )
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA busy_timeout=10000")
    if read_only:
        connection.execute("PRAGMA query_only=1")
    else:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        connection.execute("PRAGMA wal_autocheckpoint=4000")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA cache_size=-8000")
    return connection


def copy_database(source: Path, target: Path) -> None:
    """Copies a database that may be in use (SQLite's online backup, 256 pages a step); the target is fsynced by SQLite."""
    reader = connect(source, durable=True, read_only=True)
    target.unlink(missing_ok=True)
    writer = sqlite3.connect(target, isolation_level=None)
    try:
        reader.backup(writer, pages=256, sleep=0.01)
    finally:
        writer.close()
        reader.close()


def _run_alone(connection: sqlite3.Connection, task: _Task) -> None:
    try:
        connection.execute("BEGIN IMMEDIATE")
        answer = task.work(connection)
        connection.execute("COMMIT")
    except BaseException as error:  # noqa: BLE001 - the waiting caller gets whatever went wrong
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        task.future.set_exception(_told(error))
    else:
        task.future.set_result(answer)


def _run_in_savepoint(connection: sqlite3.Connection, task: _Task) -> tuple[Any, BaseException | None]:
    connection.execute("SAVEPOINT task")
    try:
        answer = task.work(connection)
    except BaseException as error:
        if isinstance(error, sqlite3.Error) and not connection.in_transaction:
            raise  # a full disk: SQLite has rolled back the whole group, savepoints and all
        connection.execute("ROLLBACK TO task")
        connection.execute("RELEASE task")
        return None, _told(error)
    connection.execute("RELEASE task")
    return answer, None


def _told(error: BaseException) -> BaseException:
    """SQLite's words turned into ours where a person can do something about it."""
    if isinstance(error, Problem) or not isinstance(error, sqlite3.OperationalError):
        return error
    words = str(error)
    if "disk is full" in words:
        return disk_full()
    if "interrupted" in words:
        return Unavailable("database.too-slow", t("This took longer than allowed."), t("Ask for less and try again."))
    return error
