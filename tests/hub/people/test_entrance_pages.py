"""Signing in as a browser on a plain-HTTP network does it, scripts off: pupils by class, staff by name, two steps."""

import re

import pytest
from tests.hub.people.house import PASSWORD, House
from tests.hub.people.rosters import PUPILS

from densach_core.accounts import totp
from densach_core.accounts.model import Role
from densach_core.accounts.pages import safe_path
from densach_core.accounts.service import COOKIE


async def with_slips(house: House) -> dict[str, str]:
    """A roster is in, class 6A1 has its slips: name → PIN."""
    preview = await house.people.rosters.preview("ds.csv", PUPILS.encode(), by="test")
    await house.people.rosters.apply(preview.id, preview.mark, by="test")
    one = next(c for c in await house.people.classes() if c.name == "6A1")
    return {slip.name: slip.secret or "" for slip in await house.people.slips.of_class(one.id, by="test")}


async def test_a_pupil_finds_class_and_name_and_types_the_pin(house: House) -> None:
    pins = await with_slips(house)
    browser = await house.browser()
    classes = await browser.get("/login?next=/shelf")
    assert "Em học lớp nào?" in classes.text
    link = classes.text.split('href="/login?class=')[1].split('"')[0].replace("&amp;", "&")
    names = await browser.get(f"/login?class={link}")
    assert "Tuyết Đ." in names.text
    assert "Đỗ Thị" not in names.text, "no whole names for strangers"
    assert "0123456702" not in names.text, "no codes for strangers"
    part = next(p for p in names.text.split("<li>") if "Tuyết Đ." in p)
    target = part.split('href="')[1].split('"')[0].replace("&amp;", "&")
    form = await browser.get(target)
    assert 'name="secret" type="password"' in form.text
    assert "autofocus" in form.text
    pupil = target.split("pupil=")[1].split("&")[0]
    data = {"pupil": pupil, "school_class": link.split("&")[0], "secret": "000000", "next": "/shelf"}
    wrong = await browser.post("/login", data)
    assert wrong.status == 422
    assert "Tuyết Đ." in wrong.text
    assert 'role="alert"' in wrong.text
    assert "Mã PIN chưa đúng. Em nhập lại nhé." in " ".join(re.sub(r"<[^>]+>", " ", wrong.text).split())
    right = await browser.post("/login", data | {"secret": pins["Đỗ Thị Ánh Tuyết"]})
    assert (right.status, right.location) == (303, "/shelf")
    cookie = right.headers["Set-Cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie, "plain HTTP"


async def test_behind_https_the_cookie_is_secure(house: House) -> None:
    await house.account("lan", Role.TECHNICIAN)
    browser = await house.browser()
    origin = house.base.replace("http:", "https:")
    async with browser.session.post(
        house.base + "/login", data={"login": "lan", "secret": PASSWORD}, allow_redirects=False,
        headers={"Origin": origin, "X-Forwarded-Proto": "https"},
    ) as answer:  # fmt: skip
        assert answer.status == 303
        assert "Secure" in answer.headers["Set-Cookie"]


async def test_staff_type_their_password_behind_https_where_there_is_one(house: House) -> None:
    house.site.https = 8443
    browser = await house.browser()
    elsewhere = {"X-Forwarded-For": "192.0.2.7", "Host": "hub.lan"}
    for path, where in (("/login?as=staff&next=/lab", "https://hub.lan:8443/login?as=staff&next=/lab"), ("/login", None)):
        async with browser.session.get(house.base + path, headers=elsewhere, allow_redirects=False) as answer:
            assert (answer.status, answer.headers.get("Location")) == (307 if where else 200, where)


async def test_staff_sign_in_by_name_and_land_where_they_work(house: House) -> None:
    for login, role, place in (("lan", Role.TECHNICIAN, "/lab"), ("thu", Role.LIBRARIAN, "/desk"), ("cuc", Role.TEACHER, "/")):
        await house.account(login, role)
        browser = await house.browser()
        form = await browser.get("/login?as=staff")
        assert "Tên đăng nhập" in form.text
        answer = await browser.post("/login", {"login": login, "secret": PASSWORD, "next": "/"})
        assert (answer.status, answer.location) == (303, place)
        assert (await browser.get("/account")).status == 200


async def test_five_wrong_tries_are_told_with_a_time(house: House) -> None:
    await house.account("lan", Role.TECHNICIAN)
    browser = await house.browser()
    for _ in range(5):
        assert (await browser.post("/login", {"login": "lan", "secret": "sai"})).status == 422
    locked = await browser.post("/login", {"login": "lan", "secret": PASSWORD})
    assert locked.status == 429
    assert int(locked.headers["Retry-After"]) > 800
    assert "15 phút" in locked.text


async def test_another_site_cannot_sign_somebody_in(house: House) -> None:
    await house.account("lan", Role.TECHNICIAN)
    browser = await house.browser()
    answer = await browser.post("/login", {"login": "lan", "secret": PASSWORD}, origin="http://evil.example")
    assert answer.status == 403
    assert COOKIE not in answer.headers.get("Set-Cookie", "")


async def test_a_planted_cookie_is_worth_nothing_after_log_in(house: House) -> None:
    await house.account("lan", Role.TECHNICIAN)
    browser = await house.browser()
    planted = "A" * 43
    browser.session.cookie_jar.update_cookies({COOKIE: planted}, response_url=browser.url("/"))
    await browser.post("/login", {"login": "lan", "secret": PASSWORD})
    assert await house.accounts.session(planted) is None
    assert (await browser.get("/account")).status == 200


async def test_signing_out_is_a_post_and_ends_the_session(house: House) -> None:
    await house.account("lan", Role.TECHNICIAN)
    browser = await house.browser("lan")
    assert (await browser.get("/logout")).status == 405
    assert (await browser.get("/account")).status == 200
    assert (await browser.post("/logout")).status == 303
    assert (await browser.get("/account")).status == 303


async def test_two_steps(house: House) -> None:
    await house.account("lan", Role.TECHNICIAN)
    browser = await house.browser("lan")
    page = await browser.get("/account/second-factor")
    assert "<svg" in page.text
    state = await house.accounts.second_factor.begin((await house.accounts.page())[0][0].account)
    done = await browser.post("/account/second-factor", {"code": totp.hotp(state, house.clock.now_ms() // 30_000)})
    assert done.status == 200
    assert done.text.count('class="once"') == 8
    recovery = done.text.split('class="once">')[1].split("<")[0]
    assert "8 mã dự phòng" in (await browser.get("/account")).text

    browser = await house.browser()
    first = await browser.post("/login", {"login": "lan", "secret": PASSWORD, "next": "/lab"})
    assert first.status == 200
    assert COOKIE not in first.headers.get("Set-Cookie", "")
    ticket = first.text.split('name="ticket" value="')[1].split('"')[0]
    wrong = await browser.post("/login/code", {"ticket": ticket, "code": "000000", "next": "/lab"})
    assert wrong.status == 422
    assert ticket in wrong.text
    right = await browser.post("/login/code", {"ticket": ticket, "code": recovery, "next": "/lab"})
    assert (right.status, right.location) == (303, "/lab")
    assert "7 mã dự phòng" in (await browser.get("/account")).text
    off = await browser.post("/account/second-factor/off", {"old": PASSWORD})
    assert off.status == 303


async def test_pupils_change_their_pin_and_nothing_about_staff(house: House) -> None:
    await house.account("hs1", Role.STUDENT)
    browser = await house.browser("hs1", "804159")
    page = await browser.get("/account")
    assert "Đổi mã PIN" in page.text
    assert "hai bước" not in page.text
    assert (await browser.get("/account/second-factor")).status == 403
    weak = await browser.post("/account/secret", {"old": "804159", "new": "123456", "again": "123456"})
    assert weak.status == 422
    assert "dễ đoán (lặp lại hoặc dãy số)" in weak.text
    differ = await browser.post("/account/secret", {"old": "804159", "new": "274016", "again": "274017"})
    assert differ.status == 422
    elsewhere = await house.accounts.log_in("hs1", "804159")
    fine = await browser.post("/account/secret", {"old": "804159", "new": "274016", "again": "274016"})
    assert fine.status == 303
    assert (await browser.get("/account")).status == 200, "one's own session goes on"
    assert await house.accounts.session(elsewhere.cookie or "") is None, "others end"


async def test_a_first_password_must_be_changed_before_anything_else(house: House) -> None:
    account = await house.account("lan", Role.TECHNICIAN)
    secret = await house.accounts.reset(account.id, by="test")
    browser = await house.browser()
    entered = await browser.post("/login", {"login": "lan", "secret": secret, "next": "/lab"})
    assert entered.location == "/account"
    assert (await browser.get("/admin/clock")).location == "/account"
    short = await browser.post("/account/secret", {"old": secret, "new": "ngắn quá 1", "again": "ngắn quá 1"})
    assert short.status == 422
    done = await browser.post("/account/secret", {"old": secret, "new": PASSWORD, "again": PASSWORD})
    assert done.status == 303
    assert (await browser.get("/admin/clock")).status == 200


async def test_language_is_kept_with_the_account(house: House) -> None:
    await house.account("lan", Role.TECHNICIAN)
    browser = await house.browser("lan")
    await browser.post("/account/language", {"locale": "en"})
    browser = await house.browser("lan")
    assert "Change password" in (await browser.get("/account")).text


@pytest.mark.parametrize(
    ("path", "safe"),
    [
        ("/lab?x=1", "/lab?x=1"), ("//evil.example", "/"), ("/\\evil.example", "/"), ("https://evil.example", "/"),
        ("", "/"), ("/login?next=/login", "/"), ("/a\nb", "/"),
        ("/\t/evil.example", "/"), ("/\\/evil.example", "/"),
    ],
)  # fmt: skip
def test_onward_paths_stay_here(path: str, safe: str) -> None:
    assert safe_path(path) == safe
