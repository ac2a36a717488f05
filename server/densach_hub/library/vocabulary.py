"""The words the catalogue has: what a mistyped one may have been meant to be, and how an unfinished one may end.

Every possible slip of one letter is looked up among the words the catalogue has (a few hundred look-ups in a table that is kept
in step with each entry), so it is always what the catalogue says now, whatever its size.
"""
# ruff: noqa: S608 - only names of tables and marks are put into statements; what somebody asked is a parameter

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from densach_hub.library import keystrokes
from densach_hub.library import query as asked
from densach_hub.library.query import Query
from densach_hub.library.sides import Tables
from densach_hub.library.subjects import SUBJECTS

LETTERS = "aeiounhtcgmdlyrsvbpkxqwfjz"
FIGURES = "0123456789"
SHORTEST, LONGEST = 3, 24
FAR = 7
"""From how many letters on a word may have two slips."""
SURE = 2
"""So many first letters are taken to be right when two slips are looked for."""
SCANNED = 1_000
TRIED = 5
ENDINGS, ENDINGS_SCANNED = 6, 2_000
SUBJECT_WORDS = frozenset(
    word for subject in SUBJECTS for word in asked.parse(subject.code.replace("-", " ")).words
) | {"lop", "khoi", "mon", "tap", "bai", "sach"}  # fmt: skip
"""What a school's shelves are called: right even where the library has nothing of it."""


def read_keys(c: sqlite3.Connection, side: Tables, query: Query) -> Query | None:
    """The query with the keys of Telex or VNI read as what they were meant to be; None where that is not the case.

    Once a word cannot be what it looks like (the library has none that begins so) and is a syllable when read as keys,
    all words that can be read so are.
    """
    raw = asked.raw_words(query.text)
    readings = [keystrokes.read(word) for word in raw]
    if not any(readings):
        return None
    surely = any(
        reading is not None
        and not _begins(c, side, asked.spelled(word))
        and (asked.spelled(reading) == "d" or _is_somewhere(c, side, asked.spelled(reading)))
        for word, reading in zip(raw, readings, strict=True)
    )
    if not surely:
        return None
    words = [
        reading if reading is not None and (n == 0 or _is_somewhere(c, side, asked.spelled(reading))) else word
        for n, (word, reading) in enumerate(zip(raw, readings, strict=True))
    ]
    return asked.parse(" ".join(words) + ("" if query.open_end else " "))


def corrections(c: sqlite3.Connection, side: Tables, query: Query) -> Iterator[tuple[Query, bool]]:
    """The query with its mistyped words replaced, likeliest first; and whether it may be asked without asking back.

    That is so only where the words replaced stand nowhere in the library: not on a card, not inside a text. A word that is
    somewhere may still be a slip, which is for the reader to say; a subject, a grade or a number never is.
    """
    meant = [word.isdecimal() or word in SUBJECT_WORDS for word in query.words]
    known = [kept or _count(c, side, word) > 0 for kept, word in zip(meant, query.words, strict=True)]
    if query.open_end and not known[-1]:
        known[-1] = _begins(c, side, query.words[-1])
    wrong = [n for n, word in enumerate(query.words) if not known[n] and SHORTEST <= len(word) <= LONGEST]
    if not all(known[n] or n in wrong for n in range(len(known))):
        return
    if wrong:
        sure = not any(_is_somewhere(c, side, query.words[n]) for n in wrong)
        choices = [nearest(c, side, query.words[n]) for n in wrong]
        if not all(choices):
            return
        for rank in range(TRIED):
            words = list(query.words)
            for n, words_near in zip(wrong, choices, strict=True):
                words[n] = words_near[min(rank, len(words_near) - 1)]
            yield _of(words), sure
            if all(rank >= len(words_near) - 1 for words_near in choices):
                return
    elif len(query.words) > 1:
        for n, word in enumerate(query.words):
            if not meant[n] and SHORTEST <= len(word) <= LONGEST:
                for near in nearest(c, side, word)[:TRIED]:
                    yield _of([*query.words[:n], near, *query.words[n + 1 :]]), False


def _of(words: Sequence[str]) -> Query:
    return Query(text=" ".join(words), words=tuple(words), exact=tuple(words), open_end=False)


