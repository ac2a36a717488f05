"""The register for scripts, over real HTTP: what a technician's program does in a morning."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec
import pytest
from tests.hub.fleet.conftest import Lab
from tests.hub.fleet.web import Web, served

from densach_core.clock import FixedClock
from densach_core.database import Database
from densach_core.web.routes import EVERYONE
from densach_hub.fleet import api, register_api
from densach_hub.fleet.service import Fleet
from densach_wire.messages import Health


class Script(msgspec.Struct):
    """A program with a technician's session."""

    web: Web
    http: aiohttp.ClientSession

    async def call(self, method: str, path: str, body: object = None, *, status: int = 200, who: str = "technician") -> Any:
        cookies = {"technician": self.web.technician, "pupil": self.web.pupil, "nobody": {}}[who]
        url = f"{self.web.base}/api/v1{path}"
        async with self.http.request(method, url, json=body, cookies=cookies, headers=self.web.here) as response:
            text = await response.text()
            assert response.status == status, text
            return msgspec.json.decode(text) if text else None


@pytest.fixture
async def script(fleet: Fleet, school: Database, clock: FixedClock) -> AsyncIterator[Script]:
    async with served(fleet, school, clock) as web, aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        yield Script(web, http)


async def test_a_room_is_furnished(script: Script) -> None:
    room = await script.call("POST", "/rooms", {"name": "Phòng Tin 1", "seats": 3, "levels": ["THCS"]}, status=201)
    names = [await script.call("POST", "/machines", {"name": f"Máy {n}"}, status=201) for n in (2, 1)]
    ids = [machine["id"] for machine in names]
    moved = await script.call("POST", f"/rooms/{room['id']}/machines", {"machines": ids, "seats_from": "01"})
    assert {m["name"]: m["place"]["seat"] for m in moved["machines"]} == {"Máy 1": "01", "Máy 2": "02"}
    sight = await script.call("GET", f"/rooms/{room['id']}")
    assert [seat["glyph"] for seat in sight["seats"]] == ["declared", "declared", "empty"]
    await script.call("DELETE", f"/rooms/{room['id']}", status=409)
    renamed = await script.call("PUT", f"/rooms/{room['id']}", {**room, "name": "Phòng A"})
    assert renamed["name"] == "Phòng A"


async def test_a_machines_life(script: Script, lab: Lab) -> None:
    machine = await lab.machine()
    await lab.fleet.telemetry.receive(lab.arrival(machine.id, 1, Health(cpu_pct=7.0)))
    await lab.fleet.telemetry.roll_up()
    path = f"/machines/{machine.id}"
    assert (await script.call("POST", f"{path}/name", {"name": "Máy 7"}))["name"] == "Máy 7"
    assert (await script.call("POST", f"{path}/condition", {"condition": "broken"}))["condition"] == "broken"
    await script.call("POST", f"{path}/condition", {"condition": "lost"}, status=422)
    await script.call("POST", f"{path}/repairs", {"what": "thay quạt", "works_again": True}, status=201)
    sight = await script.call("GET", path)
    assert (sight["machine"]["condition"], sight["repairs"][0]["what"]) == ("working", "thay quạt")
    lab.clock.advance(1)
    series = await script.call("GET", f"{path}/health?days=1")
    assert [point["mean"] for point in series["points"]] == [7.0]
    await script.call("GET", f"{path}/health?days=x", status=422)
    assert (await script.call("POST", f"{path}/retire", {"why": "cháy"}))["retired_at"] is not None
    await script.call("GET", "/machines/nothing", status=404)


async def test_a_fault_is_reported_by_anybody_and_seen_by_the_technician(script: Script) -> None:
    room = await script.call("POST", "/rooms", {"name": "Phòng Tin 1", "seats": 3}, status=201)
    told = await script.call("POST", f"/rooms/{room['id']}/faults", {"text": "hỏng chuột", "seat": "02"}, status=201, who="pupil")
    assert told["by"] is None
    await script.call("POST", f"/rooms/{room['id']}/faults", {"text": "hỏng phím"}, status=201, who="nobody")
    found = (await script.call("GET", "/findings"))["findings"]
    assert [f["kind"] for f in found] == ["fault", "fault"]
    await script.call("POST", "/findings/seen", {"key": found[0]["key"]}, status=204)
    assert len((await script.call("GET", "/findings"))["findings"]) == 1
    assert len((await script.call("GET", "/findings?all"))["findings"]) == 2


async def test_pupils_and_strangers_do_nothing_of_the_technicians(script: Script) -> None:
    for route in (*api.routes.all, *register_api.routes.all):
        if route.access == EVERYONE or not route.path.startswith("/api/v1"):
            continue
        path = route.path.removeprefix("/api/v1").replace("{id}", "x")
        await script.call(route.method, path, status=403, who="pupil")
        await script.call(route.method, path, status=401, who="nobody")
