"""Office documents as PDF, where LibreOffice is installed: made in the background, one at a time, kept beside the files.

A view is derived: it may be deleted, and is made again. What LibreOffice cannot do is a remark on the item, with its reason.
"""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from sqlite3 import Connection

import msgspec
import structlog

from densach_core.database import Database
from densach_hub.library import store
from densach_hub.library.formats import odf, office
from densach_hub.library.formats.document import OLD_OFFICE
from densach_hub.library.formats.print_worker import office as libreoffice
from densach_hub.library.model import Item, Kind
from densach_hub.library.vault import Vault, sync_folder

log = structlog.get_logger("library")
WALL_SECONDS = 150.0
POLL_SECONDS = 5.0
AGAIN_S = 30 * 86_400
"""A document that failed is tried again after a month: LibreOffice may be a newer one then."""

ROOM_BYTES = 256 * 1024**2
FAILED, TOO_SLOW = "library.view-failed", "library.view-too-slow"
SUFFIXES: dict[str, str] = {
    **{media_type: suffixes[0] for media_type, suffixes in office.TYPES.values()},
    **{media_type: suffixes[0] for media_type, suffixes in odf.TYPES.items()},
    **{media_type: suffix for suffix, media_type in OLD_OFFICE.items()},
    "application/rtf": ".rtf",
}
"""What is turned into PDF, and the ending LibreOffice knows it by."""


class PdfViews:
    """Start `run()` as a task. Without LibreOffice nothing happens."""

    def __init__(
        self, school: Database, vault: Vault, data: Path, changed: Callable[[], None], *, wall_seconds: float = WALL_SECONDS
    ) -> None:
        self._school = school
        self._vault = vault
        self._changed = changed
        self._wall_seconds = wall_seconds
        self.folder = data / "views"
        self._one = asyncio.Lock()

    def path(self, it: Item) -> Path | None:
        """The view of an item's file; None where there is none (yet)."""
        path = self._place(it.file) if it.file else None
        return path if path is not None and path.is_file() else None

    def has_pages(self, it: Item) -> bool:
        """Whether there is a view or will be one."""
        return self.path(it) is not None or self.comes(it)

    def comes(self, it: Item) -> bool:
        """Whether a view is on its way."""
        return it.media_type in SUFFIXES and it.kind is Kind.DOCUMENT and libreoffice() is not None and not self._gave_up(it)

    async def run(self) -> None:
        """Until cancelled: a view for every document that can have one."""
        await asyncio.to_thread(self._sweep)
        while True:
            if libreoffice() is not None:
                await self.make_waiting()
            await asyncio.sleep(POLL_SECONDS)

    async def make_waiting(self) -> int:
        """Makes what is missing; returns how many views it made."""
        made = 0
        for it in await self._school.read(_documents):
            if self.path(it) is None and self.comes(it):
                made += await self.make(it)
        return made

    async def make(self, it: Item) -> bool:
        """Makes an item's view. False when LibreOffice could not. Raises Unavailable (disk full)."""
        if it.file is None or not self._vault.has(it.file):
            return False
        async with self._one:
            await asyncio.to_thread(self._vault.must_have_room, ROOM_BYTES)
            self.folder.mkdir(exist_ok=True)
            folder = Path(await asyncio.to_thread(tempfile.mkdtemp, dir=self.folder, prefix="making-"))
            try:
                source = folder / f"document{SUFFIXES[it.media_type or '']}"
                await asyncio.to_thread(shutil.copyfile, self._vault.path(it.file), source)
                begun = time.monotonic()
                problem = await self._print(source, folder)
                log.info("library.pdf-view", item=it.id, problem=problem, seconds=round(time.monotonic() - begun, 1))
                await asyncio.to_thread(self._keep, it.file, folder / "document.pdf", problem)
            finally:
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        await self._school.write(lambda c: _remarked(c, it.id, problem))
        self._changed()
        return problem is None

    async def _print(self, source: Path, folder: Path) -> str | None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "densach_hub.library.formats.print_worker", str(source), str(folder),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        try:
            async with asyncio.timeout(self._wall_seconds):
                code = await process.wait()
        except TimeoutError:
            return TOO_SLOW
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        if code in {-signal.SIGXCPU, 128 + signal.SIGXCPU}:
            return TOO_SLOW
        made = folder / "document.pdf"
        if code != 0 or not made.is_file() or made.read_bytes()[:5] != b"%PDF-":
            return FAILED
        return None

    def _keep(self, file: str, made: Path, problem: str | None) -> None:
        place = self._place(file)
        place.parent.mkdir(parents=True, exist_ok=True)
        if problem is not None:
            place.with_suffix(".failed").write_text(problem)
            return
        with made.open("rb+") as body:
            os.fsync(body.fileno())
        made.replace(place)
        sync_folder(place.parent)

    def _place(self, file: str) -> Path:
        return self.folder / file[:2] / f"{file}.pdf"

    def _gave_up(self, it: Item) -> bool:
        try:
            return self._place(it.file or "").with_suffix(".failed").stat().st_mtime > time.time() - AGAIN_S
        except OSError:
            return False

    def _sweep(self) -> None:
        for left in self.folder.glob("making-*"):
            shutil.rmtree(left, ignore_errors=True)


def _documents(c: Connection) -> list[Item]:
    rows = c.execute("SELECT id FROM item WHERE kind = 'document' AND state = 'ready' AND form = 'file' ORDER BY id").fetchall()
    return [it for row in rows if (it := store.item(c, row["id"])) is not None]


def _remarked(c: Connection, item_id: str, problem: str | None) -> None:
    """The reason beside the item; one that no longer holds goes. What else is odd about it is not touched."""
    now = store.item(c, item_id)
    if now is not None and (now.remark in {FAILED, TOO_SLOW} or (now.remark is None and problem)):
        store.put(c, msgspec.structs.replace(now, remark=problem))
