"""Copies that a device keeps, to be read without the network. The browser keeps them (`static/keep.js`), a service worker shows
them (`static/keep-worker.js`); the hub says what belongs to a copy and which may be kept.

A copy is the reader's page without anybody's name in it, the files of that reader, and the book. What a reader does in it is
told to the hub by the same addresses as ever, when there is a network again.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

import msgspec
from aiohttp import web

from densach_core.errors import NotAllowed, NotFound
from densach_core.text import t
from densach_core.web.identity import address_of, who_is
from densach_core.web.keys import ASSETS, SITE
from densach_core.web.routes import EVERYONE, Routes
from densach_hub.library.formats import recordings
from densach_hub.library.formats.archive import open_archive
from densach_hub.library.model import Item, Kind
from densach_hub.library.parts import unless_unreadable
from densach_hub.library.reading import SCRIPTS, reader_page
from densach_hub.library.rights import may_leave, no_copies
from densach_hub.library.service import LIBRARY, Library
from densach_hub.library.views import show

routes = Routes("library")
KINDS = (Kind.EPUB, Kind.PDF, Kind.COMIC, Kind.AUDIO)
NOBODY = "{reader}"
"""Stands in the page of a copy where the reader's number goes; the browser writes it in."""
EVERY_PAGE = ("core/base.css", "core/base.js", "core/live.js", "core/tables.js", "core/icons.svg", "core/mark.svg")
FONTS = "core/vendor/@fontsource/be-vietnam-pro/"
FILES: dict[Kind, tuple[str, ...]] = {
    Kind.EPUB: ("core/vendor/foliate-js/", "core/vendor/@fontsource/lexend/"),
    Kind.PDF: ("core/vendor/pdfjs-dist/",),
}
WORKER = "library/keep-worker.js"


class Copy(msgspec.Struct, frozen=True):
    """What belongs to a copy. `version` changes with anything of it, `file` with the book alone; `bytes`: of the book, about."""

    id: str
    title: str
    kind: Kind
    version: str
    file: str
    bytes: int
    page: str
    book: list[str]
    reader: list[str]


def is_shared(request: web.Request) -> bool:
    """Whether many people use the machine that asks: nothing of anybody stays there."""
    shared = request.app[SITE].shared
    return shared is not None and shared.has(address_of(request))


def may_keep(request: web.Request, it: Item) -> bool:
    return it.readable and it.kind in KINDS and may_leave(it) and not is_shared(request)


async def _kept(request: web.Request) -> Item:
    """The item asked for. Raises NotFound, NotAllowed: with the reason."""
    it = await request.app[LIBRARY].item(request.match_info["id"])
    if not it.readable or it.kind not in KINDS:
        raise NotFound("library.no-copy", t("Nothing of this kind is kept on a device."), t("Download it instead."))
    if not may_leave(it):
        raise no_copies()
    if is_shared(request):
        raise NotAllowed("library.shared-machine", t("Many people use this machine: nothing is kept on it."))
    return it


@routes.get("/read/kept", who=EVERYONE)
async def kept(request: web.Request) -> web.StreamResponse:
    """What this device keeps. The hub does not know: the page's script asks the browser. `?copy`: as it is kept itself."""
    reader = who_is(request)
    values: dict[str, object] = {"reader": reader.id if reader else "guest"}
    if "copy" in request.query:
        values = {"reader": NOBODY, "account": None, "faces": [], "flash": ""}
    return show(request, "library/kept.html", title=t("Kept on this device"), shared=is_shared(request), **values)


@routes.get("/read/worker.js", who=EVERYONE)
async def worker(request: web.Request) -> web.StreamResponse:
    """The service worker. Asked for anew each time the browser looks, so that a new one is there at once."""
    assets = request.app[ASSETS]
    path = assets.path(WORKER)
    if path is None:
        raise web.HTTPNotFound
    headers = {"Content-Type": "text/javascript", "Cache-Control": "no-cache", "Service-Worker-Allowed": "/"}
    return web.Response(body=await assets.body(WORKER, path, compressed=False), headers=headers)


@routes.get("/read/{id}/copy", who=EVERYONE)
async def page(request: web.Request) -> web.StreamResponse:
    """The reader's page with nobody's name and place in it."""
    it = await _kept(request)
    return await reader_page(
        request, it, {"reader": NOBODY, "place": None, "age": None, "account": None, "faces": [], "copy": True}
    )


@routes.api("GET", "/api/v1/items/{id}/copy", who=EVERYONE, answers=Copy, summary="What belongs to a copy kept on a device")
async def copy(request: web.Request) -> Copy:
    """`page`, `book` and `reader` are addresses: the reader's page, the book's parts, the files every such reader needs."""
    it = await _kept(request)
    assets = request.app[ASSETS]
    files = [assets.address(name) for name in assets.names() if _belongs(name, it.kind)]
    version = hashlib.sha256(f"{it.file} {it.title} {it.cover} {assets.version}".encode()).hexdigest()[:16]
    return Copy(
        id=it.id, title=it.title, kind=it.kind or Kind.EPUB, version=version, file=(it.file or "")[:16], bytes=it.size or 0,
        page=f"/read/{it.id}/copy", book=await _book(request.app[LIBRARY], it), reader=files,
    )  # fmt: skip


def _belongs(name: str, kind: Kind | None) -> bool:
    if name in EVERY_PAGE or name.startswith((FONTS, "library/", *FILES.get(kind or Kind.EPUB, ()))):
        return not name.endswith(
            ("LICENSE", "LICENSE_FOXIT", "LICENSE_LIBERATION", "library/upload.js", "library/keep-worker.js")
        )
    return False


async def _book(library: Library, it: Item) -> list[str]:
    """Addresses of the book itself: its file, or its entries where the reader asks for those."""
    own = [f"/items/{it.id}/cover"]
    packed = it.kind in {Kind.EPUB, Kind.COMIC} or it.media_type == recordings.MEDIA_TYPE
    if not packed:
        return [*own, f"/items/{it.id}/file"]
    names = await unless_unreadable(lambda: entries_of(library.file_of(it)))
    listing = {Kind.EPUB: ["parts"], Kind.COMIC: ["pages"]}.get(it.kind or Kind.EPUB, [])
    return [*own, *(f"/read/{it.id}/{one}" for one in listing), *(f"/read/{it.id}/book/{quote(name)}" for name in names)]


def entries_of(path: Path) -> list[str]:
    """The entries that a reader may ask for: all but scripts and folders."""
    with open_archive(path) as archive:
        return list(_asked_for(archive.entries))


def _asked_for(names: Iterable[str]) -> Iterable[str]:
    return (name for name in names if not name.endswith("/") and Path(name).suffix.lower() not in SCRIPTS)
