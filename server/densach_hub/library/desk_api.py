"""The desk and a reader's shelf for programs: cover, another try, back from withdrawal, what is put aside."""

import tempfile
from pathlib import Path

import msgspec
from aiohttp import web

from densach_core.accounts.audit import AUDIT
from densach_core.accounts.model import LIBRARIANS
from densach_core.errors import BadInput
from densach_core.text import t
from densach_core.web.identity import me
from densach_core.web.routes import SIGNED_IN, Routes
from densach_hub.library.model import Card, Item
from densach_hub.library.service import LIBRARY, PICTURE_BYTES

routes = Routes("library")


class OwnShelf(msgspec.Struct, frozen=True):
    """What the asker put aside for later; what is no longer in the library is left out."""

    items: list[Card]


@routes.api(
    "PUT", "/api/v1/items/{id}/cover", who=LIBRARIANS, answers=Item, limit_bytes=PICTURE_BYTES,
    summary="Give an item a cover: the body is the picture (JPEG, PNG, WebP)",
)  # fmt: skip
async def set_cover(request: web.Request) -> Item:
    body = await request.read()
    if not body:
        raise BadInput("library.empty", t("The file is empty."), t("Choose a file that is not empty."))
    with tempfile.NamedTemporaryFile(dir=request.app[LIBRARY].uploads.folder, prefix="form-", suffix=".picture") as file:
        file.write(body)
        file.flush()
        return await _covered(request, Path(file.name))


@routes.api("DELETE", "/api/v1/items/{id}/cover", who=LIBRARIANS, answers=Item, summary="Draw an item's cover again")
async def draw_cover(request: web.Request) -> Item:
    return await _covered(request, None)


async def _covered(request: web.Request, picture: Path | None) -> Item:
    changed = await request.app[LIBRARY].set_cover(request.match_info["id"], picture)
    await request.app[AUDIT].note(by=me(request), what="library.cover-changed", on=changed.id)
    return changed


@routes.api("POST", "/api/v1/items/{id}/retry", who=LIBRARIANS, answers=Item, summary="Read a broken item's file once more")
async def retry(request: web.Request) -> Item:
    it = await request.app[LIBRARY].retry(request.match_info["id"])
    await request.app[AUDIT].note(by=me(request), what="library.item-retried", on=it.id)
    return it


@routes.api("DELETE", "/api/v1/items/{id}/withdrawal", who=LIBRARIANS, answers=Item, summary="Bring a withdrawn item back")
async def take_back(request: web.Request) -> Item:
    it = await request.app[LIBRARY].take_back(request.match_info["id"])
    await request.app[AUDIT].note(by=me(request), what="library.item-restored", on=it.id)
    return it


@routes.api("GET", "/api/v1/shelf", who=SIGNED_IN, answers=OwnShelf, summary="What you put aside for later")
async def shelf(request: web.Request) -> OwnShelf:
    library = request.app[LIBRARY]
    return OwnShelf(await library.finder.cards(await library.readers.own_shelf(me(request).id)))


@routes.api("PUT", "/api/v1/shelf/{id}", who=SIGNED_IN, summary="Put an item on your shelf")
async def put_on_shelf(request: web.Request) -> None:
    library = request.app[LIBRARY]
    it = await library.item(request.match_info["id"])
    await library.readers.put_on_shelf(me(request).id, it.id)


@routes.api("DELETE", "/api/v1/shelf/{id}", who=SIGNED_IN, summary="Take an item off your shelf")
async def take_off_shelf(request: web.Request) -> None:
    library = request.app[LIBRARY]
    it = await library.item(request.match_info["id"], hidden=True)
    await library.readers.take_off_shelf(me(request).id, it.id)
