"""The messages between a device and its school's hub, contract v1.

Additive changes only: a new field has a default, and unknown fields are ignored on both sides. Times on the wire are
**seconds** (`wall` since 1970 in UTC by the device's clock, `up` since boot), fractions allowed; the `…_ms` properties
give the house's milliseconds. Sizes are bytes, temperatures °C, shares percent. `None` means *not known*, never 0.
"""

from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct

VERSION = 1

Name = Annotated[str, Meta(min_length=1, max_length=64)]
Line = Annotated[str, Meta(max_length=500)]
Seq = Annotated[int, Meta(ge=1, le=2**53 - 1)]
"""JSON numbers above 2^53 - 1 do not survive every parser."""
Count = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Value: TypeAlias = str | int | float | bool | None
Attrs: TypeAlias = dict[Annotated[str, Meta(max_length=64)], Value]

_LATEST_WALL = 253_402_300_799.0  # the end of year 9999: no calendar goes further


class Moment(Struct, frozen=True, omit_defaults=True):
    """When, twice: by the device's clock (None without one) and by seconds since its boot (suspend counted)."""

    up: Annotated[float, Meta(ge=0, le=1e10)]
    wall: float | None = None
    boot: Annotated[str, Meta(max_length=64)] | None = None
    """Only where it differs from the boot of the envelope: `sent` of records that an earlier boot left behind."""

    @property
    def wall_ms(self) -> int | None:
        return wall_to_ms(self.wall)

    @property
    def up_ms(self) -> int:
        return round(self.up * 1000)


def wall_to_ms(wall: float | None) -> int | None:
    """Milliseconds since 1970, or None where there is no clock or it shows a time no calendar has."""
    if wall is None or not 0 <= wall <= _LATEST_WALL:
        return None
    return round(wall * 1000)


# ---- what devices say of themselves -------------------------------------------------------------------------------


class Presence(StrEnum):
    """The whole payload of `presence`, as a bare word without quotes."""

    ONLINE = "online"
    OFFLINE = "offline"  # the last will: the line was lost
    ASLEEP = "asleep"
    OFF = "off"


class Factor(Struct, frozen=True, omit_defaults=True):
    """One thing a machine is known by. The value travels as a digest (densach_wire.factors): the hub counts equal
    values over machines without learning serial numbers twice."""

    kind: Name
    """board | chassis | product-uuid | disk | mac | tpm | machine-id"""
    digest: Annotated[str, Meta(min_length=8, max_length=64)]
    strong: bool = True
    """False for what only supports a guess: machine-id says "same disk", a removable network card says little."""


class System(Struct, frozen=True, omit_defaults=True):
    family: Annotated[str, Meta(max_length=32)]
    """linux | windows | firmware"""
    name: Line = ""
    version: Line = ""
    arch: Line = ""
    kernel: Line = ""


class Kept(Struct, frozen=True):
    """The sequences a device still holds, acknowledged ones included (what a restored hub may ask for)."""

    first: Seq
    last: Seq


class Hello(Struct, frozen=True, kw_only=True):
    """Birth: sent, retained, after each connect."""

    v: int = VERSION
    agent: Annotated[str, Meta(max_length=64)]
    """Name and version of the program: `densach-agent 0.1.0`, `lamp-firmware 3`."""
    os: System
    hostname: Annotated[str, Meta(max_length=255)] = ""
    boot: Name
    stream: Name
    clock: Moment
    fingerprint: Annotated[tuple[Factor, ...], Meta(max_length=64)] = ()
    caps: Annotated[tuple[Name, ...], Meta(max_length=64)] = ()
    """What it can report and do: record kinds and request names (`usage`, `inventory`, `cmd:message`)."""
    kept: Kept | None = None
    simulated: bool = False
    maker: Line = ""
    model: Line = ""


# ---- records ------------------------------------------------------------------------------------------------------


class Item(Struct, frozen=True, omit_defaults=True):
    """One thing in a machine: `("memory", "DIMM 0", {"size_bytes": …, "serial": …})`. `key` tells it from its
    siblings and stays the same while the thing stays in its place; `attrs` have their unit in the name."""

    cls: Name
    key: Annotated[str, Meta(min_length=1, max_length=200)]
    attrs: Attrs = {}


