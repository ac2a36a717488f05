"""EPUB 2 and 3 (EPUB 3.3, OCF 3.3): metadata, table of contents, chapters in spine order, cover."""

import re

from lxml import etree

from densach_hub.library.formats.archive import PICTURE_LIMIT, Archive, open_archive, parse_xml, resolve
from densach_hub.library.formats.found import Found, Source, Unreadable
from densach_hub.library.formats.markup import parse
from densach_hub.library.formats.workshop import Workshop
from densach_hub.library.model import Creator, Heading, Kind

MEDIA_TYPE = "application/epub+zip"
CONTAINER = "META-INF/container.xml"
NS = {
    "c": "urn:oasis:names:tc:opendocument:xmlns:container",
    "opf": "http://www.idpf.org/2007/opf",
    "dc": "http://purl.org/dc/elements/1.1/",
    "h": "http://www.w3.org/1999/xhtml",
    "ncx": "http://www.daisy.org/z3986/2005/ncx/",
    "enc": "http://www.w3.org/2001/04/xmlenc#",
}
OPF = "{http://www.idpf.org/2007/opf}"
EPUB_TYPE = "{http://www.idpf.org/2007/ops}type"
FONT_OBFUSCATION = {"http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"}
ROLES = {"aut": "author", "trl": "translator", "edt": "editor", "ill": "illustrator", "nrt": "narrator"}
MOST_HEADINGS = 500
_SPACE = re.compile(r"\s+")
_UNSEEN = {"script", "style", "head", "template", "rt", "rp"}
_BLOCKS = {
    "p", "div", "li", "h1", "h2", "h3", "h4", "h5", "h6", "br", "td", "th", "tr", "dt", "dd", "section", "blockquote", "article",
    "aside", "header", "footer", "main", "nav", "ul", "ol", "dl", "table", "caption", "figure", "figcaption", "pre", "hr",
    "address", "details", "summary", "form", "fieldset", "legend", "label", "button", "option", "body",
}  # fmt: skip


class Epub:
    def fits(self, source: Source) -> bool:
        if not source.head.startswith(b"PK\x03\x04"):
            return False
        if source.head[30:38] == b"mimetype" and source.head[38:].startswith(MEDIA_TYPE.encode()):
            return True
        try:
            with open_archive(source.path) as archive:
                return CONTAINER in archive
        except Unreadable:
            return False

    def read(self, source: Source, workshop: Workshop) -> Found:
        with open_archive(source.path) as archive:
            book = Book(archive)
            book.refuse_encrypted()
            labels = {heading.section: heading.label for heading in reversed(book.headings)}
            for section, name in enumerate(book.chapters):
                body = archive.get(name) if name else None
                if body is not None:
                    title, text = text_of(body)
                    workshop.text(section, labels.get(section) or title, text)
            cover = book.cover_name()
            if cover is not None and (picture := archive.get(cover, PICTURE_LIMIT)) is not None:
                workshop.cover(picture)
            return book.found()


