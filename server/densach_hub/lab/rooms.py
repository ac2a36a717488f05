"""Rooms: the list, one room's map, its seats, its labels and its log-book."""

from aiohttp import web
from msgspec.structs import replace

from densach_core.accounts.model import TECHNICIANS
from densach_core.errors import BadInput, Problem
from densach_core.text import t, tn
from densach_core.web.identity import me
from densach_core.web.respond import read_form, render, see_other
from densach_core.web.speech import LOCALE
from densach_core.web.statuses import status_of
from densach_hub.fleet.model import Room, RoomKind
from densach_hub.lab.frame import routes, show
from densach_hub.lab.model import MaintenanceForm, PlaceForm, RoomForm, SeatsForm
from densach_hub.lab.rules import in_order, relaid
from densach_hub.lab.service import LAB

ROOM_KINDS = {
    RoomKind.COMPUTER_ROOM: t("Computer room"),
    RoomKind.STUDIO: t("Studio"),
    RoomKind.LIBRARY: t("Library"),
    RoomKind.OTHER: t("Other room"),
}
HOUR_MS = 3_600_000


@routes.get("/lab/rooms", who=TECHNICIANS)
async def rooms(request: web.Request) -> web.StreamResponse:
    lab = request.app[LAB]
    return await show(
        request,
        "lab/rooms.html",
        here="/lab/rooms",
        title=t("Rooms"),
        rooms=await lab.rooms(),
        homeless=await lab.homeless(),
        kinds=ROOM_KINDS,
    )


@routes.get("/lab/rooms/new", who=TECHNICIANS)
async def new_room(request: web.Request) -> web.StreamResponse:
    return await show(
        request,
        "lab/room_edit.html",
        here="/lab/rooms",
        title=t("A new room"),
        room=None,
        kinds=ROOM_KINDS,
        problem=None,
        form=None,
    )


@routes.post("/lab/rooms", who=TECHNICIANS)
async def add_room(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, RoomForm)
    try:
        room = await request.app[LAB].fleet.rooms.new(
            form.name, by=me(request).name, kind=kind_of(form), seats=form.seats, columns=form.columns,
            levels=tuple(form.levels), campus=form.campus,
        )  # fmt: skip
    except BadInput as problem:
        return await _form_again(request, None, form, problem)
    return see_other(request, f"/lab/rooms/{room.id}", flash=t("The room {name} is there.", name=room.name))


@routes.get("/lab/rooms/{id}", who=TECHNICIANS)
async def room(request: web.Request) -> web.StreamResponse:
    lab = request.app[LAB]
    found = await lab.room(request.match_info["id"])
    return await show(
        request,
        "lab/room.html",
        here="/lab/rooms",
        title=found.room.name,
        map=found,
        legend=in_order(c.sight.glyph for c in found.cells),
        faults=await lab.room_faults(found.room.id),
        set_up=await lab.set_up(LOCALE.get()),
        use=await lab.room_use(found),
        homeless=await lab.homeless(),
        unseated=[s.machine for s in found.sight.loose if s.machine is not None],
        kinds=ROOM_KINDS,
    )


@routes.get("/lab/rooms/{id}/map", who=TECHNICIANS)
async def room_map(request: web.Request) -> web.StreamResponse:
    """The part of a room's page that lives."""
    lab = request.app[LAB]
    found = await lab.room(request.match_info["id"])
    return render(
        request,
        "lab/part_room.html",
        map=found,
        legend=in_order(c.sight.glyph for c in found.cells),
        faults=await lab.room_faults(found.room.id),
        set_up=await lab.set_up(LOCALE.get()),
    )


@routes.get("/lab/rooms/{id}/edit", who=TECHNICIANS)
async def edit_room(request: web.Request) -> web.StreamResponse:
    found = await request.app[LAB].fleet.rooms.get(request.match_info["id"])
    return await show(
        request,
        "lab/room_edit.html",
        here="/lab/rooms",
        title=t("Change {name}", name=found.name),
        room=found,
        kinds=ROOM_KINDS,
        problem=None,
        form=None,
    )


