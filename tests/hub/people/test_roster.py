"""Reading roster files: headings, encodings, odd cells. Matching them against what is known."""

import io
import zipfile
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.hub.people.rosters import PUPILS, TEACHERS, xlsx

from densach_core.errors import BadInput, TooLarge
from densach_hub.people.columns import WORDS, Column, Kind, find_header, words_of
from densach_hub.people.model import Level, Sex
from densach_hub.people.roster import Roster, class_key, day_of_cell, grade_of, level_of, person_key, read_roster
from densach_hub.people.table import Cell, Sheet, read_sheets

TODAY = date(2026, 11, 24)


def read(body: bytes | str, name: str = "ds.csv") -> Roster:
    return read_roster(read_sheets(name, body.encode() if isinstance(body, str) else body), today=TODAY)


def test_a_list_of_pupils() -> None:
    roster = read(PUPILS)
    assert [p.name for p in roster.pupils] == [
        "Nguyễn Văn An", "Đỗ Thị Ánh Tuyết", "Lê Hùng", "Lê Hưng", "Phạm Gia Bảo",
    ]  # fmt: skip
    first = roster.pupils[0]
    assert first.code == "0123456701", "leading zeros matter"
    assert first.birth_date == date(2014, 9, 5)
    assert first.sex is Sex.MALE
    assert roster.pupils[3].code is None
    assert [(c.name, c.grade, c.homeroom) for c in roster.classes] == [
        ("6A1", 6, "Trần Thị Bình"), ("6A2", 6, None), ("9A", 9, None),
    ]  # fmt: skip
    assert not roster.problems


def test_a_list_of_teachers_with_semicolons() -> None:
    roster = read(TEACHERS)
    assert not roster.pupils
    assert [(x.name, x.code, x.subject, x.homeroom_of) for x in roster.teachers] == [
        ("Trần Thị Bình", "GV001", "Tin học", ("6A1",)), ("Nguyễn Văn Cường", "GV002", "Toán", ("6A2",)),
    ]  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_encodings_and_separators(encoding: str, separator: str) -> None:
    assert read(PUPILS.replace(",", separator).encode(encoding)).pupils == read(PUPILS).pupils


def test_old_vietnamese_encodings_are_refused_with_advice() -> None:
    with pytest.raises(BadInput) as caught:
        read("Họ và tên,Lớp\nNguyễn Văn Ân,6A\n".encode("cp1258", "ignore"))
    assert caught.value.code == "roster.encoding"
    assert caught.value.do is not None


def test_columns_in_any_order_english_headings_and_quoted_commas() -> None:
    body = 'Class,Date of birth,"Full name",Remarks,Student ID\n6A1,2014-09-05,"Nguyễn Văn An","x, y",0123456701\n'
    roster = read(body)
    assert roster.pupils[0].birth_date == date(2014, 9, 5)
    assert roster.pupils[0].code == "0123456701"
    assert roster.ignored_columns == ["Remarks"]


def test_a_workbook_as_the_sector_exports_it() -> None:
    """Titles above the header, numbers where text was meant, real dates, a teachers' sheet, an empty one, a total below."""
    body = xlsx(
        {
            "Danh sách HS": [
                ["PHÒNG GDĐT HUYỆN X"],
                ["DANH SÁCH HỌC SINH NĂM HỌC 2026-2027"],
                [],
                ["STT", "Mã định danh Bộ GD&ĐT", "Họ và tên (*)", "Ngày sinh (dd/mm/yyyy)", "Giới tính", "Tên lớp", "Khối"],
                [1, 2412345678, "Nguyễn Văn An", date(2014, 9, 5), "Nam", "6A1", "Khối 6"],
                [2, "0012345679", "Trần  Thị   Cúc ", "5/9/2014", "Nữ", "6A1", 6],
                ["Tổng", None, None, None, None, None, 2],
            ],
            "Giáo viên": [["Họ tên", "Môn", "Chức vụ"], ["Lê Thị Hoa", "Ngữ văn", "Giáo viên"]],
            "Trống": [[]],
        }
    )
    roster = read(body, "hs.xlsx")
    assert [(p.code, p.name, p.birth_date, p.grade) for p in roster.pupils] == [
        ("2412345678", "Nguyễn Văn An", date(2014, 9, 5), 6),
        ("0012345679", "Trần Thị Cúc", date(2014, 9, 5), 6),
    ]
    assert [x.name for x in roster.teachers] == ["Lê Thị Hoa"]
    assert not roster.problems


def test_a_sheet_for_each_class_named_after_it() -> None:
    rows: list[list[object]] = [
        ["Họ đệm", "Tên", "Nữ", "Ngày sinh"],
        ["Nguyễn Văn", "An", None, "05/09/2014"],
        ["Đỗ Thị", "Bé", "x", None],
    ]
    roster = read(xlsx({"6A1": rows, "10 Tin": rows}), "lop.xlsx")
    assert [(p.name, p.class_name, p.grade, p.sex) for p in roster.pupils] == [
        ("Nguyễn Văn An", "6A1", 6, Sex.MALE), ("Đỗ Thị Bé", "6A1", 6, Sex.FEMALE),
        ("Nguyễn Văn An", "10 Tin", 10, Sex.MALE), ("Đỗ Thị Bé", "10 Tin", 10, Sex.FEMALE),
    ]  # fmt: skip


