"""Things done again and again: at an interval, or once a day at a school hour; the last run is kept on disk."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import time as daytime

import structlog

from densach_core.clock import Clock, day_of, day_start_ms
from densach_core.database import Database
from densach_core.errors import Unavailable
from densach_core.migrations import Migration

MIGRATIONS = [
    Migration("last runs", "CREATE TABLE schedule_run (name TEXT PRIMARY KEY, at INTEGER NOT NULL, outcome TEXT NOT NULL);")
]
log = structlog.get_logger("schedule")
DONE = "done"
AGAIN_MS = 3_600_000


async def every(seconds: float, work: Callable[[], Awaitable[object]], *, name: str, jitter: float = 0.1) -> None:
    """Runs `work` for ever, `seconds` apart (± jitter); a failure is logged and the next turn comes as planned."""
    while True:
        await asyncio.sleep(seconds * random.uniform(1 - jitter, 1 + jitter))  # noqa: S311 - spreads load
        try:
            await work()
        except Exception:
            log.exception("schedule.failed", name=name)


async def daily(at: daytime, work: Callable[[], Awaitable[object]], *, name: str, school: Database, clock: Clock) -> None:
    """Runs `work` once each school-zone day, at `at` or as soon after as the hub is up (catches up after a power cut).

    What failed is tried again each hour: a disk may have been plugged in since.
    """
    while True:
        now = clock.now_ms()
        due = day_start_ms(day_of(now)) + (at.hour * 60 + at.minute) * 60_000
        last = await school.read(lambda c: c.execute("SELECT at, outcome FROM schedule_run WHERE name = ?", (name,)).fetchone())
        again = last is not None and last["outcome"] != DONE and not 0 <= now - last["at"] < AGAIN_MS
        if now >= due and (last is None or last["at"] < due or again):
            outcome = DONE
            try:
                await work()
            except Exception as error:
                log.exception("schedule.failed", name=name)
                outcome = f"failed: {error}"
            row = (name, clock.now_ms(), outcome)
            try:
                await school.write(lambda c, row=row: c.execute("INSERT OR REPLACE INTO schedule_run VALUES (?, ?, ?)", row))  # type: ignore[misc]
            except Unavailable as problem:  # a full disk, perhaps of this very work
                log.warning("schedule.not-noted", name=name, reason=problem.code)
                await asyncio.sleep(3600)
        await asyncio.sleep(60)
