"""Runs the reading process and keeps it in its bounds: one file at a time, a wall time each, blame where it belongs."""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import islice
from pathlib import Path

import msgspec
import structlog

from densach_hub.library.formats.bounds import DATA_BYTES
from densach_hub.library.formats.found import Passage, Result, TrackFile
from densach_hub.library.formats.order import Order

log = structlog.get_logger("library")
WALL_SECONDS = 180.0
FILES_A_PROCESS = 200
SLICE = 100
LOOK_SECONDS = 0.1
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
KILLED = {-signal.SIGABRT, -signal.SIGSEGV, -signal.SIGTRAP, -signal.SIGILL, -signal.SIGBUS}
"""How a library in another language ends the process, also where it was refused memory: it does not say which."""

_results = msgspec.json.Decoder(Result)
_passages = msgspec.json.Decoder(Passage)


class Reading(msgspec.Struct, frozen=True):
    """What came of one file; `folder` holds `text.jsonl` and maybe `cover.jpg` until the block ends."""

    result: Result
    folder: Path

    def cover(self) -> bytes | None:
        return (self.folder / "cover.jpg").read_bytes() if self.result.has_cover else None

    def tracks(self) -> list[tuple[TrackFile, bytes]]:
        """The subtitles found in the file, as WebVTT (reads files: take them in a thread)."""
        return [(track, (self.folder / track.name).read_bytes()) for track in self.result.tracks]

    def slices(self) -> Iterator[list[Passage]]:
        """The passages in slices small enough for one short transaction each (reads a file: take them in a thread)."""
        with (self.folder / "text.jsonl").open("rb") as file:
            while lines := list(islice(file, SLICE)):
                yield [_passages.decode(line) for line in lines]


class Extractor:
    """Starts the reading process when there is something to read. Close it (async context manager) to end the process.

    `scratch` is a folder of ours for results under way; what a killed hub left there is removed at the start.
    """

    def __init__(self, scratch: Path, *, wall_seconds: float = WALL_SECONDS) -> None:
        self._scratch = scratch
        self._wall_seconds = wall_seconds
        self._process: asyncio.subprocess.Process | None = None
        self._read = 0
        self._most = 0
        self._one = asyncio.Lock()

    async def __aenter__(self) -> "Extractor":
        await asyncio.to_thread(self._sweep)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.rest()

    @asynccontextmanager
    async def read(self, path: Path, name: str, *, beside: Sequence[Path] = ()) -> AsyncIterator[Reading]:
        """Reads one file; never raises for what the file does. `beside`: subtitles a person put to it (WebVTT of ours)."""
        async with self._one:
            folder = Path(await asyncio.to_thread(tempfile.mkdtemp, dir=self._scratch, prefix="reading-"))
            try:
                order = Order(str(path), name, str(folder), tuple(str(one) for one in beside))
                yield Reading(await self._result(order), folder)
            finally:
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def rest(self) -> None:
        """Ends the reading process (nothing to read for a while)."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(2):
                await process.wait()
        except TimeoutError:
            await _kill(process)

    async def _result(self, order: Order) -> Result:
        if self._read >= FILES_A_PROCESS:
            await self.rest()
        process = self._process = self._process or await self._start()
        self._read += 1
        self._most = 0
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - both are pipes
        try:
            async with asyncio.timeout(self._wall_seconds):
                process.stdin.write(msgspec.json.encode(order) + b"\n")
                await process.stdin.drain()
                line = await self._answer(process)
        except TimeoutError:
            await self._give_up(process)
            return Result(None, "library.reader-too-slow", f"{self._wall_seconds:.0f} s")
        except (BrokenPipeError, ConnectionResetError, ValueError):
            line = b""
        except BaseException:
            await self._give_up(process)
            raise
        if line:
            return _results.decode(line)
        code = await self._ended(process)
        log.warning("library.reader-crashed", name=order.name, code=code)
        if code == -24:  # SIGXCPU: its CPU time was up
            return Result(None, "library.reader-too-slow", "CPU time")
        if code == -9:
            return Result(None, "library.reader-out-of-memory", "killed by the system")
        if code in KILLED and self._most > DATA_BYTES // 2:
            return Result(None, "library.reader-out-of-memory", f"signal {-code} at {self._most >> 20} of {DATA_BYTES >> 20} MB")
        return Result(None, "library.reader-crashed", f"exit code {code}")

    async def _answer(self, process: asyncio.subprocess.Process) -> bytes:
        """Its line; notes meanwhile the most memory of its own (bytes) it was seen with."""
        assert process.stdout is not None  # noqa: S101 - a pipe
        line = asyncio.ensure_future(process.stdout.readline())
        try:
            while not line.done():
                self._most = max(self._most, _memory(process.pid))
                await asyncio.wait({line}, timeout=LOOK_SECONDS)
            return line.result()
        finally:
            line.cancel()

    async def _start(self) -> asyncio.subprocess.Process:
        self._read = 0
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "densach_hub.library.formats.reader",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=self._scratch,
            limit=4 * 1024 * 1024,
            start_new_session=True,
        )

    async def _ended(self, process: asyncio.subprocess.Process) -> int | None:
        self._process = None
        try:
            async with asyncio.timeout(5):
                return await process.wait()
        except TimeoutError:
            await _kill(process)
            return None

    async def _give_up(self, process: asyncio.subprocess.Process) -> None:
        self._process = None
        await _kill(process)

    def _sweep(self) -> None:
        self._scratch.mkdir(parents=True, exist_ok=True)
        for left in self._scratch.glob("reading-*"):
            shutil.rmtree(left, ignore_errors=True)


def _memory(pid: int) -> int:
    """Bytes of its own, as the kernel bounds them (proc(5), statm: data); 0 when it has gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[5]) * PAGE_BYTES
    except (OSError, IndexError, ValueError):
        return 0


async def _kill(process: asyncio.subprocess.Process) -> None:
    """Ends the process and what it started (ffmpeg): it leads a group of its own."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
