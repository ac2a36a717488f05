"""What a reading app asks for, before it becomes Atom or JSON: a page of items with its neighbours and what narrows it down."""

import re
from collections.abc import Callable
from urllib.parse import quote, urlencode

import msgspec
from aiohttp import web

from densach_core.clock import Clock
from densach_core.text import Text, t
from densach_core.web.keys import LANGUAGES
from densach_core.web.speech import LOCALE
from densach_hub.library import covers
from densach_hub.library.asking import count_search
from densach_hub.library.files import file_name
from densach_hub.library.finding import MOST_OFFSET
from densach_hub.library.kept import Kept
from densach_hub.library.licences import licence_name
from densach_hub.library.model import Facet, Facets, Filters, Form, Item, Kind
from densach_hub.library.opds.addresses import ACQUIRE, JPEG, LIMITS, OPEN_ACCESS, PNG, SVG, Version
from densach_hub.library.opds.door import Door
from densach_hub.library.opds.listing import RARE, Group, counted, groups, mark_of, stretch
from densach_hub.library.pages import filters_of
from densach_hub.library.rights import may_leave
from densach_hub.library.school_words import word_of
from densach_hub.library.service import Library
from densach_hub.library.subjects import subject_name
from densach_hub.library.views import KINDS, language_of

A_PAGE = 30
MOST_OWN = 60
MOST_WORDS = 200
MOST_PAGE = 1_000_000
BODIES = 4 * 1024 * 1024
COUNTS_LAST_S = 10.0
"""While an import adds items every moment the counts, which are hints, are not taken anew for each."""

_LANGUAGE = re.compile(r"[A-Za-z0-9-]{1,20}")
NAMED: dict[str, tuple[Text, Text, Callable[[str], Text | str | None]]] = {
    "subject": (t("Subject"), t("By subject"), subject_name),
    "grade": (t("Grade"), t("By grade"), lambda key: t("Grade {grade}", grade=int(key))),
    "kind": (t("Kind"), t("By kind"), lambda key: KINDS[Kind(key)][0]),
    "language": (t("Language"), t("By language"), language_of),
    "material": (t("Type"), t("By type"), lambda key: word_of("material", key)),
    "audience": (t("Audience"), t("By audience"), lambda key: word_of("audience", key)),
    "licence": (t("Licence"), t("By licence"), licence_name),
}
"""A limit → what it is called, the list of its values, the name of a value."""


class Choice(msgspec.Struct, frozen=True):
    """A link that narrows a list down (or, with `n` None, takes the limit off); `active`: it holds now."""

    name: Text | str
    href: str
    n: int | None
    active: bool


class Narrowing(msgspec.Struct, frozen=True):
    name: Text
    choices: tuple[Choice, ...]


