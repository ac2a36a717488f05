"""CSV (any separator, UTF-8, UTF-16, Windows-1258) and XLSX as catalogue lines, and the way back.

Formulas are never run: a spreadsheet's stored values are read, and what is written is marked as text.
"""

import csv
import itertools
import re
import unicodedata
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any, TextIO

import xlsxwriter
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from densach_core.errors import BadInput, TooLarge
from densach_core.folding import fold
from densach_core.text import Text, t
from densach_hub.library.exchange.columns import EXPORTED, HEADER_WITHIN, find_header
from densach_hub.library.exchange.line import Line, Source, line_of, unreadable, wrong
from densach_hub.library.exchange.marc_fields import LANGUAGES as MARC_LANGUAGES
from densach_hub.library.matching import isbn13
from densach_hub.library.model import Creator, Item
from densach_hub.library.school_words import code_of
from densach_hub.library.subjects import BY_CODE

LARGEST_INSIDE = 300 * 1024**2
LONGEST_LINE = 1_000_000
MOST_COLUMNS = 200
LONGEST_CELL = 32_000
Say = Callable[[Text], str]
ROLES = {"creators": "author", "translators": "translator", "editors": "editor", "illustrators": "illustrator",
         "narrators": "narrator", "others": "other"}  # fmt: skip
LANGUAGE_WORDS = {"viet": "vi", "tieng viet": "vi", "vietnamese": "vi", "anh": "en", "tieng anh": "en", "english": "en",
                  "phap": "fr", "tieng phap": "fr", "french": "fr", "trung": "zh", "tieng trung": "zh", "chinese": "zh",
                  "nhat": "ja", "tieng nhat": "ja", "japanese": "ja", "han": "ko", "tieng han": "ko", "korean": "ko",
                  "nga": "ru", "tieng nga": "ru", "russian": "ru", "duc": "de", "tieng duc": "de", "german": "de"}  # fmt: skip
_SUBJECTS = {fold(subject.name.msgid): code for code, subject in BY_CODE.items()} | {
    "toan hoc": "toan", "ngu van": "ngu-van", "van": "ngu-van", "van hoc": "ngu-van", "tieng viet": "tieng-viet",
    "tieng anh": "tieng-anh", "anh van": "tieng-anh", "tin": "tin-hoc", "vat li": "vat-ly", "ly": "vat-ly", "li": "vat-ly",
    "hoa": "hoa-hoc", "sinh": "sinh-hoc", "su": "lich-su", "dia": "dia-ly", "dia li": "dia-ly", "gdcd": "dao-duc",
    "giao duc cong dan": "dao-duc", "ngoai ngu": "ngoai-ngu", "the duc": "the-chat", "mi thuat": "my-thuat",
    "khoa hoc tu nhien": "khoa-hoc", "khtn": "khoa-hoc",
}  # fmt: skip
_GRADES = re.compile(r"(?<!\d)(1[0-2]|[1-9])(?!\d)")
_SPLIT = re.compile(r"\s*[;|\n]\s*")


def read_csv(path: Path) -> Source:
    """Raises BadInput("import.no-header", "import.encoding")."""
    encoding = _encoding(path)
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        first = [line for line in itertools.islice(_lines_of(file), 20) if line.strip()]
    separator = max(",;\t|", key=lambda mark: sum(line.count(mark) for line in first))

    def rows() -> Iterator[list[object]]:
        with path.open(encoding=encoding, errors="replace", newline="") as file:
            for row in csv.reader(_lines_of(file), delimiter=separator):
                yield [_plain(cell) for cell in row[:MOST_COLUMNS]]

    return _source("csv", rows)


def _lines_of(file: TextIO) -> Iterator[str]:
    """Lines, a monstrous one in pieces: a file without line ends must not come into memory whole."""
    while line := file.readline(LONGEST_LINE):
        yield line.replace("\0", "")


