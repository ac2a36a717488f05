"""The studio's pages: rooms and whether they are ready, the equipment, one piece of it."""

from urllib.parse import urlsplit

import msgspec
from aiohttp import web

from densach_core.accounts.audit import AUDIT
from densach_core.accounts.model import TECHNICIANS
from densach_core.text import t
from densach_core.web.identity import me
from densach_core.web.respond import read_form, render, see_other
from densach_core.web.routes import Routes
from densach_hub.studio.plugging import PLUGGING
from densach_hub.studio.service import STUDIO


class AccountForm(msgspec.Struct, frozen=True):
    name: str = ""


routes = Routes("studio")


@routes.get("/lab/studio", who=TECHNICIANS)
async def studio(request: web.Request) -> web.StreamResponse:
    """`?made=` shows a new account's password to the session that made it, for some minutes."""
    found, plugging = request.app[STUDIO], request.app[PLUGGING]
    handle = request.query.get("made", "")
    page = render(
        request,
        "studio/studio.html",
        title=t("Studio"),
        rooms=await found.rooms(),
        equipment=await found.equipment(),
        waiting_count=await found.waiting_count(),
        line=await plugging.line(),
        address=urlsplit(f"//{request.host}").hostname or request.host,
        made=plugging.made.see(request, handle) if handle else None,
    )
    page.headers["Cache-Control"] = "no-store"
    return page


@routes.post("/lab/studio/accounts", who=TECHNICIANS)
async def add_account(request: web.Request) -> web.StreamResponse:
    """Leads to a page that shows the password: loading that again makes no second account."""
    form = await read_form(request, AccountForm)
    plugging = request.app[PLUGGING]
    made = await plugging.add(form.name.strip())
    await request.app[AUDIT].note(by=me(request), what="studio.account-added", on=made.name)
    return see_other(request, f"/lab/studio?made={plugging.made.keep(request, made, about=made.name)}")


@routes.post("/lab/studio/accounts/{name}/remove", who=TECHNICIANS)
async def remove_account(request: web.Request) -> web.StreamResponse:
    name = request.match_info["name"]
    await request.app[PLUGGING].remove(name)
    await request.app[AUDIT].note(by=me(request), what="studio.account-removed", on=name)
    return see_other(request, "/lab/studio", flash=t("“{name}” can no longer log in.", name=name))


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
