"""A technician with a phone (360 px): nothing cut off or squeezed, the open tab seen, no dead button without scripts."""

from tests.e2e.conftest import Looking, Served
from tests.e2e.places import ROOM

from densach_core.accounts.model import Role

RIGHT = "document.querySelector('{}').getBoundingClientRect().right"


def test_a_room_of_six_in_a_row_fits(looking: Looking, school: Served) -> None:
    page = looking.at(school, size="phone").new_page()
    page.goto(school.base + ROOM)
    assert page.evaluate("(e => e.scrollWidth - e.clientWidth)(document.querySelector('.seatwrap'))") <= 0
    assert page.evaluate("Math.min(...[...document.querySelectorAll('a.seat')].map(e => e.offsetWidth))") >= 40


def test_a_machine_says_how_it_is_over_the_width_of_the_card(looking: Looking, school: Served) -> None:
    page = looking.at(school, size="phone").new_page()
    page.goto(school.base + "/lab/machines/pc-pc-07")
    assert page.evaluate("document.querySelector('.who .grow').offsetWidth") > 190


def test_the_open_tab_is_seen(looking: Looking, school: Served) -> None:
    page = looking.at(school, size="phone").new_page()
    page.goto(school.base + "/join")
    page.wait_for_function("document.documentElement.classList.contains('js')")
    assert page.evaluate(RIGHT.format(".tabs [aria-current]")) <= 360


def test_a_machine_in_the_list_takes_three_lines(looking: Looking, school: Served) -> None:
    page = looking.at(school, size="phone").new_page()
    page.goto(school.base + "/lab/machines?room=phong-tin-hoc-2")
    assert page.evaluate("Math.max(...[...document.querySelectorAll('#machines tbody tr')].map(e => e.offsetHeight))") < 130


def test_without_scripts_what_needs_them_is_not_there(looking: Looking, school: Served) -> None:
    page = looking.at(school, Role.TECHNICIAN, "phone", java_script_enabled=False).new_page()
    page.goto(school.base + ROOM)
    assert page.locator("#homeless-list").is_visible()
    assert not page.locator("[data-pick-all]").is_visible()
    page.goto(school.base + f"{ROOM}/labels")
    assert not page.locator("[data-print]").is_visible()
    page.goto(school.base + "/join")
    assert (page.locator(".tabs [aria-current]").bounding_box() or {"x": 999})["x"] < 300
