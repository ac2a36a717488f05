"""The library for programs: what the pages show, as JSON."""

import msgspec
from aiohttp import web

from densach_core.accounts.audit import AUDIT
from densach_core.accounts.model import LIBRARIANS
from densach_core.errors import BadInput
from densach_core.text import t
from densach_core.web.identity import me, who_is
from densach_core.web.keys import LANGUAGES
from densach_core.web.respond import read_body
from densach_core.web.routes import EVERYONE, Routes
from densach_core.web.speech import LOCALE
from densach_hub.library.asking import count_search
from densach_hub.library.model import Added, Answer, Card, Filters, Hit, Holdings, Item, Kind, Record, State, Suggestions
from densach_hub.library.reasons import broken
from densach_hub.library.service import LIBRARY
from densach_hub.library.subjects import BY_CODE

routes = Routes("library")
MOST = 100


class ItemList(msgspec.Struct, frozen=True):
    """`total` is None beyond what is counted; `more`: there is a next page at `offset` + the number of items."""

    items: tuple[Card, ...]
    total: int | None
    offset: int
    more: bool


class Hits(msgspec.Struct, frozen=True):
    hits: list[Hit]


class Withdrawal(msgspec.Struct, frozen=True):
    why: str = ""


@routes.api("GET", "/api/v1/items", who=EVERYONE, answers=ItemList, summary="Items, newest first or by words (q)")
async def items(request: web.Request) -> ItemList:
    answer = await _answer(request, with_texts=False)
    return ItemList(answer.cards, answer.total, answer.offset, answer.more)


@routes.api("GET", "/api/v1/search", who=EVERYONE, answers=Answer, summary="Search titles, people, subjects and texts")
async def search(request: web.Request) -> Answer:
    return await _answer(request, with_texts=True)


@routes.api(
    "GET", "/api/v1/suggestions", who=EVERYONE, answers=Suggestions, summary="Titles and people for what is typed so far (q)"
)
async def suggestions(request: web.Request) -> Suggestions:
    count_search(request)
    return await request.app[LIBRARY].finder.suggest(request.query.get("q", "")[:200])


@routes.api("GET", "/api/v1/items/{id}", who=EVERYONE, answers=Item, summary="One item")
async def item(request: web.Request) -> Item:
    """What was said while it was looked over is between teacher and librarian."""
    found = await request.app[LIBRARY].item(request.match_info["id"])
    account = who_is(request)
    if account is not None and account.has(LIBRARIANS):
        return found
    return msgspec.structs.replace(found, offered_by=None, reviewed_by=None, reviewed_at=None, review_note=None)


@routes.api("GET", "/api/v1/items/{id}/hits", who=EVERYONE, answers=Hits, summary="Places in an item's text (q)")
async def hits(request: web.Request) -> Hits:
    it = await request.app[LIBRARY].item(request.match_info["id"])
    count_search(request)
    return Hits(await request.app[LIBRARY].finder.inside(request.query.get("q", "")[:200], it.id))


@routes.api("GET", "/api/v1/library", who=EVERYONE, answers=Holdings, summary="What the library holds")
async def holdings(request: web.Request) -> Holdings:
    return await request.app[LIBRARY].holdings()


@routes.api(
    "POST",
    "/api/v1/items",
    who=LIBRARIANS,
    takes=Record,
    answers=Added,
    status=201,
    summary="Add an entry without a file",
)
async def add_record(request: web.Request) -> tuple[int, Added]:
    account = me(request)
    added = await request.app[LIBRARY].add_record(await read_body(request, Record), by=account.name)
    if not added.already:
        await request.app[AUDIT].note(by=account, what="library.item-added", on=added.item)
    return (200 if added.already else 201), added


@routes.api("PUT", "/api/v1/items/{id}", who=LIBRARIANS, takes=Record, answers=Item, summary="Correct what is said of an item")
async def edit(request: web.Request) -> Item:
    account = me(request)
    changed = await request.app[LIBRARY].edit(request.match_info["id"], await read_body(request, Record), by=account.name)
    await request.app[AUDIT].note(by=account, what="library.item-edited", on=changed.id)
    return changed


@routes.api(
    "POST", "/api/v1/items/{id}/withdrawal", who=LIBRARIANS, takes=Withdrawal, answers=Item, summary="Take an item from sight"
)
async def withdraw(request: web.Request) -> Item:
    account = me(request)
    told = await read_body(request, Withdrawal)
    changed = await request.app[LIBRARY].withdraw(request.match_info["id"], by=account.name, why=told.why)
    await request.app[AUDIT].note(by=account, what="library.item-withdrawn", on=changed.id, detail=told.why)
    return changed


class Standing(msgspec.Struct, frozen=True):
    """Where an item stands; `reason`: why it is broken, in the asker's language."""

    id: str
    title: str
    state: State
    reason: str | None = None


@routes.api(
    "GET",
    "/api/v1/desk/standing",
    who=LIBRARIANS,
    answers=list[Standing],
    summary="Where items stand that were just added (id=…, up to 100 times)",
)
async def standing(request: web.Request) -> web.StreamResponse:
    """Those there are, in the order asked; an id nobody knows is left out."""
    say, locale = request.app[LANGUAGES].say, LOCALE.get()
    found = [
        Standing(it.id, it.title, it.state, " ".join(say(text, locale) for text in broken(it)) or None)
        for it in await request.app[LIBRARY].standing(request.query.getall("id", [])[:MOST])
    ]
    return web.Response(body=msgspec.json.encode(found), content_type="application/json", headers={"Cache-Control": "no-store"})


@routes.api("GET", "/api/v1/desk/items", who=LIBRARIANS, answers=list[Item], summary="Items in every state, for the librarian")
async def desk_items(request: web.Request) -> web.StreamResponse:
    asked = request.query.get("state")
    states = [State(asked)] if asked in {s.value for s in State} else list(State)
    found = await request.app[LIBRARY].desk(states, limit=MOST, offset=_number(request, "offset", 0, 1_000_000))
    return web.Response(body=msgspec.json.encode(found), content_type="application/json")


async def _answer(request: web.Request, *, with_texts: bool) -> Answer:
    asked = request.query
    kind = asked.get("kind")
    subject = asked.get("subject")
    if kind is not None and kind not in {k.value for k in Kind}:
        raise BadInput("library.kind", t("There is no such kind of item."), field="kind")
    if subject is not None and subject not in BY_CODE:
        raise BadInput("library.subject", t("There is no such subject."), field="subject")
    filters = Filters(
        subject=subject,
        grade=_number(request, "grade", 0, 12) or None,
        kind=Kind(kind) if kind else None,
        language=asked.get("language", "")[:20] or None,
        material=asked.get("material", "")[:80] or None,
        audience=asked.get("audience", "")[:80] or None,
        licence=asked.get("licence", "")[:20] or None,
    )
    count_search(request)
    return await request.app[LIBRARY].finder.search(
        asked.get("q", "")[:200],
        filters,
        limit=_number(request, "limit", 20, MOST) or 20,
        offset=_number(request, "offset", 0, 2_000),
        with_texts=with_texts,
        as_typed=asked.get("as") == "typed",
    )


def _number(request: web.Request, name: str, usual: int, most: int) -> int:
    given = request.query.get(name)
    if given is None:
        return usual
    if not given.isdecimal() or int(given) > most:
        raise BadInput("library.number", t("A number from 0 to {most} is wanted here.", most=most), field=name)
    return int(given)
