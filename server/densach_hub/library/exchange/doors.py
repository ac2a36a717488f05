"""Every format that records come in and go out by; told from the bytes, not from the name."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO

import msgspec

from densach_core.errors import BadInput, TooLarge
from densach_core.text import t
from densach_hub.library.exchange import calibre, calibre_out, iso2709, marcxml, opds, tables
from densach_hub.library.exchange.calibre_out import Files
from densach_hub.library.exchange.line import Source
from densach_hub.library.exchange.tables import Say
from densach_hub.library.model import Item

LARGEST = 1024**3


class Door(msgspec.Struct, frozen=True):
    """A format to write: the ending of its files, its media type and how."""

    ending: str
    media_type: str
    write: Callable[[Iterable[Item], IO[bytes], Say, Files], None]


EXPORTS: dict[str, Door] = {
    "marc": Door(".mrc", "application/marc", lambda items, file, _say, _files: iso2709.write(items, file)),
    "marcxml": Door(".xml", "application/marcxml+xml", lambda items, file, _say, _files: marcxml.write(items, file)),
    "csv": Door(".csv", "text/csv", lambda items, file, say, _files: tables.write_csv(items, file, say)),
    "xlsx": Door(
        ".xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        lambda items, file, say, _files: tables.write_xlsx(items, file, say),
    ),
    "calibre": Door(".zip", "application/zip", lambda items, file, _say, files: calibre_out.write(items, file, files)),
}


def open_source(path: Path) -> Source:
    """What a file or a folder holds. Raises BadInput("import.…"), TooLarge; single records never raise."""
    if path.is_dir():
        if not calibre.is_calibre(path):
            raise BadInput(
                "import.no-calibre",
                t("This folder is no Calibre library."),
                t("Choose the folder that holds metadata.db."),
            )
        return calibre.read(path)
    if path.stat().st_size > LARGEST:
        raise TooLarge("import.too-large", t("This file is too large."), t("Split it into several files."))
    with path.open("rb") as file:
        head = file.read(4096)
    if not head.strip(b"\0\r\n\t \xef\xbb\xbf"):
        raise BadInput("import.empty", t("The file is empty."), t("Choose the file that holds the records."))
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return tables.read_workbook(path)
    if iso2709.looks_like(head):
        return iso2709.read(path)
    if opds.looks_like(head):
        return opds.read(path)
    text = head[2:].replace(b"\0", b"") if head[:2] in {b"\xff\xfe", b"\xfe\xff"} else head
    if text.lstrip(b"\xef\xbb\xbf\r\n\t ").startswith(b"<"):
        return marcxml.read(path)
    return tables.read_csv(path)
