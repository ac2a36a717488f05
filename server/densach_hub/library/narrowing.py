"""How the results of a search may be narrowed down: the counts as links that set a limit or take it off again."""

from collections.abc import Callable, Mapping
from urllib.parse import urlencode

import msgspec

from densach_core.text import Text, t
from densach_hub.library.licences import licence_name
from densach_hub.library.model import Answer, Facet, Kind
from densach_hub.library.query import has, parse
from densach_hub.library.school_words import word_of
from densach_hub.library.subjects import SUBJECTS, Subject, subject_name
from densach_hub.library.views import KINDS, language_of

MOST_VALUES = 8
SUGGESTED_SUBJECTS = 3


LIMITS = ("subject", "grade", "kind", "language", "material", "audience", "licence")
MAIN = frozenset({"subject", "grade", "kind"})


class Choice(msgspec.Struct, frozen=True):
    """`chosen`: this limit holds now, and following the link takes it off."""

    name: Text | str
    n: int
    address: str
    chosen: bool


class Narrowing(msgspec.Struct, frozen=True):
    """`main`: shown at once; the others when asked for, or while one of them holds."""

    name: Text
    choices: tuple[Choice, ...]
    main: bool


def narrowings(answer: Answer, asked: Mapping[str, str]) -> list[Narrowing]:
    """Those limits that would change something. `asked` are the words and limits of the page's address."""
    named: tuple[tuple[str, Text, tuple[Facet, ...], Callable[[str], Text | str | None]], ...] = (
        ("subject", t("Subject"), answer.facets.subjects, subject_name),
        ("grade", t("Grade"), answer.facets.grades, lambda key: t("Grade {grade}", grade=int(key))),
        ("kind", t("Kind"), answer.facets.kinds, lambda key: KINDS[Kind(key)][0]),
        ("language", t("Language"), answer.facets.languages, language_of),
        ("material", t("Type"), answer.facets.materials, lambda key: word_of("material", key)),
        ("audience", t("Audience"), answer.facets.audiences, lambda key: word_of("audience", key)),
        ("licence", t("Licence"), answer.facets.licences, licence_name),
    )
    found = []
    for limit, name, facets, say in named:
        value = asked.get(limit)
        most = len(facets) if limit == "grade" else MOST_VALUES
        shown = [facet for n, facet in enumerate(facets) if n < most or facet.key == value]
        if len(shown) < 2 and value is None:
            continue
        choices = [
            Choice(say(facet.key) or facet.key, facet.n, _address(asked, limit, facet.key), facet.key == value) for facet in shown
        ]
        if choices:
            found.append(Narrowing(name, tuple(choices), limit in MAIN))
    return found


def _address(asked: Mapping[str, str], limit: str, value: str) -> str:
    rest = {name: other for name, other in asked.items() if name != limit}
    if asked.get(limit) != value:
        rest[limit] = value
    return f"/search?{urlencode(rest)}"


def subjects_called(words: str, say: Callable[[Text], str]) -> list[Subject]:
    """Subjects whose name has the words (the last one perhaps unfinished)."""
    query = parse(words)
    if not query.words:
        return []
    return [subject for subject in SUBJECTS if has(say(subject.name), query)][:SUGGESTED_SUBJECTS]


def subject_asked_for(words: str) -> Subject | None:
    """The subject whose name is among the words (`toan 7`, `bài tập vật lí`), the longest name first."""
    query = parse(words)
    there = f" {' '.join(query.words)} "
    named = [(parse(subject.code.replace("-", " ")).words, subject) for subject in SUBJECTS]
    return next(
        (subject for name, subject in sorted(named, key=lambda one: -len(one[0])) if f" {' '.join(name)} " in there), None
    )
