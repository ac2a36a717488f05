"""The paper log-book of a computer room (sổ theo dõi sử dụng phòng máy), filled in by what was measured."""

from densach_core.database import Database
from densach_hub.fleet.faults import Faults
from densach_hub.fleet.register import Register
from densach_hub.fleet.rooms import Rooms
from densach_hub.fleet.sights import LogBookRow, SlotOfDay

USUAL_PERIODS = tuple(
    SlotOfDay(number=n, start_min=start, end_min=start + 45)
    for n, start in enumerate((425, 475, 535, 585, 635, 780, 830, 890, 940, 990), 1)
)
"""Ten periods of 45 minutes, 7:05–11:20 and 13:00–17:15, until the school's own time-table says otherwise."""


class LogBook:
    def __init__(self, telemetry: Database, register: Register, rooms: Rooms, faults: Faults) -> None:
        self._db = telemetry
        self._register = register
        self._rooms = rooms
        self._faults = faults

    async def month(
        self, room: str, year: int, month: int, *, slots: tuple[SlotOfDay, ...] = USUAL_PERIODS, simulated: bool = False
    ) -> list[LogBookRow]:
        """One row for each period in which a machine was used, in order. Simulated machines only on request."""
        raise NotImplementedError
