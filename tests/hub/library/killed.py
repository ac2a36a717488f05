"""A library that is killed at many points, or whose disk is full: `python -m tests.hub.library.killed (kill|full) FOLDER`.

Each try is a fork of this process, so that it costs a tenth of a second: it works, is ended in the middle by the kernel, and
another fork looks at what it left. Prints how many tries did not come to their end; any broken promise is an error.
"""

import asyncio
import hashlib
import os
import re
import shutil
import signal
import sys
import traceback
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path

from tests.hub.library import made
from tests.hub.library.world import library_in, read_all

from densach_core.clock import SystemClock
from densach_core.errors import Problem, Unavailable
from densach_hub.library import vault
from densach_hub.library.batches import Stage
from densach_hub.library.model import State
from densach_hub.library.service import Library
from densach_hub.library.uploads import Upload

BODY = made.mp4(title="Phim bị ngắt", filler=700_000)
PIECE = 150_000
BOOKS = 400
Work = Callable[[Path], Coroutine[None, None, None]]


async def pieces(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def send(library: Library, said: Path, upload: Upload | None = None) -> None:
    """Sends what is missing; each acknowledgement is noted (and on disk) as a browser would believe it."""
    if upload is None:
        upload = await library.uploads.create(
            "phim.mp4", len(BODY), by="Lan", by_id="lan", expected=hashlib.sha256(BODY).hexdigest()
        )
        note(said, f"upload {upload.id}")
    while (offset := await library.uploads.offset(upload)) < len(BODY) and not upload.sha256:
        here = await library.uploads.append(upload, offset, pieces(BODY[offset : offset + PIECE]))
        note(said, f"offset {here.offset}")
    done = await library.finish_upload(upload)
    note(said, f"item {done.item}")


async def uploading(folder: Path) -> None:
    async with library_in(folder / "data", clock=SystemClock()) as library:
        await send(library, folder / "said")


async def after_uploading(folder: Path) -> None:
    said = notes(folder / "said")
    async with library_in(folder / "data", clock=SystemClock()) as library:
        whole_files(library)
        for it in await library.desk(list(State)):
            assert it.file == hashlib.sha256(BODY).hexdigest(), "a half file became an item"
        if "upload" in said:
            upload = await library.uploads.get(said["upload"], "lan")
            assert upload.item is not None or await library.uploads.offset(upload) >= int(said.get("offset", 0))
            if "item" in said:
                assert upload.item == said["item"], "an acknowledged item is gone"
            await send(library, folder / "said", upload)
        else:
            await send(library, folder / "said")
        (it,) = await read_all(library)
        assert (it.id, it.state, it.title) == (notes(folder / "said")["item"], State.READY, "Phim bị ngắt")
        assert await asyncio.to_thread(library.file_of(it).read_bytes) == BODY


async def importing(folder: Path) -> None:
    source = folder / "a.csv"
    await asyncio.to_thread(source.write_text, "Nhan đề,Năm\n" + "".join(f"Sách số {n},2020\n" for n in range(BOOKS)))
    async with library_in(folder / "data", clock=SystemClock()) as library:
        batch = await library.imports.begin(source, "a.csv", by="Lan")
        note(folder / "said", f"batch {batch.id}")
        await library.imports.settled(batch.id)
        await library.imports.apply(batch.id)
        note(folder / "said", f"applied {batch.id}")
        await library.imports.settled(batch.id)


async def after_importing(folder: Path) -> None:
    said = notes(folder / "said")
    async with library_in(folder / "data", clock=SystemClock()) as library:
        assert (await library.counts()).get("ready", 0) in {0, BOOKS}, "half an import is seen"
        for batch in await library.imports.latest():
            now = await library.imports.settled(batch.id)
            if now.stage is Stage.PREVIEW and "applied" not in said:
                assert now.counts == {"new": BOOKS}
                await library.imports.apply(batch.id)
                now = await library.imports.settled(batch.id)
            assert now.stage is Stage.DONE, now
        if "batch" in said:
            assert [batch.id for batch in await library.imports.latest()] == [said["batch"]]
            assert await library.counts() == {"ready": BOOKS}


async def reading(folder: Path) -> None:
    """A book that is read into the catalogue and the index."""
    path = folder / "a.epub"
    await asyncio.to_thread(path.write_bytes, made.epub())
    async with library_in(folder / "data", clock=SystemClock()) as library:
        added = await library.add_file(path, by="Lan")
        note(folder / "said", f"item {added.item}")
        await library.cataloguer.read_waiting()


async def after_reading(folder: Path) -> None:
    said = notes(folder / "said")
    async with library_in(folder / "data", clock=SystemClock()) as library:
        whole_files(library)
        items = await read_all(library)
        await library.cataloguer.catch_up()
        if "item" in said:
            (it,) = items
            assert (it.id, it.state, it.title) == (said["item"], State.READY, made.TITLE), it
            assert await library.finder.inside("phương trình", it.id) != []
        assert not list((folder / "data" / "uploads").glob("reading-*"))


def whole_files(library: Library) -> None:
    """Every file that has its name is what the name says."""
    for path in library.vault.folder.glob("??/*"):
        assert vault.digest_of(path) == path.name, "a half file has its name"


TRIES: dict[str, tuple[Work, Work]] = {
    "upload": (uploading, after_uploading),
    "import": (importing, after_importing),
    "reading": (reading, after_reading),
}


def note(path: Path, words: str) -> None:
    with path.open("a") as file:
        file.write(f"{words}\n")


def notes(path: Path) -> dict[str, str]:
    return dict(line.split(" ", 1) for line in path.read_text().splitlines()) if path.exists() else {}


def forked(work: Work, folder: Path, before: Callable[[], None] = lambda: None) -> int:
    """How a fork that does `work` ended: 0, 1 for an error, 3 for a full disk, minus the signal that killed it."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            before()
            asyncio.run(work(folder))
            code = 0
        except BaseException as error:  # noqa: BLE001 - how it ended is what is asked
            code = 3 if is_full(error) else 1
            if code == 1:
                traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def is_full(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(is_full(one) for one in error.exceptions)
    words = f"{error} {error.__cause__}"
    return (
        isinstance(error, Unavailable)
        or (isinstance(error, OSError) and error.errno in vault.FULL)
        or bool(re.search("disk is full|disk I/O error", words))
    )


def killed_after(milliseconds: float) -> Callable[[], None]:
    """The kernel ends the process then, wherever it is; nothing in it is asked."""

    def arm() -> None:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, milliseconds / 1000)

    return arm


def killed_at(touch: int) -> Callable[[], None]:
    """Ends it as it opens, renames or removes its n-th file."""

    def arm() -> None:
        left = touch

        def count(event: str, _: object) -> None:
            nonlocal left
            if event in {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "shutil.rmtree"}:
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)

    return arm


def kill(top: Path, name: str) -> int:
    """At many points of the way; returns how many tries were killed before their end."""
    work, after = TRIES[name]
    killed = 0
    arms = [killed_at(touch) for touch in range(3, 30, 3)]
    arms += [killed_after(ms) for ms in (40, 120, 250)]
    pattern = opened(top)
    for number, arm in enumerate(arms):
        folder = shutil.copytree(pattern, top / str(number))
        ended = forked(work, folder, arm)
        assert ended in {0, -signal.SIGKILL, -signal.SIGALRM}, ended
        killed += ended != 0
        assert forked(after, folder) == 0, (number, ended)
        shutil.rmtree(folder)
    return killed


def full(top: Path, name: str) -> int:
    """With less and less room on a disk of its own; returns how many tries met the end of it."""
    work, after = TRIES[name]

    met = 0
    pattern = opened(top)
    for number, room in enumerate((60, 200, 450, 900)):
        folder = shutil.copytree(pattern, top / str(number))
        ballast = folder / "ballast"
        free = shutil.disk_usage(folder).free - room * 1024
        with ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, free)
        ended = forked(work, folder)
        assert ended in {0, 3}, (number, room, ended)
        met += ended == 3
        ballast.unlink()
        assert forked(after, folder) == 0, (number, room, ended)
        shutil.rmtree(folder)
    return met


def opened(top: Path) -> Path:
    """A folder with the databases of an empty library, to be copied for each try."""

    async def make(folder: Path) -> None:
        async with library_in(folder / "data", clock=SystemClock()):
            pass

    pattern = top / "pattern"
    pattern.mkdir()
    assert forked(make, pattern) == 0
    return pattern


if __name__ == "__main__":
    vault.KEEP_FREE_BYTES = 0  # the disk of these tries is smaller than what a hub keeps free
    how = {"kill": kill, "full": full}[sys.argv[1]]
    try:
        sys.stdout.write(f"{how(Path(sys.argv[3]), sys.argv[2])}\n")
    except Problem as problem:
        raise SystemExit(str(problem)) from problem
