"""The rooms of the school and their seats: a document each, written by people."""

from densach_core.database import Database
from densach_core.documents import Documents
from densach_hub.fleet.model import Room, RoomKind


class Rooms:
    """The shelf "rooms"."""

    def __init__(self, documents: Documents, school: Database) -> None:
        self._shelf = documents.many("rooms", Room)
        self._school = school

    async def all(self, kind: RoomKind | None = None) -> list[Room]:
        """By campus and name."""
        raise NotImplementedError

    async def get(self, room_id: str) -> Room:
        """Raises NotFound("fleet.no-room")."""
        raise NotImplementedError

    async def find(self, room_id: str | None) -> Room | None:
        """The room, or None: for what may point to a room that is no more."""
        raise NotImplementedError

    async def put(self, room: Room, *, by: str) -> Room:
        """Stores a new or changed room. Seat ids are unique inside it; raises BadInput otherwise."""
        raise NotImplementedError

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
        raise NotImplementedError

    async def remove(self, room_id: str, *, by: str) -> None:
        """Refused (Conflict "fleet.room-in-use") while machines stand in it."""
        raise NotImplementedError