class Book:
    """An EPUB's package document, read once."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.opf_name = self._package_name()
        self.opf = archive.xml(self.opf_name)
        self.manifest: dict[str, etree._Element] = {
            item.get("id", ""): item for item in self.opf.iterfind("opf:manifest/opf:item", NS)
        }
        self.chapters = self._chapters()
        self.headings = self._headings()

    def _package_name(self) -> str:
        container = self.archive.xml(CONTAINER)
        for root in container.iterfind(".//c:rootfile", NS):
            name = root.get("full-path", "")
            if name in self.archive:
                return name
        raise Unreadable("library.missing-part", CONTAINER)

    def _chapters(self) -> list[str | None]:
        """Entry names in reading order, an index for an index what a reader counts as sections."""
        chapters = []
        for ref in self.opf.iterfind("opf:spine/opf:itemref", NS):
            item = self.manifest.get(ref.get("idref", ""))
            if item is not None:
                name = resolve(self.opf_name, item.get("href", ""))
                chapters.append(name if name in self.archive else None)
        if not any(chapters):
            raise Unreadable("library.no-chapters")
        return chapters

    def refuse_encrypted(self) -> None:
        """Obfuscated fonts are fine; an encrypted chapter is a book with a lock on it."""
        body = self.archive.get("META-INF/encryption.xml")
        root = parse_xml(body) if body else None
        if root is None:
            return
        for data in root.iterfind(".//enc:EncryptedData", NS):
            method = data.find("enc:EncryptionMethod", NS)
            reference = data.find(".//enc:CipherReference", NS)
            if method is None or reference is None or method.get("Algorithm") in FONT_OBFUSCATION:
                continue
            if reference.get("URI") in self.chapters:
                raise Unreadable("library.encrypted", reference.get("URI", ""))

    def found(self) -> Found:
        return Found(
            kind=Kind.EPUB,
            media_type=MEDIA_TYPE,
            suffixes=(".epub",),
            title=self._first("title"),
            creators=self._creators(),
            language=self._first("language"),
            publisher=self._first("publisher"),
            published=(self._first("date") or "")[:10] or None,
            identifiers=tuple(self._all("identifier")[:10]),
            topics=tuple(self._all("subject")[:20]),
            description=self._description(),
            rights=self._first("rights"),
            pages=len(self.chapters),
            headings=tuple(self.headings[:MOST_HEADINGS]),
        )

    def _description(self) -> str | None:
        said = self._first("description")
        if said is None:
            return None
        return plain(said)[:4000] or None

    def _all(self, name: str) -> list[str]:
        found = (clean(words_of(element)) for element in self.opf.iterfind(f".//dc:{name}", NS))
        return [text for text in found if text]

    def _first(self, name: str) -> str | None:
        return next(iter(self._all(name)), None)

    def _creators(self) -> tuple[Creator, ...]:
        roles = {
            meta.get("refines", "").lstrip("#"): clean(meta.text or "")
            for meta in self.opf.iterfind(".//opf:meta", NS)
            if meta.get("property") == "role"
        }
        creators = []
        for tag, usual in (("creator", "author"), ("contributor", "other")):
            for element in self.opf.iterfind(f".//dc:{tag}", NS):
                name = clean(words_of(element))
                role = element.get(f"{OPF}role") or roles.get(element.get("id", ""), "")
                if name and (tag == "creator" or role in ROLES):
                    creators.append(Creator(name, ROLES.get(role, usual)))
        return tuple(creators[:20])

    def cover_name(self) -> str | None:
        """EPUB 3's cover-image, EPUB 2's meta, else the first picture that calls itself cover."""
        items = list(self.manifest.values())
        named = next((m.get("content") for m in self.opf.iterfind(".//opf:meta", NS) if m.get("name") == "cover"), None)
        candidates = [item for item in items if "cover-image" in (item.get("properties") or "").split()]
        candidates += [item for item in items if named and item.get("id") == named]
        candidates += [item for item in items if "cover" in f"{item.get('id')} {item.get('href')}".lower()]
        for item in candidates:
            name = resolve(self.opf_name, item.get("href", ""))
            if (
                name in self.archive
                and (item.get("media-type") or "").startswith("image/")
                and "svg" not in item.get("media-type", "")
            ):
                return name
        return None

    def _headings(self) -> list[Heading]:
        places = {name: index for index, name in reversed(list(enumerate(self.chapters))) if name}
        nav = next((i for i in self.manifest.values() if "nav" in (i.get("properties") or "").split()), None)
        if nav is not None and (found := self._from_nav(resolve(self.opf_name, nav.get("href", "")), places)):
            return found
        toc = self.opf.find("opf:spine", NS)
        ncx = self.manifest.get(toc.get("toc", "") if toc is not None else "")
        ncx = (
            ncx
            if ncx is not None
            else next((i for i in self.manifest.values() if i.get("media-type") == "application/x-dtbncx+xml"), None)
        )
        return self._from_ncx(resolve(self.opf_name, ncx.get("href", "")), places) if ncx is not None else []

    def _from_nav(self, name: str | None, places: dict[str, int]) -> list[Heading]:
        body = self.archive.get(name) if name else None
        root = parse_xml(body) if body else None
        if root is None or name is None:
            return []
        navs = list(root.iterfind(".//h:nav", NS))
        toc = next((nav for nav in navs if "toc" in (nav.get(EPUB_TYPE) or "").split()), navs[0] if navs else None)
        found = []
        for link in toc.iterfind(".//h:a", NS) if toc is not None else ():
            target = resolve(name, link.get("href", ""))
            depth = sum(1 for a in link.iterancestors("{http://www.w3.org/1999/xhtml}ol")) - 1
            if target in places and (label := clean(words_of(link))):
                found.append(Heading(label[:200], places[target], max(0, depth)))
        return found

    def _from_ncx(self, name: str | None, places: dict[str, int]) -> list[Heading]:
        body = self.archive.get(name) if name else None
        root = parse_xml(body) if body else None
        if root is None or name is None:
            return []
        found = []
        for point in root.iterfind(".//ncx:navPoint", NS):
            content = point.find("ncx:content", NS)
            text = point.find("ncx:navLabel/ncx:text", NS)
            target = resolve(name, content.get("src", "")) if content is not None else None
            depth = sum(1 for a in point.iterancestors("{http://www.daisy.org/z3986/2005/ncx/}navPoint"))
            if target in places and text is not None and (label := clean(text.text or "")):
                found.append(Heading(label[:200], places[target], depth))
        return found


def text_of(body: bytes) -> tuple[str | None, str]:
    """A chapter's first heading (or title) and its visible text."""
    root = parse(body)
    if root is None:
        return None, ""
    heading = None
    pieces: list[str] = []
    gather(root, pieces)
    for tag in ("h1", "h2", "h3", "title"):
        element = root.find(f".//{{*}}{tag}")
        if element is not None and (heading := clean(words_of(element))[:200]):
            break
    return heading or None, "".join(pieces)


def gather(root: etree._Element, pieces: list[str]) -> None:
    """The text a person sees, blocks parted by spaces; without recursion, since a hostile book may nest deeply."""
    hidden = 0
    for event, element in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        name = element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
        if event == "start":
            hidden += name in _UNSEEN
            if not hidden:
                if name in _BLOCKS:
                    pieces.append(" ")
                pieces.append(element.text or "")
        else:
            if event == "end":
                hidden -= name in _UNSEEN
                if name in _BLOCKS:
                    pieces.append(" ")
            if not hidden:
                pieces.append(element.tail or "")


def words_of(element: etree._Element) -> str:
    return "".join(str(piece) for piece in element.itertext())


def plain(text: str) -> str:
    """Words without the HTML that descriptions often carry."""
    return clean(re.sub(r"<[^>]{0,500}>", " ", text.replace("&lt;", "<").replace("&gt;", ">")).replace("&amp;", "&"))


def clean(text: str) -> str:
    return _SPACE.sub(" ", text).strip()
