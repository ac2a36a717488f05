"""Intake: what devices say is validated, placed in time, stored exactly once and acknowledged; what does not fit is kept
apart with its reason. The hub's answers go out here too: acknowledgements, wishes, requests."""

import asyncio

from aiohttp import web

from densach_core.clock import Clock
from densach_core.database import Database
from densach_core.documents import Documents
from densach_core.live import Bus
from densach_hub.fleet.service import Fleet
from densach_hub.fleet.telling import Quarantined
from densach_hub.intake.desired import DesiredStates
from densach_hub.intake.dialects.dialect import Dialect
from densach_hub.intake.dialects.known import known_dialects
from densach_hub.intake.equipment import EquipmentDesk
from densach_hub.intake.model import IntakeStatus
from densach_hub.intake.pipeline import Pipeline
from densach_hub.intake.requests import Requests
from densach_hub.link.client import Link
from densach_wire.messages import Desired
from densach_wire.topics import ROOT

TAKEN_AT_ONCE = 64


class Intake:
    """Takes what the link brings. `run` is the long-running part, beside `link.run`.

    Args:
        link: made with `filters=dialect_filters()`.
        telemetry: telemetry.db, where fleet keeps facts and intake its requests.
        school: the school's id in topics.
    """

    def __init__(
        self,
        *,
        link: Link,
        fleet: Fleet,
        telemetry: Database,
        documents: Documents,
        school: str,
        clock: Clock,
        bus: Bus,
        dialects: tuple[Dialect, ...] | None = None,
    ) -> None:
        self._link = link
        self._fleet = fleet
        self._pipeline = Pipeline(
            link=link,
            telemetry=telemetry,
            facts=fleet.telemetry,
            register=fleet.register,
            door=fleet.enrolment,
            school=school,
            clock=clock,
            bus=bus,
        )
        fleet.enrolment.usher = self._pipeline
        fleet.identity.porter = self._pipeline
        dialects = known_dialects() if dialects is None else dialects
        self._equipment = EquipmentDesk(dialects, fleet.equipment, fleet.telemetry, link, bus)
        self.policy = documents.one("desired", Desired, Desired())
        """What agents are asked to do; after a `put`, call `desired.soon()`."""
        self.desired = DesiredStates(
            link=link, telemetry=telemetry, register=fleet.register, policy=self.policy, school=school, clock=clock
        )
        self.requests = Requests(
            link=link, telemetry=telemetry, register=fleet.register, facts=fleet.telemetry, school=school, clock=clock
        )

    async def run(self) -> None:
        """Until cancelled. What was not committed by then was not acknowledged either: it comes again."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._sort(), name="intake sort")
            tasks.create_task(self._pipeline.run(), name="intake pipeline")
            tasks.create_task(self._equipment.run(), name="intake equipment")
            tasks.create_task(self.desired.run(), name="intake desired")

    async def _sort(self) -> None:
        ours = ROOT + "/"
        while True:
            for message in await self._link.take(TAKEN_AT_ONCE):
                if not message.topic.startswith(ours):
                    self._equipment.put(message)
                elif not message.payload and message.topic.endswith(("/presence", "/hello")):
                    self._link.done(message)  # a retained message was cleared: the echo of our own doing
                else:
                    self._pipeline.hear(message)
            await self._pipeline.room()

    async def quarantine(self, *, device: str | None = None, limit: int = 100) -> list[Quarantined]:
        """What is kept apart, newest first; `reasons.reason(code)` has the words."""
        return await self._fleet.telemetry.quarantined(device=device, limit=limit)

    def status(self) -> IntakeStatus:
        counts = self._pipeline.counts
        quarantined = dict(self._pipeline.quarantined)
        for code, n in self._equipment.quarantined.items():
            quarantined[code] = quarantined.get(code, 0) + n
        return IntakeStatus(
            messages=counts.messages,
            batches=counts.batches,
            records=counts.records,
            repeated=counts.repeated,
            lost=counts.lost,
            quarantined=quarantined,
            equipment=self._equipment.heard,
            last_at=counts.last_at,
            trouble=counts.trouble,
        )


def dialect_filters() -> tuple[str, ...]:
    """What the link must subscribe to beside the contract's own topics."""
    return tuple(f for dialect in known_dialects() for f in dialect.filters)


INTAKE = web.AppKey("intake", Intake)
