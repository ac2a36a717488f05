"""The way up for programs: which offices, what waits and what was refused. Hub and office both have it."""

import msgspec
from aiohttp import web

from densach_core.accounts.service import AUDIT
from densach_core.sender.model import Line, Parent, Refusal
from densach_core.sender.service import SENDER
from densach_core.web.identity import me
from densach_core.web.respond import read_body
from densach_core.web.routes import Routes, Who


class WayUp(msgspec.Struct, frozen=True):
    """`offices`: one line each, with what waits; `problem` in it is a stable code."""

    offices: list[Line]
    refusals: list[Refusal]


class NewPairing(msgspec.Struct, frozen=True):
    """The office's address, and the code it gave."""

    url: str
    code: str


def upward_api(who: Who) -> Routes:
    """For those in `who`, who see the page too."""
    routes = Routes("sender")

    @routes.api("GET", "/api/v1/upward", who=who, answers=WayUp, summary="The offices figures go to, and how that goes")
    async def way_up(request: web.Request) -> WayUp:
        sender = request.app[SENDER]
        return WayUp(await sender.lines(), await sender.refusals())

    @routes.api(
        "POST", "/api/v1/upward", who=who, takes=NewPairing, answers=Parent, status=201, summary="Pair with an office by its code"
    )
    async def pair(request: web.Request) -> Parent:
        asked = await read_body(request, NewPairing)
        parent = await request.app[SENDER].pair(asked.url, asked.code)
        await request.app[AUDIT].note(by=me(request), what="sender.paired", on=parent.office, detail=parent.url)
        return parent

    @routes.api("DELETE", "/api/v1/upward/{id:\\d+}", who=who, summary="Send nothing to an office any more")
    async def leave(request: web.Request) -> None:
        await request.app[SENDER].leave(int(request.match_info["id"]))
        await request.app[AUDIT].note(by=me(request), what="sender.left", on=request.match_info["id"])

    return routes
