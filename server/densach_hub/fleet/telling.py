"""What machines told: the joint with intake, and the facts as they are kept in telemetry.db. No I/O."""

from enum import StrEnum

import msgspec

from densach_wire.messages import Body, Item, Presence, SectionStatus, Value


class ClockTrust(StrEnum):
    """What became of a device's clock when its records were placed."""

    GOOD = "good"
    SKEWED = "skewed"
    """Off by more than some minutes: corrected."""
    NONE = "none"
    """No clock, or years off: placed by the boot and the time of receipt."""


class Arrived(msgspec.Struct, frozen=True):
    """A record after intake: `at` is corrected hub time. For usage slices `start_at` and `end_at` are corrected too."""

    seq: int
    at: int
    body: Body
    start_at: int | None = None
    end_at: int | None = None


class Misfit(msgspec.Struct, frozen=True):
    """Something that did not fit, kept with its reason; counts as received. `seq` None: a whole message."""

    code: str
    detail: str
    raw: bytes
    seq: int | None = None
    topic: str = ""


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """One batch, validated and placed in time, ready to be stored."""

    device: str
    stream: str
    boot: str
    received_at: int
    records: tuple[Arrived, ...] = ()
    misfits: tuple[Misfit, ...] = ()
    clock: ClockTrust = ClockTrust.GOOD
    offset_ms: int | None = None
    """Hub time minus device time, where the device has a clock."""
    placed: bool = True
    """False: only the order of these records is known, not when they were (an earlier boot of a device without a clock)."""


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an arrival. `upto` is what may be acknowledged after the commit.

    `resend_from`: there is a hole before this batch; nothing after the hole was stored, ask again from here.
    """

    upto: int
    stored: int = 0
    repeated: int = 0
    misfits: int = 0
    lost: int = 0
    resend_from: int | None = None
    want: tuple[str, ...] = ()
    """Inventory sections the hub would like now (a suspected removal waits for a second look)."""


class StreamMark(msgspec.Struct, frozen=True, kw_only=True):
    """How far a stream is stored. `lost` counts records that nobody can bring any more."""

    device: str
    stream: str
    upto: int
    first_at: int
    last_at: int
    lost: int = 0


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """The latest a device told of itself."""

    device: str
    presence: Presence | None = None
    presence_at: int | None = None
    heard_at: int | None = None
    boot: str | None = None
    boot_at: int | None = None
    stream: str | None = None
    agent: str = ""
    os: str = ""
    hostname: str = ""
    clock: ClockTrust = ClockTrust.GOOD
    clock_offset_ms: int | None = None
    active_until_at: int | None = None
    """End of the last usage slice in which somebody was active."""
    session_until_at: int | None = None


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """An inventory section as it is known now. `failed`: why the last try brought nothing new."""

    device: str
    section: str
    items: tuple[Item, ...]
    digest: str
    at: int
    """When these items were seen first."""
    seen_at: int
    """When they were last confirmed."""
    status: SectionStatus = SectionStatus.OK
    reason: str = ""


class ChangeKind(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MOVED = "moved"
    """The same thing (by serial) in another slot."""


class ChangeState(StrEnum):
    SUSPECTED = "suspected"
    """A removal seen once: a flaky contact looks the same."""
    CONFIRMED = "confirmed"
    RETURNED = "returned"
    """It was there again before anybody confirmed that it was gone."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One thing in a machine that is not as it was."""

    id: int = 0
    device: str
    at: int
    boot: str
    section: str
    cls: str
    key: str
    kind: ChangeKind
    state: ChangeState
    before: dict[str, Value] | None = None
    after: dict[str, Value] | None = None
    settled_at: int | None = None
    planned: bool = False
    """Fell into a maintenance window: kept, but nobody is warned."""


class UsageDay(msgspec.Struct, frozen=True, kw_only=True):
    """What slices of one machine add up to on one school day."""

    device: str
    day: str
    """ISO date in the school's zone."""
    active_ms: int
    idle_ms: int
    session_ms: int
    sessions: int
    people: int | None = None
    unknown_ms: int = 0
    """The part of `active_ms` of which nothing says whether somebody was there."""


class UsePart(msgspec.Struct, frozen=True, kw_only=True):
    """What machines were used for. `what`: kind (of session), foreground or running (class of application)."""

    what: str
    name: str
    ms: int
    machines: int


class HealthPoint(msgspec.Struct, frozen=True, kw_only=True):
    """A metric over an hour."""

    at: int
    low: float
    mean: float
    high: float
    n: int


class SeenEvent(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    device: str
    at: int
    kind: str
    attrs: dict[str, Value]


class SickDisk(msgspec.Struct, frozen=True, kw_only=True):
    """A disk that its machine's inventory calls sick."""

    device: str
    key: str
    """Its name on the machine (sda) or, better, its serial number."""
    name: str
    failing: bool
    """Else it is weak: it has lost sectors, or is nearly worn out."""
    at: int
    """When it was told so."""


class LostRange(msgspec.Struct, frozen=True, kw_only=True):
    """Records of a stream that will never come: `why` is the device's word, or "hole" when the hub gave up waiting."""

    device: str
    stream: str
    first: int
    last: int
    why: str
    at: int


class ClockDoubt(msgspec.Struct, frozen=True, kw_only=True):
    """A boot in which a device's clock could not be believed."""

    device: str
    boot: str
    trust: ClockTrust
    offset_ms: int | None
    first_at: int
    last_at: int


class PresencePeriod(msgspec.Struct, frozen=True, kw_only=True):
    device: str
    state: Presence
    from_at: int
    until_at: int | None = None


class Quarantined(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    at: int
    device: str | None
    topic: str
    code: str
    detail: str
    raw: bytes
    size: int


class EquipmentSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of equipment as its dialect introduces it. `key` is stable in its tongue: a MAC address as a rule."""

    tongue: str
    key: str
    name: str
    maker: str = ""
    model: str = ""
    firmware: str = ""
    serial: str = ""
    mac: str = ""
    address: str = ""
    simulated: bool = False


class EquipmentReading(msgspec.Struct, frozen=True, kw_only=True):
    """What equipment measured, at the time of receipt (many stamp local time without a zone).

    `on`: whether what hangs on it is switched on; None where it does not say. Energy is the counter since ever.
    """

    key: str
    tongue: str
    at: int
    on: bool | None = None
    power_w: float | None = None
    energy_wh: float | None = None
    metrics: dict[str, float] = {}
    """Anything else, the unit in the name: `voltage_v`, `rssi_pct`, `lamp_hours`."""


class EquipmentDay(msgspec.Struct, frozen=True, kw_only=True):
    device: str
    day: str
    on_ms: int
    energy_wh: float | None
