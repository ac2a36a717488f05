"""Append-only schema changes: each runs once, in one transaction together with the row that records it."""

import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from densach_core.errors import Unavailable
from densach_core.text import t


class Migration(msgspec.Struct, frozen=True):
    """`work` is an SQL script (split statement by statement) or a function of the connection."""

    name: str
    work: str | Callable[[sqlite3.Connection], None]


def migrate(
    connection: sqlite3.Connection,
    rooms: Mapping[str, Sequence[Migration]],
    *,
    path: Path,
    backups: Path | None,
) -> None:
    """Brings a file up to date. Before touching one that holds data, a copy goes to `backups`.

    Raises Unavailable("database.too-new") when the file was written by a newer version: never guess downwards.
    """
    connection.execute(
        "CREATE TABLE IF NOT EXISTS migration (room TEXT, number INTEGER, name TEXT, at INTEGER, PRIMARY KEY (room, number))"
    )
    done: dict[str, int] = {row[0]: row[1] for row in connection.execute("SELECT room, max(number) FROM migration GROUP BY room")}
    for room, steps in rooms.items():
        if done.get(room, 0) > len(steps):
            raise Unavailable(
                "database.too-new",
                t("{file} was written by a newer version of Đèn Sách.", file=path.name),
                t("Install that version again, or restore a backup."),
            )
    pending = [
        (room, number, step)
        for room, steps in rooms.items()
        for number, step in enumerate(steps, 1)
        if number > done.get(room, 0)
    ]
    if pending and done and backups is not None:
        _keep_copy(connection, path, backups)
    for room, number, step in pending:
        connection.execute("BEGIN IMMEDIATE")
        try:
            if callable(step.work):
                step.work(connection)
            else:
                for statement in statements(step.work):
                    connection.execute(statement)
            connection.execute(
                "INSERT INTO migration VALUES (?, ?, ?, ?)", (room, number, step.name, time.time_ns() // 1_000_000)
            )
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise


def statements(script: str) -> Iterator[str]:
    """The statements of a script; `executescript` cannot be used, since it commits on its own."""
    part = ""
    for piece in re.split(r"(?<=;)", script):
        part += piece
        if sqlite3.complete_statement(part):
            yield part
            part = ""
    if part.strip():
        yield part


def _keep_copy(connection: sqlite3.Connection, path: Path, backups: Path) -> None:
    backups.mkdir(parents=True, exist_ok=True)
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    copy = sqlite3.connect(backups / f"before-update-{path.stem}-{stamp}.db")
    try:
        connection.backup(copy)
    finally:
        copy.close()
    for old in sorted(backups.glob(f"before-update-{path.stem}-*.db"))[:-3]:
        old.unlink()
