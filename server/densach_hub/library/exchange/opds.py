"""OPDS catalogues of others, 1.2 (Atom) and 2.0 (JSON), as records. Pure: from bytes, whoever fetched them.

A harvest is one file: a line of JSON for what was asked (`Asked`), then one for each page that came (`Page`).
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import msgspec
from lxml import etree

from densach_hub.library.exchange.calibre import _plain
from densach_hub.library.exchange.line import Line, Source, line_of, unreadable, wrong
from densach_hub.library.exchange.marc_fields import LANGUAGES
from densach_hub.library.matching import isbn13
from densach_hub.library.model import Creator

MOST_PAGE = 16 * 1024 * 1024
ACQUISITION = "http://opds-spec.org/acquisition"
TAKEN = {ACQUISITION, f"{ACQUISITION}/open-access"}
CRAWLABLE = "http://opds-spec.org/crawlable"
READ = {
    "application/epub+zip": 0, "application/pdf": 1, "audio/mpeg": 2, "audio/mp4": 3, "video/mp4": 4,
    "application/vnd.comicbook+zip": 5, "application/x-cbz": 5, "application/vnd.oasis.opendocument.text": 6,
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": 6, "text/plain": 7,
}  # fmt: skip
"""Types of file the library reads, the one to take first."""
ROLES = ("author", "translator", "editor", "illustrator", "narrator")
NOTHING = "{}"
"""Stands in a harvest for a page that was no feed."""
_FEED = re.compile(rb"<(?:[\w.-]+:)?(?:feed|entry)[\s>]")
_DAY = re.compile(r"\d{4}(?:-\d\d(?:-\d\d)?)?")


class Asked(msgspec.Struct, frozen=True):
    """What a harvest was begun with. `files`: take the files too; `here`: also from this machine itself; `login`: name and
    password for the other side, which go when the import's file goes."""

    opds: str
    files: bool = True
    here: bool = False
    login: tuple[str, str] | None = None


