"""What pages and measures are given: joined, counted, put in order, each figure with the ids behind it. No I/O."""

from enum import StrEnum
from typing import Protocol

import msgspec

from densach_core.text import Text
from densach_hub.fleet.model import FaultReport, Machine, Place, Repair, Room, Seat
from densach_hub.fleet.telling import (
    Change,
    ClockDoubt,
    EquipmentDay,
    HealthPoint,
    Live,
    LostRange,
    PresencePeriod,
    Section,
    SeenEvent,
    StreamMark,
    UsageDay,
)


class Glyph(StrEnum):
    """How a seat looks on a room's map. `SeatSight.simulated` goes beside it."""

    IN_USE = "in-use"
    IDLE = "idle"
    OFF = "off"
    SILENT = "silent"
    DECLARED = "declared"
    BROKEN = "broken"
    EMPTY = "empty"


class FindingKind(StrEnum):
    """In the order of the morning page: first what may be theft, last what can wait."""

    REMOVED = "removed"
    SUSPECTED = "suspected"
    DISK = "disk"
    TWIN = "twin"
    SILENT = "silent"
    FAULT = "fault"
    SPACE = "space"
    HEAT = "heat"
    UNPLUGGED = "unplugged"
    """A thing on a cable (camera, printer) has been away for a day."""
    CLOCK = "clock"
    CHANGED = "changed"
    WAITING = "waiting"
    NEVER_HEARD = "never-heard"
    QUARANTINE = "quarantine"
    LOST = "lost"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One sentence of the morning page. `key` changes when the matter changes, so that an acknowledgement ends."""

    key: str
    kind: FindingKind
    urgent: bool
    what: Text
    do: Text
    since_at: int
    machine: str | None = None
    machine_name: str | None = None
    simulated: bool = False
    room: str | None = None
    room_name: str | None = None
    seat: str | None = None
    seat_label: str | None = None
    href: str = "/lab"
    acknowledged_by: str | None = None
    acknowledged_at: int | None = None
    fault: int | None = None
    """The id of the fault report, for FAULT."""
    waiting: str | None = None
    """The id of the waiting machine, for WAITING and some TWIN findings."""
    twin: int | None = None
    """For TWIN: what `identity.same_after_all` takes, when it is the same machine with a new body."""


class SeatSight(msgspec.Struct, frozen=True, kw_only=True):
    """A seat with what stands on it. `seat` is None for a machine that is in the room without a seat."""

    seat: Seat | None
    glyph: Glyph
    machine: Machine | None = None
    simulated: bool = False
    heard_at: int | None = None
    faults: int = 0
    findings: int = 0


class RoomCount(msgspec.Struct, frozen=True, kw_only=True):
    """Machines of a room by state. Simulated ones are counted in `simulated` and nowhere else."""

    machines: int = 0
    in_use: int = 0
    idle: int = 0
    off: int = 0
    silent: int = 0
    declared: int = 0
    broken: int = 0
    simulated: int = 0
    seats: int = 0
    empty: int = 0


class RoomSight(msgspec.Struct, frozen=True, kw_only=True):
    room: Room
    seats: tuple[SeatSight, ...]
    loose: tuple[SeatSight, ...] = ()
    """Machines placed in the room but on no seat."""
    count: RoomCount


class MachineRow(msgspec.Struct, frozen=True, kw_only=True):
    """A machine in a list."""

    machine: Machine
    glyph: Glyph
    live: Live | None = None
    room_name: str | None = None
    seat_label: str | None = None


class MachineSight(msgspec.Struct, frozen=True, kw_only=True):
    """A machine's page, read like a patient's record: who it is, how it is, what happened, what was done."""

    machine: Machine
    glyph: Glyph
    live: Live | None
    room: Room | None
    seat: Seat | None
    findings: tuple[Finding, ...]
    sections: tuple[Section, ...]
    usage: tuple[UsageDay, ...]
    """One entry for each of the last 28 days, oldest first; None-days are absent."""
    changes: tuple[Change, ...]
    repairs: tuple[Repair, ...]
    faults: tuple[FaultReport, ...]
    events: tuple[SeenEvent, ...]
    periods: tuple[PresencePeriod, ...]
    streams: tuple[StreamMark, ...]
    lost: tuple[LostRange, ...]
    clock: tuple[ClockDoubt, ...]
    places: tuple[Place, ...]
    metrics: tuple[str, ...]
    """Names for `telemetry.health(device, metric, …)`."""
    undated_ms: int = 0
    """In use at times nobody knows (a machine without a clock); in no day of `usage`."""


class EquipmentRow(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of studio equipment in a list. Energy in watt-hours; None where it does not measure."""

    machine: Machine
    online: bool | None
    on: bool | None
    power_w: float | None
    today_on_ms: int | None
    today_energy_wh: float | None
    heard_at: int | None
    room_name: str | None = None


