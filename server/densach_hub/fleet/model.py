"""The fleet's words: machines, equipment, rooms and what people wrote about them. No I/O.

Times are epoch milliseconds (`…_at`), lengths milliseconds (`…_ms`). None means *not known*, never 0.
What machines told lives in `telling.py`, what pages are given in `sights.py`.
"""

from enum import StrEnum

import msgspec

from densach_wire.messages import Factor


class Kind(StrEnum):
    """How a machine comes to be in the register."""

    AGENT = "agent"
    """An agent runs on it: everything about it is measured."""
    DECLARED = "declared"
    """A person wrote it down (broken, Windows 7, never on the net): counts as declared, never as measured."""
    EQUIPMENT = "equipment"
    """Speaks for itself in its own tongue: plugs, projectors, microphones' mixers."""


class RoomKind(StrEnum):
    COMPUTER_ROOM = "computer-room"
    STUDIO = "studio"
    LIBRARY = "library"
    OTHER = "other"


class Condition(StrEnum):
    """What a person says of a machine. WORKING is a declaration too, not a measurement."""

    WORKING = "working"
    BROKEN = "broken"
    UNKNOWN = "unknown"


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """A place in a room. `id` never changes and is in the QR label; `label` is what is painted on the desk.

    `row` and `column` (from 0, seen from the teacher's desk) draw the map.
    """

    id: str
    label: str
    row: int = 0
    column: int = 0


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """A room of the school, with its seats. `levels` are the levels taught here: "TH", "THCS", "THPT".

    One room may serve two levels. `campus` is the campus's code (`madiemtruong`), "" for the main one.
    """

    id: str
    name: str
    kind: RoomKind = RoomKind.COMPUTER_ROOM
    campus: str = ""
    levels: tuple[str, ...] = ()
    seats: tuple[Seat, ...] = ()
    note: str = ""

    def seat(self, seat_id: str) -> Seat | None:
        return next((s for s in self.seats if s.id == seat_id), None)


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a machine stands, or stood (`until_at` set)."""

    room: str
    seat: str | None = None
    since_at: int
    until_at: int | None = None
    by: str = ""


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the register. `id` is issued by the hub, is the certificate's CN and never changes."""

    id: str
    name: str
    """What people call it; the host's name until somebody says otherwise."""
    kind: Kind
    simulated: bool = False
    admitted_at: int
    admitted_by: str
    hostname: str = ""
    maker: str = ""
    model: str = ""
    serial: str = ""
    asset: str = ""
    """The number on the school's asset label (số thẻ tài sản)."""
    os: str = ""
    condition: Condition = Condition.UNKNOWN
    note: str = ""
    tongue: str = ""
    """Equipment: the dialect it speaks (`tasmota`)."""
    firmware: str = ""
    certificate: str | None = None
    """Serial number of its valid certificate, hex."""
    retired_at: int | None = None
    place: Place | None = None

    @property
    def alive(self) -> bool:
        """In the register today (not retired)."""
        return self.retired_at is None


class Declaration(msgspec.Struct, frozen=True, kw_only=True):
    """A machine as a person writes it down, by hand or as a row of a CSV file."""

    name: str
    room: str | None = None
    seat: str | None = None
    maker: str = ""
    model: str = ""
    serial: str = ""
    asset: str = ""
    os: str = ""
    condition: Condition = Condition.UNKNOWN
    note: str = ""


class Repair(msgspec.Struct, frozen=True, kw_only=True):
    """Something done to a machine by a person."""

    id: int
    machine: str
    at: int
    by: str
    what: str
    parts: str = ""
    works_again: bool = False


class Maintenance(msgspec.Struct, frozen=True, kw_only=True):
    """A window in which hardware of a room (or one machine) may change without anybody being warned."""

    id: int
    room: str | None = None
    machine: str | None = None
    from_at: int
    until_at: int
    by: str
    why: str = ""

    def covers(self, machine: str, room: str | None, at: int) -> bool:
        if not self.from_at <= at < self.until_at:
            return False
        return machine == self.machine or (self.room is not None and room == self.room)


class FaultReport(msgspec.Struct, frozen=True, kw_only=True):
    """ "Báo hỏng" from a seat's label. `by` is a member of staff who was signed in; pupils' names are not stored."""

    id: int
    at: int
    room: str
    seat: str | None = None
    machine: str | None = None
    text: str
    by: str | None = None
    closed_at: int | None = None
    closed_by: str | None = None


class Acknowledgement(msgspec.Struct, frozen=True, kw_only=True):
    """A technician has seen a finding; it stays out of the way until it changes (then its key changes)."""

    key: str
    at: int
    by: str
    note: str = ""


class RoomToken(msgspec.Struct, frozen=True, kw_only=True):
    """A permission to enrol into one room. The secret itself is shown once and stored as a hash."""

    id: str
    room: str | None
    created_at: int
    created_by: str
    expires_at: int
    uses: int
    uses_left: int
    revoked_at: int | None = None

    def open(self, now: int) -> bool:
        return self.revoked_at is None and self.uses_left > 0 and now < self.expires_at


class WaitingState(StrEnum):
    WAITING = "waiting"
    ADMITTED = "admitted"
    REFUSED = "refused"


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A machine that asked to be admitted without a token (or that turned out to be a twin)."""

    id: str
    hostname: str
    maker: str = ""
    model: str = ""
    os: str = ""
    agent: str = ""
    address: str = ""
    simulated: bool = False
    fingerprint: tuple[Factor, ...] = ()
    was: str | None = None
    """The device id found on its disk, when it says itself that it is another machine."""
    twin_of: str | None = None
    """The registered machine it shares a disk image with, by its own word or by its fingerprint."""
    same_as: str | None = None
    """The registered machine that it surely is, installed anew: admitted, it gets its old name back."""
    asked_at: int
    seen_at: int
    state: WaitingState = WaitingState.WAITING
    decided_at: int | None = None
    decided_by: str | None = None
    machine: str | None = None
    """Its id: set when it is admitted; before that, if it speaks under one already: of an account made for it, or the one it
    was admitted with earlier, which this hub has forgotten because it was restored from an older backup."""


class TwinMode(StrEnum):
    """How strictly fingerprints are acted on; a school rolls it out in this order."""

    OFF = "off"
    LOG = "log"
    ENFORCE = "enforce"


class FleetPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What a technician may set (document "fleet")."""

    twins: TwinMode = TwinMode.ENFORCE
    silent_after_ms: int = 3 * 86_400_000
    """A machine that says nothing for so long is a finding (it may simply be off for a day or two)."""
    lost_line_after_ms: int = 30 * 60_000
    """A machine whose line was lost (last will) and that did not come back for so long."""
    disk_full_pct: float = 95.0
    temperature_c: float = 90.0
    clock_doubt_ms: int = 300_000
    keep_raw_days: int = 30
    keep_usage_days: int = 800
