"""Whether the hub's disk still takes something; said on every page and in `/healthz` while it does not."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import structlog

from densach_core.text import t
from densach_core.web.site import Site

log = structlog.get_logger("storage")
ROOM_NEEDED = 16 * 1024**2
"""With less than this free (bytes), commits may fail at any moment."""
FULL = t("The disk of this hub is full. Nothing is lost, but nothing new is kept until somebody makes room.")


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
        """Puts the notice up, or takes it down."""
        full = await asyncio.to_thread(self.problem) == "database.disk-full"
        if full != (FULL in site.notices):
            log.log(40 if full else 20, "storage.full" if full else "storage.has-room")
            site.notices = [notice for notice in site.notices if notice != FULL] + ([FULL] if full else [])
