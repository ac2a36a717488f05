"""One pupil at a time: who comes during the year, is corrected, changes class, finishes school."""

from datetime import date

import pytest
from tests.hub.people.house import House
from tests.hub.people.rosters import PUPILS

from densach_core.accounts.model import Role
from densach_core.errors import BadInput, Conflict, NotFound
from densach_hub.people.model import SchoolClass


async def classes(house: House, year: str | None = None, body: str = PUPILS) -> dict[str, SchoolClass]:
    preview = await house.people.rosters.preview("x.csv", body.encode(), by="test", school_year=year)
    await house.people.rosters.apply(preview.id, preview.mark, by="test")
    return {one.name: one for one in await house.people.classes(year)}


async def test_a_pupil_who_comes_during_the_year(house: House) -> None:
    known = await classes(house)
    new = await house.people.pupils.add(name=" Trần  Mới ", class_id=known["6A2"].id, by="test")
    assert new.temporary is not None
    account = await house.accounts.get(new.id)
    assert (account.name, account.login, account.class_id) == ("Trần Mới", new.temporary, known["6A2"].id)
    slips = await house.people.slips.of_class(known["6A2"].id, by="test")
    assert "Trần Mới" in [slip.name for slip in slips]
    with pytest.raises(Conflict) as caught:
        await house.people.pupils.add(name="Trùng Mã", code="0123456701", class_id=known["6A2"].id, by="test")
    assert caught.value.code == "people.code-taken"
    for name, code in (("", None), ("X", "a b")):
        with pytest.raises(BadInput):
            await house.people.pupils.add(name=name, code=code, class_id=known["6A2"].id, by="test")
    with pytest.raises(NotFound):
        await house.people.pupils.add(name="X", class_id="nirgends", by="test")


async def test_moving_to_another_class_takes_the_account_along(house: House) -> None:
    known = await classes(house)
    (tuyet,) = await house.people.find_pupils("ánh tuyết")
    await house.people.slips.of_class(known["6A1"].id, by="test")
    moved = await house.people.pupils.change(
        tuyet.id, name=tuyet.name, code=tuyet.code, birth_date=tuyet.birth_date, class_id=known["6A2"].id, by="test"
    )
    assert moved.class_name == "6A2"
    state = await house.accounts.state(tuyet.id)
    assert state.account.class_id == known["6A2"].id
    assert state.has_secret, "the PIN stays"
    with pytest.raises(Conflict):
        await house.people.pupils.change(tuyet.id, name="x", code="0123456701", class_id=known["6A2"].id, by="test")


async def test_after_summer_last_years_classes_are_offered_until_the_new_roster_is_in(house: House) -> None:
    await classes(house, "2025-2026")
    assert await house.people.classes() == []
    assert [one.name for one in await house.people.log_in_classes()] == ["6A1", "6A2", "9A"]


async def test_who_finished_school_is_noted_by_hand_and_only_then(house: House) -> None:
    await classes(house, "2025-2026")
    seventh = PUPILS.replace("6A", "7A").replace("5,0123456705,Phạm Gia Bảo,30/11/2011,Nam,9A,\n", "")
    await classes(house, "2026-2027", seventh)
    left_over = await house.people.pupils.without_class()
    assert [p.name for p in left_over] == ["Phạm Gia Bảo"]
    assert (await house.accounts.state(left_over[0].id)).closed_at is None
    assert await house.people.pupils.leave([left_over[0].id, left_over[0].id, "nobody"], by="test") == 1
    assert (await house.accounts.state(left_over[0].id)).closed_at is not None
    assert await house.people.pupils.without_class() == []
    back = await house.people.pupils.change(
        left_over[0].id, name="Phạm Gia Bảo", class_id=(await house.people.classes())[0].id, by="test"
    )
    assert back.left_at is None
    assert (await house.accounts.state(back.id)).closed_at is None


async def test_the_pages_of_it(house: House) -> None:
    known = await classes(house, "2025-2026")
    now = await classes(house, None, PUPILS.splitlines()[0] + "\n1,0123456701,Nguyễn Văn An,05/09/2014,Nam,7A1,\n")
    await house.account("quantri", Role.ADMIN)
    await house.account("lan", Role.TEACHER)
    admin, teacher = await house.browser("quantri"), await house.browser("lan")
    overview = await admin.get("/admin/people")
    assert "4 học sinh năm nay chưa có lớp" in overview.text
    page = await admin.get("/admin/people/without-class")
    assert page.text.count('name="pupils"') == 4
    added = await admin.post(f"/classes/{now['7A1'].id}/pupils", {"name": "Em Mới", "sex": "female", "birth_date": ""})
    assert added.status == 303
    assert "Em Mới" in (await admin.get(f"/classes/{now['7A1'].id}")).text
    (pupil,) = await house.people.find_pupils("em moi")
    address = f"/admin/people/pupils/{pupil.id}"
    assert "Em Mới" in (await admin.get(address)).text
    form = {"name": "Em Mới Đến", "class_id": now["7A1"].id, "code": "0123456701"}
    assert (await admin.post(address, form)).status == 409
    assert (await admin.post(address, form | {"code": "77"})).location == f"/classes/{now['7A1'].id}"
    gone = [p.id for p in await house.people.pupils.without_class()]
    assert (await admin.post("/admin/people/without-class", [("pupils", key) for key in gone])).status == 303
    assert await house.people.pupil_count() == 2
    assert known
    for path in (address, "/admin/people/without-class"):
        assert (await teacher.get(path)).status == 403
        assert (await teacher.post(path, form)).status == 403
    assert (await teacher.post(f"/classes/{now['7A1'].id}/pupils", form)).status == 403
    log = (await admin.get("/admin/audit")).text
    assert "thêm học sinh" in log
    assert "sửa thông tin học sinh" in log


async def test_a_pupil_cannot_choose_the_birthday_as_pin(house: House) -> None:
    known = await classes(house)
    new = await house.people.pupils.add(name="Trần Mới", class_id=known["6A2"].id, birth_date=date(2014, 9, 5), by="test")
    pin = await house.accounts.reset(new.id, by="test")
    browser = await house.browser((await house.accounts.get(new.id)).login, pin)
    refused = await browser.post("/account/secret", {"old": pin, "new": "050914", "again": "050914"})
    assert refused.status == 422
    assert "ngày sinh" in refused.text
    assert (await browser.post("/account/secret", {"old": pin, "new": "804159", "again": "804159"})).status == 303
