"""OPDS 1.2 for reading apps on phones: navigation, new, by subject, by grade, search, acquisition links, paging (RFC 5005)."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote, urlencode

from aiohttp import web
from lxml import etree

from densach_core.errors import NotFound
from densach_core.text import Text, t
from densach_core.web.identity import is_secure
from densach_core.web.keys import LANGUAGES, SITE
from densach_core.web.routes import EVERYONE, Routes
from densach_core.web.speech import LOCALE
from densach_hub.library.asking import count_search
from densach_hub.library.files import file_name
from densach_hub.library.model import Filters, Form, Item, Kind
from densach_hub.library.pages import filters_of
from densach_hub.library.service import LIBRARY
from densach_hub.library.subjects import subject_name

routes = Routes("library")
ROOT: Final = "/opds/v1.2/catalog"
LIST: Final = "/opds/v1.2/items"
ATOM, DC, OPENSEARCH = "http://www.w3.org/2005/Atom", "http://purl.org/dc/terms/", "http://a9.com/-/spec/opensearch/1.1/"
NAVIGATION = "application/atom+xml;profile=opds-catalog;kind=navigation"
ACQUISITION = "application/atom+xml;profile=opds-catalog;kind=acquisition"
NAMES: Any = {None: ATOM, "dc": DC, "opensearch": OPENSEARCH}
A_PAGE = 30
MEDIA_TYPES = {Kind.EPUB: "application/epub+zip", Kind.PDF: "application/pdf", Kind.SIMULATION: "application/zip"}


@routes.get(ROOT, who=EVERYONE)
async def root(request: web.Request) -> web.StreamResponse:
    home = await request.app[LIBRARY].finder.home()
    say = _speaker(request)
    feed = _feed(request, "urn:densach:catalog", request.app[SITE].title, ROOT, NAVIGATION)
    _entry(feed, "new", say(t("New")), say(t("What came in last")), LIST)
    for shelf in home.subjects:
        code = shelf.filters.subject or ""
        name = say(subject_name(code) or code)
        _entry(feed, f"subject:{code}", name, str(shelf.total), f"{LIST}?{urlencode({'subject': code})}")
    for grade in home.grades:
        _entry(
            feed, f"grade:{grade.key}", say(t("Grade {grade}", grade=int(grade.key))), str(grade.n), f"{LIST}?grade={grade.key}"
        )
    return _answer(feed, NAVIGATION)


@routes.get(LIST, who=EVERYONE)
async def listed(request: web.Request) -> web.StreamResponse:
    """A page of items, newest first or by words. Only what has a file: a reading app can do nothing with the rest."""
    library = request.app[LIBRARY]
    words = request.query.get("q", "")[:200]
    filters = filters_of(request)
    page = int(request.query["page"]) if request.query.get("page", "").isdecimal() else 1
    page = min(max(page, 1), 60)
    count_search(request)
    answer = await library.finder.search(words, filters, limit=A_PAGE, offset=(page - 1) * A_PAGE, with_texts=False)
    say = _speaker(request)
    kept = {k: request.query[k] for k in ("q", "subject", "grade", "kind", "language") if request.query.get(k)}
    title = words or say(subject_name(filters.subject) or _grade_title(filters) or t("New"))
    here = f"{LIST}?{urlencode({**kept, 'page': page})}"
    feed = _feed(request, f"urn:densach:items:{quote(urlencode(kept))}", title, here, ACQUISITION)
    _link(feed, "first", f"{LIST}?{urlencode({**kept, 'page': 1})}", ACQUISITION)
    if page > 1:
        _link(feed, "previous", f"{LIST}?{urlencode({**kept, 'page': page - 1})}", ACQUISITION)
    if answer.more:
        _link(feed, "next", f"{LIST}?{urlencode({**kept, 'page': page + 1})}", ACQUISITION)
    if answer.total is not None:
        etree.SubElement(feed, f"{{{OPENSEARCH}}}totalResults").text = str(answer.total)
    etree.SubElement(feed, f"{{{OPENSEARCH}}}itemsPerPage").text = str(A_PAGE)
    etree.SubElement(feed, f"{{{OPENSEARCH}}}startIndex").text = str((page - 1) * A_PAGE + 1)
    for card in answer.cards:
        if card.form is Form.FILE:
            with suppress(NotFound):  # withdrawn since the list was made
                _publication(feed, await library.item(card.id), say)
    return _answer(feed, ACQUISITION)


@routes.get("/opds/v1.2/search.xml", who=EVERYONE)
async def description(request: web.Request) -> web.StreamResponse:
    """OpenSearch 1.1: readers offer search only when the template is exactly like this."""
    name = _speaker(request)(request.app[SITE].title)
    document = etree.Element(f"{{{OPENSEARCH}}}OpenSearchDescription", nsmap={None: OPENSEARCH})  # type: ignore[dict-item]
    _sub(document, "ShortName", name[:16])
    _sub(document, "Description", name)
    _sub(document, "InputEncoding", "UTF-8")
    _sub(document, "OutputEncoding", "UTF-8")
    _sub(document, "Url", type=ACQUISITION, template=f"{_origin(request)}{LIST}?q={{searchTerms}}")
    return _answer(document, "application/opensearchdescription+xml")


def _publication(feed: etree._Element, it: Item, say: "_Speaker") -> None:
    entry = _sub(feed, "entry")
    _sub(entry, "title", it.title)
    _sub(entry, "id", f"urn:densach:item:{it.id}")
    _sub(entry, "updated", _stamp(it.changed_at))
    for creator in it.creators:
        _sub(_sub(entry, "author"), "name", creator.name)
    for tag, value in (("language", it.language), ("issued", it.published), ("publisher", it.publisher)):
        if value:
            etree.SubElement(entry, f"{{{DC}}}{tag}").text = value
    for identifier in it.identifiers:
        etree.SubElement(entry, f"{{{DC}}}identifier").text = identifier
    if it.subject:
        _sub(entry, "category", term=it.subject, label=say(subject_name(it.subject) or it.subject))
    for topic in it.topics:
        _sub(entry, "category", term=topic, label=topic)
    if it.description:
        _sub(entry, "summary", it.description, type="text")
    version = (it.cover or "drawn")[:12]
    cover_type = "image/jpeg" if it.cover else "image/svg+xml"
    for rel in ("http://opds-spec.org/image", "http://opds-spec.org/image/thumbnail"):
        _link(entry, rel, f"/items/{it.id}/cover?v={version}", cover_type)
    file_type = it.media_type or MEDIA_TYPES.get(it.kind or Kind.DOCUMENT, "application/octet-stream")
    link = _link(entry, "http://opds-spec.org/acquisition/open-access", f"/items/{it.id}/file/{quote(file_name(it))}", file_type)
    if it.size:
        link.set("length", str(it.size))
    _link(entry, "alternate", f"/items/{it.id}", "text/html")


class _Speaker:
    def __init__(self, request: web.Request) -> None:
        self._languages = request.app[LANGUAGES]

    def __call__(self, text: Text | str) -> str:
        return self._languages.say(text, LOCALE.get())


def _speaker(request: web.Request) -> _Speaker:
    return _Speaker(request)


def _grade_title(filters: Filters) -> Text | None:
    return t("Grade {grade}", grade=filters.grade) if filters.grade is not None else None


def _feed(request: web.Request, feed_id: str, title: Text | str, here: str, kind: str) -> etree._Element:
    say = _speaker(request)
    feed = etree.Element(f"{{{ATOM}}}feed", nsmap=NAMES)
    _sub(feed, "id", feed_id)
    _sub(feed, "title", say(title))
    _sub(feed, "updated", _stamp(None))
    _sub(_sub(feed, "author"), "name", "Đèn Sách")
    _link(feed, "self", here, kind)
    _link(feed, "start", ROOT, NAVIGATION)
    _link(feed, "search", "/opds/v1.2/search.xml", "application/opensearchdescription+xml")
    _link(feed, "search", f"{LIST}?q={{searchTerms}}", "application/atom+xml")
    return feed


def _entry(feed: etree._Element, key: str, title: str, content: str, href: str) -> None:
    entry = _sub(feed, "entry")
    _sub(entry, "title", title)
    _sub(entry, "id", f"urn:densach:{key}")
    _sub(entry, "updated", _stamp(None))
    _sub(entry, "content", content, type="text")
    _link(entry, "subsection", href, ACQUISITION)


def _link(parent: etree._Element, rel: str, href: str, kind: str) -> etree._Element:
    return _sub(parent, "link", rel=rel, href=href, type=kind)


def _sub(parent: etree._Element, name: str, text: str | None = None, /, **attributes: str) -> etree._Element:
    """A child in the Atom namespace (or in the parent's own, for OpenSearch descriptions)."""
    space = parent.tag.partition("}")[0].lstrip("{")
    child = etree.SubElement(parent, f"{{{space}}}{name}", attributes)
    child.text = None if text is None else "".join(letter for letter in text if letter >= " " or letter in "\t\n")
    return child


def _stamp(ms: int | None) -> str:
    moment = datetime.fromtimestamp(ms / 1000, UTC) if ms is not None else datetime.now(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _origin(request: web.Request) -> str:
    return f"{'https' if is_secure(request) else 'http'}://{request.host}"


def _answer(document: etree._Element, kind: str) -> web.Response:
    body = etree.tostring(document, encoding="utf-8", xml_declaration=True)
    return web.Response(body=body, headers={"Content-Type": f"{kind};charset=utf-8" if ";" not in kind else kind})
