"""Machines written down by hand in a table: a CSV file, shown before it is carried out."""

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence

import msgspec

from densach_core.errors import BadInput, Conflict, Problem
from densach_core.folding import fold
from densach_core.text import Text, t
from densach_hub.fleet.model import Condition, Declaration, Kind, Machine, Room
from densach_hub.fleet.register import Register
from densach_hub.fleet.rooms import Rooms
from densach_hub.fleet.sights import DeclaredChange, ImportPreview

MOST_ROWS = 2_000
MOST_BYTES = 2 * 1024 * 1024
# Keys of headers, several a line.
# fmt: off
_COLUMNS: dict[str, tuple[str, ...]] = {
    "name": ("ten may", "ten", "may", "may so", "so may", "name", "machine", "computer"),
    "room": ("phong", "phong may", "ten phong", "room", "lab"),
    "seat": ("cho", "vi tri", "cho so", "so cho", "seat"),
    "maker": ("hang", "hang may", "hang san xuat", "nha san xuat", "maker", "manufacturer", "brand", "vendor"),
    "model": ("model", "kieu", "kieu may", "dong may", "loai may"),
    "serial": (
        "serial", "serial number", "serial no", "so serial", "so seri", "seri", "so se ri", "se ri", "s n", "so may san xuat",
    ),
    "asset": ("so the tai san", "ma tai san", "so tai san", "so hieu tai san", "asset", "asset number", "asset tag"),
    "os": ("he dieu hanh", "os", "operating system", "he dieu hanh windows", "windows"),
    "condition": ("tinh trang", "hien trang", "tinh trang su dung", "condition", "state", "status"),
    "note": ("ghi chu", "note", "notes", "remark", "remarks"),
}
# fmt: on
"""Folded header texts, never positions: templates move their columns between versions."""
_WORKING = ("tot", "con tot", "dung duoc", "dang dung", "dang su dung", "hoat dong", "working", "good", "ok", "binh thuong")
_BROKEN = ("hong", "bi hong", "khong hoat dong", "khong dung duoc", "broken", "bad", "defect", "cho thanh ly", "hu")


class _Row(msgspec.Struct, frozen=True):
    line: int
    declaration: Declaration
    machine: Machine | None = None
    fields: tuple[str, ...] = ()
    fault: Text | None = None

    @property
    def what(self) -> str:
        if self.fault is not None:
            return "wrong"
        if self.machine is None:
            return "new"
        return "changed" if self.fields else "same"


class Declared:
    """Columns are found by the text of their header, in Vietnamese or English, never by position; a machine is matched
    by asset number, then serial, then name in its room; what the file does not name is never touched."""

    def __init__(self, register: Register, rooms: Rooms) -> None:
        self._register = register
        self._rooms = rooms

    async def preview(self, csv: bytes) -> ImportPreview:
        """What the file would do. Raises BadInput where it is no table with a name column."""
        rows, ignored = await self._read(csv)
        return _preview(rows, ignored)

    async def alike(self, d: Declaration) -> list[Machine]:
        """Machines of the register that this one may be: the same asset or serial number, or the same name anywhere."""
        machines = await self._register.machines(kinds=(Kind.AGENT, Kind.DECLARED))
        return [
            m
            for m in machines
            if fold(m.name) == fold(d.name.strip())
            or (d.serial and m.serial.casefold() == d.serial.strip().casefold())
            or (d.asset and m.asset.casefold() == d.asset.strip().casefold())
        ]

    async def carry_out(self, csv: bytes, digest: str, *, by: str) -> ImportPreview:
        """Does what was shown. Raises Conflict when file or register changed since the preview."""
        rows, ignored = await self._read(csv)
        shown = _preview(rows, ignored)
        if shown.digest != digest:
            raise Conflict(
                "fleet.import-changed",
                t("Something changed since this was shown."),
                t("Look at the preview again, then carry it out."),
            )
        for row in rows:
            d = row.declaration
            if row.what == "new":
                await self._register.declare(d, by=by)
            elif row.what == "changed" and row.machine is not None:
                if set(row.fields) - {"room", "seat"}:
                    await self._register.describe(row.machine.id, d, by=by)
                if {"room", "seat"} & set(row.fields):
                    await self._register.move(row.machine.id, d.room, d.seat, by=by)
        return shown

    async def _read(self, body: bytes) -> tuple[list[_Row], tuple[str, ...]]:
        table, ignored = parse(body)
        rooms = {key: room for room in await self._rooms.all() for key in (fold(room.name), room.id)}
        machines = await self._register.machines(kinds=(Kind.AGENT, Kind.DECLARED))
        known = _Known(machines)
        rows: list[_Row] = []
        taken: set[str] = set()
        for line, cells in table:
            row = _row(line, cells, rooms, known)
            if row.machine is not None and row.machine.id in taken:
                row = _Row(line, row.declaration, fault=t("This machine is in the file twice."))
            elif row.machine is not None:
                taken.add(row.machine.id)
            rows.append(row)
        return rows, ignored


