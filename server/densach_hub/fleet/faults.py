"""Fault reports: "báo hỏng" by the QR label at each seat, and what became of them."""

from densach_core.clock import Clock
from densach_core.database import Database
from densach_core.live import Bus
from densach_hub.fleet.model import FaultReport
from densach_hub.fleet.register import Register
from densach_hub.fleet.rooms import Rooms

MAX_TEXT = 300


class Faults:
    """Anybody on the school's network may report; no name is kept unless a member of staff was signed in."""

    def __init__(self, school: Database, clock: Clock, bus: Bus, rooms: Rooms, register: Register) -> None:
        self._db = school
        self._clock = clock
        self._bus = bus
        self._rooms = rooms
        self._register = register

    async def report(
        self, *, room: str, text: str, address: str, seat: str | None = None, machine: str | None = None, by: str | None = None
    ) -> FaultReport:
        """At most 5 an address in ten minutes and 20 open ones a seat: raises TooMany. Text at most MAX_TEXT."""
        raise NotImplementedError

    async def open_ones(self, *, room: str | None = None, machine: str | None = None) -> list[FaultReport]:
        """Newest first."""
        raise NotImplementedError

    async def of_machine(self, machine: str) -> list[FaultReport]:
        """Open and closed, newest first."""
        raise NotImplementedError

    async def close(self, fault: int, *, by: str) -> FaultReport:
        raise NotImplementedError
