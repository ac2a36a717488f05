"""Office Open XML (ECMA-376, both editions of the namespace): text in sections with their headings. Macros stay unseen."""

import posixpath
import re
from collections.abc import Iterator

from lxml import etree

from densach_hub.library.formats.archive import Archive, is_safe_name, parse_xml
from densach_hub.library.formats.epub import clean, words_of

_OFFICE = "application/vnd.openxmlformats-officedocument."
TYPES = {
    "word": (f"{_OFFICE}wordprocessingml.document", (".docx", ".docm", ".dotx")),
    "presentation": (f"{_OFFICE}presentationml.presentation", (".pptx", ".pptm", ".ppsx", ".potx")),
    "sheet": (f"{_OFFICE}spreadsheetml.sheet", (".xlsx", ".xlsm", ".xltx")),
}
_ROOTS = {"document": "word", "presentation": "presentation", "workbook": "sheet"}
_USUAL = ("word/document.xml", "ppt/presentation.xml", "xl/workbook.xml")
_HEADING = re.compile(r"(?:heading|tiêu đề|đề mục|titre|überschrift)\s*([1-9])", re.IGNORECASE)
MOST_CELLS = 500_000

Section = tuple[str | None, int, str]
"""A section's heading (None: the words before the first), its depth, its text."""


def main_part(archive: Archive) -> str | None:
    """The entry the document begins in: what the package says, else where it usually is."""
    if "[Content_Types].xml" not in archive:
        return None
    root = parse_xml(archive.get("_rels/.rels") or b"")
    for link in root.iter("{*}Relationship") if root is not None else ():
        name = link.get("Target", "").lstrip("/")
        if link.get("Type", "").endswith("/officeDocument") and name in archive:
            return name
    return next((name for name in _USUAL if name in archive), None)


def flavour(archive: Archive, name: str) -> str | None:
    """word, presentation or sheet, by the root element."""
    for event in re.finditer(rb"<(?:[\w.-]+:)?(\w+)[\s>]", archive.head(name, 2048)):
        return _ROOTS.get(event[1].decode("ascii", "replace"))
    return None


def sections(archive: Archive, name: str, kind: str) -> Iterator[Section]:
    """Chapters of a text by its headings, slides of a presentation, sheets of a workbook."""
    if kind == "word":
        return _chapters(archive, name)
    return _slides(archive, name) if kind == "presentation" else _sheets(archive, name)


def _chapters(archive: Archive, name: str) -> Iterator[Section]:
    depths = _styles(archive, name)
    label: str | None = None
    depth, words = 0, list[str]()
    for paragraph in archive.elements(name, "p"):
        text = _text_of(paragraph)
        style = paragraph.find("{*}pPr/{*}pStyle")
        level = depths.get(_value(style, "val").lower()) if style is not None else None
        if level is not None and text and level < 3:
            if words or label:
                yield label, depth, " ".join(words)
            label, depth, words = text[:200], level, [text]
        elif text:
            words.append(text)
    if words or label:
        yield label, depth, " ".join(words)


def _styles(archive: Archive, name: str) -> dict[str, int]:
    """Style id (small letters) → depth of heading. Ids are localised, names are not always, outline levels are certain."""
    depths = {f"heading{n}": n - 1 for n in range(1, 10)} | {"title": 0}
    root = parse_xml(archive.get(posixpath.join(posixpath.dirname(name), "styles.xml")) or b"")
    for style in root.iter("{*}style") if root is not None else ():
        named, outline = style.find("{*}name"), style.find("{*}pPr/{*}outlineLvl")
        level = _value(outline, "val") if outline is not None else ""
        match = _HEADING.search(_value(named, "val")) if named is not None else None
        if level.isdecimal() and int(level) < 9:
            depths[_value(style, "styleId").lower()] = int(level)
        elif match:
            depths[_value(style, "styleId").lower()] = int(match[1]) - 1
    return depths


def _slides(archive: Archive, name: str) -> Iterator[Section]:
    links = _links(archive, name)
    root = archive.xml(name)
    names = [links.get(_value(ref, "id", relation=True)) for ref in root.iter("{*}sldId")]
    found = [slide for slide in names if slide is not None and slide in archive]
    if not found:
        found = sorted((n for n in archive.entries if n.startswith("ppt/slides/slide")), key=lambda n: (len(n), n))
    for slide in found:
        page = parse_xml(archive.get(slide) or b"")
        if page is None:
            yield None, 0, ""
            continue
        title = None
        for shape in page.iter("{*}sp"):
            holder = shape.find(".//{*}nvPr/{*}ph")
            if holder is not None and holder.get("type") in {"title", "ctrTitle"}:
                title = clean(" ".join(_text_of(p) for p in shape.iter("{*}p")))[:200] or title
        yield title, 0, " ".join(_text_of(p) for p in page.iter("{*}p"))


def _sheets(archive: Archive, name: str) -> Iterator[Section]:
    links = _links(archive, name)
    strings = _strings(archive, posixpath.join(posixpath.dirname(name), "sharedStrings.xml"))
    for sheet in archive.xml(name).iter("{*}sheet"):
        part = links.get(_value(sheet, "id", relation=True))
        label = clean(sheet.get("name", ""))[:200] or None
        if sheet.get("state", "visible") == "visible" and part in archive:
            yield label, 0, " ".join(_cells(archive, part or "", strings))


def _cells(archive: Archive, name: str, strings: list[str]) -> Iterator[str]:
    for number, cell in enumerate(archive.elements(name, "c")):
        if number >= MOST_CELLS:
            return
        kind, value = cell.get("t"), cell.findtext("{*}v") or ""
        if kind == "s":
            if value.isdecimal() and int(value) < len(strings):
                yield strings[int(value)]
        elif kind == "inlineStr":
            yield words_of(cell)
        elif value:
            yield value


def _strings(archive: Archive, name: str) -> list[str]:
    if name not in archive:
        return []
    found = []
    for string in archive.elements(name, "si"):
        found.append("".join(part.text or "" for part in string.iter("{*}t")))
        if len(found) >= MOST_CELLS:
            break
    return found


def _links(archive: Archive, name: str) -> dict[str, str]:
    """Relationship id → entry."""
    folder, base = posixpath.split(name)
    root = parse_xml(archive.get(f"{folder}/_rels/{base}.rels") or b"")
    found = {}
    for link in root.iter("{*}Relationship") if root is not None else ():
        target = link.get("Target", "")
        entry = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
        if is_safe_name(entry) and link.get("TargetMode") != "External":
            found[link.get("Id", "")] = entry
    return found


def _text_of(paragraph: etree._Element) -> str:
    """A paragraph's words; tabs and line breaks are spaces, deleted text and field codes are none."""
    parts = paragraph.iter("{*}t", "{*}tab", "{*}br", "{*}cr")
    return clean("".join((part.text or "") if part.tag.endswith("}t") else " " for part in parts))


def _value(element: etree._Element, name: str, *, relation: bool = False) -> str:
    """An attribute whatever its namespace; `relation`: only one of the relationships' namespace."""
    for key, value in element.attrib.items():
        space, _, bare = str(key).rpartition("}")
        if bare == name and (not relation or "relationships" in space):
            return str(value)
    return ""
