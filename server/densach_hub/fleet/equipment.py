"""Studio equipment that speaks for itself: appears, switches on and off, counts its energy."""

from densach_core.clock import Clock
from densach_core.database import Database
from densach_core.live import Bus
from densach_hub.fleet.model import Machine
from densach_hub.fleet.register import Register
from densach_hub.fleet.rooms import Rooms
from densach_hub.fleet.sights import EquipmentRow, EquipmentSight
from densach_hub.fleet.telling import EquipmentReading, EquipmentSeen


class Equipment:
    """Equipment is a machine of kind EQUIPMENT in the register; its id is made of tongue and key."""

    def __init__(self, telemetry: Database, clock: Clock, bus: Bus, register: Register, rooms: Rooms) -> None:
        self._db = telemetry
        self._clock = clock
        self._bus = bus
        self._register = register
        self._rooms = rooms

    async def seen(self, what: EquipmentSeen, *, at: int) -> Machine:
        """Introduces itself (discovery): a new row, or maker, model and firmware brought up to date."""
        raise NotImplementedError

    async def presence(self, tongue: str, key: str, online: bool, *, at: int, retained: bool = False) -> None:
        """Ignored for equipment that has not introduced itself."""
        raise NotImplementedError

    async def reading(self, reading: EquipmentReading, *, retained: bool = False) -> bool:
        """Adds on-time and energy to the day; False when it never introduced itself (then nothing is kept)."""
        raise NotImplementedError

    async def rows(self, *, room: str | None = None) -> list[EquipmentRow]:
        raise NotImplementedError

    async def sight(self, machine_id: str, *, days: int = 28) -> EquipmentSight:
        """Raises NotFound."""
        raise NotImplementedError


def equipment_id(tongue: str, key: str) -> str:
    """`tasmota-48551917e7ae`: lower-case, only what a device id may hold."""
    kept = "".join(ch if ch.isascii() and ch.isalnum() else "-" for ch in key.lower()).strip("-")
    return f"{tongue}-{kept}"[:64].rstrip("-")
