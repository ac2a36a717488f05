"""A fleet on real databases in a temporary folder, with a clock that the test moves."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from densach_core import documents as document_store
from densach_core.accounts import store as account_store
from densach_core.clock import FixedClock
from densach_core.database import Database
from densach_core.documents import Documents
from densach_core.live import Bus
from densach_hub.fleet import store
from densach_hub.fleet.enrolment import Site
from densach_hub.fleet.model import Kind, Machine, Place
from densach_hub.fleet.service import Fleet
from densach_hub.fleet.telling import Arrival, Arrived
from densach_wire.enrolment import Endpoint
from densach_wire.factors import factor_digest
from densach_wire.messages import Body, Factor, Hello, Moment, System

MORNING = 1_795_485_600_000  # 2026-11-24 09:00 in Vietnam, a Tuesday
MINUTE = 60_000
HOUR = 3_600_000
DAY = 86_400_000


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(MORNING)


@pytest.fixture
async def school(tmp_path: Path) -> AsyncIterator[Database]:
    migrations = {
        "documents": document_store.MIGRATIONS,
        "accounts": account_store.MIGRATIONS,
        "fleet": store.SCHOOL_MIGRATIONS,
    }
    async with Database(tmp_path / "school.db", migrations) as database:
        yield database


@pytest.fixture
async def telemetry(tmp_path: Path) -> AsyncIterator[Database]:
    async with Database(tmp_path / "telemetry.db", {"fleet": store.TELEMETRY_MIGRATIONS}) as database:
        yield database


@pytest.fixture
async def fleet(tmp_path: Path, school: Database, telemetry: Database, clock: FixedClock) -> AsyncIterator[Fleet]:
    documents = Documents(tmp_path / "documents", school, clock)
    made = Fleet(
        school=school,
        telemetry=telemetry,
        documents=documents,
        clock=clock,
        bus=Bus(),
        keys=tmp_path / "keys",
        site=Site(school="truong", mqtt=(Endpoint(8883),)),
    )
    await made.open()
    yield made
    documents.close()


class Lab(msgspec.Struct):
    """Short ways to say what happens in a test."""

    fleet: Fleet
    clock: FixedClock

    async def machine(
        self, name: str = "PC-01", *, room: str | None = None, seat: str | None = None, simulated: bool = False
    ) -> Machine:
        """An admitted machine."""
        now = self.clock.now_ms()
        place = None if room is None else Place(room=room, seat=seat, since_at=now, by="Lan")
        return await self.fleet.register.add(
            Machine(
                id=f"pc-{name.lower()}",
                name=name,
                hostname=name,
                kind=Kind.AGENT,
                simulated=simulated,
                admitted_at=now,
                admitted_by="Lan",
                place=place,
            )
        )

    def arrival(self, device: str, first: int, *bodies: Body, stream: str = "s1", boot: str = "b1") -> Arrival:
        now = self.clock.now_ms()
        records = tuple(Arrived(first + n, now, body) for n, body in enumerate(bodies))
        return Arrival(device=device, stream=stream, boot=boot, received_at=now, records=records)


@pytest.fixture
def lab(fleet: Fleet, clock: FixedClock) -> Lab:
    return Lab(fleet, clock)


def factors(board: str, disk: str, mac: str, machine_id: str = "m") -> tuple[Factor, ...]:
    """A fingerprint of three strong factors and a machine-id."""
    strong = (("board", board), ("disk", disk), ("mac", mac))
    found = tuple(Factor(kind, factor_digest(kind, value)) for kind, value in strong)
    return (*found, Factor("machine-id", factor_digest("machine-id", machine_id), strong=False))


def hello(
    *, boot: str = "b1", stream: str = "s1", hostname: str = "PC-01", shown: tuple[Factor, ...] = (), simulated: bool = False
) -> Hello:
    return Hello(
        agent="densach-agent 0.1.0",
        os=System("linux", "Debian", "12"),
        hostname=hostname,
        boot=boot,
        stream=stream,
        clock=Moment(100.0),
        fingerprint=shown,
        simulated=simulated,
    )
