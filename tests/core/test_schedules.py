"""Work that is done once a day: missed, it is made up for; failed, it is tried again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import time
from pathlib import Path

from densach_core import schedules
from densach_core.clock import FixedClock
from densach_core.database import Database

HOUR_MS = 3_600_000


class Daily:
    """Fails as long as it is told to."""

    def __init__(self, school: Database, clock: FixedClock) -> None:
        self.school, self.clock = school, clock
        self.fails = True
        self.done = 0

    async def work(self) -> None:
        self.done += 1
        if self.fails:
            raise OSError("no disk")

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[None]:
        """One look at the clock: the next comes after a minute."""
        turn = schedules.daily(time(0, 0), self.work, name="backup", school=self.school, clock=self.clock)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(turn)
            yield
            task.cancel()

    async def noted(self) -> str:
        """What is noted of the run of now."""
        async with asyncio.timeout(30), self.looking():
            while (row := await self.school.read(lambda c: c.execute("SELECT * FROM schedule_run").fetchone())) is None or row[
                "at"
            ] != self.clock.now_ms():
                await asyncio.sleep(0.01)
        return str(row["outcome"])

    async def rests(self) -> bool:
        before = self.done
        async with self.looking():
            await asyncio.sleep(0.3)
        return self.done == before


async def test_once_a_day_and_each_hour_while_it_fails(tmp_path: Path) -> None:
    clock = FixedClock()
    async with Database(tmp_path / "school.db", {"schedules": schedules.MIGRATIONS}) as school:
        backup = Daily(school, clock)
        assert await backup.noted() == "failed: no disk"
        assert await backup.rests(), "not each minute"
        clock.advance(HOUR_MS)
        backup.fails = False
        assert await backup.noted() == "done"
        clock.advance(HOUR_MS)
        assert await backup.rests()
        clock.advance(24 * HOUR_MS)
        assert await backup.noted() == "done"
