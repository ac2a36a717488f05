"""The school's people on a real database: import, accounts, slips, and what measures ask."""

from datetime import date
from pathlib import Path

import pytest
from tests.hub.people.house import PIN, House, house_in
from tests.hub.people.rosters import PUPILS, TEACHERS

from densach_core.accounts.model import Role
from densach_core.errors import BadInput, Conflict, NotAllowed, NotFound
from densach_hub.people.calendar import proposed
from densach_hub.people.model import Level, SchoolCode, SchoolProfile
from densach_hub.people.names import shown_to_strangers
from densach_hub.people.rosters import Preview


async def load(house: House, body: str = PUPILS, name: str = "ds.csv", year: str | None = None) -> Preview:
    preview = await house.people.rosters.preview(name, body.encode(), by="test", school_year=year)
    await house.people.rosters.apply(preview.id, preview.mark, by="test")
    return preview


async def test_import_makes_classes_people_and_accounts(house: House) -> None:
    await load(house, TEACHERS)
    await load(house)
    people = house.people
    classes = {one.name: one for one in await people.classes()}
    assert list(classes) == ["6A1", "6A2", "9A"]
    assert [one.pupils for one in classes.values()] == [2, 2, 1]
    teacher = next(x for x in await people.teachers() if x.name == "Trần Thị Bình")
    assert classes["6A1"].homeroom_id == teacher.id
    assert teacher.homeroom_of == ("6A1",)
    account = await house.accounts.get(teacher.id)
    assert (account.login, account.roles) == ("binh.tran", frozenset({Role.TEACHER}))
    names = [p.name for p in await people.pupils_of(classes["6A1"].id)]
    assert names == ["Nguyễn Văn An", "Đỗ Thị Ánh Tuyết"], "by given name"
    hung, hung_2 = await people.pupils_of(classes["6A2"].id)
    assert (hung.name, hung_2.name) == ("Lê Hùng", "Lê Hưng")
    assert hung_2.temporary is not None
    assert hung_2.temporary.startswith("TAM-")
    pupil = await house.accounts.get(hung.id)
    assert (pupil.login, pupil.class_id, pupil.roles) == ("0123456703", classes["6A2"].id, frozenset({Role.STUDENT}))


async def test_the_same_import_again_changes_nothing_and_loses_nobody(house: House) -> None:
    await load(house, TEACHERS)
    await load(house)
    again = await house.people.rosters.preview("ds.csv", PUPILS.encode(), by="test")
    assert not again.plan.changes_anything
    only_one = "Họ và tên,Lớp,Mã học sinh\nNguyễn Văn An,6A1,0123456701\n"
    preview = await load(house, only_one)
    assert [p.name for p in preview.plan.missing] == ["Đỗ Thị Ánh Tuyết"]
    assert await house.people.pupil_count() == 5


async def test_a_preview_changes_nothing(house: House) -> None:
    await house.people.rosters.preview("ds.csv", PUPILS.encode(), by="test")
    assert await house.people.classes() == []
    assert (await house.accounts.page())[1] == 0


async def test_a_preview_is_applied_once_and_only_as_shown(house: House) -> None:
    first = await house.people.rosters.preview("ds.csv", PUPILS.encode(), by="test")
    second = await house.people.rosters.preview("ds.csv", PUPILS.encode(), by="test")
    await house.people.rosters.apply(first.id, first.mark, by="test")
    with pytest.raises(NotFound):
        await house.people.rosters.apply(first.id, first.mark, by="test")
    with pytest.raises(Conflict) as caught:
        await house.people.rosters.apply(second.id, second.mark, by="test")
    assert caught.value.code == "people.roster-moved"
    assert await house.people.pupil_count() == 5


async def test_the_real_code_arrives_and_the_account_follows(house: House) -> None:
    await load(house)
    (found,) = await house.people.find_pupils("le hung 6a2 tam")
    before = await house.accounts.get(found.id)
    await load(house, "Họ và tên,Lớp,Ngày sinh,Mã học sinh\nLÊ HƯNG,6A1,01/03/2014,0123456704\n")
    after = await house.accounts.get(found.id)
    assert before.login.startswith("TAM-")
    assert after.login == "0123456704"
    assert after.name == "LÊ HƯNG"
    assert after.class_id != before.class_id
    assert await house.people.pupil_count() == 5


async def test_a_new_year_keeps_people_and_the_old_classes(house: House) -> None:
    await load(house, year="2025-2026")
    await load(house, PUPILS.replace("6A", "7A").replace(",9A", ",10A"), year="2026-2027")
    assert [c.name for c in await house.people.classes("2025-2026")] == ["6A1", "6A2", "9A"]
    assert [c.name for c in await house.people.classes("2026-2027")] == ["7A1", "7A2", "10A"]
    assert (await house.accounts.page())[1] == 5, "the same five people"


