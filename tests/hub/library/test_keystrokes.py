"""Telex and VNI typed without a keyboard driver."""

import pytest

from densach_hub.library.keystrokes import read


@pytest.mark.parametrize(
    ("keys", "syllable"),
    [
        ("toans", "toán"), ("hocj", "học"), ("tieengs", "tiếng"), ("vieejt", "việt"), ("dd", "đ"), ("ddoongf", "đồng"),
        ("duowngf", "dường"), ("dduwowngf", "đường"), ("nguoiwf", "người"), ("giof", "giò"), ("quoocs", "quốc"),
        ("hoaf", "hòa"), ("thuyr", "thủy"), ("khoer", "khỏe"), ("nghieemj", "nghiệm"), ("nguyeenx", "nguyễn"), ("uoongs", "uống"),
        ("tie6ng1", "tiếng"), ("vie65t", "việt"), ("toan1", "toán"), ("d9", "đ"), ("d9u7o7ng2", "đường"), ("so61", "số"),
        ("ngu74", "ngữ"), ("ba8ng2", "bằng"), ("nu7o7c1", "nước"),
    ],
)  # fmt: skip
def test_keys_are_read(keys: str, syllable: str) -> None:
    assert read(keys) == syllable


@pytest.mark.parametrize(
    "word", ["class", "books", "algebra", "toan", "lop6", "toan6", "hoc", "physics", "x", "", "2018", "win7", "mp3", "học", "ww"]
)
def test_other_words_are_left_alone(word: str) -> None:
    assert read(word) is None
