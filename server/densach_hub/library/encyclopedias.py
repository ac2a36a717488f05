"""ZIM files in the hub: processes that have them open (at most three, closed when idle), and their articles into the index.

A file of a hundred thousand articles is readable at once; its articles become findable in batches, in the background, and
after a power cut from where that was.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from sqlite3 import Connection

import msgspec
import structlog

from densach_core.database import Database
from densach_core.errors import NotFound, Unavailable
from densach_core.text import t
from densach_hub.library import index, sides, store
from densach_hub.library.formats.found import Passage
from densach_hub.library.formats.zim import NO_LIBZIM, can_be_read, command
from densach_hub.library.formats.zim_talk import FRAME, LONGEST_JSON, PIECE, About, Answer, Ask, Entry
from densach_hub.library.model import Item, State

log = structlog.get_logger("library")
MOST_OPEN = 3
IDLE_SECONDS = 120.0
ANSWER_SECONDS = 30.0
POLL_SECONDS = 5.0
BATCH = 200
MOST_LEFT_OUT = 20
SLICE = 100
_answers = msgspec.json.Decoder(Answer)
_passages = msgspec.json.Decoder(Passage)


class Encyclopedias:
    """Ask anything at any time; start `run()` as a task for the index. `rest()` ends the processes."""

    def __init__(self, school: Database, search: Database, path_of: Callable[[Item], Path], changed: Callable[[], None]) -> None:
        self._school = school
        self._search = search
        self._path_of = path_of
        self._changed = changed
        self._open: dict[Path, _Opened] = {}
        self._about: dict[Path, About] = {}

    async def about(self, path: Path) -> About:
        """Raises NotFound (a damaged file), Unavailable (libzim is not there, or the file kills it)."""
        if path not in self._about:
            answer, _ = await self._ask(path, Ask("about"))
            if answer.about is None:
                raise _missing()
            if len(self._about) > 100:
                self._about.clear()
            self._about[path] = answer.about
        return self._about[path]

    async def entry(self, path: Path, name: str) -> Entry:
        """An article or what belongs to one, redirects followed. Raises NotFound, Unavailable."""
        return _entry(await self._ask(path, Ask("entry", path=name)))

    async def place(self, path: Path, number: int) -> Entry:
        """The article with this number (a hit's section). Raises NotFound, Unavailable."""
        return _entry(await self._ask(path, Ask("place", number=number)))

    async def piece(self, path: Path, name: str, first: int, last: int) -> bytes:
        """Bytes of an entry; at most 1 MiB of what was asked for. Raises NotFound, Unavailable."""
        answer = await self._ask(path, Ask("piece", path=name, first=first, last=min(last, first + PIECE)))
        _entry(answer)
        return answer[1]

    async def _ask(self, path: Path, question: Ask) -> tuple[Answer, bytes]:
        if not can_be_read():
            raise Unavailable(
                "library.zim-not-installed",
                t("This hub cannot open ZIM files yet."),
                t("The technician installs libzim on the hub: pip install densach[zim]"),
            )
        opened = self._open.get(path)
        if opened is None:
            idle = sorted((one for one in self._open if not self._open[one].busy), key=lambda one: self._open[one].used)
            for oldest in idle[: max(0, len(self._open) - MOST_OPEN + 1)]:
                await self._open.pop(oldest).close()
            opened = self._open.setdefault(path, _Opened(path))
        return await opened.ask(question)

    async def rest(self, *, idle: float = 0.0) -> None:
        """Ends the processes nobody asked for so many seconds."""
        for path, opened in list(self._open.items()):
            if opened.used <= time.monotonic() - idle and not opened.busy:
                del self._open[path]
                await opened.close()

    async def run(self) -> None:
        """Until cancelled: reads the articles of what was added, closes what nobody uses."""
        try:
            await self.read_again()
            while True:
                if can_be_read():
                    await self.read_waiting()
                await self.rest(idle=IDLE_SECONDS)
                await asyncio.sleep(POLL_SECONDS)
        finally:
            await asyncio.shield(self.rest())

    async def read_again(self) -> int:
        """What came before libzim was installed is read anew once it is; returns how many."""
        if not can_be_read():
            return 0
        early = [it for it in await self._school.read(_shown) if it.remark == NO_LIBZIM]
        for it in early:
            at = it.changed_at + 1
            await self._school.write(lambda c, it=it, at=at: store.set_state(c, it.id, State.WAITING, at=at))  # type: ignore[misc]
        if early:
            self._changed()
        return len(early)

    # ---- the index

    async def read_waiting(self) -> int:
        """Brings into the index the articles it lacks; returns of how many files."""
        done = 0
        for it in await self._school.read(_shown):
            known = await self._search.read(lambda c, it=it: index.known(c, [it.id]))  # type: ignore[misc]
            if it.id not in known or known[it.id][1] == it.file or it.file is None:
                continue
            if await self._read(it):
                done += 1
        if done:
            self._changed()
        return done

    async def _read(self, it: Item) -> bool:
        file = it.file or ""
        upto = await self._search.write(lambda c: _begin(c, it.id, file))
        if upto is None:  # all of it is kept: a side that lacks it takes it from there
            while await self._search.write(lambda c: _from_kept(c, it.id, file)):
                pass
            return True
        opened = _Opened(self._path_of(it))
        begun = time.monotonic()
        number: int | None = upto
        singly, left_out = 0, 0
        try:
            while number is not None and left_out < MOST_LEFT_OUT:
                try:
                    answer, body = await opened.ask(Ask("articles", number=number, most=1 if number < singly else BATCH))
                except Unavailable:  # one of them ends the process: one by one, without that one
                    number, left_out = (number + 1, left_out + 1) if number < singly else (number, left_out)
                    singly = max(singly, number + BATCH)
                    continue
                if answer.error is not None:
                    break
                if not await self._still(it):
                    return False
                for part in _slices([_passages.decode(line) for line in body.splitlines()]):
                    await self._search.write_grouped(lambda c, p=part: index.add_text(c, it.id, file, p))  # type: ignore[misc]
                number = answer.next
        except NotFound as problem:
            log.warning("library.zim-not-indexed", item=it.id, code=problem.code, entry=number)
        finally:
            await opened.close()
        if await self._still(it):
            await self._search.write(lambda c: index.text_done(c, it.id, file))
        log.info("library.zim-indexed", item=it.id, left_out=left_out, seconds=round(time.monotonic() - begun, 1))
        return True

    async def _still(self, it: Item) -> bool:
        """Whether readers may still see it: what was withdrawn meanwhile must not come back into the index."""
        now = await self._school.read(lambda c: store.item(c, it.id))
        return now is not None and now.state is it.state and now.file == it.file


class _Opened:
    """One file's process. Started when first asked, and again when it died."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._process: asyncio.subprocess.Process | None = None
        self._one = asyncio.Lock()
        self.used = time.monotonic()

    @property
    def busy(self) -> bool:
        return self._one.locked()

    async def ask(self, question: Ask) -> tuple[Answer, bytes]:
        """Raises Unavailable when it dies of the question or takes too long."""
        async with self._one:
            self.used = time.monotonic()
            if self._process is None or self._process.returncode is not None:
                self._process = await asyncio.create_subprocess_exec(
                    *command(self._path), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.DEVNULL, start_new_session=True,
                )  # fmt: skip
            process = self._process
            assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - both are pipes
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    process.stdin.write(msgspec.json.encode(question) + b"\n")
                    await process.stdin.drain()
                    told, size = FRAME.unpack(await process.stdout.readexactly(FRAME.size))
                    if told > LONGEST_JSON or size > LONGEST_JSON:
                        raise ValueError(told, size)
                    answer = _answers.decode(await process.stdout.readexactly(told))
                    return answer, await process.stdout.readexactly(size)
            except (TimeoutError, OSError, EOFError, ValueError, msgspec.DecodeError) as error:
                log.warning("library.zim-process-ended", file=self._path.name, what=question.what, why=type(error).__name__)
                await self._end()
                raise Unavailable(
                    "library.zim-trouble", t("This part of the file cannot be read right now."), t("Try again, or open another.")
                ) from error
            except BaseException:
                await self._end()
                raise

    async def close(self) -> None:
        await self._end()

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _entry(answer: tuple[Answer, bytes]) -> Entry:
    if answer[0].entry is None:
        raise _missing()
    return answer[0].entry


def _missing() -> NotFound:
    return NotFound("library.no-part", t("The book has no such part."))


def _slices(passages: list[Passage]) -> Iterator[list[Passage]]:
    """Slices of about a hundred that end with an article: by the last one in the index a later start knows where to go on."""
    part: list[Passage] = []
    for passage in passages:
        if len(part) >= SLICE and passage.section != part[-1].section:
            yield part
            part = []
        part.append(passage)
    if part:
        yield part


def _shown(c: Connection) -> list[Item]:
    rows = c.execute("SELECT id FROM item WHERE kind = 'zim' AND state = 'ready' AND form = 'file' ORDER BY id").fetchall()
    return [it for row in rows if (it := store.item(c, row["id"])) is not None]


def _begin(c: Connection, item_id: str, file: str) -> int | None:
    """The entry to read from: 0 for a new file, where a killed process was for a known one. None: all is kept."""
    text = c.execute("SELECT id, whole FROM text WHERE item = ? AND file = ?", (item_id, file)).fetchone()
    if text is None:
        index.remove_text(c, item_id)
        return 0
    last = c.execute("SELECT max(section) FROM passage WHERE text = ?", (text["id"],)).fetchone()[0]
    if text["whole"]:
        return None
    return last + 1 if last is not None else 0


def _from_kept(c: Connection, item_id: str, file: str) -> bool:
    """Whether a side lacks more of a kept text than the slice it just got."""
    side = sides.answering(c)
    return side is not None and bool(index.add_kept(c, side, item_id, file))
