"""The reports as a technician and a principal see them, on a whole hub."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import aiohttp
import pytest
from tests.fixtures.hub import HubUnderTest, hub_in

from densach_core.accounts.model import Role
from densach_core.accounts.service import COOKIE
from densach_hub.fleet.model import Condition, Declaration, RoomKind
from densach_hub.library.model import Record
from densach_hub.people import calendar as calendars
from densach_hub.people.model import Level, SchoolCode, SchoolProfile


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[HubUnderTest]:
    async with hub_in(tmp_path / "hub") as running:
        rooms = running.rooms
        profile = SchoolProfile(name="Trường Ánh Sáng", codes=(SchoolCode(code="0123"),), levels=(Level.THCS,))
        await rooms.people.set_profile(profile, by="test")
        await rooms.people.set_calendar(calendars.proposed(date.today()), by="test")  # noqa: DTZ011
        room = await rooms.fleet.rooms.new("Phòng máy 1", by="test", seats=2)
        declared = Declaration(name="Máy cũ", room=room.id, condition=Condition.WORKING)
        await rooms.fleet.register.declare(declared, by="test")
        yield running


async def ask(hub: HubUnderTest, path: str, role: Role) -> tuple[int, str, str]:
    cookies = {COOKIE: await hub.cookie(role)}
    async with (
        aiohttp.ClientSession(hub.base, cookie_jar=aiohttp.DummyCookieJar()) as session,
        session.get(path, cookies=cookies) as answer,
    ):
        return answer.status, answer.content_type, (await answer.read()).decode("utf-8", "replace")


async def test_reports_open_to_what_they_stand_on(hub: HubUnderTest) -> None:
    status, _, page = await ask(hub, "/reports", Role.PRINCIPAL)
    assert status == 200
    assert "Máy tính trong danh mục" in page
    assert "Chưa có danh sách lớp" in page
    assert "khai báo" in page
    machine = (await hub.rooms.fleet.register.machines())[0].id
    status, _, opened = await ask(hub, "/reports/machines-registered", Role.TECHNICIAN)
    assert status == 200
    assert f'href="/lab/machines/{machine}"' in opened
    _, _, opened = await ask(hub, "/reports/machines-registered", Role.PRINCIPAL)
    assert "Máy cũ" in opened
    assert "/lab/machines/" not in opened  # a principal has no way into the lab's pages
    assert (await ask(hub, "/reports/pupils-per-computer", Role.PRINCIPAL))[0] == 200
    assert (await ask(hub, "/reports/no-such", Role.PRINCIPAL))[0] == 404
    assert (await ask(hub, "/reports?day=1999-01-01", Role.PRINCIPAL))[0] == 404
    assert (await ask(hub, "/reports?day=hôm-qua", Role.PRINCIPAL))[0] == 422


async def test_what_was_counted_in_the_library_and_the_studio_is_listed(hub: HubUnderTest, tmp_path: Path) -> None:
    paper = tmp_path / "Con lắc.txt"
    paper.write_text("Con lắc đơn dao động.", "utf-8")
    library = hub.rooms.library
    added = await library.add_file(paper, by="test", known=Record(title="Con lắc đơn"))
    for _ in range(200):
        if (await library.holdings()).items:
            break
        await asyncio.sleep(0.05)
    studio = await hub.rooms.fleet.rooms.new("Phòng studio", by="test", kind=RoomKind.STUDIO, seats=2)
    link = f'<a href="/items/{added.item}">Con lắc đơn</a>'
    for key in ("library-titles", "library-items"):
        assert link in (await ask(hub, f"/reports/{key}", Role.PRINCIPAL))[2], key
    library.readers.opened(added.item, "bạn đọc bí mật")
    _, _, reads = await ask(hub, "/reports/library-reads", Role.PRINCIPAL)
    assert link in reads
    assert "bí mật" not in reads
    _, _, page = await ask(hub, "/reports/studio-rooms", Role.TECHNICIAN)
    assert f'<a href="/lab/rooms/{studio.id}">Phòng studio</a>' in page
    _, _, loans = await ask(hub, "/reports/library-loans", Role.PRINCIPAL)
    assert "không ghi 0" in loans


async def test_files_api_and_the_page_of_the_way_up(hub: HubUnderTest) -> None:
    assert (await ask(hub, "/reports.csv", Role.PRINCIPAL))[1] == "text/csv"
    assert (await ask(hub, "/reports.xlsx", Role.PRINCIPAL))[1].endswith("sheet")
    status, kind, body = await ask(hub, "/api/v1/indicators", Role.TECHNICIAN)
    assert (status, kind) == (200, "application/json")
    assert '"code":"library-loans"' in body
    assert (await ask(hub, "/api/v1/indicators/machines-registered", Role.TECHNICIAN))[0] == 200
    status, _, page = await ask(hub, "/reports/upward", Role.TECHNICIAN)
    assert status == 200
    assert "Chưa ghép nối" in page
    assert (await ask(hub, "/reports", Role.TEACHER))[0] == 403
