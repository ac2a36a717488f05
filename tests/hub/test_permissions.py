"""Every address of a hub, tried by a stranger, a pupil, each kind of staff and the administrator."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from tests.fixtures.hub import HubUnderTest, hub_in

from densach_core.accounts.model import Account, Role
from densach_core.accounts.service import COOKIE
from densach_core.web.routes import Route
from densach_core.web.site import all_routes
from densach_hub.web_rooms import every_room

STAFF_ONLY = [route for route in all_routes(every_room()) if route.access.roles is not None]
PERSONAL = [route for route in all_routes(every_room()) if not route.access.open and route.access.roles is None]
REFUSED = {401, 403}


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[HubUnderTest]:
    async with hub_in(tmp_path / "hub") as running:
        yield running


def address(route: Route) -> str:
    path = re.sub(r"\{\w+:\\d\+\}", "1", route.path)
    return re.sub(r"\{[^}]+\}", "x", path)


async def ask(http: aiohttp.ClientSession, hub: HubUnderTest, route: Route, cookie: str | None) -> tuple[int, str]:
    cookies = {COOKIE: cookie} if cookie else {}
    async with http.request(
        route.method, hub.base + address(route), cookies=cookies, headers={"Origin": hub.base}, allow_redirects=False
    ) as response:
        return response.status, response.headers.get("Location", "")


def test_there_is_something_to_try() -> None:
    assert len(STAFF_ONLY) > 60
    assert {route.path.split("/")[1] for route in STAFF_ONLY} >= {"lab", "desk", "reports", "admin", "api"}


async def test_strangers_and_pupils_get_into_no_staff_page(hub: HubUnderTest) -> None:
    pupil = await hub.cookie(Role.STUDENT)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        for route in STAFF_ONLY:
            status, to = await ask(http, hub, route, None)
            assert status in REFUSED or (status == 303 and to.startswith("/login")), (route.method, route.path, status)
            status, _ = await ask(http, hub, route, pupil)
            assert status == 403, (route.method, route.path, status)


async def test_staff_get_where_their_role_goes_and_nowhere_else(hub: HubUnderTest) -> None:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        for role in (Role.TEACHER, Role.LIBRARIAN, Role.TECHNICIAN, Role.PRINCIPAL, Role.ADMIN):
            cookie = await hub.cookie(role)
            somebody = Account(id="x", login="x", name="x", roles=frozenset({role}))
            for route in STAFF_ONLY:
                if route.method != "GET":
                    continue
                status, _ = await ask(http, hub, route, cookie)
                assert (status == 403) is not route.access.admits(somebody), (role, route.path, status)
                assert status < 500, (role, route.path, status)


async def test_what_is_personal_needs_a_person(hub: HubUnderTest) -> None:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        for route in PERSONAL:
            status, to = await ask(http, hub, route, None)
            assert status in REFUSED or (status == 303 and to.startswith("/login")), (route.method, route.path, status)


@pytest.mark.parametrize("number", ["9223372036854775808", "9" * 400, "٣"])
async def test_a_number_beyond_all_rows_is_nothing_found(hub: HubUnderTest, number: str) -> None:
    cookie = await hub.cookie(Role.ADMIN)
    numbered = [route for route in all_routes(every_room()) if r":\d+}" in route.path]
    assert numbered
    assert all(":" not in re.sub(r":(\\d\+|\.\+|\.\*)}", "}", route.path) for route in all_routes(every_room())), (
        "unknown pattern"
    )
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        for route in numbered:
            path = re.sub(r"\{[^}]+\}", "x", re.sub(r"\{\w+:\\d\+\}", number, route.path))
            async with http.request(
                route.method, hub.base + path, cookies={COOKIE: cookie}, headers={"Origin": hub.base}, allow_redirects=False
            ) as response:
                assert response.status == 404, (route.method, route.path)


@pytest.mark.parametrize("number", ["9223372036854775808", "-" + "9" * 600])
async def test_no_address_fails_on_a_huge_number_where_a_name_is_wanted(hub: HubUnderTest, number: str) -> None:
    cookie = await hub.cookie(Role.ADMIN)
    query = "&".join(f"{name}={number}" for name in ("page", "at", "since", "until", "month", "days", "limit", "grade", "day"))
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        for route in all_routes(every_room()):
            if route.method != "GET" or route.path in {"/live", "/healthz"}:
                continue
            path = re.sub(r"\{[^}]+\}", number, route.path)
            async with http.get(f"{hub.base}{path}?{query}", cookies={COOKIE: cookie}, allow_redirects=False) as response:
                assert response.status < 500, (route.path, response.status)


async def test_a_change_sent_from_another_site_is_refused_everywhere(hub: HubUnderTest) -> None:
    cookie = await hub.cookie(Role.ADMIN)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        for route in all_routes(every_room()):
            if route.method in {"GET", "HEAD", "OPTIONS"} or not route.same_site:
                continue
            async with http.request(
                route.method, hub.base + address(route), cookies={COOKIE: cookie}, headers={"Origin": "http://evil.example"}
            ) as response:
                assert response.status == 403, (route.method, route.path)
