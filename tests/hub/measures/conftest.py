"""A school with real rooms below the measures, on a clock the test moves. 2026-11-24 is a Tuesday."""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import msgspec
import pytest

from densach_core import documents as document_store
from densach_core.accounts import store as account_store
from densach_core.accounts.service import Accounts
from densach_core.clock import FixedClock
from densach_core.database import Database
from densach_core.documents import Documents
from densach_core.live import Bus
from densach_core.sender import store as sender_store
from densach_core.sender.service import Sender
from densach_core.sender.signing import open_key
from densach_hub.fleet import store as fleet_store
from densach_hub.fleet.enrolment import Site
from densach_hub.fleet.model import Condition, Declaration, Kind, Machine, Place, RoomKind
from densach_hub.fleet.service import Fleet
from densach_hub.fleet.telling import Arrival, Arrived
from densach_hub.library import index as library_index
from densach_hub.library import store as library_store
from densach_hub.library.service import Library
from densach_hub.measures import store as measures_store
from densach_hub.measures.service import Measures, school_identity
from densach_hub.people import calendar as calendars
from densach_hub.people import store as people_store
from densach_hub.people.model import Level, SchoolCode, SchoolProfile
from densach_hub.people.service import People
from densach_wire.messages import Moment, Presence, UsageSlice

MORNING = 1_795_485_600_000  # 2026-11-24 09:00 in Vietnam
HOUR = 3_600_000
DAY = 86_400_000


class SchoolUnderTest(msgspec.Struct):
    """The measures and what they ask, with short ways to say what happens."""

    clock: FixedClock
    database: Database
    fleet: Fleet
    people: People
    library: Library
    sender: Sender
    measures: Measures
    folder: Path
    told: int = 0

    async def set_up(self, *levels: Level, calendar: bool = True) -> None:
        profile = SchoolProfile(name="Trường Ánh Sáng", codes=(SchoolCode(code="0123456"),), levels=levels or (Level.THCS,))
        await self.people.set_profile(profile, by="test")
        if calendar:
            await self.people.set_calendar(calendars.proposed(date(2026, 11, 24)), by="test")

    async def room(self, name: str, kind: RoomKind = RoomKind.COMPUTER_ROOM, levels: tuple[str, ...] = ()) -> str:
        return (await self.fleet.rooms.new(name, by="test", kind=kind, seats=4, levels=levels)).id

    async def machine(self, name: str, room: str | None, *, simulated: bool = False, admitted_ago: int = 60 * DAY) -> Machine:
        at = self.clock.now_ms() - admitted_ago
        place = Place(room=room, since_at=at, by="test") if room else None
        return await self.fleet.register.add(
            Machine(
                id=f"pc-{name.lower()}", name=name, hostname=name, kind=Kind.AGENT, simulated=simulated,
                admitted_at=at, admitted_by="test", place=place,
            )
        )  # fmt: skip

    async def declare(self, name: str, room: str, condition: Condition) -> Machine:
        return await self.fleet.register.declare(Declaration(name=name, room=room, condition=condition), by="test")

    async def works(self, machine: Machine, *, days_ago: int) -> None:
        """An hour's session on a day before today (or today)."""
        self.told += 1
        start = self.clock.now_ms() - days_ago * DAY - HOUR
        body = UsageSlice(session=f"s{self.told}", start=Moment(10.0), end=Moment(3610.0), active_ms=HOUR // 2, idle_ms=HOUR // 2)
        await self.fleet.telemetry.receive(
            Arrival(
                device=machine.id,
                stream=f"{machine.id}-{self.told}",
                boot="b1",
                received_at=start + HOUR,
                records=(Arrived(1, start + HOUR, body, start_at=start, end_at=start + HOUR),),
            )
        )
        await self.fleet.telemetry.roll_up()

    async def connect(self, machine: Machine) -> None:
        await self.fleet.telemetry.presence(machine.id, Presence.ONLINE, at=self.clock.now_ms())

    async def klass(self, name: str, grade: int, pupils: int, *rooms: str) -> None:
        made = await self.people.put_class(name=name, grade=grade, by="test", room_ids=rooms)
        year = await self.people.school_year()
        lines = ["Họ và tên;Lớp;Mã học sinh"] + [f"Học Sinh {name} {n};{name};{made.id[:4]}{n:04d}" for n in range(pupils)]
        preview = await self.people.rosters.preview(f"{name}.csv", "\n".join(lines).encode(), by="test", school_year=year)
        await self.people.rosters.apply(preview.id, preview.mark, by="test")

    async def value(self, key: str) -> tuple[float | None, str, str | None]:
        line = next(line for line in (await self.measures.report()).lines if line.indicator.key == key)
        return line.indicator.value, line.indicator.state.value, line.indicator.reason


@pytest.fixture
async def school(tmp_path: Path) -> AsyncIterator[SchoolUnderTest]:
    clock, bus = FixedClock(MORNING), Bus()
    migrations = {
        "documents": document_store.MIGRATIONS,
        "accounts": account_store.MIGRATIONS,
        "sender": sender_store.MIGRATIONS,
        "people": people_store.MIGRATIONS,
        "fleet": fleet_store.SCHOOL_MIGRATIONS,
        "library": library_store.MIGRATIONS,
        "measures": measures_store.MIGRATIONS,
    }
    async with (
        Database(tmp_path / "school.db", migrations) as database,
        Database(tmp_path / "telemetry.db", {"fleet": fleet_store.TELEMETRY_MIGRATIONS}) as telemetry,
        Database(tmp_path / "search.db", {"library": library_index.MIGRATIONS}, durable=False) as search,
    ):
        documents = Documents(tmp_path / "documents", database, clock)
        fleet = Fleet(
            school=database, telemetry=telemetry, documents=documents, clock=clock, bus=bus, keys=tmp_path / "keys",
            site=Site(school="truong"),
        )  # fmt: skip
        await fleet.open()
        accounts = Accounts(database, clock)
        people = People(school=database, documents=documents, accounts=accounts, clock=clock, bus=bus)
        library = Library(school=database, search=search, data=tmp_path, clock=clock, bus=bus)
        sender = Sender(database, clock, open_key(tmp_path / "keys"), school_identity(people, clock), seconds=5)
        measures = Measures(
            school=database, fleet=fleet, people=people, library=library, sender=sender, clock=clock, bus=bus,
            criteria_folder=tmp_path / "criteria",
        )  # fmt: skip
        yield SchoolUnderTest(clock, database, fleet, people, library, sender, measures, tmp_path)
        documents.close()
