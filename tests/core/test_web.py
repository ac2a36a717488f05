"""The web kit: permissions, same-site check on a plain-HTTP network, errors for people and programs, languages, live topics."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web

from densach_core import accounts, documents, schedules
from densach_core.accounts import audit, store
from densach_core.accounts.model import TECHNICIANS, Role
from densach_core.accounts.service import ACCOUNTS, AUDIT, COOKIE, Accounts, Audit
from densach_core.clock import SystemClock
from densach_core.database import Database
from densach_core.errors import BadInput, TooMany
from densach_core.live import Bus
from densach_core.text import t
from densach_core.web import live
from densach_core.web.keys import TEMPLATES
from densach_core.web.openapi import describe
from densach_core.web.respond import read_body, read_form, see_other
from densach_core.web.routes import EVERYONE, SIGNED_IN, Routes
from densach_core.web.site import Face, Room, Site, all_routes, core_rooms, make_app, serve

routes = Routes("test")
_ = (accounts, audit, documents, schedules)


class Wish(msgspec.Struct, frozen=True):
    seat: int
    note: str = ""
    tags: tuple[str, ...] = ()


@routes.get("/open", who=EVERYONE)
async def open_page(_: web.Request) -> web.Response:
    return web.Response(text="open")


@routes.get("/varied", who=EVERYONE)
async def varied(_: web.Request) -> web.Response:
    return web.Response(text="long " * 1000, headers={"Vary": "Cookie, Accept"})


@routes.get("/mine", who=SIGNED_IN)
async def mine(_: web.Request) -> web.Response:
    return web.Response(text="mine")


@routes.get("/staff", who=TECHNICIANS)
async def staff(_: web.Request) -> web.Response:
    return web.Response(text="staff")


@routes.post("/change", who=EVERYONE)
async def change(request: web.Request) -> web.Response:
    wish = await read_form(request, Wish)
    return see_other(request, "/open", flash=t("Seat {seat}: {note}", seat=wish.seat, note=",".join(wish.tags)))


@routes.api("POST", "/api/v1/wishes", who=TECHNICIANS, takes=Wish, answers=Wish, status=201, summary="Wish")
async def wish(request: web.Request) -> Wish:
    return await read_body(request, Wish)


@routes.get("/onward", who=EVERYONE)
async def onward(request: web.Request) -> web.Response:
    return see_other(request, request.query["to"])


@routes.get("/broken", who=EVERYONE)
async def broken(_: web.Request) -> web.Response:
    raise RuntimeError("secret detail")


@routes.get("/bad", who=EVERYONE)
async def bad(_: web.Request) -> web.Response:
    raise BadInput("test.bad", t("unknown"), t("just now"))


@routes.api("GET", "/api/v1/often", who=EVERYONE, summary="Too often")
async def often(_: web.Request) -> None:
    raise TooMany("test.often", t("just now"), retry_after_s=7)


class World(msgspec.Struct):
    base: str
    accounts: Accounts
    bus: Bus
    site: Site
    app: web.Application

    async def cookie(self, role: Role) -> dict[str, str]:
        login = role.value
        secret = "246813" if role is Role.STUDENT else "a very long password"
        await self.accounts.add(login=login, name=login, roles=frozenset({role}), by="test", secret=secret)
        entry = await self.accounts.log_in(login, secret)
        assert entry.cookie is not None
        return {COOKIE: entry.cookie}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    clock, bus, site = SystemClock(), Bus(), Site("test", "Test")
    async with Database(tmp_path / "school.db", {"accounts": store.MIGRATIONS}) as db:
        people = Accounts(db, clock)
        rooms = [*core_rooms(), Room("test", tmp_path, (routes,))]
        faces = [Face("/staff", t("Staff"), all_routes(rooms)[-1].access)]
        services: dict[Any, Any] = {ACCOUNTS: people, AUDIT: Audit(db, clock)}
        app = make_app(site, rooms, clock=clock, bus=bus, faces=faces, services=services)
        async with serve(app, "127.0.0.1", 0, grace_s=0.5) as port:
            yield World(f"http://127.0.0.1:{port}", people, bus, site, app)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


async def test_owner_member_stranger(world: World, http: aiohttp.ClientSession) -> None:
    pupil, technician, admin = [await world.cookie(r) for r in (Role.STUDENT, Role.TECHNICIAN, Role.ADMIN)]
    expected = {"/open": (200, 200, 200, 200), "/mine": (303, 200, 200, 200), "/staff": (303, 403, 200, 200)}
    for path, statuses in expected.items():
        for cookies, status in zip(({}, pupil, technician, admin), statuses, strict=True):
            async with http.get(world.base + path, cookies=cookies, allow_redirects=False) as response:
                assert response.status == status, (path, cookies)


@pytest.mark.parametrize(
    "to",
    [
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "/\r\nX: 1",
        "https://evil.example",
        "",
        "\\\\x",
    ],
)
async def test_nobody_is_led_to_another_site(world: World, http: aiohttp.ClientSession, to: str) -> None:
    async with http.get(world.base + "/onward", params={"to": to}, allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (303, "/")
    async with http.get(world.base + "/onward", params={"to": "/lab?x=//y\\z"}, allow_redirects=False) as response:
        assert response.headers["Location"] == "/lab?x=//y\\z"


async def test_a_stranger_is_sent_to_sign_in_and_back(world: World, http: aiohttp.ClientSession) -> None:
    async with http.get(world.base + "/staff?x=1", allow_redirects=False) as response:
        assert response.headers["Location"] == "/login?next=%2Fstaff%3Fx%3D1"


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ({"Origin": "{base}"}, True),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "{base}"}, False),
        ({}, False),
    ],
)
async def test_changes_come_only_from_our_own_pages(
    world: World, http: aiohttp.ClientSession, headers: dict[str, str], passes: bool
) -> None:
    """On a school's plain-HTTP network browsers send no Sec-Fetch-Site: Origin is what decides."""
    cookies = await world.cookie(Role.STUDENT)
    sent = {name: value.format(base=world.base) for name, value in headers.items()}
    data = {"seat": "7"}
    async with http.post(world.base + "/change", headers=sent, cookies=cookies, data=data, allow_redirects=False) as response:
        assert response.status == (303 if passes else 403)


