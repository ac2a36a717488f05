"""Static files of all rooms: one address with a hash that changes with any of them, kept for ever by browsers.

Small files are served from memory, compressed once; a request costs no disk and no executor hop.
"""

import asyncio
import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from pathlib import Path

from aiohttp import web

from densach_core.web.keys import ASSETS
from densach_core.web.routes import EVERYONE, Routes

TYPES = {".mjs": "text/javascript", ".js": "text/javascript", ".woff2": "font/woff2", ".wasm": "application/wasm"}
COMPRESSED = {".css", ".js", ".mjs", ".svg", ".html", ".json", ".bcmap", ".ftl", ".txt"}
IN_MEMORY = 3_000_000
FOREVER = "public, max-age=31536000, immutable"

routes = Routes("core")


class Assets:
    """Finds `room/path` below the static folders; `address` gives what a page writes into its HTML."""

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._files: dict[str, Path] = {}
        digest = hashlib.sha256()
        for room, folder in sorted(folders.items()):
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    name = f"{room}/{path.relative_to(folder).as_posix()}"
                    self._files[name] = path
                    stat = path.stat()
                    digest.update(f"{name} {stat.st_size} {stat.st_mtime_ns}\n".encode())
        self.version = digest.hexdigest()[:12]
        self._bodies: dict[tuple[str, bool], bytes] = {}

    def address(self, name: str) -> str:
        return f"/static/{self.version}/{name}"

    def path(self, name: str) -> Path | None:
        return self._files.get(name)

    def names(self) -> list[str]:
        return list(self._files)

    async def body(self, name: str, path: Path, *, compressed: bool) -> bytes:
        key = (name, compressed)
        if key not in self._bodies:
            body = await asyncio.to_thread(path.read_bytes)
            self._bodies[key] = await asyncio.to_thread(gzip.compress, body, 9, mtime=0) if compressed else body
        return self._bodies[key]


@routes.get("/static/{version}/{name:.+}", who=EVERYONE, before_setup=True, despite_must_change=True)
async def static(request: web.Request) -> web.StreamResponse:
    assets = request.app[ASSETS]
    name = request.match_info["name"]
    path = assets.path(name)
    if path is None:
        raise web.HTTPNotFound
    kind = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    headers = {"Content-Type": kind, "Cache-Control": FOREVER, "X-Content-Type-Options": "nosniff"}
    if request.match_info["version"] != assets.version:
        headers["Cache-Control"] = "no-cache"
    if path.stat().st_size > IN_MEMORY:
        return web.FileResponse(path, headers=headers)
    compressed = path.suffix in COMPRESSED and "gzip" in request.headers.get("Accept-Encoding", "")
    body = await assets.body(name, path, compressed=compressed)
    if path.suffix in COMPRESSED:
        headers["Vary"] = "Accept-Encoding"
    if compressed:
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=body, headers=headers)
