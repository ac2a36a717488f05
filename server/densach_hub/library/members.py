"""One entry of a ZIP on its way to a browser: a piece at a time, so that a film inside a book costs no more than a page.

What is stored uncompressed (films and sound usually are) is answered in ranges too, straight from its place in the file.
"""

import asyncio
import zipfile
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec
import structlog
from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from densach_hub.library.formats.archive import BAD_ZIP, open_archive
from densach_hub.library.ranges import chosen

log = structlog.get_logger("library")
PIECE = 256 * 1024
HEAD = 1024


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """`size` in bytes, unpacked; `head` its first 1,024; `at` where its bytes lie in the file, None when they are packed."""

    path: Path
    name: str
    size: int
    head: bytes
    tag: str
    at: int | None


def look(path: Path, name: str, limit: int) -> Member:
    """Finds an entry without reading it. Raises Unreadable: missing, encrypted, damaged, larger than `limit` bytes."""
    with open_archive(path) as archive:
        info = archive.member(name, limit)
        return Member(
            path=path,
            name=name,
            size=info.file_size,
            head=archive.head(name, HEAD),
            tag=f'"{info.CRC:08x}-{info.file_size:x}"',
            at=archive.place(name) if info.compress_type == zipfile.ZIP_STORED else None,
        )


class MemberResponse(web.StreamResponse):
    """Sends a member, whole or (where it is not packed) the range that was asked for."""

    def __init__(self, member: Member, headers: Mapping[str, str]) -> None:
        super().__init__(headers=headers)
        self._member = member

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        if self.prepared:
            return await super().prepare(request)
        first, last = self._chosen(request)
        self.content_length = max(0, last - first)
        writer = await super().prepare(request)
        if request.method != "HEAD" and self.status in {200, 206}:
            await self._send(first, last)
        return writer

    def _chosen(self, request: web.BaseRequest) -> tuple[int, int]:
        """First byte and the one behind the last; sets status and headers accordingly."""
        size = self._member.size
        self.headers["ETag"] = self._member.tag
        self.headers["Accept-Ranges"] = "bytes" if self._member.at is not None else "none"
        if self._member.at is None or request.headers.get("If-Range", self._member.tag) != self._member.tag:
            return 0, size
        return chosen(request, self, size)

    async def _send(self, first: int, last: int) -> None:
        try:
            async for piece in _pieces(self._member, first, last):
                await self.write(piece)
        except ConnectionResetError:
            return  # the reader has gone
        except (*BAD_ZIP, zlib.error) as error:
            # Part of it is under way already: the browser sees from the length that the rest is missing.
            log.warning("library.member-damaged", file=self._member.path.name, member=self._member.name, why=str(error))
            self.force_close()


async def _pieces(member: Member, first: int, last: int) -> AsyncIterator[bytes]:
    opened = _opened(member, first)
    file = await asyncio.to_thread(opened.__enter__)
    try:
        left = last - first
        while left > 0 and (piece := await asyncio.to_thread(file.read, min(PIECE, left))):
            left -= len(piece)
            yield piece
    finally:
        opened.__exit__(None, None, None)


@contextmanager
def _opened(member: Member, first: int) -> Iterator[IO[bytes]]:
    if member.at is not None:
        with member.path.open("rb") as file:
            file.seek(member.at + first)
            yield file
    else:
        with zipfile.ZipFile(member.path) as archive, archive.open(member.name) as packed:
            yield packed
