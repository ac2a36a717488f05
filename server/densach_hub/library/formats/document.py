"""Documents that are fetched and opened elsewhere: Office, ODF, RTF, plain text; searchable where we can."""

from collections.abc import Iterable

from densach_hub.library.formats import odf, office
from densach_hub.library.formats.archive import PICTURE_LIMIT, Archive, open_archive, parse_xml
from densach_hub.library.formats.epub import clean
from densach_hub.library.formats.found import Found, Source, Unreadable
from densach_hub.library.formats.letters import decode, is_text
from densach_hub.library.formats.workshop import Workshop
from densach_hub.library.model import Creator, Heading, Kind

OLD_OFFICE = {".doc": "application/msword", ".xls": "application/vnd.ms-excel", ".ppt": "application/vnd.ms-powerpoint"}
OLE = b"\xd0\xcf\x11\xe0"
OLE_WHOLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
OLE_LEAST = 3 * 512
PACKED = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
NEVER_TEXT = frozenset({
    ".pdf", ".epub", ".zip", ".cbz", ".cbr", ".zim", ".docx", ".docm", ".pptx", ".pptm", ".ppsx", ".xlsx", ".xlsm", ".odt",
    ".odp", ".ods", ".doc", ".ppt", ".xls", ".mp4", ".m4v", ".m4a", ".m4b", ".mov", ".webm", ".mkv", ".mp3", ".ogg", ".oga",
    ".opus", ".wav", ".flac", ".jpg", ".jpeg", ".png", ".gif", ".webp",
})  # fmt: skip
"""Under such a name plain text is no document: mostly it is a web page with an error, saved in place of the file."""

LOCKED = "EncryptedPackage".encode("utf-16-le")
FACTS = ("docProps/core.xml", "meta.xml")
COVERS = ("docProps/thumbnail.jpeg", "docProps/thumbnail.png", "Thumbnails/thumbnail.png")
DC = "{http://purl.org/dc/elements/1.1/}"
TEXT_BYTES = 16 * 1024**2
MOST_HEADINGS = 500
MOST_SECTIONS = 5_000


class PackedDocument:
    """Office Open XML and OpenDocument: ZIPs with known parts."""

    def fits(self, source: Source) -> bool:
        if not source.head.startswith(b"PK\x03\x04"):
            return False
        try:
            with open_archive(source.path) as archive:
                return odf.type_of(archive) is not None or _office(archive) is not None
        except Unreadable:
            return False

    def read(self, source: Source, workshop: Workshop) -> Found:
        with open_archive(source.path) as archive:
            media_type, suffixes, parts = _opened(archive)
            headings: list[Heading] = []
            count = 0
            for number, (label, depth, text) in zip(range(MOST_SECTIONS), parts, strict=False):
                workshop.text(number, label, text)
                count = number + 1
                if label and len(headings) < MOST_HEADINGS:
                    headings.append(Heading(label, number, depth))
            for name in COVERS:
                if name in archive and (picture := archive.get(name, PICTURE_LIMIT)) and workshop.cover(picture):
                    break
            paged = "word" not in media_type and not media_type.endswith(("text", "text-template"))
            return _with_facts(archive, media_type, suffixes, tuple(headings), count if paged else None)


class LooseDocument:
    """RTF, old Office files, plain text in the tables Vietnamese was written in."""

    def fits(self, source: Source) -> bool:
        if source.head.startswith(PACKED):
            return False
        return source.head.startswith((b"{\\rtf", OLE)) or is_text(source.head)

    def read(self, source: Source, workshop: Workshop) -> Found:
        if source.head.startswith(b"{\\rtf"):
            return Found(kind=Kind.DOCUMENT, media_type="application/rtf", suffixes=(".rtf",))
        if source.head.startswith(OLE):
            if _is_locked(source):
                raise Unreadable("library.encrypted", "EncryptedPackage")
            if not source.head.startswith(OLE_WHOLE) or source.size < OLE_LEAST:
                raise Unreadable("library.damaged", "compound file")
            media_type = OLD_OFFICE.get(source.suffix, "application/octet-stream")
            return Found(kind=Kind.DOCUMENT, media_type=media_type, suffixes=tuple(OLD_OFFICE))
        if source.suffix in NEVER_TEXT:
            raise Unreadable("library.only-text", source.suffix)
        with source.path.open("rb") as file:
            workshop.text(0, None, decode(file.read(TEXT_BYTES)))
        return Found(kind=Kind.DOCUMENT, media_type="text/plain", suffixes=(source.suffix or ".txt",))


def _opened(archive: Archive) -> tuple[str, tuple[str, ...], Iterable[office.Section]]:
    said = odf.type_of(archive)
    if said is not None:
        odf.refuse_encrypted(archive)
        return said, odf.TYPES[said], odf.sections(archive, said)
    known = _office(archive)
    if known is None:
        raise Unreadable("library.unknown-kind")
    name, kind = known
    media_type, suffixes = office.TYPES[kind]
    return media_type, suffixes, office.sections(archive, name, kind)


def _office(archive: Archive) -> tuple[str, str] | None:
    name = office.main_part(archive)
    kind = office.flavour(archive, name) if name else None
    return (name, kind) if name and kind else None


def _with_facts(
    archive: Archive, media_type: str, suffixes: tuple[str, ...], headings: tuple[Heading, ...], pages: int | None
) -> Found:
    facts = parse_xml(next((body for name in FACTS if (body := archive.get(name))), b""))

    def said(name: str) -> str | None:
        return (clean(facts.findtext(f".//{DC}{name}") or "")[:500] or None) if facts is not None else None

    author = said("creator")
    words = clean(facts.findtext(".//{*}keywords") or "") if facts is not None else ""
    return Found(
        kind=Kind.DOCUMENT,
        media_type=media_type,
        suffixes=suffixes,
        title=said("title"),
        creators=(Creator(author),) if author else (),
        description=said("description"),
        language=said("language"),
        topics=tuple(word.strip() for word in words.replace(";", ",").split(",") if word.strip())[:20],
        headings=headings,
        pages=pages,
    )


def _is_locked(source: Source) -> bool:
    """An Office file with a password is an old container around the locked new one; its directory names it."""
    with source.path.open("rb") as file:
        start = file.read(1024**2)
        file.seek(max(0, source.size - 1024**2))
        return LOCKED in start or LOCKED in file.read()
