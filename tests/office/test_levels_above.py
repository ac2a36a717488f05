"""An office is a child too: what schools said goes on to its parents, with the versions the schools gave."""

import asyncio

import msgspec
from tests.office.conftest import MakeOffice, MakeSchool, Running

from densach_core.sender.courier import Courier
from densach_office.profile import OfficeProfile
from densach_office.schools.model import ChildKind
from densach_wire.upward import Record


async def pair_office(below: Running, above: Running, as_id: str) -> None:
    await below.office.profile.put(OfficeProfile(id=as_id, name=f"Xã {as_id}"), by="test")
    await below.office.sender.pair(above.url, await above.code(as_id, ChildKind.OFFICE))


async def delivered(office: Running) -> None:
    async with asyncio.timeout(10):
        while True:
            async with Courier(seconds=5) as courier:
                await office.office.sender.turn(courier)
            lines = await office.office.sender.lines()
            if lines and not any(line.waiting for line in lines) and not office.office.sender.behind.is_set():
                return
            await asyncio.sleep(0.02)


async def test_three_levels_and_a_school_with_two_parents(make_office: MakeOffice, make_school: MakeSchool) -> None:
    async with (
        make_office("xa") as commune,
        make_office("so") as department,
        make_office("bo") as ministry,
        make_school("0123456") as school,
    ):
        await school.sender.pair(commune.url, await commune.code(school.code))
        await school.say(registered=30)
        await school.send()
        await pair_office(commune, department, "xa-1")  # what was held before the pairing goes up too
        await pair_office(department, ministry, "so-1")
        await delivered(commune)
        await delivered(department)
        row = (await ministry.office.schools.school("0123456")).row
        assert (row.registered, row.via, row.name) == (30, "so-1", "THCS Ánh Sáng")
        await school.say(registered=31)
        await school.send()
        await delivered(commune)
        await delivered(department)
        held = await ministry.office.store.record("0123456/fleet")
        assert held is not None
        assert held.record.version == 2
        await commune.office.sender.forward(one.record for one in await commune.office.store.held())
        assert sum(line.waiting for line in await commune.office.sender.lines()) == 0  # answered for: not sent again
        # Now the school reports to the department itself as well: its own word counts there, once.
        await school.sender.pair(department.url, await department.code(school.code))
        await school.say(registered=32)
        await school.send()
        await delivered(commune)
        await delivered(department)
        rows = await department.office.schools.rows()
        assert [(one.code, one.registered, one.via) for one in rows] == [("0123456", 32, "0123456")]
        overview = await ministry.office.schools.overview(await ministry.office.schools.rows())
        assert (overview.registered.value, overview.registered.behind) == (32, 1)


async def test_a_school_cannot_speak_for_another(make_office: MakeOffice, make_school: MakeSchool) -> None:
    async with make_office() as office, make_school("111") as one, make_school("222") as two:
        for school in (one, two):
            await school.sender.pair(office.url, await office.code(school.code))
        await two.say(registered=7)
        stolen = await two.database.read(lambda c: [bytes(r["body"]) for r in c.execute("SELECT body FROM upward_outbox")])
        await one.sender.forward([msgspec.json.decode(body, type=Record) for body in stolen])
        await one.send()
        assert {refusal.code for refusal in await one.sender.refusals()} == {"record.other-school"}
        assert (await office.office.schools.school("222")).row.registered is None
