"""Reads a catalogue through a process of its own, a slice of lines at a time: what is in the file cannot hurt the hub."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from densach_core.errors import BadInput
from densach_core.text import t
from densach_hub.library.exchange.line import Line
from densach_hub.library.exchange.reader import Told

LONGEST_LINE = 16 * 1024**2
WAIT_SECONDS = 180.0
"""For the next line; a workbook comes whole before its first."""


class Reading:
    """An open catalogue. `format`, `total`, `ignored`: as in `line.Source`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.process_id = process.pid
        self._decoder = msgspec.json.Decoder(Told, dec_hook=_from_words)
        self._done = False
        self.format = ""
        self.total: int | None = None
        self.ignored: tuple[str, ...] = ()

    async def begin(self) -> None:
        told = await self._next()
        self.format, self.total, self.ignored = told.format or "", told.total, told.ignored

    async def take(self, n: int) -> list[Line]:
        """The next lines; none at the end. Raises BadInput("import.…") where the file cannot be read (on)."""
        part: list[Line] = []
        while len(part) < n and not self._done:
            told = await self._next()
            self._done = told.end
            if told.line is not None:
                part.append(told.line)
        return part

    async def _next(self) -> Told:
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                line = await self._process.stdout.readline()
        except TimeoutError as error:
            raise _failed("import.too-slow") from error
        except ValueError as error:
            raise _failed("import.not-readable") from error
        if not line.endswith(b"\n"):
            raise _failed(_why(await self._process.wait()))
        told = self._decoder.decode(line)
        if told.code is not None:
            raise _failed(told.code)
        return told


@asynccontextmanager
async def reading(path: Path) -> AsyncIterator[Reading]:
    """Opens a file or a folder in a process that ends with the block. Raises BadInput("import.…")."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "densach_hub.library.exchange.reader", str(path), stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, limit=LONGEST_LINE, start_new_session=True,
    )  # fmt: skip
    try:
        opened = Reading(process)
        await opened.begin()
        yield opened
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _why(code: int) -> str:
    return {-signal.SIGXCPU: "import.too-slow", -signal.SIGKILL: "import.out-of-memory"}.get(code, "import.reader-crashed")


def _failed(code: str) -> BadInput:
    return BadInput(code, t("The file cannot be read."), t("Export it again from the program it comes from."))


def _from_words(kind: type, value: Any) -> Any:
    return Path(value) if issubclass(kind, Path) else value
