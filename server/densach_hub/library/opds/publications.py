"""OPDS 2.0: feeds and publications in JSON, after the Readium Web Publication Manifest."""

import re
from collections.abc import Callable, Iterable, Sequence

import msgspec

from densach_core.text import Text, t
from densach_hub.library.matching import isbn13
from densach_hub.library.model import Creator, Item, Kind
from densach_hub.library.opds import addresses as at
from densach_hub.library.opds.addresses import V2, stamp
from densach_hub.library.opds.atom import grades_of
from densach_hub.library.opds.browsing import A_PAGE, FOLLOWED, Choice, Leaf, Narrowing, offer_of, picture_links
from densach_hub.library.subjects import subject_name

Say = Callable[[Text | str], str]
SCHEMA = {
    Kind.EPUB: "Book",
    Kind.PDF: "Book",
    Kind.DOCUMENT: "DigitalDocument",
    Kind.COMIC: "ComicIssue",
    Kind.AUDIO: "Audiobook",
    Kind.VIDEO: "VideoObject",
    Kind.IMAGE: "ImageObject",
}
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_DAY = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])")
_NUMBER = re.compile(r"\d{1,6}(?:\.\d{1,3})?")


class Copies(msgspec.Struct, frozen=True):
    """Printed copies the school has; how many stand on the shelf now nobody counts here."""

    total: int


class Availability(msgspec.Struct, frozen=True):
    state: str


class Target(msgspec.Struct, frozen=True):
    href: str
    type: str


