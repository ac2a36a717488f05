"""What needs a person today, and the sights of rooms and machines that go with it."""

from densach_core.clock import Clock
from densach_core.database import Database
from densach_core.documents import Single
from densach_core.live import Bus
from densach_hub.fleet.enrolment import Enrolment
from densach_hub.fleet.faults import Faults
from densach_hub.fleet.model import FleetPolicy
from densach_hub.fleet.register import Register
from densach_hub.fleet.rooms import Rooms
from densach_hub.fleet.sights import Finding, MachineRow, MachineSight, RoomSight


class Alerts:
    """Findings are derived from facts each time, never stored: one that is over is gone. Only acknowledgements stay."""

    def __init__(
        self,
        *,
        school: Database,
        telemetry: Database,
        clock: Clock,
        bus: Bus,
        rooms: Rooms,
        register: Register,
        faults: Faults,
        enrolment: Enrolment,
        policy: Single[FleetPolicy],
    ) -> None:
        self._school = school
        self._telemetry = telemetry
        self._clock = clock
        self._bus = bus
        self._rooms = rooms
        self._register = register
        self._faults = faults
        self._enrolment = enrolment
        self._policy = policy

    async def morning(self, *, since: int | None = None, acknowledged: bool = False) -> list[Finding]:
        """The findings in order of urgency, newest first within a kind.

        `since` (default: a week ago) bounds what happened once (a change); what lasts (silent, disk) always shows.
        `acknowledged` shows those already seen too.
        """
        raise NotImplementedError

    async def acknowledge(self, key: str, *, by: str, note: str = "") -> None:
        """Raises NotFound when the finding is over."""
        raise NotImplementedError

    async def rooms(self) -> list[RoomSight]:
        """Every room as a small map."""
        raise NotImplementedError

    async def room(self, room_id: str) -> RoomSight:
        raise NotImplementedError

    async def machines(self, *, placed: bool | None = None) -> list[MachineRow]:
        """All computers of the register; `placed` False: those that stand in no room."""
        raise NotImplementedError

    async def machine(self, machine_id: str) -> MachineSight:
        """Everything for a machine's page. Raises NotFound."""
        raise NotImplementedError
