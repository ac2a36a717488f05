"""Where things are read, watched and tried out. Each kind has its own page with its own Content-Security-Policy.

A book comes entry by entry, so that a phone fetches a chapter and not 100 MB; its pages pass `harmless` first.
"""

from pathlib import Path, PurePosixPath
from urllib.parse import quote

import msgspec
from aiohttp import web

from densach_core.errors import NotFound
from densach_core.text import t
from densach_core.web.identity import me, who_is
from densach_core.web.keys import CLOCK
from densach_core.web.respond import read_body, see_other
from densach_core.web.routes import EVERYONE, SIGNED_IN, Routes
from densach_hub.library.files import file_name, note_opened
from densach_hub.library.formats import recordings
from densach_hub.library.formats.archive import PICTURE_LIMIT, open_archive
from densach_hub.library.formats.markup import harmless, is_markup
from densach_hub.library.formats.simulation import pages_of
from densach_hub.library.learning import lesson_page
from densach_hub.library.members import MemberResponse, look
from densach_hub.library.model import Item, Kind, Place
from densach_hub.library.packages import package_address
from densach_hub.library.parts import unless_unreadable
from densach_hub.library.playing import link_page, play_page
from densach_hub.library.service import LIBRARY
from densach_hub.library.texts import text_page
from densach_hub.library.views import show
from densach_hub.library.zim_pages import zim_page

routes = Routes("library")
_ALWAYS = "default-src 'none'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'; connect-src 'self'"
EPUB_POLICY = (
    f"{_ALWAYS}; script-src 'self'; style-src 'self' 'unsafe-inline' blob:; img-src 'self' blob: data:; "
    "font-src 'self' blob: data:; media-src blob:; frame-src blob:"
)
PDF_POLICY = (
    f"{_ALWAYS}; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' blob: data:; font-src 'self' blob: data:"
)
PART_POLICY = "default-src 'none'; sandbox"
TYPES = {
    ".xhtml": "application/xhtml+xml",
    ".html": "application/xhtml+xml",
    ".htm": "application/xhtml+xml",
    ".xml": "application/xml",
    ".opf": "application/xml",
    ".ncx": "application/xml",
    ".smil": "application/xml",
    ".svg": "image/svg+xml",
    ".css": "text/css",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".ttf": "font/ttf",
    ".otf": "font/otf",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".m4b": "audio/mp4",
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".webm": "video/webm",
}
MEDIA = {".mp3", ".m4a", ".m4b", ".mp4", ".m4v", ".webm", ".ogg"}
MEDIA_LIMIT = recordings.MEMBER_LIMIT
MARKUP_LIMIT = 16 * 1024 * 1024
"""A chapter is read whole to be made harmless; a long novel in one file has 3 MB."""
SCRIPTS = {".js", ".mjs", ".wasm"}


class PlaceNote(msgspec.Struct, frozen=True):
    """Where a device says its reader is. `at` and `now`: milliseconds of the device's own clock, right or wrong."""

    where: str
    fraction: float
    at: int
    now: int
    device: str = ""


class PlaceNow(msgspec.Struct, frozen=True):
    """The place that holds; `age_ms`: how long ago it was taken."""

    where: str
    fraction: float
    age_ms: int
    device: str


class Parts(msgspec.Struct, frozen=True):
    """The entries of a book with their unpacked sizes in bytes."""

    parts: dict[str, int]


@routes.get("/read/{id}", who=EVERYONE)
async def read(request: web.Request) -> web.StreamResponse:
    """The reader for this kind of item. `?at=` opens a chapter or page (from 0), `?q=` marks words there."""
    library = request.app[LIBRARY]
    it = await library.item(request.match_info["id"])
    if it.kind is not Kind.LINK and (not it.readable or it.kind is None):
        return see_other(request, f"/items/{it.id}")
    library.file_of(it)
    note_opened(request, it.id)
    account = who_is(request)
    place = await library.readers.place(account.id, it.id) if account else None
    values: dict[str, object] = {
        "place": place,
        "age": request.app[CLOCK].now_ms() - place.at if place else None,
        "reader": account.id if account else "guest",
    }
    return await reader_page(request, it, values)


async def reader_page(request: web.Request, it: Item, whose: dict[str, object]) -> web.StreamResponse:
    """The reader for this kind. `whose`: who reads, and where they are (`reader`, `place`, `age` of it in ms)."""
    values: dict[str, object] = {
        "item": it,
        "at": request.query.get("at", "")[:10],
        "words": request.query.get("q", "")[:200],
        "title": t("{title}", title=it.title),
        "file_name": file_name(it),
        **whose,
    }
    if it.kind is Kind.DOCUMENT:
        return await text_page(request, it, values)
    if it.kind is Kind.SIMULATION:
        return await _simulation(request, it, values)
    if it.kind is Kind.LESSON:
        return await lesson_page(request, it, values)
    if it.kind is Kind.ZIM:
        return await zim_page(request, it, package_address(request, it), values)
    if it.kind in {Kind.VIDEO, Kind.AUDIO}:
        return await play_page(request, it, values)
    if it.kind is Kind.LINK:
        return link_page(request, it, values)
    template, policy = {
        Kind.EPUB: ("library/read_epub.html", EPUB_POLICY),
        Kind.PDF: ("library/read_pdf.html", PDF_POLICY),
        Kind.COMIC: ("library/read_comic.html", None),
        Kind.IMAGE: ("library/picture.html", None),
    }[it.kind or Kind.IMAGE]
    response = show(request, template, **values)
    if policy is not None:
        response.headers["Content-Security-Policy"] = policy
    return response


