"""The index is made anew: the old one answers until the new one is whole, and a pulled plug costs nothing but time."""

import asyncio
import os
import signal
import sqlite3
import sys
import time
from functools import partial
from pathlib import Path

import msgspec
from tests.hub.library import made
from tests.hub.library.world import library_in, put_in

from densach_core.folding import fold
from densach_hub.library import index, sides, store
from densach_hub.library.formats.found import Passage
from densach_hub.library.model import Filters, Form, Item, Kind, Record, State
from densach_hub.library.service import Library

CHILD = """
import asyncio, sys
from pathlib import Path
from tests.hub.library.world import library_in
async def work():
    async with library_in(Path(sys.argv[1])) as library:
        print("begun", flush=True)
        await library.cataloguer.rebuild()
asyncio.run(work())
"""


def made_up(number: int) -> Item:
    digest = f"{number:064x}"
    return Item(
        id=f"{number:08x}", work_id=f"w{number}", edition_id=f"e{number}", title=f"Quyển số {number}", form=Form.FILE,
        state=State.READY, added_at=number, added_by="t", changed_at=number, ready_at=number, kind=Kind.PDF, file=digest,
    )  # fmt: skip


async def fill(library: Library, items: int, with_text: int) -> None:
    def add(c: sqlite3.Connection) -> None:
        for number in range(items):
            store.add(c, made_up(number))

    def put(c: sqlite3.Connection) -> None:
        for number in range(items):
            index.put(c, made_up(number))
        for number in range(items):
            texts = [f"trang {page} của quyển số {number}, quang hợp" for page in range(300)] if number < with_text else []
            passages = [Passage(page, None, text, fold(text)) for page, text in enumerate(texts)]
            if passages:
                index.add_text(c, f"{number:08x}", f"{number:064x}", passages)
            index.text_done(c, f"{number:08x}", f"{number:064x}")
        sides.whole(c, sides.all_sides(c)[0])

    await library._school.write(add)
    await library.finder._search.write(put)


async def found(library: Library, typed: str) -> tuple[int | None, int]:
    library.finder.changed()
    answer = await library.finder.search(typed, Filters())
    return answer.total, len(answer.inside)


async def test_the_old_index_answers_until_the_new_one_is_whole(library: Library, tmp_path: Path) -> None:
    await fill(library, 450, 3)
    await library.cataloguer.catch_up()
    one = await library.add_record(Record(title="Vật lí vui"), by="t")
    side = await library.finder._search.write(sides.begin)
    await library.finder._search.write(lambda c: index.put_all(c, [made_up(n) for n in range(200)], only=side))
    assert await library.finder._search.write(lambda c: index.add_kept(c, side, made_up(0).id, made_up(0).file or ""))
    assert await found(library, "quyển số") == (450, 3)
    assert await found(library, "quang hop") == (0, 3)
    await library.edit(one.item, Record(title="Hoá học vui"))
    assert (await found(library, "hoá học"))[0] == 1
    old = await library.finder._search.read(sides.answering)
    assert await library.cataloguer.catch_up() <= 451 + 450 - 200
    new = await library.finder._search.read(sides.answering)
    assert (old and old.name) != (new and new.name)
    assert await library.finder._search.read(sides.version) == sides.VERSION
    assert await found(library, "quyển số") == (450, 3)
    assert await found(library, "quang hop") == (0, 3)
    assert (await found(library, "hoá học"))[0] == 1
    assert await library.cataloguer.catch_up() == 0


async def test_the_first_page_is_the_same_from_the_index_as_from_the_catalogue(library: Library) -> None:
    subjects = ("toan", "vat-ly", "hoa-hoc", None)
    for number in range(40):
        first = number % 9 + 1 if number % 5 else None
        some = {"subject": subjects[number % 7 % 4], "grade_from": first, "grade_to": first + number % 3 if first else None}
        one = msgspec.structs.replace(made_up(number), **some)
        await library._school.write(partial(store.add, new=one))
    library.finder.changed()
    from_catalogue = await library.finder.home()
    await library.cataloguer.catch_up()
    assert await library.finder._search.read(sides.version) == sides.VERSION
    from_index = await library.finder.home()
    assert from_index is not from_catalogue
    assert from_index == from_catalogue
    await library.withdraw(made_up(39).id, by="t", why="")
    assert (await library.finder.home()).items == 39
    assert made_up(39).id not in {card.id for card in (await library.finder.home()).new}


async def test_half_a_text_is_not_found(library: Library, tmp_path: Path) -> None:
    it = await put_in(library, tmp_path, "a.epub", made.epub())
    await library.finder._search.write(lambda c: index.remove_text(c, it.id))
    await library.finder._search.write(lambda c: index.add_text(c, it.id, it.file or "", [Passage(0, None, "straße", "strasse")]))
    assert await found(library, "strasse") == (0, 0)
    assert await library.finder.inside("strasse", it.id) == []
    assert await library.cataloguer.catch_up() == 1
    assert await found(library, "strasse") == (0, 1)
    assert len(await library.finder.inside("strasse", it.id)) == 1


async def test_what_the_catalogue_lost_leaves_the_index(library: Library) -> None:
    await fill(library, 30, 1)
    await library._school.write(lambda c: c.execute("UPDATE item SET state = 'withdrawn' WHERE id = ?", (made_up(0).id,)))
    assert await library.cataloguer.catch_up() == 1
    assert await found(library, "quyển số") == (29, 0)
    await library.finder._search.write(_sound)


async def test_a_rebuild_killed_anywhere_goes_on_where_it_was(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with library_in(data) as library:
        await fill(library, 900, 12)
        first = await library.finder._search.read(sides.answering)
        assert first is not None
    for round_ in range(3):
        await kill_in_the_middle(data, progress=900 * (round_ + 1) // 3)
        async with library_in(data) as library:
            assert await found(library, "quyển số") == (900, 6)
            assert await found(library, "quang hop") == (0, 6)
    async with library_in(data) as library:
        await library.cataloguer.catch_up()
        await library.cataloguer.rebuild()
        assert await found(library, "quyển số") == (900, 6)
        assert await found(library, "quang hop") == (0, 6)
        await library.finder._search.write(_sound)
        assert await library.cataloguer.catch_up() == 0


async def kill_in_the_middle(data: Path, *, progress: int) -> None:
    """Starts a rebuild in a process of its own and kills it once the new side holds so many items, or is whole."""
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", CHILD, str(data), stdout=asyncio.subprocess.PIPE)
    assert child.stdout is not None
    await child.stdout.readline()
    until = time.monotonic() + 60
    while time.monotonic() < until and child.returncode is None:
        if _built(data / "search.db") >= progress:
            break
        await asyncio.sleep(0.002)
    if child.returncode is None:
        os.kill(child.pid, signal.SIGKILL)
    await child.wait()


def _built(path: Path) -> int:
    c = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=10)
    try:
        row = c.execute("SELECT name FROM side WHERE NOT answers").fetchone()
        return 0 if row is None else int(c.execute(f"SELECT count(*) FROM entry_{row[0]}").fetchone()[0])
    finally:
        c.close()


def _sound(c: sqlite3.Connection) -> None:
    side = sides.answering(c)
    assert side is not None
    c.execute(f"INSERT INTO {side.words} ({side.words}, rank) VALUES ('integrity-check', 1)")
    assert c.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    assert c.execute("SELECT count(*) FROM side").fetchone()[0] == 1