async def test_a_form_becomes_a_struct_and_says_what_is_wrong(world: World, http: aiohttp.ClientSession) -> None:
    data = [("seat", "7"), ("tags", "a"), ("tags", "b")]
    async with http.post(world.base + "/change", data=data, allow_redirects=False) as response:
        assert "7%3A%20a%2Cb" in response.headers["Set-Cookie"]
    async with http.post(world.base + "/change", data={"seat": "x"}, allow_redirects=False) as response:
        assert response.status == 422
        assert "form.wrong" in await response.text()


async def test_api_by_token_and_its_errors(world: World, http: aiohttp.ClientSession) -> None:
    _, secret = await world.accounts.create_token(name="t", roles=frozenset({Role.TECHNICIAN}), by="test")
    headers = {"Authorization": f"Bearer {secret}"}
    async with http.post(world.base + "/api/v1/wishes", json={"seat": 3}, headers=headers) as response:
        assert (response.status, (await response.json())["seat"]) == (201, 3)
    async with http.post(world.base + "/api/v1/wishes", json={"seat": "x"}, headers=headers) as response:
        problem = await response.json(content_type="application/problem+json")
        assert (response.status, problem["code"]) == (422, "body.wrong")
    async with http.post(world.base + "/api/v1/wishes", json={"seat": 3}, headers={"Authorization": "Bearer no"}) as response:
        assert response.status == 401
    async with http.get(world.base + "/api/v1/often") as response:
        assert (response.status, response.headers["Retry-After"]) == (429, "7")
    async with http.delete(world.base + "/api/v1/wishes") as response:
        assert (response.status, response.headers["Allow"]) == (405, "POST")
        assert (await response.json(content_type="application/problem+json"))["code"] == "request.method"
    async with http.get(world.base + "/api/v1/nothing") as response:
        assert (await response.json(content_type="application/problem+json"))["code"] == "page.not-found"


async def test_an_unexpected_failure_tells_a_number_not_its_inside(world: World, http: aiohttp.ClientSession) -> None:
    async with http.get(world.base + "/broken") as response:
        text = await response.text()
        assert response.status == 500
        assert "secret detail" not in text


async def test_templates_that_vanish_under_a_running_hub_leave_words_in_both_languages(
    world: World, http: aiohttp.ClientSession
) -> None:
    world.app[TEMPLATES].env.loader = None
    async with http.get(world.base + "/broken") as response:
        text = await response.text()
        assert (response.status, response.content_type) == (500, "text/html")
        assert "Có lỗi trong máy chủ (sự cố " in text
        assert "secret detail" not in text
    async with http.get(world.base + "/broken", headers={"Cookie": "lang=en"}) as response:
        assert "Something went wrong here (incident " in await response.text()
    async with http.get(world.base + "/no-such-page") as response:
        assert "Có lỗi trong máy chủ" in await response.text()


async def test_two_languages_by_a_click(world: World, http: aiohttp.ClientSession) -> None:
    async with http.get(world.base + "/bad") as response:
        assert "chưa rõ" in (await response.text()).lower()
    async with http.get(world.base + "/bad?lang=en", allow_redirects=False) as response:
        assert response.headers["Location"] == "/bad"
        assert "lang=en" in response.headers["Set-Cookie"]
    async with http.get(world.base + "/bad", cookies={"lang": "en"}) as response:
        assert "unknown" in await response.text()


