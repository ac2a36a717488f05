"""What goes from a school to an office, and from an office to the next: counts and ratios, never a person.

The record keeps the four names of the national exchange on the wire (`idbanghi`, `sukien`, `phienban`,
`thoigiancapnhat`): a unique id, NEW / UPDATE / CANCEL, a version that must rise, the time of the change. A version that
does not rise is ignored and noticed. Bodies are closed shapes: a field that is not written here is dropped by whoever
reads the record, so personal data has no place to travel in.

Changes are additive only; who reads ignores what it does not know, and refuses a single record, never the envelope,
for a kind it has not learned yet.
"""

import hashlib
from enum import StrEnum

import msgspec

MAX_RECORDS = 200
"""Records in one envelope."""
MAX_ENVELOPE_BYTES = 1 << 20
MAX_ID = 160


class Sukien(StrEnum):
    """What happened to the record (`sukien` of the national exchange)."""

    NEW = "NEW"
    UPDATE = "UPDATE"
    CANCEL = "CANCEL"


class State(StrEnum):
    """How a figure is known: a machine measured it, a person declared it, or nobody knows."""

    MEASURED = "measured"
    DECLARED = "declared"
    UNKNOWN = "unknown"


class Kind(StrEnum):
    PROFILE = "profile"
    FLEET = "fleet"
    INDICATOR = "indicator"
    ALERTS = "alerts"
    ROOM = "room"


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One statement about one school.

    `as_of` is the school day (ISO date) the body speaks of, `updated_at` when it was written (ISO with zone).
    `body` is the JSON of one of the bodies below, chosen by `kind`; an empty object when the event is CANCEL.
    """

    id: str = msgspec.field(name="idbanghi")
    event: Sukien = msgspec.field(name="sukien")
    version: int = msgspec.field(name="phienban")
    updated_at: str = msgspec.field(name="thoigiancapnhat")
    school: str
    kind: str
    as_of: str
    body: msgspec.Raw


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """The school itself: public facts only."""

    name: str
    levels: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    campuses: int | None = None
    province: str | None = None
    commune: str | None = None
    software: str | None = None


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Machines of one provenance. None is unknown, which is not 0."""

    registered: int | None = None
    working: int | None = None
    connected: int | None = None


class FleetSummary(msgspec.Struct, frozen=True, kw_only=True):
    """Machines in the register, working in the last school days, connected now; by provenance, simulated ones apart."""

    measured: Counts
    declared: Counts
    simulated: Counts
    last_heard_at: int | None = None
    working_days: int = 5


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What stands behind a figure: how many of each, and a digest of the facts themselves (SHA-256, hex). `simulated`
    ones stand beside it: they are among neither `machines` nor `items`."""

    machines: int = 0
    declared: int = 0
    simulated: int = 0
    classes: int = 0
    rooms: int = 0
    items: int = 0
    digest: str = ""


class IndicatorValue(msgspec.Struct, frozen=True, kw_only=True):
    """The value of a criterion. `reason` is a code and is set whenever `value` is None; `norm` in the same unit.

    Simulated machines are in `with_simulated` (what the value would be with them) and in no other figure; it is None
    where none is concerned."""

    code: str
    criterion_version: int
    state: State
    value: float | None = None
    level: str | None = None
    unit: str = ""
    reason: str | None = None
    norm: float | None = None
    within: bool | None = None
    evidence: Evidence = Evidence()
    with_simulated: float | None = None


class AlertCount(msgspec.Struct, frozen=True):
    """How many alerts of a kind are open, and since when the oldest is; those of simulated machines apart."""

    kind: str
    open: int
    oldest_at: int | None = None
    simulated: int = 0


class AlertSummary(msgspec.Struct, frozen=True):
    alerts: tuple[AlertCount, ...] = ()


class RoomRatio(msgspec.Struct, frozen=True, kw_only=True):
    """One computer room for one level: the largest class taught there against the machines that work.

    `simulated` ones are in `with_simulated` and in no other figure."""

    room: str
    name: str
    level: str
    state: State
    pupils: int | None = None
    working: int | None = None
    simulated: int = 0
    value: float | None = None
    norm: float | None = None
    within: bool | None = None
    reason: str | None = None
    with_simulated: float | None = None


Body = Profile | FleetSummary | IndicatorValue | AlertSummary | RoomRatio

BODIES: dict[str, type[Body]] = {
    Kind.PROFILE: Profile,
    Kind.FLEET: FleetSummary,
    Kind.INDICATOR: IndicatorValue,
    Kind.ALERTS: AlertSummary,
    Kind.ROOM: RoomRatio,
}


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """Records on their way, signed by the key the receiver pinned when it was paired with `school`.

    The signature (Ed25519, hex) is over `canonical` of the envelope without its `signature` member. A record stays raw
    here, so that one that does not fit is refused alone.
    """

    v: int = 1
    school: str
    key: str
    sent_at: int
    records: list[msgspec.Raw]
    signature: str = ""


class Verdict(StrEnum):
    ACCEPTED = "accepted"
    IGNORED = "ignored"
    REFUSED = "refused"


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one record. On `ignored`, `version` and `digest` say what the receiver already holds, so that a
    sender restored from a backup can rise above it; on `refused`, `code` says why."""

    id: str
    verdict: Verdict
    version: int | None = None
    digest: str | None = None
    code: str | None = None


class FeedAnswer(msgspec.Struct, frozen=True):
    """One answer per record, in the order of the envelope."""

    answers: list[Answer]


class PairRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`public_key` is the Ed25519 key, 32 bytes in hex; `code` the one-time code the office issued for `school`."""

    code: str
    school: str
    public_key: str
    name: str = ""


class PairAnswer(msgspec.Struct, frozen=True, kw_only=True):
    office: str
    name: str


def canonical(value: object) -> bytes:
    """JSON with sorted keys and no spaces: the bytes that are signed and digested. Raises msgspec.DecodeError on Raw
    parts that are no JSON."""
    plain = msgspec.json.decode(msgspec.json.encode(value))
    return msgspec.json.encode(plain, order="sorted")


def signed_part(envelope: bytes) -> tuple[bytes, str]:
    """The canonical bytes under the signature, and the signature, of an envelope as it arrived.

    Unknown members stay part of what is signed: a newer sender can add to the envelope. Decode the bytes returned, not
    the ones that came: what was verified is then what is read. Raises msgspec.DecodeError when it is not an object.
    """
    plain = msgspec.json.decode(envelope)
    if not isinstance(plain, dict):
        raise msgspec.DecodeError("an envelope is a JSON object")
    signature = plain.pop("signature", "")
    return msgspec.json.encode(plain, order="sorted"), signature if isinstance(signature, str) else ""


def digest(value: object) -> str:
    """SHA-256 of the canonical bytes, in hex."""
    return hashlib.sha256(canonical(value)).hexdigest()


def body_of(record: Record) -> Body | None:
    """The typed body; None for a CANCEL. Raises msgspec.ValidationError for an unknown kind or an unfit body."""
    if record.event is Sukien.CANCEL:
        return None
    shape = BODIES.get(record.kind)
    if shape is None:
        raise msgspec.ValidationError(f"unknown kind {record.kind!r}")
    return msgspec.json.decode(record.body, type=shape)


def raw(body: Body | None) -> msgspec.Raw:
    """The body as it is put into a record."""
    return msgspec.Raw(canonical(body) if body is not None else b"{}")


def key_id(public_key: bytes) -> str:
    """A short name for a key: the first 16 hex digits of its SHA-256."""
    return hashlib.sha256(public_key).hexdigest()[:16]
