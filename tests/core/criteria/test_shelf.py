"""Criteria files: what ships is sound, what a school puts in its place is taken or named as unusable."""

from pathlib import Path

import pytest

from densach_core.criteria.shelf import load, parse, shipped

OWN = """
id = "computers"
version = 7
[[criterion]]
code = "pupils-per-computer"
title = { vi = "Tỉ lệ", en = "Ratio" }
unit = { vi = "học sinh/máy", en = "pupils per computer" }
compute = "pupils-per-working-computer"
needs = ["machines", "school_days", "classes"]
by_level = true
source = "Công văn của Sở"
confidence = "L"
[criterion.norm.THCS]
at_most = 1.5
"""


def test_every_shipped_criterion_names_its_source_and_holds_no_number_nobody_can_cite() -> None:
    for file in shipped():
        for criterion in file.criterion:
            assert criterion.source
            assert criterion.title.vi != criterion.title.en
            if criterion.norm:
                assert criterion.confidence in {"4771", "L"}


def test_a_schools_own_file_takes_the_place_of_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "so.toml").write_text(OWN, "utf-8")
    shelf = load(tmp_path)
    criterion = shelf.get("pupils-per-computer")
    assert criterion is not None
    assert (criterion.norm["THCS"].at_most, criterion.version) == (1.5, 7)
    assert shelf.get("machines-registered") is None
    assert shelf.get("library-titles") is not None


def test_a_file_that_cannot_be_used_is_named_and_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "hong.toml").write_text(OWN.replace("at_most", "at_moist"), "utf-8")
    shelf = load(tmp_path)
    assert [name for name, _ in shelf.problems] == ["hong.toml"]
    assert shelf.get("machines-registered") is not None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('compute = "pupils-per-working-computer"', 'compute = "__import__"'),
        ('"classes"', '"secrets"'),
        ("version = 7", 'version = "seven"'),
        ("[[criterion]]", "[[criterion"),
    ],
)
def test_what_a_file_must_not_say(old: str, new: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse(OWN.replace(old, new, 1))
