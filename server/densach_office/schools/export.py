"""The table of schools as a file a spreadsheet opens by itself: CSV with a byte order mark, `;` where the decimal is a comma."""

import csv
import io
from collections.abc import Mapping, Sequence

from densach_core.clock import moment
from densach_core.criteria import shown
from densach_office.schools.model import SchoolRow

_HEADS = {
    "vi": (
        "Mã trường", "Tên trường", "Đơn vị", "Liên lạc lần cuối", "Máy trong danh mục", "Máy hoạt động",
        "Máy đang kết nối", "Máy mô phỏng (tính riêng)", "Cảnh báo", "HS/máy {level}", "Định mức {level}", "Đạt {level}",
    ),
    "en": (
        "School code", "School", "Units", "Last heard", "Computers in the register", "Working computers",
        "Connected computers", "Simulated computers (apart)", "Alerts", "Pupils per computer {level}", "Norm {level}",
        "Kept {level}",
    ),
}  # fmt: skip
_WORDS = {"vi": ("chưa rõ", "có", "không"), "en": ("unknown", "yes", "no")}


def schools_csv(rows: Sequence[SchoolRow], levels: Sequence[str], units: Mapping[str, str], locale: str) -> bytes:
    """Unknown is written as a word, never as 0. A cell that a spreadsheet would run as a formula is made harmless."""
    heads = _HEADS["en" if locale == "en" else "vi"]
    unknown, yes, no = _WORDS["en" if locale == "en" else "vi"]
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter="," if locale == "en" else ";", lineterminator="\r\n")
    writer.writerow([*heads[:9], *(head.format(level=level) for level in levels for head in heads[9:])])
    for row in rows:
        line: list[object] = [
            f'="{row.code}"' if row.code.startswith("0") else _plain(row.code),
            _plain(row.name),
            _plain(", ".join(units.get(unit, unit) for unit in row.units)),
            moment(row.heard_at).strftime("%d/%m/%Y %H:%M") if row.heard_at is not None else unknown,
            *(unknown if value is None else value for value in (row.registered, row.working, row.connected)),
            row.simulated,
            unknown if row.alerts is None else row.alerts,
        ]
        for level in levels:
            value = row.levels.get(level)
            ratio = shown.figure(value.value, 2, locale) if value else None
            norm = shown.figure(value.norm, 1, locale) if value else None
            kept = None if value is None or value.within is None else (yes if value.within else no)
            line += [ratio or unknown, norm or unknown, kept or unknown]
        writer.writerow(line)
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _plain(text: str) -> str:
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text
