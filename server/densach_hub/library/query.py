"""What somebody typed, turned into questions for the index, and hits marked in the original text. No I/O.

Questions go from exact to loose: the words with their tones as one phrase, all of them with tones, the phrase without
tones, all words anywhere. The last word may be unfinished, since people type. Ways of spelling that both are right
(lí and lý, hoà and hòa) are one here, in what is indexed and in what is asked.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

import msgspec

from densach_core.folding import fold, fold_with_places

MOST_WORDS = 12
MOST_LETTERS = 200
EXCERPT_BEFORE, EXCERPT_AFTER = 60, 160
_WORD = re.compile(r"[^\W_]+")
_I_OR_Y = re.compile(r"\b(h|k|l|m|s|t|v|qu)y\b")
_I_OR_Y_TONED = re.compile(r"\b(h|k|l|m|s|t|v|qu)([yýỳỷỹỵ])\b")
_I_FOR_Y = re.compile(r"(?:h|k|l|m|s|t|v|qu)i")
_LATE_TONE = re.compile(r"(?:o[àáảãạèéẻẽẹ]|(?<!q)u[ỳýỷỹỵ])\b")
_Y_TO_I = str.maketrans("yýỳỷỹỵ", "iíìỉĩị")
_EARLY = {
    "oà": "òa", "oá": "óa", "oả": "ỏa", "oã": "õa", "oạ": "ọa", "oè": "òe", "oé": "óe", "oẻ": "ỏe", "oẽ": "õe", "oẹ": "ọe",
    "uỳ": "ùy", "uý": "úy", "uỷ": "ủy", "uỹ": "ũy", "uỵ": "ụy",
}  # fmt: skip


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """`words` folded, `exact` in lower case with their tones; `open_end`: the last word may go on."""

    text: str
    words: tuple[str, ...]
    exact: tuple[str, ...]
    open_end: bool

    @property
    def toned(self) -> bool:
        """Whether anything was typed that folding takes away."""
        return self.words != self.exact


@lru_cache(maxsize=128)
def parse(typed: str) -> Query:
    text = unicodedata.normalize("NFC", " ".join(typed[:MOST_LETTERS].split()))
    exact = tuple(_WORD.findall(exact_words(text)))[:MOST_WORDS]
    words = tuple(_WORD.findall(spelled(text)))[:MOST_WORDS]
    return Query(text=text, words=words, exact=exact, open_end=not typed.endswith(" "))


def spelled(text: str) -> str:
    """Folded, and i for y where both are written (lí, lý): what is indexed. As long as the folded text, letter by letter."""
    return one_spelling(fold(text))


def one_spelling(folded: str) -> str:
    return _I_OR_Y.sub(r"\1i", folded)


def exact_words(text: str) -> str:
    """What the column of exact words holds: lower case, tones kept, one way of writing them (`hoà` → `hòa`, `lý` → `lí`)."""
    lower = unicodedata.normalize("NFC", text).lower()
    lower = _I_OR_Y_TONED.sub(lambda match: match[1] + match[2].translate(_Y_TO_I), lower)
    return _LATE_TONE.sub(lambda match: _EARLY[match[0]], lower)


def title_questions(query: Query) -> list[str]:
    """FTS5 expressions over `title`, `exact`, `people`, `topics`, `about`, best first."""
    if not query.words:
        return []
    questions = []
    ends = (False, True) if query.open_end else (False,)
    if query.toned:
        questions += [f"exact : {_phrase(query.exact, end)}" for end in ends]
        questions.append(f"exact : {_all(query.exact, query.open_end)}")
    questions += [f"title : {start}{_phrase(query.words, end)}" for end in ends for start in ("^", "")]
    if len(query.words) > 1:
        questions.append(f"title : {_all(query.words, query.open_end)}")
    questions.append(f"{{title people topics about}} : {_all(query.words, query.open_end)}")
    return questions


def all_of(query: Query) -> str:
    """All the words, the last one perhaps unfinished."""
    return _all(query.words, query.open_end)


def words_of(spelled_text: str) -> list[str]:
    """The words of a text that is spelled already, as the index tells them apart."""
    return _WORD.findall(spelled_text)


def raw_words(text: str) -> list[str]:
    """The words as they were typed."""
    return _WORD.findall(text.lower())[:MOST_WORDS]


def alike(query: Query) -> tuple[object, ...]:
    """What an answer depends on: equal for words in capitals or not, with other spaces or marks between them; not for words
    with other tones, nor for a last word that is finished and one that may go on."""
    return (*raw_words(query.text), None, *query.exact, None, *query.words, query.open_end)


def has(text: str, query: Query) -> bool:
    """Whether all the words are in a text (the last one perhaps unfinished)."""
    there = _WORD.findall(spelled(text))
    *whole, last = query.words
    begun = any(word.startswith(last) for word in there) if query.open_end else last in there
    return begun and set(whole) <= set(there)


def any_question(query: Query) -> str:
    """When nothing has all the words: any of them."""
    return f"{{title people topics}} : ({' OR '.join(_quoted(word) for word in query.words)})"


def text_questions(query: Query, endings: tuple[str, ...] = ()) -> list[str]:
    """FTS5 expressions over the text inside items, best first.

    `endings` are what the last word may become: in two gigabytes of text a bare prefix would have to gather every passage
    with any word that begins so before the first one is shown.
    """
    if not query.words or (len(query.words) == 1 and len(query.words[0]) < 2):
        return []
    lasts = endings or query.words[-1:]
    before = query.words[:-1]
    questions = [_any(_phrase((*before, last), False) for last in lasts)]
    if before:
        questions.append(f"{' AND '.join(map(_quoted, before))} AND {_any(map(_quoted, lasts))}")
    return questions


def _any(parts: Iterable[str]) -> str:
    return f"({' OR '.join(parts)})"


def _quoted(word: str) -> str:
    return f'"{word}"'


def _phrase(words: tuple[str, ...], open_end: bool, /) -> str:
    return f'"{" ".join(words)}"{"*" if open_end else ""}'


def _all(words: tuple[str, ...], open_end: bool) -> str:
    quoted = [_quoted(word) for word in words]
    if open_end:
        quoted[-1] += "*"
    return f"({' AND '.join(quoted)})"


def marked(text: str, query: Query) -> tuple[tuple[str, bool], ...]:
    """`text` in pieces, those that were asked for marked: phrase first, else each word at the start of one."""
    spans = _spans(text, query)
    pieces: list[tuple[str, bool]] = []
    at = 0
    for start, end in spans:
        if start > at:
            pieces.append((text[at:start], False))
        pieces.append((text[start:end], True))
        at = end
    if at < len(text):
        pieces.append((text[at:], False))
    return tuple(pieces)


def excerpt(text: str, query: Query) -> tuple[tuple[str, bool], ...]:
    """The neighbourhood of the first hit, marked; the beginning where there is none."""
    folded = fold(text)
    at = max(0, _first(folded, query))
    if len(folded) != len(text):
        at = _place(text, at)
    start = text.rfind(" ", 0, max(0, at - EXCERPT_BEFORE)) + 1 if at > EXCERPT_BEFORE else 0
    end = at + EXCERPT_AFTER
    if end < len(text):
        end = max(text.rfind(" ", at, end), at + EXCERPT_AFTER // 2)
    part = text[start:end].strip()
    pieces = marked(part, query)
    before = (("… ", False),) if start > 0 else ()
    after = ((" …", False),) if end < len(text) else ()
    return (*before, *pieces, *after)


@lru_cache(maxsize=256)
def _pattern(query: Query) -> re.Pattern[str] | None:
    """The words in a row, or each of them at the start of a word, in folded text."""
    if not query.words:
        return None
    words = [_written(word) for word in query.words]
    phrase = r"[\W_]+".join(words)
    single = "|".join(sorted(words, key=len, reverse=True))
    close = "" if query.open_end else r"\b"
    last = rf"|{words[-1]}" if query.open_end else ""
    return re.compile(rf"\b(?:{phrase}{close}|(?:{single})\b{last})")


@lru_cache(maxsize=256)
def _starts(query: Query) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """For the words in a row, then for each: letters to look for (quick), and what must stand there (sure)."""
    words = [_written(word) for word in query.words]
    ends = [r"\b"] * len(words)
    if query.open_end:
        ends[-1] = ""
    rows = [r"[\W_]+".join(words)] if len(words) > 1 else []
    patterns = [re.compile(one) for one in [*rows, *(word + end for word, end in zip(words, ends, strict=True))]]
    letters = [word[:-1] if _I_FOR_Y.fullmatch(word) else word for word in query.words]
    return tuple(zip([*letters[: len(rows)], *letters], patterns, strict=True))


def _written(word: str) -> str:
    """A word as it may stand in folded text, where i and y are not one yet."""
    return re.escape(word[:-1]) + "[iy]" if _I_FOR_Y.fullmatch(word) else re.escape(word)


def _first(folded: str, query: Query) -> int:
    """Where the words stand in a row, else where the first of them stands; -1 where none does."""
    if not query.words:
        return -1
    (*row,) = _starts(query)
    if len(query.words) > 1 and (at := _at(folded, *row.pop(0))) >= 0:
        return at
    return min((at for start in row if (at := _at(folded, *start)) >= 0), default=-1)


def _at(folded: str, letters: str, pattern: re.Pattern[str]) -> int:
    at = folded.find(letters)
    while at >= 0 and ((at and folded[at - 1].isalnum()) or pattern.match(folded, at) is None):
        at = folded.find(letters, at + 1)
    return at


def _place(text: str, at: int) -> int:
    """The letter of a text whose folded form begins at `at`, where folding made it longer or shorter."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high) // 2
        if len(fold(text[:middle])) < at:
            low = middle + 1
        else:
            high = middle
    return low


def _spans(text: str, query: Query) -> list[tuple[int, int]]:
    pattern = _pattern(query)
    if pattern is None:
        return []
    folded = fold(text)
    places: list[int] | None = None
    if len(folded) != len(text) or not unicodedata.is_normalized("NFC", text):
        folded, places = fold_with_places(text)
    spans = []
    for match in pattern.finditer(folded):
        start, end = match.span()
        if places is not None:
            start, end = places[start], places[end] if end < len(places) else len(text)
        spans.append((start, end))
    return spans
