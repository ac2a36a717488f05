"""What pages can do, programs can do too: tokens, classes, the desk, a shelf, the way up, quarantine, backups."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from tests.fixtures.hub import HubUnderTest, hub_in
from tests.hub.library import made

from densach_core.accounts.model import Role
from densach_hub.library.model import State


class Program(msgspec.Struct):
    """Speaks JSON with a token."""

    hub: HubUnderTest
    http: aiohttp.ClientSession
    bearer: str

    async def ask(self, method: str, path: str, body: Any = None, raw: bytes | None = None) -> tuple[int, Any]:
        more: dict[str, Any] = {"data": raw} if raw is not None else {"json": body} if body is not None else {}
        headers = {"Authorization": f"Bearer {self.bearer}"}
        async with self.http.request(method, self.hub.base + path, headers=headers, **more) as answer:
            return answer.status, await answer.json(content_type=None) if answer.status != 204 else None


@pytest.fixture
async def admin(tmp_path: Path) -> AsyncIterator[Program]:
    async with hub_in(tmp_path / "hub") as hub, aiohttp.ClientSession() as http:
        _, bearer = await hub.rooms.accounts.create_token(name="x", roles=frozenset({Role.ADMIN}), by="test")
        yield Program(hub, http, bearer)


async def test_tokens_are_listed_and_revoked(admin: Program) -> None:
    _, made_one = await admin.ask("POST", "/api/v1/tokens", {"name": "two", "roles": ["librarian"]})
    status, listed = await admin.ask("GET", "/api/v1/tokens")
    assert (status, {one["name"] for one in listed["tokens"]}) == (200, {"x", "two"})
    assert made_one["bearer"] not in str(listed)
    other = Program(admin.hub, admin.http, made_one["bearer"])
    assert (await other.ask("GET", "/api/v1/desk/items"))[0] == 200
    assert (await admin.ask("DELETE", f"/api/v1/tokens/{made_one['token']['id']}"))[0] == 204
    assert (await other.ask("GET", "/api/v1/desk/items"))[0] == 401
    assert (await admin.ask("DELETE", "/api/v1/tokens/none"))[0] == 404


async def test_classes_are_made_and_changed(admin: Program) -> None:
    status, one = await admin.ask("POST", "/api/v1/classes", {"name": "6A", "grade": 6})
    assert (status, one["level"]) == (201, "THCS")
    status, changed = await admin.ask("PUT", f"/api/v1/classes/{one['id']}", {"name": "7A", "grade": 7, "room_ids": ["p1"]})
    assert (status, changed["name"], changed["room_ids"]) == (200, "7A", ["p1"])
    assert (await admin.ask("PUT", "/api/v1/classes/none", {"name": "7A", "grade": 7}))[0] == 404
    assert (await admin.ask("POST", "/api/v1/classes", {"name": "7a", "grade": 7}))[1]["code"] == "people.class-there"
    assert (await admin.ask("POST", "/api/v1/classes", {"name": "x", "grade": 13}))[1]["code"] == "people.grade"


async def test_the_desk_and_the_shelf(admin: Program, tmp_path: Path) -> None:
    library = admin.hub.rooms.library
    added = await library.add_file(made.put(tmp_path, "a.epub", made.epub()), by="test")
    path = f"/api/v1/items/{added.item}"
    status, problem = await admin.ask("PUT", f"{path}/cover", raw=b"")
    assert (status, problem["code"]) == (422, "library.empty")
    status, drawn = await admin.ask("DELETE", f"{path}/cover")
    assert (status, drawn["cover"]) == (200, None)
    assert (await admin.ask("PUT", f"/api/v1/shelf/{added.item}"))[0] in {204, 404}, "404 while it is still being read"
    assert (await admin.ask("POST", f"{path}/withdrawal", {"why": "x"}))[1]["state"] == State.WITHDRAWN
    status, back = await admin.ask("DELETE", f"{path}/withdrawal")
    assert (status, back["state"] != State.WITHDRAWN) == (200, True)
    assert (await admin.ask("GET", "/api/v1/shelf"))[0] == 200
    assert (await admin.ask("DELETE", f"/api/v1/shelf/{added.item}"))[0] == 204
    assert (await admin.ask("POST", f"/api/v1/items/{'0' * 16}/retry"))[0] == 404


async def test_upkeep_the_way_up_and_what_did_not_fit(admin: Program) -> None:
    status, taken = await admin.ask("POST", "/api/v1/backups")
    assert status == 201
    status, copies = await admin.ask("GET", "/api/v1/backups")
    assert taken["folder"] in [one["folder"] for one in copies["backups"]]
    status, examined = await admin.ask("GET", "/api/v1/doctor")
    assert status == 200
    assert {"clock", "disk", "broker/answer", "certificates"} <= {one["subject"] for one in examined["findings"]}
    assert await admin.ask("GET", "/api/v1/upward") == (200, {"offices": [], "refusals": []})
    status, problem = await admin.ask("POST", "/api/v1/upward", {"url": "not an address", "code": "x"})
    assert (status, problem["code"]) == (409, "sender.no-school")
    assert (await admin.ask("DELETE", f"/api/v1/upward/{2**63}"))[0] == 404
    assert await admin.ask("GET", "/api/v1/quarantine") == (200, {"total": 0, "items": []})
    assert (await admin.ask("GET", f"/api/v1/quarantine?since={'9' * 30}"))[0] == 422
