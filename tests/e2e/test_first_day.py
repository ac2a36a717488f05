"""A school's first day in real Chromium: set-up, roster, slips and a pupil's log-in, all of it with scripts switched off;
then every page of that way once more with axe."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.e2e.conftest import SCREENSHOTS, Looking, Served, _nothing, serving
from tests.e2e.test_axe import RUN
from tests.fixtures.hub import HubUnderTest
from tests.hub.people.rosters import PUPILS, TEACHERS

from densach_core.accounts.model import Role
from densach_hub.people.calendar import proposed

CHANGED = TEACHERS.replace("Toán", "Vật lí") + "GV003;Hoàng Mới Đến;31/02/1990;Sử;\n"
PASSWORD = "bốn từ rất dễ nhớ"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    yield from serving(tmp_path_factory.mktemp("first-day"), _nothing, set_up=False)


async def _peopled(hub: HubUnderTest) -> None:
    people = hub.rooms.people
    await people.set_calendar(proposed(await people.today()), by="test")
    for body in (TEACHERS, PUPILS):
        preview = await people.rosters.preview("x.csv", body.encode(), by="test")
        await people.rosters.apply(preview.id, preview.mark, by="test")


@pytest.fixture(scope="module")
def peopled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    yield from serving(tmp_path_factory.mktemp("peopled"), _peopled)


@pytest.fixture(scope="module")
def roster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("files") / "danh sách lớp.csv"
    path.write_text(PUPILS, "utf-8-sig")
    return path


def _setup_address(served: Served) -> str:
    assert served.hub.setup is not None
    return served.base + served.hub.setup


def _set_up(page: Page, served: Served) -> None:
    page.goto(_setup_address(served))
    page.get_by_role("button", name="Giờ của máy chủ đúng rồi").or_(page.get_by_role("button", name="Giờ đúng")).click()
    page.get_by_label("Tên trường").fill("Trường THCS Nguyễn Bỉnh Khiêm")
    page.get_by_label("Trung học cơ sở").check()
    page.get_by_label("Mã", exact=True).fill("00123456")
    page.get_by_role("button", name="Lưu và tiếp tục").click()
    assert "Tết" in page.get_by_label("Ngày nghỉ").input_value(), "a year is proposed"
    page.get_by_role("button", name="Lưu và tiếp tục").click()
    page.get_by_label("Họ và tên").fill("Nguyễn Thị Hồng Nhung")
    page.get_by_label("Tên đăng nhập").fill("nhung")
    page.get_by_label("Mật khẩu", exact=True).fill(PASSWORD)
    page.get_by_label("Nhập lại mật khẩu").fill(PASSWORD)
    page.get_by_role("button", name="Tạo tài khoản và tiếp tục").click()
    page.get_by_label("Tên phòng").fill("Phòng máy 1")
    page.get_by_label("Số chỗ cho học sinh").fill("24")
    page.get_by_role("button", name="Thêm phòng này").click()
    page.get_by_role("button", name="Đủ rồi, tiếp tục").click()
    page.get_by_role("button", name="Mở máy chủ trường").click()
    expect(page.get_by_role("heading", name="Việc nên làm tiếp")).to_be_visible()


def test_a_school_is_set_up_and_a_pupil_signs_in_without_scripts(looking: Looking, hub: Served, roster: Path) -> None:
    page = looking.at(hub, None, java_script_enabled=False).new_page()
    _set_up(page, hub)
    page.get_by_role("link", name="Nhập danh sách lớp").click()
    page.get_by_label("Tệp Excel hoặc CSV").set_input_files(roster)
    page.get_by_role("button", name="Xem trước thay đổi").click()
    expect(page.get_by_text("5 mới")).to_be_visible()
    page.get_by_role("button", name="Thực hiện").click()
    page.get_by_role("link", name="6A1").click()
    page.get_by_role("button", name="Tạo mã PIN và hiện phiếu").click()
    slip = page.locator(".slip", has_text="Đỗ Thị Ánh Tuyết")
    pin = slip.locator(".slip__secret").nth(1).inner_text()

    pupil = looking.at(hub, None, "phone", java_script_enabled=False).new_page()
    pupil.goto(hub.base + "/login")
    pupil.get_by_role("link", name="6A1").click()
    pupil.get_by_role("link", name="Tuyết Đ.").click()
    pupil.get_by_label("Mã PIN của em").fill("000000")
    pupil.get_by_role("button", name="Đăng nhập").click()
    expect(pupil.get_by_role("alert")).to_contain_text("Mã PIN chưa đúng")
    pupil.get_by_label("Mã PIN của em").fill(pin)
    pupil.get_by_role("button", name="Đăng nhập").click()
    expect(pupil).to_have_url(hub.base + "/")
    assert pupil.goto(hub.base + "/classes").status == 403  # type: ignore[union-attr]


@pytest.mark.parametrize(("size", "scheme"), [("panel", "light"), ("phone", "dark")])
def test_axe_finds_nothing_on_the_way(looking: Looking, peopled: Served, axe: str, size: str, scheme: str) -> None:
    people = peopled.hub.rooms.people
    context = looking.at(peopled, Role.ADMIN, size, scheme, reduced_motion="reduce")
    preview = peopled.run(people.rosters.preview("gv.csv", CHANGED.encode(), by="test"))
    classes = peopled.run(people.classes())
    pupil = peopled.run(people.pupils_of(classes[0].id))[0]
    page = context.new_page()
    for name, path in {
        "admin-people": "/admin/people",
        "admin-profile": "/admin/people/profile",
        "admin-calendar": f"/admin/people/calendars/{classes[0].school_year}",
        "admin-import": "/admin/people/import",
        "admin-preview": f"/admin/people/import/{preview.id}",
        "admin-users": "/admin/users",
        "admin-user": f"/admin/users/{pupil.id}",
        "admin-tokens": "/admin/tokens",
        "admin-audit": "/admin/audit",
        "admin-clock": "/admin/clock",
        "admin-start": "/admin/start",
        "account-factor": "/account/second-factor",
        "admin-pupil": f"/admin/people/pupils/{pupil.id}",
        "admin-without-class": "/admin/people/without-class",
        "class": f"/classes/{classes[0].id}",
        "classes-admin": "/classes",
    }.items():
        page.goto(peopled.base + path)
        page.evaluate(axe)
        assert page.evaluate(RUN) == [], name
        assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"], name  # type: ignore[index]
        page.screenshot(path=SCREENSHOTS / f"{name}-{size}-{scheme}.png", full_page=True)
    stranger = looking.at(peopled, None, size, scheme, reduced_motion="reduce").new_page()
    for name, path in {
        "login-names": f"/login?class={classes[0].id}",
        "login-pin": f"/login?class={classes[0].id}&pupil={pupil.id}",
    }.items():
        stranger.goto(peopled.base + path)
        stranger.evaluate(axe)
        assert stranger.evaluate(RUN) == [], name
        stranger.screenshot(path=SCREENSHOTS / f"{name}-{size}-{scheme}.png", full_page=True)


@pytest.mark.parametrize(("size", "scheme"), [("panel", "dark"), ("phone", "light")])
def test_axe_finds_nothing_in_set_up(looking: Looking, new_hub: Served, axe: str, size: str, scheme: str) -> None:
    page = looking.at(new_hub, None, size, scheme, reduced_motion="reduce").new_page()
    page.goto(_setup_address(new_hub))
    for step in ("clock", "school", "calendar", "admin", "rooms"):
        page.goto(f"{new_hub.base}/setup/{step}")
        page.evaluate(axe)
        assert page.evaluate(RUN) == [], step
        page.screenshot(path=SCREENSHOTS / f"setup-{step}-{size}-{scheme}.png", full_page=True)


def test_the_clock_page_takes_the_browsers_time(looking: Looking, new_hub: Served) -> None:
    page = looking.at(new_hub, None).new_page()
    page.goto(_setup_address(new_hub))
    page.goto(new_hub.base + "/setup/clock")
    if page.get_by_role("button", name="Lấy giờ của thiết bị này").count() == 0:
        pytest.skip("this machine's clock is kept by a time service")
    page.get_by_role("button", name="Lấy giờ của thiết bị này").click()
    expect(page).to_have_url(new_hub.base + "/setup/school")
    assert new_hub.hub.rooms.clock.source == "browser"


def test_who_has_no_code_sees_only_the_question(looking: Looking, new_hub: Served) -> None:
    page = looking.at(new_hub, None).new_page()
    page.goto(new_hub.base + "/admin/users")
    expect(page.get_by_label("Mã thiết lập")).to_be_visible()
    assert Role.ADMIN.value not in page.content()
