"""What the studio's pages are given. No I/O."""

from enum import StrEnum

import msgspec

from densach_core.text import Text
from densach_hub.fleet.model import Room
from densach_hub.fleet.sights import EquipmentRow, EquipmentSight, RoomSight


class Verdict(StrEnum):
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Check(msgspec.Struct, frozen=True):
    """One condition for a recording tomorrow, and what to do when it does not hold."""

    verdict: Verdict
    what: Text
    do: Text | None = None


class StudioRoom(msgspec.Struct, frozen=True, kw_only=True):
    sight: RoomSight
    equipment: tuple[EquipmentRow, ...]
    checks: tuple[Check, ...]

    @property
    def verdict(self) -> Verdict:
        """Not ready as soon as one thing fails; unknown where nothing fails but something cannot be told."""
        found = {check.verdict for check in self.checks}
        if Verdict.NO in found:
            return Verdict.NO
        return Verdict.UNKNOWN if Verdict.UNKNOWN in found or not found else Verdict.YES


class Bar(msgspec.Struct, frozen=True):
    """A day's on-time in hours; None where the thing was not heard."""

    day: str
    hours: float | None
    said: Text


class EquipmentPage(msgspec.Struct, frozen=True, kw_only=True):
    sight: EquipmentSight
    room: Room | None
    rooms: tuple[Room, ...]
    bars: tuple[Bar, ...]
    on_ms: int | None
    energy_wh: float | None
    readings: tuple[tuple[Text, float, str], ...]
