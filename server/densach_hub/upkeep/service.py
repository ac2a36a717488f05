"""Looking after the hub itself, from its pages: time, health, backups."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
from aiohttp import web

from densach_core.accounts.model import Account
from densach_core.accounts.service import Audit
from densach_core.clock import SystemClock
from densach_core.place import system_clock_is_synchronised
from densach_hub.link.choice import BrokerSettings
from densach_hub.upkeep.backup import MANIFEST, backup, taken_at
from densach_hub.upkeep.doctor import Finding, examine

EARLIEST_MS = 1_767_200_400_000
"""1 Jan 2026 in the school's zone: a clock before that is wrong."""


class Copy(msgspec.Struct, frozen=True):
    """One backup: its folder, when it was taken (epoch ms), bytes without the shared library files."""

    folder: str
    taken_at: int
    size: int


class Upkeep:
    """`backups` is the folder the nightly backup goes to; `keep` how many stay."""

    def __init__(
        self, *, data: Path, backups: Path, keep: int, clock: SystemClock, audit: Audit, mqtt: BrokerSettings | None = None
    ) -> None:
        self._data = data
        self._backups = backups
        self._keep = keep
        self._clock = clock
        self._audit = audit
        self._mqtt = mqtt
        self._one_at_a_time = asyncio.Lock()

    def clock_is_doubtful(self) -> bool:
        """Whether the hub should be told the time: it woke up in the past, or nothing keeps its clock right."""
        return self._clock.source == "doubted" or self._clock.now_ms() < EARLIEST_MS

    def time_source(self) -> str:
        """ "network" (a time service keeps the system's clock), "system", "browser" or "doubted"."""
        if self._clock.source == "system" and system_clock_is_synchronised():
            return "network"
        return self._clock.source

    async def findings(self) -> list[Finding]:
        return await asyncio.to_thread(examine, self._data, self._backups, self._clock, self._mqtt)

    async def copies(self) -> list[Copy]:
        """Complete backups, newest first."""
        return await asyncio.to_thread(_copies, self._backups)

    async def back_up(self, *, by: Account | str, told: Callable[[str], None] = lambda _: None) -> Path:
        """Takes a backup now; a second call waits for the first."""
        async with self._one_at_a_time:
            folder = await asyncio.to_thread(
                backup, self._data, self._backups, now_ms=self._clock.now_ms(), keep=self._keep, told=told
            )
        await self._audit.note(by=by, what="upkeep.backup-taken", detail={"folder": folder.name})
        return folder


def _copies(backups: Path) -> list[Copy]:
    found = [
        Copy(path.parent.name, taken_at(path.parent), sum(p.stat().st_size for p in path.parent.rglob("*") if p.is_file()))
        for path in backups.glob(f"*/{MANIFEST}")
    ]
    return sorted(found, key=lambda copy: copy.taken_at, reverse=True)


UPKEEP = web.AppKey("upkeep", Upkeep)
