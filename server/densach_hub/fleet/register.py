"""The register of machines and equipment: who they are, where they stand, what people did to them."""

from collections.abc import Sequence

from densach_core.clock import Clock
from densach_core.database import Database
from densach_core.live import Bus
from densach_hub.fleet.model import Declaration, Kind, Machine, Maintenance, Place, Repair
from densach_hub.fleet.rooms import Rooms


class Register:
    """Rows of school.db. `by` is the name of the person who acts, as it will be shown."""

    def __init__(self, school: Database, clock: Clock, bus: Bus, rooms: Rooms) -> None:
        self._db = school
        self._clock = clock
        self._bus = bus
        self._rooms = rooms
        self._known: frozenset[str] = frozenset()

    async def open(self) -> None:
        """Learns who is registered, for `knows`."""
        raise NotImplementedError

    def knows(self, device: str) -> bool:
        """Whether a device may tell anything: admitted and not retired. From memory, for every message."""
        raise NotImplementedError

    async def machines(
        self, *, room: str | None = None, kinds: Sequence[Kind] = (Kind.AGENT, Kind.DECLARED), retired: bool = False
    ) -> list[Machine]:
        """Ordered by room and name; `retired` adds those that left."""
        raise NotImplementedError

    async def machine(self, machine_id: str) -> Machine:
        """Raises NotFound("fleet.no-machine")."""
        raise NotImplementedError

    async def find(self, machine_id: str) -> Machine | None:
        raise NotImplementedError

    async def add(self, machine: Machine, place: Place | None = None) -> Machine:
        """A new row (enrolment, declaration, equipment). Raises Conflict where the id is taken."""
        raise NotImplementedError

    async def declare(self, declaration: Declaration, *, by: str) -> Machine:
        """A machine that can run no agent, written down by a person."""
        raise NotImplementedError

    async def describe(self, machine_id: str, declaration: Declaration, *, by: str) -> Machine:
        """Name, maker, model, serial, asset number, condition, note. The place is not touched."""
        raise NotImplementedError

    async def rename(self, machine_id: str, name: str, *, by: str) -> Machine:
        raise NotImplementedError

    async def move(self, machine_id: str, room: str | None, seat: str | None, *, by: str) -> Machine:
        """Puts a machine on a seat (or in a room, or nowhere). Who sat there before is in the room without a seat."""
        raise NotImplementedError

    async def move_many(self, machine_ids: Sequence[str], room: str, *, by: str, seats_from: str | None = None) -> list[Machine]:
        """Puts many machines in a room at once, on the free seats in order of their names' numbers.

        `seats_from`: the seat to begin with; None puts them in the room without seats.
        """
        raise NotImplementedError

    async def retire(self, machine_id: str, *, by: str, why: str = "") -> Machine:
        """Thanh lý: out of the register of today; its history and its certificate's number stay."""
        raise NotImplementedError

    async def bring_back(self, machine_id: str, *, by: str) -> Machine:
        raise NotImplementedError

    async def places(self, machine_id: str) -> list[Place]:
        """Newest first."""
        raise NotImplementedError

    async def at_seat(self, room: str, seat: str) -> Machine | None:
        raise NotImplementedError

    async def note_repair(self, machine_id: str, what: str, *, by: str, parts: str = "", works_again: bool = False) -> Repair:
        """`works_again` closes the machine's open fault reports."""
        raise NotImplementedError

    async def repairs(self, machine_id: str) -> list[Repair]:
        """Newest first."""
        raise NotImplementedError

    async def plan_maintenance(
        self,
        *,
        by: str,
        from_at: int,
        until_at: int,
        room: str | None = None,
        machine: str | None = None,
        why: str = "",
    ) -> Maintenance:
        """Hardware may change without a warning in this window."""
        raise NotImplementedError

    async def maintenance(self, *, now: int) -> list[Maintenance]:
        """Windows that are open or still to come."""
        raise NotImplementedError

    async def end_maintenance(self, window: int, *, by: str) -> None:
        raise NotImplementedError
