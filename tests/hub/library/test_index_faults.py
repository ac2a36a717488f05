"""Plugs pulled and full disks while texts go into the index: everything is found afterwards, and nothing twice."""

import asyncio
import os
import random
import signal
import sqlite3
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from tests.hub.library import made
from tests.hub.library.test_rebuild import fill, found
from tests.hub.library.world import World, library_in

from densach_core.accounts.model import Role
from densach_core.errors import Unavailable
from densach_core.folding import fold
from densach_hub.library import index, sides
from densach_hub.library.formats.found import Passage
from densach_hub.library.model import Filters, State
from densach_hub.library.query import spelled, words_of
from densach_hub.library.service import Library

BOOKS, CHAPTERS = 8, 30
_ALL = Filters()
CHILD = """
import asyncio, sys
from pathlib import Path
from tests.hub.library.world import library_in
async def work():
    async with library_in(Path(sys.argv[1])) as library:
        print("begun", flush=True)
        await library.cataloguer.catch_up()
        await library.cataloguer.read_waiting()
asyncio.run(work())
"""


def book(number: int) -> bytes:
    texts = {f"Chương {n}": f"Trang riêng{number}x{n}. " + "quang hợp ở lá cây " * 60 for n in range(CHAPTERS)}
    return made.epub(f"Quyển {number}", texts)


async def test_reading_killed_at_any_moment_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with library_in(data) as library:
        for number in range(BOOKS):
            path = tmp_path / f"{number}.epub"
            await asyncio.to_thread(path.write_bytes, book(number))
            await library.add_file(path, by="t")
    chance = random.Random(20)
    for _ in range(3):
        await killed(data, after_passages=chance.randrange(1, BOOKS * CHAPTERS))
    async with library_in(data) as library:
        await library.cataloguer.catch_up()
        await library.cataloguer.read_waiting()
        assert await library.counts() == {State.READY: BOOKS}
        for number in range(BOOKS):
            for chapter in (0, CHAPTERS - 1):
                answer = await library.finder.search(f"riêng{number}x{chapter} ", _ALL)
                assert [(one.card.title, one.pages) for one in answer.inside] == [(f"Quyển {number}", 1)]
        await library.finder._search.write(in_step)
        assert await library.cataloguer.catch_up() == 0


async def killed(data: Path, *, after_passages: int) -> None:
    """Reads in a process of its own and kills it (-9) once so many passages are in, or nothing is left to read."""
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", CHILD, str(data), stdout=asyncio.subprocess.PIPE)
    assert child.stdout is not None
    await child.stdout.readline()
    until = time.monotonic() + 60
    while time.monotonic() < until and child.returncode is None and _passages(data / "search.db") < after_passages:
        await asyncio.sleep(0.002)
    if child.returncode is None:
        os.kill(child.pid, signal.SIGKILL)
    await child.wait()


def _passages(path: Path) -> int:
    c = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=10)
    try:
        return int(c.execute("SELECT count(*) FROM passage").fetchone()[0])
    finally:
        c.close()


def in_step(c: sqlite3.Connection) -> None:
    """What is counted as it comes is what a count of everything says; the words of the index are those of the texts."""
    side = sides.answering(c)
    assert side is not None
    c.execute(f"INSERT INTO {side.words} ({side.words}, rank) VALUES ('integrity-check', 1)")
    said = c.execute(f"SELECT title, people, topics FROM {side.said}").fetchall()
    assert counted(c, side.word) == Counter(word for row in said for column in row for word in set(words_of(column)))
    heard = Counter[str]()
    for row in c.execute("SELECT id, body FROM passage").fetchall():
        heard.update(set(words_of(spelled(index.unpacked(row["body"])))))
    assert counted(c, side.heard) == heard
    for word in ("quang", "hop", "trang"):
        there = c.execute(f"SELECT count(*) FROM {side.passages} WHERE {side.passages} MATCH ?", (word,)).fetchone()[0]
        assert there == heard[word]
    shapes = c.execute(f"SELECT id, n FROM {side.shape} WHERE n > 0").fetchall()
    alike = c.execute(f"SELECT shape, count(*) FROM {side.entry} GROUP BY 1").fetchall()
    assert sorted(map(tuple, shapes)) == sorted(map(tuple, alike))


