"""Fleet over real HTTP: joining, tokens, the kit, and who may do what."""

import hashlib
import io
import re
import zipfile
from collections.abc import AsyncIterator

import aiohttp
import msgspec
import pytest
from tests.hub.fleet.test_enrolment import asks
from tests.hub.fleet.web import Web, served

from densach_core.clock import FixedClock
from densach_core.database import Database
from densach_hub.fleet.kit import agent_needs, agent_wheel
from densach_hub.fleet.service import Fleet
from densach_wire.enrolment import EnrolAnswer


@pytest.fixture
async def web(fleet: Fleet, school: Database, clock: FixedClock) -> AsyncIterator[Web]:
    async with served(fleet, school, clock) as found:
        yield found


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


async def test_a_machine_joins_with_a_token(web: Web, http: aiohttp.ClientSession) -> None:
    tokens = f"{web.base}/api/v1/enrol/tokens"
    async with http.post(tokens, json={"uses": 2}, cookies=web.technician, headers=web.here) as response:
        assert response.status == 201
        made = await response.json()
    async with http.post(f"{web.base}/api/v1/enrol", data=msgspec.json.encode(asks(token=made["text"]))) as response:
        assert response.status == 200
        answer = msgspec.json.decode(await response.read(), type=EnrolAnswer)
    assert answer.state == "admitted"
    async with http.get(f"{web.base}/api/v1/machines", cookies=web.technician, headers=web.here) as response:
        listed = await response.json()
    assert [m["id"] for m in listed["machines"]] == [answer.device]
    made_one = f"{tokens}/{made['token']['id']}"
    async with http.delete(made_one, cookies=web.technician, headers=web.here) as response:
        assert response.status == 204
    async with http.post(f"{web.base}/api/v1/enrol", data=msgspec.json.encode(asks("B", 2, token=made["text"]))) as response:
        assert (await response.json())["state"] == "refused"


async def test_a_machine_waits_and_is_admitted(web: Web, http: aiohttp.ClientSession) -> None:
    request = asks()
    async with http.post(f"{web.base}/api/v1/enrol", data=msgspec.json.encode(request)) as response:
        ticket = (await response.json())["ticket"]
    async with http.get(f"{web.base}/api/v1/enrol/waiting", cookies=web.technician, headers=web.here) as response:
        waiting = (await response.json())["waiting"]
    path = f"{web.base}/api/v1/enrol/waiting/{waiting[0]['id']}"
    async with http.post(f"{path}/admit", json={}, cookies=web.technician, headers=web.here) as response:
        assert response.status == 200
    async with http.post(f"{path}/refuse", cookies=web.technician, headers=web.here) as response:
        assert response.status == 409
    again = msgspec.structs.replace(request, ticket=ticket)
    async with http.post(f"{web.base}/api/v1/enrol", data=msgspec.json.encode(again)) as response:
        assert (await response.json())["state"] == "admitted"


async def test_nonsense_gets_a_problem_with_a_code(web: Web, http: aiohttp.ClientSession) -> None:
    for body, code in ((b"not json", "body.wrong"), (msgspec.json.encode(asks(csr_pem="x")), "fleet.bad-csr")):
        async with http.post(f"{web.base}/api/v1/enrol", data=body) as response:
            assert response.status == 422
            assert (await response.json())["code"] == code
    async with http.post(f"{web.base}/api/v1/enrol", data=b" " * 100_000) as response:
        assert response.status == 413


async def test_only_technicians_decide(web: Web, http: aiohttp.ClientSession) -> None:
    addresses = (
        ("GET", "/api/v1/machines"),
        ("GET", "/api/v1/rooms"),
        ("GET", "/api/v1/enrol/waiting"),
        ("POST", "/api/v1/enrol/waiting/x/admit"),
        ("POST", "/api/v1/enrol/waiting/x/refuse"),
        ("POST", "/api/v1/enrol/tokens"),
        ("DELETE", "/api/v1/enrol/tokens/x"),
    )
    for method, path in addresses:
        async with http.request(method, web.base + path) as response:
            assert response.status == 401, path
        async with http.request(method, web.base + path, cookies=web.pupil, headers=web.here) as response:
            assert response.status == 403, path


async def test_the_kit_is_whole_and_nothing_else_is_served(web: Web, http: aiohttp.ClientSession, fleet: Fleet) -> None:
    folder = fleet.authority.folder.parent / "kit"
    folder.mkdir()
    (folder / "psutil-6.0.0-cp311-abi3-linux_x86_64.whl").write_bytes(b"wheel")
    (folder / "densach-9.9.9-py3-none-any.whl").write_bytes(b"not ours")
    (folder / "notes.txt").write_bytes(b"private")
    async with http.get(f"{web.base}/join/kit/index.txt") as response:
        lines = [line.split(" ") for line in (await response.text()).splitlines()]
    assert [name for _, name in lines] == [agent_wheel()[0], "psutil-6.0.0-cp311-abi3-linux_x86_64.whl"]
    for digest, name in lines:
        async with http.get(f"{web.base}/join/kit/{name}") as response:
            assert hashlib.sha256(await response.read()).hexdigest() == digest
    broken = ("densach-agent-x86_64.deb", "densach-agent-x86_64.deb.sha256", "densach-agent-i386.deb")
    for path in ("notes.txt", "densach-9.9.9-py3-none-any.whl", "..%2Fkeys%2Fca.key", "none.whl", *broken):
        async with http.get(f"{web.base}/join/kit/{path}") as response:
            assert response.status == 404, path


async def test_playbooks_fetch_a_package_and_its_digest(web: Web, http: aiohttp.ClientSession, fleet: Fleet) -> None:
    folder = fleet.authority.folder.parent / "kit"
    folder.mkdir()
    for need in agent_needs():
        name = re.split(r"[<>=!~ \[]", need, maxsplit=1)[0].replace("-", "_")
        with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{name}.py", "")
    async with http.get(f"{web.base}/join/kit/densach-agent-x86_64.deb") as response:
        body = await response.read()
    assert body.startswith(b"!<arch>\n")
    async with http.get(f"{web.base}/join/kit/densach-agent-x86_64.deb.sha256") as response:
        assert await response.text() == f"{hashlib.sha256(body).hexdigest()}  densach-agent-x86_64.deb\n"


async def test_the_script_knows_the_hub_by_the_name_it_was_asked_for(web: Web, http: aiohttp.ClientSession) -> None:
    async with http.get(f"{web.base}/join/linux.sh") as response:
        text = await response.text()
    assert f"hub=${{DENSACH_HUB:-{web.base}}}" in text
    assert "@HUB@" not in text
    async with http.get(f"{web.base}/join/linux.sh", headers={"Host": "$(reboot)"}) as response:
        assert "reboot" not in await response.text()


def test_our_wheel_holds_the_agent_and_nothing_of_the_hub() -> None:
    name, body = agent_wheel()
    with zipfile.ZipFile(io.BytesIO(body)) as wheel:
        tops = {entry.partition("/")[0] for entry in wheel.namelist()}
        metadata = wheel.read(f"{name.removesuffix('-py3-none-any.whl')}.dist-info/METADATA").decode()
    assert {"densach_wire", "densach_agent", "densach_cli"} < tops
    assert not any(top.startswith(("densach_hub", "densach_core")) for top in tops)
    assert "Requires-Dist: paho-mqtt" in metadata
    assert "aiohttp" not in metadata
    assert agent_wheel()[1] == body