def test_a_bad_row_is_named_and_the_others_go_on() -> None:
    body = (
        "Họ và tên,Lớp,Ngày sinh,Mã HS\n"
        "Nguyễn Văn An,6A,05/09/2014,1\n"
        ",6A,05/09/2014,2\n"
        "Lê Bình,,05/09/2014,3\n"
        "Trần Cúc,Mầm,05/09/2014,4\n"
        "Đỗ Dung,6A,31/02/2014,5\n"
        "12345,6A,,6\n"
        "Hồ Em,6A,05/09/2034,a b\n"
    )
    roster = read(body)
    assert [p.name for p in roster.pupils] == ["Nguyễn Văn An", "Đỗ Dung", "Hồ Em"]
    assert [(p.row, p.code, p.fatal) for p in roster.problems] == [
        (3, "roster.no-name", True), (4, "roster.no-class", True), (5, "roster.no-grade", True),
        (6, "roster.birth-odd", False), (7, "roster.name-odd", True),
        (8, "roster.code-odd", False), (8, "roster.birth-odd", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "roster.empty"),
        (b"  \n", "roster.empty"),
        (b"PK\x03\x04 not really", "roster.not-readable"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "roster.not-readable"),
        (b"a,b\n1,2\n", "roster.no-header"),
        (b"%PDF-1.7 x", "roster.no-header"),
    ],
)
def test_files_that_are_no_roster(body: bytes, code: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(body)
    assert caught.value.code == code
    assert caught.value.do is not None


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", b"0" * 250_000_000)
    with pytest.raises(TooLarge):
        read(buffer.getvalue(), "bomb.xlsx")


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("5/9/2014", date(2014, 9, 5)),
        ("05-09-2014", date(2014, 9, 5)),
        ("05.09.14", date(2014, 9, 5)),
        ("'05/09/2014", date(2014, 9, 5)),
        ("05/09/85", date(1985, 9, 5)),
        ("2014-09-05 00:00:00", date(2014, 9, 5)),
        (41887, date(2014, 9, 5)),
        (41887.0, date(2014, 9, 5)),
        (date(2014, 9, 5), date(2014, 9, 5)),
        ("", None),
        (None, None),
    ],
)
def test_dates(cell: str | int | float | date | None, day: date | None) -> None:
    assert day_of_cell(cell, today=TODAY) == day


@pytest.mark.parametrize("cell", ["09/31/2014", "hôm qua", "1/1/2100", 99_999_999, "2014", "32/1/2014"])
def test_no_dates(cell: str | int) -> None:
    with pytest.raises(ValueError):
        day_of_cell(cell, today=TODAY)


@pytest.mark.parametrize(
    ("name", "grade"),
    [("6A1", 6), ("10 Tin", 10), ("12/3", 12), ("Lớp 1A", 1), ("lop 9b", 9), ("11", 11), ("Mầm", None), ("13A", None)],
)
def test_grades_from_class_names(name: str, grade: int | None) -> None:
    assert grade_of(name) == grade


def test_levels_of_grades() -> None:
    assert [level_of(g) for g in (1, 5, 6, 9, 10, 12)] == [
        Level.TH, Level.TH, Level.THCS, Level.THCS, Level.THPT, Level.THPT,
    ]  # fmt: skip


def test_names_of_one_person_and_of_two() -> None:
    assert person_key("NGUYỄN  VĂN AN ") == person_key("Nguyễn Văn An")
    assert person_key("Lê Hùng") != person_key("Lê Hưng")
    assert class_key("6 A1") == class_key("6a1") == class_key("Lớp 6A1") == class_key("lop6-A1")
    assert class_key("12/3") != class_key("1/23")
    assert class_key("6.2") == class_key("6/2")


def test_no_heading_means_two_things() -> None:
    every = [word for words in WORDS.values() for word in words]
    assert len(every) == len(set(every))
    assert all(words_of(word) == word for word in every)


@given(st.permutations(["Mã học sinh", "Họ và tên", "Lớp", "Ngày sinh", "Ghi chú"]))
def test_order_of_columns_does_not_matter(headings: list[str]) -> None:
    header = find_header(Sheet("s", [list(headings), ["x"]]))
    assert header is not None
    assert header.kind is Kind.PUPILS
    assert header.columns[Column.NAME] == headings.index("Họ và tên")
    assert header.unknown == ["Ghi chú"]


@given(st.binary(max_size=300))
def test_any_bytes_may_be_chosen(body: bytes) -> None:
    """Whatever is uploaded: a roster, or a sentence that says what is wrong."""
    try:
        read(body)
    except (BadInput, TooLarge) as problem:
        assert problem.code.startswith("roster.")  # noqa: PT017 - either outcome is fine


@given(st.lists(st.lists(st.text(max_size=12), min_size=4, max_size=4), max_size=12))
def test_any_cells_below_good_headings(rows: list[list[str]]) -> None:
    headings: list[Cell] = ["Họ và tên", "Lớp", "Ngày sinh", "Mã học sinh"]
    sheet = Sheet("s", [headings, *[list[Cell](r) for r in rows]])
    roster = read_roster([sheet], today=TODAY)
    fatal = {p.row for p in roster.problems if p.fatal}
    assert len(roster.pupils) + len(fatal) <= len(rows)
