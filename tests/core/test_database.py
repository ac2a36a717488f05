"""The database door: transactions, groups, limits, durability, migrations."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from densach_core.database import Database, connect
from densach_core.errors import Unavailable
from densach_core.migrations import Migration

STEPS = {"room": [Migration("first", "CREATE TABLE thing (id INTEGER PRIMARY KEY, word TEXT UNIQUE);")]}


async def test_a_write_is_one_transaction_and_rolls_back_whole(tmp_path: Path) -> None:
    def half(c: sqlite3.Connection) -> None:
        c.execute("INSERT INTO thing VALUES (1, 'a')")
        c.execute("INSERT INTO thing VALUES (1, 'b')")

    async with Database(tmp_path / "t.db", STEPS) as db:
        with pytest.raises(sqlite3.IntegrityError):
            await db.write(half)
        assert await db.read(lambda c: c.execute("SELECT count(*) FROM thing").fetchone()[0]) == 0


async def test_in_a_group_one_failure_harms_no_neighbour(tmp_path: Path) -> None:
    async with Database(tmp_path / "t.db", STEPS) as db:
        words = ["a", "b", "a", "c"]
        done = await asyncio.gather(
            *(db.write_grouped(lambda c, w=w: c.execute("INSERT INTO thing (word) VALUES (?)", (w,)).lastrowid) for w in words),  # type: ignore[misc]
            return_exceptions=True,
        )
        assert [isinstance(d, sqlite3.IntegrityError) for d in done] == [False, False, True, False]
        assert await db.read(lambda c: [r[0] for r in c.execute("SELECT word FROM thing ORDER BY word")]) == ["a", "b", "c"]


async def test_a_person_is_served_between_groups(tmp_path: Path) -> None:
    async with Database(tmp_path / "t.db", STEPS) as db:
        slow = [asyncio.ensure_future(db.write_grouped(lambda _: time.sleep(0.01))) for _ in range(50)]
        await asyncio.sleep(0.02)
        await db.write(lambda c: c.execute("INSERT INTO thing (word) VALUES ('person')"))
        await asyncio.gather(*slow)


async def test_a_reader_cannot_write_nor_run_for_ever(tmp_path: Path) -> None:
    async with Database(tmp_path / "t.db", STEPS) as db:
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            await db.read(lambda c: c.execute("INSERT INTO thing (word) VALUES ('x')"))
        endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
        with pytest.raises(Unavailable) as told:
            await db.read(lambda c: c.execute(endless).fetchone(), seconds=0.1)
        assert told.value.code == "database.too-slow"
        assert await db.read(lambda c: c.execute("SELECT 1").fetchone()[0]) == 1


async def test_after_closing_there_is_a_clear_answer(tmp_path: Path) -> None:
    async with Database(tmp_path / "t.db", STEPS) as db:
        pass
    with pytest.raises(Unavailable):
        await db.write(lambda c: c.execute("SELECT 1"))


@pytest.mark.parametrize(("durable", "level"), [(True, 2), (False, 1)])
def test_what_is_acknowledged_is_on_the_platter(tmp_path: Path, durable: bool, level: int) -> None:
    """WAL with synchronous=NORMAL (1) may lose acknowledged commits in a power cut; FULL (2) may not."""
    connection = connect(tmp_path / "t.db", durable=durable)
    assert connection.execute("PRAGMA synchronous").fetchone()[0] == level
    assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    connection.close()


async def test_a_full_disk_is_told_and_nothing_stored_is_lost(tmp_path: Path) -> None:
    async with Database(tmp_path / "t.db", STEPS) as db:
        await db.write(lambda c: c.execute("INSERT INTO thing (word) VALUES ('kept')"))
        await db.write(lambda c: c.execute("PRAGMA max_page_count=10"))

        def fill(c: sqlite3.Connection) -> None:
            c.executemany("INSERT INTO thing (word) VALUES (?)", ((f"{n} " * 200,) for n in range(1000)))

        with pytest.raises(Unavailable) as told:
            await db.write(fill)
        assert told.value.code == "database.disk-full"
        assert await db.read(lambda c: c.execute("SELECT word FROM thing").fetchall()[0][0]) == "kept"


async def test_a_newer_file_is_not_touched(tmp_path: Path) -> None:
    more = {"room": [*STEPS["room"], Migration("second", "ALTER TABLE thing ADD COLUMN size INTEGER;")]}
    async with Database(tmp_path / "t.db", more):
        pass
    with pytest.raises(Unavailable) as told:
        async with Database(tmp_path / "t.db", STEPS):
            pass
    assert told.value.code == "database.too-new"


async def test_before_a_migration_the_old_file_is_kept(tmp_path: Path) -> None:
    async with Database(tmp_path / "t.db", STEPS, backups=tmp_path / "backups") as db:
        await db.write(lambda c: c.execute("INSERT INTO thing (word) VALUES ('old')"))
    assert not (tmp_path / "backups").exists()
    more = {"room": [*STEPS["room"], Migration("second", "ALTER TABLE thing ADD COLUMN size INTEGER; DELETE FROM thing;")]}
    async with Database(tmp_path / "t.db", more, backups=tmp_path / "backups"):
        pass
    (copy,) = (tmp_path / "backups").iterdir()
    kept = sqlite3.connect(copy)
    assert kept.execute("SELECT word FROM thing").fetchone()[0] == "old"
    kept.close()


async def test_a_failing_migration_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    async with Database(tmp_path / "t.db", STEPS):
        pass
    bad = {"room": [*STEPS["room"], Migration("bad", "ALTER TABLE thing ADD COLUMN size INTEGER; SELECT nonsense;")]}
    with pytest.raises(sqlite3.OperationalError):
        async with Database(tmp_path / "t.db", bad):
            pass
    async with Database(tmp_path / "t.db", STEPS) as db:
        columns = await db.read(lambda c: [r["name"] for r in c.execute("PRAGMA table_info(thing)")])
        assert columns == ["id", "word"]


def test_what_was_answered_survives_kill_9(tmp_path: Path) -> None:
    script = textwrap.dedent("""
        import asyncio, sys
        from pathlib import Path
        from densach_core.database import Database
        from densach_core.migrations import Migration
        STEPS = {"room": [Migration("first", "CREATE TABLE thing (id INTEGER PRIMARY KEY, word TEXT UNIQUE);")]}
        async def main():
            async with Database(Path(sys.argv[1]), STEPS) as db:
                n = 0
                while True:
                    n += 1
                    await db.write_grouped(lambda c: c.execute("INSERT INTO thing (id) VALUES (?)", (n,)))
                    print(n, flush=True)
        asyncio.run(main())
    """)
    child = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "t.db")], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    last = 0
    for line in child.stdout:
        last = int(line)
        if last >= 50:
            break
    os.kill(child.pid, signal.SIGKILL)
    rest = child.stdout.read().split()
    child.stdout.close()
    child.wait()
    told = int(rest[-1]) if rest else last
    connection = connect(tmp_path / "t.db", durable=True)
    assert connection.execute("SELECT max(id) FROM thing").fetchone()[0] >= told
    assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    connection.close()
