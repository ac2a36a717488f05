"""The addresses of OPDS 1.2."""

from typing import Final

from aiohttp import web

from densach_core.errors import NotFound
from densach_core.text import t, tn
from densach_core.web.identity import me
from densach_core.web.keys import CLOCK, SITE
from densach_core.web.routes import EVERYONE, Routes
from densach_hub.library.opds import addresses as at
from densach_hub.library.opds import atom
from densach_hub.library.opds.addresses import V1
from densach_hub.library.opds.answers import OPEN, OWN, document, shared
from densach_hub.library.opds.browsing import BROWSING, NAMED, Leaf, choices, leaf_of, own_items, speaker
from densach_hub.library.opds.door import answering

routes: Final = Routes("library")


@routes.get(V1.root, who=EVERYONE, api=True)
async def root(request: web.Request) -> web.StreamResponse:
    return await catalogue(request)


async def catalogue(request: web.Request, *, vary: str = "") -> web.StreamResponse:
    """The root: what is new, the lists by which to walk in, the own shelf."""

    async def make() -> bytes:
        browsing, say = request.app[BROWSING], speaker(request)
        facets, _ = await browsing.facets()
        lines = [
            atom.Line("new", say(t("New")), V1.items(), content=say(t("What came in last")), rel=at.NEWEST),
            *(
                atom.Line(
                    f"by:{limit}", say(title), V1.by(limit), content=say(tn("{n} list", "{n} lists", n=n)), kind=at.NAVIGATION
                )
                for limit, (_, title, _) in NAMED.items()
                if (n := len(choices(V1, limit, facets))) > 1 or (n and limit in {"subject", "grade"})
            ),
            atom.Line("shelf", say(t("My shelf")), V1.shelf, content=say(t("Needs your log-in name and PIN or password"))),
        ]
        return atom.navigation(
            say,
            key="urn:densach:catalog",
            title=say(request.app[SITE].title),
            here=V1.root,
            updated_at=await browsing.updated_at(),
            lines=lines,
            up=None,
            whole=V1.items(),
        )

    return await shared(request, at.NAVIGATION, make, vary=vary)


@routes.get("/opds/v1.2/by/{limit}", who=EVERYONE, api=True)
async def values(request: web.Request) -> web.StreamResponse:
    """All subjects, grades, kinds or languages that something stands under."""
    limit = request.match_info["limit"]
    if limit not in NAMED:
        raise nothing_here()

    async def make() -> bytes:
        browsing, say = request.app[BROWSING], speaker(request)
        facets, _ = await browsing.facets()
        return atom.navigation(
            say,
            key=f"urn:densach:by:{limit}",
            title=say(NAMED[limit][1]),
            here=V1.by(limit),
            updated_at=await browsing.updated_at(),
            lines=atom.lines_of(say, limit, choices(V1, limit, facets)),
            up=V1.root,
        )

    return await shared(request, at.NAVIGATION, make)


@routes.get("/opds/v1.2/items", who=EVERYONE, api=True)
async def items(request: web.Request) -> web.StreamResponse:
    """A page of items, newest first or by words. Only what has a file: a reading app can do nothing with the rest."""

    async def make() -> bytes:
        browsing, leaf = request.app[BROWSING], await leaf_of(request, V1)
        return atom.acquisition(speaker(request), leaf, updated_at=await browsing.updated_at())

    return await shared(request, at.ACQUISITION, make)


@routes.get("/opds/v1.2/items/{id}", who=EVERYONE, api=True)
async def item(request: web.Request) -> web.StreamResponse:
    it = await request.app[BROWSING].library.item(request.match_info["id"])
    if not it.readable:
        raise nothing_here()
    return document(request, at.ENTRY, atom.entry(it, speaker(request)), caching=OPEN)


@routes.get("/opds/v1.2/shelf", who=EVERYONE, api=True)
@answering
async def shelf(request: web.Request) -> web.StreamResponse:
    """What the reader is in the middle of, then what they put aside."""
    browsing = request.app[BROWSING]
    await browsing.door.reader(request)
    begun, kept = await own_items(browsing, me(request).id)
    leaf = Leaf(
        key="shelf", title=t("My shelf"), items=(*begun, *kept), here=V1.shelf, first=V1.shelf, previous=None, next=None,
        last=None, page=1, total=None,
    )  # fmt: skip
    body = atom.acquisition(speaker(request), leaf, updated_at=request.app[CLOCK].now_ms(), own=True)
    return document(request, at.ACQUISITION, body, caching=OWN)


@routes.get(at.SEARCH_XML, who=EVERYONE, api=True)
async def description(request: web.Request) -> web.StreamResponse:
    body = atom.search_description(speaker(request)(request.app[SITE].title), at.origin(request))
    return document(request, at.OPENSEARCH, body, caching=OPEN)


def nothing_here() -> NotFound:
    return NotFound("page.not-found", t("There is nothing at this address."), t("Begin at /opds/v1.2/catalog."))
