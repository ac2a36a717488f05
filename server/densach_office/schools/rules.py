"""Decisions about arriving records and about rows, without I/O."""

import re
from datetime import date, datetime
from typing import Literal, TypeVar

import msgspec

from densach_core.criteria.model import Reason
from densach_office.schools.model import Arrival, Child, ChildKind, Held, NoticeKind
from densach_wire.upward import MAX_ID, FleetSummary, IndicatorValue, Record, RoomRatio, State, Sukien, body_of, digest

HIGHEST_VERSION = 2**53 - 1
SILENT_AFTER_MS = 24 * 3_600_000
"""A hub speaks at least every ten minutes while its line is up; a night's power cut is not yet silence."""

MIXED = frozenset({"pupils-per-computer", "computers-short"})
"""Indicators that older senders computed with simulated machines in them."""

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


class Unfit(Exception):
    """A record that is refused, with the code for its sender."""

    def __init__(self, record_id: str, code: str) -> None:
        super().__init__(code)
        self.record_id = record_id
        self.code = code


def is_code(text: str) -> bool:
    """Whether a school's or office's code can be one (letters, digits, `.`, `_`, `-`; leading zeros matter)."""
    return _CODE.fullmatch(text) is not None


def arrival(raw: msgspec.Raw, child: Child) -> Arrival:
    """Reads one record of an envelope that was verified. Raises Unfit."""
    try:
        record = msgspec.json.decode(raw, type=Record)
    except msgspec.MsgspecError as error:
        raise Unfit(_id_of(raw), "record.malformed") from error
    if child.kind is ChildKind.SCHOOL and record.school != child.code:
        raise Unfit(record.id, "record.other-school")
    if not is_code(record.school) or len(record.id) > MAX_ID:
        raise Unfit(record.id, "record.malformed")
    prefix = f"{record.school}/{record.kind}"
    if record.id != prefix and not record.id.startswith(prefix + "/"):
        raise Unfit(record.id, "record.strange-id")
    if not 1 <= record.version <= HIGHEST_VERSION:
        raise Unfit(record.id, "record.strange-version")
    try:
        date.fromisoformat(record.as_of)
        zone = datetime.fromisoformat(record.updated_at).tzinfo
    except ValueError as error:
        raise Unfit(record.id, "record.strange-time") from error
    if zone is None:
        raise Unfit(record.id, "record.strange-time")
    try:
        body = body_of(record)
    except msgspec.MsgspecError as error:
        raise Unfit(record.id, "record.unknown-kind" if "unknown kind" in str(error) else "record.unfit-body") from error
    fingerprint = digest(raw)
    # What is stored is the typed body again: a member nobody wrote down here (a name, an address) is not kept.
    known = msgspec.Raw(msgspec.json.encode(body) if body is not None else b"{}")
    return Arrival(record=msgspec.structs.replace(record, body=known), digest=fingerprint)


def judge(held: Held | None, arrival: Arrival, child: Child, *, paired_itself: bool) -> NoticeKind | None:
    """None: take it. Otherwise why it is ignored."""
    if paired_itself and child.code != arrival.record.school:
        return NoticeKind.DIRECT
    if held is None or arrival.record.version > held.record.version:
        return None
    if arrival.record.version < held.record.version:
        return NoticeKind.OLDER
    return NoticeKind.REPEAT if held.digest == arrival.digest else NoticeKind.OTHER


def alive(held: Held) -> bool:
    return held.record.event is not Sukien.CANCEL


def silent(heard_at: int | None, now: int) -> bool:
    return heard_at is None or now - heard_at >= SILENT_AFTER_MS


def total(*parts: int | None) -> int | None:
    """Schools together: those that do not know are left out (the page says how many stand behind), unknown when all are."""
    known = [part for part in parts if part is not None]
    return sum(known) if known else None


def counted(fleet: FleetSummary, name: Literal["registered", "working", "connected"]) -> int | None:
    """Measured and declared machines of one school together; simulated ones are elsewhere.

    Unknown as soon as a part that has machines does not know: "nobody knows of 40 machines, and there are 0 declared
    ones" must not become 0. A part nothing was said of is no part. Declared machines cannot be seen to be connected and
    have no say in that.
    """
    parts = (fleet.measured,) if name == "connected" else (fleet.measured, fleet.declared)
    said = [part for part in parts if part.registered is not None]
    if not said:
        return None
    values: list[int | None] = [getattr(part, name) for part in said if part.registered]
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


F = TypeVar("F", IndicatorValue, RoomRatio)


def of_real_machines(figure: F) -> F:
    """The figure as it may be judged. One that an older sender computed with simulated machines among the real ones is
    moved to where such a figure belongs, and leaves nothing to hold against the norm."""
    simulated = figure.simulated if isinstance(figure, RoomRatio) else figure.evidence.simulated
    is_ratio = isinstance(figure, RoomRatio) or figure.code in MIXED
    if not is_ratio or not simulated or figure.with_simulated is not None or figure.value is None:
        return figure
    return msgspec.structs.replace(
        figure, value=None, state=State.UNKNOWN, within=None, reason=Reason.SIMULATED, with_simulated=figure.value
    )


class _HasId(msgspec.Struct):
    id: str = msgspec.field(name="idbanghi", default="")


def _id_of(raw: msgspec.Raw) -> str:
    try:
        return msgspec.json.decode(raw, type=_HasId).id[:MAX_ID]
    except msgspec.MsgspecError:
        return ""
