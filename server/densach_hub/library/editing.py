"""An item at the desk: what is said of it, corrected by several people without one silently undoing the other.

The form carries the record it was made from. When the record changed meanwhile, nothing is saved: the form comes back with
what was typed, what the other one wrote where nothing was typed, and the other's changes in words. Saving again then holds.
"""

from collections.abc import Callable

import msgspec
from aiohttp import web

from densach_core.accounts.audit import AUDIT
from densach_core.accounts.model import LIBRARIANS
from densach_core.errors import BadInput, Conflict
from densach_core.text import Text, t
from densach_core.web.identity import me
from densach_core.web.keys import LANGUAGES as CATALOGUES
from densach_core.web.respond import read_form, see_other
from densach_core.web.routes import Routes
from densach_core.web.speech import LOCALE
from densach_core.web.statuses import status_of
from densach_hub.library import store
from densach_hub.library.import_words import WHY
from densach_hub.library.model import Item, Record
from densach_hub.library.roles import Say, creators_of, line_of
from densach_hub.library.school_words import CHOICES, word_of
from densach_hub.library.service import LIBRARY
from densach_hub.library.subjects import BY_CODE, subject_name
from densach_hub.library.views import LANGUAGES, language_of, show

routes = Routes("library")
_records = msgspec.json.Decoder(Record)
LABELS: dict[str, Text] = {
    "title": t("Title"),
    "subtitle": t("Subtitle"),
    "creators": t("Authors"),
    "subject": t("Subject"),
    "grade_from": t("From grade"),
    "grade_to": t("To grade"),
    "language": t("Language"),
    "publisher": t("Publisher"),
    "published": t("Year or date of publication"),
    "material": t("Type of material"),
    "level": t("School level"),
    "audience": t("Audience"),
    "curriculum": t("Curriculum"),
    "ddc": t("Dewey number (DDC)"),
    "cutter": t("Cutter number"),
    "series": t("Series"),
    "series_number": t("Number in the series"),
    "collections": t("Collections"),
    "place": t("Place of publication"),
    "statement": t("Edition"),
    "extent": t("Extent"),
    "copies": t("Printed copies"),
    "topics": t("Keywords"),
    "description": t("Description"),
    "identifiers": t("Identifiers"),
    "rights": t("Rights"),
    "licence": t("Licence"),
    "source": t("Where the item comes from"),
}
"""The fields of the form in their order, by the record's own names."""


class ItemForm(msgspec.Struct, frozen=True):
    """`creators` are lines: a name, or `name (role)`. `before` is the record that the form was made from, as JSON."""

    title: str = ""
    subtitle: str | None = None
    creators: str = ""
    description: str | None = None
    subject: str | None = None
    topics: str = ""
    grade_from: int | None = None
    grade_to: int | None = None
    publisher: str | None = None
    published: str | None = None
    language: str | None = None
    identifiers: str = ""
    rights: str | None = None
    source: str | None = None
    material: str | None = None
    level: str | None = None
    audience: str | None = None
    curriculum: str | None = None
    ddc: str | None = None
    cutter: str | None = None
    series: str | None = None
    series_number: str | None = None
    collections: str = ""
    place: str | None = None
    statement: str | None = None
    extent: str | None = None
    licence: str | None = None
    copies: int | None = None
    before: str = ""


class OtherChange(msgspec.Struct, frozen=True):
    """A field somebody else changed meanwhile. `typed_too`: it was changed in this form as well."""

    label: Text
    before: str
    now: str
    typed_too: bool


@routes.get("/desk/items/{id}", who=LIBRARIANS)
async def edit_page(request: web.Request) -> web.StreamResponse:
    it = await request.app[LIBRARY].item(request.match_info["id"], hidden=True)
    return await _page(request, it, store.record_of(it))


@routes.post("/desk/items/{id}", who=LIBRARIANS)
async def edit(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, ItemForm)
    library = request.app[LIBRARY]
    item_id = request.match_info["id"]
    typed = record_from(request, form)
    before = _before(form)
    try:
        await library.edit(item_id, typed, before=before, by=me(request).name)
    except BadInput as problem:
        it = await library.item(item_id, hidden=True)
        return await _page(request, it, typed, before=before, wrong=problem, status=status_of(problem))
    except Conflict as problem:
        it = await library.item(item_id, hidden=True)
        base = before or typed
        merged, others = merge(base, typed, store.record_of(it), lambda name, value: words_for(request, name, value))
        return await _page(request, it, merged, others=others, status=status_of(problem))
    await request.app[AUDIT].note(by=me(request), what="library.item-edited", on=item_id)
    return see_other(request, f"/desk/items/{item_id}", flash=t("Saved."))


