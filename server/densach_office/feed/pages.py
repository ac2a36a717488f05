"""Pairing by a person: give out a code, see who is paired, withdraw a key; and the tree of units."""

import re

import msgspec
from aiohttp import web

from densach_core.accounts.model import ADMINS, OFFICERS
from densach_core.accounts.service import AUDIT
from densach_core.errors import BadInput, Problem
from densach_core.folding import fold
from densach_core.text import t
from densach_core.web.identity import me
from densach_core.web.keys import CLOCK
from densach_core.web.respond import read_form, render, see_other
from densach_core.web.routes import Routes
from densach_core.web.statuses import status_of
from densach_office.feed.pairing import PAIRING
from densach_office.profile import TREE, Unit
from densach_office.schools.model import ChildKind
from densach_office.schools.port import SchoolStore
from densach_office.words import NOTICES

routes = Routes("office")
STORE: "web.AppKey[SchoolStore]" = web.AppKey("store")


class NewForm(msgspec.Struct, frozen=True):
    code: str = ""
    name: str = ""
    kind: ChildKind = ChildKind.SCHOOL


class UnitForm(msgspec.Struct, frozen=True):
    name: str = ""
    parents: list[str] = []


@routes.get("/schools/new", who=OFFICERS)
async def new(request: web.Request) -> web.StreamResponse:
    code = request.query.get("code", "")[:40]
    return render(request, "office/new.html", title=t("Pair a school"), form=NewForm(code=code), issued=None, problem=None)


@routes.post("/schools/new", who=OFFICERS)
async def issue(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, NewForm)
    issued, problem = None, None
    try:
        issued = await request.app[PAIRING].issue(code=form.code, name=form.name, kind=form.kind, by=me(request))
    except Problem as found:
        problem = found
    return render(
        request,
        "office/new.html",
        status=status_of(problem),
        title=t("Pair a school"),
        form=form,
        issued=issued,
        problem=problem,
    )


@routes.get("/hubs", who=OFFICERS)
async def hubs(request: web.Request) -> web.StreamResponse:
    store = request.app[STORE]
    now = request.app[CLOCK].now_ms()
    return render(
        request,
        "office/hubs.html",
        title=t("Paired schools"),
        children=await store.children(),
        codes=[code for code in await store.codes() if code.open(now)],
        notices=await store.notices(None, 50),
        notice_words=NOTICES,
        admins=ADMINS,
    )


@routes.post("/hubs/{code}/revoke", who=ADMINS)
async def revoke(request: web.Request) -> web.StreamResponse:
    await request.app[PAIRING].revoke(request.match_info["code"], by=me(request))
    return see_other(request, "/hubs", flash=t("The key is withdrawn. What the school said so far stays."))


@routes.get("/tree", who=OFFICERS)
async def tree(request: web.Request) -> web.StreamResponse:
    return await _tree(request, None)


@routes.post("/tree", who=ADMINS)
async def add_unit(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, UnitForm)
    name = " ".join(form.name.split())
    unit_id = re.sub(r"[^a-z0-9]+", "-", fold(name)).strip("-")[:40]
    try:
        if not unit_id:
            raise BadInput("tree.no-name", t("The name is missing."), field="name")
        await request.app[TREE].put(Unit(id=unit_id, name=name, parents=tuple(form.parents)), by=me(request).login)
    except Problem as problem:
        return await _tree(request, problem)
    await request.app[AUDIT].note(by=me(request), what="office.unit-stored", on=unit_id)
    return see_other(request, "/tree", flash=t("Stored: {name}.", name=name))


@routes.post("/tree/{id}/remove", who=ADMINS)
async def remove_unit(request: web.Request) -> web.StreamResponse:
    try:
        await request.app[TREE].remove(request.match_info["id"], by=me(request).login)
    except Problem as problem:
        return await _tree(request, problem)
    await request.app[AUDIT].note(by=me(request), what="office.unit-removed", on=request.match_info["id"])
    return see_other(request, "/tree", flash=t("Removed."))


async def _tree(request: web.Request, problem: Problem | None) -> web.Response:
    found = request.app[TREE]
    units = await found.units()
    return render(
        request,
        "office/tree.html",
        status=status_of(problem),
        title=t("Units and the schools below them"),
        nodes=await found.nodes(),
        units=units,
        boxes=[(unit.id, unit.name) for unit in units],
        admins=ADMINS,
        problem=problem,
    )
