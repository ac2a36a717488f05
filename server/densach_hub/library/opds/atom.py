"""OPDS 1.2: Atom feeds and entries, and the OpenSearch description."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
from lxml import etree

from densach_core.text import Text, t, tn
from densach_hub.library.model import Item
from densach_hub.library.opds import addresses as at
from densach_hub.library.opds.addresses import V1, plain, stamp
from densach_hub.library.opds.browsing import A_PAGE, FOLLOWED, Choice, Leaf, Narrowing, offer_of, picture_links
from densach_hub.library.subjects import subject_name

ATOM, DC, OPENSEARCH = "http://www.w3.org/2005/Atom", "http://purl.org/dc/terms/", "http://a9.com/-/spec/opensearch/1.1/"
OPDS, THREAD = "http://opds-spec.org/2010/catalog", "http://purl.org/syndication/thread/1.0"
NAMES: Any = {None: ATOM, "dc": DC, "opensearch": OPENSEARCH, "opds": OPDS, "thr": THREAD}
"""KOReader looks for `opds:` and `thr:` by these very prefixes."""
Say = Callable[[Text | str], str]


class Line(msgspec.Struct, frozen=True):
    """One line of a navigation feed: where it leads and what stands there."""

    key: str
    title: str
    href: str
    content: str
    kind: str = at.ACQUISITION
    rel: str = "subsection"


def navigation(
    say: Say, *, key: str, title: str, here: str, updated_at: int, lines: Iterable[Line], up: str | None, whole: str | None = None
) -> bytes:
    """`whole`: the feed that pages through everything, for those who take the whole catalogue."""
    feed = _feed(say, key, title, here, at.NAVIGATION, updated_at)
    if whole is not None:
        _link(feed, at.CRAWLABLE, whole, at.ACQUISITION)
    if up is not None:
        _link(feed, "up", up, at.NAVIGATION)
    for line in lines:
        entry = _sub(feed, "entry")
        _sub(entry, "title", line.title)
        _sub(entry, "id", f"urn:densach:{line.key}")
        _sub(entry, "updated", stamp(updated_at))
        _sub(entry, "content", line.content, type="text")
        _link(entry, line.rel, line.href, line.kind)
    return _written(feed)


def lines_of(say: Say, limit: str, choices: Sequence[Choice]) -> list[Line]:
    """The values of a limit as lines; how many items stand there is their content."""
    found = []
    for choice in choices:
        value = choice.href.rpartition("=")[2]
        content = say(tn("{n} item", "{n} items", n=choice.n or 0))
        found.append(Line(f"{limit}:{value}", say(choice.name), choice.href, content=content))
    return found


def acquisition(say: Say, leaf: Leaf, *, updated_at: int, own: bool = False) -> bytes:
    """A page of items with its neighbours (RFC 5005), counts (OpenSearch) and facets. `own`: a reader's, not the catalogue's."""
    feed = _feed(say, f"urn:densach:{leaf.key}", say(leaf.title), leaf.here, at.ACQUISITION, leaf.updated_at or updated_at)
    _link(feed, "up", V1.root, at.NAVIGATION)
    if not own:
        neighbours = (("first", leaf.first), ("previous", leaf.previous), ("next", leaf.next), ("last", leaf.last))
        for rel, href in neighbours:
            if href is not None:
                _link(feed, rel, href, at.ACQUISITION)
        if leaf.total is not None:
            _in(feed, OPENSEARCH, "totalResults", str(leaf.total))
        _in(feed, OPENSEARCH, "itemsPerPage", str(A_PAGE))
        _in(feed, OPENSEARCH, "startIndex", str((leaf.page - 1) * A_PAGE + 1))
        if leaf.words:
            _in(feed, OPENSEARCH, "Query").attrib.update({"role": "request", "searchTerms": plain(leaf.words)})
        for narrowing in leaf.narrowings:
            _facets(feed, say, narrowing)
    for it in leaf.items:
        _item(_sub(feed, "entry"), it, say)
    return _written(feed)


def entry(it: Item, say: Say) -> bytes:
    """One item as a document of its own."""
    root = etree.Element(f"{{{ATOM}}}entry", nsmap=NAMES)
    _item(root, it, say, alone=True)
    return _written(root)


def search_description(name: str, origin: str) -> bytes:
    """OpenSearch 1.1: readers offer search only when the template is exactly like this."""
    root = etree.Element(f"{{{OPENSEARCH}}}OpenSearchDescription", nsmap={None: OPENSEARCH})  # type: ignore[dict-item]
    _sub(root, "ShortName", name[:16])
    _sub(root, "Description", name)
    _sub(root, "InputEncoding", "UTF-8")
    _sub(root, "OutputEncoding", "UTF-8")
    _sub(root, "Url", type=at.ACQUISITION, template=f"{origin}{V1.base}/items?q={{searchTerms}}")
    return _written(root)


def _facets(feed: etree._Element, say: Say, narrowing: Narrowing) -> None:
    for choice in narrowing.choices:
        link = _link(feed, at.FACET, choice.href, at.ACQUISITION, title=say(choice.name))
        link.set(f"{{{OPDS}}}facetGroup", say(narrowing.name))
        if choice.active:
            link.set(f"{{{OPDS}}}activeFacet", "true")
        if choice.n is not None:
            link.set(f"{{{THREAD}}}count", str(choice.n))


def _item(entry: etree._Element, it: Item, say: Say, *, alone: bool = False) -> None:
    _sub(entry, "title", it.title)
    _sub(entry, "id", f"urn:densach:item:{it.id}")
    _sub(entry, "updated", stamp(it.changed_at))
    _sub(entry, "published", stamp(it.added_at))
    authors = [creator for creator in it.creators if creator.role == "author"]
    for creator in authors:
        _sub(_sub(entry, "author"), "name", creator.name)
    if alone and not authors:
        _sub(_sub(entry, "author"), "name", it.publisher or "Đèn Sách")
    for creator in it.creators:
        if creator.role != "author":
            _sub(_sub(entry, "contributor"), "name", creator.name)
    said = (("language", it.language), ("issued", it.published), ("publisher", it.publisher), ("extent", it.extent))
    for tag, value in said:
        if value:
            _in(entry, DC, tag, value)
    for identifier in it.identifiers:
        _in(entry, DC, "identifier", identifier)
    if it.series:
        _in(entry, DC, "isPartOf", f"{it.series} {it.series_number}" if it.series_number else it.series)
    if it.subject:
        name = say(subject_name(it.subject) or it.subject)
        _sub(entry, "category", scheme=at.SUBJECTS_SCHEME, term=it.subject, label=name)
    for grade in grades_of(it):
        _sub(entry, "category", scheme=at.GRADES_SCHEME, term=str(grade), label=say(t("Grade {grade}", grade=grade)))
    for topic in it.topics:
        _sub(entry, "category", term=topic, label=topic)
    if it.rights or it.licence:
        _sub(entry, "rights", it.rights or it.licence, type="text")
    if it.description:
        _sub(entry, "summary", it.description, type="text")
    picture, picture_type = picture_links(it)[0]
    for rel in (at.IMAGE, at.THUMBNAIL):
        _link(entry, rel, picture, picture_type)
    offer = offer_of(it)
    link = _link(entry, offer.rel, offer.href, offer.media_type)
    if offer.size:
        link.set("length", str(offer.size))
    if it.kind in FOLLOWED:
        _link(entry, at.PROGRESS, at.progression_of(it.id), at.PROGRESSION)
    _link(entry, "self" if alone else "alternate", V1.item(it.id), at.ENTRY)
    _link(entry, "alternate", f"/items/{it.id}", "text/html")


def grades_of(it: Item) -> range:
    """The school grades an item is for."""
    if it.grade_from is None:
        return range(0)
    return range(it.grade_from, (it.grade_to if it.grade_to is not None else it.grade_from) + 1)


def _feed(say: Say, feed_id: str, title: str, here: str, kind: str, updated_at: int) -> etree._Element:
    feed = etree.Element(f"{{{ATOM}}}feed", nsmap=NAMES)
    _sub(feed, "id", feed_id)
    _sub(feed, "title", title)
    _sub(feed, "updated", stamp(updated_at))
    _sub(_sub(feed, "author"), "name", "Đèn Sách")
    _link(feed, "self", here, kind)
    _link(feed, "start", V1.root, at.NAVIGATION)
    _link(feed, "search", at.SEARCH_XML, at.OPENSEARCH)
    _link(feed, "search", f"{V1.base}/items?q={{searchTerms}}", "application/atom+xml")
    _link(feed, at.SHELF, V1.shelf, at.ACQUISITION, title=say(t("My shelf")))
    _link(feed, at.ASKS, at.DOOR, at.AUTHENTICATION)
    return feed


def _link(parent: etree._Element, rel: str, href: str, kind: str, **more: str) -> etree._Element:
    return _sub(parent, "link", rel=rel, href=href, type=kind, **more)


def _sub(parent: etree._Element, name: str, text: str | None = None, /, **attributes: str) -> etree._Element:
    """A child in the Atom namespace (or in the parent's own, for OpenSearch descriptions)."""
    return _in(parent, parent.tag.partition("}")[0].lstrip("{"), name, text, **attributes)


def _in(parent: etree._Element, space: str, name: str, text: str | None = None, /, **attributes: str) -> etree._Element:
    child = etree.SubElement(parent, f"{{{space}}}{name}", {key: plain(value) for key, value in attributes.items()})
    child.text = None if text is None else plain(text)
    return child


def _written(root: etree._Element) -> bytes:
    return etree.tostring(root, encoding="utf-8", xml_declaration=True)