class _Known:
    """The register, to be found by what a list may know of a machine."""

    def __init__(self, machines: Sequence[Machine]) -> None:
        self.by_asset = {m.asset.casefold(): m for m in machines if m.asset}
        self.by_serial = {m.serial.casefold(): m for m in machines if m.serial}
        self.by_name = {(fold(m.name), m.place.room if m.place else None): m for m in machines}

    def find(self, d: Declaration) -> Machine | None:
        found = self.by_asset.get(d.asset.casefold()) if d.asset else None
        if found is None and d.serial:
            found = self.by_serial.get(d.serial.casefold())
        return found or self.by_name.get((fold(d.name), d.room))


def parse(body: bytes) -> tuple[list[tuple[int, dict[str, str]]], tuple[str, ...]]:
    """(line number, field → text) of each row that says something, and the headers nobody knows.

    UTF-8 (with or without mark) or UTF-16 as Excel writes it; comma, semicolon or tab. Raises BadInput.
    """
    if len(body) > MOST_BYTES:
        raise BadInput("fleet.import-large", t("This file is too large for a list of machines."))
    text = _decoded(body)
    head = text.partition("\n")[0]
    separator = max(",;\t", key=head.count)
    try:
        lines = list(csv.reader(io.StringIO(text), delimiter=separator))
    except csv.Error as error:
        raise _no_table() from error
    if not lines:
        raise _no_table()
    wanted = {alias: field for field, aliases in _COLUMNS.items() for alias in aliases}
    columns: dict[int, str] = {}
    ignored: list[str] = []
    for position, header in enumerate(lines[0]):
        field = wanted.get(plain(header))
        if field is not None and field not in columns.values():
            columns[position] = field
        elif header.strip():
            ignored.append(header.strip()[:60])
    if "name" not in columns.values():
        raise BadInput(
            "fleet.import-no-name",
            t("The table has no column with the machines' names."),
            t("The first line must hold the headers; one of them “Tên máy”."),
        )
    found = []
    for number, cells in enumerate(lines[1:], 2):
        row = {columns[i]: " ".join(cell.split()) for i, cell in enumerate(cells) if i in columns}
        if any(row.values()):
            found.append((number, row))
    if len(found) > MOST_ROWS:
        raise BadInput("fleet.import-large", t("This file is too large for a list of machines."))
    return found, tuple(ignored)


def plain(header: str) -> str:
    """A header without tones, dashes, slashes and stars: "Số sê-ri (*)" is "so se ri"."""
    return " ".join("".join(ch if ch.isalnum() else " " for ch in fold(header)).split())


def condition_of(words: str) -> Condition | None:
    """What a word for the state of a thing means; None for one nobody knows."""
    folded = " ".join(fold(words).split())
    if not folded:
        return Condition.UNKNOWN
    if folded in _BROKEN or folded.startswith(("hong", "khong")):
        return Condition.BROKEN
    if folded in _WORKING or folded.startswith(("tot", "con tot")):
        return Condition.WORKING
    return Condition.UNKNOWN if folded in ("chua ro", "khong ro", "unknown") else None


