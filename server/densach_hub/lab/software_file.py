"""The list of software as files: CSV a spreadsheet opens by itself, XLSX with numbers as numbers."""

import csv
import io
from collections.abc import Callable, Sequence

import xlsxwriter

from densach_core.i18n import Locale
from densach_core.text import Text, t
from densach_hub.fleet.software import Answer
from densach_hub.fleet.store_software import Program
from densach_hub.lab.rules import safe_cell
from densach_hub.lab.software_words import CLASSES, GROUNDS, SOURCES
from densach_wire.licences import LicenceClass

Say = Callable[[Text | str, Locale], str]
MOST = 20_000
COLUMNS = (
    t("Name"), t("Package"), t("From"), t("Made by"), t("Licence class"), t("Ground of the class"), t("Evidence"),
    t("Machines"), t("Versions"),
)  # fmt: skip
_MACHINES = 7


def as_csv(programs: Sequence[Program], locale: Locale, say: Say) -> bytes:
    """UTF-8 with a mark, as Excel wants it; `;` between cells where the decimal is a comma."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter="," if locale == "en" else ";", lineterminator="\r\n")
    writer.writerow([say(column, locale) for column in COLUMNS])
    for program in programs:
        writer.writerow([safe_cell(str(cell)) for cell in _cells(program, locale, say)])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def as_xlsx(answer: Answer, locale: Locale, say: Say) -> bytes:
    """One sheet of programs, one of the counts by class."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        sheet = book.add_worksheet(say(t("Software"), locale)[:31])
        sheet.write_row(0, 0, [say(column, locale) for column in COLUMNS], bold)
        for row, program in enumerate(answer.programs, 1):
            for column, cell in enumerate(_cells(program, locale, say)):
                if column == _MACHINES:
                    sheet.write_number(row, column, program.machines)
                else:
                    sheet.write_string(row, column, str(cell))
        sheet.set_column(0, 1, 34)
        sheet.set_column(2, len(COLUMNS) - 1, 22)
        sheet.freeze_panes(1, 1)
        sheet.autofilter(0, 0, max(len(answer.programs), 1), len(COLUMNS) - 1)
        counts = book.add_worksheet(say(t("Licence class"), locale)[:31])
        for row, cls in enumerate(LicenceClass):
            counts.write_string(row, 0, say(CLASSES[cls], locale))
            counts.write_number(row, 1, answer.counts[cls])
        counts.set_column(0, 0, 34)
    return out.getvalue()


def _cells(program: Program, locale: Locale, say: Say) -> tuple[str | int, ...]:
    source = SOURCES.get(program.source)
    return (
        program.shown,
        program.name,
        say(source, locale) if source is not None else program.source,
        program.publisher,
        say(CLASSES[program.licence_class], locale),
        say(GROUNDS[program.ground], locale),
        program.because,
        program.machines,
        ", ".join(version or "?" for version in program.versions),
    )
