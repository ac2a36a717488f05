"""Documents that are fetched and opened elsewhere: Office, ODF, RTF, plain text; searchable where we can."""

from densach_hub.library.formats.archive import Archive, open_archive, parse_xml
from densach_hub.library.formats.epub import clean, words_of
from densach_hub.library.formats.found import Found, Source, Unreadable
from densach_hub.library.formats.workshop import Workshop
from densach_hub.library.model import Creator, Kind

_OFFICE = "application/vnd.openxmlformats-officedocument."
_ODF = "application/vnd.oasis.opendocument."
OFFICE = {
    "word/document.xml": (f"{_OFFICE}wordprocessingml.document", ".docx"),
    "ppt/presentation.xml": (f"{_OFFICE}presentationml.presentation", ".pptx"),
    "xl/workbook.xml": (f"{_OFFICE}spreadsheetml.sheet", ".xlsx"),
}
ODF = {f"{_ODF}text": ".odt", f"{_ODF}presentation": ".odp", f"{_ODF}spreadsheet": ".ods"}
OLD_OFFICE = {".doc": "application/msword", ".xls": "application/vnd.ms-excel", ".ppt": "application/vnd.ms-powerpoint"}
CORE = "docProps/core.xml"
TEXT_BYTES = 16 * 1024**2


class PackedDocument:
    """Office Open XML and OpenDocument: ZIPs with known parts."""

    def fits(self, source: Source) -> bool:
        if not source.head.startswith(b"PK\x03\x04"):
            return False
        try:
            with open_archive(source.path) as archive:
                return _type_of(archive) is not None
        except Unreadable:
            return False

    def read(self, source: Source, workshop: Workshop) -> Found:
        with open_archive(source.path) as archive:
            known = _type_of(archive)
            if known is None:
                raise Unreadable("library.unknown-kind")
            media_type, suffix = known
            for number, name in enumerate(_texts(archive)):
                root = parse_xml(archive.get(name) or b"")
                if root is not None:
                    workshop.text(number, None, " ".join(words_of(part) for part in root.iter("{*}p") if len(part)))
            core = parse_xml(archive.get(CORE) or archive.get("meta.xml") or b"")
            title = core.findtext(".//{http://purl.org/dc/elements/1.1/}title") if core is not None else None
            creator = core.findtext(".//{http://purl.org/dc/elements/1.1/}creator") if core is not None else None
        return Found(
            kind=Kind.DOCUMENT,
            media_type=media_type,
            suffixes=(suffix,),
            title=clean(title or "") or None,
            creators=(Creator(clean(creator)),) if creator and clean(creator) else (),
        )


class LooseDocument:
    """RTF, old Office files, plain text in UTF-8."""

    def fits(self, source: Source) -> bool:
        return source.head.startswith((b"{\\rtf", b"\xd0\xcf\x11\xe0")) or _is_text(source)

    def read(self, source: Source, workshop: Workshop) -> Found:
        if source.head.startswith(b"{\\rtf"):
            return Found(kind=Kind.DOCUMENT, media_type="application/rtf", suffixes=(".rtf",))
        if source.head.startswith(b"\xd0\xcf\x11\xe0"):
            media_type = OLD_OFFICE.get(source.suffix, "application/octet-stream")
            return Found(kind=Kind.DOCUMENT, media_type=media_type, suffixes=tuple(OLD_OFFICE))
        with source.path.open("rb") as file:
            workshop.text(0, None, file.read(TEXT_BYTES).decode("utf-8-sig", "replace"))
        return Found(kind=Kind.DOCUMENT, media_type="text/plain", suffixes=(source.suffix or ".txt",))


def _type_of(archive: Archive) -> tuple[str, str] | None:
    for part, known in OFFICE.items():
        if part in archive:
            return known
    said = (archive.get("mimetype", 200) or b"").decode("ascii", "replace").strip()
    return (said, ODF[said]) if said in ODF else None


def _texts(archive: Archive) -> list[str]:
    slides = sorted((name for name in archive.entries if name.startswith("ppt/slides/slide")), key=lambda name: (len(name), name))
    fixed = [name for name in ("word/document.xml", "content.xml") if name in archive]
    return fixed + slides


def _is_text(source: Source) -> bool:
    if not source.head or b"\0" in source.head:
        return False
    try:
        source.head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start >= len(source.head) - 4 and len(source.head) > 16
    return True
