"""Machines: the list, one machine's record, and what a technician does to it."""

import csv
import io
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from densach_core.accounts.model import TECHNICIANS
from densach_core.clock import moment
from densach_core.errors import BadInput, NotFound
from densach_core.folding import fold
from densach_core.text import Text, t
from densach_core.web.identity import me
from densach_core.web.keys import LANGUAGES
from densach_core.web.respond import read_form, render, see_other
from densach_core.web.speech import LOCALE
from densach_hub.fleet.asking import ASKER
from densach_hub.fleet.model import Condition, Kind
from densach_hub.fleet.sights import Glyph, MachineRow
from densach_hub.lab.asking import ICONS as WISH_ICONS
from densach_hub.lab.asking import STATES as ASKED_STATES
from densach_hub.lab.asking import wishes_of
from densach_hub.lab.frame import chosen, places, routes, show
from densach_hub.lab.model import ConditionForm, MoveForm, NameForm, RepairForm, WhyForm
from densach_hub.lab.rules import ICONS, safe_cell
from densach_hub.lab.service import LAB

A_PAGE = 200
STATES: dict[Glyph, Text] = {
    Glyph.IN_USE: t("in use"),
    Glyph.IDLE: t("on, nobody at it"),
    Glyph.OFF: t("off"),
    Glyph.SILENT: t("silent"),
    Glyph.DECLARED: t("declared by hand"),
    Glyph.BROKEN: t("out of order"),
    Glyph.EMPTY: t("empty seat"),
}
CONDITIONS = {
    Condition.UNKNOWN: t("not said"),
    Condition.WORKING: t("works"),
    Condition.BROKEN: t("out of order"),
}
COLUMNS = (
    t("Id"), t("Name"), t("Room"), t("Seat"), t("State"), t("Source"), t("Maker"), t("Model"), t("Serial number"),
    t("Asset number"), t("Operating system"), t("Last heard"), t("Simulated"),
)  # fmt: skip


@routes.get("/lab/machines", who=TECHNICIANS)
async def machines(request: web.Request) -> web.StreamResponse:
    """200 a page; `?q=`, `?room=` and `?sort=` choose on the hub, so that it works without scripts too.

    What fits on one page is filtered and sorted there by script; more than that keeps itself up to date.
    """
    rooms = await request.app[LAB].fleet.rooms.all()
    listed = await _listed(request)
    return await show(request, "lab/machines.html", here="/lab/machines", title=t("Machines"), rooms=rooms, **listed)


@routes.get("/lab/machines/list", who=TECHNICIANS)
async def machines_list(request: web.Request) -> web.StreamResponse:
    """The part of the list that lives; takes the same words as the page."""
    return render(request, "lab/part_machines.html", **await _listed(request))


