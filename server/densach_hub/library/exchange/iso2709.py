"""MARC 21 as ISO 2709, UTF-8 and MARC-8, read with patience: the field separators are believed, not the lengths.

Catalogues pass through programs that count letters instead of bytes, so leaders and directories often lie; a record ends
at its terminator and its n-th directory entry names its n-th field. A file is read in pieces, never whole.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from pymarc import Field, Indicators, Subfield
from pymarc import Record as PymarcRecord
from pymarc.marc8 import marc8_to_unicode

from densach_hub.library.exchange.line import Line, Source, wrong
from densach_hub.library.exchange.marc_fields import Marc, Subfields, fields_of, record_line
from densach_hub.library.model import Item

BLOCK = 256 * 1024
LARGEST = 1024 * 1024
"""Of one record: ISO 2709 itself ends at 99,999 bytes."""
END_OF_RECORD, END_OF_FIELD, SUBFIELD = b"\x1d", b"\x1e", b"\x1f"
LEADER, ENTRY = 24, 12


def looks_like(head: bytes) -> bool:
    """A leader and a directory: five figures, then entries of figures up to the first field separator."""
    text = head.lstrip(b"\xef\xbb\xbf\r\n ")
    return text[:5].isdigit() and text[20:22] in {b"45", b"  "} and (END_OF_FIELD in text or text[24:27].isdigit())


def read(path: Path) -> Source:
    """Every record of a file; what cannot be used is a line with `import.marc-…`."""
    return Source(format="marc", lines=_lines(path))


def _lines(path: Path) -> Iterator[Line]:
    number = 0
    with path.open("rb") as file:
        for body, whole in _records(file):
            number += 1
            yield _line(number, body, whole=whole)


def _records(file: IO[bytes]) -> Iterator[tuple[bytes, bool]]:
    """(bytes of a record without its terminator, was there a terminator?)"""
    rest, skipping = b"", False
    while block := file.read(BLOCK):
        *whole, rest = (rest + block).split(END_OF_RECORD)
        for body in whole:
            if not skipping and (body := body.lstrip(b"\xef\xbb\xbf\r\n \x00\x1a")):
                yield body, True
            skipping = False
        if len(rest) > LARGEST:
            if not skipping:
                yield rest[:LARGEST], False
            rest, skipping = b"", True
    if not skipping and (rest := rest.strip(b"\xef\xbb\xbf\r\n \x00\x1a")):
        yield rest, False


def _line(number: int, body: bytes, *, whole: bool) -> Line:
    if not whole:
        return wrong(number, "import.marc-truncated", _quoted(body))
    head, _, data = body.partition(END_OF_FIELD)
    directory = head[LEADER:]
    if len(head) < LEADER + ENTRY or len(directory) % ENTRY or not all(
        directory[at : at + 3].isalnum() for at in range(0, len(directory), ENTRY)
    ):  # fmt: skip
        return wrong(number, "import.marc-directory", _quoted(body))
    tags = [directory[at : at + 3].decode("latin-1") for at in range(0, len(directory), ENTRY)]
    fields = data.removesuffix(END_OF_FIELD).split(END_OF_FIELD)
    if len(fields) != len(tags):
        return wrong(number, "import.marc-directory", _quoted(body))
    said = head[:5].decode("latin-1")
    code = None if said.isdecimal() and int(said) == len(body) + 1 else "import.marc-length"
    marc8 = head[9:10] != b"a"
    if marc8 and _is_utf8(data):
        marc8, code = False, "import.marc-encoding"
    elif not marc8 and not _is_utf8(data, ascii_too=True):
        marc8, code = True, "import.marc-encoding"
    control: dict[str, str] = {}
    found: list[tuple[str, str, Subfields]] = []
    for tag, value in zip(tags, fields, strict=True):
        if tag < "010":
            control.setdefault(tag, _text(value, marc8=marc8))
        else:
            indicators, *parts = value.split(SUBFIELD)
            subfields = [(part[:1].decode("latin-1"), _text(part[1:], marc8=marc8)) for part in parts if len(part) > 1]
            found.append((tag, indicators.decode("latin-1"), subfields))
    return record_line(number, Marc(head[:LEADER].decode("latin-1"), control, found), code=code, detail="")


def _is_utf8(data: bytes, *, ascii_too: bool = False) -> bool:
    if data.isascii():
        return ascii_too
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _text(value: bytes, *, marc8: bool) -> str:
    if value.isascii() and b"\x1b" not in value:
        return value.decode()
    text = marc8_to_unicode(value, hide_utf8_warnings=True) if marc8 else value.decode("utf-8", "replace")
    return unicodedata.normalize("NFC", text)


def _quoted(body: bytes) -> str:
    text = body.decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else " " for letter in text[:120])


def write(items: Iterable[Item], file: IO[bytes]) -> None:
    """Writes UTF-8 records."""
    for it in items:
        file.write(pymarc_record(it).as_marc())


def pymarc_record(it: Item) -> PymarcRecord:
    """An item as pymarc has it."""
    control, data = fields_of(it)
    record = PymarcRecord(force_utf8=True, leader="00000nam a2200000 i 4500")
    for tag, value in control:
        record.add_field(Field(tag=tag, data=value))  # type: ignore[no-untyped-call]
    for tag, indicators, subfields in data:
        pairs = [Subfield(code, _clean(value)) for code, value in subfields]
        record.add_field(Field(tag=tag, indicators=Indicators(*indicators), subfields=pairs))  # type: ignore[no-untyped-call]
    return record


def _clean(value: str) -> str:
    """Separators of the format inside a text would tear the record; a field holds fewer than 9,999 bytes."""
    text = "".join(max(letter, " ") for letter in value)
    return text.encode()[:9_000].decode(errors="ignore")
