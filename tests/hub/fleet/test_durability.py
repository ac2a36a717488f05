"""What is acknowledged is on disk; a hub restored from yesterday asks for what it forgot."""

import shutil
from pathlib import Path
from sqlite3 import Connection

import pytest
from tests.hub.fleet.conftest import MORNING, Lab

from densach_core.database import Database
from densach_hub.fleet import store
from densach_hub.fleet.receiving import receive
from densach_hub.fleet.telling import Arrival, Arrived
from densach_wire.messages import Event


def batch(first: int, last: int) -> Arrival:
    records = tuple(Arrived(seq, MORNING + seq, Event(f"e{seq}")) for seq in range(first, last + 1))
    return Arrival(device="pc-1", stream="s1", boot="b1", received_at=MORNING, records=records)


async def test_both_files_survive_a_power_cut(school: Database, telemetry: Database) -> None:
    """2 is FULL: with NORMAL the last commits of a WAL may be lost although they were acknowledged."""
    for database in (school, telemetry):
        assert await database.write(lambda c: c.execute("PRAGMA synchronous").fetchone()[0]) == 2
        assert await database.write(lambda c: c.execute("PRAGMA journal_mode").fetchone()[0]) == "wal"


async def test_a_restored_hub_asks_for_what_it_forgot_and_loses_nothing(tmp_path: Path) -> None:
    migrations = {"fleet": store.TELEMETRY_MIGRATIONS}
    async with Database(tmp_path / "telemetry.db", migrations) as database:
        assert (await database.write(lambda c: receive(c, batch(1, 10)))).upto == 10
        await database.copy_to(tmp_path / "backup.db")
        assert (await database.write(lambda c: receive(c, batch(11, 20)))).upto == 20
    for leftover in tmp_path.glob("telemetry.db*"):
        leftover.unlink()
    shutil.copy(tmp_path / "backup.db", tmp_path / "telemetry.db")
    async with Database(tmp_path / "telemetry.db", migrations) as database:
        hole = await database.write(lambda c: receive(c, batch(21, 25)))
        assert (hole.upto, hole.resend_from) == (10, 11)
        filled = await database.write(lambda c: receive(c, batch(11, 25)))
        assert (filled.upto, filled.lost) == (25, 0)
        kinds = await database.read(lambda c: [r[0] for r in c.execute("SELECT kind FROM event ORDER BY id")])
    assert kinds == [f"e{seq}" for seq in range(1, 26)]


async def test_a_failing_batch_leaves_nothing_behind(lab: Lab, telemetry: Database) -> None:
    def work(c: Connection) -> None:
        receive(c, batch(1, 3))
        raise RuntimeError("power")

    with pytest.raises(RuntimeError):
        await telemetry.write_grouped(work)
    assert await telemetry.read(lambda c: c.execute("SELECT count(*) FROM event").fetchone()[0]) == 0
    assert await lab.fleet.telemetry.mark("pc-1", "s1") is None
