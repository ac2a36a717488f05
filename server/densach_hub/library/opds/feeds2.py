"""The addresses of OPDS 2.0."""

from typing import Final

import msgspec
from aiohttp import web

from densach_core.text import t
from densach_core.web.identity import me
from densach_core.web.keys import CLOCK, SITE
from densach_core.web.routes import EVERYONE, Routes
from densach_hub.library.opds import addresses as at
from densach_hub.library.opds import publications as form
from densach_hub.library.opds.addresses import V1, V2, origin, stamp
from densach_hub.library.opds.answers import OPEN, OWN, document, shared
from densach_hub.library.opds.browsing import BROWSING, NAMED, choices, leaf_of, own_items, speaker
from densach_hub.library.opds.door import answering
from densach_hub.library.opds.feeds1 import nothing_here
from densach_hub.library.opds.publications import Feed, FeedMetadata, Group, Link, Properties, publication

routes: Final = Routes("library")
FIRST = 12


@routes.get(V2.root, who=EVERYONE, api=True)
async def root(request: web.Request) -> web.StreamResponse:
    return await catalogue(request)


async def catalogue(request: web.Request, *, vary: str = "") -> web.StreamResponse:
    """The root: ways in, then what is new and the school's own shelves as groups."""

    async def make() -> bytes:
        browsing, say = request.app[BROWSING], speaker(request)
        facets, total = await browsing.facets()
        new = await browsing.newest(FIRST)
        groups = [
            Group(
                metadata=FeedMetadata(say(t("New")), number_of_items=total),
                links=(Link(rel="self", href=V2.items(), type=at.FEED),),
                publications=tuple(publication(it, say) for it in new),
            )
        ]
        groups += [
            Group(
                metadata=FeedMetadata(say(title)),
                links=(Link(rel="self", href=V2.by(limit), type=at.FEED),),
                navigation=lines,
            )
            for limit, (_, title, _) in NAMED.items()
            if (lines := form.lines(choices(V2, limit, facets), say)) and (len(lines) > 1 or limit in {"subject", "grade"})
        ]
        feed = Feed(
            metadata=FeedMetadata(say(request.app[SITE].title), stamp(await browsing.updated_at())),
            links=(
                *form.always(V2.root, origin(request), say),
                Link(rel="alternate", href=V1.root, type=at.NAVIGATION),
                Link(rel=at.CRAWLABLE, href=V2.items(), type=at.FEED),
            ),
            navigation=(
                Link(rel=at.NEWEST, href=V2.items(), type=at.FEED, title=say(t("New")), properties=Properties(total)),
                Link(rel="subsection", href=V2.shelf, type=at.FEED, title=say(t("My shelf"))),
            ),
            groups=tuple(group for group in groups if group.publications or group.navigation),
        )
        return msgspec.json.encode(feed)

    return await shared(request, at.FEED, make, vary=vary)


@routes.get("/opds/v2/by/{limit}", who=EVERYONE, api=True)
async def values(request: web.Request) -> web.StreamResponse:
    limit = request.match_info["limit"]
    if limit not in NAMED:
        raise nothing_here()

    async def make() -> bytes:
        browsing, say = request.app[BROWSING], speaker(request)
        facets, _ = await browsing.facets()
        feed = Feed(
            metadata=FeedMetadata(say(NAMED[limit][1]), stamp(await browsing.updated_at())),
            links=form.always(V2.by(limit), origin(request), say),
            navigation=form.lines(choices(V2, limit, facets), say) or (form.back(say),),
        )
        return msgspec.json.encode(feed)

    return await shared(request, at.FEED, make)


@routes.get("/opds/v2/items", who=EVERYONE, api=True)
@routes.get("/opds/v2/search", who=EVERYONE, api=True)
async def items(request: web.Request) -> web.StreamResponse:
    """A page of items, newest first or by words (`query`)."""

    async def make() -> bytes:
        browsing, leaf = request.app[BROWSING], await leaf_of(request, V2)
        feed = form.page(leaf, speaker(request), origin=origin(request), updated_at=await browsing.updated_at())
        return msgspec.json.encode(feed)

    return await shared(request, at.FEED, make)


@routes.get("/opds/v2/items/{id}", who=EVERYONE, api=True)
async def item(request: web.Request) -> web.StreamResponse:
    it = await request.app[BROWSING].library.item(request.match_info["id"])
    if not it.readable:
        raise nothing_here()
    body = msgspec.json.encode(publication(it, speaker(request)))
    return document(request, at.PUBLICATION, body, caching=OPEN)


@routes.get("/opds/v2/shelf", who=EVERYONE, api=True)
@answering
async def shelf(request: web.Request) -> web.StreamResponse:
    """Two groups: what the reader is in the middle of, what they put aside."""
    browsing = request.app[BROWSING]
    await browsing.door.reader(request)
    begun, kept = await own_items(browsing, me(request).id)
    say = speaker(request)
    groups = tuple(
        Group(
            metadata=FeedMetadata(say(title), number_of_items=len(some)), publications=tuple(publication(it, say) for it in some)
        )
        for title, some in ((t("Continue reading"), begun), (t("Kept for later"), kept))
        if some
    )
    feed = Feed(
        metadata=FeedMetadata(say(t("My shelf")), stamp(request.app[CLOCK].now_ms())),
        links=form.always(V2.shelf, origin(request), say),
        navigation=() if groups else (form.back(say),),
        groups=groups,
    )
    return document(request, at.FEED, msgspec.json.encode(feed), caching=OWN)
