"""The pages and the API over real HTTP: choose, confirm, watch, stop; roles; the inventory and reports from elsewhere."""

import asyncio
import html
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
from tests.hub.lab.conftest import Browser
from tests.hub.provisioning.conftest import LOCAL, PLAYBOOKS, Site

from densach_core.accounts.model import Role
from densach_core.accounts.service import COOKIE
from densach_core.web.site import all_routes
from densach_hub.web_rooms import every_room

TOOLS = Path(sys.executable).parent


def browser(session: aiohttp.ClientSession, site: Site) -> Browser:
    return Browser(session, site.hub.base)


async def signed_in(site: Site, role: Role = Role.TECHNICIAN) -> aiohttp.ClientSession:
    cookie = {COOKIE: await site.hub.cookie(role)}
    return aiohttp.ClientSession(cookies=cookie, cookie_jar=aiohttp.CookieJar(unsafe=True))


def words(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


async def until_over(t: Browser, path: str) -> str:
    async with asyncio.timeout(90):
        while "hx-trigger" in (page := await t.get(f"{path}/state")):
            await asyncio.sleep(0.3)
    return page


async def test_from_choosing_to_the_map(site: Site) -> None:
    stage = site.stage
    async with await signed_in(site) as session:
        t = browser(session, site)
        page = await t.get(f"/lab/provision?room={stage.room.id}")
        assert "Chào máy" in page
        assert "ssh-ed25519 AAAA" in page
        assert f'href="/lab/provision/new?play=greet&amp;room={stage.room.id}"' in page
        assert "Không có</h3>" not in page, "a play whose file is not there is not offered"
        page = await t.get(f"/lab/provision/new?play=greet&room={stage.room.id}")
        assert page.count('name="machine"') == 5
        assert not re.search(r'name="machine"[^>]* checked', page), "nothing is ticked before a person ticks it"
        assert "GIA-LAP (Phòng Tin học 2 (nhà Đ)) : máy mô phỏng" in words(page)
        page = words(await t.get("/lab/provision/confirm?play=greet&machine=pc-may-01"))
        assert (t.status, "Giá trị “word” không hợp lệ." in page) == (422, True)
        page = words(await t.get("/lab/provision/confirm?play=greet&v-word=chao"))
        assert (t.status, "Chưa đánh dấu máy nào." in page) == (422, True)
        page = words(await t.get("/lab/provision/confirm?play=greet&machine=pc-gia-lap&v-word=chao"))
        assert (t.status, "GIA-LAP là máy mô phỏng" in page) == (422, True)
        page = await t.get("/lab/provision/confirm?play=greet&machine=pc-may-01&machine=pc-may-02&v-word=ch%C3%A0o")
        assert (t.status, 'name="v-word" value="chào"' in page, 'type="password"' in page) == (200, True, True)
        page = await t.post(
            "/lab/provision/runs", play="greet", machine=["pc-may-01", "pc-may-02"], **{"v-word": "chào"}, user="quantri"
        )
        path = t.path
        assert re.fullmatch(r"/lab/provision/runs/\w{16}", path), words(page)
        page = words(await until_over(t, path))
        assert "Xong 2 trên 2 máy" in page
        assert "Fail on the second máy này hỏng" in page
        assert "Chạy lại trên 1 máy bị lỗi" in page
        assert "PLAY [Greet]" in await t.get(f"{path}/log")
        room = await t.get(f"/lab/rooms/{stage.room.id}")
        assert room.count('class="seat__set"') == 1
        assert "Chào máy: lỗi" in room
        assert "2 trên 5 máy đã được cài đặt bằng kịch bản · 1 máy lỗi" in words(room)
        machine = words(await t.get("/lab/machines/pc-may-02"))
        assert "Cài đặt bằng kịch bản Chào máy : lỗi Fail on the second: máy này hỏng" in machine
        assert "pc-may-02" in str([note.detail for note in await site.hub.rooms.audit.latest(search="run-started")])


async def test_what_is_dangerous_is_asked_twice_and_a_run_can_be_stopped(site: Site) -> None:
    async with await signed_in(site) as session:
        t = browser(session, site)
        assert 'name="confirmed"' in await t.get("/lab/provision/confirm?play=wipe&machine=pc-may-01")
        page = words(await t.post("/lab/provision/runs", play="wipe", machine="pc-may-01", user="quantri"))
        assert (t.status, "Hãy xác nhận là muốn chạy thật." in page) == (422, True)
        await t.post("/lab/provision/runs", play="slow", machine="pc-may-01", user="quantri", password="mat-khau-9")
        path = t.path
        assert "Dừng lại" in await t.get(path)
        assert "slow" in str(await site.stage.provisioning.history.runs())
        page = await t.post("/lab/provision/runs", play="wipe", machine="pc-may-01", confirmed="true", user="quantri")
        assert (t.status, "mat-khau-9" in page, "đang làm việc trên MAY-01" in page) == (409, False, True)
        await t.post(f"{path}/stop")
        assert "Đã có người dừng." in words(await until_over(t, path))
        assert "đã dừng" in words(await t.get("/lab/provision"))


async def test_an_empty_hub_and_one_without_ansible_say_what_to_do(site: Site, data: Path) -> None:
    (data / "densach.toml").write_text('[provision]\nplaybooks = "/nowhere"\nansible = "/nowhere/ansible-playbook"\n', "utf-8")
    async with await signed_in(site) as session:
        page = words(await browser(session, site).get("/lab/provision"))
        assert "Máy chủ trường chưa có bộ kịch bản." in page
        assert "chưa cài Ansible" in page
        assert "-m pip install" in page
        assert "Chưa chạy lần nào." in page


async def test_only_technicians(site: Site) -> None:
    """Every address of the room, by every role (those with the right get an answer of the room's own)."""
    routes = [route for route in all_routes(every_room()) if "provision" in route.path]
    assert len(routes) >= 20
    for role in (None, Role.STUDENT, Role.TEACHER, Role.LIBRARIAN, Role.PRINCIPAL, Role.TECHNICIAN, Role.ADMIN):
        session = aiohttp.ClientSession() if role is None else await signed_in(site, role)
        async with session:
            for route in routes:
                url = site.hub.base + re.sub(r"\{\w+\}", "x", route.path)
                async with session.request(route.method, url, headers={"Origin": site.hub.base}, allow_redirects=False) as said:
                    if role in (Role.TECHNICIAN, Role.ADMIN):
                        assert said.status in (200, 303, 400, 404, 422), (role, route.method, route.path, said.status)
                    else:
                        assert said.status in (401, 403) or "/login" in said.headers.get("Location", ""), (role, route.path)


def run(*command: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    place = f"{TOOLS}:{os.environ['PATH']}"
    return subprocess.run(
        command, env={"PATH": place, "LC_ALL": "C.UTF-8", **more}, capture_output=True, text=True, timeout=120, check=False
    )


async def test_a_technicians_own_computer(site: Site, tmp_path: Path) -> None:
    """Inventory by script and command; a play run there tells the hub, or keeps the report until the hub is back."""
    token = tmp_path / "token"
    _, text = await site.hub.rooms.accounts.create_token(name="x", roles=frozenset({Role.TECHNICIAN}), by="test")
    token.write_text(text)
    there = {"DENSACH_HUB_URL": site.hub.base, "DENSACH_TOKEN_FILE": str(token), "HOME": str(tmp_path)}
    by_script = await asyncio.to_thread(run, PLAYBOOKS / "inventories/hub/densach.py", "--list", **there)
    by_command = await asyncio.to_thread(run, TOOLS / "densach", "inventory", "--list", **there)
    assert json.loads(by_script.stdout)["lab"] == json.loads(by_command.stdout)["lab"]
    one = await asyncio.to_thread(run, TOOLS / "densach", "inventory", "--host", "MAY-01", **there)
    assert json.loads(one.stdout)["densach_id"] == "pc-may-01"
    inventory = tmp_path / "inventory.yml"
    hosts: dict[str, Any] = {"MAY-01": LOCAL, "may-02.densach.lan": LOCAL, "khach": LOCAL}
    variables = {"densach_hub_url": "http://127.0.0.1:9", "densach_token_file": str(token)}
    inventory.write_text(json.dumps({"all": {"children": {"lab": {"hosts": hosts, "vars": variables}}}}))
    play = tmp_path / "playbooks" / "wipe.yml"
    own = {"HOME": str(tmp_path), "ANSIBLE_CALLBACK_PLUGINS": str(PLAYBOOKS / "callback_plugins")}
    away = await asyncio.to_thread(run, TOOLS / "ansible-playbook", "-i", inventory, play, **own)
    assert away.returncode == 0, away.stderr
    [kept] = (tmp_path / ".local/state/densach/reports").glob("*.json")
    assert kept.name in "".join((away.stderr + away.stdout).split()), "it says where"
    assert not await site.stage.provisioning.history.runs()
    back = await asyncio.to_thread(run, TOOLS / "ansible-playbook", "-i", inventory, play, **(own | there))
    assert back.returncode == 0, back.stderr
    assert not kept.exists(), "what was kept went along"
    runs = await site.stage.provisioning.history.runs()
    assert [(one.play, one.state, one.machines, one.here) for one in runs] == [("wipe.yml", "done", 3, False)] * 2
    found = await site.stage.provisioning.history.one(runs[0].id)
    assert {host.host: host.machine for host in found.hosts} == {
        "MAY-01": "pc-may-01", "may-02.densach.lan": "pc-may-02", "khach": None,
    }  # fmt: skip
    assert (await site.stage.provisioning.history.lasts())["pc-may-01"].version == found.version != ""


async def test_the_command_does_what_the_page_does(site: Site, data: Path, tmp_path: Path) -> None:
    token = tmp_path / "token"
    _, text = await site.hub.rooms.accounts.create_token(name="x", roles=frozenset({Role.TECHNICIAN}), by="test")
    token.write_text(text)
    there = {"DENSACH_HUB_URL": site.hub.base, "DENSACH_TOKEN_FILE": str(token)}

    async def provision(*more: str) -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(lambda: run(TOOLS / "densach", "provision", *more, **there))

    near, far, plays, bad, other = await asyncio.gather(
        provision("key", "--data", str(data)),
        provision("key"),
        provision("--list"),
        provision("greet", "--room", site.stage.room.id, "-e", "word=chào"),
        provision("greet", "--machine", "GIA-LAP", "-e", "word=x"),
    )
    assert near.stdout == far.stdout == f"{site.stage.provisioning.public_key()}\n"
    assert "-e times=number" in plays.stdout
    assert bad.returncode == 1
    assert "✗ MAY-02 failed: Fail on the second: máy này hỏng" in bad.stderr
    assert "+ MAY-01 changed (1)" in bad.stderr
    assert bad.stdout.startswith("failed: 3 of 5 machines. See /lab/provision/runs/")
    assert other.returncode == 1
    assert "(provisioning.simulated)" in other.stderr
    wrong = await provision("greet", "--data", str(data), "-e", "nothing")
    assert wrong.returncode == 2
