"""Comics and picture books: a ZIP of pictures (CBZ), in the order a person counts; what ComicInfo.xml says of it."""

import io
import posixpath
import re

import msgspec
from PIL import Image

from densach_hub.library.formats.archive import PICTURE_LIMIT, Archive, open_archive, parse_xml
from densach_hub.library.formats.found import Found, Source, Unreadable
from densach_hub.library.formats.workshop import Workshop
from densach_hub.library.model import Creator, Heading, Kind

MEDIA_TYPE = "application/vnd.comicbook+zip"
PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".gif")
INFO = "comicinfo.xml"
_BESIDE = (".xml", ".txt", ".nfo", ".db", ".json", ".md", ".ini", ".url")
_DIGITS = re.compile(r"(\d+)")


class Pages(msgspec.Struct, frozen=True):
    """A comic's pages in order; `from_right`: it is read from right to left."""

    names: tuple[str, ...]
    from_right: bool


class Comic:
    def fits(self, source: Source) -> bool:
        if not source.head.startswith(b"PK\x03\x04"):
            return False
        try:
            with open_archive(source.path) as archive:
                pictures = page_names(archive)
                others = [
                    n for n in archive.entries if _is_seen(n) and n not in set(pictures) and not n.lower().endswith(_BESIDE)
                ]
        except Unreadable:
            return False
        return source.suffix == ".cbz" or (bool(pictures) and not others)

    def read(self, source: Source, workshop: Workshop) -> Found:
        with open_archive(source.path) as archive:
            names = page_names(archive)
            if not names:
                raise Unreadable("library.no-pages", "no pictures")
            for name in names:
                archive.member(name, PICTURE_LIMIT)
            cover = next((n for n in names if posixpath.basename(n).lower().startswith(("cover", "bia"))), names[0])
            if not workshop.cover(archive.read(cover, PICTURE_LIMIT)) and not any(_is_picture(archive, n) for n in names[:20]):
                raise Unreadable("library.damaged", "no picture can be read")
            return _with_info(archive, names)


class RarArchive:
    """RAR archives (CBR among them) are recognised to be refused with a reason: unpacking them is not free software's to do."""

    def fits(self, source: Source) -> bool:
        return source.head.startswith(b"Rar!\x1a\x07")

    def read(self, source: Source, workshop: Workshop) -> Found:  # noqa: ARG002 - nothing is read
        raise Unreadable("library.rar")


def pages_of(archive: Archive) -> Pages:
    """What a reader turns through."""
    return Pages(page_names(archive), _says(archive, "Manga").lower() == "yesandrighttoleft")


def page_names(archive: Archive) -> tuple[str, ...]:
    names = (name for name in archive.entries if _is_seen(name) and name.lower().endswith(PICTURES))
    return tuple(sorted(names, key=natural))


def natural(name: str) -> tuple[tuple[tuple[int, int, str], ...], ...]:
    """A key that puts page 2 before page 10, folder by folder."""
    return tuple(
        tuple((0, int(part[:18]), "") if part.isdecimal() else (1, 0, part) for part in _DIGITS.split(step.casefold()) if part)
        for step in name.split("/")
    )


def _is_seen(name: str) -> bool:
    return not any(step.startswith((".", "__MACOSX")) for step in name.split("/"))


def _is_picture(archive: Archive, name: str) -> bool:
    try:
        with Image.open(io.BytesIO(archive.read(name, PICTURE_LIMIT))) as image:
            return image.width > 0
    except (Unreadable, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return False


def _says(archive: Archive, field: str) -> str:
    name = next((name for name in archive.entries if posixpath.basename(name).lower() == INFO), None)
    root = parse_xml(archive.get(name) or b"") if name else None
    return " ".join((root.findtext(field) or "").split())[:4000] if root is not None else ""


def _with_info(archive: Archive, names: tuple[str, ...]) -> Found:
    series, number, title = _says(archive, "Series"), _says(archive, "Number"), _says(archive, "Title")
    volume = f"{series} {number}".strip()
    whole = f"{volume}: {title}" if volume and title else volume or title
    writers = [one.strip() for one in _says(archive, "Writer").split(",") if one.strip()]
    drawers = [one.strip() for one in _says(archive, "Penciller").split(",") if one.strip()]
    year, language = _says(archive, "Year"), _says(archive, "LanguageISO")
    return Found(
        kind=Kind.COMIC,
        media_type=MEDIA_TYPE,
        suffixes=(".cbz", ".zip"),
        title=whole[:300] or None,
        creators=(*(Creator(one) for one in writers[:10]), *(Creator(one, "illustrator") for one in drawers[:10])),
        description=_says(archive, "Summary") or None,
        publisher=_says(archive, "Publisher")[:300] or None,
        published=year if year.isdecimal() and len(year) == 4 else None,
        language=language[:20] or None,
        topics=tuple(one.strip() for one in _says(archive, "Genre").split(",") if one.strip())[:20],
        pages=len(names),
        headings=_folders(names),
    )


def _folders(names: tuple[str, ...]) -> tuple[Heading, ...]:
    """Chapters, where the pages lie in more than one folder."""
    firsts: dict[str, int] = {}
    for number, name in enumerate(names):
        firsts.setdefault(posixpath.dirname(name), number)
    if len(firsts) < 2:
        return ()
    return tuple(Heading(posixpath.basename(folder)[:200] or "…", number) for folder, number in list(firsts.items())[:500])
