"""The register, rooms, findings and equipment for scripts: what the lab's pages can do, over /api/v1."""

import msgspec
from aiohttp import web

from densach_core.accounts.audit import AUDIT
from densach_core.accounts.model import TECHNICIANS
from densach_core.clock import DAY_MS
from densach_core.errors import BadInput
from densach_core.text import t
from densach_core.web.identity import address_of, me, who_is
from densach_core.web.keys import CLOCK
from densach_core.web.respond import read_body
from densach_core.web.routes import EVERYONE, Routes
from densach_hub.fleet.model import Condition, Declaration, FaultReport, Machine, Repair, Room, RoomKind
from densach_hub.fleet.service import FLEET
from densach_hub.fleet.sights import EquipmentRow, Finding, MachineSight, RoomSight
from densach_hub.fleet.store_identity import Decision
from densach_hub.fleet.telling import HealthPoint

routes = Routes("fleet")


class Findings(msgspec.Struct, frozen=True):
    findings: list[Finding]


class Seen(msgspec.Struct, frozen=True):
    key: str
    note: str = ""


class Move(msgspec.Struct, frozen=True):
    """`room` null: nowhere."""

    room: str | None = None
    seat: str | None = None


class MoveMany(msgspec.Struct, frozen=True):
    machines: list[str]
    seats_from: str | None = None


class NewName(msgspec.Struct, frozen=True):
    name: str


class NewCondition(msgspec.Struct, frozen=True):
    condition: Condition


class NewRepair(msgspec.Struct, frozen=True):
    what: str
    parts: str = ""
    works_again: bool = False


class Why(msgspec.Struct, frozen=True):
    why: str = ""


class Into(msgspec.Struct, frozen=True):
    """The id of the entry that stays."""

    into: str


class DecisionList(msgspec.Struct, frozen=True):
    decisions: list[Decision]


class NewRoom(msgspec.Struct, frozen=True):
    name: str
    kind: RoomKind = RoomKind.COMPUTER_ROOM
    seats: int = 0
    columns: int = 6
    levels: tuple[str, ...] = ()
    campus: str = ""


class NewFault(msgspec.Struct, frozen=True):
    text: str
    seat: str | None = None


class Series(msgspec.Struct, frozen=True):
    device: str
    metric: str
    points: list[HealthPoint]


class EquipmentList(msgspec.Struct, frozen=True):
    equipment: list[EquipmentRow]


class MachineList(msgspec.Struct, frozen=True):
    machines: list[Machine]


@routes.api("GET", "/api/v1/findings", who=TECHNICIANS, answers=Findings, summary="What needs a person today")
async def findings(request: web.Request) -> Findings:
    return Findings(await request.app[FLEET].alerts.morning(acknowledged="all" in request.query))


@routes.api("POST", "/api/v1/findings/seen", who=TECHNICIANS, takes=Seen, summary="Say that a finding was seen")
async def seen(request: web.Request) -> None:
    word = await read_body(request, Seen)
    await request.app[FLEET].alerts.acknowledge(word.key, by=me(request).name, note=word.note)


@routes.api("GET", "/api/v1/machines/{id}", who=TECHNICIANS, answers=MachineSight, summary="Everything about a machine")
async def machine(request: web.Request) -> MachineSight:
    return await request.app[FLEET].alerts.machine(request.match_info["id"])


@routes.api(
    "POST", "/api/v1/machines", who=TECHNICIANS, takes=Declaration, answers=Machine, status=201, summary="Write a machine down"
)
async def declare(request: web.Request) -> Machine:
    return await request.app[FLEET].register.declare(await read_body(request, Declaration), by=me(request).name)


@routes.api("GET", "/api/v1/machines/{id}/health", who=TECHNICIANS, answers=Series, summary="A metric, hour by hour")
async def health(request: web.Request) -> Series:
    """`metric` (default cpu_pct), `days` (default 7, at most 400)."""
    days, metric = request.query.get("days", "7"), request.query.get("metric", "cpu_pct")
    if not days.isascii() or not days.isdigit() or not 1 <= int(days) <= 400:
        raise BadInput("fleet.days", t("Choose between {a} and {b} days.", a=1, b=400), field="days")
    found = await request.app[FLEET].register.machine(request.match_info["id"])
    now = request.app[CLOCK].now_ms()
    points = await request.app[FLEET].telemetry.health(found.id, metric, since=now - int(days) * DAY_MS, until=now)
    return Series(found.id, metric, points)


@routes.api("POST", "/api/v1/machines/{id}/move", who=TECHNICIANS, takes=Move, answers=Machine, summary="Put it on a seat")
async def move(request: web.Request) -> Machine:
    to = await read_body(request, Move)
    return await request.app[FLEET].register.move(request.match_info["id"], to.room, to.seat, by=me(request).name)


@routes.api("POST", "/api/v1/machines/{id}/name", who=TECHNICIANS, takes=NewName, answers=Machine, summary="Rename it")
async def rename(request: web.Request) -> Machine:
    wish = await read_body(request, NewName)
    return await request.app[FLEET].register.rename(request.match_info["id"], wish.name, by=me(request).name)


@routes.api(
    "POST", "/api/v1/machines/{id}/condition", who=TECHNICIANS, takes=NewCondition, answers=Machine, summary="Works or broken"
)
async def condition(request: web.Request) -> Machine:
    wish = await read_body(request, NewCondition)
    return await request.app[FLEET].register.set_condition(request.match_info["id"], wish.condition, by=me(request).name)


