"""When two records may be one thing: ISBN in either length, the folded title with an author. Pure; nothing is merged by it."""

import re
from collections.abc import Iterable

from densach_core.folding import fold

_ISBN = re.compile(r"(?<![0-9])(97[89][-\s]?(?:\d[-\s]?){9}\d|(?:\d[-\s]?){9}[\dXx])(?![0-9])")
_NOT_LETTER = re.compile(r"[\W_]+")
_NOISE = re.compile(r"\b(?:tai ban(?: lan)?(?: thu)? ?\d*|in lan thu \d+|sach|the|a|an)\b")
_FINAL_Y = re.compile(r"\b(qu|[bcdghklmnpqrstvx]+)y\b")
_ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6", "vii": "7", "viii": "8", "ix": "9", "x": "10"}
ISBN, TITLE = "isbn", "title"


def isbn13(text: str) -> str | None:
    """The ISBN in a text as its thirteen digits (an ISBN-10 becomes 978…); None when its check digit is wrong.

    `isbn13("urn:isbn:0-306-40615-2") == "9780306406157"`
    """
    match = _ISBN.search(text)
    if match is None:
        return None
    digits = re.sub(r"[-\s]", "", match[1]).upper()
    if len(digits) == 10:
        if sum((10 - place) * (10 if digit == "X" else int(digit)) for place, digit in enumerate(digits)) % 11:
            return None
        body = "978" + digits[:9]
        return body + str(-sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body)) % 10)
    return digits if sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10 == 0 else None


def title_key(title: str) -> str:
    """A title without marks, punctuation, spaces and words of printing; numbers stay, for volumes are not twins.

    Ký and kí, lý and lí are one: school-books spell both. "Toán 6, tập II" and "Toán 6 - Tập 2" are one title,
    "Toán 6 tập 1" is another.
    """
    words = _FINAL_Y.sub(r"\1i", _NOT_LETTER.sub(" ", fold(title))).split()
    numbered = [_ROMAN.get(word, word) if place and words[place - 1] in _VOLUME else word for place, word in enumerate(words)]
    text = " ".join(numbered)
    return (_NOISE.sub(" ", text).replace(" ", "") or text.replace(" ", ""))[:120]


_VOLUME = {"tap", "quyen", "phan", "vol", "volume", "part", "so"}


def name_key(name: str) -> str:
    """A person's name whichever way round: "Du, Nguyễn (1766-1820)" and "Nguyễn Du" are one."""
    words = _NOT_LETTER.sub(" ", fold(name.partition("(")[0])).split()
    return "".join(sorted(word for word in words if not word.isdigit()))[:80]


def same_people(a: Iterable[str], b: Iterable[str]) -> bool:
    """Whether one person stands in both; also when one of the two names nobody."""
    first, second = {name_key(name) for name in a}, {name_key(name) for name in b}
    return not first or not second or not first.isdisjoint(second)


def keys_of(title: str, identifiers: Iterable[str]) -> set[tuple[str, str]]:
    """The keys under which twins of a record would be found."""
    keys = {(ISBN, number) for text in identifiers if (number := isbn13(text))}
    if len(key := title_key(title)) >= 3:
        keys.add((TITLE, key))
    return keys
