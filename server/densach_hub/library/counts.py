"""How many of what was found stand under each subject, grade, kind and so on: from shapes, entries that are alike. No I/O."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias, TypeVar

from densach_hub.library.model import Facet, Facets, Filters

T = TypeVar("T")
K = TypeVar("K")

NO_LIMITS = Filters()
NAMES = ("kind", "subject", "language", "material", "audience", "licence")

_Word: TypeAlias = str | None
Shape: TypeAlias = tuple[_Word, _Word, int | None, int | None, _Word, _Word, _Word, _Word]
"""kind, subject, grade_from, grade_to, language, material, audience, licence."""


def counted(shapes: Sequence[tuple[Shape, int]], filters: Filters) -> tuple[Facets, int]:
    """Of shapes and how many are alike: each count as if only the *other* limits held; and how many fit all of them."""
    if filters == NO_LIMITS:
        return _unlimited(shapes)
    return _limited(shapes, filters)


def _unlimited(shapes: Sequence[tuple[Shape, int]]) -> tuple[Facets, int]:
    """Most searches: column by column, three times as fast."""
    if not shapes:
        return Facets(), 0
    numbers = [n for _, n in shapes]
    columns = tuple(zip(*(shape for shape, _ in shapes), strict=True))
    spans = _summed(zip(columns[2], columns[3], strict=True), numbers)
    kinds, subjects, languages, materials, audiences, licences = (
        most_of(_summed(columns[at], numbers)) for at in (0, 1, 4, 5, 6, 7)
    )
    return Facets(
        subjects=subjects, grades=_grades(spans), kinds=kinds, languages=languages,
        materials=materials, audiences=audiences, licences=licences,
    ), sum(numbers)  # fmt: skip


def _summed(values: Iterable[K], numbers: Sequence[int]) -> dict[K, int]:
    found: dict[K, int] = {}
    for value, n in zip(values, numbers, strict=True):
        found[value] = found.get(value, 0) + n
    return found


def _limited(shapes: Iterable[tuple[Shape, int]], filters: Filters) -> tuple[Facets, int]:
    limits = tuple(getattr(filters, name) for name in NAMES)
    grade = filters.grade
    counters: tuple[Counter[str | None], ...] = tuple(Counter() for _ in NAMES)
    spans = Counter[tuple[int | None, int | None]]()
    total = 0
    for (kind, subject, first, last, language, material, audience, licence), n in shapes:
        values = (kind, subject, language, material, audience, licence)
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


def _grades(spans: Mapping[tuple[int | None, int | None], int]) -> tuple[Facet, ...]:
    grades = Counter[int]()
    for (first, last), n in spans.items():
        if first is not None:
            for grade in range(first, (first if last is None else last) + 1):
                grades[grade] += n
    return tuple(Facet(str(grade), grades[grade]) for grade in sorted(grades))


def most_of(counter: Mapping[T, int]) -> tuple[Facet, ...]:
    named = [(str(key), n) for key, n in counter.items() if key is not None]
    return tuple(Facet(key, n) for key, n in sorted(named, key=lambda pair: (-pair[1], pair[0])))
