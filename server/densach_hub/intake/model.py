"""Intake's words: what a message became, what was counted."""

from enum import StrEnum

import msgspec

from densach_hub.fleet.telling import Arrival, ClockTrust, Misfit
from densach_wire.messages import Hello, Presence, Result


class Code(StrEnum):
    """Why the hub itself kept something apart; the wire's own codes begin with `wire.`."""

    UNKNOWN_DEVICE = "intake.unknown-device"
    FOREIGN_DEVICE = "intake.foreign-device"
    FOREIGN_SCHOOL = "intake.foreign-school"
    HUB_FAULT = "intake.hub-fault"


class HelloHeard(msgspec.Struct, frozen=True):
    device: str
    hello: Hello
    clock: ClockTrust
    offset_ms: int | None
    at: int
    retained: bool


class PresenceHeard(msgspec.Struct, frozen=True):
    device: str
    presence: Presence
    at: int
    retained: bool


class ResultHeard(msgspec.Struct, frozen=True):
    device: str
    name: str
    result: Result
    at: int


class Refused(msgspec.Struct, frozen=True):
    """A whole message for the quarantine. `device` as the topic has it, None where it has none."""

    device: str | None
    misfit: Misfit
    at: int
    size: int


Heard = Arrival | HelloHeard | PresenceHeard | ResultHeard | Refused


class IntakeStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Counted since the hub started. `trouble`: why nothing can be stored now (then nothing is acknowledged either)."""

    messages: int
    batches: int
    records: int
    repeated: int
    lost: int
    quarantined: dict[str, int]
    equipment: int
    last_at: int | None
    trouble: str | None
