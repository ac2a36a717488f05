"""Power cuts on both ends: kill -9 in the middle of sending and of receiving; nothing lost, no version used twice."""

import asyncio
import random
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import aiohttp
from tests.fixtures.mosquitto import free_port
from tests.office.conftest import MakeOffice, MakeSchool

from densach_core.clock import FixedClock, SystemClock
from densach_office.app import open_office
from densach_office.schools.model import ChildKind

ROOT = Path(__file__).parent.parent.parent


async def sending(folder: Path, rounds: int) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.office.sender_child", str(folder), str(rounds), stdout=PIPE, cwd=ROOT
    )


async def test_a_hub_killed_while_it_sends(make_office: MakeOffice, make_school: MakeSchool) -> None:
    async with make_office() as office:
        async with make_school() as school:
            await school.sender.pair(office.url, await office.code(school.code))
            folder = school.folder
        last = 0
        chance = random.Random(7)
        for _ in range(5):
            child = await sending(folder, 1000)
            assert child.stdout is not None
            for _ in range(chance.randrange(3, 12)):
                last = int((await child.stdout.readline()).decode())
            await asyncio.sleep(chance.random() * 0.02)
            child.send_signal(signal.SIGKILL)
            rest, _ = await child.communicate()
            last = int(rest.split()[-1]) if rest.split() else last
        child = await sending(folder, 1)
        rest, _ = await child.communicate()
        last = int(rest.split()[-1])
        held = await office.office.schools.school("0123456")
        assert held.row.registered == last
        versions = [one.record.version for one in await office.office.store.versions("0123456/fleet", 200)]
        assert versions == sorted(set(versions), reverse=True)
        async with make_school() as school:
            assert await school.waiting() == 0
            assert not [n for n in await office.office.store.notices("0123456", 50) if n.kind in {"older", "other"}]


async def office_process(folder: Path, port: int) -> Process:
    code = "from densach_office.cli import command; command()"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, "run", "--data", str(folder), "--http", f"127.0.0.1:{port}", stdout=PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    assert b"http://" in await process.stdout.readline()
    return process


async def test_an_office_killed_while_it_receives(
    tmp_path: Path, make_office: MakeOffice, make_school: MakeSchool, clock: FixedClock
) -> None:
    folder, port = tmp_path / "office", free_port()
    async with make_office():
        pass
    async with open_office(folder, SystemClock()) as office:  # the office's own process goes by the real time
        code = await office.pairing.issue(code="0123456", name="", kind=ChildKind.SCHOOL, by="test")
    process = await office_process(folder, port)
    async with make_school() as school:
        await school.sender.pair(f"http://127.0.0.1:{port}", code)
        for n in range(1, 25):
            await school.say(registered=n, as_of=f"2026-11-{n:02}")
            if n in {6, 12, 18}:
                task = asyncio.create_task(school.send(), name="send")
                await asyncio.sleep(0.005 * n)
                process.send_signal(signal.SIGKILL)
                await process.communicate()
                await task
                process = await office_process(folder, port)
            school.clock.advance(20 * 60_000)
        await school.send()
        assert await school.waiting() == 0
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/healthz") as answer:
        assert answer.status == 200
    process.send_signal(signal.SIGTERM)
    await process.communicate()
    assert process.returncode == 0
    async with open_office(folder, clock) as office:
        days = await office.store.days("fleet", "2026-11-01")
        assert [held.record.as_of for held in days] == [f"2026-11-{n:02}" for n in range(1, 25)]
