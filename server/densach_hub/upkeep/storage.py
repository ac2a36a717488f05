"""Whether the hub's disk still takes something; said on every page and in `/healthz` while it does not.

A hub whose disk is full to the last byte could not even start to say so: SQLite needs room for its journals. So a running hub
puts some room by, and one that starts on a full disk gives it up.
"""

import asyncio
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog

from densach_core.errors import Unavailable
from densach_core.text import t
from densach_core.web.site import Site

log = structlog.get_logger("storage")
ROOM_NEEDED = 16 * 1024**2
"""With less than this free (bytes), commits may fail at any moment."""
PUT_BY = "room-to-start"
PUT_BY_BYTES = 16 * 1024**2
PUT_BY_FROM = 1024**3
"""Room is only put by while there is much more than that (bytes)."""
LEAST = 4 * 1024**2
"""What the databases' journals take at the start (bytes)."""
FULL = t("The disk of this hub is full. Nothing is lost, but nothing new is kept until somebody makes room.")


def make_room_to_start(data: Path) -> None:
    """Before the databases are opened: gives up the room put by if the disk is full. Raises Unavailable if it is full even so."""
    if shutil.disk_usage(data).free < ROOM_NEEDED:
        (data / PUT_BY).unlink(missing_ok=True)
    free = shutil.disk_usage(data).free
    if free < LEAST:
        raise Unavailable(
            "hub.no-room-to-start",
            t("The hub cannot start: the disk of {folder} is full, {free} KB are free.", folder=str(data), free=free // 1024),
            t("Free some space, 100 MB at least, and start it again. Nothing already stored is lost."),
        )


def put_room_by(data: Path) -> None:
    """The room a later start may need. A file cut off by a power cut is made anew; where it cannot be made, the hub goes on."""
    path = data / PUT_BY
    try:
        if (path.exists() and path.stat().st_size == PUT_BY_BYTES) or shutil.disk_usage(data).free < PUT_BY_FROM:
            return
        with path.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, PUT_BY_BYTES)
    except OSError as error:
        log.warning("storage.no-room-put-by", reason=error.strerror)
        with suppress(OSError):
            path.unlink(missing_ok=True)


class StorageWatch:
    """`trouble` tells why intake cannot store anything now (None while it can)."""

    def __init__(self, data: Path, trouble: Callable[[], str | None]) -> None:
        self._data = data
        self._trouble = trouble

    def problem(self) -> str | None:
        """Why nothing can be stored, as a stable code; None while all is well. Blocks for a system call only."""
        if shutil.disk_usage(self._data).free < ROOM_NEEDED:
            return "database.disk-full"
        return self._trouble()

    async def look(self, site: Site) -> None:
        """Puts the notice up, or takes it down; puts room by where there is much."""
        await asyncio.to_thread(put_room_by, self._data)
        full = await asyncio.to_thread(self.problem) == "database.disk-full"
        if full != (FULL in site.notices):
            log.log(40 if full else 20, "storage.full" if full else "storage.has-room")
            site.notices = [notice for notice in site.notices if notice != FULL] + ([FULL] if full else [])
