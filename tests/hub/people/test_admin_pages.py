"""Owner, member and stranger at every page of administrators and teachers; the whole way of a roster through the pages."""

import re

import aiohttp
import pytest
from tests.hub.people.house import PASSWORD, Browser, House
from tests.hub.people.rosters import PUPILS, TEACHERS

from densach_core.accounts.model import Role
from densach_hub.people.model import Level, SchoolProfile
from densach_hub.people.pages import is_local_name

ADMIN_PAGES = [
    "/admin/users", "/admin/tokens", "/admin/audit", "/admin/people", "/admin/people/profile",
    "/admin/people/calendars/2026-2027", "/admin/people/import",
]  # fmt: skip
ADMIN_ACTS = [
    "/admin/users", "/admin/tokens", "/admin/people/profile", "/admin/people/classes", "/admin/people/teachers/slips",
    "/admin/people/import", "/admin/people/calendars/2026-2027",
]  # fmt: skip


async def upload(browser: Browser, body: str, name: str = "ds.csv") -> str:
    form = aiohttp.FormData()
    form.add_field("file", body.encode(), filename=name)
    form.add_field("year", "2026-2027")
    answer = await browser.post("/admin/people/import", form)
    assert answer.status == 303, answer.text
    return answer.location


@pytest.mark.parametrize("path", ADMIN_PAGES)
async def test_only_administrators_look(house: House, path: str) -> None:
    await house.account("quantri", Role.ADMIN)
    await house.account("lan", Role.TECHNICIAN, Role.TEACHER, Role.LIBRARIAN, Role.PRINCIPAL)
    await house.account("hs1", Role.STUDENT)
    for login, secret, status in (
        (None, "", 303), ("hs1", "804159", 403), ("lan", PASSWORD, 403), ("quantri", PASSWORD, 200),
    ):  # fmt: skip
        browser = await house.browser(login, secret)
        answer = await browser.get(path)
        assert answer.status == status, (login, path)


@pytest.mark.parametrize("path", ADMIN_ACTS)
async def test_only_administrators_act(house: House, path: str) -> None:
    await house.account("lan", Role.TECHNICIAN, Role.TEACHER, Role.LIBRARIAN, Role.PRINCIPAL)
    await house.account("hs1", Role.STUDENT)
    for login, secret, status in ((None, "", 401), ("hs1", "804159", 403), ("lan", PASSWORD, 403)):
        browser = await house.browser(login, secret)
        assert (await browser.post(path, {})).status == status, (login, path)


async def test_accounts_are_made_reset_locked_out_and_closed(house: House) -> None:
    await house.account("quantri", Role.ADMIN)
    admin = await house.browser("quantri")
    made = await admin.post("/admin/users", [("name", "Lê Thị Thu"), ("login", "thu.le"), ("roles", "librarian")])
    assert made.status == 200
    secret = made.text.split('class="once">')[2].split("<")[0]
    assert len(secret) == 19
    assert "no-store" in made.headers["Cache-Control"]
    thu = (await house.accounts.page(search="le thi thu"))[0][0].account
    assert thu.must_change
    taken = await admin.post("/admin/users", [("name", "Khác"), ("login", "THU.LE"), ("roles", "teacher")])
    assert taken.status == 409
    none = await admin.post("/admin/users", [("name", "Khác"), ("login", "khac")])
    assert none.status == 422

    for _ in range(5):
        stranger = await house.browser()
        await stranger.post("/login", {"login": "thu.le", "secret": "sai"})
    assert "Tạm khóa đến" in (await admin.get(f"/admin/users/{thu.id}")).text
    await admin.post(f"/admin/users/{thu.id}/unlock")
    assert (await house.accounts.log_in("thu.le", secret)).cookie

    changed = await admin.post(
        f"/admin/users/{thu.id}", [("name", "Lê Thị Thu"), ("login", "thu.le"), ("roles", "librarian"), ("roles", "teacher")]
    )
    assert changed.status == 303
    assert (await house.accounts.get(thu.id)).roles == frozenset({Role.LIBRARIAN, Role.TEACHER})
    await admin.post(f"/admin/users/{thu.id}/close")
    assert "Đã khóa hẳn từ" in (await admin.get(f"/admin/users/{thu.id}")).text
    log = (await admin.get("/admin/audit")).text
    for sentence in ("thêm tài khoản", "tạm khóa tài khoản", "mở khóa tài khoản", "sửa tài khoản", "khóa hẳn tài khoản"):
        assert sentence in log
    assert "127.0.0.1" in log
    assert secret not in log


