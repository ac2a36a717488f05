"""A Calibre library to unpack: a folder for each title with `metadata.opf`, the cover and the book, all in one ZIP (stored).

Calibre reads it with "Add books from folders"; this library reads it back like any Calibre folder.
"""

import re
import uuid
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any

from lxml import etree

from densach_hub.library.matching import isbn13
from densach_hub.library.model import Item

DC, OPF = "http://purl.org/dc/elements/1.1/", "http://www.idpf.org/2007/opf"
PLAIN: Any = {None: OPF}
NAMES: Any = {None: OPF, "dc": DC, "opf": OPF}
RELATORS = {"author": "aut", "translator": "trl", "editor": "edt", "illustrator": "ill", "narrator": "nrt", "other": "oth"}
SPACE = uuid.UUID("8d6d4a2e-6b0a-5f0e-9c6e-3d1f6b2a7c55")
"""Ids of items become UUIDs in this space: exported twice, Calibre knows the book again."""
Files = Callable[[Item], list[tuple[str, Path]]]


def write(items: Iterable[Item], file: IO[bytes], files_of: Files) -> None:
    """`files_of`: names and places of what lies beside an item's record. Of each name the file there is written as it is."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for it in items:
            folder = f"{_name(it.creators[0].name if it.creators else '', 'Unknown')}/{_name(it.title, 'Untitled')} ({it.id})"
            archive.writestr(_entry(f"{folder}/metadata.opf"), package(it))
            for name, path in files_of(it):
                with path.open("rb") as source, archive.open(_entry(f"{folder}/{name}"), "w", force_zip64=True) as target:
                    while block := source.read(1024 * 1024):
                        target.write(block)


def package(it: Item) -> bytes:
    """What Calibre wants to know of a book (OPF 2.0 as Calibre writes it)."""
    root = etree.Element(f"{{{OPF}}}package", nsmap=PLAIN, version="2.0")
    root.set("unique-identifier", "uuid_id")
    metadata = etree.SubElement(root, f"{{{OPF}}}metadata", nsmap=NAMES)

    def say(name: str, value: str | None, **more: str) -> None:
        if value:
            line = etree.SubElement(metadata, f"{{{DC}}}{name}", {f"{{{OPF}}}{key}": one for key, one in more.items()})
            line.text = _plain(value)

    say("identifier", str(uuid.uuid5(SPACE, it.id)), scheme="uuid")
    metadata[0].set("id", "uuid_id")
    for text in it.identifiers:
        if number := isbn13(text):
            say("identifier", number, scheme="ISBN")
        else:
            scheme, _, value = text.rpartition(":")
            say("identifier", value, scheme=re.sub(r"\W+", "-", scheme).strip("-") or "local")
    say("title", it.title)
    for creator in it.creators:
        say("creator", creator.name, role=RELATORS.get(creator.role, "oth"))
    say("publisher", it.publisher)
    say("date", it.published)
    say("language", it.language)
    say("description", it.description)
    say("rights", it.rights or it.licence)
    for topic in it.topics:
        say("subject", topic)
    if it.series:
        for name, content in (("series", it.series), ("series_index", it.series_number or "1")):
            etree.SubElement(metadata, f"{{{OPF}}}meta", name=f"calibre:{name}", content=_plain(content))
    body: bytes = etree.tostring(root, encoding="utf-8", xml_declaration=True, pretty_print=True)
    return body


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = 0o644 << 16
    return entry


def _name(said: str, otherwise: str) -> str:
    """A folder's name that every system takes: no separators, no dots at its ends, at most 60 letters."""
    bare = " ".join("".join(letter if letter.isalnum() or letter in " -_,." else " " for letter in said).split())
    return bare[:60].strip(" .") or otherwise


def _plain(text: str) -> str:
    """Without what XML cannot hold."""
    return re.sub(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text)