async def test_compressing_keeps_what_a_handler_says_it_depends_on(world: World, http: aiohttp.ClientSession) -> None:
    async with http.get(world.base + "/varied", headers={"Accept-Encoding": "gzip"}) as response:
        assert (response.headers["Content-Encoding"], response.headers["Vary"]) == ("gzip", "Accept-Encoding, Cookie, Accept")


async def test_strict_headers(world: World, http: aiohttp.ClientSession) -> None:
    async with http.get(world.base + "/open") as response:
        policy = response.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_before_set_up_everything_leads_there(world: World, http: aiohttp.ClientSession) -> None:
    world.site.must_set_up = True
    for path in ("/open", "/nothing", "/staff"):
        async with http.get(world.base + path, allow_redirects=False) as response:
            assert response.headers["Location"] == "/setup"
    async with http.get(world.base + "/healthz") as response:
        assert response.status == 200


async def test_staff_is_sent_to_https_when_there_is_one(world: World, http: aiohttp.ClientSession) -> None:
    """Before they sign in. Loopback itself is exempt; a proxy on this machine speaks for a browser elsewhere."""
    world.site.https = 8443
    cookies = await world.cookie(Role.TECHNICIAN)
    async with http.get(world.base + "/staff", cookies=cookies, allow_redirects=False) as response:
        assert response.status == 200
    elsewhere = {"X-Forwarded-For": "192.0.2.7", "Host": "hub.lan:8080"}
    for held in (cookies, {}):
        async with http.get(world.base + "/staff?day=1", headers=elsewhere, cookies=held, allow_redirects=False) as response:
            assert (response.status, response.headers["Location"]) == (307, "https://hub.lan:8443/staff?day=1")
    by_https = elsewhere | {"X-Forwarded-Proto": "https"}
    async with http.get(world.base + "/staff", headers=by_https, cookies=cookies) as response:
        assert response.status == 200
    async with http.get(world.base + "/open", headers=elsewhere) as response:
        assert response.status == 200


async def test_live_topics_reach_an_open_page(world: World, http: aiohttp.ClientSession) -> None:
    async with http.get(world.base + "/live?topics=fleet") as response:
        assert (await response.content.readline()).startswith(b"retry")
        await response.content.readline()
        world.bus.say("library")
        world.bus.say("fleet")
        async with asyncio.timeout(5):
            assert await response.content.readline() == b"event: changed\n"
            assert await response.content.readline() == b"data: fleet\n"


async def test_lines_that_stay_open_are_counted_and_make_no_page_look_slow(world: World, http: aiohttp.ClientSession) -> None:
    async def told() -> str:
        async with http.get(world.base + "/metrics") as response:
            return await response.text()

    async with http.get(world.base + "/live?topics=fleet") as response:
        await response.content.readline()
        assert "densach_live_streams 1.0" in await told()
    async with asyncio.timeout(30):
        while 'requests_total{method="GET",route="/live",status="200"} 1.0' not in await told():
            world.bus.say("fleet")
            await asyncio.sleep(0.02)
    assert 'seconds_count{route="/live"}' not in await told()
    assert 'seconds_count{route="/metrics"}' in await told()
    assert "densach_live_streams 0.0" in await told()


async def test_one_address_holds_so_many_live_lines_and_frees_them(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST_OF_ONE", 2)
    async with aiohttp.ClientSession() as first, aiohttp.ClientSession() as second:
        lines = [await first.get(world.base + "/live?topics=fleet") for _ in range(2)]
        async with second.get(world.base + "/live?topics=fleet") as response:
            assert (response.status, response.headers["Retry-After"]) == (429, "60")
        async with second.get(world.base + "/live", headers={"X-Forwarded-For": "192.0.2.7"}) as response:
            assert response.status == 200
        for line in lines:
            line.close()
        async with asyncio.timeout(5):
            while len(world.app[live.STREAMS]) > 1:
                world.bus.say("fleet")
                await asyncio.sleep(0.02)
        async with second.get(world.base + "/live?topics=fleet") as response:
            assert response.status == 200


async def test_metrics_and_api_description(world: World, http: aiohttp.ClientSession) -> None:
    async with http.get(world.base + "/open") as response:
        assert response.status == 200
    async with http.get(world.base + "/metrics") as response:
        assert 'route="/open",status="200"' in await response.text()
    elsewhere = {"X-Forwarded-For": "192.0.2.7"}
    async with http.get(world.base + "/metrics", headers=elsewhere) as response:
        assert response.status == 403
    async with http.get(world.base + "/metrics", headers=elsewhere, cookies=await world.cookie(Role.STUDENT)) as response:
        assert response.status == 403
    async with http.get(world.base + "/metrics", headers=elsewhere, cookies=await world.cookie(Role.TECHNICIAN)) as response:
        assert response.status == 200
    async with http.get(world.base + "/api/openapi.json") as response:
        paths = (await response.json())["paths"]
        assert paths["/api/v1/wishes"]["post"]["responses"]["201"]
    assert describe([], "x")["paths"] == {}
