"""`/admin/upkeep`: what the box itself needs."""

import msgspec
from aiohttp import web

from densach_core.accounts.model import ADMINS, TECHNICIANS
from densach_core.text import t
from densach_core.web.identity import me
from densach_core.web.keys import CLOCK, SITE
from densach_core.web.respond import read_form, render, see_other
from densach_core.web.routes import Routes
from densach_hub.upkeep.service import UPKEEP

routes = Routes("upkeep")


class TimeForm(msgspec.Struct, frozen=True):
    """`browser_ms`: the browser's clock when the form was sent."""

    browser_ms: int


@routes.get("/admin/upkeep", who=TECHNICIANS)
async def page(request: web.Request) -> web.Response:
    upkeep = request.app[UPKEEP]
    return render(
        request,
        "upkeep/upkeep.html",
        title=t("Upkeep of the hub"),
        now=request.app[CLOCK].now_ms(),
        source=upkeep.time_source(),
        doubtful=upkeep.clock_is_doubtful(),
        findings=await upkeep.findings(),
        copies=await upkeep.copies(),
    )


@routes.post("/admin/upkeep/clock", who=TECHNICIANS)
async def set_clock(request: web.Request) -> web.Response:
    form = await read_form(request, TimeForm)
    upkeep = request.app[UPKEEP]
    moved = await upkeep.take_time(form.browser_ms, by=me(request))
    request.app[SITE].notices[:] = []
    return see_other(
        request,
        "/admin/upkeep",
        flash=t("The hub took this machine's time; it moved by {seconds} s.", seconds=round(moved / 1000)),
    )


@routes.post("/admin/upkeep/backup", who=ADMINS)
async def back_up(request: web.Request) -> web.Response:
    folder = await request.app[UPKEEP].back_up(by=me(request))
    return see_other(request, "/admin/upkeep", flash=t("Backup {name} is complete.", name=folder.name))
