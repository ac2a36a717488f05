"""A school's first day: an empty folder, a code from the console, six steps, and nobody else gets in."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest
from tests.hub.people.house import PASSWORD, Browser, House, house_in

from densach_core.accounts.model import Role
from densach_core.clock import SystemClock
from densach_core.errors import TooMany
from densach_core.place import kept_clock
from densach_hub.people.calendar import proposed

SCHOOL = [("name", "Trường THCS Đèn Sách"), ("levels", "THCS"), ("code_1", "00123456"), ("login_by_class", "true")]
YEAR = {
    "first_1": "2026-09-07", "last_1": "2027-01-09", "first_2": "2027-01-11", "last_2": "2027-05-22", "weekdays": "1",
}  # fmt: skip
ADMIN = {"name": "Nguyễn Thị Lan", "login": "lan.nguyen", "password": PASSWORD, "again": PASSWORD}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with house_in(tmp_path) as one:
        one.site.must_set_up = await one.setup.is_needed()
        yield one


async def with_code(house: House) -> Browser:
    browser = await house.browser()
    entered = await browser.get(house.setup.path())
    assert (entered.status, entered.location) == (303, "/setup")
    return browser


async def test_everything_leads_to_set_up_until_it_is_done(house: House) -> None:
    assert house.site.must_set_up
    browser = await house.browser()
    for path in ("/", "/login", "/admin/users", "/classes", "/no-such-page"):
        answer = await browser.get(path)
        assert (answer.status, answer.location) == (303, "/setup"), path
    assert (await browser.get("/api/v1/users")).status == 409


async def test_without_the_code_nothing_can_be_seen_or_done(house: House) -> None:
    browser = await house.browser()
    asked = await browser.get("/setup")
    assert asked.status == 401
    assert "Mã thiết lập" in asked.text
    for step in ("clock", "school", "calendar", "admin", "rooms", "finish"):
        assert (await browser.get(f"/setup/{step}")).status == 401, step
        assert (await browser.post(f"/setup/{step}", ADMIN)).status == 401, step
    assert (await browser.post("/setup", {"code": "aaaaa-aaaaa"})).status == 422
    assert not await house.accounts.has_admin()


async def test_the_code_cannot_be_guessed(house: House) -> None:
    for n in range(20):
        assert not house.setup.fits(f"wrong{n}", "10.0.0.7")
    with pytest.raises(TooMany):
        house.setup.fits(house.setup.code, "10.0.0.7")
    assert house.setup.fits(house.setup.code, "10.0.0.8"), "who guesses shuts out nobody else"


async def test_the_code_cannot_be_guessed_from_many_addresses_either(house: House) -> None:
    tried = refused = 0
    for n in range(200):
        for _ in range(20):
            try:
                assert not house.setup.fits("wrong", f"10.0.{n}.1")
                tried += 1
            except TooMany:
                refused += 1
    assert tried < 300 + 200 * 3 + 60, "after 300 in all each address has but three"
    assert refused > 3000
    assert house.setup.fits(house.setup.code, "10.1.0.1"), "the technician gets in all the same"


async def test_the_code_may_be_typed_with_capitals_and_without_dash(house: House) -> None:
    browser = await house.browser()
    answer = await browser.post("/setup", {"code": house.setup.code.upper().replace("-", " ")})
    assert answer.status == 303
    assert (await browser.get("/setup")).location == "/setup/clock"


async def test_the_whole_first_day(house: House) -> None:
    browser = await with_code(house)
    assert (await browser.get("/setup")).location == "/setup/clock"
    assert (await browser.post("/setup/clock", {"keep": "true"})).location == "/setup"
    assert (await browser.get("/setup")).location == "/setup/school"
    assert (await browser.post("/setup/school", [("name", "x")])).status == 422
    assert (await browser.post("/setup/school", SCHOOL)).location == "/setup/calendar"
    page = await browser.get("/setup/calendar")
    today = proposed(await house.people.today())
    assert f'value="{today.first}"' in page.text, "a sensible year is proposed"
    assert (await browser.post("/setup/calendar", YEAR)).location == "/setup/admin"
    assert (await browser.get("/setup/finish")).location == "/setup/admin", "not before there is an administrator"
    assert (await browser.post("/setup/admin", ADMIN | {"again": "x"})).status == 422
    assert (await browser.post("/setup/admin", ADMIN | {"password": "ngắn", "again": "ngắn"})).status == 422
    assert (await browser.post("/setup/admin", ADMIN)).location == "/setup/rooms"
    room = [("name", "Phòng máy 1"), ("seats", "24"), ("levels", "THCS"), ("kind", "computer-room")]
    assert (await browser.post("/setup/rooms", room)).status == 303
    assert (await browser.post("/setup/rooms", [("name", "")])).status == 422
    assert "Đã có phòng tên này" in (await browser.post("/setup/rooms", [("name", "phòng máy  1"), ("seats", "30")])).text
    assert (await browser.post("/setup/rooms", [("name", "Phòng máy 2"), ("seats", "")])).status == 422, "seats are asked for"
    assert "24 chỗ" in (await browser.get("/setup/rooms")).text
    assert (await browser.post("/setup/rooms/done")).location == "/setup/finish"
    assert "Trường THCS Đèn Sách" in (await browser.get("/setup/finish")).text
    assert "mọi người trong mạng của trường" in (await browser.get("/setup/finish")).text
    house.site.only_here = True
    alone = (await browser.get("/setup/finish")).text
    assert "chỉ máy này mở được" in alone
    assert "mọi người trong mạng của trường" not in alone
    assert house.site.must_set_up
    assert (await browser.post("/setup/finish")).location == "/admin/start"

    assert (await browser.get("/login")).location != "/setup"
    assert house.site.title == "Trường THCS Đèn Sách"
    after = await browser.get("/admin/start")
    assert "Nhập danh sách lớp" in after.text
    assert (await browser.get("/setup")).location == "/"
    assert (await browser.post("/setup/admin", ADMIN)).status == 404
    (made,) = await house.rooms.all()
    assert (made.name, len(made.seats), made.levels) == ("Phòng máy 1", 24, ("THCS",))
    assert (await house.people.profile()).code_on(date(2026, 11, 24)) == "00123456"
    log = [note.what for note in await house.audit.latest()]
    for what in ("setup.finished", "setup.room-added", "accounts.added", "people.profile-changed"):
        assert what in log


async def test_progress_survives_a_restart_and_the_code_does_not(tmp_path: Path) -> None:
    async with house_in(tmp_path) as house:
        house.site.must_set_up = await house.setup.is_needed()
        old = house.setup.code
        browser = await with_code(house)
        await browser.get("/setup")
        await browser.post("/setup/clock", {"keep": "true"})
        await browser.post("/setup/school", SCHOOL)
        await browser.post("/setup/calendar", YEAR)
        await browser.post("/setup/admin", ADMIN)
    async with house_in(tmp_path) as house:
        assert await house.setup.is_needed(), "an administrator alone does not finish what was begun"
        house.site.must_set_up = True
        assert house.setup.code != old
        assert not house.setup.fits(old)
        browser = await with_code(house)
        assert (await browser.get("/setup")).location == "/setup/rooms"
        assert "Đã có quản trị viên đầu tiên" in (await browser.get("/setup/admin")).text
        again = await browser.post("/setup/admin", ADMIN | {"login": "khac"})
        assert again.status == 409, "who has the code cannot make a second administrator"


async def test_a_short_password_leads_to_the_second_factor(house: House) -> None:
    browser = await with_code(house)
    await browser.post("/setup/clock", {"keep": "true"})
    await browser.post("/setup/school", SCHOOL)
    await browser.post("/setup/calendar", YEAR)
    short = {"password": "bàn ghế 9", "again": "bàn ghế 9"}
    assert (await browser.post("/setup/admin", ADMIN | short)).location == "/setup/rooms"
    await browser.post("/setup/rooms/done")
    await browser.post("/setup/finish")
    assert (await browser.get("/admin/start")).location == "/account"
    assert (await browser.get("/account/second-factor")).status == 200


async def test_two_people_at_once_make_one_administrator(house: House) -> None:
    browser = await with_code(house)
    answers = await asyncio.gather(*(browser.post("/setup/admin", ADMIN) for _ in range(2)))
    assert sorted(a.status for a in answers) == [303, 409]


async def test_the_browsers_time_is_taken_kept_and_logged(house: House, tmp_path: Path) -> None:
    browser = await with_code(house)
    true_now = house.clock.now_ms() + 3 * 365 * 86_400_000
    page = await browser.get("/setup/clock")
    assert "data-hub-now" in page.text
    assert (await browser.post("/setup/clock", {"browser_ms": "12345"})).status == 422
    if house.setup.clock_source != "network":
        assert (await browser.post("/setup/clock", {"browser_ms": str(true_now)})).status == 303
        assert abs(house.clock.now_ms() - true_now) < 60_000
        assert house.setup.clock_source == "browser"
        assert abs(kept_clock(tmp_path).now_ms() - true_now) < 60_000, "a restart keeps it"
        (note,) = await house.audit.latest(search="clock-set")
        assert note.detail is not None
        assert "moved_ms" in note.detail


async def test_the_time_may_be_typed_without_scripts(house: House) -> None:
    browser = await with_code(house)
    if house.setup.clock_source != "network":
        assert (await browser.post("/setup/clock", {"typed": "2027-03-01T07:30"})).status == 303
        assert (await house.people.today()) == date(2027, 3, 1)
    assert (await browser.post("/setup/clock", {"typed": "hôm nay"})).status == 422


async def test_a_hub_with_an_administrator_from_a_command_needs_no_set_up(tmp_path: Path) -> None:
    async with house_in(tmp_path, SystemClock()) as house:
        assert await house.setup.is_needed()
        await house.account("quantri", Role.ADMIN)
        assert not await house.setup.is_needed()


async def test_a_technician_is_asked_for_the_time_when_the_hub_doubts_it(house: House) -> None:
    """The box was off for long and has no clock battery: it woke up with the last moment it knew."""
    house.site.must_set_up = False
    lan, thu = await house.account("lan", Role.TECHNICIAN), await house.account("thu", Role.LIBRARIAN)
    assert house.setup.first_stop(lan) is None
    house.clock.correct(house.clock.now_ms(), "doubted")
    assert house.setup.first_stop(thu) is None
    browser = await house.browser()
    answer = await browser.post("/login", {"login": "lan", "secret": PASSWORD, "next": "/lab"})
    assert answer.location == "/admin/clock"
    assert "giờ cũ" in (await browser.get("/admin/clock")).text
    assert (await browser.post("/admin/clock", {"keep": "true"})).status == 303
    assert house.setup.first_stop(lan) is None
    assert house.setup.clock_source == "browser"
