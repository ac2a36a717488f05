"""Puts the machines that have joined onto the seats of their rooms, as a technician does on the page of a room."""

import urllib.parse
import urllib.request
from typing import TypeVar

import msgspec

T = TypeVar("T")


class _Seat(msgspec.Struct):
    id: str


class _Room(msgspec.Struct):
    id: str
    seats: list[_Seat]
    kind: str = "computer-room"


class _Machine(msgspec.Struct):
    id: str
    kind: str
    simulated: bool = False


class _Rooms(msgspec.Struct):
    rooms: list[_Room]


class _Machines(msgspec.Struct):
    machines: list[_Machine]


def seat_machines(hub: str, token: str) -> int:
    """Every simulated machine onto a seat, equipment into the studio; returns how many. Raises OSError."""
    seated = 0
    rooms = _get(hub, token, "/api/v1/rooms", _Rooms).rooms
    equipment = [m.id for m in _get(hub, token, "/api/v1/machines", _Machines).machines if m.kind == "equipment"]
    for room in rooms:
        found = _get(hub, token, f"/api/v1/machines?room={urllib.parse.quote(room.id)}", _Machines).machines
        # This machine is the teacher's: it stays in the room without a seat.
        ids = [machine.id for machine in found if machine.simulated]
        if ids and room.seats:
            seated += _place(hub, token, [("seats_from", room.seats[0].id)], room.id, ids)
        if equipment and room.kind == "studio":
            seated += _place(hub, token, [], room.id, equipment)
    return seated


def _place(hub: str, token: str, more: list[tuple[str, str]], room: str, ids: list[str]) -> int:
    form = [("room", room), *more, *(("machine", one) for one in ids)]
    headers = {"Authorization": f"Bearer {token}", "Origin": hub}
    call = urllib.request.Request(f"{hub}/lab/place", urllib.parse.urlencode(form).encode(), headers)  # noqa: S310
    with urllib.request.urlopen(call, timeout=30) as answer:  # noqa: S310
        answer.read()
    return len(ids)


def _get(hub: str, token: str, path: str, kind: type[T]) -> T:
    call = urllib.request.Request(f"{hub}{path}", headers={"Authorization": f"Bearer {token}"})  # noqa: S310
    with urllib.request.urlopen(call, timeout=30) as answer:  # noqa: S310
        return msgspec.json.decode(answer.read(), type=kind)
