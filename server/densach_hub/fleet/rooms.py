"""The rooms of the school and their seats: a document each, written by people."""

import re
from collections.abc import Iterable, Iterator

from densach_core.database import Database
from densach_core.documents import Documents
from densach_core.errors import BadInput, Conflict, NotFound
from densach_core.folding import fold
from densach_core.text import t
from densach_hub.fleet import store_register
from densach_hub.fleet.model import Room, RoomKind, Seat

MOST_SEATS = 200
MOST_COLUMNS = 24


def places(seats: Iterable[Seat]) -> Iterator[tuple[int, int]]:
    """Row and column of each on a map, counted from 1. Two seats on one place (edited by hand) come beside each other."""
    taken: set[tuple[int, int]] = set()
    for seat in seats:
        row, column = max(seat.row, 0) + 1, min(max(seat.column, 0), MOST_COLUMNS - 1) + 1
        while (row, column) in taken:
            column += 1
            if column > MOST_COLUMNS:
                row, column = row + 1, 1
        taken.add((row, column))
        yield row, column


class Rooms:
    """The shelf "rooms"."""

    def __init__(self, documents: Documents, school: Database) -> None:
        self._shelf = documents.many("rooms", Room)
        self._school = school

    async def all(self, kind: RoomKind | None = None) -> list[Room]:
        """By campus and name."""
        rooms = [room for room in await self._shelf.all() if kind is None or room.kind is kind]
        return sorted(rooms, key=lambda room: (room.campus, in_order(room.name), room.id))

    async def get(self, room_id: str) -> Room:
        """Raises NotFound("fleet.no-room")."""
        room = await self._shelf.get(room_id)
        if room is None:
            raise NotFound("fleet.no-room", t("There is no such room."), t("Choose one from the list of rooms."))
        return room

    async def find(self, room_id: str | None) -> Room | None:
        """The room, or None: for what may point to a room that is no more."""
        return None if room_id is None else await self._shelf.get(room_id)

    async def as_of(self, at_ms: int) -> list[Room]:
        """The rooms as they stood at a moment, for reports "as of 30 Sep"."""
        return await self._shelf.as_of(at_ms)

    async def put(self, room: Room, *, by: str) -> Room:
        """Stores a new or changed room. Seat ids are unique inside it; raises BadInput otherwise."""
        if not room.name.strip():
            raise BadInput("fleet.room-name", t("A room needs a name."), field="name")
        if len(room.seats) > MOST_SEATS:
            raise BadInput("fleet.room-seats", t("A room has at most {n} seats.", n=MOST_SEATS), field="seats")
        if len({seat.id for seat in room.seats}) != len(room.seats):
            raise BadInput("fleet.seat-twice", t("Two seats have the same number."), field="seats")
        await self._shelf.put(room, by=by)
        return room

    async def new(
        self,
        name: str,
        *,
        by: str,
        kind: RoomKind = RoomKind.COMPUTER_ROOM,
        seats: int = 0,
        columns: int = 6,
        levels: tuple[str, ...] = (),
        campus: str = "",
    ) -> Room:
        """A room with its seats numbered 1…`seats`, row by row as seen from the teacher's desk."""
        if not 0 <= seats <= MOST_SEATS:
            raise BadInput("fleet.room-seats", t("A room has at most {n} seats.", n=MOST_SEATS), field="seats")
        taken = {room.id for room in await self._shelf.all()}
        base = re.sub(r"[^a-z0-9]+", "-", fold(name)).strip("-")[:40] or "phong"
        room_id = next(i for i in (base, *(f"{base}-{n}" for n in range(2, 1000))) if i not in taken)
        room = Room(
            id=room_id,
            name=name.strip(),
            kind=kind,
            campus=campus,
            levels=levels,
            seats=numbered_seats(seats, columns),
        )
        return await self.put(room, by=by)

    async def remove(self, room_id: str, *, by: str) -> None:
        """Refused (Conflict "fleet.room-in-use") while machines stand in it."""
        room = await self.get(room_id)
        if await self._school.read(lambda c: store_register.machines_in(c, room_id)):
            raise Conflict(
                "fleet.room-in-use",
                t("Machines still stand in {room}.", room=room.name),
                t("Move them to another room first."),
            )
        await self._shelf.remove(room_id, by=by)


def numbered_seats(n: int, columns: int) -> tuple[Seat, ...]:
    """Seats 01…n in rows of `columns`; the id is the number, too."""
    width = max(1, columns)
    return tuple(Seat(id=f"{i + 1:02d}", label=f"{i + 1:02d}", row=i // width, column=i % width) for i in range(n))


def in_order(name: str) -> tuple[tuple[int, int, str], ...]:
    """Orders names as people count: PC 2 before PC 10."""
    parts = re.findall(r"\d+|\D+", fold(name))
    return tuple((0, int(p[:15]), p) if p.isdigit() else (1, 0, p) for p in parts)