class SectionStatus(StrEnum):
    OK = "ok"
    NO_DATA = "no-data"  # asked properly, this machine has none
    DENIED = "denied"
    TIMEOUT = "timeout"
    FAILED = "failed"


class InventorySection(Struct, frozen=True, omit_defaults=True):
    """A whole section, replacing what was known of it. Only `ok` and `no-data` say anything about the machine:
    after the others what was known stays known."""

    section: Name
    items: Annotated[tuple[Item, ...], Meta(max_length=20_000)] = ()
    digest: Annotated[str, Meta(max_length=64)] = ""
    """Changes exactly when the items change; opaque to the hub."""
    status: SectionStatus = SectionStatus.OK
    reason: Line = ""


class SessionKind(StrEnum):
    LOCAL = "local"
    REMOTE = "remote"
    KIOSK = "kiosk"
    EXAM = "exam"


class UsageSlice(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A piece of one person's session. Never crosses an hour of the wall clock, a boot or a change of the session:
    so slices only ever add up. active + idle ≤ end - start; what is missing was not watched."""

    session: Name
    kind: SessionKind = SessionKind.LOCAL
    user: Annotated[str, Meta(max_length=64)] | None = None
    """A digest keyed by the school; the same person has the same digest on every machine of the school."""
    name: Annotated[str, Meta(max_length=128)] | None = None
    """Only where the school switched names on."""
    start: Moment
    end: Moment
    active_ms: Count
    idle_ms: Count
    unknown_ms: Count = 0
    """The part of `active_ms` of which nothing says whether somebody was there: this desktop does not tell."""
    apps: dict[Name, Count] = {}
    """Class of application (browser, office, coding, media, e-learning, game, system, other) → milliseconds of `active_ms`.
    In front: one class at a time, so they add up to at most `active_ms`. Running: each by itself is at most `active_ms`."""
    apps_how: Annotated[str, Meta(max_length=32)] = ""
    """foreground | running"""


class Volume(Struct, frozen=True, omit_defaults=True):
    mount: Annotated[str, Meta(max_length=200)]
    total_bytes: Count
    free_bytes: Count


class Health(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How a device fares, over the `span_ms` that ends at the record's own moment."""

    span_ms: Count = 0
    """0: measured at one moment."""
    cpu_pct: float | None = None
    cpu_max_pct: float | None = None
    load_1m: float | None = None
    mem_total_bytes: Count | None = None
    mem_used_bytes: Count | None = None
    swap_used_bytes: Count | None = None
    volumes: Annotated[tuple[Volume, ...], Meta(max_length=64)] = ()
    temps: dict[Annotated[str, Meta(max_length=64)], float] = {}
    uptime_ms: Count | None = None
    on_ac: bool | None = None
    battery_pct: float | None = None
    rx_bytes: Count | None = None
    tx_bytes: Count | None = None
    extra: dict[Annotated[str, Meta(max_length=64)], float] = {}
    """What else a device measures, the unit in the name: `power_w`, `energy_wh`, `lamp_hours`, `rssi_dbm`."""


class Event(Struct, frozen=True, omit_defaults=True):
    """Something happened at the record's moment: `boot`, `shutdown`, `stopped` (the program, not the machine), `awake`
    {asleep_ms}, `clock-jump` {by_ms}, `outbox-full` {dropped}, `outbox-memory` {why}, `outbox-lost`, `twin-suspected`
    {was}, `takeover`, or a word of the device's own."""

    kind: Name
    attrs: Attrs = {}


class Gap(Struct, frozen=True, rename={"from_seq": "from", "to_seq": "to"}, omit_defaults=True):
    """Records `from`…`to` were dropped and will never come. The record itself has `seq` = `to` and stands in their
    place, so that the stream stays without holes."""

    from_seq: Seq
    to_seq: Seq
    why: Annotated[str, Meta(max_length=64)] = ""
    """size | age | expired | disk | lost"""
    kinds: dict[Name, Count] = {}  # how many records of which kind, where known


class _Record(Struct, frozen=True, tag_field="k", kw_only=True, omit_defaults=True):
    seq: Seq
    up: Annotated[float, Meta(ge=0, le=1e10)]
    wall: float | None = None

    @property
    def moment(self) -> Moment:
        return Moment(self.up, self.wall)


class InventoryRecord(_Record, frozen=True, tag="inventory", kw_only=True):
    d: InventorySection


class UsageRecord(_Record, frozen=True, tag="usage", kw_only=True):
    d: UsageSlice


class HealthRecord(_Record, frozen=True, tag="health", kw_only=True):
    d: Health


class EventRecord(_Record, frozen=True, tag="event", kw_only=True):
    d: Event


class GapRecord(_Record, frozen=True, tag="gap", kw_only=True):
    d: Gap


Record: TypeAlias = InventoryRecord | UsageRecord | HealthRecord | EventRecord | GapRecord
Body: TypeAlias = InventorySection | UsageSlice | Health | Event | Gap
Kind: TypeAlias = Literal["inventory", "usage", "health", "event", "gap"]


class Envelope(Struct, frozen=True, kw_only=True):
    """A batch without its records. All records of a batch are of one boot (`boot`); `sent` is now."""

    v: int = VERSION
    dev: Name
    stream: Name
    boot: Name
    sent: Moment

    @property
    def same_boot(self) -> bool:
        """Whether the records were made in the boot that sends them (then `up` alone places them exactly)."""
        return self.sent.boot is None or self.sent.boot == self.boot


class Batch(Envelope, frozen=True, kw_only=True):
    recs: tuple[Record, ...]


# ---- what the hub answers -----------------------------------------------------------------------------------------


class Ack(Struct, frozen=True):
    """On the hub's disk up to and including `upto` (0: nothing yet)."""

    stream: Name
    upto: Count
    now: float
    """The hub's clock, seconds since 1970."""
    want: tuple[str | int, ...] = ()
    """A word is an inventory section to send now (`*`: all); a number is a sequence to send again from."""

    @property
    def sections(self) -> tuple[str, ...]:
        return tuple(w for w in self.want if isinstance(w, str))

    @property
    def resend_from(self) -> int | None:
        numbers = [w for w in self.want if isinstance(w, int)]
        return min(numbers) if numbers else None


Interval = Annotated[int, Meta(ge=5, le=31 * 86400)]


class Desired(Struct, frozen=True, kw_only=True):
    """Retained state the hub wishes for; defaults are what an agent does without ever having heard one."""

    v: int = VERSION
    health_sample_s: Interval = 60
    health_send_s: Interval = 900
    usage_sample_s: Interval = 30
    inventory_s: Interval = 4 * 3600
    batch_s: Interval = 30
    """Records wait at most this long for company."""
    keep_days: Annotated[int, Meta(ge=0, le=90)] = 7
    """How long acknowledged records are kept."""
    names: bool = False
    """User names may leave the machine."""
    off: tuple[str, ...] = ()
    """Collectors and record kinds that are switched off."""


class Command(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request; its name is in the topic. Never retained, never run twice, never run after `expires`."""

    id: Name
    expires: float
    """By the hub's clock, seconds since 1970."""
    sent: float
    """By the hub's clock: gives a device whose clock is wrong the time that is left."""
    by: Line = ""
    args: Attrs = {}


class Outcome(StrEnum):
    ACCEPTED = "accepted"
    DONE = "done"
    REFUSED = "refused"


class Result(Struct, frozen=True, kw_only=True, omit_defaults=True):
    id: Name
    outcome: Outcome
    reason: Line = ""
    """For `refused`: expired | unknown | policy | busy | nobody | failed, then words."""
    attrs: Attrs = {}


class HubState(Struct, frozen=True, kw_only=True):
    """Retained on `hub`, with a last will of `offline`. `now` is as fresh as the message: a retained one is old."""

    v: int = VERSION
    state: Literal["online", "offline"]
    now: float | None = None
    name: Line = ""


def digest_bytes(items: tuple[Item, ...]) -> bytes:
    """The canonical form of items, from which their digest is made: sorted by class and key, keys of attrs sorted."""
    ordered = sorted(items, key=lambda i: (i.cls, i.key))
    return msgspec.json.encode(ordered, order="sorted")