async def test_who_left_is_kept_counted_no_more_and_cannot_sign_in(house: House) -> None:
    await load(house)
    one = next(c for c in await house.people.classes() if c.name == "6A1")
    slips = await house.people.slips.of_class(one.id, by="test")
    tuyet = next(s for s in slips if s.name.endswith("Tuyết"))
    assert tuyet.secret is not None
    cookie = (await house.accounts.log_in(tuyet.login, tuyet.secret)).cookie or ""
    await load(house, "Họ và tên,Lớp,Mã học sinh,Trạng thái\nĐỗ Thị Ánh Tuyết,6A1,0123456702,Chuyển trường\n")
    assert await house.people.pupil_count() == 4
    assert await house.accounts.session(cookie) is None
    with pytest.raises(BadInput):
        await house.accounts.log_in(tuyet.login, tuyet.secret)
    await load(house, "Họ và tên,Lớp,Mã học sinh,Trạng thái\nĐỗ Thị Ánh Tuyết,6A1,0123456702,Đang học\n")
    assert await house.people.pupil_count() == 5
    assert (await house.accounts.log_in(tuyet.login, tuyet.secret)).cookie


async def test_slips_are_made_once_and_then_only_anew(house: House) -> None:
    await load(house)
    one = next(c for c in await house.people.classes() if c.name == "6A1")
    first = await house.people.slips.of_class(one.id, by="test")
    assert all(slip.secret and len(slip.secret) == 6 for slip in first)
    assert (await house.accounts.log_in(first[0].login, first[0].secret or "")).cookie
    second = await house.people.slips.of_class(one.id, by="test")
    assert [slip.secret for slip in second] == [None, None]
    third = await house.people.slips.of_class(one.id, by="test", anew=True)
    assert all(slip.secret for slip in third)
    with pytest.raises(BadInput):
        await house.accounts.log_in(first[1].login, first[1].secret or "")
    rows = await house.school.read(lambda c: [r[0] for r in c.execute("SELECT secret FROM account WHERE secret IS NOT NULL")])
    assert all(row.startswith("$argon2id$") for row in rows), "no PIN is stored"


async def test_teachers_get_long_first_passwords_to_be_changed(house: House) -> None:
    await load(house, TEACHERS)
    slips = await house.people.slips.of_teachers(by="test")
    assert len(slips) == 2
    entry = await house.accounts.log_in(slips[0].login, slips[0].secret or "")
    assert entry.account.must_change
    assert await house.people.slips.of_teachers(by="test") == []


async def test_a_teacher_helps_the_own_class_and_no_other(house: House) -> None:
    await load(house, TEACHERS)
    await load(house)
    people = house.people
    binh = next(x for x in await people.teachers() if x.name == "Trần Thị Bình")
    own, other = await people.find_pupils("ánh tuyết"), await people.find_pupils("lê hùng 0123")
    owner = await house.accounts.get(binh.id)
    slip = await people.reset_pin(own[0].id, by=owner)
    assert (await house.accounts.log_in(slip.login, slip.secret or "")).cookie
    with pytest.raises(NotAllowed) as caught:
        await people.reset_pin(other[0].id, by=owner)
    assert caught.value.code == "people.not-own-class"
    for role in (Role.STUDENT, Role.LIBRARIAN, Role.TECHNICIAN):
        stranger = await house.account(f"x-{role}", role)
        with pytest.raises(NotAllowed):
            await people.reset_pin(own[0].id, by=stranger)
    admin = await house.account("quantri", Role.ADMIN)
    assert (await people.reset_pin(other[0].id, by=admin)).secret
    assert [n.what for n in await house.audit.latest(limit=1)] == ["accounts.secret-reset"]


async def test_measures_are_told_unknown_without_a_roster(house: House) -> None:
    people = house.people
    assert await people.levels() is None
    assert await people.pupil_count() is None
    assert await people.teacher_count() is None
    assert await people.level(Level.THCS) is None
    await people.put_class(name="6A1", grade=6, by="test")
    assert await people.levels() is None, "a class without pupils is no roster"


async def test_measures_get_the_largest_class_of_each_level(house: House) -> None:
    await load(house)
    await load(house, "Họ và tên,Lớp\nBé Một,1A\n")
    levels = await house.people.levels()
    assert levels is not None
    assert [(x.level, x.classes, x.pupils, x.largest_class) for x in levels] == [
        (Level.TH, 1, 1, 1), (Level.THCS, 3, 5, 2),
    ]  # fmt: skip
    assert await house.people.level(Level.THPT) is None


