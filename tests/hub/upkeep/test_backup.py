"""Backups of a working hub, and the way back; a damaged or half backup never replaces anything."""

import asyncio
import hashlib
import sqlite3
from pathlib import Path

import pytest

from densach_core.clock import FixedClock
from densach_core.database import Database
from densach_core.errors import BadInput, Conflict, NotFound, Unavailable
from densach_core.migrations import Migration
from densach_hub.upkeep.backup import backup, newest, restore
from densach_hub.upkeep.doctor import Verdict, examine

STEPS = {"t": [Migration("one", "CREATE TABLE thing (n INTEGER PRIMARY KEY);")]}
NOW = FixedClock().now_ms()


def filled(data: Path) -> None:
    (data / "documents").mkdir(parents=True)
    (data / "documents/rooms.json").write_text('{"_default": {}}', "utf-8")
    (data / "keys").mkdir()
    (data / "keys/ca.key").write_text("secret", "utf-8")
    (data / "files/ab").mkdir(parents=True)
    (data / "files/ab/abcd.pdf").write_bytes(b"book")


async def test_a_running_hub_is_backed_up_whole(tmp_path: Path) -> None:
    data = tmp_path / "data"
    filled(data)
    async with Database(data / "school.db", STEPS) as db, Database(data / "telemetry.db", STEPS):
        going = True

        async def busy() -> int:
            n = 0
            while going:
                n += 1
                await db.write(lambda c, n=n: c.execute("INSERT INTO thing VALUES (?)", (n,)))  # type: ignore[misc]
            return n

        writer = asyncio.create_task(busy())
        await asyncio.sleep(0.05)
        folder = await asyncio.to_thread(backup, data, tmp_path / "backups", now_ms=NOW)
        going = False
        written = await writer
    assert newest(tmp_path / "backups") == folder
    manifest = await asyncio.to_thread(restore, tmp_path / "backups", tmp_path / "again")
    assert manifest.stored == ("ab/abcd.pdf",)
    kept = sqlite3.connect(tmp_path / "again/school.db")
    n = kept.execute("SELECT max(n) FROM thing").fetchone()[0]
    kept.close()
    assert 0 < n <= written
    assert (tmp_path / "again/keys/ca.key").read_text("utf-8") == "secret"
    assert (tmp_path / "again/files/ab/abcd.pdf").read_bytes() == b"book"


async def test_stored_files_are_copied_once_and_old_backups_thinned(tmp_path: Path) -> None:
    data = tmp_path / "data"
    filled(data)
    async with Database(data / "school.db", STEPS):
        pass
    told: list[str] = []
    for n in range(4):
        backup(data, tmp_path / "b", now_ms=NOW + n * 86_400_000, keep=2, told=told.append)
    assert told.count("ab/abcd.pdf") == 1
    assert len(list((tmp_path / "b").glob("*/manifest.json"))) == 2


async def test_a_half_backup_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "b/.20261124-020000.part").mkdir(parents=True)
    (tmp_path / "b/20261124-020000").mkdir()
    assert newest(tmp_path / "b") is None
    with pytest.raises(NotFound):
        restore(tmp_path / "b", tmp_path / "again")


async def test_damage_is_found_before_anything_is_put_in_place(tmp_path: Path) -> None:
    data = tmp_path / "data"
    filled(data)
    async with Database(data / "school.db", STEPS):
        pass
    folder = backup(data, tmp_path / "b", now_ms=NOW)
    (folder / "keys/ca.key").write_text("tampered", "utf-8")
    with pytest.raises(BadInput) as told:
        restore(tmp_path / "b", tmp_path / "again")
    assert told.value.code == "restore.damaged"
    assert not (tmp_path / "again").exists()


async def test_a_rotten_book_is_named_and_costs_nobody_the_school(tmp_path: Path) -> None:
    data = tmp_path / "data"
    filled(data)
    async with Database(data / "school.db", STEPS):
        pass
    name = hashlib.sha256(b"a whole book").hexdigest()
    place = f"{name[:2]}/{name}"
    (data / "files" / name[:2]).mkdir(exist_ok=True)
    (data / "files" / place).write_bytes(b"a whole book")
    (data / "files/new-ab12").write_bytes(b"on its way")
    backup(data, tmp_path / "b", now_ms=NOW)
    (tmp_path / "b/files" / place).write_bytes(b"a whale book")
    with pytest.raises(BadInput):
        restore(tmp_path / "b", tmp_path / "strict")
    assert not (tmp_path / "strict").exists()
    lost: list[str] = []
    restore(tmp_path / "b", tmp_path / "again", without=lost.append)
    assert lost == [place]
    assert sorted(path.name for path in (tmp_path / "again/files").rglob("*") if path.is_file()) == ["abcd.pdf"]


async def test_a_missing_disk_is_said_so(tmp_path: Path) -> None:
    data = tmp_path / "data"
    filled(data)
    async with Database(data / "school.db", STEPS):
        pass
    (tmp_path / "mounted").write_text("no folder", "utf-8")
    with pytest.raises(Unavailable) as told:
        backup(data, tmp_path / "mounted/densach", now_ms=NOW)
    assert told.value.code == "backup.no-folder"


async def test_work_that_fails_half_way_leaves_nothing_behind(tmp_path: Path) -> None:
    data = tmp_path / "data"
    filled(data)
    async with Database(data / "school.db", STEPS):
        pass
    (data / "documents/away.json").symlink_to(tmp_path / "nowhere")
    with pytest.raises(OSError, match="No such file"):
        backup(data, tmp_path / "backups", now_ms=NOW)
    assert list((tmp_path / "backups").iterdir()) == []
    (data / "documents/away.json").unlink()
    folder = backup(data, tmp_path / "backups", now_ms=NOW)
    (folder / "keys/ca.key").write_text("changed", "utf-8")
    with pytest.raises(BadInput):
        restore(tmp_path / "backups", tmp_path / "again")
    assert not (tmp_path / "again.restoring").exists()


def test_a_folder_with_a_hub_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "b/x").mkdir(parents=True)
    (tmp_path / "b/x/manifest.json").write_text('{"version":1,"taken_at":1,"parts":[],"stored":[]}', "utf-8")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/school.db").write_text("", "utf-8")
    with pytest.raises(Conflict):
        restore(tmp_path / "b", tmp_path / "data")


async def test_doctor_names_what_is_wrong(tmp_path: Path) -> None:
    data = tmp_path / "data"
    filled(data)
    async with Database(data / "school.db", STEPS) as db:
        await db.write(lambda c: c.executemany("INSERT INTO thing VALUES (?)", ((n,) for n in range(20_000))))
    found = {f.subject: f.verdict for f in examine(data, tmp_path / "b", FixedClock())}
    assert found["school.db"] is Verdict.FINE
    assert found["telemetry.db"] is Verdict.LOOK
    assert found["backup"] is Verdict.LOOK
    body = bytearray((data / "school.db").read_bytes())
    body[8192:12288] = b"\x55" * 4096
    (data / "school.db").write_bytes(body)
    (data / "documents/rooms.json").write_text("{", "utf-8")
    found = {f.subject: f.verdict for f in examine(data, tmp_path / "b", FixedClock(0))}
    assert found["school.db"] is Verdict.BROKEN
    assert found["documents/rooms.json"] is Verdict.BROKEN
    assert found["clock"] is Verdict.BROKEN
