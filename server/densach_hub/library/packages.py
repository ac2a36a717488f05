"""Simulations and lessons run code nobody vouches for: served from an origin of their own, without session or page of ours.

`packages_app` is that origin: a second host name on the same port, or a second port. Its answers are sandboxed by their
own policy too, so that a package opened directly, outside our frame, has no origin at all.

A lesson's frames look into one another for the SCORM API, which needs an origin they share. They get one only where the
packages have a host name of their own: a second port shares the cookies of the hub's name, so there a lesson stays without
an origin and finds the API in its first page alone.
"""

import asyncio
import errno
import mimetypes
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from densach_core.errors import NotFound, Unavailable
from densach_core.place import host_and_port
from densach_core.web.identity import is_secure
from densach_core.web.keys import SITE
from densach_core.web.site import serve
from densach_hub.library.formats.archive import PICTURE_LIMIT, open_archive, start_page
from densach_hub.library.formats.found import Unreadable
from densach_hub.library.members import Member, MemberResponse, look
from densach_hub.library.model import Item, Kind
from densach_hub.library.own_scripts import LESSON, SCRIPTS, with_script
from densach_hub.library.service import LIBRARY, Library
from densach_hub.library.zim_pages import zim_entry

ENTRY_LIMIT = 4 * PICTURE_LIMIT
PAGE_LIMIT = 16 * 1024 * 1024
PACKAGES = {Kind.SIMULATION, Kind.LESSON, Kind.ZIM}
PAGES = {".html", ".htm", ".xhtml"}
TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm", ".json": "application/json"}


def package_address(request: web.Request, it: Item) -> str | None:
    """Where a simulation runs, as seen from this browser; None while the hub has no packages' origin.

    The site names the origin: `//name` or `//name:port` (same scheme), `:port` (same host name), or a whole origin.
    """
    origin = request.app[SITE].packages
    if not origin:
        return None
    scheme = _scheme(request)
    host, _, port = request.host.rpartition(":") if ":" in request.host.rsplit("]", 1)[-1] else (request.host, "", "")
    if origin.startswith(":"):
        if scheme == "https":
            return None  # the second port speaks plain http, which no secure page may frame
        origin = f"{scheme}://{host}{origin}"
    elif origin.startswith("//"):
        origin = f"{scheme}:{origin}"
        if port and ":" not in origin.split("//", 1)[1]:
            origin = f"{origin}:{port}"
    return f"{origin.rstrip('/')}/p/{it.id}/"


def is_apart(request: web.Request) -> bool:
    """Whether packages have a host name of their own, as seen from this browser."""
    origin = request.app[SITE].packages or ""
    host = request.host.rpartition(":")[0] if ":" in request.host.rsplit("]", 1)[-1] else request.host
    name = origin.partition("//")[2].partition("/")[0].partition(":")[0]
    return bool(name) and name.lower() != host.lower()


def policy(origin: str, *, shared: bool = False) -> str:
    """What a package may: run its own code and files, talk to nobody, be framed, nothing else.

    `shared`: its frames may see one another (they have the packages' origin instead of none).
    """
    own = f"'self' {origin}"
    sandbox = f"allow-scripts allow-forms allow-pointer-lock{' allow-same-origin' if shared else ''}"
    return (
        f"sandbox {sandbox}; default-src {own} 'unsafe-inline' 'unsafe-eval' data: blob:; "
        f"connect-src {own} data: blob:; form-action 'none'; base-uri {own}; object-src 'none'"
    )


def packages_app(library: Library) -> web.Application:
    """The application of the packages' origin: `/p/{item}/…` and what lessons call; nothing else."""
    app = web.Application()
    app[LIBRARY] = library
    for name in SCRIPTS:
        app.router.add_get(name, _own_script)
    app.router.add_get("/p/{id}/{name:.*}", _entry)
    return app


@asynccontextmanager
async def packages_origin(library: Library, setting: str, host: str, port: int) -> AsyncIterator[str | None]:
    """Serves the packages' origin while the block runs; yields it as the site names it, or None when there is none.

    `setting`: `//name` is a second host name that whatever stands in front sends here or that the pages' own port answers
    (see `by_host`); HOST:PORT is a listener of its own; empty is the port after the pages' own, or any free one.
    """
    if setting.startswith("//"):
        yield setting
        return
    own_host, own_port = host_and_port(setting, default_host=host) if setting else (host, port + 1)
    try:
        async with serve(packages_app(library), own_host, own_port) as taken:
            yield f":{taken}"
            return
    except OSError as error:
        if setting or error.errno != errno.EADDRINUSE:
            raise
    async with serve(packages_app(library), own_host, 0) as taken:
        yield f":{taken}"