async def test_classes_are_taught_in_rooms(house: House) -> None:
    await load(house)
    one = next(c for c in await house.people.classes() if c.name == "6A1")
    await house.people.put_class(class_id=one.id, name="6A1", grade=6, room_ids=("phong-1", "phong-2"), by="test")
    assert [c.name for c in await house.people.taught_in("phong-1")] == ["6A1"]
    assert await house.people.taught_in("phong-3") == []
    await load(house)
    assert [c.name for c in await house.people.taught_in("phong-1")] == ["6A1"], "an import leaves rooms alone"
    with pytest.raises(Conflict):
        await house.people.put_class(name="6a1", grade=6, by="test")


async def test_profile_codes_are_dated_text(house: House) -> None:
    profile = SchoolProfile(
        name="Trường THCS Thử",
        codes=(
            SchoolCode(code="00123", until=date(2025, 6, 30)),
            SchoolCode(code="01456", since=date(2025, 7, 1)),
        ),
        levels=(Level.THCS,),
    )
    await house.people.set_profile(profile, by="test")
    stored = await house.people.profile()
    assert stored == profile
    assert stored.code_on(date(2025, 6, 30)) == "00123"
    assert stored.code_on(date(2026, 9, 1)) == "01456"
    assert SchoolProfile().code_on(date(2026, 9, 1)) is None


async def test_calendars_outlive_a_restart_and_say_unknown_outside(tmp_path: Path) -> None:
    year = proposed(date(2026, 9, 1))
    async with house_in(tmp_path) as house:
        assert await house.people.is_school_day(date(2026, 10, 5)) is None
        await house.people.set_calendar(year, by="test")
    async with house_in(tmp_path) as house:
        assert await house.people.is_school_day(date(2026, 10, 5)) is True
        assert await house.people.is_school_day(date(2026, 10, 4)) is False
        assert await house.people.is_school_day(date(2030, 10, 4)) is None
        assert (await house.people.last_school_days(2, date(2026, 10, 5))) == [date(2026, 10, 3), date(2026, 10, 2)]
        assert await house.people.school_year(date(2027, 3, 1)) == "2026-2027"


async def test_names_stay_off_the_log_in_page_when_the_school_says_so(house: House) -> None:
    await load(house)
    (one,) = [c for c in await house.people.log_in_classes() if c.name == "6A2"]
    assert [(p.name, p.hint) for p in await house.people.log_in_pupils(one.id)] == [("Hùng L.", None), ("Hưng L.", None)]
    await house.people.set_profile(SchoolProfile(name="X", login_full_names=True), by="test")
    assert [p.name for p in await house.people.log_in_pupils(one.id)] == ["Lê Hùng", "Lê Hưng"]
    await house.people.set_profile(SchoolProfile(name="X", login_by_class=False), by="test")
    assert await house.people.log_in_classes() == []
    assert await house.people.log_in_pupils(one.id) == []


async def test_two_of_one_name_get_a_hint_without_the_year(house: House) -> None:
    await load(house, "Họ và tên,Lớp,Ngày sinh\nLê An,6A,05/09/2014\nLê An,6A,06/09/2014\n")
    (one,) = await house.people.log_in_classes()
    assert sorted(p.hint or "" for p in await house.people.log_in_pupils(one.id)) == ["05/09", "06/09"]


def test_names_at_the_log_in_page_say_no_more_than_a_class_mate_needs() -> None:
    names = ["Đỗ Thị Ánh Tuyết", "Đinh Ánh Tuyết", "Lê Hùng", "Lê Hưng", "An", "Trần Bình"]
    assert shown_to_strangers(names) == ["Thị Ánh Tuyết Đ.", "Ánh Tuyết Đ.", "Hùng L.", "Hưng L.", "An", "Bình T."]


def test_the_pin_used_in_tests_is_a_fair_one() -> None:
    from densach_core.accounts.rules import check_pin

    check_pin(PIN)


async def test_what_the_roster_still_lacks_is_counted(house: House) -> None:
    assert await house.people.completeness() is None
    await load(house, "Họ và tên,Lớp,Ngày sinh,Mã HS,CCCD\nLê An,6A,05/09/2014,1,012345678901\nLê Bình,6A,,,\n")
    found = await house.people.completeness()
    assert found is not None
    assert (found.people, found.without_code, found.without_birth_date, found.without_personal_id) == (2, 1, 1, 1)
    rows = await house.school.read(lambda c: str([tuple(r) for r in c.execute("SELECT * FROM person")]))
    assert "012345678901" not in rows, "the number itself is not kept"


async def test_slips_of_a_whole_grade_are_for_those_without(house: House) -> None:
    await load(house)
    one = next(c for c in await house.people.classes() if c.name == "6A1")
    await house.people.slips.of_class(one.id, by="test")
    made = await house.people.slips.of_grade(6, by="test")
    assert [(slip.name, slip.class_name) for slip in made] == [("Lê Hùng", "6A2"), ("Lê Hưng", "6A2")]
    assert await house.people.slips.of_grade(6, by="test") == []
    assert await house.people.slips.of_grade(12, by="test") == []
