"""The table of schools as a file a spreadsheet opens by itself: CSV with a byte order mark, `;` where the decimal is a comma.

A code is written as it is, leading zeros included, in quotation marks as every text. A spreadsheet that guesses types drops
the zeros when the file is opened by a double click: there the column is imported as text, which the page says.
"""

import csv
import io
from collections.abc import Mapping, Sequence

from densach_core.clock import moment
from densach_core.criteria import shown
from densach_office.schools.model import SchoolRow
from densach_wire.upward import Counts

_HEADS = {
    "vi": (
        "Mã trường", "Tên trường", "Đơn vị", "Liên lạc lần cuối", "Máy trong danh mục", "Máy hoạt động",
        "Máy đang kết nối", "Mô phỏng trong danh mục (tính riêng)", "Mô phỏng hoạt động (tính riêng)",
        "Mô phỏng đang kết nối (tính riêng)", "Cảnh báo", "Cảnh báo của máy mô phỏng (tính riêng)", "HS/máy {level}",
        "HS/máy {level} khi tính cả mô phỏng", "Định mức {level}", "Đạt {level}",
    ),
    "en": (
        "School code", "School", "Units", "Last heard", "Computers in the register", "Working computers",
        "Connected computers", "Simulated in the register (apart)", "Simulated working (apart)",
        "Simulated connected (apart)", "Alerts", "Alerts of simulated computers (apart)", "Pupils per computer {level}",
        "Pupils per computer {level} with the simulated", "Norm {level}", "Kept {level}",
    ),
}  # fmt: skip
_WORDS = {"vi": ("chưa rõ", "có", "không"), "en": ("unknown", "yes", "no")}


def schools_csv(rows: Sequence[SchoolRow], levels: Sequence[str], units: Mapping[str, str], locale: str) -> bytes:
    """Unknown is written as a word, never as 0. A cell that a spreadsheet would run as a formula is made harmless."""
    heads = _HEADS["en" if locale == "en" else "vi"]
    unknown, yes, no = _WORDS["en" if locale == "en" else "vi"]
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter="," if locale == "en" else ";", lineterminator="\r\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow([*heads[:12], *(head.format(level=level) for level in levels for head in heads[12:])])
    for row in rows:
        simulated = row.fleet.simulated if row.fleet else Counts()
        line: list[object] = [
            _plain(row.code),
            _plain(row.name),
            _plain(", ".join(units.get(unit, unit) for unit in row.units)),
            moment(row.heard_at).strftime("%d/%m/%Y %H:%M") if row.heard_at is not None else unknown,
            *(unknown if value is None else value for value in (row.registered, row.working, row.connected)),
            *(unknown if value is None else value for value in (simulated.registered, simulated.working, simulated.connected)),
            unknown if row.alerts is None else row.alerts,
            unknown if row.alerts is None else row.simulated_alerts,
        ]
        for level in levels:
            value = row.levels.get(level)
            ratio = shown.figure(value.value, 2, locale) if value else None
            norm = shown.figure(value.norm, 1, locale) if value else None
            kept = None if value is None or value.within is None else (yes if value.within else no)
            beside = shown.figure(value.with_simulated, 2, locale) if value else None
            line += [ratio or unknown, beside or "", norm or unknown, kept or unknown]
        writer.writerow(line)
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _plain(text: str) -> str:
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text
