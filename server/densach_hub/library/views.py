"""What the library's pages share: words for kinds and grades, drawn covers, hits marked; one place, used by every template."""

import re
from typing import Any
from urllib.parse import urlencode

import msgspec
from aiohttp import web
from markupsafe import Markup, escape

from densach_core.accounts.model import LIBRARIANS
from densach_core.i18n import Locale
from densach_core.text import Text, t, tn
from densach_core.web.keys import ASSETS
from densach_core.web.keys import LANGUAGES as CATALOGUES
from densach_core.web.respond import render
from densach_core.web.speech import LOCALE
from densach_hub.library import covers
from densach_hub.library.model import Card, Filters, Form, Item, Kind
from densach_hub.library.query import marked, parse
from densach_hub.library.reasons import broken, remark
from densach_hub.library.rights import may_leave
from densach_hub.library.roles import role_of
from densach_hub.library.school_words import word_of
from densach_hub.library.service import LIBRARY
from densach_hub.library.subjects import GRADES, SUBJECTS, subject_name

KINDS: dict[Kind, tuple[Text, str]] = {
    Kind.EPUB: (t("Book"), "book"),
    Kind.PDF: (t("PDF document"), "book"),
    Kind.VIDEO: (t("Film"), "film"),
    Kind.AUDIO: (t("Sound"), "sound"),
    Kind.IMAGE: (t("Picture"), "monitor"),
    Kind.COMIC: (t("Comic"), "books"),
    Kind.SIMULATION: (t("Simulation"), "grid"),
    Kind.LESSON: (t("Interactive lesson"), "school"),
    Kind.DOCUMENT: (t("Document"), "inbox"),
    Kind.LINK: (t("Link"), "globe"),
    Kind.ZIM: (t("Offline website"), "globe"),
}
LISTED: tuple[Text, str] = (t("Catalogue entry"), "bookmark")
LANGUAGES = {
    "vi": t("Vietnamese"),
    "en": t("English"),
    "fr": t("French"),
    "zh": t("Chinese"),
    "ja": t("Japanese"),
    "ko": t("Korean"),
    "ru": t("Russian"),
    "de": t("German"),
    "ar": t("Arabic"),
}


BETWEEN = "\0"
NOBODY = frozenset({"command", "demo"})
_DAY = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")


def kind_of(what: Card | Item) -> tuple[Text, str]:
    """The word and the icon for a kind of item."""
    if what.form is Form.LISTED or what.kind is None:
        return LISTED if what.form is Form.LISTED else (t("File"), "disk")
    return KINDS[what.kind]


def extent_of(what: Card | Item) -> Text | None:
    """How long it is, in what fits its kind."""
    if what.duration_ms is not None:
        seconds = what.duration_ms // 1000
        return t("{length} long", length=clock_words(seconds))
    if what.pages is not None and what.kind in {Kind.PDF, Kind.COMIC}:
        return tn("{n} page", "{n} pages", n=what.pages)
    if what.pages is not None and what.kind is Kind.EPUB:
        return tn("{n} chapter", "{n} chapters", n=what.pages)
    if what.pages is not None and what.kind is Kind.ZIM:
        return tn("{n} article", "{n} articles", n=what.pages)
    return None


