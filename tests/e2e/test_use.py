"""How it is used: by keyboard alone, without scripts, live without reload, light enough for an old line."""

import pytest
from playwright.sync_api import Page, Response
from tests.e2e.conftest import Looking, Served
from tests.e2e.places import ROOM

from densach_core.accounts.model import Role

BUDGET = 60 * 1024
COUNTED = {"document", "script", "stylesheet", "fetch", "xhr"}
FOCUSED = "document.activeElement.className + ' ' + (document.activeElement.getAttribute('href') || '')"


def test_the_keyboard_reaches_a_seat_and_sees_where_it_is(looking: Looking, school: Served) -> None:
    page = looking.at(school).new_page()
    page.goto(school.base + ROOM)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    for _ in range(30):
        page.keyboard.press("Tab")
        if "seat" in page.evaluate(FOCUSED):
            break
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.wait_for_url("**/lab/machines/pc-pc-01")


def test_a_menu_opens_and_closes_by_keyboard(looking: Looking, school: Served) -> None:
    page = looking.at(school).new_page()
    page.goto(school.base + "/lab")
    summary = page.locator(".menu > summary")
    summary.focus()
    page.keyboard.press("Enter")
    assert page.locator(".menu__list").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator(".menu__list").is_visible()
    assert summary.evaluate("e => e === document.activeElement")


def test_the_table_sorts_and_finds_without_marks(looking: Looking, school: Served) -> None:
    page = looking.at(school).new_page()
    page.goto(school.base + "/lab/machines")
    page.get_by_role("button", name="Tên").click()
    first = page.locator("#machines tbody tr").first
    assert first.locator("th").inner_text().startswith("Máy cũ Windows 7")
    page.get_by_role("button", name="Tên").click()
    assert first.locator("th").inner_text().startswith("STUDIO-01")
    page.locator("#q").fill("may cu")
    assert page.locator("#machines tbody tr:visible").count() == 1
    assert page.locator("#shown").inner_text() == "1"


def test_a_change_shows_without_reload(looking: Looking, school: Served) -> None:
    page = looking.at(school).new_page()
    page.goto(school.base + "/lab")
    page.evaluate("window.stayed = true")
    page.wait_for_timeout(500)
    fleet = school.hub.rooms.fleet
    report = school.run(fleet.faults.report(room="phong-tin-hoc-2", seat="02", text="Tai nghe đứt dây", address="10.9.9.9"))
    page.get_by_role("link", name="Tai nghe đứt dây").wait_for(timeout=60_000)
    assert page.evaluate("window.stayed") is True
    school.run(fleet.faults.close(report.id, by="Lan"))
    page.get_by_role("link", name="Tai nghe đứt dây").wait_for(state="detached", timeout=60_000)


def test_night_and_day_are_kept(looking: Looking, school: Served) -> None:
    page = looking.at(school).new_page()
    page.goto(school.base + "/lab")
    page.locator(".top__tools .theme").click()
    page.goto(school.base + "/lab/rooms")
    assert page.locator("html").get_attribute("data-theme") == "night"


def test_without_scripts_one_can_filter_report_and_choose(looking: Looking, school: Served) -> None:
    page = looking.at(school, java_script_enabled=False).new_page()
    page.goto(school.base + "/lab/machines")
    page.locator("#q").fill("may cu windows")
    page.get_by_role("button", name="Hiện", exact=True).click()
    assert page.locator("#machines tbody tr").count() == 1
    page.goto(school.base + "/fault/phong-tin-hoc-2.05")
    page.get_by_text("Máy không khởi động được").click()
    page.get_by_role("button", name="Gửi").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Cảm ơn bạn"
    page.goto(school.base + "/lab")
    page.locator(".top__tools .theme").click()
    assert page.locator("html").get_attribute("data-theme") == "night"
    page.locator(".menu > summary").click()
    assert page.get_by_role("button", name="Đăng xuất").is_visible()


@pytest.mark.parametrize(("path", "role"), [("/", None), ("/lab", Role.TECHNICIAN), ("/login", None)])
def test_the_first_page_is_light(looking: Looking, school: Served, path: str, role: Role | None) -> None:
    page: Page = looking.at(school, role).new_page()
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(school.base + path, wait_until="load")
    page.wait_for_timeout(300)
    sizes = {
        a.url: a.request.sizes()["responseBodySize"]
        for a in answers
        if a.request.resource_type in COUNTED and "/live" not in a.url
    }
    fonts = [a.url for a in answers if a.request.resource_type == "font"]
    assert sum(sizes.values()) <= BUDGET, sizes
    assert len({url.rsplit("-", 2)[1] for url in fonts}) <= 2
