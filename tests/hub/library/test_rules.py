"""The decisions: which place holds, what a file name says, how hits are marked, how covers are lettered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from densach_hub.library import covers, query
from densach_hub.library.formats.archive import is_safe_name, resolve
from densach_hub.library.model import Place
from densach_hub.library.rules import grade_from_name, grades, later_place, placed_at, title_from

places = st.builds(
    Place,
    item=st.just("i"),
    where=st.text(max_size=5),
    fraction=st.floats(0, 1),
    at=st.integers(0, 50),
    device=st.sampled_from("ab"),
)


@given(places, places)
def test_the_same_place_holds_whoever_comes_first(a: Place, b: Place) -> None:
    assert later_place(a, b) == later_place(b, a)
    held = later_place(a, b)
    assert held is not None
    assert held.at == max(a.at, b.at)


@given(places, places, places)
def test_three_devices_in_any_order(a: Place, b: Place, c: Place) -> None:
    assert later_place(later_place(a, b), c) == later_place(a, later_place(b, c))
    assert later_place(a, None) == a == later_place(a, a)


@pytest.mark.parametrize(
    ("device_at", "device_now", "now", "at"),
    [
        (1000, 1000, 5_000_000, 5_000_000),
        (1_257_000_000_000, 1_257_000_060_000, 1_795_000_000_000, 1_794_999_940_000),  # an agent of 2009, a minute ago
        (2_200_000_000_000, 2_200_000_000_000, 1_795_000_000_000, 1_795_000_000_000),  # one of 2040, now
        (5000, 1000, 9000, 9000),  # its clock was set back in between
        (0, 10**30, 9000, 0),  # no clock says that
    ],
)
def test_the_age_counts_not_the_clock(device_at: int, device_now: int, now: int, at: int) -> None:
    assert placed_at(device_at, device_now, now) == at


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("Toan_6-tap-1.pdf", "Toan 6 tap 1"),
        ("SGK Ngữ văn 8.epub", "SGK Ngữ văn 8"),
        ("C:\\Users\\x\\bai giang.mp4", "bai giang"),
        ("a/b/c.pdf", "c"),
        (".pdf", "pdf"),
    ],
)
def test_titles_from_names(name: str, title: str) -> None:
    assert title_from(name) == title


def test_grades() -> None:
    assert [grade_from_name(n) for n in ("Lớp 6/a.pdf", "khoi_10.pdf", "LOP12-toan", "lop 13", "Lop1", "x")] == [
        6,
        10,
        12,
        None,
        1,
        None,
    ]
    assert (grades(9, 6), grades(None, 5), grades(None, None)) == ((6, 9), (5, 5), (None, None))


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd", "C:/x", "a\\b", "a\0b", ""])
def test_names_that_lead_outside(name: str) -> None:
    assert not is_safe_name(name)


def test_references_stay_inside() -> None:
    assert resolve("OEBPS/text/a.xhtml", "../img/b%20c.png#x") == "OEBPS/img/b c.png"
    for outside in ("../../x", "http://a/b", "data:x", "/x", ""):
        assert resolve("OEBPS/a.xhtml", outside) is None


def test_hits_are_marked_in_the_original() -> None:
    asked = query.parse("dong thoi")
    assert query.marked("Sự Đồng thời là gì", asked) == (("Sự ", False), ("Đồng thời", True), (" là gì", False))
    assert query.marked("Die Straße", query.parse("strasse")) == (("Die ", False), ("Straße", True))
    assert query.marked("không có", asked) == (("không có", False),)
    assert query.marked("o\u031b đo\u0302\u0300ng", query.parse("dong")) == (("o\u031b ", False), ("đo\u0302\u0300ng", True))


@given(st.text(max_size=300), st.text(max_size=30))
def test_marking_never_changes_the_text(text: str, typed: str) -> None:
    assert "".join(piece for piece, _ in query.marked(text, query.parse(typed))) == text


@given(st.text(max_size=400), st.text(max_size=30))
def test_excerpts_are_short_pieces_of_the_text(text: str, typed: str) -> None:
    pieces = query.excerpt(text, query.parse(typed))
    assert sum(len(piece) for piece, _ in pieces) <= 400


@given(st.text(max_size=200))
def test_covers_have_few_short_lines(title: str) -> None:
    lines = covers.lines_of(title)
    assert len(lines) <= covers.MOST_LINES
    assert all(len(line) <= covers.LINE + 3 for line in lines)
