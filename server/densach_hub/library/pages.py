"""The library as pupils see it: first page, search, an item, the own shelf."""

from urllib.parse import urlencode

import msgspec
from aiohttp import web
from markupsafe import Markup

from densach_core.text import t
from densach_core.web.identity import me, who_is
from densach_core.web.keys import LANGUAGES
from densach_core.web.respond import see_other
from densach_core.web.routes import EVERYONE, SIGNED_IN, Routes
from densach_core.web.speech import LOCALE
from densach_hub.library import covers
from densach_hub.library.asking import count_search
from densach_hub.library.copies import may_keep
from densach_hub.library.model import Filters, Home, Item, Kind
from densach_hub.library.narrowing import LIMITS, narrowings, subject_asked_for, subjects_called
from densach_hub.library.rights import may_leave
from densach_hub.library.sending import stored
from densach_hub.library.service import LIBRARY
from densach_hub.library.subjects import BY_CODE, STAFFS
from densach_hub.library.views import show

routes = Routes("library")
A_PAGE = 20
MOST_WORDS = 200
FOREVER = "public, max-age=31536000, immutable"


@routes.get("/", who=EVERYONE)
async def home(request: web.Request) -> web.StreamResponse:
    library = request.app[LIBRARY]
    shelves = await library.finder.home()
    account = who_is(request)
    current = await library.current(account.id, 6) if account else []
    return show(
        request, "library/home.html", title=t("Library"), home=shelves, current=current, shelves=_shelves(request, shelves)
    )


def _shelves(request: web.Request, shelves: Home) -> str:
    """The shelves' HTML, drawn once per language until something changes: it is the same for everybody."""
    kept = request.app[LIBRARY].shelves
    locale = LOCALE.get()
    found = kept.get(locale)
    if found is None or found[0] is not shelves:
        body = show(request, "library/shelves.html", home=_pupils_first(shelves)).text or ""
        found = kept[locale] = (shelves, Markup(body))  # noqa: S704 - our own template's output
    return found[1]


def _pupils_first(home: Home) -> Home:
    """Staff's papers come last: a child opens this page too, and twenty decrees are no invitation to read."""
    papers = [shelf for shelf in home.subjects if shelf.filters.subject == STAFFS]
    others = [shelf for shelf in home.subjects if shelf.filters.subject != STAFFS]
    new = sorted(home.new, key=lambda card: card.subject == STAFFS)
    return msgspec.structs.replace(home, new=tuple(new), subjects=(*others, *papers))


@routes.get("/search", who=EVERYONE)
async def search(request: web.Request) -> web.StreamResponse:
    """`q`, `page` and the limits (`subject`, `grade`, `kind`, `language`, `material`, `audience`, `licence`).

    Asked by htmx it answers with the results alone.
    """
    words = request.query.get("q", "")[:MOST_WORDS]
    filters = filters_of(request)
    results = await _results(request, words, filters)
    if request.headers.get("HX-Target") == "results":
        return web.Response(text=results, content_type="text/html")
    limits = _limits(request, filters)
    return show(request, "library/search.html", title=t("Search"), words=words, filters=filters, limits=limits, results=results)


def _limits(request: web.Request, filters: Filters) -> Markup:
    """The lists of subjects, grades and kinds to choose from, as HTML: half of what a page of known results would cost."""
    kept, key = request.app[LIBRARY].limits, (LOCALE.get(), filters.subject, filters.grade, filters.kind)
    found = kept.get(0, key)
    if found is None:
        found = show(request, "library/limits.html", filters=filters).text or ""
        kept.put(0, key, found)
    return Markup(found)  # noqa: S704 - our own template's output


async def _results(request: web.Request, words: str, filters: Filters) -> Markup:
    """The results' HTML; the same question gets the same answer until something changes, whoever asks."""
    library = request.app[LIBRARY]
    asked = request.query
    page = min(max(int(asked["page"]), 1), 100) if asked.get("page", "").isdecimal() else 1
    as_typed = asked.get("as") == "typed"
    generation = library.finder.generation
    key = (LOCALE.get(), words, filters, page, as_typed)
    kept = library.results.get(generation, key)
    if kept is not None:
        return Markup(kept)  # noqa: S704 - our own template's output
    count_search(request)
    answer = await library.finder.search(words, filters, limit=A_PAGE, offset=(page - 1) * A_PAGE, as_typed=as_typed)
    if generation == library.finder.generation and (kept := library.results.get(generation, key)) is not None:
        return Markup(kept)  # noqa: S704 - drawn meanwhile for somebody who asked the same
    shelf = None if answer.read_as or (answer.cards and not answer.loose) else subject_asked_for(words)
    on_shelf = await library.finder.search("", Filters(subject=shelf.code), limit=1) if shelf is not None else None
    names = {name: asked[name] for name in ("q", *LIMITS, "as") if asked.get(name)}
    body = show(
        request,
        "library/results.html",
        answer=answer,
        words=answer.read_as or words,
        typed=words,
        filters=filters,
        page=page,
        narrowings=narrowings(answer, names),
        base=f"/search?{urlencode(names)}&page=" if names else "/search?page=",
        limited=filters != Filters(),
        bare=f"/search?{urlencode({'q': words})}" if words else "/search",
        as_typed=f"/search?{urlencode(names | {'as': 'typed'})}",
        shelf=shelf,
        on_shelf=on_shelf is not None and on_shelf.total != 0,
        meant=f"/search?{urlencode(names | {'q': answer.meant or ''})}",
    )
    results = Markup(body.text or "")  # noqa: S704 - our own template's output
    if not answer.partial and generation == library.finder.generation:
        library.results.put(generation, key, results)
    return results


