"""What an import would change: by stable code, else by name, class and birth date; nobody vanishes by absence."""

from datetime import date

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from densach_hub.people.model import Level, Pupil, SchoolClass, Teacher
from densach_hub.people.plan import Known, Plan, What, make_plan
from densach_hub.people.roster import ClassRow, PupilRow, Roster, TeacherRow

BORN = date(2014, 9, 5)
CLASS = SchoolClass(id="c1", school_year="2026-2027", name="6A1", grade=6, level=Level.THCS, pupils=2)
AN = Pupil(id="p1", name="Nguyễn Văn An", code="01", birth_date=BORN, class_id="c1", class_name="6A1")
BE = Pupil(id="p2", name="Đỗ Thị Bé", temporary="TAM-1", birth_date=date(2014, 1, 2), class_id="c1", class_name="6A1")
HOA = Teacher(id="t1", name="Lê Thị Hoa", code="GV1")


def known(*pupils: Pupil, teachers: list[Teacher] | None = None, classes: list[SchoolClass] | None = None) -> Known:
    return Known(
        school_year="2026-2027", classes=[CLASS] if classes is None else classes, pupils=list(pupils), teachers=teachers or []
    )


def row(
    n: int, name: str, code: str | None = None, born: date | None = BORN, class_name: str = "6A1", left: bool = False
) -> PupilRow:
    return PupilRow(row=n, name=name, class_name=class_name, grade=6, code=code, birth_date=born, left=left)


def plan(
    rows: list[PupilRow], what_is_known: Known, teachers: list[TeacherRow] | None = None, homeroom: str | None = None
) -> Plan:
    names = dict.fromkeys(r.class_name for r in rows)
    classes = [ClassRow(row=2, name=name, grade=6, homeroom=homeroom) for name in names]
    roster = Roster(pupils=rows, teachers=teachers or [], classes=classes, problems=[], ignored_columns=[])
    return make_plan(roster, what_is_known)


def test_the_same_file_again_changes_nothing() -> None:
    found = plan([row(2, "Nguyễn Văn An", "01"), row(3, "Đỗ Thị Bé", None, BE.birth_date)], known(AN, BE))
    assert [step.what for step in found.pupils] == [What.SAME, What.SAME]
    assert not found.changes_anything


def test_who_is_not_in_the_file_is_kept() -> None:
    found = plan([row(2, "Nguyễn Văn An", "01")], known(AN, BE))
    assert found.missing == [BE]
    assert not found.changes_anything


def test_case_variants_are_one_person() -> None:
    found = plan([row(2, "ĐỖ THỊ BÉ", None, BE.birth_date)], known(AN, BE))
    assert found.pupils[0].before == BE
    assert found.pupils[0].changes == ("name",)


def test_two_names_that_differ_in_a_mark_are_two_people() -> None:
    hung = msgspec.structs.replace(AN, id="p3", name="Lê Hùng", code=None, temporary="T")
    assert plan([row(2, "Lê Hưng")], known(hung)).pupils[0].what is What.NEW


def test_the_code_counts_more_than_the_name() -> None:
    found = plan([row(2, "Nguyễn Hoàng An", "01")], known(AN))
    assert found.pupils[0].what is What.CHANGED
    assert found.pupils[0].changes == ("name",)


def test_a_first_grader_gets_the_real_code_later() -> None:
    found = plan([row(2, "Đỗ Thị Bé", "0123", BE.birth_date)], known(AN, BE))
    assert found.pupils[0].before == BE
    assert found.pupils[0].changes == ("code",)


def test_the_temporary_code_in_an_exported_list_is_no_new_code() -> None:
    found = plan([row(2, "Đỗ Thị Bé", "TAM-1", BE.birth_date)], known(BE))
    assert found.pupils[0].what is What.SAME


def test_another_code_is_another_person() -> None:
    found = plan([row(2, "Nguyễn Văn An", "02")], known(AN))
    assert found.pupils[0].what is What.NEW
    assert found.missing == [AN]


def test_a_new_year_moves_a_class_up_without_codes() -> None:
    last_year = msgspec.structs.replace(BE, class_id=None, class_name=None)
    found = plan([row(2, "Đỗ Thị Bé", None, BE.birth_date, "7A1")], known(last_year, classes=[]))
    assert found.pupils[0].before == last_year
    assert found.pupils[0].changes == ("class",)
    assert found.classes[0].what is What.NEW