class Leaf(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a list. `key` tells one list from another for ever; `total` None: more than is counted."""

    key: str
    title: Text | str
    items: tuple[Item, ...]
    here: str
    first: str
    previous: str | None
    next: str | None
    last: str | None
    page: int
    total: int | None
    words: str = ""
    narrowings: tuple[Narrowing, ...] = ()

    @property
    def updated_at(self) -> int:
        return max((it.changed_at for it in self.items), default=0)


class Browsing:
    """The reading apps' side of a library: its door, its counts, and the bodies of feeds that are the same for everybody."""

    def __init__(self, library: Library, clock: Clock) -> None:
        self.library = library
        self.door = Door(clock)
        self.bodies = Kept(BODIES)
        self._clock = clock
        self._groups: tuple[Group, ...] | None = None
        self._counted_in = -1
        self._counted_at = 0.0

    async def every_group(self) -> tuple[Group, ...]:
        """What there is, in groups: at most ten seconds old."""
        generation, now = self.library.finder.generation, self._clock.monotonic()
        if self._groups is None or (generation != self._counted_in and now - self._counted_at >= COUNTS_LAST_S):
            self._groups = await self.library.finder.ask(groups)
            self._counted_in, self._counted_at = generation, now
        return self._groups

    async def updated_at(self) -> int:
        """When the last change was; feeds without items say this."""
        return max((group.changed_at for group in await self.every_group()), default=0)

    async def newest(self, most: int) -> tuple[Item, ...]:
        found = await self.library.finder.ask(lambda c: stretch(c, Filters(), most=most, rare=False))
        return await self.items(found.items)

    async def facets(self) -> tuple[Facets, int]:
        return counted(await self.every_group(), Filters())

    async def items(self, ids: tuple[str, ...] | list[str]) -> tuple[Item, ...]:
        """Those that can be opened now, in this order."""
        return tuple(it for it in await self.library.standing(list(ids)) if it.readable)


BROWSING: web.AppKey[Browsing] = web.AppKey("library_opds", Browsing)


async def leaf_of(request: web.Request, version: Version) -> Leaf:
    """The page an address asks for: by words in order of rank, else newest first. Odd addresses are read as far as they go."""
    words = " ".join((request.query.get(version.words) or request.query.get("q", ""))[:MOST_WORDS].split())
    filters = filters_of(request)
    if filters.language is not None and not _LANGUAGE.fullmatch(filters.language):
        filters = msgspec.structs.replace(filters, language=None)
    return await (_found(request, version, words, filters) if words else _newest(request, version, filters))


async def _newest(request: web.Request, version: Version, filters: Filters) -> Leaf:
    browsing = request.app[BROWSING]
    asked = request.query
    facets, total = counted(await browsing.every_group(), filters)
    before, after = mark_of(asked.get("before", "")), mark_of(asked.get("after", ""))
    oldest = asked.get("last") == "1"
    page = _page(request) if before or after or oldest else 1

    limits = _limits(filters)
    found = await browsing.library.finder.ask(
        lambda c: stretch(c, filters, most=A_PAGE, rare=total <= RARE, before=before, after=after, oldest=oldest)
    )
    pages = max(1, -(-total // A_PAGE))
    previous = following = None
    if found.newer:
        previous = version.items(**limits, after=found.first, page=max(1, page - 1)) if found.first else version.items(**limits)
    if found.older and found.last:
        following = version.items(**limits, before=found.last, page=page + 1)
    return Leaf(
        key=f"items:{quote(urlencode(limits))}" if limits else "new",
        title=_title(request, filters),
        items=await browsing.items(found.items),
        here=version.items(**limits, before=before, after=after, last=asked.get("last") if oldest else None,
            page=page if page > 1 else None),
        first=version.items(**limits),
        previous=previous,
        next=following,
        last=version.items(**limits, last=1, page=pages),
        page=page,
        total=total,
        narrowings=_narrowings(version, limits, facets),
    )  # fmt: skip


async def _found(request: web.Request, version: Version, words: str, filters: Filters) -> Leaf:
    browsing = request.app[BROWSING]
    page = min(_page(request), MOST_OFFSET // A_PAGE)
    count_search(request)
    answer = await browsing.library.finder.search(words, filters, limit=A_PAGE, offset=(page - 1) * A_PAGE, with_texts=False)
    asked = {version.words: words, **_limits(filters)}
    total = sum(facet.n for facet in answer.facets.kinds) if filters.kind is None else answer.total
    if answer.total is None or not answer.facets.exact:
        total = None
    more = answer.more and page < MOST_OFFSET // A_PAGE
    last = None if total is None else min(max(1, -(-(answer.total or 0) // A_PAGE)), MOST_OFFSET // A_PAGE)
    return Leaf(
        key=f"items:{quote(urlencode(asked))}",
        title=words,
        items=await browsing.items([card.id for card in answer.cards if card.form is Form.FILE]),
        here=version.items(**asked, page=page if page > 1 else None),
        first=version.items(**asked),
        previous=version.items(**asked, page=page - 1) if page > 1 else None,
        next=version.items(**asked, page=page + 1) if more else None,
        last=version.items(**asked, page=last) if last is not None else None,
        page=page,
        total=total,
        words=words,
        narrowings=_narrowings(version, asked, answer.facets),
    )


def choices(version: Version, limit: str, facets: Facets) -> list[Choice]:
    """All values of a limit with their lists, for walking in from the root."""
    name_of = NAMED[limit][2]
    return [
        Choice(name_of(facet.key) or facet.key, version.items(**{limit: facet.key}), facet.n, active=False)
        for facet in _facets_of(limit, facets)
    ]


def _narrowings(version: Version, asked: dict[str, str], facets: Facets) -> tuple[Narrowing, ...]:
    found = []
    for limit in LIMITS:
        name, _, name_of = NAMED[limit]
        values, now = _facets_of(limit, facets), asked.get(limit)
        if now is not None and all(facet.key != now for facet in values):
            values = (*values, Facet(now, 0))
        if len(values) < 2 and now is None:
            continue
        rest = {key: value for key, value in asked.items() if key != limit}
        every = Choice(t("All"), version.items(**rest), None, active=now is None)
        each = [
            Choice(name_of(facet.key) or facet.key, version.items(**rest, **{limit: facet.key}), facet.n, facet.key == now)
            for facet in values
        ]
        found.append(Narrowing(name, (every, *each)))
    return tuple(found)


def _facets_of(limit: str, facets: Facets) -> tuple[Facet, ...]:
    found: tuple[Facet, ...] = getattr(facets, f"{limit}s")
    return found


def _limits(filters: Filters) -> dict[str, str]:
    return {name: str(value) for name in LIMITS if (value := getattr(filters, name)) is not None}


def _page(request: web.Request) -> int:
    text = request.query.get("page", "")
    return min(max(int(text), 1), MOST_PAGE) if re.fullmatch(r"[0-9]{1,9}", text) else 1


def _title(request: web.Request, filters: Filters) -> str:
    say = speaker(request)
    parts = [say(NAMED[name][2](value) or value) for name, value in _limits(filters).items()]
    return " · ".join(parts) or say(t("New"))


def speaker(request: web.Request) -> Callable[[Text | str], str]:
    """Says a text in the asker's language."""
    languages, locale = request.app[LANGUAGES], LOCALE.get()
    return lambda text: languages.say(text, locale)


# ---- what both versions say of an item


class Offer(msgspec.Struct, frozen=True):
    """How an app gets at an item: `size` in bytes where it is a file to take."""

    rel: str
    href: str
    media_type: str
    size: int | None = None


def offer_of(it: Item) -> Offer:
    """An item's file, at an address that ends in a name, which apps keep. Of a link, and of what its rights let be read here
    only, the page: both versions of OPDS want one link of this kind in every entry, and a page in the browser is the truth."""
    if it.kind is Kind.LINK:
        return Offer(OPEN_ACCESS, f"/items/{it.id}", "text/html")
    if not may_leave(it):
        return Offer(ACQUIRE, f"/items/{it.id}", "text/html")
    href = f"/items/{it.id}/file/{quote(file_name(it))}"
    return Offer(OPEN_ACCESS, href, it.media_type or "application/octet-stream", it.size or None)


def picture_links(it: Item) -> list[tuple[str, str]]:
    """Addresses and types of the cover: the kept one, else one in the subject's colour (PNG), with its title (SVG)."""
    if it.cover:
        return [(f"/items/{it.id}/cover?v={it.cover[:12]}", JPEG)]
    tone = covers.drawn(it.title, it.subject).tone
    return [(f"/opds/covers/{tone}.png", PNG), (f"/items/{it.id}/cover?v=drawn-{it.changed_at}", SVG)]


FOLLOWED = frozenset({Kind.EPUB, Kind.PDF, Kind.COMIC, Kind.AUDIO, Kind.VIDEO})
"""Kinds in which a reader has a place."""


async def own_items(browsing: Browsing, account_id: str) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
    """What a reader is in the middle of, and what they put aside (without those)."""
    library = browsing.library
    current = await library.current(account_id, MOST_OWN)
    begun = await browsing.items([one.card.id for one in current])
    shelf = await browsing.items(await library.readers.own_shelf(account_id))
    known = {it.id for it in begun}
    return begun, tuple(it for it in shelf[:MOST_OWN] if it.id not in known)
