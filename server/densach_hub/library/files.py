"""Files as they are, with ranges: films seek, downloads resume."""

from pathlib import Path
from urllib.parse import quote

from aiohttp import web

from densach_core.errors import NotFound
from densach_core.text import t
from densach_core.web.identity import address_of, who_is
from densach_core.web.routes import EVERYONE, Routes
from densach_hub.library.model import Item, Kind
from densach_hub.library.rights import may_leave, no_copies
from densach_hub.library.sending import stored
from densach_hub.library.service import LIBRARY, Served

routes = Routes("library")
KEPT = 200
SHOWN_INLINE = {Kind.PDF, Kind.VIDEO, Kind.AUDIO, Kind.IMAGE}
POLICY = "default-src 'none'; style-src 'unsafe-inline'; media-src 'self'; img-src 'self'"
SUFFIXES = {"application/epub+zip": ".epub", "application/pdf": ".pdf", "video/mp4": ".mp4", "audio/mpeg": ".mp3"}


@routes.get("/items/{id}/file", who=EVERYONE)
@routes.get("/items/{id}/file/{name}", who=EVERYONE)
async def file(request: web.Request) -> web.StreamResponse:
    """An item's file. `?save` (or an address with a name) asks the browser to keep it instead of showing it."""
    served = await _served(request)
    headers = dict(served.headers)
    if "save" in request.query or "name" in request.match_info:
        if not may_leave(await request.app[LIBRARY].item(request.match_info["id"])):
            raise no_copies()
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(served.name)}"
        if request.method == "GET" and "Range" not in request.headers:
            note_opened(request, request.match_info["id"])
    return stored(request, served.path, headers)


async def _served(request: web.Request) -> Served:
    """Path and headers of an item's file, kept until something changes: a film is asked for in hundreds of ranges."""
    library = request.app[LIBRARY]
    item_id = request.match_info["id"]
    found = library.served.get(item_id)
    if found is None or found.generation != library.finder.generation:
        it = await library.item(item_id)
        if it.kind is Kind.LINK:  # a shortcut's other lines may name icons on foreign servers
            raise NotFound("library.no-file", t("A link has no file to fetch."), t("Open it in the library."))
        if len(library.served) >= KEPT:
            library.served.clear()
        found = library.served[item_id] = Served(library.finder.generation, library.file_of(it), headers_of(it), file_name(it))
    return found


def headers_of(it: Item) -> dict[str, str]:
    shown = it.kind in SHOWN_INLINE
    headers = {
        "Content-Type": it.media_type or "application/octet-stream",
        "Cache-Control": "public, max-age=86400",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": POLICY if shown else f"{POLICY}; sandbox",
        "Content-Disposition": f"{'inline' if shown else 'attachment'}; filename*=UTF-8''{quote(file_name(it))}",
    }
    if headers["Content-Type"].startswith("text/"):
        headers["Content-Type"] = "text/plain; charset=utf-8"
    return headers


def file_name(it: Item) -> str:
    """The name a saved copy gets: the title, and the ending of what it really is."""
    bare = "".join(letter if letter.isalnum() or letter in " -_.," else " " for letter in it.title)
    suffix = SUFFIXES.get(it.media_type or "") or Path(it.file_name or "").suffix
    return f"{' '.join(bare.split())[:100] or it.id}{suffix}"


def note_opened(request: web.Request, item_id: str) -> None:
    """Counts an opening; guests are told apart by address and browser, for the day only."""
    account = who_is(request)
    reader = f"account {account.id}" if account else f"guest {address_of(request)} {request.headers.get('User-Agent', '')}"
    request.app[LIBRARY].readers.opened(item_id, reader)
