"""Many items at once, and names with their other forms: the desk's pages and API."""

import msgspec
from aiohttp import web

from densach_core.accounts.audit import AUDIT
from densach_core.accounts.model import LIBRARIANS
from densach_core.errors import BadInput
from densach_core.text import t, tn
from densach_core.web.identity import me
from densach_core.web.respond import read_body, read_form, see_other
from densach_core.web.routes import Routes
from densach_hub.library.editing import LABELS, ItemForm, record_from
from densach_hub.library.model import Record, State
from densach_hub.library.names import KINDS, Name
from densach_hub.library.school_words import CHOICES
from densach_hub.library.service import LIBRARY
from densach_hub.library.views import LANGUAGES, show

routes = Routes("library")
A_PAGE = 100
MOST = 1_000
FIELDS = ("subject", "grade_from", "grade_to", "level", "material", "audience", "curriculum", "language", "publisher", "place",
          "published", "series", "collections", "topics", "ddc", "rights", "licence", "source")  # fmt: skip
ADDABLE = frozenset({"collections", "topics"})


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
    value: object = form.value
    if form.field in {"grade_from", "grade_to"}:
        value = int(form.value) if form.value.isdecimal() and len(form.value) < 3 else None
    elif not form.value and form.field not in ADDABLE:
        value = None
    said = record_from(request, msgspec.structs.replace(ItemForm(title="-"), **{form.field: value}))
    n = await _edit(request, form.items, form.field, said, add=form.add)
    return see_other(request, f"/desk/many?q={form.q}", flash=tn("{n} item changed.", "{n} items changed.", n=n))


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