@routes.post("/lab/rooms/{id}/edit", who=TECHNICIANS)
async def save_room(request: web.Request) -> web.StreamResponse:
    """Name, kind and levels; and the grid of seats, where those that exist keep their id."""
    rooms_ = request.app[LAB].fleet.rooms
    old = await rooms_.get(request.match_info["id"])
    form = await read_form(request, RoomForm)
    try:
        seats = old.seats
        if form.seats != len(old.seats) or form.columns != columns_of(old):
            seats = relaid(old, await _seats_wanted(request, old, form.seats), form.columns)
        changed = replace(
            old,
            name=form.name.strip(),
            kind=kind_of(form),
            campus=form.campus,
            levels=tuple(form.levels),
            note=form.note,
            seats=seats,
        )
        await rooms_.put(changed, by=me(request).name)
    except BadInput as problem:
        return await _form_again(request, old, form, problem)
    return see_other(request, f"/lab/rooms/{old.id}", flash=t("The room is changed."))


@routes.post("/lab/rooms/{id}/seats", who=TECHNICIANS)
async def lay_seats(request: web.Request) -> web.StreamResponse:
    rooms_ = request.app[LAB].fleet.rooms
    old = await rooms_.get(request.match_info["id"])
    form = await read_form(request, SeatsForm)
    seats = relaid(old, await _seats_wanted(request, old, form.seats), form.columns)
    await rooms_.put(replace(old, seats=seats), by=me(request).name)
    return see_other(request, f"/lab/rooms/{old.id}", flash=t("The seats are laid out anew."))


async def _seats_wanted(request: web.Request, room: Room, seats: int) -> int:
    """Seats may only go when nothing stands on them."""
    if not 0 <= seats <= 200:
        raise BadInput("lab.seats-number", t("Give a number of seats from 0 to 200."), field="seats")
    going = {seat.id for seat in room.seats[seats:]}
    standing = [
        c for c in (await request.app[LAB].room(room.id)).cells if c.sight.machine and c.sight.seat and c.sight.seat.id in going
    ]
    if standing:
        raise BadInput(
            "lab.seats-taken",
            tn(
                "{n} machine stands on a seat you would take away.",
                "{n} machines stand on the seats you would take away.",
                n=len(standing),
            ),
            t("Move these machines first."),
            field="seats",
        )
    return seats


@routes.post("/lab/rooms/{id}/remove", who=TECHNICIANS)
async def remove_room(request: web.Request) -> web.StreamResponse:
    await request.app[LAB].fleet.rooms.remove(request.match_info["id"], by=me(request).name)
    return see_other(request, "/lab/rooms", flash=t("The room is removed."))


@routes.post("/lab/place", who=TECHNICIANS)
async def place_many(request: web.Request) -> web.StreamResponse:
    """Many machines into a room at once, on its free seats in the order of their names."""
    form = await read_form(request, PlaceForm)
    if not form.machine:
        raise BadInput("lab.none-chosen", t("No machine is ticked."), t("Tick the machines first."))
    moved = await request.app[LAB].fleet.register.move_many(
        form.machine, form.room, by=me(request).name, seats_from=form.seats_from
    )
    return see_other(
        request,
        f"/lab/rooms/{form.room}",
        flash=tn("{n} machine is in the room now.", "{n} machines are in the room now.", n=len(moved)),
    )


@routes.post("/lab/rooms/{id}/maintenance", who=TECHNICIANS)
async def plan_maintenance(request: web.Request) -> web.StreamResponse:
    """From now on, parts may change in this room without anybody being warned."""
    lab = request.app[LAB]
    form = await read_form(request, MaintenanceForm)
    now = lab.now_ms()
    until = now + min(max(form.hours, 1), 24 * 30) * HOUR_MS
    room_id = request.match_info["id"]
    await lab.fleet.rooms.get(room_id)
    await lab.fleet.register.plan_maintenance(by=me(request).name, from_at=now, until_at=until, room=room_id, why=form.why)
    return see_other(request, f"/lab/rooms/{room_id}", flash=t("Planned work has begun: changes of parts warn nobody."))


def kind_of(form: RoomForm) -> RoomKind:
    try:
        return RoomKind(form.kind)
    except ValueError as error:
        raise BadInput("lab.room-kind", t("Choose what the room is."), field="kind") from error


def columns_of(room: Room) -> int:
    return max((seat.column for seat in room.seats), default=5) + 1


async def _form_again(request: web.Request, room: Room | None, form: RoomForm, problem: Problem) -> web.StreamResponse:
    page = await show(
        request,
        "lab/room_edit.html",
        here="/lab/rooms",
        title=t("A room"),
        room=room,
        kinds=ROOM_KINDS,
        problem=problem,
        form=form,
    )
    page.set_status(status_of(problem))
    return page
