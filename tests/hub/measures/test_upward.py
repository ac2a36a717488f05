"""From a real school's rooms to a real office: what arrives, and that no person ever leaves the school."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
from aiohttp import web
from tests.hub.measures.conftest import DAY, SchoolUnderTest

from densach_core.accounts.model import Role
from densach_core.clock import FixedClock
from densach_core.sender.courier import Courier
from densach_core.web.site import serve
from densach_hub.fleet.model import Condition
from densach_hub.people.model import Level
from densach_office.app import Office, open_office, running_office
from densach_office.schools.model import ChildKind
from densach_office.settings import OfficeSettings, WebSettings
from densach_wire.upward import Envelope, Record, body_of


@asynccontextmanager
async def office_in(folder: Path, clock: FixedClock) -> AsyncIterator[tuple[str, Office]]:
    async with open_office(folder, clock) as closed:
        await closed.accounts.add(
            login="quan.tri", name="Quản trị", roles=frozenset({Role.ADMIN}), secret="một câu thật dài", by="test"
        )
    async with running_office(folder, OfficeSettings(web=WebSettings(http="127.0.0.1:0")), clock) as running:
        yield running


@asynccontextmanager
async def tapped(url: str) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A line that is listened to: passes everything on and keeps what the school sent."""
    heard: list[bytes] = []

    async def pass_on(request: web.Request) -> web.Response:
        body = await request.read()
        heard.append(body)
        async with aiohttp.ClientSession() as session, session.post(url + request.path, data=body) as answer:
            return web.Response(body=await answer.read(), status=answer.status, content_type="application/json")

    app = web.Application()
    app.router.add_post("/{rest:.*}", pass_on)
    async with serve(app, "127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}", heard


async def busy_school(school: SchoolUnderTest) -> None:
    await school.set_up(Level.THCS)
    room = await school.room("Phòng máy 1")
    for n in range(3):
        await school.works(await school.machine(f"MAY-BI-MAT-{n}", room), days_ago=1)
    await school.declare("Win7-cu", room, Condition.BROKEN)
    await school.klass("6A", 6, 9, room)
    seat = (await school.fleet.rooms.get(room)).seats[0].id
    await school.fleet.faults.report(room=room, seat=seat, text="Bạn Hùng lớp 6A làm đổ nước", address="10.0.0.7")


async def send(school: SchoolUnderTest) -> None:
    async with Courier(seconds=5) as courier:
        await school.sender.turn(courier)


async def test_what_the_rooms_know_arrives_at_the_office(school: SchoolUnderTest, tmp_path: Path) -> None:
    await busy_school(school)
    async with office_in(tmp_path / "office", school.clock) as (url, office):
        await school.sender.pair(url, await office.pairing.issue(code="0123456", name="", kind=ChildKind.SCHOOL, by="t"))
        assert await school.measures.snapshot() > 10
        await send(school)
        sight = await office.schools.school("0123456")
        assert (sight.row.name, sight.row.registered, sight.row.working) == ("Trường Ánh Sáng", 4, 3)
        assert sight.row.levels["THCS"].value == 3
        assert sight.row.levels["THCS"].within is False
        assert sight.rooms[0][0].name == "Phòng máy 1"
        assert sight.row.alerts is not None
        assert sight.row.alerts >= 1
        assert await school.measures.snapshot() == 0  # nothing changed, nothing is said
        school.clock.advance(DAY)
        room = (await school.fleet.rooms.all())[0].id
        await school.works(await school.machine("M9", room), days_ago=0)
        assert await school.measures.snapshot() > 0
        await send(school)
        assert (await office.schools.school("0123456")).row.working == 4


async def test_no_person_no_machine_and_no_free_text_leaves_the_school(school: SchoolUnderTest, tmp_path: Path) -> None:
    await busy_school(school)
    await school.people.rosters.preview("x.csv", "Họ và tên;Lớp\nTrần Thị Bí Mật;6A".encode(), by="test")
    async with office_in(tmp_path / "office", school.clock) as (url, office), tapped(url) as (line, heard):
        await school.sender.pair(line, await office.pairing.issue(code="0123456", name="", kind=ChildKind.SCHOOL, by="t"))
        await school.measures.snapshot()
        await send(school)
    everything = b"\n".join(heard).decode()
    accounts, _ = await school.people._accounts.page(limit=1000)  # what of persons there is, from the source
    classes = await school.people.classes()
    pupils = [pupil for klass in classes for pupil in await school.people.pupils_of(klass.id)]
    assert len(pupils) == 9
    secrets = {value for pupil in pupils for value in (pupil.id, pupil.name, pupil.code, pupil.login) if value}
    secrets |= {state.account.id for state in accounts} | {state.account.name for state in accounts}
    secrets |= {klass.name for klass in classes} | {klass.id for klass in classes}
    secrets |= {value for row in await school.fleet.alerts.machines() for value in (row.machine.id, row.machine.name)}
    secrets |= {"Hùng", "đổ nước", "Bí Mật"}
    assert not [secret for secret in secrets if f'"{secret}"' in everything or (len(secret) > 4 and secret in everything)]
    records = [
        msgspec.json.decode(raw, type=Record) for body in heard[1:] for raw in msgspec.json.decode(body, type=Envelope).records
    ]
    assert len(records) > 10
    for record in records:
        body = body_of(record)
        # Closed shapes: nothing stands beside what the wire contract names.
        assert msgspec.json.decode(record.body) == msgspec.json.decode(msgspec.json.encode(body))


async def test_a_second_loop_says_again_what_a_restored_school_had_forgotten(school: SchoolUnderTest, tmp_path: Path) -> None:
    await busy_school(school)
    async with office_in(tmp_path / "office", school.clock) as (url, office):
        await school.sender.pair(url, await office.pairing.issue(code="0123456", name="", kind=ChildKind.SCHOOL, by="t"))
        await school.measures.snapshot()
        await send(school)
        # As after a restore: versions here start again below those the office holds.
        await school.database.write(
            lambda c: c.execute("UPDATE upward_current SET version = 0, digest = 'old' WHERE kind = 'fleet'")
        )
        before = await office.store.record("0123456/fleet")
        school.clock.advance(DAY)
        await school.measures.snapshot()
        await send(school)
        assert school.sender.behind.is_set()
        await school.measures.snapshot()
        await send(school)
        after = await office.store.record("0123456/fleet")
        assert before is not None
        assert after is not None
        assert after.record.version > before.record.version
        assert after.record.as_of == "2026-11-25"
