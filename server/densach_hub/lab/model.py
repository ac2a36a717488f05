"""What the lab's pages are given and what their forms send. No I/O. Times are epoch milliseconds."""

from enum import StrEnum

import msgspec

from densach_core.text import Text
from densach_hub.fleet.asking import Asked, AskedState
from densach_hub.fleet.model import FaultReport, Machine, Room, RoomToken, Seat
from densach_hub.fleet.sights import EquipmentSight, Finding, MachineRow, MachineSight, RoomSight, SeatSight
from densach_hub.fleet.telling import HealthPoint
from densach_hub.lab.use import Use


class Morning(msgspec.Struct, frozen=True, kw_only=True):
    """What needs a person: since yesterday noon, from before, and what is only worth knowing."""

    fresh: tuple[Finding, ...] = ()
    older: tuple[Finding, ...] = ()
    calm: tuple[Finding, ...] = ()
    watched: int = 0
    """Machines in the register: where there is none, nobody can say that all is well."""

    @property
    def urgent(self) -> int:
        return len(self.fresh) + len(self.older)


class Cell(msgspec.Struct, frozen=True):
    """A place on a room's map, `row` and `column` counted from 1."""

    row: int
    column: int
    sight: SeatSight


class RoomMap(msgspec.Struct, frozen=True, kw_only=True):
    """A room ready to be drawn: `columns` wide, empty places left out."""

    sight: RoomSight
    rows: int
    columns: int
    cells: tuple[Cell, ...]

    @property
    def room(self) -> Room:
        return self.sight.room


class Fact(msgspec.Struct, frozen=True):
    """One attribute of a thing: what it is called and what it says. `size` and `on` are said in the reader's way."""

    label: Text
    value: Text | str = ""
    size: float | None = None


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A thing in a machine, as a person would call it."""

    icon: str
    label: Text
    name: str
    size: float | None = None
    facts: tuple[Fact, ...] = ()


class PartGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Parts of one inventory section, with when it was last confirmed and why a newer look brought nothing."""

    section: str
    label: Text
    parts: tuple[Part, ...]
    seen_at: int
    status: str
    reason: str = ""


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """A line of "what happened"."""

    at: int
    icon: str
    what: Text
    detail: Text | str | None = None
    urgent: bool = False
    over: bool = False


class DayOfUse(msgspec.Struct, frozen=True):
    """A day's bar: None where nothing was told. `hours` are hours with somebody at the machine."""

    day: str
    hours: float | None
    said: Text


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """A metric over the last two weeks."""

    metric: str
    label: Text
    unit: str
    points: tuple[HealthPoint, ...]

    @property
    def last(self) -> HealthPoint:
        return self.points[-1]


class MachinePage(msgspec.Struct, frozen=True, kw_only=True):
    sight: MachineSight
    groups: tuple[PartGroup, ...]
    software: int
    use: tuple[DayOfUse, ...]
    used_ms: int | None
    days_used: int
    of_what: Use
    curves: tuple[Curve, ...]
    history: tuple[Happening, ...]
    rooms: tuple[Room, ...]

    @property
    def machine(self) -> Machine:
        return self.sight.machine


class EquipmentPage(msgspec.Struct, frozen=True, kw_only=True):
    sight: EquipmentSight
    rooms: tuple[Room, ...]


class FaultKind(StrEnum):
    """The three big choices on a pupil's phone."""

    NO_START = "no-start"
    NO_NETWORK = "no-network"
    BROKEN_PART = "broken-part"


class FaultPlace(msgspec.Struct, frozen=True, kw_only=True):
    """What a QR label points at."""

    code: str
    room: Room
    seat: Seat
    machine: Machine | None
    open: tuple[FaultReport, ...]


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """A seat's label to be printed. `svg` is the QR code's own drawing."""

    seat: Seat
    address: str
    path: str
    size: int


class JoinLine(msgspec.Struct, frozen=True):
    """A room's line with the token in it, shown for some minutes to who made it."""

    line: str
    token: RoomToken


class RoomForm(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    kind: str = "computer-room"
    campus: str = ""
    levels: list[str] = []
    seats: int = 0
    columns: int = 6
    note: str = ""


class SeatsForm(msgspec.Struct, frozen=True, kw_only=True):
    """`seats` seats in rows of `columns`; those that exist keep their id."""

    seats: int
    columns: int = 6


class PlaceForm(msgspec.Struct, frozen=True, kw_only=True):
    """Many machines into a room. `seats_from`: the seat to begin with, empty for no seats."""

    machine: list[str] = []
    room: str
    seats_from: str | None = None


class MoveForm(msgspec.Struct, frozen=True, kw_only=True):
    """One machine. `place` is "" (nowhere), "room" or "room/seat"."""

    place: str = ""


class NameForm(msgspec.Struct, frozen=True, kw_only=True):
    name: str


class RepairForm(msgspec.Struct, frozen=True, kw_only=True):
    what: str = ""
    parts: str = ""
    works_again: bool = False
    solved: list[str] = []
    """Keys of the findings that this repair put right."""


class WhyForm(msgspec.Struct, frozen=True, kw_only=True):
    why: str = ""


class ConditionForm(msgspec.Struct, frozen=True, kw_only=True):
    condition: str


class SeenForm(msgspec.Struct, frozen=True, kw_only=True):
    key: str
    note: str = ""
    back: str = "/lab"


class AdmitForm(msgspec.Struct, frozen=True, kw_only=True):
    """`place` as in MoveForm."""

    place: str = ""


class DeclareForm(msgspec.Struct, frozen=True, kw_only=True):
    name: str = ""
    place: str = ""
    maker: str = ""
    model: str = ""
    serial: str = ""
    asset: str = ""
    os: str = ""
    condition: str = "unknown"
    note: str = ""
    anyway: bool = False
    """Write it down although one like it is there."""


class TokenForm(msgspec.Struct, frozen=True, kw_only=True):
    room: str | None = None
    hours: int = 24
    uses: int = 60


class MaintenanceForm(msgspec.Struct, frozen=True, kw_only=True):
    hours: int = 8
    why: str = ""


class AskForm(msgspec.Struct, frozen=True, kw_only=True):
    """What machines are asked to do. `force`: although somebody is at work."""

    what: str = ""
    machine: list[str] = []
    text: str = ""
    force: bool = False


class AskedLine(msgspec.Struct, frozen=True, kw_only=True):
    """One machine of a question, and how it stands. `row` None: it left the register meanwhile."""

    asked: Asked
    state: AskedState
    row: MachineRow | None
    said: Text
    why: Text | None = None
    words: str = ""
    """What the machine itself said of a failure."""


class FaultForm(msgspec.Struct, frozen=True, kw_only=True):
    kind: str = ""
    text: str = ""
