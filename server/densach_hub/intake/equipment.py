"""Equipment's messages on their way through the dialects into the fleet.

They are states, not records: of one topic only the latest matters, so a plug that floods costs one place in the queue.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

import structlog

from densach_core.errors import Problem, Unavailable
from densach_core.live import Bus
from densach_hub.fleet.equipment import Equipment
from densach_hub.fleet.telemetry import Telemetry
from densach_hub.fleet.telling import EquipmentReading, EquipmentSeen, Misfit
from densach_hub.intake.dialects.dialect import Dialect, EquipmentPresence, NotUnderstood, Said
from densach_hub.link.client import Link
from densach_hub.link.model import Message

log = structlog.get_logger("intake")
TOPICS_WAITING = 5_000
RAW_BYTES = 4 * 1024
SAME_REFUSAL_MS = 600_000
ATTEMPTS_PAUSE_S = 5.0


class EquipmentDesk:
    """`put` from the event loop; `run` works it off."""

    def __init__(self, dialects: Sequence[Dialect], equipment: Equipment, facts: Telemetry, link: Link, bus: Bus) -> None:
        self._dialects = dialects
        self._equipment = equipment
        self._facts = facts
        self._link = link
        self._bus = bus
        self._waiting: OrderedDict[str, tuple[Dialect, Message]] = OrderedDict()
        self._arrived = asyncio.Event()
        self._refused_at: dict[tuple[str, str], int] = {}
        self.heard = 0
        self.quarantined: dict[str, int] = {}

    @property
    def filters(self) -> tuple[str, ...]:
        return tuple(f for dialect in self._dialects for f in dialect.filters)

    def put(self, message: Message) -> None:
        """A message of no dialect is acknowledged and forgotten: nobody subscribed to it on purpose."""
        dialect = next((d for d in self._dialects if any(_matches(f, message.topic) for f in d.filters)), None)
        if dialect is None:
            self._link.done(message)
            return
        before = self._waiting.pop(message.topic, None)
        if before is not None:
            self._link.done(before[1])
        elif len(self._waiting) >= TOPICS_WAITING:
            self._link.done(self._waiting.popitem(last=False)[1][1])
        self._waiting[message.topic] = (dialect, message)
        self._arrived.set()

    async def run(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                _, (dialect, message) = self._waiting.popitem(last=False)
                await self._take(dialect, message)
                self.heard += 1
                self._link.done(message)
            self._bus.say("fleet")

    async def _take(self, dialect: Dialect, message: Message) -> None:
        for said in dialect.hear(message.topic, message.payload, received_at=message.received_ms):
            while True:
                try:
                    await self._store(said, message)
                    break
                except Unavailable as error:
                    log.error("intake.cannot-store", reason=error.code, again_in_s=ATTEMPTS_PAUSE_S)
                    await asyncio.sleep(ATTEMPTS_PAUSE_S)
                except Problem as error:
                    log.warning("intake.equipment", reason=str(error), topic=message.topic)
                    break
                except Exception:
                    log.exception("intake.hub-fault", topic=message.topic)
                    break

    async def _store(self, said: Said, message: Message) -> None:
        if isinstance(said, EquipmentSeen):
            await self._equipment.seen(said, at=message.received_ms)
        elif isinstance(said, EquipmentPresence):
            await self._equipment.presence(said.tongue, said.key, said.online, at=message.received_ms, retained=message.retained)
        elif isinstance(said, EquipmentReading):
            await self._equipment.reading(said, retained=message.retained)
        else:
            await self._refuse(said, message)

    async def _refuse(self, said: NotUnderstood, message: Message) -> None:
        self.quarantined[said.code] = self.quarantined.get(said.code, 0) + 1
        key, at = (said.code, message.topic), message.received_ms
        if 0 <= at - self._refused_at.get(key, -SAME_REFUSAL_MS) < SAME_REFUSAL_MS:
            return
        if len(self._refused_at) >= TOPICS_WAITING:
            self._refused_at.clear()
        self._refused_at[key] = at
        misfit = Misfit(said.code, said.detail, message.payload[:RAW_BYTES], None, message.topic[:500])
        await self._facts.quarantine(misfit, device=None, at=at)


def _matches(topic_filter: str, topic: str) -> bool:
    """MQTT's own matching of `+` and `#`."""
    wanted, parts = topic_filter.split("/"), topic.split("/")
    for place, level in enumerate(wanted):
        if level == "#":
            return True
        if place >= len(parts) or level not in ("+", parts[place]):
            return False
    return len(wanted) == len(parts)
