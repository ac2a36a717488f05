"""Every main page at both widths, by day and by night: kept as a picture, nothing wider than the screen, no error.

The pictures are in `screenshots/` (git does not see it): look at them.
"""

import pytest
from playwright.sync_api import Page
from tests.e2e.conftest import ITEMS, SCREENSHOTS, Looking, Served
from tests.e2e.places import EVERY

from densach_core.accounts.model import Role

WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
CLIPPED = """() => [...document.querySelectorAll('h1, h2, h3, p, a, button, label, th, td, dt, dd, li, span')]
  .filter((e) => e.childElementCount === 0 && e.textContent.trim() && e.offsetParent !== null && !e.closest('.textLayer'))
  .filter((e) => parseFloat(getComputedStyle(e).lineHeight) < 1.39 * parseFloat(getComputedStyle(e).fontSize))
  .map((e) => e.outerHTML.slice(0, 120))"""
"""Vietnamese letters wear two marks: lines closer than this cut them."""

HEAD = "(document.querySelector('.brand__name') || {}).offsetHeight || 0"


def look_at(page: Page, address: str, picture: str) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    answer = page.goto(address, wait_until="load")
    assert answer is not None
    assert answer.status in (200, 401, 404)  # 401: a new hub is set up by whoever holds its code
    page.wait_for_timeout(60)
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{picture}.png", full_page=True)
    assert page.evaluate(WIDER) <= 0, f"{picture}: something is wider than the screen"
    assert page.evaluate(CLIPPED) == []
    assert page.evaluate(HEAD) <= 40, "the house's name stands on one line"
    assert [error for error in errors if "404" not in error and "401" not in error] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["phone", "panel"])
@pytest.mark.parametrize(("name", "path", "role"), EVERY, ids=[name for name, _, _ in EVERY])
def test_page(looking: Looking, school: Served, name: str, path: str, role: Role | None, size: str, scheme: str) -> None:
    page = looking.at(school, role, size, scheme).new_page()
    look_at(page, school.base + path.format(**ITEMS), f"{name}-{size}-{scheme}")


@pytest.mark.parametrize("size", ["phone", "panel"])
@pytest.mark.parametrize("path", ["/", "/lab", "/lab/rooms", "/lab/machines", "/lab/studio", "/lab/alerts", "/desk", "/reports"])
def test_nothing_in_it(looking: Looking, empty: Served, path: str, size: str) -> None:
    page = looking.at(empty, Role.ADMIN, size).new_page()
    look_at(page, empty.base + path, f"empty{path.replace('/', '-')}-{size}")


@pytest.mark.parametrize("size", ["phone", "panel"])
@pytest.mark.parametrize("path", ["/lab", "/lab/rooms", "/lab/machines", "/lab/alerts"])
def test_a_thousand_things_in_it(looking: Looking, crowd: Served, path: str, size: str) -> None:
    page = looking.at(crowd, Role.TECHNICIAN, size).new_page()
    look_at(page, crowd.base + path, f"crowd{path.replace('/', '-')}-{size}")


@pytest.mark.parametrize("size", ["phone", "panel"])
def test_the_first_page_of_all(looking: Looking, new_hub: Served, size: str) -> None:
    page = looking.at(new_hub, None, size).new_page()
    look_at(page, new_hub.base + "/", f"set-up-{size}")


def test_english_is_a_click_away(looking: Looking, school: Served) -> None:
    page = looking.at(school).new_page()
    page.goto(school.base + "/lab/rooms")
    page.get_by_role("link", name="English").click()
    assert page.url == school.base + "/lab/rooms"
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.get_by_role("heading", level=1).inner_text() == "Rooms"
