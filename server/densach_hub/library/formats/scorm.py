"""SCORM 1.2 packages (ADL, Content Packaging 1.1.2): imsmanifest.xml, the first page to launch, the text inside.

Also what the field does to them: the whole package in one folder, a ZIP inside a ZIP, names in other letters than the
manifest's, `xml:base`, launch addresses with parameters. SCORM 2004 packages open too, as far as their 1.2 calls go.
"""

import posixpath
from collections.abc import Iterator
from itertools import takewhile
from urllib.parse import unquote

import msgspec
from lxml import etree

from densach_hub.library.formats.archive import Archive, is_safe_name, open_archive, parse_xml
from densach_hub.library.formats.epub import clean, words_of
from densach_hub.library.formats.found import Found, Source, Unreadable
from densach_hub.library.formats.simulation import page_of
from densach_hub.library.formats.workshop import Workshop
from densach_hub.library.model import Heading, Kind

MEDIA_TYPE = "application/vnd.adl.scorm+zip"
MANIFEST = "imsmanifest.xml"
MANIFEST_LIMIT = 8 * 1024**2
MOST_PAGES = 1_000
MOST_ITEMS = 500
_PAGES = (".html", ".htm", ".xhtml")


class Part(msgspec.Struct, frozen=True):
    """A part of a lesson: `launch` is an entry of the ZIP, with parameters behind `?` where it has some.

    `mastery`: the score from which it is passed; `data`: words the package wants to be told when it starts.
    """

    label: str
    launch: str
    depth: int = 0
    mastery: str = ""
    data: str = ""


class Manifest(msgspec.Struct, frozen=True):
    """What is launched, in order; at least one part."""

    title: str | None
    description: str | None
    language: str | None
    parts: tuple[Part, ...]
    second: bool


class Scorm:
    def fits(self, source: Source) -> bool:
        if not source.head.startswith(b"PK\x03\x04"):
            return False
        try:
            with open_archive(source.path) as archive:
                return manifest_name(archive) is not None or _inner(archive) is not None
        except Unreadable:
            return False

    def read(self, source: Source, workshop: Workshop) -> Found:
        with open_archive(source.path) as archive:
            if manifest_name(archive) is None:
                raise Unreadable("library.nested-zip", _inner(archive) or "")
            manifest = manifest_of(archive)
            for number, name in _text_pages(archive, manifest):
                body = archive.get(name)
                if body is not None:
                    title, _, text = page_of(body)
                    workshop.text(number, title, text)
        return Found(
            kind=Kind.LESSON,
            media_type=MEDIA_TYPE,
            suffixes=(".zip",),
            title=manifest.title,
            description=manifest.description,
            language=manifest.language,
            headings=tuple(Heading(part.label[:200], n, part.depth) for n, part in enumerate(manifest.parts)),
            remark="library.scorm-2004" if manifest.second else None,
        )


def manifest_name(archive: Archive) -> str | None:
    """The manifest, at the top or in the one folder everything is in, in whatever letters."""
    found = [name for name in archive.entries if posixpath.basename(name).lower() == MANIFEST and name.count("/") < 2]
    return min(found, key=lambda name: name.count("/"), default=None)


def manifest_of(archive: Archive) -> Manifest:
    """Raises Unreadable: missing-part (no launch page), damaged, part-too-large."""
    name = manifest_name(archive)
    if name is None:
        raise Unreadable("library.missing-part", MANIFEST)
    root = parse_xml(archive.read(name, MANIFEST_LIMIT))
    if root is None:
        raise Unreadable("library.damaged", name)
    targets = dict(_targets(archive, root, posixpath.dirname(name)))
    organization = _organization(root)
    parts = list(_parts(organization, targets)) if organization is not None else []
    if not parts:
        first = next(iter(targets.values()), None)
        if first is None:
            raise Unreadable("library.missing-part", "launch page")
        parts = [Part("", first)]
    version = clean(root.findtext(".//{*}schemaversion") or "")
    title = clean(organization.findtext("{*}title") or "") if organization is not None else ""
    return Manifest(
        title=_general(root, "title") or title or None,
        description=_general(root, "description"),
        language=clean(root.findtext(".//{*}general/{*}language") or "")[:20] or None,
        parts=tuple(parts),
        second="2004" in version or version.startswith("CAM"),
    )


