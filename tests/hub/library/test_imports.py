"""Imports: a preview that changes nothing, exactly that, undo; a kill at any moment leaves nothing half."""

import asyncio
import os
import signal
import sqlite3
import sys
from pathlib import Path

import pytest
from tests.hub.library import catalogues, made
from tests.hub.library.world import library_in

from densach_core.clock import FixedClock
from densach_core.errors import Conflict
from densach_hub.library import versions
from densach_hub.library.batches import Action, Batch, Stage
from densach_hub.library.model import Filters, Form, Record, State
from densach_hub.library.service import Library


async def bring(library: Library, folder: Path, body: bytes, name: str = "a.csv") -> Batch:
    path = folder / name
    await asyncio.to_thread(path.write_bytes, body)
    return await library.imports.settled((await library.imports.begin(path, name, by="Lan")).id)


async def applied(library: Library, batch: Batch) -> Batch:
    await library.imports.apply(batch.id)
    return await library.imports.settled(batch.id)


async def titles(library: Library) -> list[str]:
    return sorted(it.title for it in await library.desk(list(State), limit=1000))


async def test_a_preview_changes_nothing_and_the_import_does_what_it_showed(library: Library, tmp_path: Path) -> None:
    batch = await bring(library, tmp_path, catalogues.table().encode())
    assert (batch.stage, batch.format, batch.counts) == (Stage.PREVIEW, "csv", {"new": 3, "wrong": 1})
    assert await titles(library) == []
    (wrong, odd) = await library.imports.remarks(batch.id)
    assert (wrong.line, wrong.code, odd.line, odd.code) == (3, "import.no-title", 4, "import.copies")
    batch = await applied(library, batch)
    assert batch.stage is Stage.DONE
    assert await titles(library) == ["Dế Mèn phiêu lưu ký", "Một; hai", "Toán 6, tập 1"]
    assert [card.title for card in (await library.finder.search("de men", Filters())).cards] == ["Dế Mèn phiêu lưu ký"]
    with pytest.raises(Conflict):
        await library.imports.apply(batch.id)


async def test_the_same_file_twice_adds_nothing(library: Library, tmp_path: Path) -> None:
    await applied(library, await bring(library, tmp_path, catalogues.table().encode()))
    again = await bring(library, tmp_path, (catalogues.table() + catalogues.table().split("\r\n", 1)[1]).encode())
    assert again.counts == {"same": 6, "wrong": 2}
    twice = [row for row in await library.imports.remarks(again.id) if row.code == "import.twice"]
    assert len(twice) == 3


async def test_changes_are_shown_made_and_taken_back(tmp_path: Path) -> None:
    clock = FixedClock()
    async with library_in(tmp_path / "data", clock=clock) as library:
        first = b"".join(catalogues.marc(str(n), f"Sách {n}", "Tô Hoài") for n in range(3))
        await applied(library, await bring(library, tmp_path, first, "a.mrc"))
        clock.advance(1000)
        second = (
            catalogues.marc("1", "Sách 1, bản mới", "Tô Hoài")
            + catalogues.marc("2", "Sách 2", "Tô Hoài")
            + catalogues.marc("9", "Địa lý")
        )
        batch = await bring(library, tmp_path, second, "a.mrc")
        assert batch.counts == {"changed": 1, "same": 1, "new": 1}
        (row,) = await library.imports.rows(batch.id, Action.CHANGED)
        assert row.before is not None
        assert row.record is not None
        assert (row.before.title, row.record.title) == ("Sách 1", "Sách 1, bản mới")
        await applied(library, batch)
        assert await titles(library) == ["Sách 0", "Sách 1, bản mới", "Sách 2", "Địa lý"]
        kept = await library._school.read(lambda c: versions.of(c, row.item or ""))
        assert [(one.why, one.by) for one in kept] == [("import", "Lan"), ("added", "Lan")]
        clock.advance(1000)
        await library.imports.undo(batch.id)
        back = await library.imports.settled(batch.id)
        assert (back.stage, back.kept_back) == (Stage.UNDONE, 0)
        assert await titles(library) == ["Sách 0", "Sách 1", "Sách 2"]
        assert (await library.finder.search("dia ly", Filters())).cards == ()


async def test_undo_leaves_what_was_changed_or_used_since(tmp_path: Path) -> None:
    clock = FixedClock()
    async with library_in(tmp_path / "data", clock=clock) as library:
        batch = await applied(library, await bring(library, tmp_path, catalogues.table().encode()))
        clock.advance(1000)
        items = {it.title: it.id for it in await library.desk([State.READY])}
        await library.edit(items["Một; hai"], Record(title="Một, hai"), by="Hoa")
        await library.readers.put_on_shelf("reader", items["Toán 6, tập 1"])
        await library.imports.undo(batch.id)
        back = await library.imports.settled(batch.id)
        assert back.kept_back == 1
        assert (await library.item(items["Một; hai"])).title == "Một, hai"
        assert (await library.item(items["Toán 6, tập 1"], hidden=True)).state is State.WITHDRAWN
        assert await titles(library) == ["Một, hai", "Toán 6, tập 1"]


