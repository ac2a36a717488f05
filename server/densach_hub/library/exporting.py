"""The catalogue, whole or filtered, as a file: item by item from the database into a format, on disk, never whole in memory."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path
from sqlite3 import Connection

import msgspec

from densach_core.database import Database
from densach_core.errors import BadInput
from densach_core.text import t
from densach_hub.library import store
from densach_hub.library.exchange.doors import EXPORTS
from densach_hub.library.exchange.tables import Say
from densach_hub.library.model import Item
from densach_hub.library.rights import may_leave
from densach_hub.library.vault import Vault

SLICE = 300
READ_SECONDS = 20.0


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which items; None: all of them. `form` is file or listed, `collection` a name as it is written."""

    subject: str | None = None
    grade: int | None = None
    kind: str | None = None
    language: str | None = None
    form: str | None = None
    collection: str | None = None
    batch: str | None = None


def where(wanted: Wanted) -> tuple[str, list[object]]:
    """SQL over i, e and w that begins with AND, and its values."""
    parts: list[tuple[str, list[object]]] = []
    for column, value in (("w.subject", wanted.subject), ("i.kind", wanted.kind), ("e.language", wanted.language),
                          ("i.form", wanted.form), ("i.batch", wanted.batch)):  # fmt: skip
        if value:
            parts.append((f" AND {column} = ?", [value]))
    if wanted.grade is not None:
        parts.append((" AND w.grade_from <= ? AND ifnull(w.grade_to, w.grade_from) >= ?", [wanted.grade, wanted.grade]))
    if wanted.collection:
        parts.append((" AND ? IN (SELECT value FROM json_each(w.collections))", [wanted.collection]))
    return "".join(sql for sql, _ in parts), [value for _, values in parts for value in values]


async def export(school: Database, folder: Path, format_name: str, wanted: Wanted, say: Say, vault: Vault) -> Path:
    """Writes ready items into a new file in `folder`; the caller deletes it.

    Raises BadInput for an unknown format, Unavailable where files that go along would fill the disk.
    """
    door = EXPORTS.get(format_name)
    if door is None:
        raise BadInput(
            "export.format",
            t("This format is not known: {name}", name=format_name[:40]),
            t("Choose one of: {names}", names=", ".join(EXPORTS)),
        )
    loop = asyncio.get_running_loop()
    condition, values = where(wanted)

    def items() -> Iterator[Item]:
        last = ""
        while True:

            def part(c: Connection, after: str = last) -> list[Item]:
                return store.ready_where(c, condition, values, after, SLICE)

            found = asyncio.run_coroutine_threadsafe(school.read(part, seconds=READ_SECONDS), loop).result()
            if not found:
                return
            yield from found
            last = found[-1].id

    def files_of(it: Item) -> list[tuple[str, Path]]:
        found = []
        if it.cover and vault.has(it.cover):
            found.append(("cover.jpg", vault.path(it.cover)))
        if it.file and vault.has(it.file) and may_leave(it):
            vault.must_have_room(it.size or 0)
            found.append((f"book{Path(it.file_name or '').suffix.lower()}", vault.path(it.file)))
        return found

    def write() -> Path:
        with tempfile.NamedTemporaryFile(dir=folder, prefix="form-", suffix=".tmp", delete=False) as file:
            path = Path(file.name)
            try:
                door.write(items(), file, say, files_of)
            except BaseException:
                path.unlink(missing_ok=True)
                raise
        return path

    return await asyncio.to_thread(write)
