"""HTML5 simulations: a ZIP with an index.html. Kept packed; its pages are only ever served from the packages' own origin."""

import posixpath

from lxml import etree, html

from densach_hub.library.formats.archive import PICTURE_LIMIT, Archive, open_archive, start_page
from densach_hub.library.formats.epub import clean, gather
from densach_hub.library.formats.found import Found, Source, Unreadable
from densach_hub.library.formats.letters import decode
from densach_hub.library.formats.workshop import Workshop
from densach_hub.library.model import Kind

MEDIA_TYPE = "application/zip"
MOST_PAGES = 1_000
PAGES = (".html", ".htm", ".xhtml")
COVERS = ("cover.jpg", "cover.png", "thumbnail.png", "thumbnail.jpg", "preview.png")


class Simulation:
    def fits(self, source: Source) -> bool:
        if not source.head.startswith(b"PK\x03\x04"):
            return False
        try:
            with open_archive(source.path) as archive:
                return start_page(archive) is not None
        except Unreadable:
            return False

    def read(self, source: Source, workshop: Workshop) -> Found:
        with open_archive(source.path) as archive:
            start, *others = pages_of(archive)
            title, language, text = page_of(archive.read(start))
            workshop.text(0, title, text)
            for number, name in enumerate(others, 1):
                if (body := archive.get(name)) is not None:
                    label, _, text = page_of(body)
                    workshop.text(number, label or posixpath.basename(name), text)
            base = start.removesuffix("index.html")
            for name in COVERS:
                if base + name in archive and (picture := archive.get(base + name, PICTURE_LIMIT)):
                    workshop.cover(picture)
                    break
        return Found(kind=Kind.SIMULATION, media_type=MEDIA_TYPE, suffixes=(".zip",), title=title, language=language)


def pages_of(archive: Archive) -> list[str]:
    """The pages by their numbers: the start page, then the others in the order of their names. Raises Unreadable."""
    start = start_page(archive)
    if start is None:
        raise Unreadable("library.missing-part", "index.html")
    others = (name for name in archive.entries if name.lower().endswith(PAGES) and not name.startswith("__MACOSX/"))
    return [start, *sorted(name for name in others if name != start)][:MOST_PAGES]


def words_in_page(body: bytes) -> tuple[str | None, str]:
    """Title and words of an HTML page, its blocks parted by spaces."""
    try:
        parser = html.HTMLParser(no_network=True, encoding="utf-8")
        root = html.document_fromstring(decode(body).encode(), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return None, ""
    pieces: list[str] = []
    gather(root, pieces)
    return clean(root.findtext(".//title") or "") or None, clean("".join(pieces))


def page_of(body: bytes) -> tuple[str | None, str | None, str]:
    """Title, language and words of an HTML page, in whatever letters it is written."""
    try:
        parser = html.HTMLParser(no_network=True, encoding="utf-8")
        root = html.document_fromstring(decode(body).encode(), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return None, None, ""
    pieces: list[str] = []
    gather(root, pieces)
    return clean(root.findtext(".//title") or "") or None, root.get("lang"), clean("".join(pieces))
