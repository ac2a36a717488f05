"""What a person wrote survives editors, power cuts and mistakes."""

import json
from pathlib import Path

import msgspec
import pytest

from densach_core import documents
from densach_core.clock import FixedClock
from densach_core.database import Database
from densach_core.documents import Documents
from densach_core.errors import Conflict


class Plan(msgspec.Struct, frozen=True):
    id: str
    name: str


async def opened(tmp_path: Path) -> tuple[Database, Documents, FixedClock]:
    clock = FixedClock()
    db = await Database(tmp_path / "school.db", {"documents": documents.MIGRATIONS}).__aenter__()
    return db, Documents(tmp_path / "documents", db, clock), clock


async def test_put_get_remove_and_as_of(tmp_path: Path) -> None:
    db, docs, clock = await opened(tmp_path)
    shelf = docs.many("plans", Plan)
    await shelf.put(Plan("a", "Phòng máy 1"), by="lan")
    first = clock.now_ms()
    clock.advance(1000)
    await shelf.put(Plan("a", "Phòng máy 2"), by="lan")
    await shelf.put(Plan("b", "Studio"), by="lan")
    assert await shelf.get("a") == Plan("a", "Phòng máy 2")
    assert await shelf.as_of(first) == [Plan("a", "Phòng máy 1")]
    clock.advance(1000)
    await shelf.remove("b", by="lan")
    assert await shelf.all() == [Plan("a", "Phòng máy 2")]
    assert await shelf.as_of(clock.now_ms()) == [Plan("a", "Phòng máy 2")]
    assert "Phòng máy 2" in (tmp_path / "documents/plans.json").read_text("utf-8")
    docs.close()
    await db.__aexit__(None, None, None)


async def test_an_editor_that_saves_by_rename_is_seen_and_not_overwritten(tmp_path: Path) -> None:
    db, docs, _ = await opened(tmp_path)
    shelf = docs.many("plans", Plan)
    await shelf.put(Plan("a", "old"), by="lan")
    file = tmp_path / "documents/plans.json"
    body = file.read_text("utf-8").replace("old", "by hand")
    other = file.with_name("swap")
    other.write_text(body, "utf-8")
    other.replace(file)
    assert await shelf.get("a") == Plan("a", "by hand")
    await shelf.put(Plan("b", "new"), by="lan")
    assert {p.name for p in await shelf.all()} == {"by hand", "new"}
    docs.close()
    await db.__aexit__(None, None, None)


async def test_a_half_done_edit_is_kept_and_the_last_good_copy_served(tmp_path: Path) -> None:
    db, docs, _ = await opened(tmp_path)
    shelf = docs.many("plans", Plan)
    await shelf.put(Plan("a", "good"), by="lan")
    file = tmp_path / "documents/plans.json"
    broken = file.read_text("utf-8")[:-20]
    file.write_text(broken, "utf-8")
    assert await shelf.get("a") == Plan("a", "good")
    assert len(docs.faults()) == 1
    with pytest.raises(Conflict) as told:
        await shelf.put(Plan("b", "new"), by="lan")
    assert told.value.code == "documents.unreadable"
    assert file.read_text("utf-8") == broken
    docs.close()
    await db.__aexit__(None, None, None)


async def test_a_fresh_start_on_a_broken_file_serves_the_backup(tmp_path: Path) -> None:
    db, docs, _ = await opened(tmp_path)
    shelf = docs.many("plans", Plan)
    await shelf.put(Plan("a", "first"), by="lan")
    await shelf.put(Plan("a", "second"), by="lan")
    docs.close()
    (tmp_path / "documents/plans.json").write_text("{", "utf-8")
    again = Documents(tmp_path / "documents", db, FixedClock())
    assert await again.many("plans", Plan).get("a") == Plan("a", "first")
    again.close()
    await db.__aexit__(None, None, None)


async def test_a_default_until_somebody_writes(tmp_path: Path) -> None:
    db, docs, _ = await opened(tmp_path)
    single = docs.one("profile", Plan, Plan("profile", "—"))
    assert not await single.exists()
    assert (await single.get()).name == "—"
    await single.put(Plan("profile", "THCS Nguyễn Du"), by="lan")
    assert (await single.get()).name == "THCS Nguyễn Du"
    assert json.loads((tmp_path / "documents/profile.json").read_text("utf-8"))
    docs.close()
    await db.__aexit__(None, None, None)
