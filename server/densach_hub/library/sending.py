"""How a stored file gets to the browser: from this process, or by the proxy in front of it, which is told where the file lies.

nginx sends a file at a fraction of what it costs here and does the ranges itself (`X-Accel-Redirect`). It keeps an answer's
type, disposition and caching from us, takes the ETag from the file, and drops other headers: its configuration puts the
policy back (docs/nginx.md).

Without it the kernel sends (sendfile). Files are opened in the event loop: they are on this machine's disk, somebody has just
looked whether they are there, and two ways through a thread cost as much again as all the rest of a range.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from os import fstat, sendfile
from pathlib import Path
from typing import IO

from aiohttp import ETag, web
from aiohttp.abc import AbstractStreamWriter

from densach_core.web.identity import through_proxy
from densach_hub.library.ranges import chosen

X_ACCEL: web.AppKey[str] = web.AppKey("x_accel", str)
"""The proxy's internal location of the vault's folder, with a slash at both ends; empty: there is none."""


def stored(request: web.Request, path: Path, headers: Mapping[str, str]) -> web.StreamResponse:
    """Answers with a file of the vault. Whoever asks for it has been found to be allowed to."""
    prefix = request.app.get(X_ACCEL)
    if prefix and through_proxy(request):
        return web.Response(headers={**headers, "X-Accel-Redirect": f"{prefix}{path.parent.name}/{path.name}"})
    return StoredFile(path, headers)


class StoredFile(web.StreamResponse):
    """Sends a file of the vault, whole or the one range that was asked for; its name, which says its bytes, is the ETag.

    Several ranges at once, or what is no range, are answered with the whole file (RFC 9110, 14.2).
    """

    def __init__(self, path: Path, headers: Mapping[str, str]) -> None:
        super().__init__(headers=headers)
        self._path = path

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        if self.prepared:
            return await super().prepare(request)
        try:
            file = self._path.open("rb", buffering=0)
        except OSError:  # removed since somebody looked
            self.set_status(404)
            self.content_length = 0
            self.headers["Cache-Control"] = "no-store"
            return await super().prepare(request)
        with file:
            first, last = self._chosen(request, file)
            if self.status != 304:
                self.content_length = last - first
            writer = await super().prepare(request)
            if writer is not None and last > first and request.method != "HEAD":
                await _send(request, file, first, last - first)
                await self.write_eof()
            return writer

    def _chosen(self, request: web.BaseRequest, file: IO[bytes]) -> tuple[int, int]:
        """First byte and the one behind the last; sets status and headers accordingly."""
        about = fstat(file.fileno())
        size, tag, made = about.st_size, self._path.name, datetime.fromtimestamp(int(about.st_mtime), UTC)
        self.headers["ETag"] = f'"{tag}"'
        self.headers["Last-Modified"] = format_datetime(made, usegmt=True)
        self.headers["Accept-Ranges"] = "bytes"
        asked_for = request.headers
        if "If-Match" in asked_for and not _names(request.if_match, tag):
            self.set_status(412)
            return 0, 0
        if _has_it(request, tag, made):
            self.set_status(304)
            return 0, 0
        if "Range" not in asked_for or asked_for.get("If-Range", f'"{tag}"') not in {f'"{tag}"', self.headers["Last-Modified"]}:
            return 0, size
        return chosen(request, self, size)


def _has_it(request: web.BaseRequest, tag: str, made: datetime) -> bool:
    """Whether the browser has these bytes already."""
    if "If-None-Match" in request.headers:
        return _names(request.if_none_match, tag)
    since = request.if_modified_since if "If-Modified-Since" in request.headers else None
    return since is not None and made <= since


def _names(tags: tuple[ETag, ...] | None, tag: str) -> bool:
    return any(one.value in {tag, "*"} for one in tags or ())


async def _send(request: web.BaseRequest, file: IO[bytes], first: int, count: int) -> None:
    """Raises ConnectionResetError when the reader has gone. What the connection takes at once needs nobody to wait for it."""
    transport = request.transport
    if transport is None or transport.is_closing():
        raise ConnectionResetError("the reader has gone")
    sent = _at_once(transport, file, first, count)
    if sent < count:
        await asyncio.get_running_loop().sendfile(transport, file, first + sent, count - sent)


def _at_once(transport: asyncio.Transport, file: IO[bytes], first: int, count: int) -> int:
    """How many bytes went into the connection without waiting; none over TLS or when something else waits to be sent."""
    to = transport.get_extra_info("socket")
    if to is None or transport.get_extra_info("sslcontext") is not None or transport.get_write_buffer_size():
        return 0
    try:
        return sendfile(to.fileno(), file.fileno(), first, count)
    except OSError:  # full, or gone: the way that waits says which
        return 0
