"""Decisions of the lab's pages: what is new since yesterday, how a room is drawn, what a seat's code means. Pure."""

import re
from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from densach_core.clock import DAY_MS, day_of, day_start_ms
from densach_core.text import Text, t
from densach_hub.fleet.model import Room, Seat
from densach_hub.fleet.rooms import places
from densach_hub.fleet.sights import Finding, FindingKind, Glyph, RoomSight
from densach_hub.fleet.telling import UsageDay
from densach_hub.lab.model import Cell, DayOfUse, FaultKind, Morning, RoomMap

NOON_MS = DAY_MS // 2
CODE = re.compile(r"^(?P<room>[a-z0-9-]{1,64})\.(?P<seat>[A-Za-z0-9-]{1,32})$")
FAULT_WORDS: dict[FaultKind, Text] = {
    FaultKind.NO_START: t("The machine does not start"),
    FaultKind.NO_NETWORK: t("No network, or very slow"),
    FaultKind.BROKEN_PART: t("Mouse, keyboard, screen or headphones are broken"),
}
WEEKDAYS = (t("Monday"), t("Tuesday"), t("Wednesday"), t("Thursday"), t("Friday"), t("Saturday"), t("Sunday"))
ICONS: dict[FindingKind, str] = {
    FindingKind.REMOVED: "memory",
    FindingKind.SUSPECTED: "question",
    FindingKind.DISK: "disk",
    FindingKind.TWIN: "twin",
    FindingKind.SILENT: "bell",
    FindingKind.FAULT: "wrench",
    FindingKind.SPACE: "disk",
    FindingKind.HEAT: "heat",
    FindingKind.UNPLUGGED: "plug",
    FindingKind.CLOCK: "clock",
    FindingKind.CHANGED: "chip",
    FindingKind.WAITING: "door",
    FindingKind.NEVER_HEARD: "bell",
    FindingKind.QUARANTINE: "inbox",
    FindingKind.LOST: "inbox",
}


def since_yesterday(now: int) -> int:
    """Yesterday noon in the school: what came after it is "last night"."""
    return day_start_ms(day_of(now)) - NOON_MS


def sorted_out(findings: Iterable[Finding], now: int) -> Morning:
    """Urgent ones newest first, split at yesterday noon; the rest is calm. An acknowledged one is calm too."""
    line = since_yesterday(now)
    newest = sorted(findings, key=lambda f: f.since_at, reverse=True)
    urgent = [f for f in newest if f.urgent and f.acknowledged_at is None]
    return Morning(
        fresh=tuple(f for f in urgent if f.since_at >= line),
        older=tuple(f for f in urgent if f.since_at < line),
        calm=tuple(f for f in newest if not f.urgent or f.acknowledged_at is not None),
    )


def drawn(sight: RoomSight) -> RoomMap:
    """The seats on their places."""
    on_map = places(one.seat or Seat(id="", label="") for one in sight.seats)
    cells = [Cell(row, column, one) for one, (row, column) in zip(sight.seats, on_map, strict=True)]
    return RoomMap(
        sight=sight,
        rows=max((c.row for c in cells), default=0),
        columns=max((c.column for c in cells), default=0),
        cells=tuple(cells),
    )


def relaid(room: Room, seats: int, columns: int) -> tuple[Seat, ...]:
    """The room's seats as `seats` places in rows of `columns`: the first keep id and label, new ones are numbered on.

    Ids are never used twice, so that a printed label never comes to mean another seat.
    """
    width = min(max(columns, 1), 24)
    kept = list(room.seats[:seats])
    used = {seat.id for seat in room.seats}
    number = len(kept)
    while len(kept) < seats:
        number += 1
        name = f"{number:02d}"
        if name not in used:
            kept.append(Seat(id=name, label=name))
            used.add(name)
    return tuple(Seat(id=s.id, label=s.label, row=i // width, column=i % width) for i, s in enumerate(kept))


def seat_code(room: str, seat: str) -> str:
    """What a label's address ends in: `phong-tin-1.07`."""
    return f"{room}.{seat}"


def parse_code(code: str) -> tuple[str, str] | None:
    """Room and seat of a label, or None. Phones and people change case and add spaces."""
    found = CODE.match(code.strip())
    return (found["room"], found["seat"]) if found else None


def parse_place(place: str) -> tuple[str | None, str | None]:
    """Room and seat of a form's one choice: "" nowhere, "room", "room/seat"."""
    room, _, seat = place.partition("/")
    return (room or None), (seat or None)


def days_of_use(usage: Sequence[UsageDay], today: date, days: int = 28) -> tuple[DayOfUse, ...]:
    """A bar for each of the last `days` days; a day nothing was told of is None, not 0."""
    by_day = {entry.day: entry for entry in usage}
    bars: list[DayOfUse] = []
    for back in range(days - 1, -1, -1):
        day = today - timedelta(days=back)
        entry = by_day.get(day.isoformat())
        said = day.strftime("%d/%m")
        if entry is None:
            bars.append(DayOfUse(said, None, t("{day}: nothing was told", day=said)))
        else:
            hours = entry.active_ms / 3_600_000
            bars.append(
                DayOfUse(
                    said, hours, t("{day}: {hours} hours in use, {n} sessions", day=said, hours=round(hours, 1), n=entry.sessions)
                )
            )
    return tuple(bars)


def in_order(glyphs: Iterable[Glyph]) -> list[Glyph]:
    """The states that occur, in the order of a legend."""
    seen = set(glyphs)
    return [glyph for glyph in Glyph if glyph in seen]


def safe_cell(value: str) -> str:
    """A CSV cell that a spreadsheet will not take for a formula."""
    return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