def test_two_of_one_name_are_told_apart_by_their_birth_date() -> None:
    other = msgspec.structs.replace(BE, id="p9", temporary="TAM-9", birth_date=date(2014, 5, 5))
    found = plan([row(2, "Đỗ Thị Bé", None, date(2014, 5, 5)), row(3, "Đỗ Thị Bé", None, BE.birth_date)], known(BE, other))
    assert [step.before for step in found.pupils] == [other, BE]


def test_without_birth_date_a_name_found_twice_is_nobody_known() -> None:
    other = msgspec.structs.replace(BE, id="p9", temporary="TAM-9", birth_date=date(2014, 5, 5))
    assert plan([row(2, "Đỗ Thị Bé", None, None)], known(BE, other)).pupils[0].what is What.NEW


def test_a_row_given_twice_is_told_and_used_once() -> None:
    found = plan([row(2, "Hồ Em", "9"), row(3, "HỒ EM", "9"), row(4, "Hồ Em", None), row(5, "hồ em", None)], known())
    assert len(found.pupils) == 2
    assert [(p.row, p.code) for p in found.problems] == [(3, "roster.twice"), (5, "roster.twice")]


def test_an_empty_cell_wipes_nothing_out() -> None:
    assert plan([row(2, "Nguyễn Văn An", None, None)], known(AN)).pupils[0].what is What.SAME


def test_left_and_back() -> None:
    assert plan([row(2, "Nguyễn Văn An", "01", left=True)], known(AN)).pupils[0].what is What.LEFT
    gone = msgspec.structs.replace(AN, left_at=1)
    assert plan([row(2, "Nguyễn Văn An", "01", left=True)], known(gone)).pupils[0].what is What.SAME
    assert plan([row(2, "Nguyễn Văn An", "01")], known(gone)).pupils[0].changes == ("back",)
    assert not plan([row(2, "Người Lạ", "77", left=True)], known(AN)).pupils


def test_homeroom_teachers_are_found_by_name_or_code_and_never_invented() -> None:
    for said in ("lê thị hoa", "gv1"):
        found = plan([row(2, "Nguyễn Văn An", "01")], known(AN, teachers=[HOA]), homeroom=said)
        assert found.classes[0].what is What.CHANGED
    has_her = msgspec.structs.replace(CLASS, homeroom_id="t1")
    found = plan([row(2, "Nguyễn Văn An", "01")], known(AN, teachers=[HOA], classes=[has_her]), homeroom="Lê Thị Hoa")
    assert not found.changes_anything
    found = plan([row(2, "Nguyễn Văn An", "01")], known(AN, teachers=[HOA]), homeroom="Ai Đó")
    assert not found.changes_anything
    assert [p.code for p in found.problems] == ["roster.homeroom-unknown"]
    coming = [TeacherRow(row=2, name="Ai Đó")]
    assert plan([row(2, "Nguyễn Văn An", "01")], known(AN), coming, "Ai Đó").classes[0].what is What.CHANGED


def test_teachers() -> None:
    rows = [
        TeacherRow(row=2, name="LÊ THỊ HOA", code="GV1", subject="Toán", homeroom_of=("6A1",)),
        TeacherRow(row=3, name="Mới Đến"),
        TeacherRow(row=4, name="mới đến"),
    ]
    found = plan([], known(teachers=[HOA]), rows)
    assert found.teachers[0].changes == ("name", "subject", "homeroom")
    assert found.teachers[1].what is What.NEW
    assert [p.code for p in found.problems] == ["roster.twice"]


names = st.sampled_from(["Nguyễn Văn An", "NGUYỄN VĂN AN", "Đỗ Bé", "Lê Hùng", "Lê Hưng"])
rows = st.builds(
    row, st.integers(2, 99), names, st.one_of(st.none(), st.sampled_from(["01", "02", "TAM-1"])),
    st.sampled_from([None, BORN, date(2014, 1, 2)]), st.sampled_from(["6A1", "6A2"]), st.booleans(),
)  # fmt: skip


@given(st.lists(rows, max_size=8))
def test_nobody_is_meant_twice_and_nobody_known_is_lost(found_rows: list[PupilRow]) -> None:
    everybody = [AN, BE, msgspec.structs.replace(BE, id="p3", name="Lê Hùng", temporary="TAM-3")]
    found = plan(found_rows, known(*everybody))
    meant = [step.before.id for step in found.pupils if step.before]
    assert len(meant) == len(set(meant))
    codes = [step.row.code for step in found.pupils if step.what is What.NEW and step.row.code]
    assert len(codes) == len(set(codes)), "a code is given once"
    assert len(found.pupils) + len(found.problems) <= len(found_rows)
    assert {p.id for p in found.missing}.isdisjoint(meant)
