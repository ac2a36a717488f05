"""A reader's own marks, for the reader's scripts and for programs. Nobody else's can be asked for: the account is the asker's."""

import msgspec
from aiohttp import web

from densach_core.web.identity import me
from densach_core.web.keys import CLOCK, LANGUAGES
from densach_core.web.respond import read_body
from densach_core.web.routes import SIGNED_IN, Routes
from densach_core.web.speech import LOCALE
from densach_hub.library.marking import Taken
from densach_hub.library.marks import Mark, MarkNote
from densach_hub.library.model import Card
from densach_hub.library.service import LIBRARY

routes = Routes("library")


class MarkNotes(msgspec.Struct, frozen=True):
    """Up to 100 marks as a device has them. `now`: its clock at sending, right or wrong; `device` tells it from others."""

    marks: list[MarkNote]
    now: int
    device: str = ""


class MarkRefused(msgspec.Struct, frozen=True):
    """`code` never changes; `title` is in the asker's language."""

    id: str
    code: str
    title: str


class MarkList(msgspec.Struct, frozen=True):
    """All marks of the asker in the item, in its order. `now`: the hub's clock."""

    marks: list[Mark]
    now: int
    refused: list[MarkRefused] = []


class MarkedItem(msgspec.Struct, frozen=True):
    item: Card
    marks: int


class MarkedItems(msgspec.Struct, frozen=True):
    items: list[MarkedItem]


@routes.api("GET", "/api/v1/items/{id}/marks", who=SIGNED_IN, answers=MarkList, summary="Your marks in an item")
async def marks(request: web.Request) -> MarkList:
    library = request.app[LIBRARY]
    it = await library.item(request.match_info["id"])
    return MarkList(await library.marking.of(me(request).id, it.id), request.app[CLOCK].now_ms())


@routes.api(
    "POST",
    "/api/v1/items/{id}/marks",
    who=SIGNED_IN,
    takes=MarkNotes,
    answers=MarkList,
    summary="Tell new, changed and removed marks; they are merged by id and clock",
)
async def tell_marks(request: web.Request) -> MarkList:
    """The answer has every mark that holds. One that cannot be taken stands in `refused`; the others are taken."""
    told = await read_body(request, MarkNotes)
    library = request.app[LIBRARY]
    it = await library.item(request.match_info["id"])
    taken = await library.marking.take(me(request).id, it, told.marks, device=told.device, device_now=told.now)
    return MarkList(taken.marks, request.app[CLOCK].now_ms(), _refused(request, taken))


@routes.api("DELETE", "/api/v1/items/{id}/marks/{mark}", who=SIGNED_IN, status=204, summary="Remove a mark of yours")
async def remove_mark(request: web.Request) -> None:
    library = request.app[LIBRARY]
    it = await library.item(request.match_info["id"])
    await library.marking.remove(me(request).id, it.id, request.match_info["mark"])


@routes.api("GET", "/api/v1/marks", who=SIGNED_IN, answers=MarkedItems, summary="The items you have marks in")
async def marked_items(request: web.Request) -> MarkedItems:
    library = request.app[LIBRARY]
    counts = dict(await library.marking.items(me(request).id))
    return MarkedItems([MarkedItem(card, counts[card.id]) for card in await library.finder.cards(list(counts))])


def _refused(request: web.Request, taken: Taken) -> list[MarkRefused]:
    say, locale = request.app[LANGUAGES].say, LOCALE.get()
    return [MarkRefused(one.id, one.problem.code, say(one.problem.what, locale)) for one in taken.refused]
