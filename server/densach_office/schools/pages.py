"""The officer's pages: the first page, a school, a record, rooms of all schools."""

import msgspec
from aiohttp import web

from densach_core.accounts.model import OFFICERS
from densach_core.accounts.service import AUDIT
from densach_core.clock import day_of
from densach_core.criteria import shown
from densach_core.criteria.shelf import Shelf
from densach_core.errors import NotFound
from densach_core.text import t
from densach_core.web.identity import me
from densach_core.web.keys import CLOCK
from densach_core.web.respond import read_form, render, see_other
from densach_core.web.routes import Routes
from densach_core.web.speech import LOCALE
from densach_office.profile import TREE
from densach_office.schools.export import schools_csv
from densach_office.schools.service import SCHOOLS, Filter
from densach_office.words import ALERTS, NOTICES
from densach_wire.upward import body_of

routes = Routes("office")
CRITERIA: web.AppKey[Shelf] = web.AppKey("criteria", Shelf)
LEVELS = ("TH", "THCS", "THPT")
COLUMNS = ("name", "heard", "registered", "working", "connected", *(f"ratio-{level}" for level in LEVELS), "alerts")


def chosen(request: web.Request) -> Filter:
    """The table's filter and order, from the address."""
    query = request.query
    sort = query.get("sort", "name")
    only = query.get("only")
    return Filter(
        search=query.get("q", "")[:100],
        unit=query.get("unit") or None,
        only=only if only in {"beyond", "silent", "alerts"} else None,
        sort=sort if sort in COLUMNS or sort == "code" else "name",
        down=query.get("dir") == "down",
    )


@routes.get("/", who=OFFICERS)
async def first_page(request: web.Request) -> web.StreamResponse:
    return await _table(request, "office/fleet.html")


@routes.get("/fragments/schools", who=OFFICERS)
async def fragment(request: web.Request) -> web.StreamResponse:
    return await _table(request, "office/fleet_live.html")


async def _table(request: web.Request, template: str) -> web.Response:
    schools = request.app[SCHOOLS]
    asked = chosen(request)
    rows = await schools.rows(asked)
    everyone = rows if asked == Filter(sort=asked.sort, down=asked.down) else await schools.rows(Filter(unit=asked.unit))
    return render(
        request,
        template,
        title=t("Schools at a glance"),
        overview=await schools.overview(everyone),
        rows=rows,
        asked=asked,
        units=await request.app[TREE].units(),
        levels=[level for level in LEVELS if any(level in row.levels for row in everyone)],
        figure=_figure,
        norm=_norm,
        query=request.query_string,
    )


@routes.get("/schools.csv", who=OFFICERS)
async def table_csv(request: web.Request) -> web.StreamResponse:
    rows = await request.app[SCHOOLS].rows(chosen(request))
    units = {unit.id: unit.name for unit in await request.app[TREE].units()}
    day = day_of(request.app[CLOCK].now_ms()).isoformat()
    return web.Response(
        body=schools_csv(rows, LEVELS, units, LOCALE.get()),
        headers={
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": f'attachment; filename="truong-{day}.csv"',
        },
    )


@routes.get("/schools/{code}", who=OFFICERS)
async def school(request: web.Request) -> web.StreamResponse:
    sight = await request.app[SCHOOLS].school(request.match_info["code"])
    shelf = request.app[CRITERIA]
    units = await request.app[TREE].units()
    order = {criterion.code: place for place, criterion in enumerate(shelf.criteria)}
    indicators = sorted(sight.indicators, key=lambda pair: order.get(pair[0].code, len(order)))
    return render(
        request,
        "office/school.html",
        title=sight.row.name,
        sight=sight,
        indicators=indicators,
        criteria={criterion.code: criterion for criterion in shelf.criteria},
        level_words=shown.LEVELS,
        reason=shown.reason,
        figure=_figure,
        norm=_norm,
        units=units,
        boxes=[(unit.id, unit.name) for unit in units],
        alert_words=ALERTS,
        notice_words=NOTICES,
    )


@routes.get("/schools/{code}/records/{rest:.+}", who=OFFICERS)
async def record(request: web.Request) -> web.StreamResponse:
    code = request.match_info["code"]
    versions = await request.app[SCHOOLS].versions(f"{code}/{request.match_info['rest']}")
    if not versions:
        raise NotFound("office.no-record", t("No record has this id."))
    return render(
        request,
        "office/record.html",
        title=versions[0].record.id,
        code=code,
        versions=[(one, _pretty(body_of(one.record))) for one in versions],
    )


class PlaceForm(msgspec.Struct, frozen=True):
    units: list[str] = []


@routes.post("/schools/{code}/units", who=OFFICERS)
async def place(request: web.Request) -> web.StreamResponse:
    code = request.match_info["code"]
    form = await read_form(request, PlaceForm)
    await request.app[SCHOOLS].school(code)
    await request.app[TREE].place(code, tuple(form.units), by=me(request).login)
    await request.app[AUDIT].note(by=me(request), what="office.school-placed", on=code, detail=",".join(form.units))
    return see_other(request, f"/schools/{code}", flash=t("Stored where the school belongs."))


@routes.get("/machines", who=OFFICERS)
async def rooms(request: web.Request) -> web.StreamResponse:
    return render(
        request,
        "office/rooms.html",
        title=t("Computer rooms of all schools"),
        rooms=await request.app[SCHOOLS].rooms(),
        level_words=shown.LEVELS,
        reason=shown.reason,
        figure=_figure,
        norm=_norm,
    )


def _figure(value: float | None, decimals: int = 0) -> str | None:
    return shown.figure(value, decimals, LOCALE.get())


def _norm(value: float | None) -> str | None:
    return shown.norm(value, LOCALE.get())


def _pretty(body: object) -> str:
    return msgspec.json.format(msgspec.json.encode(body), indent=2).decode() if body is not None else ""
