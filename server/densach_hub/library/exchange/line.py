"""One record of a file from elsewhere, before it is held against what the library has. Pure."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from densach_core.errors import BadInput, Problem
from densach_core.text import t
from densach_hub.library.matching import isbn13
from densach_hub.library.model import Record

MOST_TITLE = 500
MOST_TEXT = 4_000
MOST_SHORT = 500
MOST_VALUES = 60
MOST_COPIES = 100_000
OWN = "densach"
"""Who a record of our own export says it is from (MARC 003); its number is then the item's id."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """`number` counts records, or lines of a table, from 1. Without `record` it could not be used, for the reason `code`.

    `own`: the item that it is an export of. `files`: what belongs to it (a Calibre folder); `link`: where its file is
    fetched from (another catalogue). `code` beside a record is a remark; `detail` quotes what was odd, at most 200 letters.
    """

    number: int
    record: Record | None = None
    code: str | None = None
    detail: str = ""
    own: str | None = None
    files: tuple[Path, ...] = ()
    link: str | None = None


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A file that can be read. `total` is None where only reading tells; `ignored`: columns nothing is known of."""

    format: str
    lines: Iterator[Line]
    total: int | None = None
    ignored: tuple[str, ...] = ()


def wrong(number: int, code: str, detail: str = "") -> Line:
    return Line(number=number, code=code, detail=detail[:200])


def line_of(number: int, fields: dict[str, Any], *, key: str | None = None, own: str | None = None, code: str | None = None,
            detail: str = "", files: tuple[Path, ...] = ()) -> Line:  # fmt: skip
    """A line from what was found; long texts are cut, impossible numbers left out and remarked. No title: a wrong line."""
    title = " ".join(str(fields.get("title") or "").split())
    if not title:
        return wrong(number, "import.no-title", detail)
    if len(title) > MOST_TITLE:
        code, detail, title = "import.title-cut", title[:200], title[: MOST_TITLE - 1] + "…"
    values: dict[str, Any] = {"title": title}
    for name, value in fields.items():
        if value in (None, "", ()) or name == "title":
            continue
        if isinstance(value, str):
            most = MOST_TEXT if name == "description" else MOST_SHORT
            values[name] = value.strip()[:most] or None
        elif isinstance(value, list | tuple):
            values[name] = tuple(dict.fromkeys(value))[:MOST_VALUES]
        else:
            values[name] = value
    for name in ("grade_from", "grade_to"):
        if name in values and not 1 <= values[name] <= 12:
            code, detail = "import.grade", str(values.pop(name))[:200]
    if "copies" in values and not 0 <= values["copies"] <= MOST_COPIES:
        code, detail = "import.copies", str(values.pop("copies"))[:200]
    record = Record(**values)
    record = msgspec.structs.replace(record, key=key or fallback_key(record))
    return Line(number=number, record=record, own=own, code=code, detail=detail[:200], files=files)


def fallback_key(record: Record) -> str:
    """The same line again is the same record, also where nobody numbered it: title, people, imprint and volume."""
    numbers = sorted(filter(None, (isbn13(text) for text in record.identifiers)))
    parts = (
        record.title, record.subtitle, [creator.name for creator in record.creators], record.publisher, record.published,
        record.statement, record.series_number, numbers,
    )  # fmt: skip
    return "line:" + hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:32]


def unreadable(format_name: str) -> Problem:
    return BadInput(
        "import.not-readable",
        t("This file cannot be read as {format}.", format=format_name),
        t("Export it again from the program it comes from, or save it as XLSX."),
    )