async def _simulation(request: web.Request, it: Item, values: dict[str, object]) -> web.Response:
    """In its frame, at its page `?at=` (a hit's section; 0 is where it starts)."""
    address = package_address(request, it)
    at = str(values["at"])
    if address is not None and at.isascii() and at.isdecimal() and int(at) > 0:
        path = request.app[LIBRARY].file_of(it)

        def look() -> list[str]:
            with open_archive(path) as archive:
                return pages_of(archive)

        pages = await unless_unreadable(look)
        address += quote(pages[int(at)]) if int(at) < len(pages) else ""
    response = show(request, "library/simulation.html", address=address, **values)
    if address is not None:
        origin = "/".join(address.split("/", 3)[:3])
        response.headers["Content-Security-Policy"] = (
            "default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; object-src 'none'; base-uri 'none'; "
            f"form-action 'self'; frame-ancestors 'self'; frame-src {origin}"
        )
    return response


@routes.get("/read/{id}/parts", who=EVERYONE)
async def parts(request: web.Request) -> web.StreamResponse:
    path = await _book(request)

    def look() -> dict[str, int]:
        with open_archive(path) as archive:
            return {name: info.file_size for name, info in archive.entries.items()}

    body = msgspec.json.encode(Parts(await unless_unreadable(look)))
    return web.Response(body=body, content_type="application/json", headers={"Cache-Control": "private, max-age=3600"})


@routes.get("/read/{id}/book/{name:.+}", who=EVERYONE)
async def part(request: web.Request) -> web.StreamResponse:
    """One entry of a book, for the reader's scripts to fetch. Opened by itself it is a sandboxed page that can do nothing."""
    path = await _book(request)
    name = request.match_info["name"]
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in SCRIPTS:
        raise NotFound("library.no-part", t("The book has no such part."))

    def page() -> bytes:
        with open_archive(path) as archive:
            return harmless(archive.read(name, MARKUP_LIMIT))

    member = await unless_unreadable(lambda: look(path, name, MEDIA_LIMIT if suffix in MEDIA else PICTURE_LIMIT))
    headers = {
        "Content-Type": TYPES.get(suffix, "application/octet-stream"),
        "Content-Security-Policy": PART_POLICY,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, max-age=3600",
    }
    if is_markup(member.head):
        return web.Response(body=await unless_unreadable(page), headers=headers)
    return MemberResponse(member, headers)


async def _book(request: web.Request) -> Path:
    library = request.app[LIBRARY]
    it = await library.item(request.match_info["id"])
    packed = it.kind in {Kind.VIDEO, Kind.AUDIO} and it.media_type == recordings.MEDIA_TYPE
    if it.kind not in {Kind.EPUB, Kind.COMIC} and not packed:
        raise NotFound("library.no-part", t("The book has no such part."))
    return library.file_of(it)


@routes.api("GET", "/api/v1/items/{id}/place", who=SIGNED_IN, answers=PlaceNow, summary="Where you are in an item")
async def place(request: web.Request) -> PlaceNow:
    library = request.app[LIBRARY]
    it = await library.item(request.match_info["id"])
    found = await library.readers.place(me(request).id, it.id)
    if found is None:
        raise NotFound("library.no-place", t("You have not begun this yet."))
    return _now(request, found)


@routes.api(
    "POST", "/api/v1/items/{id}/place", who=SIGNED_IN, takes=PlaceNote, answers=PlaceNow, summary="Tell where you are in an item"
)
async def save_place(request: web.Request) -> PlaceNow:
    """The newer record holds, whichever arrives first; the answer says which one that is."""
    note = await read_body(request, PlaceNote)
    library = request.app[LIBRARY]
    it = await library.item(request.match_info["id"])
    kept = await library.readers.save(
        me(request).id,
        it.id,
        where=note.where,
        fraction=note.fraction,
        device_at=note.at,
        device_now=note.now,
        device=note.device,
    )
    return _now(request, kept)


def _now(request: web.Request, found: Place) -> PlaceNow:
    age = max(0, request.app[CLOCK].now_ms() - found.at)
    return PlaceNow(where=found.where, fraction=found.fraction, age_ms=age, device=found.device)
