"""The tree of units for programs: what stands where, and which schools belong to what."""

import re

import msgspec
from aiohttp import web

from densach_core.accounts.model import ADMINS, OFFICERS
from densach_core.accounts.service import AUDIT
from densach_core.errors import BadInput
from densach_core.text import t
from densach_core.web.identity import me
from densach_core.web.respond import read_body
from densach_core.web.routes import Routes
from densach_office.profile import TREE, Node, Unit
from densach_office.schools.service import SCHOOLS

routes = Routes("office")


class TreeOfUnits(msgspec.Struct, frozen=True):
    """From the roots down, a unit with two parents twice; `memberships`: a school's code → its units."""

    nodes: list[Node]
    memberships: dict[str, tuple[str, ...]]


class UnitSaid(msgspec.Struct, frozen=True):
    """`parents`: ids of units this one stands below."""

    name: str
    parents: tuple[str, ...] = ()


class Belongs(msgspec.Struct, frozen=True):
    """Ids of the units a school belongs to."""

    units: tuple[str, ...]


@routes.api("GET", "/api/v1/tree", who=OFFICERS, answers=TreeOfUnits, summary="The units, and the schools below them")
async def tree(request: web.Request) -> TreeOfUnits:
    found = request.app[TREE]
    return TreeOfUnits(await found.nodes(), await found.memberships())


@routes.api("PUT", "/api/v1/tree/{id}", who=ADMINS, takes=UnitSaid, answers=Unit, summary="A new unit, or a changed one")
async def put_unit(request: web.Request) -> Unit:
    said = await read_body(request, UnitSaid)
    name = " ".join(said.name.split())
    if not name:
        raise BadInput("tree.no-name", t("The name is missing."), field="name")
    if re.fullmatch(r"[a-z0-9-]{1,40}", request.match_info["id"]) is None:
        raise BadInput("tree.id-odd", t("A unit's id has small letters, digits and dashes, 40 at most."), field="id")
    unit = Unit(id=request.match_info["id"], name=name, parents=said.parents)
    await request.app[TREE].put(unit, by=me(request).login)
    await request.app[AUDIT].note(by=me(request), what="office.unit-stored", on=unit.id)
    return unit


@routes.api("DELETE", "/api/v1/tree/{id}", who=ADMINS, summary="Remove a unit nothing stands below")
async def remove_unit(request: web.Request) -> None:
    await request.app[TREE].remove(request.match_info["id"], by=me(request).login)
    await request.app[AUDIT].note(by=me(request), what="office.unit-removed", on=request.match_info["id"])


@routes.api(
    "PUT", "/api/v1/schools/{code}/units", who=OFFICERS, takes=Belongs, answers=Belongs, summary="Say where a school belongs"
)
async def place(request: web.Request) -> Belongs:
    said = await read_body(request, Belongs)
    code = request.match_info["code"]
    await request.app[SCHOOLS].school(code)
    await request.app[TREE].place(code, said.units, by=me(request).login)
    await request.app[AUDIT].note(by=me(request), what="office.school-placed", on=code, detail=",".join(said.units))
    return Belongs((await request.app[TREE].memberships()).get(code, ()))
