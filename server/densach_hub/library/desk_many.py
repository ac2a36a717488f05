"""Many items at once, and names with their other forms: the desk's pages and API."""

import re

import msgspec
from aiohttp import web

from densach_core.accounts.audit import AUDIT
from densach_core.accounts.model import LIBRARIANS
from densach_core.errors import BadInput
from densach_core.folding import fold
from densach_core.text import Text, t, tn
from densach_core.web.identity import me
from densach_core.web.respond import read_body, read_form, see_other
from densach_core.web.routes import Routes
from densach_hub.library.editing import LABELS, ItemForm, record_from, says_of
from densach_hub.library.model import Record, State
from densach_hub.library.names import KINDS, Name
from densach_hub.library.school_words import CHOICES, code_of
from densach_hub.library.service import LIBRARY
from densach_hub.library.subjects import GRADES, SUBJECTS
from densach_hub.library.views import LANGUAGES, show

routes = Routes("library")
A_PAGE = 100
MOST = 1_000
FIELDS = ("subject", "grade_from", "grade_to", "level", "material", "audience", "curriculum", "language", "publisher", "place",
          "published", "series", "collections", "topics", "ddc", "rights", "licence", "source")  # fmt: skip
ADDABLE = frozenset({"collections", "topics"})
NAMED: dict[str, dict[str, Text]] = {"subject": {one.code: one.name for one in SUBJECTS}, "language": LANGUAGES, **CHOICES}
"""Fields whose values are chosen from a list: code → what people call it."""


class ManyForm(msgspec.Struct, frozen=True):
    """`add`: to what is there (collections and keywords), instead of in its place. An empty `value` empties the field."""

    field: str = ""
    value: str = ""
    items: list[str] = []
    add: bool = False
    q: str = ""


class Many(msgspec.Struct, frozen=True):
    """What to say of which items; `record` needs its title, which is not used."""

    items: list[str]
    field: str
    record: Record
    add: bool = False


class Changed(msgspec.Struct, frozen=True):
    changed: int


class NameForm(msgspec.Struct, frozen=True):
    preferred: str = ""
    variants: str = ""
    kind: str = "person"


class NameList(msgspec.Struct, frozen=True):
    names: list[Name]


@routes.get("/desk/many", who=LIBRARIANS)
async def many(request: web.Request) -> web.StreamResponse:
    words = request.query.get("q", "")[:100]
    found = await request.app[LIBRARY].desk([State.READY], words=words, limit=A_PAGE)
    return show(
        request, "library/many.html", title=t("Edit many at once"), items=found, words=words, choices=CHOICES,
        languages=LANGUAGES, fields=[(name, LABELS[name]) for name in FIELDS],
    )  # fmt: skip


@routes.post("/desk/many", who=LIBRARIANS)
async def edit_many(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, ManyForm)
    if form.field not in FIELDS:
        raise BadInput("many.field", t("Choose a field."), field="field")
    value: object = form.value.strip()
    if not value and form.field not in ADDABLE:
        value = None
    elif form.field in {"grade_from", "grade_to"}:
        value = _grade(form.value.strip())
    elif form.field in NAMED:
        value = _code(request, form.field, form.value)
    said = record_from(request, msgspec.structs.replace(ItemForm(title="-"), **{form.field: value}))
    n = await _edit(request, form.items, form.field, said, add=form.add)
    return see_other(request, f"/desk/many?q={form.q}", flash=tn("{n} item changed.", "{n} items changed.", n=n))


def _grade(typed: str) -> int:
    if not re.fullmatch(r"[0-9]{1,2}", typed) or int(typed) not in GRADES:
        raise BadInput("many.grade", t("A grade is a number from 1 to 12."), field="value")
    return int(typed)


def _code(request: web.Request, field: str, typed: str) -> str:
    """The code behind a word of the field's list, in either language. A slip of the pen is refused: it would empty the field."""
    words = " ".join(fold(typed).split())
    for code, name in NAMED[field].items():
        if words == code or words in {fold(say(name)) for say in says_of(request)}:
            return code
    known = code_of(field, typed) if field in CHOICES else words
    if known in NAMED[field] or (field == "language" and re.fullmatch(r"[a-z]{2,3}", known)):
        return known
    raise BadInput(
        "many.word",
        t("“{word}” is not among the words of this field.", word=typed.strip()[:60]),
        t("Choose one that is offered while you type."),
        field="value",
    )


async def _edit(request: web.Request, items: list[str], field: str, said: Record, *, add: bool) -> int:
    if field not in FIELDS:
        raise BadInput("many.field", t("Choose a field."), field="field")
    if not items or len(items) > MOST:
        raise BadInput("many.items", t("Tick 1 to {n} items.", n=MOST), field="items")
    account = me(request)
    n = await request.app[LIBRARY].edit_many(items, field, getattr(said, field), add=add and field in ADDABLE, by=account.name)
    await request.app[AUDIT].note(by=account, what="library.many-edited", on=field, detail={"items": len(items), "changed": n})
    return n


@routes.api(
    "POST", "/api/v1/items/many", who=LIBRARIANS, takes=Many, answers=Changed, summary="Say the same of many items (one field)"
)  # fmt: skip
async def edit_many_items(request: web.Request) -> Changed:
    told = await read_body(request, Many)
    return Changed(await _edit(request, told.items, told.field, told.record, add=told.add))


@routes.get("/desk/names", who=LIBRARIANS)
async def names(request: web.Request) -> web.StreamResponse:
    kind = request.query.get("kind", "person")
    kind = kind if kind in KINDS else "person"
    words = request.query.get("q", "")[:100]
    found = await request.app[LIBRARY].names.all(kind, words)
    return show(request, "library/names.html", title=t("Names and their other forms"), names=found, kind=kind, words=words)


@routes.post("/desk/names", who=LIBRARIANS)
async def put_name(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, NameForm)
    name = await _put(request, Name(form.kind, form.preferred, tuple(form.variants.splitlines())))
    return see_other(request, f"/desk/names?kind={name.kind}", flash=t("Saved."))


async def _put(request: web.Request, name: Name) -> Name:
    put = await request.app[LIBRARY].names.put(name)
    await request.app[AUDIT].note(by=me(request), what="library.name-forms", on=put.preferred)
    return put


@routes.api("GET", "/api/v1/names", who=LIBRARIANS, answers=NameList, summary="Names with their other forms (kind, q)")
async def list_names(request: web.Request) -> NameList:
    kind = request.query.get("kind", "person")
    return NameList(await request.app[LIBRARY].names.all(kind, request.query.get("q", "")[:100]))


@routes.api("PUT", "/api/v1/names", who=LIBRARIANS, takes=Name, answers=Name, summary="Say all other forms of a name")
async def put_names(request: web.Request) -> Name:
    return await _put(request, await read_body(request, Name))
