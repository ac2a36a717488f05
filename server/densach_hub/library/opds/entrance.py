"""What belongs to neither version: the address that answers in the version asked for, how to sign in, plain covers, the rest."""

import re
from typing import Final

import msgspec
from aiohttp import web

from densach_core.web.routes import EVERYONE, Routes
from densach_hub.library.covers import TONES
from densach_hub.library.opds import feeds1, feeds2
from densach_hub.library.opds.addresses import AUTHENTICATION, DOOR, PNG
from densach_hub.library.opds.answers import OPEN
from densach_hub.library.opds.answers import document as answered
from densach_hub.library.opds.door import document
from densach_hub.library.opds.feeds1 import nothing_here
from densach_hub.library.opds.picture import plain_cover
from densach_hub.library.pages import FOREVER

routes: Final = Routes("library")


@routes.get("/opds", who=EVERYONE, api=True)
@routes.get("/opds/", who=EVERYONE, api=True)
async def either(request: web.Request) -> web.StreamResponse:
    """OPDS 2.0 to those who ask for it, else 1.2, which every reading app knows."""
    catalogue = feeds2.catalogue if prefers_json(request.headers.get("Accept", "")) else feeds1.catalogue
    return await catalogue(request, vary=", Accept")


@routes.get(DOOR, who=EVERYONE, api=True)
async def authentication(request: web.Request) -> web.StreamResponse:
    return answered(request, AUTHENTICATION, msgspec.json.encode(document(request)), caching=OPEN)


@routes.get("/opds/covers/{name}", who=EVERYONE, api=True)
async def cover(request: web.Request) -> web.StreamResponse:
    """A cover of one colour (`0.png`–`7.png`)."""
    match = re.fullmatch(r"([0-9])\.png", request.match_info["name"])
    if match is None or int(match[1]) >= len(TONES):
        raise nothing_here()
    return web.Response(body=plain_cover(int(match[1])), headers={"Content-Type": PNG, "Cache-Control": FOREVER})


def prefers_json(accept: str) -> bool:
    """Whether `application/opds+json` is named, and no worse than Atom (RFC 9110 §12.5.1; `*/*` asks for neither)."""
    weights = {"application/opds+json": 0.0, "application/atom+xml": 0.0}
    for part in accept.lower().split(","):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        if kind in weights:
            quality = next((p.removeprefix("q=") for p in parameters if p.startswith("q=")), "1")
            weights[kind] = max(weights[kind], float(quality) if re.fullmatch(r"[01](\.[0-9]{0,3})?", quality) else 1.0)
    return weights["application/opds+json"] > 0 and weights["application/opds+json"] >= weights["application/atom+xml"]


rest: Final = Routes("library")


@rest.get("/opds/{rest:.+}", who=EVERYONE, api=True)
async def nothing(_: web.Request) -> web.StreamResponse:
    """Every other address below: 404 as a problem document, not as a page."""
    raise nothing_here()