def nearest(c: sqlite3.Connection, side: Tables, word: str) -> list[str]:
    """Words of the catalogue one slip away (letters swapped, missing, doubled, wrong), the most frequent first; of a long word
    two slips, if one is not enough."""
    swapped = _known(c, side, set(_swaps(word)))
    slipped = _known(c, side, set(_slips(word)) - swapped.keys())
    if swapped or slipped:
        return sorted(swapped, key=lambda w: -swapped[w])[:TRIED] + sorted(slipped, key=lambda w: -slipped[w])[:TRIED]
    if len(word) < FAR:
        return []
    rows = c.execute(
        f"SELECT term, n FROM {side.word} WHERE term BETWEEN ? AND ? AND length(term) BETWEEN ? AND ? LIMIT ?",
        (word[:SURE], word[:SURE] + "\uffff", len(word) - 2, len(word) + 2, SCANNED),
    )
    near = [(distance(word, row["term"]), -row["n"], row["term"]) for row in rows]
    return [term for slips, _, term in sorted(near) if slips <= 2][:TRIED]


def _swaps(word: str) -> Iterator[str]:
    for n in range(len(word) - 1):
        if word[n] != word[n + 1]:
            yield word[:n] + word[n + 1] + word[n] + word[n + 2 :]


def _slips(word: str) -> Iterator[str]:
    letters = LETTERS if word.isalpha() else LETTERS + FIGURES
    for n in range(len(word)):
        yield word[:n] + word[n + 1 :]
        for letter in letters:
            yield word[:n] + letter + word[n + 1 :]
    for n in range(len(word) + 1):
        for letter in letters:
            yield word[:n] + letter + word[n:]


def distance(one: str, other: str, most: int = 2) -> int:
    """Slips between two words (Damerau, neighbours swapped count one); `most` + 1 where there are more."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        older, before, row = before, row, [i]
        for j, against in enumerate(other, 1):
            best = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != against))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == against:
                best = min(best, older[j - 2] + 1)
            row.append(best)
        if min(row) > most:
            return most + 1
    return row[-1]


def _known(c: sqlite3.Connection, side: Tables, words: Iterable[str]) -> dict[str, int]:
    """Those the catalogue has, with how often."""
    found: dict[str, int] = {}
    rest = iter(words)
    while some := list(islice(rest, 500)):
        marks = ",".join("?" * len(some))
        rows = c.execute(f"SELECT term, n FROM {side.word} WHERE term IN ({marks})", some)
        found.update({row["term"]: row["n"] for row in rows})
    return found


def _count(c: sqlite3.Connection, side: Tables, word: str) -> int:
    row = c.execute(f"SELECT n FROM {side.word} WHERE term = ?", (word,)).fetchone()
    return row["n"] if row else 0


def _begins(c: sqlite3.Connection, side: Tables, word: str) -> bool:
    """Whether any word begins so: in a title, a name, a topic."""
    row = c.execute(f"SELECT 1 FROM {side.word} WHERE term >= ? AND term < ? LIMIT 1", (word, word + "\uffff")).fetchone()
    return row is not None


def _is_somewhere(c: sqlite3.Connection, side: Tables, word: str) -> bool:
    return _count(c, side, word) > 0 or _is_heard(c, side, word)


def _is_heard(c: sqlite3.Connection, side: Tables, word: str) -> bool:
    """Whether it stands inside a text."""
    return c.execute(f"SELECT 1 FROM {side.heard} WHERE term = ?", (word,)).fetchone() is not None


def endings(c: sqlite3.Connection, side: Tables, query: Query) -> tuple[str, ...]:
    """What the last word may become in the texts: itself where it is one, else the most frequent words it begins."""
    if not query.open_end or not query.words:
        return query.words[-1:]
    last = query.words[-1]
    if _is_heard(c, side, last):
        return (last,)
    rows = c.execute(
        f"SELECT term, n FROM {side.heard} WHERE term >= ? AND term < ? LIMIT ?", (last, last + "\uffff", ENDINGS_SCANNED)
    ).fetchall()
    best = sorted(rows, key=lambda row: (-row["n"], row["term"]))[:ENDINGS]
    return tuple(row["term"] for row in best) or (last,)
