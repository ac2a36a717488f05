"""What an office knows: who is paired with it, what they said, and how that adds up. No I/O. Times in epoch ms."""

from enum import StrEnum

import msgspec

from densach_wire.upward import AlertSummary, FleetSummary, IndicatorValue, Profile, Record, RoomRatio


class ChildKind(StrEnum):
    """Who sends: a school's hub speaks for one school, an office for every school below it."""

    SCHOOL = "school"
    OFFICE = "office"


class Child(msgspec.Struct, frozen=True, kw_only=True):
    """A hub or office paired with this office. `key` is the pinned public key in hex."""

    code: str
    kind: ChildKind
    name: str
    key: str
    key_id: str
    paired_at: int
    heard_at: int | None = None
    sent_at: int | None = None
    """The sender's own clock when it last spoke."""
    revoked_at: int | None = None


class PairingCode(msgspec.Struct, frozen=True, kw_only=True):
    """A one-time code, stored as a hash; `code` is the school's (or lower office's) code it was issued for."""

    hash: str
    code: str
    kind: ChildKind
    name: str
    issued_at: int
    issued_by: str
    expires_at: int
    used_at: int | None = None
    withdrawn_at: int | None = None

    def open(self, now: int) -> bool:
        return self.used_at is None and self.withdrawn_at is None and now < self.expires_at


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """A record that was verified and fits its shape, with the digest of the bytes its sender signed."""

    record: Record
    digest: str


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A record as the office holds it. `via` is the child it came from."""

    record: Record
    digest: str
    received_at: int
    via: str


class NoticeKind(StrEnum):
    REPEAT = "repeat"
    """The very same record again: an answer was lost on the way."""
    OLDER = "older"
    """A version below the one held: a hub restored from a backup, or somebody replays."""
    OTHER = "other"
    """Another content under a version already used."""
    DIRECT = "direct"
    """An office below spoke for a school that speaks here itself."""
    REFUSED = "refused"
    SIGNATURE = "signature"


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """Something about what arrived that a person may want to know."""

    at: int
    child: str
    kind: NoticeKind
    record: str | None = None
    version: int | None = None
    held: int | None = None
    code: str | None = None


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """A school's ratio for one level with the record it comes from."""

    level: str
    indicator: IndicatorValue
    held: Held


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """A school known here: paired itself, or spoken for by an office below (`via`)."""

    code: str
    name: str
    via: str
    heard_at: int | None
    revoked: bool = False


class SchoolRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table. None is unknown. `simulated` machines are in no other figure."""

    code: str
    name: str
    via: str
    heard_at: int | None
    silent: bool
    units: tuple[str, ...] = ()
    profile: Profile | None = None
    fleet: FleetSummary | None = None
    registered: int | None = None
    working: int | None = None
    connected: int | None = None
    simulated: int = 0
    levels: dict[str, IndicatorValue] = {}
    alerts: int | None = None
    simulated_alerts: int = 0

    @property
    def beyond(self) -> bool:
        """A level of the school does not keep its norm."""
        return any(value.within is False for value in self.levels.values())


class SchoolSight(msgspec.Struct, frozen=True, kw_only=True):
    """Everything for a school's page, each part with the record behind it."""

    row: SchoolRow
    child: Child | None
    profile: Held | None
    fleet: Held | None
    indicators: tuple[tuple[IndicatorValue, Held], ...]
    rooms: tuple[tuple[RoomRatio, Held], ...]
    alerts: tuple[AlertSummary, Held] | None
    notices: tuple[Notice, ...]