def counted(c: sqlite3.Connection, table: str) -> dict[str, int]:
    return {row["term"]: row["n"] for row in c.execute(f"SELECT term, n FROM {table}")}


async def room(library: Library, pages: int | None) -> None:
    """Lets search.db grow by so many pages and no further, as on a full disk (None: as far as it wants)."""

    def set_it(c: sqlite3.Connection) -> None:
        now = c.execute("PRAGMA page_count").fetchone()[0]
        c.execute(f"PRAGMA max_page_count = {now + pages if pages is not None else 2**30}")

    await library.finder._search.write(set_it)


async def test_a_full_disk_stops_a_rebuild_and_the_old_index_answers(library: Library) -> None:
    await fill(library, 300, 6)
    old = await library.finder._search.read(sides.answering)
    for pages in (0, 8, 25):
        await room(library, pages)
        with pytest.raises(Unavailable) as told:
            await library.cataloguer.rebuild()
        assert told.value.code == "database.disk-full"
        assert await library.finder._search.read(sides.answering) is old
        assert (await found(library, "quyển số"), await found(library, "quang hop")) == ((300, 6), (0, 6))
    await room(library, None)
    await library.cataloguer.catch_up()
    assert await library.finder._search.read(sides.answering) is not old
    assert (await found(library, "quyển số"), await found(library, "quang hop")) == ((300, 6), (0, 6))
    await library.finder._search.write(in_step)


async def test_a_book_that_came_while_the_disk_was_full_is_found_later(world: World, tmp_path: Path) -> None:
    library = world.library
    path = tmp_path / "a.epub"
    path.write_bytes(book(1))
    await library.add_file(path, by="t")
    await room(library, 2)
    for _ in range(5):
        reading = asyncio.create_task(library.cataloguer.run())
        with pytest.raises(Unavailable):
            await asyncio.wait_for(reading, 60)
    (it,) = await library.desk(list(State), limit=10)
    assert it.state is not State.BROKEN
    assert "note--red" in await world.text("/desk/list", await world.as_(Role.LIBRARIAN))
    await room(library, None)
    reading = asyncio.create_task(library.cataloguer.run())
    until = time.monotonic() + 60
    while (await found(library, "riêng1x0"))[1] != 1:
        assert time.monotonic() < until
        await asyncio.sleep(0.05)
    assert library.cataloguer.trouble is None
    reading.cancel()
    with suppress(asyncio.CancelledError):
        await reading
    await library.finder._search.write(in_step)


async def test_an_item_of_very_many_parts_goes_in_by_slices(library: Library) -> None:
    """A ZIM file's articles are passages of one item: adding a slice must not cost more because there are many before it."""
    await fill(library, 1, 0)
    it, file = f"{0:08x}", f"{0:064x}"
    took = []
    await library.finder._search.write(lambda c: index.remove_text(c, it))
    for start in range(0, 20_000, 500):
        part = [Passage(n, f"Bài {n}", text := f"bài số{n} về sông núi", fold(text)) for n in range(start, start + 500)]
        took.append(await library.finder._search.write(lambda c, part=part: _spent(c, it, file, part)))  # type: ignore[misc]
    await library.finder._search.write(lambda c: index.text_done(c, it, file))
    assert sorted(took[-8:])[4] < 4 * sorted(took[:8])[4]
    assert [hit.section for hit in await library.finder.inside("số19999 ", it)] == [19_999]
    answer = await library.finder.search("số777 ", _ALL)
    assert [[hit.label for hit in one.hits] for one in answer.inside] == [["Bài 777"]]


def _spent(c: sqlite3.Connection, it: str, file: str, part: list[Passage]) -> float:
    began = time.thread_time()
    index.add_text(c, it, file, part)
    return time.thread_time() - began