class EquipmentSight(msgspec.Struct, frozen=True, kw_only=True):
    row: EquipmentRow
    days: tuple[EquipmentDay, ...]
    power: tuple[HealthPoint, ...]
    readings: dict[str, float]
    """The latest value of each metric."""
    repairs: tuple[Repair, ...]
    periods: tuple[PresencePeriod, ...]
    events: tuple[SeenEvent, ...]


class SlotOfDay(msgspec.Struct, frozen=True, kw_only=True):
    """A school period (tiết) for the log-book: minutes from midnight in the school's zone."""

    number: int
    start_min: int
    end_min: int


class LogBookRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line of "sổ theo dõi sử dụng phòng máy": measured, with room for what a teacher writes by hand."""

    day: str
    slot: SlotOfDay
    machines_used: int
    machines_on: int | None
    minutes: int
    """Active minutes of all machines together."""
    unknown_minutes: int = 0
    """The part of them of which nothing says whether somebody was there."""
    faults: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    """Ids of the machines used."""


class SetUp(msgspec.Struct, frozen=True, kw_only=True):
    """That a play was run on a machine, and how it ended there."""

    run: str
    title: str
    version: str
    at: int
    well: bool
    said: Text
    trial: bool = False
    task: str = ""
    message: str = ""


class SetUps(Protocol):
    """Whoever knows what plays did to machines."""

    async def set_up(self, locale: str) -> dict[str, SetUp]:
        """Machine → the last real run that touched it."""

    async def set_up_of(self, machine: str, locale: str) -> list[SetUp]:
        """Newest first, trials too."""


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """A figure and the machines behind it."""

    ids: tuple[str, ...]

    @property
    def n(self) -> int:
        return len(self.ids)


class FleetCount(msgspec.Struct, frozen=True, kw_only=True):
    """Machines of one room (or the school, `room` None) on a day. Simulated machines are in `simulated` only."""

    room: str | None
    registered: Count
    """In the register, measured and declared."""
    measured: Count
    declared: Count
    working: Count
    """Worked on one of the days asked for: heard and used or on (measured), or declared to work."""
    connected: Count
    """Heard within the days asked for."""
    broken: Count
    simulated: Count


class DeclaredChange(msgspec.Struct, frozen=True, kw_only=True):
    """A row of an import before it happens."""

    line: int
    what: str
    """"new" | "changed" | "same" | "wrong"."""
    name: str
    fields: tuple[str, ...] = ()
    reason: Text | None = None
    machine: str | None = None


class ImportPreview(msgspec.Struct, frozen=True, kw_only=True):
    """What a CSV file would do. Machines the file does not name stay as they are."""

    rows: tuple[DeclaredChange, ...]
    ignored_columns: tuple[str, ...] = ()
    digest: str = ""
    """Give it back with the same file to carry it out."""

    def count(self, what: str) -> int:
        return sum(1 for r in self.rows if r.what == what)
