"""The same for programs: with a token, with the same permissions, described by OpenAPI."""

from typing import Any

import pytest
from tests.hub.people.house import House
from tests.hub.people.rosters import PUPILS, TEACHERS

from densach_core.accounts.model import Role
from densach_core.web.openapi import describe
from densach_hub.people import api


class Program:
    """Speaks JSON with a token."""

    def __init__(self, house: House, bearer: str, session: Any) -> None:
        self._base, self._session = house.base, session
        self._headers = {"Authorization": f"Bearer {bearer}"}

    async def ask(self, method: str, path: str, body: Any = None, raw: bytes | None = None) -> tuple[int, Any]:
        more: dict[str, Any] = {"data": raw} if raw is not None else {"json": body} if body is not None else {}
        async with self._session.request(method, self._base + path, headers=self._headers, **more) as answer:
            return answer.status, await answer.json(content_type=None)


async def program(house: House, *roles: Role) -> Program:
    _, bearer = await house.accounts.create_token(name="x", roles=frozenset(roles), by="test")
    return Program(house, bearer, (await house.browser()).session)


async def test_a_program_brings_the_roster(house: House) -> None:
    admin = await program(house, Role.ADMIN)
    assert await admin.ask("GET", "/api/v1/roster") == (
        200, {"school_year": await house.people.school_year(), "levels": None, "lacking": None},
    )  # fmt: skip
    for body in (TEACHERS, PUPILS):
        status, preview = await admin.ask("POST", "/api/v1/rosters?name=x.csv", raw=body.encode())
        assert status == 201
        done = await admin.ask("POST", f"/api/v1/rosters/{preview['id']}/apply", {"mark": preview["mark"]})
        assert done[0] == 200
    assert done[1]["new"] == 5
    _, listed = await admin.ask("GET", "/api/v1/classes")
    assert [one["name"] for one in listed["classes"]] == ["6A1", "6A2", "9A"]
    key = listed["classes"][0]["id"]
    _, pupils = await admin.ask("GET", f"/api/v1/classes/{key}/pupils")
    assert [p["name"] for p in pupils["pupils"]] == ["Nguyễn Văn An", "Đỗ Thị Ánh Tuyết"]
    _, slips = await admin.ask("POST", f"/api/v1/classes/{key}/slips")
    assert all(len(slip["secret"]) == 6 for slip in slips["slips"])
    status, slip = await admin.ask("POST", f"/api/v1/pupils/{pupils['pupils'][0]['id']}/pin")
    assert (status, slip["login"]) == (200, "0123456701")
    _, teachers = await admin.ask("GET", "/api/v1/teachers")
    assert len(teachers["teachers"]) == 2
    _, summary = await admin.ask("GET", "/api/v1/roster")
    assert summary["lacking"]["without_code"] == 1


async def test_profile_and_calendar(house: House) -> None:
    admin = await program(house, Role.ADMIN)
    status, profile = await admin.ask("PUT", "/api/v1/school", {"name": "Trường Thử", "levels": ["THCS"]})
    assert (status, profile["levels"]) == (200, ["THCS"])
    assert house.site.title == "Trường Thử"
    _, year = await admin.ask("GET", "/api/v1/calendars/2026-2027")
    status, saved = await admin.ask("PUT", "/api/v1/calendars/2026-2027", year | {"weekdays": [1, 2]})
    assert (status, saved["weekdays"]) == (200, [1, 2])
    assert (await admin.ask("PUT", "/api/v1/calendars/2026-2027", year | {"terms": []}))[1]["code"] == "calendar.no-term"
    assert (await admin.ask("GET", "/api/v1/calendars/2026"))[0] == 404
    assert (await admin.ask("PUT", "/api/v1/school", {"name": 3}))[1]["code"] == "body.wrong"
    status, days = await admin.ask("GET", "/api/v1/school-days")
    assert status == 200
    assert len(days["days"]) <= 5


@pytest.mark.parametrize("role", [Role.STUDENT, Role.TEACHER, Role.LIBRARIAN, Role.TECHNICIAN])
async def test_a_program_may_only_what_its_role_may(house: House, role: Role) -> None:
    caller = await program(house, role)
    for method, path in (
        ("PUT", "/api/v1/school"), ("PUT", "/api/v1/calendars/2026-2027"), ("POST", "/api/v1/rosters"),
        ("POST", "/api/v1/rosters/x/apply"), ("GET", "/api/v1/teachers"),
    ):  # fmt: skip
        assert (await caller.ask(method, path, {}))[0] == 403, (method, path)
    one = await house.people.put_class(name="6A", grade=6, by="test")
    assert (await caller.ask("GET", f"/api/v1/classes/{one.id}/pupils"))[0] == 403
    assert (await caller.ask("POST", f"/api/v1/classes/{one.id}/slips"))[0] == 403


def test_it_is_described() -> None:
    paths = describe(api.routes.all, "x")["paths"]
    assert {"/api/v1/rosters", "/api/v1/classes/{id}/pupils", "/api/v1/school"} <= paths.keys()
