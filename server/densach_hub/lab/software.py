"""Software over all machines, a program's own page, a machine's list, and the school's word on licences."""

import asyncio
from urllib.parse import quote, urlencode

import msgspec
from aiohttp import web

from densach_core.accounts.model import PRINCIPALS, TECHNICIANS, Role
from densach_core.errors import BadInput, Conflict
from densach_core.folding import fold
from densach_core.text import Text, t
from densach_core.web.identity import me
from densach_core.web.keys import LANGUAGES
from densach_core.web.respond import read_form, see_other
from densach_core.web.speech import LOCALE
from densach_hub.fleet.model import Kind
from densach_hub.fleet.software import Answer, SchoolLicence
from densach_hub.fleet.software_api import question
from densach_hub.fleet.store_software import LIBRARIES
from densach_hub.lab import software_file
from densach_hub.lab.frame import routes, show
from densach_hub.lab.service import LAB
from densach_hub.lab.software_words import CLASSES, GROUNDS, SOURCES
from densach_wire.licences import LicenceClass, Verdict
from densach_wire.messages import Item

READERS = PRINCIPALS | TECHNICIANS
"""A principal answers for licences (Circular 08/2010) and may read; technicians change."""
PAGE = 50
LONG_PAGE = 250


class LicenceForm(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    licence_class: str = ""
    note: str = ""
    back: str = "/lab/software"


class LicenceGone(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    back: str = "/lab/software/licences"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A program in a machine's own list."""

    item: Item
    verdict: Verdict

    def said(self, name: str) -> str:
        value = self.item.attrs.get(name)
        return "" if value is None else str(value)

    @property
    def name(self) -> str:
        return self.said("name") or self.item.key

    @property
    def shown(self) -> str:
        return self.said("title") or self.name

    @property
    def app(self) -> bool:
        return self.item.attrs.get("app") is True or self.said("source") not in LIBRARIES

    @property
    def size(self) -> int | None:
        value = self.item.attrs.get("size_bytes")
        return value if isinstance(value, int) else None


@routes.get("/lab/software", who=READERS)
async def all_software(request: web.Request) -> web.StreamResponse:
    """Applications of all real machines by name; `?all=1` libraries too, `?simulated=1` the simulated machines."""
    lab = request.app[LAB]
    asked = question(request)
    page = _page(request)
    answer = await lab.fleet.software.ask(asked, first=(page - 1) * PAGE, most=PAGE)
    fitting = answer.counts[asked.licence_class] if asked.licence_class is not None else answer.total
    last = max(-(-fitting // PAGE), 1)
    if page > last:
        return see_other(request, f"/lab/software?{_same(request, page=str(last))}")
    return await _shown(
        request,
        "lab/software.html",
        title=t("Software"),
        answer=answer,
        asked=asked,
        fitting=fitting,
        page=page,
        last=last,
        base=f"/lab/software?{_same(request)}&page=" if _same(request) else "/lab/software?page=",
        query=_same(request),
        without_class=_same(request, **{"class": ""}),
        rooms=await lab.fleet.rooms.all(),
        sources=await lab.fleet.software.sources(),
        fault=lab.fleet.software.fault,
        pretended=any(machine.simulated for machine in await lab.fleet.register.machines(kinds=(Kind.AGENT,))),
    )


@routes.get("/lab/software.csv", who=READERS)
async def as_csv(request: web.Request) -> web.StreamResponse:
    answer = await _everything(request)
    body = await asyncio.to_thread(software_file.as_csv, answer.programs, LOCALE.get(), request.app[LANGUAGES].say)
    return _file(body, "phan-mem.csv", "text/csv")


@routes.get("/lab/software.xlsx", who=READERS)
async def as_xlsx(request: web.Request) -> web.StreamResponse:
    answer = await _everything(request)
    body = await asyncio.to_thread(software_file.as_xlsx, answer, LOCALE.get(), request.app[LANGUAGES].say)
    return _file(body, "phan-mem.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")


@routes.get("/lab/software/licences", who=READERS)
async def licences(request: web.Request) -> web.StreamResponse:
    """What the school has said of licences; a file a person left broken is told, not hidden."""
    software = request.app[LAB].fleet.software
    fault: Text | None = None
    entries: list[SchoolLicence] = []
    try:
        entries = await software.entries()
    except Conflict as error:
        fault = error.what
    title = t("Licences, as the school says")
    return await _shown(request, "lab/licences.html", title=title, entries=entries, fault=fault)


@routes.post("/lab/software/licences", who=TECHNICIANS)
async def say(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, LicenceForm)
    try:
        cls = LicenceClass(form.licence_class)
    except ValueError as error:
        raise BadInput("lab.licence-class", t("Choose a licence class."), field="licence_class") from error
    said = await request.app[LAB].fleet.software.say(form.name, cls, by=me(request).name, note=form.note)
    return see_other(request, _back(form.back), flash=t("{name} counts as said from now on.", name=said.id))


@routes.post("/lab/software/licences/remove", who=TECHNICIANS)
async def unsay(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, LicenceGone)
    await request.app[LAB].fleet.software.unsay(form.name, by=me(request).name)
    return see_other(request, _back(form.back), flash=t("Taken back. {name} is judged by its evidence again.", name=form.name))


@routes.get("/lab/software/{source}/{name:.+}", who=READERS)
async def one(request: web.Request) -> web.StreamResponse:
    """A program: what it is, by what its class stands, and on which machines."""
    lab = request.app[LAB]
    program, found = await lab.fleet.software.one(request.match_info["source"], request.match_info["name"])
    said = None
    if lab.fleet.software.fault is None:
        said = next((entry for entry in await lab.fleet.software.entries() if entry.id == program.because), None)
    rooms = {room.id: room.name for room in await lab.fleet.rooms.all()}
    return await _shown(
        request, "lab/program.html", title=program.shown, program=program, places=found, said=said, rooms=rooms,
        address=f"/lab/software/{quote(program.source, safe='')}/{quote(program.name, safe='')}",
    )  # fmt: skip


@routes.get("/lab/machines/{id}/software", who=TECHNICIANS)
async def of_machine(request: web.Request) -> web.StreamResponse:
    """A machine's programs: applications where it tells which they are, `?all=1` everything, `?sort=new` newest first."""
    lab = request.app[LAB]
    sight = await lab.fleet.alerts.machine(request.match_info["id"])
    section = next((s for s in sight.sections if s.section == "packages"), None)
    items = [item for item in section.items if item.cls == "package"] if section is not None else []
    verdicts = await lab.fleet.software.verdicts(items)
    lines = [Line(item=item, verdict=verdict) for item, verdict in zip(items, verdicts, strict=True)]
    asked = question(request)
    apps = [line for line in lines if line.app]
    chosen = apps if asked.apps and apps else lines
    words = fold(asked.q).split()
    fitting = [
        line for line in chosen
        if (asked.licence_class is None or line.verdict.cls is asked.licence_class)
        and all(word in fold(f"{line.shown} {line.name} {line.said('publisher')}") for word in words)
    ]  # fmt: skip
    newest = request.query.get("sort") == "new"
    fitting.sort(key=lambda line: line.shown.casefold())
    if newest:
        fitting.sort(key=lambda line: line.said("install_date"), reverse=True)
    page, last = _page(request), max(-(-len(fitting) // LONG_PAGE), 1)
    return await _shown(
        request,
        "lab/machine_software.html",
        here="/lab/machines",
        title=t("Software of {name}", name=sight.machine.name),
        machine=sight.machine,
        section=section,
        lines=fitting[(min(page, last) - 1) * LONG_PAGE :][:LONG_PAGE],
        fitting=len(fitting),
        total=len(lines),
        apps=len(apps),
        asked=asked,
        newest=newest,
        page=min(page, last),
        last=last,
        base=f"/lab/machines/{sight.machine.id}/software?{_same(request)}&page=",
    )


async def _shown(request: web.Request, template: str, *, here: str = "/lab/software", **values: object) -> web.Response:
    may_change = me(request).has(TECHNICIANS | {Role.ADMIN})
    return await show(
        request, template, here=here, classes=CLASSES, grounds=GROUNDS, source_names=SOURCES, may_change=may_change,
        readers_only=not may_change, quoted=lambda word: quote(word, safe=""), **values,
    )  # fmt: skip


async def _everything(request: web.Request) -> Answer:
    return await request.app[LAB].fleet.software.ask(question(request), most=software_file.MOST)


def _file(body: bytes, name: str, kind: str) -> web.Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(body=body, content_type=kind, headers=headers)


def _page(request: web.Request) -> int:
    word = request.query.get("page", "1")
    return max(int(word), 1) if word.isascii() and word.isdigit() and len(word) < 7 else 1


def _same(request: web.Request, **change: str) -> str:
    """The address's question once more, without its page, with `change`."""
    asked = {name: value for name, value in request.query.items() if name != "page"} | change
    return urlencode({name: value for name, value in asked.items() if value})


def _back(path: str) -> str:
    return path if path.startswith("/lab/software") else "/lab/software"
