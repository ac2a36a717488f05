"""What somebody typed stays on the page when something in it does not fit; the wrong field says so and has the focus."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.hub.people.house import PASSWORD, Browser, house_in

SCHOOL = [
    ("name", "Trường THCS Đèn Sách"), ("levels", "THCS"), ("levels", "THPT"), ("code_1", "00123456"), ("code_2", "mã lạ !"),
    ("province", "Hà Nội"), ("campuses", "Cơ sở chính\nĐiểm lẻ; 02"), ("login_by_class", "true"),
]  # fmt: skip
YEAR = {
    "first_1": "2026-09-08", "last_1": "2027-01-09", "first_2": "2027-01-11", "last_2": "2027-05-22", "weekdays": "3",
    "holidays": "nghỉ lúc nào đó", "periods": "7:00 - 7:45",
}  # fmt: skip


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    async with house_in(tmp_path) as house:
        house.site.must_set_up = await house.setup.is_needed()
        found = await house.browser()
        await found.get(house.setup.path())
        yield found


def field(page: str, name: str) -> str:
    """The tag of a field, with a text area's words."""
    found = re.search(rf'<(?:input|select|textarea)[^>]*name="{name}"[^>]*>(?:[^<]*</textarea>)?', page)
    assert found is not None, name
    return found[0]


async def test_the_school_keeps_what_was_typed(browser: Browser) -> None:
    answer = await browser.post("/setup/school", SCHOOL)
    assert answer.status == 422
    assert 'value="Trường THCS Đèn Sách"' in field(answer.text, "name")
    assert 'value="00123456"' in field(answer.text, "code_1")
    assert 'value="Hà Nội"' in field(answer.text, "province")
    assert "Điểm lẻ; 02" in field(answer.text, "campuses")
    assert len(re.findall(r'name="levels"[^>]*checked', answer.text)) == 2
    wrong = field(answer.text, "code_2")
    assert "autofocus" in wrong
    assert 'aria-invalid="true"' in wrong
    assert 'id="code_2-error"' in answer.text
    assert answer.text.count("autofocus") == 1
    assert "<details open>" in answer.text, "the wrong field is not in a closed fold"


async def test_a_box_that_was_unticked_stays_so(browser: Browser) -> None:
    answer = await browser.post("/setup/school", [("name", "x"), ("province", "y")])
    assert answer.status == 422
    assert "checked" not in field(answer.text, "login_by_class")
    assert 'id="levels-error"' in answer.text


async def test_the_year_keeps_what_was_typed(browser: Browser) -> None:
    answer = await browser.post("/setup/calendar", YEAR)
    assert answer.status == 422
    assert 'value="2026-09-08"' in field(answer.text, "first_1")
    assert "nghỉ lúc nào đó" in field(answer.text, "holidays")
    assert "autofocus" in field(answer.text, "holidays")
    assert len(re.findall(r'name="weekdays"[^>]*checked', answer.text)) == 1


async def test_a_date_left_empty_is_named(browser: Browser) -> None:
    answer = await browser.post("/setup/calendar", YEAR | {"first_2": "", "holidays": ""})
    assert answer.status == 422
    assert "autofocus" in field(answer.text, "first_2")
    assert "first_2:" not in answer.text, "a person is not shown a field's code name"
    assert 'value="2026-09-08"' in field(answer.text, "first_1")


async def test_the_administrator_keeps_name_and_log_in_but_never_the_password(browser: Browser) -> None:
    given = {"name": "Nguyễn Thị Lan", "login": "lan nguyen", "password": PASSWORD, "again": PASSWORD}
    answer = await browser.post("/setup/admin", given)
    assert answer.status == 422
    assert 'value="Nguyễn Thị Lan"' in field(answer.text, "name")
    assert 'value="lan nguyen"' in field(answer.text, "login")
    assert "autofocus" in field(answer.text, "login")
    assert PASSWORD not in answer.text
    short = await browser.post("/setup/admin", given | {"login": "lan", "password": "ngắn", "again": "ngắn"})
    assert "autofocus" in field(short.text, "password")
    assert "ngắn" not in short.text.replace("quá ngắn", "")


async def test_a_room_keeps_what_was_typed(browser: Browser) -> None:
    room = [("name", "Phòng máy 2"), ("seats", "900"), ("kind", "studio"), ("levels", "THPT")]
    answer = await browser.post("/setup/rooms", room)
    assert answer.status == 422
    assert 'value="Phòng máy 2"' in field(answer.text, "name")
    assert 'value="900"' in field(answer.text, "seats")
    assert "autofocus" in field(answer.text, "seats")
    assert '<option value="studio" selected>' in answer.text
    letters = await browser.post("/setup/rooms", [("name", "Phòng máy 2"), ("seats", "nhiều")])
    assert 'value="nhiều"' in field(letters.text, "seats")
    assert 'id="seats-error"' in letters.text


async def test_the_time_typed_wrongly_stays(browser: Browser) -> None:
    answer = await browser.post("/setup/clock", {"typed": "hôm nay"})
    assert answer.status in {409, 422}
    if 'name="typed"' in answer.text:
        assert 'value="hôm nay"' in field(answer.text, "typed")
