"""A file from another program as plain sheets of cells: CSV in the encodings and separators schools meet, XLSX, XLS, ODS.

Nothing is interpreted here but the file format. Works in a thread: callers use `asyncio.to_thread`.
"""

import csv
import io
import zipfile
from datetime import date, datetime, time, timedelta

import msgspec
from python_calamine import CalamineError, CalamineWorkbook

from densach_core.errors import BadInput, TooLarge
from densach_core.text import t

Cell = str | int | float | bool | date | None
LARGEST_FILE = 16 * 1024 * 1024
LARGEST_INSIDE = 200 * 1024 * 1024
MOST_ROWS = 20_000
MOST_COLUMNS = 200


class Sheet(msgspec.Struct, frozen=True):
    """`rows` begin with the file's first line; a row's number for people is its index + 1."""

    name: str
    rows: list[list[Cell]]


def read_sheets(file_name: str, body: bytes) -> list[Sheet]:
    """Every sheet that holds something. Raises BadInput("roster.…") or TooLarge with what to do."""
    if len(body) > LARGEST_FILE:
        raise TooLarge("roster.too-large", t("This file is too large for a roster."), t("Split it by grade."))
    if not body.strip():
        raise BadInput("roster.empty", t("The file is empty."), t("Choose the file that holds the list."))
    if body[:4] == b"PK\x03\x04" or body[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        return _workbook(body)
    if file_name.lower().endswith((".xlsx", ".xls", ".xlsm", ".ods")):
        raise _not_readable()
    return [Sheet(file_name, _csv(body))]


def _workbook(body: bytes) -> list[Sheet]:
    _refuse_bomb(body)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(body))
        sheets = [
            Sheet(name, [[_cell(value) for value in row[:MOST_COLUMNS]] for row in _rows(book, name)])
            for name in book.sheet_names
        ]
    except (CalamineError, OSError, ValueError) as error:
        raise _not_readable() from error
    sheets = [sheet for sheet in sheets if any(any(cell not in (None, "") for cell in row) for row in sheet.rows)]
    if not sheets:
        raise BadInput("roster.empty", t("The file is empty."), t("Choose the file that holds the list."))
    return sheets


def _rows(book: CalamineWorkbook, name: str) -> list[list[object]]:
    rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
    if len(rows) > MOST_ROWS:
        raise TooLarge("roster.too-many-rows", t("This file has more than {n} rows.", n=MOST_ROWS), t("Split it by grade."))
    return [list(row) for row in rows]


def _refuse_bomb(body: bytes) -> None:
    """A small file may claim to hold gigabytes; its directory says so before anything is unpacked."""
    if body[:2] != b"PK":
        return
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            inside = sum(entry.file_size for entry in packed.infolist())
    except zipfile.BadZipFile as error:
        raise _not_readable() from error
    if inside > LARGEST_INSIDE:
        raise TooLarge("roster.too-large", t("This file is too large for a roster."), t("Split it by grade."))


def _cell(value: object) -> Cell:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    if isinstance(value, time | timedelta):
        return str(value)
    return value if isinstance(value, str | int | float | bool | date) else None


def _csv(body: bytes) -> list[list[Cell]]:
    text = _decoded(body)
    first_lines = [line for line in text.splitlines()[:20] if line.strip()]
    separator = max(",;\t", key=lambda mark: sum(line.count(mark) for line in first_lines))
    try:
        rows: list[list[Cell]] = [
            list(row[:MOST_COLUMNS]) for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        ]
    except csv.Error as error:
        raise _not_readable() from error
    if len(rows) > MOST_ROWS:
        raise TooLarge("roster.too-many-rows", t("This file has more than {n} rows.", n=MOST_ROWS), t("Split it by grade."))
    return rows


def _decoded(body: bytes) -> str:
    if body[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        encodings: tuple[str, ...] = ("utf-16",)
    else:
        encodings = ("utf-8-sig",)
    for encoding in encodings:
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise BadInput(
        "roster.encoding",
        t("The letters of this file cannot be read."),
        t("Save it again as “CSV UTF-8” or as XLSX, and choose that file."),
    )


def _not_readable() -> BadInput:
    return BadInput(
        "roster.not-readable", t("This file cannot be read as a table."), t("Save it again as XLSX or as “CSV UTF-8”.")
    )