def by_host(library: Library, setting: str) -> Middleware:
    """A middleware for the pages' application: requests for the packages' host name (`//name`) get packages and nothing else."""
    name = setting.removeprefix("//").partition(":")[0].lower()

    @web.middleware
    async def choose(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.host.rpartition(":")[0].lower() != name and request.host.lower() != name:
            return await handler(request)
        match = re.fullmatch(r"/p/([0-9a-f]+)/(.*)", request.path)
        if request.path in SCRIPTS and request.method in {"GET", "HEAD"}:
            return await _own_script(request)
        if match is None or request.method not in {"GET", "HEAD"}:
            return _nothing(request)
        return await entry(request, library, match[1], match[2], apart=True)

    return choose


async def _entry(request: web.Request) -> web.StreamResponse:
    return await entry(request, request.app[LIBRARY], request.match_info["id"], request.match_info["name"])


async def _own_script(request: web.Request) -> web.StreamResponse:
    """Ours, on the origin where the lessons and articles are: the SCORM API, the marking of words."""
    return web.FileResponse(
        SCRIPTS[request.path], headers={**_headers(request), "Content-Type": "text/javascript; charset=utf-8"}
    )


def _own(request: web.Request) -> str:
    return f"{_scheme(request)}://{request.host}"


def _scheme(request: web.Request) -> str:
    return "https" if is_secure(request) else "http"


def _nothing(request: web.Request) -> web.Response:
    """Also an empty answer is sandboxed: a lesson could otherwise frame it and act from there without a policy."""
    return web.Response(status=404, text="404", headers={"Content-Security-Policy": policy(_own(request))})


async def entry(request: web.Request, library: Library, item_id: str, asked: str, *, apart: bool = False) -> web.StreamResponse:
    """One file of a package. `apart`: packages have a host name of their own."""
    try:
        it = await library.item(item_id)
        if it.kind not in PACKAGES:
            return _nothing(request)
        if it.kind is Kind.ZIM:
            return await zim_entry(request, library, it, asked, _headers(request))
        path = library.file_of(it)
        member = await asyncio.to_thread(_find, path, asked)
        if it.kind is Kind.LESSON and Path(member.name).suffix.lower() in PAGES:
            body = await asyncio.to_thread(_with_run_time, path, member.name)
            return _page(request, body, shared=apart)
    except (NotFound, Unavailable, Unreadable):
        return _nothing(request)
    if asked == "" and member.name != "index.html":
        return web.Response(status=302, headers={"Location": f"/p/{it.id}/{member.name}"})
    suffix = Path(member.name).suffix.lower()
    kind = TYPES.get(suffix) or mimetypes.guess_type(member.name)[0] or "application/octet-stream"
    charset = "; charset=utf-8" if kind.startswith("text/") else ""
    return MemberResponse(
        member,
        {"Content-Type": f"{kind}{charset}", **_headers(request, shared=apart and it.kind is Kind.LESSON)},
    )


def _headers(request: web.Request, *, shared: bool = False) -> dict[str, str]:
    return {
        "Content-Security-Policy": policy(_own(request), shared=shared),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "public, max-age=3600",
        # Without an origin a package's own modules, fonts and data are cross-origin to it; they are public anyway.
        "Access-Control-Allow-Origin": "*",
    }


def _page(request: web.Request, body: bytes, *, shared: bool) -> web.Response:
    """A page of a lesson. Old ones are in old letters and say so themselves; others are UTF-8."""
    try:
        body.decode("utf-8")
        kind = "text/html; charset=utf-8"
    except UnicodeDecodeError:
        kind = "text/html"
    return web.Response(body=body, headers={"Content-Type": kind, **_headers(request, shared=shared)})


def _with_run_time(path: Path, name: str) -> bytes:
    """A page with the script of the SCORM API before all of its own. Raises Unreadable."""
    with open_archive(path) as archive:
        body = archive.read(name, PAGE_LIMIT)
    return with_script(body, LESSON)


def _find(path: Path, name: str) -> Member:
    wanted = name
    if not wanted:
        with open_archive(path) as archive:
            wanted = start_page(archive) or "index.html"
    if wanted.endswith("/"):
        wanted += "index.html"
    return look(path, wanted, ENTRY_LIMIT)
