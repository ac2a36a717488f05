"""Software and licences for scripts, over /api/v1."""

import msgspec
from aiohttp import web

from densach_core.accounts.model import PRINCIPALS, TECHNICIANS
from densach_core.errors import BadInput
from densach_core.text import t
from densach_core.web.identity import me
from densach_core.web.respond import read_body
from densach_core.web.routes import Routes
from densach_hub.fleet.service import FLEET
from densach_hub.fleet.software import Question, SchoolLicence
from densach_hub.fleet.store_software import Copy, Program
from densach_wire.licences import LicenceClass

routes = Routes("fleet")
READERS = PRINCIPALS | TECHNICIANS
MOST = 1_000


class SoftwareList(msgspec.Struct, frozen=True):
    """`total` programs fit; `counts` by class; `told` of `machines` have told their software; `waiting` lists are still
    being read."""

    software: list[Program]
    total: int
    counts: dict[LicenceClass, int]
    machines: int
    told: int
    waiting: int


class SoftwareSight(msgspec.Struct, frozen=True):
    software: Program
    copies: list[Copy]


class LicenceList(msgspec.Struct, frozen=True):
    licences: list[SchoolLicence]


class NewLicence(msgspec.Struct, frozen=True):
    """`name` may hold `*` and `?`."""

    name: str
    licence_class: LicenceClass
    note: str = ""


@routes.api("GET", "/api/v1/software", who=READERS, answers=SoftwareList, summary="Software over all machines")
async def software(request: web.Request) -> SoftwareList:
    """`q`, `room`, `class`, `source`, `all` (libraries too), `simulated`, `sort=machines`, `first` (0), `most` (100)."""
    first, most = _number(request, "first", 0, 10_000_000), _number(request, "most", 100, MOST)
    answer = await request.app[FLEET].software.ask(question(request), first=first, most=most)
    return SoftwareList(answer.programs, answer.total, answer.counts, answer.machines, answer.told, answer.waiting)


@routes.api("GET", "/api/v1/software/program", who=READERS, answers=SoftwareSight, summary="A program and its machines")
async def program(request: web.Request) -> SoftwareSight:
    """`source` and `name`."""
    found, places = await request.app[FLEET].software.one(request.query.get("source", ""), request.query.get("name", ""))
    return SoftwareSight(found, [place.copy for place in places])


@routes.api("GET", "/api/v1/software/licences", who=READERS, answers=LicenceList, summary="The school's own word on licences")
async def licences(request: web.Request) -> LicenceList:
    return LicenceList(await request.app[FLEET].software.entries())


@routes.api(
    "POST",
    "/api/v1/software/licences",
    who=TECHNICIANS,
    takes=NewLicence,
    answers=SchoolLicence,
    status=201,
    summary="Say the licence class of software, for this school",
)
async def say(request: web.Request) -> SchoolLicence:
    new = await read_body(request, NewLicence)
    return await request.app[FLEET].software.say(new.name, new.licence_class, by=me(request).name, note=new.note)


@routes.api("DELETE", "/api/v1/software/licences", who=TECHNICIANS, summary="Take the school's word back (`name`)")
async def unsay(request: web.Request) -> None:
    await request.app[FLEET].software.unsay(request.query.get("name", ""), by=me(request).name)


def question(request: web.Request) -> Question:
    """What the address asks for; a class nobody knows asks for every class."""
    get = request.query.get
    cls = get("class", "")
    return Question(
        q=get("q", "").strip()[:200],
        room=get("room", ""),
        licence_class=LicenceClass(cls) if cls in set(LicenceClass) else None,
        source=get("source", "")[:40],
        apps=get("all", "") in ("", "0"),
        simulated=get("simulated", "") not in ("", "0"),
        by_count=get("sort", "") == "machines",
    )


def _number(request: web.Request, name: str, usual: int, most: int) -> int:
    word = request.query.get(name, str(usual))
    if not word.isascii() or not word.isdigit() or int(word[:12]) > most:
        raise BadInput("fleet.number", t("Choose between {a} and {b}.", a=0, b=most), field=name)
    return int(word)
