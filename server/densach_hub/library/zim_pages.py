"""A ZIM file's articles for readers: the page around them, and each article and picture on the packages' own origin.

What is in them was written by anybody and may run scripts: like simulations they have no origin and no session of ours.
"""

import re
from pathlib import Path
from urllib.parse import quote

from aiohttp import web

from densach_core.errors import NotFound, Unavailable
from densach_hub.library.formats.zim import can_be_read
from densach_hub.library.formats.zim_talk import Entry
from densach_hub.library.model import Item
from densach_hub.library.own_scripts import WORDS, with_script
from densach_hub.library.ranges import chosen
from densach_hub.library.service import LIBRARY, Library
from densach_hub.library.views import show

TEXTS = ("text/", "application/javascript", "application/json", "image/svg")
PAGES = ("text/html", "application/xhtml")
PAGE_BYTES = 16 * 1024 * 1024
"""Larger articles are sent as they are, without the marking of words."""

_TYPE = re.compile(r"[a-z]+/[a-zA-Z0-9.+-]+(?:; ?charset=[a-zA-Z0-9-]+)?")


async def zim_page(request: web.Request, it: Item, base: str | None, values: dict[str, object]) -> web.Response:
    """The article at `?at=` (or the first page) in its frame; with `?q=` alone the articles that have these words.

    `base`: where this item's articles are served; None while the hub has no packages' origin.
    """
    library = request.app[LIBRARY]
    words, at = str(values["words"]), str(values["at"])
    path = library.file_of(it)
    hits = await library.finder.inside(words, it.id) if words and not at else []
    entry: Entry | None = None
    why = None
    if can_be_read() and (at or not words):
        try:
            if at.isascii() and at.isdecimal():
                entry = await library.encyclopedias.place(path, int(at))
            else:
                main = (await library.encyclopedias.about(path)).main
                entry = await library.encyclopedias.entry(path, main) if main else None
        except (NotFound, Unavailable) as problem:
            why = problem.what
    address = base + quote(entry.path) if base and entry else None
    if address and words:
        address += f"?words={quote(words)}"
    response = show(
        request, "library/zim.html", address=address, entry=entry, hits=hits, why=why, missing=not can_be_read(),
        apart=base is not None, **values,
    )  # fmt: skip
    if base is not None:
        origin = "/".join(base.split("/", 3)[:3])
        response.headers["Content-Security-Policy"] = (
            "default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; object-src 'none'; base-uri 'none'; "
            f"form-action 'self'; frame-ancestors 'self'; frame-src {origin}"
        )
    return response


async def zim_entry(request: web.Request, library: Library, it: Item, asked: str, headers: dict[str, str]) -> web.StreamResponse:
    """An article, a picture, a film (in ranges) of the file. Raises NotFound, Unavailable."""
    path = library.file_of(it)
    if not asked:
        asked = (await library.encyclopedias.about(path)).main or ""
        return web.Response(status=302, headers={"Location": f"/p/{it.id}/{quote(asked)}", **headers})
    entry = await library.encyclopedias.entry(path, asked)
    if entry.path != asked:
        return web.Response(status=302, headers={"Location": f"/p/{it.id}/{quote(entry.path)}", **headers})
    kind = entry.media_type if _TYPE.fullmatch(entry.media_type) else "application/octet-stream"
    if kind.startswith(TEXTS) and "charset" not in kind:
        kind += "; charset=utf-8"
    if request.query.get("words") and kind.startswith(PAGES) and entry.size <= PAGE_BYTES:
        body = with_script(await _whole(library, path, entry), WORDS, module=True)
        return web.Response(body=body, headers={**headers, "Content-Type": kind})
    tag = f'"{(it.file or "")[:20]}"'
    return await _send(request, library, path, entry, {**headers, "Content-Type": kind, "ETag": tag, "Accept-Ranges": "bytes"})


async def _whole(library: Library, path: Path, entry: Entry) -> bytes:
    body = b""
    while piece := await library.encyclopedias.piece(path, entry.path, len(body), entry.size):
        body += piece
    return body


async def _send(request: web.Request, library: Library, path: Path, entry: Entry, headers: dict[str, str]) -> web.StreamResponse:
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return web.Response(status=304, headers=headers)
    response = web.StreamResponse(headers=headers)
    first, last = chosen(request, response, entry.size)
    response.content_length = last - first
    piece = await library.encyclopedias.piece(path, entry.path, first, last) if last > first else b""
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    try:
        while piece:
            await response.write(piece)
            first += len(piece)
            piece = await library.encyclopedias.piece(path, entry.path, first, last) if first < last else b""
    except ConnectionResetError:
        return response  # the reader has gone
    except (NotFound, Unavailable):
        response.force_close()  # the browser sees from the length that the rest is missing
        return response
    await response.write_eof()
    return response