def clock_words(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def grades_of(what: Card | Item | Filters) -> Text | None:
    """“Grade 6” or “Grades 6–9”."""
    if isinstance(what, Filters):
        return t("Grade {grade}", grade=what.grade) if what.grade is not None else None
    if what.grade_from is None:
        return None
    if what.grade_to in (None, what.grade_from):
        return t("Grade {grade}", grade=what.grade_from)
    return t("Grades {first}–{last}", first=what.grade_from, last=what.grade_to)


def language_of(code: str | None) -> Text | str | None:
    if code is None:
        return None
    return LANGUAGES.get(code.partition("-")[0].lower(), code)


def published_of(published: str) -> tuple[Text, str]:
    """How to name and write a date of publication: a day, a month or a year; the first of January means its year."""
    day = _DAY.fullmatch(published)
    if day is None or (day[2] == "01" and day[3] in (None, "01")):
        return (t("Year of publication"), day[1]) if day else (t("Published"), published)
    if day[2] is None:
        return t("Year of publication"), day[1]
    return t("Date of publication"), f"{day[3]}/{day[2]}/{day[1]}" if day[3] else f"{day[2]}/{day[1]}"


def person(name: str) -> str:
    """Whoever added an item, when it was a person; nothing for our own commands."""
    return "" if name in NOBODY else name


def facts_of(what: Card | Item) -> list[Text | str]:
    """The small words under a title: subject, grades, length, year, language unless Vietnamese."""
    facts = [subject_name(what.subject), grades_of(what), extent_of(what), (what.published or "")[:4]]
    if what.language and not what.language.startswith("vi"):
        facts.append(language_of(what.language))
    return [fact for fact in facts if fact]


class Parts(msgspec.Struct, frozen=True):
    """What of a hit does not depend on what was asked: drawn once per language, kept until something changes."""

    cover: Markup
    facts: Markup


def parts_of(request: web.Request, card: Card) -> Parts:
    """Cover and small words of a card, from what is kept or drawn now."""
    library = request.app[LIBRARY]
    locale = LOCALE.get()
    generation, key = library.finder.generation, (locale, card.id)
    kept = library.parts.get(generation, key)
    if kept is not None:
        cover, _, facts = kept.partition(BETWEEN)
        return Parts(Markup(cover), Markup(facts))  # noqa: S704 - drawn below
    drawn = _drawn(request, card, locale)
    library.parts.put(generation, key, f"{drawn.cover}{BETWEEN}{drawn.facts}")
    return drawn


def _drawn(request: web.Request, card: Card, locale: Locale) -> Parts:
    say = request.app[CATALOGUES].say
    word, icon = kind_of(card)
    picture = covers.inline(card.title, card.subject)
    if card.cover:
        source = f"/items/{card.id}/cover?v={card.cover[:10]}"
        cover = "cover cover--whole" if card.kind in {Kind.VIDEO, Kind.SIMULATION, Kind.LESSON, Kind.ZIM} else "cover"
        picture = Markup(  # noqa: S704 - ids and hashes of ours
            f'<img class="{cover}" src="{source}" alt="" width="150" height="200" loading="lazy" decoding="async">'
        )
    icons = request.app[ASSETS].address("core/icons.svg")
    drawing = f'<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><use href="{icons}#{icon}"/></svg>'
    bits = "".join(f"<li>{escape(say(fact, locale))}</li>" for fact in facts_of(card))
    facts = Markup(f'<ul class="bits"><li>{drawing}{escape(say(word, locale))}</li>{bits}</ul>')  # noqa: S704 - escaped
    return Parts(picture, facts)


def read_path(item_id: str, *, section: int | None = None, words: str = "") -> str:
    """The reader's address, at a place and with the words to look for there."""
    asked: dict[str, str | int] = {}
    if section is not None:
        asked["at"] = section
    if words:
        asked["q"] = words
    return f"/read/{item_id}{'?' if asked else ''}{urlencode(asked)}"


def show(request: web.Request, template: str, /, **values: Any) -> web.Response:
    """Renders one of the library's templates with everything they share."""
    return render(request, template, **_SHARED, parts_of=lambda card: parts_of(request, card), **values)


def marks(title: str, words: str) -> Markup:
    """A title with what was asked for marked."""
    return pieces(marked(title, parse(words))) if words else escape(title)


def pieces(parts: tuple[tuple[str, bool], ...]) -> Markup:
    """Pieces of a text, the hits among them marked."""
    html = "".join(f"<mark>{escape(text)}</mark>" if hit else escape(text) for text, hit in parts)
    return Markup(html)  # noqa: S704 - every piece was escaped


CALLS: dict[str, Any] = {"kind_of": kind_of, "drawn": covers.inline, "facts_of": facts_of}
_SHARED: dict[str, Any] = {
    "language_of": language_of,
    "subject_name": subject_name,
    "word_of": word_of,
    "pieces": pieces,
    "clock_words": clock_words,
    "read_path": read_path,
    "marks": marks,
    "broken": broken,
    "remark": remark,
    "role_of": role_of,
    "published_of": published_of,
    "person": person,
    "may_take": may_leave,
    "SUBJECTS": SUBJECTS,
    "GRADES": GRADES,
    "KINDS": KINDS,
    "librarians": LIBRARIANS,
}