class Properties(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    number_of_items: int | None = None
    copies: Copies | None = None
    availability: Availability | None = None
    authenticate: Target | None = None


class Link(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    href: str
    type: str | None = None
    rel: str | None = None
    title: str | None = None
    templated: bool | None = None
    size: int | None = None
    width: int | None = None
    height: int | None = None
    properties: Properties | None = None


class Contributor(msgspec.Struct, frozen=True, omit_defaults=True):
    name: str
    position: float | None = None


class Subject(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    name: str
    code: str | None = None
    scheme: str | None = None
    links: tuple[Link, ...] = ()


class BelongsTo(msgspec.Struct, frozen=True, omit_defaults=True):
    series: Contributor | None = None
    collection: tuple[str, ...] = ()


class Metadata(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, rename="camel"):
    """What an item says of itself; empty is left out (§5.2)."""

    kind: str = msgspec.field(name="@type")
    identifier: str
    title: str
    modified: str
    alt_identifier: tuple[str, ...] = ()
    subtitle: str | None = None
    author: tuple[Contributor, ...] = ()
    translator: tuple[Contributor, ...] = ()
    editor: tuple[Contributor, ...] = ()
    illustrator: tuple[Contributor, ...] = ()
    narrator: tuple[Contributor, ...] = ()
    contributor: tuple[Contributor, ...] = ()
    publisher: str | None = None
    published: str | None = None
    language: str | None = None
    description: str | None = None
    subject: tuple[Subject, ...] = ()
    belongs_to: BelongsTo | None = None
    number_of_pages: int | None = None
    duration: float | None = None


class Publication(msgspec.Struct, frozen=True):
    metadata: Metadata
    links: tuple[Link, ...]
    images: tuple[Link, ...]


class FeedMetadata(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    title: str
    modified: str | None = None
    number_of_items: int | None = None
    items_per_page: int | None = None
    current_page: int | None = None


class FacetGroup(msgspec.Struct, frozen=True):
    metadata: FeedMetadata
    links: tuple[Link, ...]


class Group(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    metadata: FeedMetadata
    links: tuple[Link, ...] = ()
    navigation: tuple[Link, ...] = ()
    publications: tuple[Publication, ...] = ()


class Feed(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """§1.1: a title, a link to itself, and at least one of navigation, publications and groups."""

    metadata: FeedMetadata
    links: tuple[Link, ...]
    navigation: tuple[Link, ...] = ()
    publications: tuple[Publication, ...] = ()
    facets: tuple[FacetGroup, ...] = ()
    groups: tuple[Group, ...] = ()


def publication(it: Item, say: Say) -> Publication:
    """An item with its file to take, the place to read it here, and its copies in print when the school has some."""
    offer = offer_of(it)
    links = [
        Link(rel="self", href=V2.item(it.id), type=at.PUBLICATION),
        Link(rel=offer.rel, href=offer.href, type=offer.media_type, size=offer.size,
            properties=Properties(availability=Availability("available"))),
        Link(rel="alternate", href=f"/items/{it.id}", type="text/html"),
    ]  # fmt: skip
    if it.copies is not None:
        short = Availability("unavailable") if it.copies == 0 else None
        in_print = Properties(copies=Copies(it.copies), availability=short)
        links.append(Link(rel=at.BORROW, href=f"/items/{it.id}", type="text/html", title=say(t("In print")), properties=in_print))
    if it.kind in FOLLOWED:
        hint = Properties(authenticate=Target(at.DOOR, at.AUTHENTICATION))
        links.append(Link(rel=at.PROGRESS, href=at.progression_of(it.id), type=at.PROGRESSION, properties=hint))
    images = tuple(Link(href=picture, type=picture_type) for picture, picture_type in picture_links(it))
    return Publication(_metadata(it, say), tuple(links), images)


def page(leaf: Leaf, say: Say, *, origin: str, updated_at: int) -> Feed:
    """A page of items; one that would be empty leads back to the start, for a feed is never without a collection."""
    neighbours = (("first", leaf.first), ("previous", leaf.previous), ("next", leaf.next), ("last", leaf.last))
    links = (
        *always(leaf.here, origin, say),
        *(Link(rel=rel, href=href, type=at.FEED) for rel, href in neighbours if href is not None),
    )
    metadata = FeedMetadata(say(leaf.title), stamp(leaf.updated_at or updated_at), leaf.total, A_PAGE, leaf.page)
    publications = tuple(publication(it, say) for it in leaf.items)
    return Feed(
        metadata=metadata,
        links=links,
        publications=publications,
        navigation=() if publications else (back(say),),
        facets=tuple(_facets(narrowing, say) for narrowing in leaf.narrowings),
    )


def always(here: str, origin: str, say: Say) -> tuple[Link, ...]:
    """What every feed offers. The template of searches is a whole address: some apps resolve none with braces in it."""
    return (
        Link(rel="self", href=here, type=at.FEED),
        Link(rel="start", href=V2.root, type=at.FEED),
        Link(rel="search", href=f"{origin}{V2.base}/search{{?query}}", type=at.FEED, templated=True),
        Link(rel=at.SHELF, href=V2.shelf, type=at.FEED, title=say(t("My shelf"))),
        Link(rel=at.ASKS, href=at.DOOR, type=at.AUTHENTICATION),
    )


def back(say: Say) -> Link:
    return Link(rel="start", href=V2.root, type=at.FEED, title=say(t("Library")))


def lines(choices: Iterable[Choice], say: Say) -> tuple[Link, ...]:
    """Values of a limit as navigation."""
    return tuple(
        Link(rel="subsection", href=choice.href, type=at.FEED, title=say(choice.name), properties=Properties(choice.n))
        for choice in choices
    )


def _facets(narrowing: Narrowing, say: Say) -> FacetGroup:
    links = tuple(
        Link(
            rel="self" if choice.active else None,
            href=choice.href,
            type=at.FEED,
            title=say(choice.name),
            properties=None if choice.n is None else Properties(choice.n),
        )
        for choice in narrowing.choices
    )
    return FacetGroup(FeedMetadata(say(narrowing.name)), links)


def _metadata(it: Item, say: Say) -> Metadata:
    number = it.series_number if it.series_number and _NUMBER.fullmatch(it.series_number) else None
    series = Contributor(it.series, float(number) if number else None) if it.series else None
    language = it.language if it.language and _LANGUAGE.fullmatch(it.language) else None
    by = {
        role: tuple(Contributor(creator.name) for creator in it.creators if _role(creator) == role)
        for role in ("author", "translator", "editor", "illustrator", "narrator", "contributor")
    }
    return Metadata(
        kind=f"http://schema.org/{SCHEMA.get(it.kind or Kind.DOCUMENT, 'CreativeWork')}",
        identifier=f"urn:densach:item:{it.id}",
        alt_identifier=_isbns(it.identifiers),
        title=it.title,
        subtitle=it.subtitle or None,
        modified=stamp(it.changed_at),
        publisher=it.publisher or None,
        published=it.published if it.published and _DAY.fullmatch(it.published) else None,
        language=language,
        description=it.description or None,
        subject=_subjects(it, say),
        belongs_to=BelongsTo(series, it.collections) if series or it.collections else None,
        number_of_pages=it.pages if it.kind in {Kind.PDF, Kind.COMIC} and it.pages else None,
        duration=it.duration_ms / 1000 if it.duration_ms else None,
        **by,
    )


def _role(creator: Creator) -> str:
    return creator.role if creator.role in {"author", "translator", "editor", "illustrator", "narrator"} else "contributor"


def _isbns(identifiers: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f"urn:isbn:{isbn}" for text in identifiers if (isbn := isbn13(text))))


def _subjects(it: Item, say: Say) -> tuple[Subject, ...]:
    found = []
    if it.subject:
        here = (Link(href=V2.items(subject=it.subject), type=at.FEED),)
        name = say(subject_name(it.subject) or it.subject)
        found.append(Subject(name=name, code=it.subject, scheme=at.SUBJECTS_SCHEME, links=here))
    for grade in grades_of(it):
        here = (Link(href=V2.items(grade=grade), type=at.FEED),)
        name = say(t("Grade {grade}", grade=grade))
        found.append(Subject(name=name, code=str(grade), scheme=at.GRADES_SCHEME, links=here))
    return (*found, *(Subject(name=topic) for topic in it.topics if topic))
