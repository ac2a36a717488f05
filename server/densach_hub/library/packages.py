"""HTML5 simulations run code nobody vouches for: served from an origin of their own, which holds no session and no page of ours.

`packages_app` is that origin: a second host name on the same port, or a second port. Its answers are sandboxed by their
own policy too, so that a package opened directly, outside our frame, has no origin at all.
"""

import asyncio
import mimetypes
from pathlib import Path

from aiohttp import web

from densach_core.errors import NotFound
from densach_core.web.keys import SITE
from densach_hub.library.formats.archive import PICTURE_LIMIT, open_archive
from densach_hub.library.formats.found import Unreadable
from densach_hub.library.formats.simulation import start_page
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


async def _entry(request: web.Request) -> web.StreamResponse:
    library = request.app[LIBRARY]
    try:
        it = await library.item(request.match_info["id"])
        if it.kind is not Kind.SIMULATION:
            raise web.HTTPNotFound
        path = library.file_of(it)
        name, body = await asyncio.to_thread(_fetch, path, request.match_info["name"])
    except (NotFound, Unreadable) as reason:
        raise web.HTTPNotFound from reason
    if request.match_info["name"] == "" and name != "index.html":
        raise web.HTTPFound(f"/p/{it.id}/{name}")
    suffix = Path(name).suffix.lower()
    kind = TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    charset = "; charset=utf-8" if kind.startswith("text/") else ""
    return web.Response(
        body=body,
        headers={
            "Content-Type": f"{kind}{charset}",
            "Content-Security-Policy": policy(f"{request.scheme}://{request.host}"),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "public, max-age=3600",
            # Without an origin a package's own modules, fonts and data are cross-origin to it; they are public anyway.
            "Access-Control-Allow-Origin": "*",
        },
    )


def _fetch(path: Path, name: str) -> tuple[str, bytes]:
    with open_archive(path) as archive:
        wanted = name or start_page(archive) or "index.html"
        if wanted.endswith("/"):
            wanted += "index.html"
        return wanted, archive.read(wanted, ENTRY_LIMIT)