def _targets(archive: Archive, root: etree._Element, folder: str) -> Iterator[tuple[str, str]]:
    """Resource identifier → what is launched; letters as they are in the ZIP."""
    by_letters = {name.casefold(): name for name in archive.entries}
    for holder in root.iter("{*}resources"):
        for resource in holder.iterfind("{*}resource"):
            href = resource.get("href") or next((f.get("href", "") for f in resource.iterfind("{*}file")), "")
            path, mark, query = href.replace("\\", "/").partition("?")
            path = unquote(path.partition("#")[0])
            base = (_base(root), _base(holder), _base(resource))
            wanted = posixpath.normpath(posixpath.join(folder, *base, path)) if path else ""
            entry = by_letters.get(wanted.casefold())
            if entry is not None and is_safe_name(wanted):
                yield resource.get("identifier", ""), f"{entry}{mark}{query[:500]}"


def _base(element: etree._Element) -> str:
    return unquote(element.get("{http://www.w3.org/XML/1998/namespace}base", "")).lstrip("/")


def _organization(root: etree._Element) -> etree._Element | None:
    holder = root.find("{*}organizations")
    if holder is None:
        return None
    found = list(holder.iterfind("{*}organization"))
    chosen = next((one for one in found if one.get("identifier") == holder.get("default")), None)
    return chosen if chosen is not None else next(iter(found), None)


def _parts(organization: etree._Element, targets: dict[str, str]) -> Iterator[Part]:
    for number, item in enumerate(organization.iter("{*}item")):
        if number >= MOST_ITEMS:
            return
        launch = targets.get(item.get("identifierref", ""))
        if launch is None or item.get("isvisible", "true") == "false":
            continue
        extra = item.get("parameters", "").lstrip("?&")[:500]
        if extra and not extra.startswith("#"):
            launch += f"{'&' if '?' in launch else '?'}{extra}"
        depth = sum(1 for above in item.iterancestors() if str(above.tag).endswith("}item"))
        label = clean(item.findtext("{*}title") or "") or posixpath.basename(launch.partition("?")[0])
        mastery = clean(item.findtext("{*}masteryscore") or "")[:20]
        yield Part(label, launch, depth, mastery, (item.findtext("{*}datafromlms") or "").strip()[:4096])


def _general(root: etree._Element, name: str) -> str | None:
    element = root.find(f".//{{*}}general/{{*}}{name}")
    return (clean(words_of(element))[:2000] or None) if element is not None else None


def _text_pages(archive: Archive, manifest: Manifest) -> list[tuple[int, str]]:
    """The parts' own pages, then the other pages; each with the part that is opened for it: the one it lies nearest to."""
    launched = [part.launch.partition("?")[0] for part in manifest.parts]
    others = [n for n in sorted(archive.entries) if n.lower().endswith(_PAGES) and n not in set(launched)]
    return [*enumerate(launched), *((_nearest(name, launched), name) for name in others)][:MOST_PAGES]


def _nearest(name: str, launched: list[str]) -> int:
    def together(n: int) -> int:
        folders = zip(name.split("/")[:-1], launched[n].split("/")[:-1], strict=False)
        return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], folders))

    return max(range(len(launched)), key=lambda n: (together(n), -n))


def _inner(archive: Archive) -> str | None:
    """A package packed twice: a ZIP with nothing but one ZIP of that kind inside."""
    names = [name for name in archive.entries if not name.startswith("__MACOSX/")]
    return names[0] if len(names) == 1 and names[0].lower().endswith(".zip") else None
