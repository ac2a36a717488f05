"""How equipment connects is shown to technicians, and a device gets an account that counts at once."""

import asyncio
import re
from urllib.parse import urlsplit

import aiohttp
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from tests.hub.lab.conftest import Stage
from tests.hub.lab.test_asking import somebody
from tests.hub.lab.test_pages import words

from densach_core.accounts.model import Role
from densach_core.accounts.service import COOKIE
from densach_hub.fleet.register import new_id
from densach_wire.messages import Hello, Moment, System


def port_on(page: str) -> int:
    found = re.search(r"<dt>Cổng</dt><dd><code>(\d+)</code>", page)
    assert found is not None
    return int(found[1])


def password_on(page: str) -> str:
    found = re.search(r"chỉ hiện lần này.*?<dt>Mật khẩu</dt><dd><code>(\w+)</code>", page, re.DOTALL)
    assert found is not None
    return found[1]


def log_in(port: int, name: str, password: str) -> str:
    """What the broker says to it."""
    said: list[str] = []
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=paho.MQTTv311)
    client.on_connect = lambda _c, _u, _f, reason, _p: said.append(str(reason))
    client.username_pw_set(name, password)
    client.connect("127.0.0.1", port)
    while not said:
        client.loop(0.1)
    client.disconnect()
    return said[0]


async def says(port: int, name: str, password: str, wanted: str) -> None:
    """The broker reads its accounts a moment after it was told to."""
    for _ in range(300):
        if (said := await asyncio.to_thread(log_in, port, name, password)) == wanted:
            return
        await asyncio.sleep(0.1)
    pytest.fail(said)


async def test_the_page_says_how_a_plug_connects(stage: Stage) -> None:
    page = await stage.technician.get("/lab/studio")
    password = re.search(r"<details><summary>[^<]+</summary><code>(\w+)</code></details>", page)
    assert password is not None
    await says(port_on(page), "studio", password[1], "Success")


async def test_an_account_is_made_shown_once_used_and_removed(stage: Stage) -> None:
    t = stage.technician
    page = await t.post("/lab/studio/accounts", name="meter-7")
    assert urlsplit(t.landed).path == "/lab/studio"
    password, port = password_on(page), port_on(page)
    await says(port, "meter-7", password, "Success")
    again = await t.get("/lab/studio")
    assert "meter-7" in again
    assert password not in again, "shown where it was made and nowhere else"
    await t.post("/lab/studio/accounts", name="meter-7")
    assert t.status == 409
    await t.post("/lab/studio/accounts/meter-7/remove")
    assert t.status == 200
    await says(port, "meter-7", password, "Not authorized")
    assert {"studio.account-added", "studio.account-removed"} <= {n.what for n in await stage.hub.rooms.audit.latest()}


@pytest.mark.parametrize(("name", "status"), [("studio", 409), ("", 422), ("Máy 7", 422), ("a/b", 422), ("hub:x", 422)])
async def test_what_is_no_name_or_taken_makes_no_account(stage: Stage, name: str, status: int) -> None:
    await stage.technician.post("/lab/studio/accounts", name=name)
    assert stage.technician.status == status


async def test_the_plugs_account_is_not_removed(stage: Stage) -> None:
    await stage.technician.post("/lab/studio/accounts/studio/remove")
    assert stage.technician.status == 404


async def test_only_technicians_see_or_make_them(stage: Stage) -> None:
    for role in (Role.TEACHER, Role.LIBRARIAN, Role.STUDENT):
        async with somebody(stage, role) as other:
            await other.get("/lab/studio")
            assert other.status == 403
            await other.post("/lab/studio/accounts", name="meter-8")
            assert other.status == 403
    assert "meter-8" not in await stage.technician.get("/lab/studio")


async def test_a_script_does_the_same(stage: Stage) -> None:
    address = f"{stage.hub.base}/api/v1/equipment-accounts"
    cookies = {COOKIE: await stage.hub.cookie(Role.TECHNICIAN)}
    async with aiohttp.ClientSession(cookies=cookies, headers={"Origin": stage.hub.base}) as http:
        async with http.post(address, json={"name": "meter-9"}) as made:
            assert made.status == 201
            assert len((await made.json())["password"]) == 20
        async with http.get(address) as listed:
            assert await listed.json() == {"accounts": [{"name": "meter-9"}]}
        async with http.delete(f"{address}/meter-9") as gone:
            assert gone.status == 204
        async with http.delete(f"{address}/meter-9") as gone:
            assert gone.status == 404


def greeting(stage: Stage) -> Hello:
    now = stage.hub.rooms.clock.now_ms() / 1000
    return Hello(
        agent="meter-firmware 1",
        os=System(family="none"),
        boot="1",
        stream="s1",
        clock=Moment(up=5.0, wall=now),
        hostname="Đồng hồ điện",
    )


async def test_a_new_device_is_not_called_one_that_came_back(stage: Stage) -> None:
    door = stage.fleet.enrolment
    assert await door.knock("meter-7", greeting(stage))
    page = words(await stage.technician.get("/lab/waiting"))
    assert "đã từng được nhận" not in page
    assert "tài khoản “meter-7”" in page
    assert await door.knock(new_id("pc"), greeting(stage))
    assert "đã từng được nhận" in words(await stage.technician.get("/lab/waiting"))


async def test_an_account_never_looks_like_a_machine_with_a_certificate(stage: Stage) -> None:
    await stage.technician.post("/lab/studio/accounts", name=new_id("pc"))
    assert stage.technician.status == 409
