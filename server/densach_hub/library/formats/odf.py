"""OpenDocument (OASIS ODF 1.2): text in sections with their headings."""

from collections.abc import Iterator

from densach_hub.library.formats.archive import Archive, parse_xml
from densach_hub.library.formats.epub import clean, words_of
from densach_hub.library.formats.found import Unreadable
from densach_hub.library.formats.office import MOST_CELLS, Section

_ODF = "application/vnd.oasis.opendocument."
TYPES = {
    f"{_ODF}text": (".odt",),
    f"{_ODF}text-template": (".ott",),
    f"{_ODF}presentation": (".odp",),
    f"{_ODF}presentation-template": (".otp",),
    f"{_ODF}spreadsheet": (".ods",),
    f"{_ODF}spreadsheet-template": (".ots",),
}
MANIFEST = "META-INF/manifest.xml"


def type_of(archive: Archive) -> str | None:
    """The media type it says of itself, in `mimetype` or (saved by something careless) in the manifest."""
    said = (archive.get("mimetype", 200) or b"").decode("ascii", "replace").strip()
    if said in TYPES:
        return said
    root = parse_xml(archive.get(MANIFEST) or b"") if MANIFEST in archive else None
    for entry in root.iter("{*}file-entry") if root is not None else ():
        media_type = next((str(v) for k, v in entry.attrib.items() if str(k).endswith("media-type")), "")
        if media_type in TYPES:
            return media_type
    return None


def refuse_encrypted(archive: Archive) -> None:
    root = parse_xml(archive.get(MANIFEST) or b"") if MANIFEST in archive else None
    if root is not None and next(root.iter("{*}encryption-data"), None) is not None:
        raise Unreadable("library.encrypted", MANIFEST)


def sections(archive: Archive, media_type: str) -> Iterator[Section]:
    """Chapters of a text by its headings, slides of a presentation, sheets of a workbook. Raises Unreadable."""
    if "content.xml" not in archive:
        raise Unreadable("library.missing-part", "content.xml")
    if "presentation" in media_type:
        return _pages(archive)
    return _sheets(archive) if "spreadsheet" in media_type else _chapters(archive)


def _chapters(archive: Archive) -> Iterator[Section]:
    label: str | None = None
    depth, words = 0, list[str]()
    for block in archive.elements("content.xml", "h", "p"):
        text = clean(words_of(block))
        level = next((str(v) for k, v in block.attrib.items() if str(k).endswith("}outline-level")), "1")
        if block.tag.endswith("}h") and text and level.isdecimal() and 1 <= int(level) <= 3:
            if words or label:
                yield label, depth, " ".join(words)
            label, depth, words = text[:200], int(level) - 1, [text]
        elif text:
            words.append(text)
    if words or label:
        yield label, depth, " ".join(words)


def _pages(archive: Archive) -> Iterator[Section]:
    for page in archive.elements("content.xml", "page"):
        title = None
        for notes in list(page.iter("{*}notes")):
            notes.clear()
        for frame in page.iter("{*}frame"):
            if any(str(k).endswith("}class") and v == "title" for k, v in frame.attrib.items()):
                title = clean(" ".join(words_of(p) for p in frame.iter("{*}p")))[:200] or title
        yield title, 0, " ".join(words_of(p) for p in page.iter("{*}p"))


def _sheets(archive: Archive) -> Iterator[Section]:
    """A sheet's rows end before the sheet does: they are gathered until it names itself."""
    words: list[str] = []
    for element in archive.elements("content.xml", "table-row", "table"):
        if element.tag.endswith("}table"):
            name = next((str(v) for k, v in element.attrib.items() if str(k).endswith("}name")), "")
            yield clean(name)[:200] or None, 0, " ".join(words)
            words = []
        elif len(words) < MOST_CELLS:
            words += [text for p in element.iter("{*}p") if (text := clean(words_of(p)))]
