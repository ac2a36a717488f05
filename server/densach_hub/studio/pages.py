"""The studio's pages: rooms and whether they are ready, the equipment, one piece of it."""

from aiohttp import web

from densach_core.accounts.model import TECHNICIANS
from densach_core.text import t
from densach_core.web.respond import render
from densach_core.web.routes import Routes
from densach_hub.studio.service import STUDIO

routes = Routes("studio")


@routes.get("/lab/studio", who=TECHNICIANS)
async def studio(request: web.Request) -> web.StreamResponse:
    found = request.app[STUDIO]
    return render(
        request,
        "studio/studio.html",
        title=t("Studio"),
        rooms=await found.rooms(),
        equipment=await found.equipment(),
        waiting_count=await found.waiting_count(),
    )


@routes.get("/lab/fragments/studio", who=TECHNICIANS)
async def studio_part(request: web.Request) -> web.StreamResponse:
    found = request.app[STUDIO]
    return render(request, "studio/part_studio.html", rooms=await found.rooms(), equipment=await found.equipment())


@routes.get("/lab/studio/{id}", who=TECHNICIANS)
async def piece(request: web.Request) -> web.StreamResponse:
    found = request.app[STUDIO]
    page = await found.piece(request.match_info["id"])
    return render(
        request,
        "studio/piece.html",
        title=page.sight.row.machine.name,
        page=page,
        row=page.sight.row,
        machine=page.sight.row.machine,
        waiting_count=await found.waiting_count(),
    )