async def _listed(request: web.Request) -> dict[str, Any]:
    asked = request.query
    every = await request.app[LAB].machines()
    q, room, sort = asked.get("q", "").strip(), asked.get("room", ""), asked.get("sort", "")
    rows = in_order([row for row in every if fits(row, q, room)], sort)
    last = max(1, -(-len(rows) // A_PAGE))
    page = min(int(asked["page"]), last) if asked.get("page", "").isdecimal() and len(asked["page"]) < 7 else 1
    page = max(page, 1)
    said = {name: value for name, value in (("q", q), ("room", room)) if value}
    return {
        "rows": rows[(page - 1) * A_PAGE : page * A_PAGE],
        "found": len(rows),
        "total": len(every),
        "q": q,
        "room": room,
        "sort": sort,
        "page": page,
        "last": last,
        "chosen": urlencode(said | ({"sort": sort} if sort else {})),
        "unsorted": urlencode(said),
    }


def in_order(rows: list[MachineRow], sort: str) -> list[MachineRow]:
    """By a column's name, `-` before it for the other way round; what is not known is last, whichever way."""
    key = SORTS.get(sort.removeprefix("-"))
    if key is None:
        return rows
    known = [(found, row) for row in rows if (found := key(row)) is not None]
    known.sort(key=lambda pair: pair[0], reverse=sort.startswith("-"))
    return [row for _, row in known] + [row for row in rows if key(row) is None]


def _worded(word: Callable[[MachineRow], str | None]) -> Callable[[MachineRow], tuple[Any, ...] | None]:
    """PC-2 before PC-10, whatever marks and capitals a name has."""

    def key(row: MachineRow) -> tuple[Any, ...] | None:
        text = word(row)
        if not text:
            return None
        return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.findall(r"\d+|\D+", fold(text)))

    return key


SORTS: dict[str, Callable[[MachineRow], tuple[Any, ...] | None]] = {
    "name": _worded(lambda row: row.machine.name),
    "state": _worded(lambda row: row.glyph.value),
    "room": _worded(lambda row: row.room_name),
    "seat": _worded(lambda row: row.seat_label),
    "model": _worded(lambda row: f"{row.machine.maker} {row.machine.model}".strip()),
    "os": _worded(lambda row: row.machine.os),
    "heard": lambda row: (row.live.heard_at,) if row.live and row.live.heard_at else None,
}


@routes.get("/lab/machines.csv", who=TECHNICIANS)
async def machines_csv(request: web.Request) -> web.StreamResponse:
    """The same list for a spreadsheet (UTF-8 with a mark, as Excel wants it)."""
    say = request.app[LANGUAGES].say
    locale = LOCALE.get()
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([say(column, locale) for column in COLUMNS])
    yes = say(t("yes"), locale)
    for row in await request.app[LAB].machines():
        m = row.machine
        heard = moment(row.live.heard_at).strftime("%Y-%m-%d %H:%M") if row.live and row.live.heard_at else ""
        source = t("declared") if m.kind is Kind.DECLARED else t("measured")
        cells = (
            m.id, m.name, row.room_name or "", row.seat_label or "", say(STATES[row.glyph], locale), say(source, locale), m.maker,
            m.model, m.serial, m.asset, m.os, heard, yes if m.simulated else "",
        )  # fmt: skip
        writer.writerow([safe_cell(cell) for cell in cells])
    headers = {"Content-Disposition": 'attachment; filename="machines.csv"'}
    return web.Response(body=b"\xef\xbb\xbf" + out.getvalue().encode(), content_type="text/csv", charset="utf-8", headers=headers)


def fits(row: MachineRow, q: str, room: str) -> bool:
    """Whether a row answers a filter: all words in name, room, maker, model, serial or asset number."""
    m = row.machine
    if room == "-":
        if m.place is not None:
            return False
    elif room and (m.place is None or m.place.room != room):
        return False
    text = fold(
        " ".join((m.name, m.hostname, row.room_name or "", row.seat_label or "", m.maker, m.model, m.serial, m.asset, m.os))
    )
    return all(word in text for word in fold(q).split())


@routes.get("/lab/machines/{id}", who=TECHNICIANS)
async def machine(request: web.Request) -> web.StreamResponse:
    """A machine's record; equipment has its own page in the studio."""
    lab = request.app[LAB]
    found = await lab.fleet.register.machine(request.match_info["id"])
    if found.kind is Kind.EQUIPMENT:
        return see_other(request, f"/lab/studio/{found.id}")
    page = await lab.machine(found.id)
    now = lab.now_ms()
    return await show(
        request,
        "lab/machine.html",
        wishes=wishes_of(me(request)),
        wish_icons=WISH_ICONS,
        asked=[(one, ASKED_STATES[one.state(now)]) for one in await request.app[ASKER].of(found.id, limit=10)],
        here="/lab/machines",
        set_ups=await lab.set_up_of(found.id, LOCALE.get()),
        title=found.name,
        page=page,
        sight=page.sight,
        machine=page.machine,
        places=await places(lab),
        conditions=CONDITIONS,
        icons=ICONS,
    )


@routes.get("/lab/machines/{id}/state", who=TECHNICIANS)
async def machine_state(request: web.Request) -> web.StreamResponse:
    """The part of a machine's page that lives: how it is now."""
    page = await request.app[LAB].machine(request.match_info["id"])
    return render(request, "lab/part_machine.html", page=page, sight=page.sight, machine=page.machine, icons=ICONS)


@routes.post("/lab/machines/{id}/repairs", who=TECHNICIANS)
async def add_repair(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, RepairForm)
    machine_id, fleet, by = request.match_info["id"], request.app[LAB].fleet, me(request).name
    await fleet.register.note_repair(machine_id, form.what, by=by, parts=form.parts, works_again=form.works_again)
    open_ones = {f.key for f in await fleet.alerts.morning() if f.machine == machine_id} if form.solved else set()
    for key in open_ones.intersection(form.solved):
        await fleet.alerts.acknowledge(key, by=by, note=form.what)
    return see_other(request, f"/lab/machines/{machine_id}#done", flash=t("Repair noted."))


@routes.post("/lab/machines/{id}/move", who=TECHNICIANS)
async def move(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, MoveForm)
    room, seat = chosen(form.place)
    moved = await request.app[LAB].fleet.register.move(request.match_info["id"], room, seat, by=me(request).name)
    return see_other(request, f"/lab/machines/{moved.id}", flash=t("{name} has its new place.", name=moved.name))


@routes.post("/lab/machines/{id}/name", who=TECHNICIANS)
async def rename(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, NameForm)
    named = await request.app[LAB].fleet.register.rename(request.match_info["id"], form.name, by=me(request).name)
    return see_other(request, f"/lab/machines/{named.id}", flash=t("It is called {name} now.", name=named.name))


@routes.post("/lab/machines/{id}/condition", who=TECHNICIANS)
async def set_condition(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, ConditionForm)
    try:
        condition = Condition(form.condition)
    except ValueError as error:
        raise BadInput("lab.condition", t("Choose how the machine is."), field="condition") from error
    found = await request.app[LAB].fleet.register.set_condition(request.match_info["id"], condition, by=me(request).name)
    return see_other(request, f"/lab/machines/{found.id}", flash=t("Noted."))


@routes.post("/lab/machines/{id}/retire", who=TECHNICIANS)
async def retire(request: web.Request) -> web.StreamResponse:
    """Out of the register; an agent's certificate is revoked too, so that it stays out."""
    form = await read_form(request, WhyForm)
    lab = request.app[LAB]
    by = me(request).name
    found = await lab.fleet.register.machine(request.match_info["id"])
    await lab.fleet.register.retire(found.id, by=by, why=form.why)
    if found.kind is Kind.AGENT and found.certificate is not None:
        await lab.fleet.enrolment.shut_out(found.id, by=by)
    return see_other(request, "/lab/machines", flash=t("{name} is retired. Its history is kept.", name=found.name))


@routes.post("/lab/machines/{id}/bring-back", who=TECHNICIANS)
async def bring_back(request: web.Request) -> web.StreamResponse:
    back = await request.app[LAB].fleet.register.bring_back(request.match_info["id"], by=me(request).name)
    return see_other(request, f"/lab/machines/{back.id}", flash=t("{name} is in the register again.", name=back.name))


@routes.get("/lab/by-name", who=TECHNICIANS)
async def by_name(request: web.Request) -> web.StreamResponse:
    """`?name=PC-07`: straight to a machine, for links in other programs."""
    name = request.query.get("name", "")
    for row in await request.app[LAB].machines():
        if name in (row.machine.name, row.machine.hostname, row.machine.id):
            return see_other(request, f"/lab/machines/{row.machine.id}")
    raise NotFound("lab.no-machine", t("There is no machine of this name."), t("Look in the list of machines."))
