"""How a stored file gets to the browser: from this process, or by the proxy in front of it, which is told where the file lies.

nginx sends a file at a fraction of what it costs here and does the ranges itself (`X-Accel-Redirect`). It keeps an answer's
type, disposition and caching from us, takes the ETag from the file, and drops other headers: its configuration puts the
policy back (README.md, "Behind nginx").
"""

from collections.abc import Mapping
from pathlib import Path

from aiohttp import web

from densach_core.web.identity import through_proxy
from densach_hub.library.service import LIBRARY

X_ACCEL: web.AppKey[str] = web.AppKey("x_accel", str)
"""The proxy's internal location of the vault's folder, with a slash at both ends; absent: there is none."""
CHUNK = 256 * 1024
"""Bytes a piece, where the kernel cannot send the file by itself (TLS)."""


def stored(request: web.Request, path: Path, headers: Mapping[str, str]) -> web.StreamResponse:
    """Answers with a file of the vault. Whoever asks for it has been found to be allowed to."""
    prefix = request.app.get(X_ACCEL)
    if prefix and through_proxy(request):
        below = path.relative_to(request.app[LIBRARY].vault.folder).as_posix()
        return web.Response(headers={**headers, "X-Accel-Redirect": prefix + below})
    return web.FileResponse(path, headers=headers, chunk_size=CHUNK)
