"""`/admin/upkeep`: what the box itself needs."""

from aiohttp import web

from densach_core.accounts.admin_pages import admin_places
from densach_core.accounts.model import ADMINS, TECHNICIANS
from densach_core.text import t
from densach_core.web.identity import me
from densach_core.web.keys import CLOCK
from densach_core.web.respond import render, see_other
from densach_core.web.routes import Routes
from densach_hub.upkeep.service import UPKEEP

routes = Routes("upkeep")


@routes.get("/admin/upkeep", who=TECHNICIANS)
async def page(request: web.Request) -> web.Response:
    upkeep = request.app[UPKEEP]
    return render(
        request,
        "upkeep/upkeep.html",
        title=t("Upkeep of the hub"),
        places=admin_places(request),
        now=request.app[CLOCK].now_ms(),
        source=upkeep.time_source(),
        doubtful=upkeep.clock_is_doubtful(),
        findings=await upkeep.findings(),
        copies=await upkeep.copies(),
    )


@routes.post("/admin/upkeep/backup", who=ADMINS)
async def back_up(request: web.Request) -> web.Response:
    folder = await request.app[UPKEEP].back_up(by=me(request))
    return see_other(request, "/admin/upkeep", flash=t("Backup {name} is complete.", name=folder.name))