def read_workbook(path: Path) -> Source:
    """The first sheet that has headings. Raises BadInput("import.not-readable", "import.no-header"), TooLarge."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as packed:
                if sum(entry.file_size for entry in packed.infolist()) > LARGEST_INSIDE:
                    raise TooLarge("import.too-large", t("This file is too large."), t("Split it into several files."))
        book = CalamineWorkbook.from_path(path)
        for name in book.sheet_names:
            sheet = book.get_sheet_by_name(name)
            rows = partial(_rows_of, sheet)
            if find_header(list(itertools.islice(rows(), HEADER_WITHIN))) is not None:
                return _source("xlsx", rows)
    except (CalamineError, OSError, ValueError, zipfile.BadZipFile) as error:
        raise unreadable("XLSX") from error
    raise _no_header()


def _rows_of(sheet: CalamineSheet) -> Iterator[list[object]]:
    return ([*row[:MOST_COLUMNS]] for row in sheet.iter_rows())


def _source(format_name: str, rows: Callable[[], Iterator[list[object]]]) -> Source:
    try:
        header = find_header(list(itertools.islice(rows(), HEADER_WITHIN)))
    except csv.Error as error:
        raise unreadable("CSV") from error
    if header is None:
        raise _no_header()
    index, columns, unknown = header

    def lines() -> Iterator[Line]:
        number = 0
        try:
            for number, row in enumerate(rows(), 1):
                if number > index + 1 and any(cell not in (None, "") for cell in row):
                    yield _line(number, columns, row)
        except csv.Error as error:
            yield wrong(number + 1, "import.row-broken", str(error))

    return Source(format=format_name, lines=lines(), ignored=tuple(unknown))


def _line(number: int, columns: dict[str, int], row: list[object]) -> Line:
    cells = {field: text for field, place in columns.items() if place < len(row) and (text := _text(row[place]))}
    code, detail = None, ""
    fields: dict[str, Any] = {
        name: cells.get(name)
        for name in ("title", "subtitle", "description", "curriculum", "publisher", "place", "statement", "extent", "series",
                     "series_number", "ddc", "cutter", "rights", "licence", "source")
    }  # fmt: skip
    fields["published"] = cells.get("published")
    fields["creators"] = [
        Creator(name[:200], role) for field, role in ROLES.items() for name in _SPLIT.split(cells.get(field, "")) if name
    ]
    fields["collections"] = _values(cells.get("collections", ""), commas=True)
    fields["topics"] = _values(cells.get("topics", ""), commas=True)
    fields["identifiers"] = [
        f"ISBN {number13}" if (number13 := isbn13(value)) else value for value in _values(cells.get("identifiers", ""))
    ]
    if word := cells.get("subject"):
        known = word if word in BY_CODE else _SUBJECTS.get(fold(word).strip())
        fields["subject"] = known
        if known is None:
            fields["topics"] = [*fields["topics"], word[:200]]
    if word := cells.get("language"):
        folded = fold(word)
        fields["language"] = (
            MARC_LANGUAGES.get(folded) or LANGUAGE_WORDS.get(folded) or (folded if len(folded) in {2, 5} else None)
        )
    for name in ("material", "audience", "level"):
        if word := cells.get(name):
            fields[name] = code_of(name, word)
    for name in ("grade_from", "grade_to", "grade"):
        if (word := cells.get(name)) is None:
            continue
        found = [int(value) for value in _GRADES.findall(word)]
        if not found:
            code, detail = "import.grade", word
        elif name == "grade":
            fields["grade_from"], fields["grade_to"] = min(found), max(found)
        else:
            fields[name] = found[0]
    if (word := cells.get("copies")) is not None:
        if word.replace(".", "").isdecimal() and len(word) < 9:
            fields["copies"] = int(word.replace(".", ""))
        else:
            code, detail = "import.copies", word
    key = cells.get("key")
    return line_of(number, fields, key=f"row:{key[:180]}" if key else None, own=cells.get("own"), code=code, detail=detail)


def _values(text: str, *, commas: bool = False) -> list[str]:
    parts = _SPLIT.split(text)
    if commas and len(parts) == 1:
        parts = text.split(",")
    return [" ".join(part.split())[:200] for part in parts if part.strip()]


def _text(cell: object) -> str:
    if cell is None or isinstance(cell, bool):
        return ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return unicodedata.normalize("NFC", str(cell)).replace("\u00a0", " ").strip()[:LONGEST_CELL]


def _plain(cell: str) -> str:
    """`="0123"` is how spreadsheets keep noughts, a leading apostrophe how they keep a formula from running."""
    if cell.startswith('="') and cell.endswith('"') and len(cell) > 2:
        return cell[2:-1]
    return cell[1:] if cell[:1] == "'" and cell[1:2] in "=+-@\t" else cell


def _encoding(path: Path) -> str:
    """Told from the bytes: marks first, then whether it is UTF-8, then the old Vietnamese code page of Windows."""
    with path.open("rb") as file:
        head = file.read(4)
        if head[:2] in {b"\xff\xfe", b"\xfe\xff"}:
            return "utf-16"
        if head[:1] != b"\0" and head[1:2] == b"\0":
            return "utf-16-le"
        if head[:1] == b"\0" and head[1:2] != b"\0":
            return "utf-16-be"
        file.seek(0)
        rest, nul = b"", False
        while block := file.read(1024 * 1024):
            nul = nul or b"\0" in block
            body = rest + block
            try:
                body.decode()
                rest = b""
            except UnicodeDecodeError as error:
                if error.start < len(body) - 4:
                    if nul:
                        raise _no_letters() from error
                    return "cp1258"
                rest = body[error.start :]
    if nul:
        raise _no_letters()
    return "cp1258" if rest else "utf-8-sig"


def _no_letters() -> BadInput:
    return BadInput(
        "import.encoding", t("The letters of this file cannot be read."), t("Save it again as “CSV UTF-8” or as XLSX.")
    )


def _no_header() -> BadInput:
    return BadInput(
        "import.no-header",
        t("No row with column headings was found."),
        t("The table needs headings such as “Nhan đề”, “Tác giả”, “Năm xuất bản”, “ISBN”."),
    )


def cells_of(it: Item, say: Say) -> list[str | int | None]:
    """An item's cells in the order of `EXPORTED`."""
    names = {field: "; ".join(c.name for c in it.creators if (c.role if c.role in ROLES.values() else "other") == role)
             for field, role in ROLES.items()}  # fmt: skip
    subject = BY_CODE.get(it.subject or "")
    special: dict[str, str | int | None] = {
        "own": it.id, **names, "topics": "; ".join(it.topics), "collections": "; ".join(it.collections),
        "identifiers": "; ".join(it.identifiers), "subject": say(subject.name) if subject else it.subject,
    }  # fmt: skip
    return [special[field] if field in special else getattr(it, field) for field in EXPORTED]


