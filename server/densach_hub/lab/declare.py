"""Machines that can run no agent (broken, too old, never on the net): written down by hand or from a CSV file."""

import base64
import binascii
from collections.abc import Sequence

from aiohttp import web

from densach_core.accounts.model import TECHNICIANS
from densach_core.errors import BadInput, Problem, TooLarge
from densach_core.text import t
from densach_core.web.identity import me
from densach_core.web.respond import read_form, see_other
from densach_core.web.statuses import status_of
from densach_hub.fleet.model import Condition, Declaration, Machine
from densach_hub.lab.frame import chosen, places, routes, show
from densach_hub.lab.machines import CONDITIONS
from densach_hub.lab.model import DeclareForm
from densach_hub.lab.service import LAB

MOST_BYTES = 1_000_000


@routes.get("/lab/declare", who=TECHNICIANS)
async def declare(request: web.Request) -> web.StreamResponse:
    return await _page(request, form=DeclareForm(place=request.query.get("place", "")), problem=None)


@routes.post("/lab/declare", who=TECHNICIANS)
async def declare_one(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, DeclareForm)
    room, seat = chosen(form.place)
    condition = Condition(form.condition) if form.condition in set(Condition) else Condition.UNKNOWN
    given = Declaration(
        name=form.name, room=room, seat=seat, maker=form.maker, model=form.model, serial=form.serial,
        asset=form.asset, os=form.os, condition=condition, note=form.note,
    )  # fmt: skip
    fleet = request.app[LAB].fleet
    if not form.anyway and (alike := await fleet.declared.alike(given)):
        page = await _page(request, form=form, problem=None, alike=alike)
        page.set_status(409)
        return page
    try:
        made = await fleet.register.declare(given, by=me(request).name)
    except Problem as problem:
        page = await _page(request, form=form, problem=problem)
        page.set_status(status_of(problem))
        return page
    return see_other(request, f"/lab/machines/{made.id}", flash=t("{name} is in the register, as declared.", name=made.name))


@routes.post("/lab/declare/preview", who=TECHNICIANS)
async def preview(request: web.Request) -> web.StreamResponse:
    """What a file would do, before it does it; the file travels along in the form, nothing is kept meanwhile."""
    posted = await request.post()
    sent = posted.get("file")
    if not isinstance(sent, web.FileField):
        raise BadInput("lab.no-file", t("No file was chosen."), t("Choose a CSV file."), field="file")
    body = sent.file.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        raise TooLarge("lab.file-too-large", t("This file is larger than a list of machines can be."), t("Split it."))
    found = await request.app[LAB].fleet.declared.preview(body)
    return await show(
        request,
        "lab/declare_preview.html",
        here="/lab/machines",
        title=t("What the file will change"),
        preview=found,
        body=base64.b64encode(body).decode(),
        file_name=sent.filename,
    )


@routes.post("/lab/declare/carry-out", who=TECHNICIANS)
async def carry_out(request: web.Request) -> web.StreamResponse:
    posted = await request.post()
    try:
        body = base64.b64decode(str(posted.get("body", "")), validate=True)
    except binascii.Error as error:
        raise BadInput("lab.file-damaged", t("The file did not come back whole."), t("Choose it once more.")) from error
    done = await request.app[LAB].fleet.declared.carry_out(body, str(posted.get("digest", "")), by=me(request).name)
    said = t("{new} machines are new, {changed} are changed.", new=done.count("new"), changed=done.count("changed"))
    return see_other(request, "/lab/machines", flash=said)


async def _page(
    request: web.Request, *, form: DeclareForm, problem: Problem | None, alike: Sequence[Machine] = ()
) -> web.Response:
    return await show(
        request,
        "lab/declare.html",
        here="/lab/machines",
        title=t("Write a machine down by hand"),
        form=form,
        problem=problem,
        alike=alike,
        room_names={room.id: room.name for room in await request.app[LAB].fleet.rooms.all()},
        places=await places(request.app[LAB]),
        conditions=CONDITIONS,
    )
