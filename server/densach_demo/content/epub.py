"""Writes EPUB 3 (with the table of contents of EPUB 2 for old readers) from chapters of XHTML."""

import uuid
import zipfile
from collections.abc import Sequence
from html import escape
from pathlib import Path

import msgspec

_MADE_AT = (2026, 9, 5, 7, 0, 0)
"""One date for every part: the same text makes the same file, byte for byte."""
_CONTAINER = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
    '<rootfiles><rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)
_STYLE = (
    "body { line-height: 1.6; margin: 0 4%; } h1, h2 { line-height: 1.5; } code { font-family: monospace; }"
    " table { border-collapse: collapse; } th, td { border: 1px solid; padding: .3em .6em; text-align: left; }"
)


class Chapter(msgspec.Struct, frozen=True):
    title: str
    xhtml: str


class Book(msgspec.Struct, frozen=True):
    title: str
    author: str
    language: str
    description: str
    subjects: tuple[str, ...]
    cover_png: bytes
    chapters: Sequence[Chapter]

    @property
    def id(self) -> str:
        return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'densach:{self.language}:{self.title}')}"


def write_epub(book: Book, path: Path) -> None:
    parts = {
        "META-INF/container.xml": _CONTAINER,
        "OEBPS/book.opf": _package(book),
        "OEBPS/nav.xhtml": _page(book, book.title, f'<nav epub:type="toc"><ol>{_links(book)}</ol></nav>'),
        "OEBPS/toc.ncx": _ncx(book),
        "OEBPS/style.css": _STYLE,
        "OEBPS/cover.xhtml": _page(book, book.title, f'<p><img src="cover.png" alt="{escape(book.title)}"/></p>'),
    }
    for number, chapter in enumerate(book.chapters, 1):
        parts[f"OEBPS/{number:02}.xhtml"] = _page(book, chapter.title, chapter.xhtml)
    with zipfile.ZipFile(path, "w") as archive:
        # First and uncompressed, so that the kind of file stands at a fixed place (OCF 3.3, 4.2).
        _put(archive, "mimetype", b"application/epub+zip", zipfile.ZIP_STORED)
        for name, text in parts.items():
            _put(archive, name, text.encode(), zipfile.ZIP_DEFLATED)
        _put(archive, "OEBPS/cover.png", book.cover_png, zipfile.ZIP_STORED)


def _put(archive: zipfile.ZipFile, name: str, content: bytes, how: int) -> None:
    info = zipfile.ZipInfo(name, _MADE_AT)
    info.compress_type = how
    info.external_attr = 0o644 << 16
    archive.writestr(info, content)


def _page(book: Book, title: str, body: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml" '
        f'xmlns:epub="http://www.idpf.org/2007/ops" lang="{book.language}" xml:lang="{book.language}"><head>'
        f'<title>{escape(title)}</title><link rel="stylesheet" href="style.css"/></head>\n<body>\n{body}\n</body></html>'
    )


def _links(book: Book) -> str:
    return "".join(f'<li><a href="{n:02}.xhtml">{escape(c.title)}</a></li>' for n, c in enumerate(book.chapters, 1))


def _package(book: Book) -> str:
    numbers = [f"{n:02}" for n in range(1, len(book.chapters) + 1)]
    items = "".join(f'<item id="c{n}" href="{n}.xhtml" media-type="application/xhtml+xml"/>' for n in numbers)
    spine = "".join(f'<itemref idref="c{n}"/>' for n in numbers)
    subjects = "".join(f"<dc:subject>{escape(s)}</dc:subject>" for s in book.subjects)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<package xmlns="http://www.idpf.org/2007/opf" version="3.0" '
        'unique-identifier="id"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f'<dc:identifier id="id">{book.id}</dc:identifier><dc:title>{escape(book.title)}</dc:title>'
        f"<dc:creator>{escape(book.author)}</dc:creator><dc:language>{book.language}</dc:language>"
        f"<dc:description>{escape(book.description)}</dc:description>{subjects}<dc:date>2026-09-05</dc:date>"
        '<meta property="dcterms:modified">2026-09-05T00:00:00Z</meta><meta name="cover" content="cover"/></metadata>'
        '<manifest><item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
        '<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>'
        '<item id="cover" href="cover.png" media-type="image/png" properties="cover-image"/>'
        '<item id="coverpage" href="cover.xhtml" media-type="application/xhtml+xml"/>'
        f'<item id="style" href="style.css" media-type="text/css"/>{items}</manifest>'
        f'<spine toc="ncx"><itemref idref="coverpage"/>{spine}</spine></package>'
    )


def _ncx(book: Book) -> str:
    points = "".join(
        f'<navPoint id="p{n}" playOrder="{n}"><navLabel><text>{escape(c.title)}</text></navLabel>'
        f'<content src="{n:02}.xhtml"/></navPoint>'
        for n, c in enumerate(book.chapters, 1)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/" version="2005-1"><head>'
        f'<meta name="dtb:uid" content="{book.id}"/></head><docTitle><text>{escape(book.title)}</text></docTitle>'
        f"<navMap>{points}</navMap></ncx>"
    )