async def test_the_last_administrator_stays(house: House) -> None:
    me = await house.account("quantri", Role.ADMIN)
    admin = await house.browser("quantri")
    closed = await admin.post(f"/admin/users/{me.id}/close")
    assert closed.status == 409
    assert "quản trị viên cuối cùng" in closed.text
    demoted = await admin.post(f"/admin/users/{me.id}", [("name", "x"), ("login", "quantri"), ("roles", "teacher")])
    assert demoted.status == 409


async def test_a_token_works_until_it_is_revoked(house: House) -> None:
    await house.account("quantri", Role.ADMIN)
    admin = await house.browser("quantri")
    made = await admin.post("/admin/tokens", {"name": "báo cáo", "role": "admin", "days": "30"})
    bearer = made.text.split('id="bearer">')[1].split("<")[0]
    stranger = await house.browser()
    headers = {"Authorization": f"Bearer {bearer}"}
    async with stranger.session.get(house.base + "/api/v1/users", headers=headers) as answer:
        assert answer.status == 200
        assert (await answer.json())["total"] == 1
    async with stranger.session.post(
        house.base + "/api/v1/users", headers=headers, json={"name": "Máy", "login": "may.tu", "roles": ["technician"]}
    ) as answer:
        assert answer.status == 201
    (token,) = await house.accounts.tokens()
    assert token.used_at is not None
    await admin.post(f"/admin/tokens/{token.id}/revoke")
    async with stranger.session.get(house.base + "/api/v1/users", headers=headers) as answer:
        assert answer.status == 401
    assert bearer not in (await admin.get("/admin/audit")).text


async def test_a_roster_goes_through_preview_to_slips(house: House) -> None:
    await house.account("quantri", Role.ADMIN)
    await house.rooms.new("Phòng máy 1", by="test", seats=3)
    admin = await house.browser("quantri")
    teachers = await upload(admin, TEACHERS)
    shown = await admin.get(teachers)
    assert "2 mới" in shown.text
    mark = shown.text.split('name="mark" value="')[1].split('"')[0]
    assert (await admin.post(teachers, {"mark": "stale"})).status == 409
    assert (await admin.post(teachers, {"mark": mark})).location == "/admin/people"
    pupils = await upload(admin, PUPILS + "6,,,,,\n7,x,Không Lớp,,,,\n")
    shown = await admin.get(pupils)
    for words in ("5 mới", "1 lưu ý", "được cấp mã tạm", "roster.no-class", "Lê Hưng"):
        assert words in shown.text, words
    await admin.post(pupils, {"mark": shown.text.split('name="mark" value="')[1].split('"')[0]})
    assert (await admin.get(pupils)).status == 404

    again = await admin.get(await upload(admin, PUPILS))
    assert "không làm thay đổi gì" in again.text

    overview = (await admin.get("/admin/people?q=anh+tuyet")).text
    for words in ("Đỗ Thị Ánh Tuyết", "5 học sinh", "đông nhất: 6A1 với 2 em", "2 giáo viên"):
        assert words in overview, words
    one = next(c for c in await house.people.classes() if c.name == "6A1")
    page = (await admin.get(f"/classes/{one.id}")).text
    for words in ("Nguyễn Văn An", "2 học sinh chưa có mã PIN", "Phòng máy 1", "Trần Thị Bình"):
        assert words in page, words
    slips = await admin.get((await admin.post(f"/classes/{one.id}/slips")).location)
    assert slips.text.count('class="slip"') == 2
    assert house.base not in slips.text, "on paper this address would lead pupils to their own machine"
    assert "no-store" in slips.headers["Cache-Control"]
    changed = await admin.post(
        f"/classes/{one.id}", [("name", "6A1"), ("grade", "6"), ("homeroom_id", ""), ("room_ids", "phong-may-1")]
    )
    assert changed.status == 303
    assert (await house.people.school_class(one.id)).room_ids == ("phong-may-1",)
    printed = await admin.get((await admin.post("/admin/people/teachers/slips")).location)
    assert printed.text.count('class="slip"') == 2


@pytest.mark.parametrize(
    ("body", "name", "code"), [(b"", "x.csv", 422), (b"\x00\x01\x02\xff", "x.csv", 422), (b"PK\x03\x04bad", "x.xlsx", 422)]
)
async def test_a_wrong_file_is_told_on_the_page(house: House, body: bytes, name: str, code: int) -> None:
    await house.account("quantri", Role.ADMIN)
    admin = await house.browser("quantri")
    form = aiohttp.FormData()
    form.add_field("file", body, filename=name)
    answer = await admin.post("/admin/people/import", form)
    assert answer.status == code
    assert 'role="alert"' in answer.text


