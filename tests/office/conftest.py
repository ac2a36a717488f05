"""A real office on a free port, and the sending half of a hub with its own database."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from densach_core.accounts.model import Role
from densach_core.clock import FixedClock
from densach_core.database import Database
from densach_core.sender import store as sender_store
from densach_core.sender.courier import Courier
from densach_core.sender.model import Identity, Statement
from densach_core.sender.service import Sender
from densach_core.sender.signing import open_key
from densach_office.app import Office, open_office, running_office
from densach_office.schools.model import ChildKind
from densach_office.settings import OfficeSettings, WebSettings
from densach_wire.upward import Counts, FleetSummary, Kind, Profile

DAY = "2026-11-24"
SECRET = "bốn từ rất dễ nhớ"


class Running:
    """An office with its address and a signed-in officer's browser."""

    def __init__(self, url: str, office: Office, clock: FixedClock) -> None:
        self.url = url
        self.office = office
        self.clock = clock

    async def code(self, school: str, kind: ChildKind = ChildKind.SCHOOL) -> str:
        return await self.office.pairing.issue(code=school, name="", kind=kind, by="test")

    @asynccontextmanager
    async def browser(self, role: Role = Role.OFFICE) -> AsyncIterator[aiohttp.ClientSession]:
        await self.office.accounts.add(login=f"can.bo.{role}", name="Cán bộ", roles=frozenset({role}), secret=SECRET, by="test")
        async with aiohttp.ClientSession(
            self.url, cookie_jar=aiohttp.CookieJar(unsafe=True), headers={"Origin": self.url, "Accept-Language": "vi"}
        ) as session:
            answer = await session.post("/login", data={"login": f"can.bo.{role}", "secret": SECRET})
            assert answer.status == 200, await answer.text()
            yield session


class School:
    """The way up of one school's hub."""

    def __init__(self, code: str, database: Database, sender: Sender, clock: FixedClock, folder: Path) -> None:
        self.code = code
        self.database = database
        self.sender = sender
        self.clock = clock
        self.folder = folder

    async def say(self, *, registered: int, name: str = "THCS Ánh Sáng", as_of: str = DAY) -> int:
        fleet = FleetSummary(
            measured=Counts(registered=registered, working=registered - 1, connected=0),
            declared=Counts(registered=0, working=0),
            simulated=Counts(registered=0, working=0, connected=0),
        )
        return await self.sender.publish(
            [
                Statement(kind=Kind.PROFILE, as_of=as_of, body=Profile(name=name, levels=("THCS",))),
                Statement(kind=Kind.FLEET, as_of=as_of, body=fleet),
            ],
            whole=frozenset({Kind.PROFILE, Kind.FLEET}),
        )

    async def send(self) -> float:
        async with Courier(seconds=5) as courier:
            return await self.sender.turn(courier)

    async def waiting(self) -> int:
        return sum(line.waiting for line in await self.sender.lines())


MakeOffice = Callable[..., AbstractAsyncContextManager[Running]]
MakeSchool = Callable[..., AbstractAsyncContextManager[School]]


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(1_795_500_000_000)


@pytest.fixture
def make_office(tmp_path: Path, clock: FixedClock) -> MakeOffice:
    @asynccontextmanager
    async def make(folder: str = "office", port: int = 0) -> AsyncIterator[Running]:
        settings = OfficeSettings(web=WebSettings(http=f"127.0.0.1:{port}"))
        async with open_office(tmp_path / folder, clock) as closed:
            if not await closed.accounts.has_admin():
                await closed.accounts.add(
                    login="quan.tri", name="Quản trị", roles=frozenset({Role.ADMIN}), secret=SECRET, by="test"
                )
        async with running_office(tmp_path / folder, settings, clock) as (url, office):
            yield Running(url, office, clock)

    return make


@pytest.fixture
async def office(make_office: MakeOffice) -> AsyncIterator[Running]:
    async with make_office() as running:
        yield running


@pytest.fixture
def make_school(tmp_path: Path, clock: FixedClock) -> MakeSchool:
    @asynccontextmanager
    async def make(code: str = "0123456", folder: str | None = None) -> AsyncIterator[School]:
        place = tmp_path / (folder or f"school-{code}")
        place.mkdir(exist_ok=True)

        async def who() -> Identity:
            return Identity(code, "THCS Ánh Sáng")

        async with Database(place / "school.db", {"sender": sender_store.MIGRATIONS}) as database:
            sender = Sender(database, clock, open_key(place / "keys"), who, chance=lambda: 0.5, seconds=5)
            yield School(code, database, sender, clock, place)

    return make


@pytest.fixture
async def school(make_school: MakeSchool) -> AsyncIterator[School]:
    async with make_school() as made:
        yield made
