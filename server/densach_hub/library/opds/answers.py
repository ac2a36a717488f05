"""How a document of the catalogue is answered: with a tag, so that a repeated question costs a few bytes, and compressed."""

import gzip
import hashlib
from collections.abc import Awaitable, Callable

from aiohttp import web

from densach_core.web.speech import LOCALE
from densach_hub.library.opds.addresses import origin
from densach_hub.library.opds.browsing import BROWSING

COMPRESS_FROM = 1_400
OPEN = "no-cache"
"""May be kept, and is asked for again each time: what was withdrawn is gone from the next list."""
OWN = "private, no-store"


async def shared(request: web.Request, kind: str, make: Callable[[], Awaitable[bytes]], *, vary: str = "") -> web.StreamResponse:
    """A document that is the same for everybody who asks in this language at this address: made once until something changes."""
    browsing = request.app[BROWSING]
    generation = browsing.library.finder.generation
    key = (kind, LOCALE.get(), origin(request), request.path, request.query_string)
    kept = browsing.bodies.get(generation, key)
    body = kept.encode() if kept is not None else await make()
    if kept is None and generation == browsing.library.finder.generation:
        browsing.bodies.put(generation, key, body.decode())
    return document(request, kind, body, caching=OPEN, vary=vary)


def document(request: web.Request, kind: str, body: bytes, *, caching: str, vary: str = "") -> web.Response:
    """A document with its tag; 304 to whoever has it."""
    tag = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": caching, "Vary": f"Accept-Encoding, Cookie{vary}"}
    if caching == OPEN and tag in {given.strip() for given in request.headers.get("If-None-Match", "").split(",")}:
        return web.Response(status=304, headers=headers)
    if len(body) >= COMPRESS_FROM and "gzip" in request.headers.get("Accept-Encoding", ""):
        body = gzip.compress(body, 1, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=body, headers={"Content-Type": kind, **headers})
