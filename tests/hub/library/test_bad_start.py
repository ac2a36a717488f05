"""One bad file never keeps the hub from starting: whatever lies in its folders, the rest of the library is there."""

import asyncio
import sqlite3
import subprocess
import sys
from pathlib import Path

from tests.hub.library import made
from tests.hub.library.world import library_in, put_in, read_all

from densach_hub.library.batches import Stage
from densach_hub.library.model import Filters, State


async def test_rubbish_in_every_folder(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with library_in(data) as library:
        good = await put_in(library, tmp_path, "a.epub", made.epub())
        broken = await put_in(library, tmp_path, "b.epub", b"PK\x03\x04 half a book")
        waiting = await library.add_file(made.put(tmp_path, "c.pdf", made.pdf()), by="t")
        table = made.put(tmp_path, "t.csv", b"Nhan de\nMot\n")
        batch = await library.imports.begin(table, "t.csv", by="t")
        vault = library.vault
        files = [vault.path((await library.item(one, hidden=True)).file or "") for one in (waiting.item,)]
    for path in files:
        path.unlink()  # a file that is gone
    for folder in ("files", "uploads", "imports", "views"):
        for name in ("rubbish", "x.json", "y.part", "new-1", "making-1", "reading-1", "\u0111", ".hidden"):
            made.put(data / folder, name, b"\xff\x00{") if (data / folder).is_dir() else None
    (data / "uploads" / "z.json").mkdir()
    (data / "files" / "zz").mkdir()
    (data / "imports" / batch.id).write_bytes(b"PK\x03\x04" + bytes(range(256)) * 20)
    async with library_in(data) as library:
        running = asyncio.create_task(library.run())
        async with asyncio.timeout(60):
            while (await library.imports.batch(batch.id)).stage is Stage.READING:
                await asyncio.sleep(0.05)
            while (await library.item(waiting.item, hidden=True)).state is State.WAITING:
                await asyncio.sleep(0.05)
        assert not running.done()
        running.cancel()
        await asyncio.wait({running})
        states = {it.id: (it.state, it.problem) for it in await library.desk(list(State))}
        assert states[good.id] == (State.READY, None)
        assert states[broken.id] == (State.BROKEN, "library.damaged")
        assert states[waiting.item] == (State.BROKEN, "library.file-missing")
        assert (await library.imports.batch(batch.id)).stage is Stage.FAILED
        assert (await library.finder.search("dai so", Filters())).cards != ()


async def test_a_damaged_item_of_any_kind_is_read_again_without_harm(tmp_path: Path) -> None:
    """What is in the store was changed behind our back (a dying disk)."""
    data = tmp_path / "data"
    async with library_in(data) as library:
        it = await put_in(library, tmp_path, "a.epub", made.epub())
        path = library.file_of(it)
    path.write_bytes(path.read_bytes()[:300])
    with sqlite3.connect(data / "school.db") as c:
        c.execute("UPDATE item SET state = 'waiting'")
    async with library_in(data) as library:
        (now,) = await read_all(library)
        assert (now.state, now.problem) == (State.BROKEN, "library.damaged")


def test_the_hub_never_loads_libzim() -> None:
    program = "import sys, densach_hub.app; raise SystemExit(any(name.startswith('libzim') for name in sys.modules))"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
