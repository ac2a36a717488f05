"""HTML5 simulations run code nobody vouches for: served from an origin of their own, which holds no session and no page of ours.

`packages_app` is that origin: a second host name on the same port, or a second port. Its answers are sandboxed by their
own policy too, so that a package opened directly, outside our frame, has no origin at all.
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

from densach_core.errors import NotFound
from densach_core.place import host_and_port
from densach_core.web.keys import SITE
from densach_core.web.site import serve
from densach_hub.library.formats.archive import PICTURE_LIMIT, open_archive, start_page
from densach_hub.library.formats.found import Unreadable
from densach_hub.library.members import Member, MemberResponse, look
from densach_hub.library.model import Item, Kind
from densach_hub.library.service import LIBRARY, Library

ENTRY_LIMIT = 4 * PICTURE_LIMIT
TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm", ".json": "application/json"}


def package_address(request: web.Request, it: Item) -> str | None:
    """Where a simulation runs, as seen from this browser; None while the hub has no packages' origin.

    The site names the origin: `//name` or `//name:port` (same scheme), `:port` (same host name), or a whole origin.
    """
    origin = request.app[SITE].packages
    if not origin:
        return None
    scheme = "https" if request.secure or request.headers.get("X-Forwarded-Proto") == "https" else "http"
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


def policy(origin: str) -> str:
    """What a package may: run its own code and files, talk to nobody, be framed, nothing else."""
    own = f"'self' {origin}"
    return (
        f"sandbox allow-scripts allow-pointer-lock; default-src {own} 'unsafe-inline' 'unsafe-eval' data: blob:; "
        f"connect-src {own} data: blob:; form-action 'none'; base-uri {own}; object-src 'none'"
    )


def packages_app(library: Library) -> web.Application:
    """The application of the packages' origin: `/p/{item}/…` and nothing else."""
    app = web.Application()
    app[LIBRARY] = library
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
        if match is None or request.method not in {"GET", "HEAD"}:
            return web.Response(status=404, text="404")
        return await entry(request, library, match[1], match[2])

    return choose


async def _entry(request: web.Request) -> web.StreamResponse:
    return await entry(request, request.app[LIBRARY], request.match_info["id"], request.match_info["name"])


async def entry(request: web.Request, library: Library, item_id: str, asked: str) -> web.StreamResponse:
    """One file of a package."""
    try:
        it = await library.item(item_id)
        if it.kind is not Kind.SIMULATION:
            return web.Response(status=404, text="404")
        path = library.file_of(it)
        member = await asyncio.to_thread(_find, path, asked)
    except (NotFound, Unreadable):
        return web.Response(status=404, text="404")
    if asked == "" and member.name != "index.html":
        return web.Response(status=302, headers={"Location": f"/p/{it.id}/{member.name}"})
    suffix = Path(member.name).suffix.lower()
    kind = TYPES.get(suffix) or mimetypes.guess_type(member.name)[0] or "application/octet-stream"
    charset = "; charset=utf-8" if kind.startswith("text/") else ""
    return MemberResponse(
        member,
        {
            "Content-Type": f"{kind}{charset}",
            "Content-Security-Policy": policy(f"{request.scheme}://{request.host}"),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "public, max-age=3600",
            # Without an origin a package's own modules, fonts and data are cross-origin to it; they are public anyway.
            "Access-Control-Allow-Origin": "*",
        },
    )


def _find(path: Path, name: str) -> Member:
    wanted = name
    if not wanted:
        with open_archive(path) as archive:
            wanted = start_page(archive) or "index.html"
    if wanted.endswith("/"):
        wanted += "index.html"
    return look(path, wanted, ENTRY_LIMIT)
