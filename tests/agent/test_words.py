"""Every sentence for people has its Vietnamese, with the same blanks."""

import ast
import re
from pathlib import Path

import pytest

import densach_agent
from densach_agent.words import VIETNAMESE, say

SOURCES = sorted(Path(densach_agent.__file__).parent.glob("*.py"))


def said() -> set[str]:
    found = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say":
                sentence = node.args[0]
                assert isinstance(sentence, ast.Constant), f"{path.name}:{node.lineno}: not a plain sentence"
                found.add(str(sentence.value))
    return found


def test_nothing_is_left_untranslated_and_nothing_is_left_over() -> None:
    assert said() == set(VIETNAMESE)


@pytest.mark.parametrize("sentence", sorted(VIETNAMESE))
def test_both_languages_have_the_same_blanks(sentence: str) -> None:
    blanks = re.compile(r"\{\w+\}")
    assert sorted(blanks.findall(sentence)) == sorted(blanks.findall(VIETNAMESE[sentence]))


def test_the_locale_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "vi_VN.UTF-8")
    assert say("The hub refuses: {reason}", reason="x") == "Máy chủ từ chối: x"
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    assert say("The hub refuses: {reason}", reason="x") == "The hub refuses: x"
