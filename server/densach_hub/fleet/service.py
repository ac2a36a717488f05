"""The fleet of one school behind one door: each noun of it is an attribute.

Intake tells (`telemetry`, `equipment`), lab and studio ask and act (`rooms`, `register`, `alerts`, `faults`, `logbook`,
`declared`), measures count (`census`), machines join (`enrolment`). Nothing else touches fleet's tables.
"""

import asyncio
from pathlib import Path

from aiohttp import web

from densach_core.clock import Clock
from densach_core.database import Database
from densach_core.documents import Documents
from densach_core.live import Bus
from densach_core.precedence import Precedence
from densach_hub.fleet.alerts import Alerts
from densach_hub.fleet.authority import Authority
from densach_hub.fleet.census import Census
from densach_hub.fleet.declared import Declared
from densach_hub.fleet.enrolment import Enrolment, Site
from densach_hub.fleet.equipment import Equipment
from densach_hub.fleet.faults import Faults
from densach_hub.fleet.identity import Identity
from densach_hub.fleet.kit import Kit
from densach_hub.fleet.logbook import LogBook
from densach_hub.fleet.model import FleetPolicy
from densach_hub.fleet.register import Register
from densach_hub.fleet.rooms import Rooms
from densach_hub.fleet.software import Software
from densach_hub.fleet.telemetry import Telemetry


class Fleet:
    """Everything the hub knows of machines. Call `await open()` once before use; `run()` is the upkeep loop.

    Args:
        school: school.db (what people wrote); telemetry: telemetry.db (what machines told).
        keys: the folder for the school's CA and keys; made when absent.
        site: what an admitted machine is told (school id, where the broker listens); may be replaced later through
            `fleet.enrolment.site = …` (set-up knows it only then).
        kit: a folder of wheels that the installer at /join/linux.sh takes from here (see `kit`); may be empty.
        precedence: whom backlogs and roll-ups make room for; without it, for nobody.
    """

    def __init__(
        self,
        *,
        school: Database,
        telemetry: Database,
        documents: Documents,
        clock: Clock,
        bus: Bus,
        keys: Path,
        site: Site,
        kit: Path | None = None,
        precedence: Precedence | None = None,
    ) -> None:
        precedence = precedence or Precedence(clock)
        policy = documents.one("fleet", FleetPolicy, FleetPolicy())
        self.policy = policy
        self.authority = Authority(keys, clock)
        self.kit = Kit(kit if kit is not None else keys.parent / "kit")
        self.rooms = Rooms(documents, school)
        self.register = Register(school, clock, bus, self.rooms)
        self.telemetry = Telemetry(telemetry, clock, bus, self.register, policy, precedence)
        self.identity = Identity(telemetry, clock, bus, self.register)
        self.equipment = Equipment(telemetry, clock, bus, self.register, self.rooms)
        self.faults = Faults(school, clock, bus, self.rooms, self.register)
        self.enrolment = Enrolment(
            school, clock, bus, self.register, self.rooms, self.authority, self.telemetry, self.identity, site
        )
        self.alerts = Alerts(
            school=school,
            telemetry=telemetry,
            clock=clock,
            bus=bus,
            rooms=self.rooms,
            register=self.register,
            faults=self.faults,
            enrolment=self.enrolment,
            policy=policy,
        )
        self.software = Software(telemetry, documents, clock, bus, self.register, precedence)
        self.declared = Declared(self.register, self.rooms)
        self.logbook = LogBook(telemetry, self.register, self.rooms, self.faults)
        self.census = Census(telemetry, self.register, self.rooms, clock)

    async def open(self) -> None:
        """Makes the school's keys on the first start and learns who is registered."""
        await self.authority.open()
        await self.register.open()
        await self.enrolment.open()

    async def run(self) -> None:
        """Rolls health up, thins what is old and takes lists of software apart, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.telemetry.run(), name="telemetry")
            group.create_task(self.software.run(), name="software")


FLEET = web.AppKey("fleet", Fleet)