@routes.get("/search/suggest", who=EVERYONE)
async def suggest(request: web.Request) -> web.StreamResponse:
    """Titles, people and subjects for what is typed so far; a fragment."""
    words = " ".join(request.query.get("q", "")[:MOST_WORDS].split())
    if not words:
        return web.Response(text="", content_type="text/html")
    count_search(request)
    library = request.app[LIBRARY]
    generation, key = library.finder.generation, (LOCALE.get(), "suggest", words)
    kept = library.results.get(generation, key)
    if kept is not None:
        return web.Response(text=kept, content_type="text/html")
    found = await library.finder.suggest(words)
    say, locale = request.app[LANGUAGES].say, LOCALE.get()
    subjects = subjects_called(found.read_as or words, lambda name: say(name, locale))
    drawn = show(request, "library/suggest.html", found=found, subjects=subjects, words=words)
    if found.cards and generation == library.finder.generation:
        library.results.put(generation, key, drawn.text or "")
    return drawn


def filters_of(request: web.Request) -> Filters:
    """What the address limits a list to; values nobody knows are as if not said."""
    asked = request.query
    grade = asked.get("grade", "")
    kind = asked.get("kind", "")
    subject = asked.get("subject", "")
    language = asked.get("language", "")
    return Filters(
        subject=subject if subject in BY_CODE else None,
        grade=int(grade) if grade.isdecimal() and 1 <= int(grade) <= 12 else None,
        kind=Kind(kind) if kind in {k.value for k in Kind} else None,
        language=language[:20] or None,
        material=asked.get("material", "")[:80] or None,
        audience=asked.get("audience", "")[:80] or None,
        licence=asked.get("licence", "")[:20] or None,
    )


@routes.get("/items/{id}", who=EVERYONE)
async def item(request: web.Request) -> web.StreamResponse:
    library = request.app[LIBRARY]
    it = await library.item(request.match_info["id"], hidden=_may_see_hidden(request))
    account = who_is(request)
    place = await library.readers.place(account.id, it.id) if account else None
    kept = await library.readers.on_shelf(account.id, it.id) if account else False
    words = request.query.get("q", "")[:MOST_WORDS]
    hits = []
    if words.strip() and it.readable:
        count_search(request)
        hits = await library.finder.inside(words, it.id)
    return show(
        request, "library/item.html", title=t("{title}", title=it.title), item=it, place=place, kept=kept, words=words, hits=hits,
        has_pages=library.views.has_pages, may_keep=may_keep(request, it), may_leave=may_leave(it),
    )  # fmt: skip


def _may_see_hidden(request: web.Request) -> bool:
    from densach_core.accounts.model import LIBRARIANS

    account = who_is(request)
    return account is not None and account.has(LIBRARIANS)


@routes.get("/items/{id}/cover", who=EVERYONE)
async def cover(request: web.Request) -> web.StreamResponse:
    """The cover's picture, or the drawn one; `?v=` names the version, which is then kept for ever."""
    library = request.app[LIBRARY]
    it = await library.item(request.match_info["id"], hidden=_may_see_hidden(request))
    lasting = FOREVER if request.query.get("v") else "public, max-age=300"
    if it.cover is None or not library.vault.has(it.cover):
        return web.Response(
            text=covers.svg(it.title, it.subject), content_type="image/svg+xml", headers={"Cache-Control": lasting, **SANDBOX}
        )
    headers = {"Content-Type": "image/jpeg", "Cache-Control": lasting, **SANDBOX}
    return stored(request, library.vault.path(it.cover), headers)


SANDBOX = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
"""For files shown as they are: no scripts, no network, no origin of ours."""


@routes.get("/shelf", who=SIGNED_IN)
async def shelf(request: web.Request) -> web.StreamResponse:
    """What the reader is in the middle of, and what they put aside for later."""
    library = request.app[LIBRARY]
    account = me(request)
    own = await library.finder.cards(await library.readers.own_shelf(account.id))
    counts = dict(await library.marking.items(account.id, 100))
    marked = [(card, counts[card.id]) for card in await library.finder.cards(list(counts))]
    current = await library.current(account.id, 50)
    return show(request, "library/shelf.html", title=t("My shelf"), current=current, own=own, marked=marked)


@routes.post("/items/{id}/shelf", who=SIGNED_IN)
async def put_on_shelf(request: web.Request) -> web.StreamResponse:
    it = await _own(request)
    await request.app[LIBRARY].readers.put_on_shelf(me(request).id, it.id)
    return see_other(request, f"/items/{it.id}", flash=t("It is on your shelf now."))


@routes.post("/items/{id}/shelf/remove", who=SIGNED_IN)
async def take_off_shelf(request: web.Request) -> web.StreamResponse:
    it = await _own(request)
    await request.app[LIBRARY].readers.take_off_shelf(me(request).id, it.id)
    return see_other(request, "/shelf", flash=t("It is no longer on your shelf."))


@routes.post("/items/{id}/forget", who=SIGNED_IN)
async def forget(request: web.Request) -> web.StreamResponse:
    it = await _own(request)
    await request.app[LIBRARY].readers.forget(me(request).id, it.id)
    return see_other(request, "/shelf", flash=t("Your place in it is forgotten."))


async def _own(request: web.Request) -> Item:
    return await request.app[LIBRARY].item(request.match_info["id"], hidden=True)
