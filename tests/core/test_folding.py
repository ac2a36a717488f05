"""What a pupil types finds what the book says (the table other systems fail)."""

import random
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from densach_core import folding
from densach_core.folding import fold, fold_with_places


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("école", "ecole"),
        ("ÉCOLE", "ecole"),
        ("phương trình", "phuong trinh"),
        ("Đại số", "dai so"),
        ("Đồng", "dong"),
        ("straße", "strasse"),
        ("cœur", "coeur"),
        ("Łódź", "lodz"),
        ("Ørsted", "orsted"),
        ("Æsop", "aesop"),
        ("Þór", "thor"),
        ("Diyarbakır İstanbul", "diyarbakir istanbul"),
        ("Ngữ văn ẬỄỪ", "ngu van aeu"),
        ("ﬁnal ½", "final 1⁄2"),
    ],
)
def test_folded_is_what_is_typed(written: str, typed: str) -> None:
    assert fold(written) == typed
    assert fold(unicodedata.normalize("NFD", written)) == typed
    assert fold(typed) == typed


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text())
def test_places_lead_back_to_the_original(text: str) -> None:
    folded, places = fold_with_places(text)
    assert len(folded) == len(places)
    assert places == sorted(places)
    assert all(0 <= place < len(text) for place in places)


def test_the_short_way_by_letters_is_the_long_way() -> None:
    chance = random.Random(4)
    letters = [chr(code) for code in (*range(1, 0x250), *range(0x300, 0x310), *range(0x1E00, 0x1F00), *range(0x2010, 0x2060))]
    assert all(folding.fold(letter) == folding._in_full(letter) for letter in letters)
    for _ in range(2_000):
        text = "".join(chance.choices(letters, k=6))
        assert folding.fold(text) == folding._in_full(text)