def write_csv(items: Iterable[Item], file: IO[bytes], say: Say) -> None:
    """UTF-8 with its mark, so that spreadsheets show Vietnamese; cells that would run as formulas begin with an apostrophe."""
    file.write(b"\xef\xbb\xbf")
    file.write(_csv_row([say(text) for text in EXPORTED.values()]).encode())
    for it in items:
        file.write(_csv_row(cells_of(it, say)).encode(errors="replace"))


def _csv_row(row: Sequence[str | int | None]) -> str:
    cells = []
    for cell in row:
        text = "" if cell is None else str(cell)
        text = f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t"} else text
        quoted = text.replace('"', '""')
        cells.append(f'"{quoted}"' if any(mark in text for mark in ',;"\r\n\t') else text)
    return ",".join(cells) + "\r\n"


def write_xlsx(items: Iterable[Item], file: IO[bytes], say: Say) -> None:
    """One sheet; a row at a time is held in memory."""
    book = xlsxwriter.Workbook(file, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet(say(t("Catalogue"))[:31])
    sheet.freeze_panes(1, 0)
    bold = book.add_format({"bold": True})
    for place, text in enumerate(EXPORTED.values()):
        sheet.write_string(0, place, say(text), bold)
    for number, it in enumerate(items, 1):
        for place, cell in enumerate(cells_of(it, say)):
            if isinstance(cell, int):
                sheet.write_number(number, place, cell)
            elif cell:
                sheet.write_string(number, place, cell[:LONGEST_CELL])
    book.close()