def _row(line: int, cells: Mapping[str, str], rooms: Mapping[str, Room], known: _Known) -> _Row:
    room = rooms.get(fold(cells.get("room", "")))
    seat_label = cells.get("seat", "")
    condition = condition_of(cells.get("condition", ""))
    seat = None
    if room is not None and seat_label:
        seat = next((s.id for s in room.seats if seat_label.lstrip("0") in (s.id.lstrip("0"), s.label.lstrip("0"))), None)
    given = Declaration(
        name=cells.get("name", ""), room=room.id if room else None, seat=seat, maker=cells.get("maker", ""),
        model=cells.get("model", ""), serial=cells.get("serial", ""), asset=cells.get("asset", ""), os=cells.get("os", ""),
        condition=condition or Condition.UNKNOWN, note=cells.get("note", ""),
    )  # fmt: skip
    fault = None
    if not given.name or len(given.name) > 100:
        fault = t("A machine needs a name of at most {n} letters.", n=100)
    elif cells.get("room") and room is None:
        fault = t("There is no room “{room}”.", room=cells["room"])
    elif seat_label and seat is None:
        fault = t("The room has no seat “{seat}”.", seat=seat_label)
    elif condition is None:
        fault = t("“{word}” is no known condition: write Tốt or Hỏng.", word=cells["condition"])
    elif any(len(value) > 500 for value in cells.values()):
        fault = t("This is too long.")
    if fault is not None:
        return _Row(line, given, fault=fault)
    machine = known.find(given)
    if machine is None:
        return _Row(line, given)
    merged = _merged(machine, given, cells)
    return _Row(line, merged, machine, _differences(machine, merged))


def _merged(machine: Machine, given: Declaration, cells: Mapping[str, str]) -> Declaration:
    """Columns the file lacks, and cells it leaves empty, keep what is known."""
    old = Declaration(
        name=machine.name, room=machine.place.room if machine.place else None, seat=machine.place.seat if machine.place else None,
        maker=machine.maker, model=machine.model, serial=machine.serial, asset=machine.asset, os=machine.os,
        condition=machine.condition, note=machine.note,
    )  # fmt: skip
    said = {field: getattr(given, field) for field, cell in cells.items() if cell}
    for number in ("asset", "serial"):
        if number in said and said[number].casefold() == getattr(old, number).casefold():
            del said[number]  # written otherwise, it is the same number
    if "room" in said and "seat" not in said and said["room"] != old.room:
        said["seat"] = None
    return msgspec.structs.replace(old, **said)


def _differences(machine: Machine, d: Declaration) -> tuple[str, ...]:
    place = machine.place
    fields = ("name", "maker", "model", "serial", "asset", "os", "condition", "note")
    changed = [field for field in fields if getattr(machine, field) != getattr(d, field)]
    if d.room != (place.room if place else None):
        changed.append("room")
    if d.seat != (place.seat if place else None):
        changed.append("seat")
    return tuple(changed)


def _preview(rows: Sequence[_Row], ignored: tuple[str, ...]) -> ImportPreview:
    shown = tuple(
        DeclaredChange(
            line=r.line, what=r.what, name=r.declaration.name, fields=r.fields, reason=r.fault,
            machine=r.machine.id if r.machine else None,
        )
        for r in rows
    )  # fmt: skip
    everything = msgspec.json.encode([(shown, [r.declaration for r in rows])])
    return ImportPreview(rows=shown, ignored_columns=ignored, digest=hashlib.sha256(everything).hexdigest())


def _decoded(body: bytes) -> str:
    for encoding in ("utf-16",) if body[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1258"):
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _no_table()


def _no_table() -> Problem:
    return BadInput("fleet.import-no-table", t("This is no table."), t("Save the list as CSV (UTF-8) and try again."))
