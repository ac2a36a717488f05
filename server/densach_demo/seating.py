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


class _Place(msgspec.Struct):
    room: str


class _Machine(msgspec.Struct):
    id: str
    kind: str
    simulated: bool = False
    place: _Place | None = None


class _Rooms(msgspec.Struct):
    rooms: list[_Room]


class _Machines(msgspec.Struct):
    machines: list[_Machine]


class _Piece(msgspec.Struct):
    machine: _Machine


class _Equipment(msgspec.Struct):
    equipment: list[_Piece]


def seat_machines(hub: str, token: str) -> int:
    """Every simulated machine onto a seat of its room; returns how many. Raises OSError."""
    seated = 0
    for room in _get(hub, token, "/api/v1/rooms", _Rooms).rooms:
        found = _get(hub, token, f"/api/v1/machines?room={urllib.parse.quote(room.id)}", _Machines).machines
        # This machine is the teacher's: it stays in the room without a seat.
        ids = [machine.id for machine in found if machine.simulated]
        if ids and room.seats:
            seated += _place(hub, token, [("seats_from", room.seats[0].id)], room.id, ids)
    return seated


def place_equipment(hub: str, token: str) -> bool:
    """Simulated equipment that stands nowhere goes into the studio. False while none was heard. Raises OSError."""
    pieces = [piece.machine for piece in _get(hub, token, "/api/v1/equipment", _Equipment).equipment]
    simulated = [machine for machine in pieces if machine.simulated]
    homeless = [machine.id for machine in simulated if machine.place is None]
    studios = [room.id for room in _get(hub, token, "/api/v1/rooms", _Rooms).rooms if room.kind == "studio"]
    if homeless and studios:
        _place(hub, token, [], studios[0], homeless)
    return bool(simulated)


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