async def test_what_somebody_changes_after_the_preview_is_left_alone(tmp_path: Path) -> None:
    clock = FixedClock()
    async with library_in(tmp_path / "data", clock=clock) as library:
        await applied(library, await bring(library, tmp_path, catalogues.marc("1", "Sách", "A"), "a.mrc"))
        clock.advance(1000)
        batch = await bring(library, tmp_path, catalogues.marc("1", "Sách khác", "A"), "a.mrc")
        (it,) = await library.desk([State.READY])
        await library.edit(it.id, Record(title="Của tôi"), by="Hoa")
        await applied(library, batch)
        assert await titles(library) == ["Của tôi"]
        (row,) = await library.imports.rows(batch.id, Action.CHANGED)
        assert (row.done, row.code) == (2, "import.changed-meanwhile")


async def test_an_isbn_meets_its_item_and_one_with_another_title_does_not(library: Library, tmp_path: Path) -> None:
    await library.add_record(Record(title="Toán 6", identifiers=("ISBN 0-306-40615-2",)), by="t")
    body = catalogues.marc("1", "Toán 6.", "Ai", isbn="9780306406157") + catalogues.marc("2", "Lý 6", isbn="9780306406157")
    batch = await bring(library, tmp_path, body, "a.mrc")
    assert batch.counts == {"changed": 1, "new": 1}


async def test_a_calibre_folder_brings_its_files(library: Library, tmp_path: Path) -> None:
    folder = tmp_path / "calibre" / "A" / "B (1)"
    folder.mkdir(parents=True)
    made.put(folder, "b.epub", made.epub())
    (folder / "metadata.opf").write_text(
        '<package xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata><dc:title>Tên của tôi</dc:title></metadata></package>'
    )
    begun = await library.imports.begin(tmp_path / "calibre", "calibre", by="Lan")
    batch = await applied(library, await library.imports.settled(begun.id))
    await library.cataloguer.read_waiting()
    (it,) = await library.desk([State.READY])
    assert (it.title, it.form, it.language) == ("Tên của tôi", Form.FILE, "vi"), (
        "what the catalogue says holds, the rest is the file's"
    )
    await library.imports.undo(batch.id)
    await library.imports.settled(batch.id)
    assert (await library.item(it.id, hidden=True)).state is State.WITHDRAWN


async def test_a_file_that_is_nothing_fails_with_a_reason(library: Library, tmp_path: Path) -> None:
    batch = await bring(library, tmp_path, b"a,b\n1,2\n")
    assert (batch.stage, batch.code) == (Stage.FAILED, "import.no-header")
    await library.imports.drop(batch.id)
    assert await library.imports.latest() == []
    assert list(library.imports.folder.iterdir()) == []


@pytest.mark.parametrize(
    "body",
    [b"PK\x03\x04" + b"x" * 500, b"\xff\xfe<\x00" + b"\xd8" * 99, b"Nhan de,Nam\n" + b"x" * 3_000_000],
    ids=["no workbook", "no letters", "one line"],
)
async def test_no_file_ends_more_than_its_own_import(library: Library, tmp_path: Path, body: bytes) -> None:
    bad = await bring(library, tmp_path, body, "b.dat")
    assert bad.stage in {Stage.FAILED, Stage.PREVIEW}
    assert bad.counts.get("new", 0) == 0
    assert (await bring(library, tmp_path, catalogues.table().encode())).stage is Stage.PREVIEW


KILLED = """
import asyncio, sys
from pathlib import Path
from tests.hub.library.world import library_in
from densach_core.clock import SystemClock

async def main() -> None:
    async with library_in(Path(sys.argv[1]), clock=SystemClock()) as library:
        batch = await library.imports.begin(Path(sys.argv[2]), "a.csv", by="Lan")
        await library.imports.settled(batch.id)
        print("preview", flush=True)
        await library.imports.apply(batch.id)
        await library.imports.settled(batch.id)

asyncio.run(main())
"""


@pytest.mark.parametrize("moment", ["reading", "adding"])
async def test_a_kill_in_the_middle_shows_nothing_and_goes_on(tmp_path: Path, moment: str) -> None:
    data, source = tmp_path / "data", tmp_path / "a.csv"
    source.write_text("Nhan đề,Năm\n" + "".join(f"Sách số {n},2020\n" for n in range(6000)))
    root = Path(__file__).parents[3]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, str(data), str(source), cwd=root, env={**os.environ, "PYTHONPATH": str(root)},
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    question = "SELECT count(*) FROM item" if moment == "adding" else "SELECT count(*) FROM import_row"
    try:
        async with asyncio.timeout(60):
            while await asyncio.to_thread(_count, data / "school.db", question) == 0:
                await asyncio.sleep(0.005)
    finally:
        process.send_signal(signal.SIGKILL)
        await process.wait()
    assert await asyncio.to_thread(_count, data / "school.db", "SELECT count(*) FROM item WHERE state = 'ready'") == 0
    async with library_in(data) as library:
        await library.imports.work()
        (batch,) = await library.imports.latest()
        assert batch.stage is (Stage.DONE if moment == "adding" else Stage.PREVIEW)
        assert batch.counts == {"new": 6000}
        shown = await library.counts()
        assert shown == ({"ready": 6000} if moment == "adding" else {})


def _count(path: Path, question: str) -> int:
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as c:
            return int(c.execute(question).fetchone()[0])
    except sqlite3.Error:
        return 0
