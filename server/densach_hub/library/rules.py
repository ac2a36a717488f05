"""Pure decisions: which of two reading places holds, what a file's own words may replace, what a file name says."""

import re
from collections.abc import Set
from pathlib import PurePath

import msgspec

from densach_hub.library.formats.found import Found
from densach_hub.library.model import Item, Place

AHEAD_MS = 60_000
FROM_FILE = (
    "title", "creators", "language", "publisher", "published", "identifiers", "topics", "description", "rights", "source",
)  # fmt: skip
_EDGES = re.compile(r"^[\s._-]+|[\s._-]+$")
_GRADE = re.compile(r"\b(?:lop|lớp|khoi|khối|grade)[\s._-]*(1[0-2]|[1-9])\b", re.IGNORECASE)


def placed_at(device_at: int, device_now: int, now: int) -> int:
    """When a reader was at a place, by the hub's clock: the device's clock may be years off, its age of the record is not.

    A record from the future (the device's clock moved between) counts as now, one from before 1970 as from then.
    """
    return max(0, min(now, now - (device_now - device_at)))


def later_place(a: Place | None, b: Place | None) -> Place | None:
    """The place that holds: the newer record, whoever brings it first; at the same moment the one further on.

    Whatever the order of arrival, the same one is left (an old copy never overwrites a newer one).
    """
    if a is None or b is None:
        return b if a is None else a
    return max(a, b, key=lambda place: (place.at, place.fraction, place.where, place.device))


def filled(item: Item, found: Found, said: Set[str]) -> Item:
    """The item with what its file says, except where a person said something, or the file says nothing."""
    taken = {name: value for name in FROM_FILE if name not in said and (value := getattr(found, name)) not in (None, ())}
    return msgspec.structs.replace(
        item, **taken, kind=found.kind, media_type=found.media_type, pages=found.pages, duration_ms=found.duration_ms,
        headings=found.headings, remark=found.remark,
    )  # fmt: skip


def title_from(file_name: str) -> str:
    """`Toan_6-tap1.final.pdf` → `Toan 6 tap1.final`: a title until somebody gives a better one."""
    stem = PurePath(file_name.replace("\\", "/")).stem
    words = re.sub(r"[_\s]+", " ", stem)
    words = re.sub(r"(?<=\w)-(?=\w)", " ", words)
    return _EDGES.sub("", words)[:300] or file_name[:300] or "?"


def grade_from_name(file_name: str) -> int | None:
    """The grade a file or folder name speaks of (`Lớp 6/…`, `khoi_10.pdf`)."""
    match = _GRADE.search(file_name.replace("_", " "))
    return int(match[1]) if match else None


def grades(first: int | None, last: int | None) -> tuple[int | None, int | None]:
    """A span of grades put in order; one end alone is a single grade."""
    if first is None or last is None:
        only = first if first is not None else last
        return only, only
    return min(first, last), max(first, last)
