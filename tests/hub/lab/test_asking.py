"""Asking machines from the pages and over the API: chosen, confirmed, sent once, answered machine by machine."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from tests.hub.lab.conftest import Browser, Stage
from tests.hub.lab.test_pages import words

from densach_core.accounts.model import Role
from densach_core.accounts.service import COOKIE
from densach_hub.intake.requests import Requests
from densach_wire.messages import Outcome, Result

MACHINE, OTHER = "pc-pc-01", "pc-pc-02"


def batch_of(browser: Browser) -> str:
    found = re.match(r"/lab/asked/(\w+)$", browser.path)
    assert found is not None, browser.path
    return found[1]


@asynccontextmanager
async def somebody(stage: Stage, role: Role) -> AsyncIterator[Browser]:
    cookie = {COOKIE: await stage.hub.cookie(role)}
    async with aiohttp.ClientSession(cookies=cookie, cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield Browser(session, stage.hub.base)


async def answer(stage: Stage, batch: str, device: str, outcome: Outcome, reason: str = "") -> None:
    from densach_hub.intake import store

    telemetry = stage.hub.rooms.telemetry
    rows = await telemetry.read(lambda c: store.batch(c, batch))
    [row] = [row for row in rows if row.device == device]
    result = Result(id=row.id, outcome=outcome, reason=reason)
    await telemetry.write(lambda c: store.answer_request(c, device, result, row.sent_at + 1000))


async def test_a_message_to_two_machines_from_room_to_outcome(stage: Stage) -> None:
    t = stage.technician
    room = await t.get(f"/lab/rooms/{stage.school.first.id}")
    assert f'href="/lab/ask?room={stage.school.first.id}"' in room
    page = await t.get(f"/lab/ask?room={stage.school.first.id}")
    assert 'value="pc-pc-01"' in page
    assert 'value="pc-may-01"' not in page, "another room's machine"
    assert "Máy cũ Windows 7" not in page, "nothing can be asked of a machine without an agent"
    assert not re.search(r'name="machine"[^>]* checked', page), "nothing is ticked before a person ticks it"
    confirm = await t.get(f"/lab/ask?what=message&machine={MACHINE}&machine={OTHER}")
    assert '<textarea id="text"' in confirm
    page = words(await t.post("/lab/ask", what="message", machine=[MACHINE, OTHER], text="Chào  các em"))
    batch = batch_of(t)
    assert "Chào các em" in page
    assert "0 trên 2 máy đã xong" in page
    assert page.count("đã gửi, chưa trả lời") == 2
    await answer(stage, batch, MACHINE, Outcome.DONE)
    await answer(stage, batch, OTHER, Outcome.REFUSED, "nobody: nobody is logged in")
    page = words(await t.get(f"/lab/asked/{batch}/list"))
    assert "1 trên 2 máy đã xong" in page
    assert "từ chối. Không có ai đăng nhập." in page
    [line] = [n for n in await stage.hub.rooms.audit.latest() if n.what == "lab.asked-message"]
    assert line.by == "technician"
    assert MACHINE in str(line.detail)
    assert "Chào" not in str(line.detail)
    record = words(await t.get(f"/lab/machines/{MACHINE}"))
    assert "Đã yêu cầu gần đây" in record


async def test_who_is_at_work_is_named_before_and_asked_again_after(stage: Stage) -> None:
    t = stage.technician
    confirm = words(await t.get(f"/lab/ask?what=shutdown&machine={MACHINE}"))
    assert "có người dùng sẽ từ chối" in confirm
    await t.post("/lab/ask", what="shutdown", machine=[MACHINE])
    batch = batch_of(t)
    await answer(stage, batch, MACHINE, Outcome.REFUSED, "busy: somebody is at work")
    page = await t.get(f"/lab/asked/{batch}")
    assert "Có người đang dùng." in words(page)
    assert f'href="/lab/ask?what=shutdown&amp;machine={MACHINE}"' in page
    assert 'http-equiv="refresh"' not in page, "nothing is open any more"


async def test_a_request_nobody_answers_says_that_it_expired(stage: Stage) -> None:
    t = stage.technician
    await t.post("/lab/ask", what="identify", machine=[MACHINE])
    batch = batch_of(t)
    assert 'http-equiv="refresh"' in await t.get(f"/lab/asked/{batch}"), "without scripts it looks again by itself"
    await stage.hub.rooms.telemetry.write(lambda c: c.execute("UPDATE request SET expires_at = sent_at - 1"))
    page = words(await t.get(f"/lab/asked/{batch}"))
    assert "không trả lời kịp: sẽ không làm nữa" in page


async def test_waking_without_an_address_says_so(stage: Stage) -> None:
    t = stage.technician
    page = words(await t.post("/lab/ask", what="wake", machine=["pc-pc-41-chua-xep-cho"]))
    assert "Chưa biết card mạng có dây nào" in page


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"what": "dance", "machine": [MACHINE]}, 422),
        ({"what": "message", "machine": [MACHINE], "text": " "}, 422),
        ({"what": "message", "machine": [MACHINE], "text": "x" * 501}, 422),
        ({"what": "identify", "machine": []}, 422),
        ({"what": "identify", "machine": ["no-such"]}, 422),
    ],
)
async def test_what_cannot_be_asked_is_refused_before_it_is_sent(stage: Stage, fields: dict[str, Any], status: int) -> None:
    await stage.technician.post("/lab/ask", **fields)
    assert stage.technician.status == status
    assert await stage.hub.rooms.telemetry.read(lambda c: c.execute("SELECT count(*) FROM request").fetchone()[0]) == 0


async def test_a_teacher_asks_for_what_a_lesson_needs_and_no_more(stage: Stage) -> None:
    async with somebody(stage, Role.TEACHER) as teacher:
        page = await teacher.get(f"/lab/ask?room={stage.school.first.id}")
        assert teacher.status == 200
        assert 'value="message"' in page
        assert 'value="restart"' not in page
        assert 'href="/lab/machines"' not in page, "no technician's tabs"
        await teacher.post("/lab/ask", what="message", machine=[MACHINE], text="Hết giờ")
        assert teacher.status == 200
        await teacher.post("/lab/ask", what="restart", machine=[MACHINE])
        assert teacher.status == 403
        await teacher.get(f"/lab/machines/{MACHINE}")
        assert teacher.status == 403
    async with somebody(stage, Role.STUDENT) as pupil:
        await pupil.post("/lab/ask", what="message", machine=[MACHINE], text="hi")
        assert pupil.status == 403
    await stage.pupil.post("/lab/ask", what="message", machine=[MACHINE], text="hi")
    assert stage.pupil.status == 401


async def test_the_same_over_the_api(stage: Stage) -> None:
    cookies = {COOKIE: await stage.hub.cookie(Role.TECHNICIAN)}
    async with aiohttp.ClientSession(cookies=cookies, headers={"Origin": stage.hub.base}) as http:
        wish = {"what": "shutdown", "machines": [MACHINE], "force": True}
        async with http.post(f"{stage.hub.base}/api/v1/requests", json=wish) as made:
            assert made.status == 201
            asked = await made.json()
        assert asked["requests"][0]["state"] == "sent"
        assert asked["requests"][0]["request"]["args"] == {"grace_s": 60, "force": True}
        await answer(stage, asked["batch"], MACHINE, Outcome.ACCEPTED)
        async with http.get(f"{stage.hub.base}/api/v1/requests/{asked['batch']}") as seen:
            assert (await seen.json())["requests"][0]["state"] == "accepted"
        async with http.get(f"{stage.hub.base}/api/v1/machines/{MACHINE}/requests") as of:
            assert (await of.json())["requests"][0]["request"]["name"] == "shutdown"
        async with http.get(f"{stage.hub.base}/api/v1/requests/nothing") as none:
            assert none.status == 404
        async with http.get(f"{stage.hub.base}/api/openapi.json") as described:
            assert "/api/v1/requests" in (await described.json())["paths"]


def test_requests_are_an_asker() -> None:
    from densach_hub.fleet.asking import Asker

    asker: type[Asker] = Requests
    assert asyncio.iscoroutinefunction(asker.ask)


async def test_a_failure_is_no_refusal_and_the_machines_words_stand_once(stage: Stage) -> None:
    t = stage.technician
    await t.post("/lab/ask", what="shutdown", machine=[MACHINE])
    batch = batch_of(t)
    said = "Failed to schedule shutdown: no such unit."
    await answer(stage, batch, MACHINE, Outcome.REFUSED, f"failed: RuntimeError: {said} {said} Fai")
    page = words(await t.get(f"/lab/asked/{batch}"))
    assert "không làm được" in page
    assert "từ chối" not in page
    assert page.count("Failed to schedule shutdown") == 1
    assert "RuntimeError" not in page


async def test_what_is_not_answered_yet_says_until_when_it_waits(stage: Stage) -> None:
    t = stage.technician
    page = words(await t.post("/lab/ask", what="identify", machine=[MACHINE]))
    assert "chờ đến" in page
