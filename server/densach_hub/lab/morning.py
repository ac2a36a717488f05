"""The morning page and the list of all alerts: what needs a person, in one sentence each."""

from aiohttp import web

from densach_core.accounts.audit import AUDIT
from densach_core.accounts.model import TECHNICIANS
from densach_core.text import t
from densach_core.web.identity import me
from densach_core.web.respond import read_form, render, see_other
from densach_hub.lab.frame import routes, show
from densach_hub.lab.model import SeenForm
from densach_hub.lab.rules import ICONS, WEEKDAYS
from densach_hub.lab.service import LAB


@routes.get("/lab", who=TECHNICIANS)
async def morning(request: web.Request) -> web.StreamResponse:
    lab = request.app[LAB]
    return await show(
        request,
        "lab/morning.html",
        here="/lab",
        title=t("This morning"),
        morning=await lab.morning(),
        rooms=await lab.rooms(),
        homeless=await lab.homeless(),
        today=lab.today(),
        weekday=WEEKDAYS[lab.today().weekday()],
        icons=ICONS,
    )


@routes.get("/lab/fragments/needs", who=TECHNICIANS)
async def needs(request: web.Request) -> web.StreamResponse:
    return render(request, "lab/part_needs.html", morning=await request.app[LAB].morning(), icons=ICONS)


@routes.get("/lab/fragments/rooms", who=TECHNICIANS)
async def rooms(request: web.Request) -> web.StreamResponse:
    lab = request.app[LAB]
    return render(request, "lab/part_rooms.html", rooms=await lab.rooms(), homeless=await lab.homeless())


@routes.get("/lab/alerts", who=TECHNICIANS)
async def alerts(request: web.Request) -> web.StreamResponse:
    """Everything, those already seen included."""
    lab = request.app[LAB]
    return await show(
        request,
        "lab/alerts.html",
        here="/lab/alerts",
        title=t("Alerts"),
        morning=await lab.morning(),
        icons=ICONS,
        quarantined=len(await lab.fleet.telemetry.quarantined(limit=100)),
        windows=await lab.fleet.register.maintenance(now=lab.now_ms()),
        rooms={room.id: room.name for room in await lab.fleet.rooms.all()},
    )


@routes.get("/lab/fragments/alerts", who=TECHNICIANS)
async def alert_list(request: web.Request) -> web.StreamResponse:
    return render(request, "lab/part_alerts.html", morning=await request.app[LAB].morning(), icons=ICONS)


@routes.post("/lab/alerts/seen", who=TECHNICIANS)
async def seen(request: web.Request) -> web.StreamResponse:
    """A technician has seen a finding: it is out of the way until it changes."""
    form = await read_form(request, SeenForm)
    await request.app[LAB].fleet.alerts.acknowledge(form.key, by=me(request).name, note=form.note)
    return see_other(request, form.back, flash=t("Noted: you have seen it."))


@routes.post("/lab/faults/{id:\\d+}/close", who=TECHNICIANS)
async def close_fault(request: web.Request) -> web.StreamResponse:
    fault = await request.app[LAB].fleet.faults.close(int(request.match_info["id"]), by=me(request).name)
    back = f"/lab/machines/{fault.machine}" if fault.machine else f"/lab/rooms/{fault.room}"
    return see_other(request, back, flash=t("The fault report is closed."))


@routes.post("/lab/twins/{id:\\d+}/same", who=TECHNICIANS)
async def same_machine(request: web.Request) -> web.StreamResponse:
    """What looked like a twin is the machine itself with a new main board and disk: its new body is learned."""
    device = await request.app[LAB].fleet.identity.same_after_all(int(request.match_info["id"]), by=me(request).name)
    await request.app[AUDIT].note(by=me(request), what="lab.twin-same", on=device)
    return see_other(request, f"/lab/machines/{device}", flash=t("Noted: it is the same machine with new parts."))


@routes.post("/lab/maintenance/{id:\\d+}/end", who=TECHNICIANS)
async def end_maintenance(request: web.Request) -> web.StreamResponse:
    await request.app[LAB].fleet.register.end_maintenance(int(request.match_info["id"]), by=me(request).name)
    return see_other(request, "/lab/alerts", flash=t("The planned work has ended: changes are reported again."))