async def test_a_teacher_sees_and_helps_the_own_class_only(house: House) -> None:
    for body in (TEACHERS, PUPILS):
        preview = await house.people.rosters.preview("x.csv", body.encode(), by="test")
        await house.people.rosters.apply(preview.id, preview.mark, by="test")
    slips = {s.login: s.secret or "" for s in await house.people.slips.of_teachers(by="test")}
    owner = await house.browser()
    await owner.post("/login", {"login": "binh.tran", "secret": slips["binh.tran"]})
    await owner.post("/account/secret", {"old": slips["binh.tran"], "new": PASSWORD, "again": PASSWORD})
    own, other = [c for c in await house.people.classes() if c.grade == 6]
    assert (await owner.get("/classes")).location == f"/classes/{own.id}"
    page = await owner.get(f"/classes/{own.id}")
    assert page.status == 200
    assert "Sửa thông tin lớp" not in page.text
    assert (await owner.get(f"/classes/{other.id}")).status == 403
    pupils = [await house.people.pupils_of(c.id) for c in (own, other)]
    led = await owner.post(f"/classes/{own.id}/pupils/{pupils[0][0].id}/pin")
    pin = await owner.get(led.location)
    assert pin.text.count('class="slip"') == 1
    for path in (f"/classes/{own.id}/pupils/{pupils[1][0].id}/pin", f"/classes/{other.id}/slips"):
        assert (await owner.post(path)).status == 403, "somebody else's pupils, whatever the address says"
    assert (await owner.post(f"/classes/{own.id}/pupils/{pupils[0][0].id}/leave")).status == 403
    again = await owner.get(led.location)
    assert re.findall(r"\b\d{6}\b", again.text) == re.findall(r"\b\d{6}\b", pin.text), "loading the sheet again makes no new PIN"
    await house.account("quantri", Role.ADMIN)
    assert (await (await house.browser("quantri")).get(led.location)).status == 404, "nobody else, not even the administrator"
    await owner.post("/logout")
    await owner.post("/login", {"login": "binh.tran", "secret": PASSWORD})
    assert (await owner.get(led.location)).status == 404, "only the session that made it"


async def test_profile_and_calendar_forms(house: House) -> None:
    await house.account("quantri", Role.ADMIN)
    admin = await house.browser("quantri")
    data = [
        ("name", "Trường TH & THCS <Thử>"), ("levels", "THCS"), ("levels", "TH"), ("code_1", "00123"), ("since_1", ""),
        ("code_2", "01456"), ("since_2", "2025-07-01"), ("province_code", "01"), ("commune_code", "00123"),
        ("campuses", "Điểm chính; 001\nĐiểm Bản Cỏ"),
    ]  # fmt: skip
    assert (await admin.post("/admin/people/profile", data)).status == 303
    profile = await house.people.profile()
    assert profile.levels == (Level.TH, Level.THCS)
    assert [(c.code, str(c.until)) for c in profile.codes] == [("00123", "2025-06-30"), ("01456", "None")]
    assert [(c.id, c.code) for c in profile.campuses] == [("diem-chinh", "001"), ("diem-ban-co", None)]
    assert not profile.login_by_class
    page = (await admin.get("/admin/people/profile")).text
    assert "&lt;Thử&gt;" in page
    assert "<Thử>" not in page
    for field, wrong in (("name", ""), ("province_code", "1"), ("code_1", "<x>")):
        answer = await admin.post("/admin/people/profile", [(k, wrong if k == field else v) for k, v in data])
        assert answer.status == 422, field
    assert await house.people.profile() == profile
    assert (await admin.get("/admin/people/calendars/abc")).status == 404
    calendar = {
        "first_1": "2026-09-07", "last_1": "2027-01-09", "first_2": "2027-01-11", "last_2": "2027-05-22",
        "weekdays": "1", "holidays": "Tết: 01/02/2027 - 14/02/2027", "periods": "7:00 - 7:45\n7g50 - 8g35",
    }  # fmt: skip
    assert (await admin.post("/admin/people/calendars/2026-2027", calendar)).status == 303
    saved = await house.people.calendar("2026-2027")
    assert saved is not None
    assert saved.weekdays == (1,)
    assert len(saved.periods) == 2
    assert (await admin.post("/admin/people/calendars/2026-2027", calendar | {"periods": "x"})).status == 422


async def test_an_empty_school_has_pages_too(house: House) -> None:
    await house.account("quantri", Role.ADMIN)
    await house.people.set_profile(SchoolProfile(), by="test")
    admin = await house.browser("quantri")
    assert "chưa rõ" in (await admin.get("/admin/people")).text
    assert (await admin.get("/classes")).status == 200


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1:8080", True), ("localhost", True), ("[::1]:80", True), ("densach.lan", False), ("10.0.0.2:8080", False)],
)
def test_addresses_that_are_no_use_on_paper(host: str, local: bool) -> None:
    assert is_local_name(host) is local
