"""The report as files: CSV a spreadsheet opens by itself, XLSX with numbers as numbers. Unknown is a word, never 0."""

import csv
import io
from collections.abc import Callable

import xlsxwriter

from densach_core.criteria import shown
from densach_core.criteria.model import Indicator
from densach_core.text import Text
from densach_hub.measures.model import Line, Report
from densach_wire.upward import State

Say = Callable[[Text], str]
_HEADS = {
    "vi": (
        "Mã", "Chỉ số", "Cấp học", "Giá trị", "Đơn vị", "Định mức", "Đạt", "Nguồn số liệu",
        "Mô phỏng (tính riêng)", "Giá trị khi tính cả mô phỏng", "Lý do chưa rõ", "Văn bản", "Ngày",
    ),
    "en": (
        "Code", "Indicator", "Level", "Value", "Unit", "Norm", "Kept", "How known",
        "Simulated (apart)", "Value with the simulated", "Why unknown", "Document", "Day",
    ),
}  # fmt: skip
_STATES = {
    "vi": {State.MEASURED: "đo được", State.DECLARED: "khai báo", State.UNKNOWN: "chưa rõ"},
    "en": {State.MEASURED: "measured", State.DECLARED: "declared", State.UNKNOWN: "unknown"},
}
_KEPT = {"vi": {True: "có", False: "không", None: ""}, "en": {True: "yes", False: "no", None: ""}}


def report_csv(report: Report, locale: str, say: Say) -> bytes:
    """UTF-8 with a byte order mark; `;` between cells where the decimal is a comma."""
    tongue = "en" if locale == "en" else "vi"
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter="," if tongue == "en" else ";", lineterminator="\r\n")
    writer.writerow(_HEADS[tongue])
    for line in report.lines:
        cells = _cells(line, report.day, tongue, say)
        value = shown.figure(line.indicator.value, line.criterion.decimals, tongue)
        writer.writerow([*cells[:3], value or _STATES[tongue][State.UNKNOWN], *cells[4:]])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def report_xlsx(report: Report, locale: str, title: str, say: Say) -> bytes:
    """A workbook with one sheet of figures and one of the rooms behind them."""
    tongue = "en" if locale == "en" else "vi"
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        sheet = book.add_worksheet("Chỉ số" if tongue == "vi" else "Indicators")
        sheet.write_string(0, 0, f"{title} · {report.day}", bold)
        sheet.write_row(2, 0, _HEADS[tongue], bold)
        for row, line in enumerate(report.lines, 3):
            cells = _cells(line, report.day, tongue, say)
            for column, cell in enumerate(cells):
                if column == 3 and line.indicator.value is not None:
                    sheet.write_number(row, column, _exact(line.indicator.value, line))
                elif column == 9 and line.indicator.with_simulated is not None:
                    sheet.write_number(row, column, _exact(line.indicator.with_simulated, line))
                elif isinstance(cell, int | float):
                    sheet.write_number(row, column, cell)
                else:
                    sheet.write_string(row, column, str(cell))
        sheet.set_column(0, 0, 24)
        sheet.set_column(1, 1, 46)
        sheet.set_column(2, 12, 16)
        sheet.freeze_panes(3, 2)
        _rooms(book, bold, report, tongue)
    return out.getvalue()


def _exact(value: float, line: Line) -> float:
    return float(shown.rounded(value, max(line.criterion.decimals, 0)))


def _rooms(book: "xlsxwriter.Workbook", bold: object, report: Report, tongue: str) -> None:
    sheet = book.add_worksheet("Phòng máy" if tongue == "vi" else "Computer rooms")
    heads = {
        "vi": (
            "Phòng",
            "Cấp học",
            "Lớp đông nhất",
            "Sĩ số",
            "Máy cần",
            "Máy hoạt động",
            "Còn thiếu",
            "HS/máy",
            "Máy mô phỏng (tính riêng)",
            "HS/máy khi tính cả mô phỏng",
        ),
        "en": (
            "Room",
            "Level",
            "Largest class",
            "Pupils",
            "Computers needed",
            "Working computers",
            "Missing",
            "Pupils per computer",
            "Simulated computers (apart)",
            "Pupils per computer with the simulated",
        ),
    }[tongue]
    sheet.write_row(0, 0, heads, bold)
    parts = [part for line in report.lines if line.indicator.code == "computers-short" for part in line.indicator.parts]
    unknown = _STATES[tongue][State.UNKNOWN]
    for row, part in enumerate(parts, 1):
        texts = (part.name, part.level or "", part.klass or "")
        for column, text in enumerate(texts):
            sheet.write_string(row, column, text)
        value, beside = _rounded(part.value), _rounded(part.with_simulated)
        numbers = (part.pupils, part.needed, part.working, part.short, value, part.simulated, beside)
        for column, number in enumerate(numbers if part.simulated else numbers[:6], 3):
            if number is None:
                sheet.write_string(row, column, unknown)
            else:
                sheet.write_number(row, column, number)
    sheet.set_column(0, 9, 18)


def _rounded(ratio: float | None) -> float | None:
    return None if ratio is None else float(shown.rounded(ratio, 1))


def _cells(line: Line, day: str, tongue: str, say: Say) -> list[str | int | float]:
    found: Indicator = line.indicator
    criterion = line.criterion
    reason = shown.reason(found.reason)
    document = " ".join(part for part in (criterion.document, criterion.clause) if part)
    return [
        found.key,
        criterion.title.say(tongue),
        found.level or "",
        _STATES[tongue][State.UNKNOWN],
        criterion.unit.say(tongue),
        shown.norm(found.norm, tongue) or "",
        _KEPT[tongue][found.within],
        _STATES[tongue][found.state],
        found.grounds.simulated,
        shown.figure(found.with_simulated, criterion.decimals, tongue) or "",
        say(reason) if reason is not None else "",
        document,
        day,
    ]