class Page(msgspec.Struct, frozen=True):
    """A feed as it came, and where from."""

    address: str
    body: str


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A publication: its fields by the names of a record, its own number, and the file to take."""

    fields: dict[str, Any]
    key: str | None
    link: str | None = None


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """What a page says. `next`: the page after it; `leads`: other feeds it leads to; `all`: the feed that holds everything."""

    entries: list[Entry]
    next: str | None = None
    leads: list[str] = []
    all: str | None = None


def looks_like(head: bytes) -> bool:
    if head.lstrip(b"\xef\xbb\xbf\r\n\t ").startswith(b"{"):
        return b'"opds"' in head[:20] or b'"publications"' in head or b'"navigation"' in head or b'"metadata"' in head
    return _FEED.search(head) is not None and b"http://www.w3.org/2005/Atom" in head


def read(path: Path) -> Source:
    """A harvest, or one feed that somebody saved; of the latter only records: where its files are nobody knows.

    Raises BadInput("import.not-readable").
    """
    with path.open("rb") as file:
        first = file.readline(MOST_PAGE)
    if first.startswith(b'{"opds"'):
        asked = msgspec.json.decode(first, type=Asked)
        return Source(format="opds", lines=_lines(pages_in(path), files=asked.files))
    feed = parse(path.read_bytes(), "")
    return Source(format="opds", lines=_numbered(feed.entries, files=False), total=len(feed.entries))


def pages_in(path: Path) -> Iterator[Page]:
    """The pages of a harvest; one that a power cut tore is as if it had not come."""
    with path.open("rb") as file:
        file.readline()
        for line in file:
            try:
                yield msgspec.json.decode(line, type=Page)
            except msgspec.DecodeError:
                return


def _lines(pages: Iterable[Page], *, files: bool) -> Iterator[Line]:
    seen: set[str] = set()
    number = 0
    for page in pages:
        if page.body == NOTHING:
            continue
        try:
            entries = parse(page.body.encode(), page.address).entries
        except Exception:  # noqa: BLE001 - of a stranger's page any part may be wrong; the others count
            number += 1
            yield wrong(number, "import.feed-broken", page.address)
            continue
        fresh = [one for one in entries if one.key is None or one.key not in seen]
        seen.update(one.key for one in fresh if one.key)
        for line in _numbered(fresh, files=files, after=number):
            number = line.number
            yield line


def _numbered(entries: list[Entry], *, files: bool, after: int = 0) -> Iterator[Line]:
    for number, one in enumerate(entries, after + 1):
        yield msgspec.structs.replace(line_of(number, one.fields, key=one.key), link=one.link if files else None)


def parse(body: bytes, address: str) -> Feed:
    """A feed. Raises BadInput("import.not-readable") when it is none; XML is read without entities and network."""
    if body.lstrip(b"\xef\xbb\xbf\r\n\t ").startswith(b"{"):
        return _parse_json(body, address)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise unreadable("OPDS") from error
    if etree.QName(root).localname not in {"feed", "entry"}:
        raise unreadable("OPDS")
    nodes = [root] if etree.QName(root).localname == "entry" else list(root.iterfind("{*}entry"))
    entries, leads = [], []
    for node in nodes:
        links = _links(node, address)
        if any(rel.startswith(ACQUISITION) for rel, _, _ in links):
            entries.append(_atom(node, links))
        else:
            leads += [href for rel, kind, href in links if "atom+xml" in kind and rel not in {"self", "up", "start", "alternate"}]
    own = _links(root, address) if nodes != [root] else []
    following = next((href for rel, _, href in own if rel == "next"), None)
    return Feed(entries=entries, next=following, leads=leads, all=next((href for rel, _, href in own if rel == CRAWLABLE), None))


def _links(node: etree._Element, address: str) -> list[tuple[str, str, str]]:
    found = ((one.get("rel", "alternate"), one.get("type", ""), one.get("href")) for one in node.iterfind("{*}link"))
    return [(rel, kind, urljoin(address, href)) for rel, kind, href in found if href]


def _atom(node: etree._Element, links: list[tuple[str, str, str]]) -> Entry:
    def texts(name: str) -> list[str]:
        return [" ".join("".join(map(str, one.itertext())).split()) for one in node.iterfind(f"{{*}}{name}")]

    def first(*names: str) -> str | None:
        return next((text for name in names for text in texts(name) if text), None)

    names = [
        Creator(" ".join(name.split())[:200], role)
        for tag, role in (("author", "author"), ("contributor", "other"))
        for one in node.iterfind(f"{{*}}{tag}")
        if (name := one.findtext("{*}name") or "").strip()
    ]
    topics = [one.get("label") or one.get("term") or "" for one in node.iterfind("{*}category")]
    said = first("id")
    numbers = [f"ISBN {number}" for text in (*texts("identifier"), said or "") if (number := isbn13(text.rpartition(":")[2]))]
    published = _DAY.match(first("issued", "published") or "") if first("issued") else None
    fields: dict[str, Any] = {
        "title": first("title"), "creators": names, "topics": [topic for topic in topics if topic],
        "publisher": first("publisher"), "published": published[0] if published else None, "rights": first("rights"),
        "language": _language(first("language")), "description": _plain(first("summary", "content")), "identifiers": numbers,
    }  # fmt: skip
    return Entry(fields=fields, key=f"opds:{said}"[:300] if said else None, link=_best(links))


def _best(links: list[tuple[str, str, str]]) -> str | None:
    fit = [(READ[kind], href) for rel, said, href in links if rel in TAKEN and (kind := said.partition(";")[0].strip()) in READ]
    return min(fit, key=lambda one: one[0])[1] if fit else None


def _language(said: str | None) -> str | None:
    return LANGUAGES.get(said or "", said)


# ---- 2.0


def _parse_json(body: bytes, address: str) -> Feed:
    try:
        feed = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise unreadable("OPDS") from error
    groups = _maps(feed, "groups")
    pages = _maps(feed, "publications") + [one for group in groups for one in _maps(group, "publications")]
    if "publications" not in feed and "navigation" not in feed and not groups:
        raise unreadable("OPDS")
    links = _json_links(feed, address)
    leads = [one for holder in (feed, *groups) for one in _maps(holder, "navigation")]
    return Feed(
        entries=[_publication(one, address) for one in pages],
        next=next((href for rel, _, href in links if rel == "next"), None),
        leads=[
            urljoin(address, str(one["href"])) for one in leads if one.get("href") and one.get("rel") not in {"self", "start"}
        ],
        all=next((href for rel, _, href in links if rel == CRAWLABLE), None),
    )


def _maps(holder: Any, name: str) -> list[dict[str, Any]]:
    found = holder.get(name) if isinstance(holder, dict) else None
    found = found if isinstance(found, list) else [found]
    return [one for one in found if isinstance(one, dict)]


def _json_links(holder: Any, address: str) -> list[tuple[str, str, str]]:
    return [
        (str(rel), str(one.get("type") or ""), urljoin(address, str(one["href"])))
        for one in _maps(holder, "links")
        if one.get("href") and not one.get("templated")
        for rel in (one["rel"] if isinstance(one.get("rel"), list) else [one.get("rel")])
    ]


def _publication(one: dict[str, Any], address: str) -> Entry:
    said = one.get("metadata")
    said = said if isinstance(said, dict) else {}
    belongs = said.get("belongsTo")
    series = (_named(belongs.get("series")) if isinstance(belongs, dict) else []) or [(None, None)]
    number = series[0][1]
    also = said.get("altIdentifier")
    numbers = [said.get("identifier"), *(also if isinstance(also, list) else [also])]
    published = _DAY.match(str(said.get("published") or ""))
    language = said.get("language")
    fields: dict[str, Any] = {
        "title": _text(said.get("title")), "subtitle": _text(said.get("subtitle")),
        "creators": [
            *(Creator(name[:200], role) for role in ROLES for name, _ in _named(said.get(role)) if name),
            *(Creator(name[:200], "other") for name, _ in _named(said.get("contributor")) if name),
        ],
        "topics": [name for name, _ in _named(said.get("subject")) if name],
        "publisher": next((name for name, _ in _named(said.get("publisher"))), None),
        "published": published[0] if published else None, "description": _plain(_text(said.get("description"))),
        "language": _language(str(language[0] if isinstance(language, list) and language else language or "") or None),
        "series": series[0][0], "series_number": f"{number:g}" if isinstance(number, int | float) else None,
        "identifiers": [f"ISBN {isbn}" for text in numbers if (isbn := isbn13(str(text or "").rpartition(":")[2]))],
        "rights": _text(said.get("rights")),
    }  # fmt: skip
    key = _text(said.get("identifier")) or next((href for rel, _, href in _json_links(one, address) if rel == "self"), None)
    return Entry(fields=fields, key=f"opds:{key}"[:300] if key else None, link=_best(_json_links(one, address)))


def _named(said: Any) -> list[tuple[str | None, Any]]:
    """Names with positions: a name alone, an object, or a list of either."""
    many = said if isinstance(said, list) else [said]
    return [(_text(one.get("name")), one.get("position")) if isinstance(one, dict) else (_text(one), None) for one in many if one]


def _text(said: Any) -> str | None:
    """A text, or one of its translations."""
    if isinstance(said, dict):
        said = said.get("vi") or next(iter(said.values()), None)
    return " ".join(said.split()) if isinstance(said, str) and said.strip() else None


def host_of(address: str) -> str:
    return (urlsplit(address).hostname or "").lower()
