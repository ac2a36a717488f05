"""The door for equipment that speaks its own tongue: one file, one line in `known.py`, one recorded fixture.

A dialect is a pure interpreter: messages in, what they say out. It keeps only what it needs to understand the next
message (which topic belongs to which piece of equipment), never runs anything a device supplies, and takes the time
of receipt for the time (many devices stamp local time without a zone).
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from densach_hub.fleet.telling import EquipmentReading, EquipmentSeen


class EquipmentPresence(msgspec.Struct, frozen=True):
    """Whether it is on the line."""

    tongue: str
    key: str
    online: bool


class NotUnderstood(msgspec.Struct, frozen=True):
    """For the quarantine: a stable code `<dialect>.<noun>-<problem>` and words for the technician."""

    code: str
    detail: str


Said = EquipmentSeen | EquipmentPresence | EquipmentReading | NotUnderstood


class Dialect(Protocol):
    @property
    def tongue(self) -> str:
        """Its name, as it stands in the register: lower-case, one word."""
        ...

    @property
    def filters(self) -> Sequence[str]:
        """MQTT topic filters to subscribe to."""
        ...

    def hear(self, topic: str, payload: bytes, *, received_at: int) -> list[Said]:
        """What a message says; nothing for messages that are well-formed and of no interest. Must not raise."""
        ...