@routes.post(r"/desk/items/{id}/versions/{seq:\d+}/restore", who=LIBRARIANS)
async def restore(request: web.Request) -> web.StreamResponse:
    """An earlier version is said again."""
    item_id, text = request.match_info["id"], request.match_info["seq"]
    seq = int(text) if text.isascii() and len(text) < 16 else -1
    await request.app[LIBRARY].restore(item_id, seq, by=me(request).name)
    await request.app[AUDIT].note(by=me(request), what="library.version-restored", on=item_id)
    return see_other(request, f"/desk/items/{item_id}", flash=t("The earlier version is back."))


def merge(before: Record, typed: Record, now: Record, words: Callable[[str, object], str]) -> tuple[Record, list[OtherChange]]:
    """What was typed over what is stored now, field by field; and what somebody else changed since `before`."""
    kept: dict[str, object] = {}
    others = []
    for name, label in LABELS.items():
        old, mine, theirs = getattr(before, name), getattr(typed, name), getattr(now, name)
        kept[name] = theirs if mine == old else mine
        if theirs != old:
            others.append(OtherChange(label, words(name, old), words(name, theirs), mine not in (old, theirs)))
    return msgspec.structs.replace(now, **kept), others


async def _page(
    request: web.Request,
    it: Item,
    said: Record,
    *,
    before: Record | None = None,
    others: list[OtherChange] | None = None,
    wrong: BadInput | None = None,
    status: int = 200,
) -> web.Response:
    """`said` stands in the form; `before` is what the form's next saving is held against (what is stored, if not given)."""
    response = show(
        request,
        "library/desk_item.html",
        title=t("{title}", title=it.title),
        item=it,
        said=said,
        people=[line_of(creator, _say(request)) for creator in said.creators],
        before=msgspec.json.encode(before or store.record_of(it)).decode(),
        others=others or [],
        wrong={str(wrong.facts.get("field", "")): _say(request)(wrong.what)} if wrong else {},
        languages=LANGUAGES,
        choices=CHOICES,
        versions=await request.app[LIBRARY].versions(it.id),
        why=WHY,
    )
    response.set_status(status)
    return response


def _before(form: ItemForm) -> Record | None:
    """None where the form says nothing of it (a program's): then nothing is compared."""
    try:
        return _records.decode(form.before) if form.before else None
    except msgspec.DecodeError as error:
        raise BadInput("form.wrong", t("The form is damaged."), t("Open the page again."), field="before") from error


def record_from(request: web.Request, form: ItemForm) -> Record:
    return Record(
        title=form.title,
        subtitle=form.subtitle,
        creators=creators_of(_lines(form.creators), says_of(request)),
        description=form.description.replace("\r\n", "\n") if form.description else None,
        subject=form.subject if form.subject in BY_CODE else None,
        topics=_lines(form.topics.replace(";", "\n").replace(",", "\n")),
        grade_from=form.grade_from,
        grade_to=form.grade_to,
        publisher=form.publisher,
        published=form.published,
        language=form.language,
        identifiers=_lines(form.identifiers),
        rights=form.rights,
        source=form.source,
        material=form.material,
        level=form.level,
        audience=form.audience,
        curriculum=form.curriculum,
        ddc=form.ddc,
        cutter=form.cutter,
        series=form.series,
        series_number=form.series_number,
        collections=_lines(form.collections.replace(";", "\n").replace(",", "\n")),
        place=form.place,
        statement=form.statement,
        extent=form.extent,
        licence=form.licence,
        copies=form.copies,
    )


def words_for(request: web.Request, name: str, value: object) -> str:
    """A field's value as the note says it; empty when nothing is said."""
    say = _say(request)
    if value is None or value == ():
        return ""
    if name == "creators":
        return ", ".join(line_of(creator, say) for creator in value)  # type: ignore[attr-defined]
    if isinstance(value, tuple):
        return ", ".join(value)
    if name in CHOICES:
        word = word_of(name, str(value))
        return say(word) if isinstance(word, Text) else str(word)
    shown = subject_name(str(value)) if name == "subject" else language_of(str(value)) if name == "language" else str(value)
    words = say(shown) if isinstance(shown, Text) else str(shown)
    return words if len(words) <= 200 else f"{words[:199]}…"


def _say(request: web.Request) -> Say:
    catalogues, locale = request.app[CATALOGUES], LOCALE.get()
    return lambda text: catalogues.say(text, locale)


def says_of(request: web.Request) -> tuple[Say, ...]:
    catalogues = request.app[CATALOGUES]
    return (lambda text: catalogues.say(text, "vi"), lambda text: catalogues.say(text, "en"))


def _lines(text: str) -> tuple[str, ...]:
    return tuple(" ".join(line.split()) for line in text.splitlines() if line.strip())[:40]