@routes.api(
    "POST", "/api/v1/machines/{id}/repairs", who=TECHNICIANS, takes=NewRepair, answers=Repair, status=201, summary="Note a repair"
)
async def repair(request: web.Request) -> Repair:
    done = await read_body(request, NewRepair)
    return await request.app[FLEET].register.note_repair(
        request.match_info["id"], done.what, by=me(request).name, parts=done.parts, works_again=done.works_again
    )


@routes.api("POST", "/api/v1/machines/{id}/retire", who=TECHNICIANS, takes=Why, answers=Machine, summary="Take it out of service")
async def retire(request: web.Request) -> Machine:
    """Out of the register of today, and shut out of the broker."""
    fleet, machine_id, by = request.app[FLEET], request.match_info["id"], me(request).name
    why = (await read_body(request, Why)).why
    await fleet.register.retire(machine_id, by=by, why=why)
    await fleet.enrolment.shut_out(machine_id, by=by)
    return await fleet.register.machine(machine_id)


@routes.api("POST", "/api/v1/twins/{id}/same", who=TECHNICIANS, answers=Machine, summary="A twin is the same machine after all")
async def same(request: web.Request) -> Machine:
    twin = request.match_info["id"]
    fleet = request.app[FLEET]
    device = await fleet.identity.same_after_all(_number(twin), by=me(request).name)
    await request.app[AUDIT].note(by=me(request), what="fleet.twin-same", on=device)
    return await fleet.register.machine(device)


@routes.api("GET", "/api/v1/identity", who=TECHNICIANS, answers=DecisionList, summary="Who was taken for whom, and why")
async def decisions(request: web.Request) -> DecisionList:
    """Newest first; `?machine=` those of one machine."""
    return DecisionList(await request.app[FLEET].identity.decisions(request.query.get("machine")))


@routes.api("POST", "/api/v1/identity/{id}/split", who=TECHNICIANS, answers=Machine, summary="New parts were another machine")
async def split(request: web.Request) -> Machine:
    fleet = request.app[FLEET]
    device = await fleet.identity.split(_number(request.match_info["id"]), by=me(request).name)
    await request.app[AUDIT].note(by=me(request), what="fleet.identity-split", on=device)
    return await fleet.register.machine(device)


@routes.api(
    "POST", "/api/v1/machines/{id}/merge", who=TECHNICIANS, takes=Into, answers=Machine, summary="Two entries are one machine"
)
async def merge(request: web.Request) -> Machine:
    """It comes back as the other one the next time it joins, and is retired then."""
    fleet, device = request.app[FLEET], request.match_info["id"]
    into = (await read_body(request, Into)).into
    await fleet.identity.merge(device, into, by=me(request).name)
    await request.app[AUDIT].note(by=me(request), what="fleet.identity-merge", on=device, detail=into)
    return await fleet.register.machine(into)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


@routes.api("GET", "/api/v1/rooms/{id}", who=TECHNICIANS, answers=RoomSight, summary="A room with what stands on its seats")
async def room(request: web.Request) -> RoomSight:
    return await request.app[FLEET].alerts.room(request.match_info["id"])


@routes.api("POST", "/api/v1/rooms", who=TECHNICIANS, takes=NewRoom, answers=Room, status=201, summary="A new room")
async def new_room(request: web.Request) -> Room:
    wish = await read_body(request, NewRoom)
    return await request.app[FLEET].rooms.new(
        wish.name, by=me(request).name, kind=wish.kind, seats=wish.seats, columns=wish.columns, levels=wish.levels,
        campus=wish.campus,
    )  # fmt: skip


@routes.api("PUT", "/api/v1/rooms/{id}", who=TECHNICIANS, takes=Room, answers=Room, summary="A room as it is now")
async def put_room(request: web.Request) -> Room:
    wish = await read_body(request, Room)
    old = await request.app[FLEET].rooms.get(request.match_info["id"])
    return await request.app[FLEET].rooms.put(msgspec.structs.replace(wish, id=old.id), by=me(request).name)


@routes.api("DELETE", "/api/v1/rooms/{id}", who=TECHNICIANS, summary="A room that is no more")
async def remove_room(request: web.Request) -> None:
    await request.app[FLEET].rooms.remove(request.match_info["id"], by=me(request).name)


@routes.api(
    "POST", "/api/v1/rooms/{id}/machines", who=TECHNICIANS, takes=MoveMany, answers=MachineList, summary="Many machines at once"
)
async def move_many(request: web.Request) -> MachineList:
    wish = await read_body(request, MoveMany)
    return MachineList(
        await request.app[FLEET].register.move_many(
            wish.machines, request.match_info["id"], by=me(request).name, seats_from=wish.seats_from
        )
    )


@routes.api(
    "POST", "/api/v1/rooms/{id}/faults", who=EVERYONE, takes=NewFault, answers=FaultReport, status=201,
    limit_bytes=4096, summary="Report a fault",
)  # fmt: skip
async def report(request: web.Request) -> FaultReport:
    """From anybody on the school's network; no name is kept but a signed-in member of staff's."""
    told = await read_body(request, NewFault)
    account = who_is(request)
    by = account.name if account is not None and account.staff else None
    return await request.app[FLEET].faults.report(
        room=request.match_info["id"], seat=told.seat, text=told.text, address=address_of(request), by=by
    )


@routes.api("GET", "/api/v1/equipment", who=TECHNICIANS, answers=EquipmentList, summary="Studio equipment")
async def equipment(request: web.Request) -> EquipmentList:
    return EquipmentList(await request.app[FLEET].equipment.rows(room=request.query.get("room")))
