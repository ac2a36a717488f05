"""How many of what was found stand under each subject, grade, kind and so on: from shapes, entries that are alike. No I/O."""

from collections import Counter
from collections.abc import Iterable
from typing import TypeAlias, TypeVar

from densach_hub.library.model import Facet, Facets, Filters

T = TypeVar("T")

NAMES = ("kind", "subject", "language", "material", "audience", "licence")

_Word: TypeAlias = str | None
Shape: TypeAlias = tuple[_Word, _Word, int | None, int | None, _Word, _Word, _Word, _Word]
"""kind, subject, grade_from, grade_to, language, material, audience, licence."""


def counted(shapes: Iterable[tuple[Shape, int]], filters: Filters) -> tuple[Facets, int]:
    """Of shapes and how many are alike: each count as if only the *other* limits held; and how many fit all of them."""
    limits = tuple(getattr(filters, name) for name in NAMES)
    grade = filters.grade
    counters: tuple[Counter[str | None], ...] = tuple(Counter() for _ in NAMES)
    spans = Counter[tuple[int | None, int | None]]()
    total = 0
    limited = grade is not None or any(limit is not None for limit in limits)
    for (kind, subject, first, last, language, material, audience, licence), n in shapes:
        values = (kind, subject, language, material, audience, licence)
        if limited:
            wrong = [at for at, limit in enumerate(limits) if limit is not None and limit != values[at]]
            fits = grade is None or _within(grade, first, last)
            if len(wrong) + (not fits) > 1:
                continue
            if wrong:
                counters[wrong[0]][values[wrong[0]]] += n
                continue
            if not fits:
                spans[first, last] += n
                continue
        total += n
        spans[first, last] += n
        for counter, value in zip(counters, values, strict=True):
            counter[value] += n
    kinds, subjects, languages, materials, audiences, licences = map(most_of, counters)
    return Facets(
        subjects=subjects, grades=_grades(spans), kinds=kinds, languages=languages,
        materials=materials, audiences=audiences, licences=licences,
    ), total  # fmt: skip


def _within(grade: int, first: int | None, last: int | None) -> bool:
    return first is not None and first <= grade <= (first if last is None else last)


def _grades(spans: Counter[tuple[int | None, int | None]]) -> tuple[Facet, ...]:
    grades = Counter[int]()
    for (first, last), n in spans.items():
        if first is not None:
            for grade in range(first, (first if last is None else last) + 1):
                grades[grade] += n
    return tuple(Facet(str(grade), grades[grade]) for grade in sorted(grades))


def most_of(counter: Counter[T]) -> tuple[Facet, ...]:
    named = [(str(key), n) for key, n in counter.items() if key is not None]
    return tuple(Facet(key, n) for key, n in sorted(named, key=lambda pair: (-pair[1], pair[0])))
