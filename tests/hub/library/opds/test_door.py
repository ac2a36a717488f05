"""What is a reader's own: who gets it, how an app signs in, and what guessing costs."""

import base64
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from tests.hub.library import made
from tests.hub.library.opds.rules import NS, feed, opds2
from tests.hub.library.world import LONG, World, put_in

from densach_core.accounts import totp
from densach_core.accounts.model import Account, Role
from densach_core.clock import SystemClock
from densach_core.errors import NotAllowed
from densach_core.web.keys import LANGUAGES, SITE
from densach_core.web.site import Site, languages
from densach_hub.library.opds.door import _check, document

SHELVES = ("/opds/v1.2/shelf", "/opds/v2/shelf")
PIN = "246813"


def basic(login: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{login}:{secret}".encode()).decode()}


async def account(world: World, login: str, role: Role = Role.STUDENT, **more: Any) -> Account:
    secret = PIN if role is Role.STUDENT else LONG
    return await world.accounts.add(login=login, name=login, roles=frozenset({role}), by="t", secret=secret, **more)


@pytest.fixture
async def books(world: World, tmp_path: Path) -> list[str]:
    return [
        (await put_in(world.library, tmp_path, name, body)).id for name, body in (("a.epub", made.epub()), ("b.pdf", made.pdf()))
    ]


async def refused(world: World, path: str, headers: dict[str, str], status: int = 401) -> dict[str, Any]:
    async with world.http.get(world.base + path, headers=headers) as response:
        assert response.status == status, await response.text()
        if status == 401:
            assert response.content_type == "application/opds-authentication+json"
            assert response.headers["WWW-Authenticate"] == 'Basic realm="Den Sach (not encrypted)", charset="UTF-8"'
            assert (
                f'<{world.base}/opds/authentication.json>; rel="http://opds-spec.org/auth/document"' in response.headers["Link"]
            )
            assert response.headers["Cache-Control"] == "no-store"
        else:
            assert response.content_type == "application/problem+json"
        told: dict[str, Any] = await response.json(content_type=None)
        return told


async def test_the_document_says_how_to_sign_in_and_that_others_may_listen(world: World) -> None:
    async with world.http.get(world.base + "/opds/authentication.json") as response:
        assert (response.status, response.content_type) == (200, "application/opds-authentication+json")
        told = await response.json(content_type=None)
    assert told == await refused(world, SHELVES[0], {})
    assert told["id"] == f"{world.base}/opds/authentication.json"
    assert told["title"] == "Trường THCS Thử Nghiệm"
    assert told["authentication"] == [
        {"type": "http://opds-spec.org/auth/basic", "labels": {"login": "Tên đăng nhập", "password": "Mật khẩu hoặc mã PIN"}}
    ]
    assert "không được mã hóa" in told["description"]


async def test_a_shelf_is_its_owners(world: World, books: list[str]) -> None:
    owner, other = await account(world, "an"), await account(world, "bình")
    await world.library.readers.put_on_shelf(owner.id, books[0])
    await world.library.readers.save(owner.id, books[1], where="2", fraction=0.5, device_at=1, device_now=1, device="x")
    mine = basic("an", PIN)
    titles = [e.findtext("a:id", "", NS) for e in (await feed(world, SHELVES[0], mine)).iterfind("a:entry", NS)]
    assert titles == [f"urn:densach:item:{books[1]}", f"urn:densach:item:{books[0]}"]
    groups = (await opds2(world, SHELVES[1], mine))["groups"]
    assert [group["metadata"] for group in groups] == [
        {"title": "Đọc tiếp", "numberOfItems": 1}, {"title": "Để dành đọc sau", "numberOfItems": 1},
    ]  # fmt: skip
    assert other.login == "bình"
    assert not (await feed(world, SHELVES[0], basic("bình", PIN))).findall("a:entry", NS)
    assert "groups" not in await opds2(world, SHELVES[1], await world.as_(Role.LIBRARIAN))
    for path in SHELVES:
        await refused(world, path, {})
        async with world.http.get(world.base + path, headers=mine) as response:
            assert response.headers["Cache-Control"] == "private, no-store"


async def test_one_log_in_serves_many_questions_and_ends_with_the_account(world: World, books: list[str]) -> None:
    owner = await account(world, "an")
    for _ in range(6):
        await opds2(world, SHELVES[1], basic("AN", PIN))
    count = await world.library._school.read(lambda c: c.execute("SELECT count(*) FROM account_session").fetchone()[0])
    assert count == 1
    await world.accounts.close(owner.id, by="t")
    await refused(world, SHELVES[1], basic("AN", PIN))
    assert books


async def test_a_new_pin_shuts_the_old_one_out(world: World) -> None:
    owner = await account(world, "an")
    await opds2(world, SHELVES[1], basic("an", PIN))
    new = await world.accounts.reset(owner.id, by="t")
    await refused(world, SHELVES[1], basic("an", PIN))
    await opds2(world, SHELVES[1], basic("an", new))


async def test_the_same_wrong_pin_again_is_no_new_guess_but_others_lock(world: World) -> None:
    await account(world, "an")
    for _ in range(12):
        told = await refused(world, SHELVES[0], basic("an", "111112"))
        assert "không khớp" in told["description"]
    await opds2(world, SHELVES[1], basic("an", PIN))
    for guess in range(5):
        await refused(world, SHELVES[0], basic("bo", f"22222{guess}"))
    async with world.http.get(world.base + SHELVES[0], headers=basic("bo", "333333")) as response:
        assert (response.status, response.content_type) == (429, "application/problem+json")
        assert int(response.headers["Retry-After"]) > 60
        assert (await response.json(content_type=None))["code"] == "accounts.locked"


async def test_what_is_no_name_and_password(world: World) -> None:
    for header in ("Basic", "Basic ###", "Basic YQ==", "Basic /////w==", "Digest x=1", "Basic " + "YTph" * 900):
        await refused(world, SHELVES[0], {"Authorization": header})


async def test_who_must_do_something_first_is_told_in_words(world: World) -> None:
    await account(world, "cô", Role.TEACHER, must_change=True)
    told = await refused(world, SHELVES[0], basic("cô", LONG), status=403)
    assert told["code"] == "opds.must-change"
    async with world.http.get(world.base + SHELVES[0], headers={"Authorization": "Bearer ds_nothing"}) as response:
        assert (response.status, response.content_type) == (401, "application/problem+json")


async def test_wrong_credentials_do_not_close_what_is_open(world: World, books: list[str]) -> None:
    assert len((await feed(world, "/opds/v1.2/items", basic("an", "999999"))).findall("a:entry", NS)) == len(books)


def request_from_a_phone(*, encrypted: bool) -> web.Request:
    app = web.Application()
    app[SITE] = Site(name="Trường", title="Trường", https=8443)
    app[LANGUAGES] = languages([])
    headers = {"Host": "truong.lan:8000", "X-Forwarded-For": "10.0.0.7"} | ({"X-Forwarded-Proto": "https"} if encrypted else {})
    return make_mocked_request("GET", "/opds/v2/shelf", headers=headers, app=app)


def test_staff_sign_in_encrypted_only_and_pupils_are_told_where_that_is() -> None:
    def of(role: Role) -> Account:
        return Account(id="x", login="x", name="x", roles=frozenset({role}))

    clear, safe = request_from_a_phone(encrypted=False), request_from_a_phone(encrypted=True)
    with pytest.raises(NotAllowed) as told:
        _check(clear, of(Role.TEACHER))
    assert told.value.code == "opds.not-encrypted"
    _check(clear, of(Role.STUDENT))
    _check(safe, of(Role.TEACHER))
    assert "https://truong.lan:8443/opds" in document(clear).description
    assert "https" not in document(safe).description
    assert document(safe).id == "https://truong.lan:8000/opds/authentication.json"


async def test_a_second_factor_cannot_be_asked_for(world: World) -> None:
    owner = await account(world, "tin", Role.TECHNICIAN)
    key = await world.accounts.second_factor.begin(owner)
    await world.accounts.second_factor.finish(owner, totp.hotp(key, SystemClock().now_ms() // 30_000))
    assert (await refused(world, SHELVES[0], basic("tin", LONG), status=403))["code"] == "opds.second-factor"
