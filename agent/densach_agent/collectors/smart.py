"""How disks fare (SMART), as root's one-shot left it; without it, smartctl is tried, and where that is forbidden the
section is `denied`.

Inventory is sent when it changes, and these counters change by themselves: so what is told is the verdict (`health`,
with its reasons) and counters coarsely: hours in steps of 500, wear in steps of 5 %, larger counts by two digits. A disk
that hangs says `timeout`, one that sleeps is let sleep (`asleep`). Temperature is not inventory at all: the kernel's
sensors (nvme, drivetemp) give it live, as health.

Reads `smartctl --json=c` (7.0 and newer) and the plain text of older ones. Numbers of ATA attributes are by convention
of their makers; only those that mean the same everywhere are taken: 5, 9, 12, 174/192, 187, 197, 198, 177/231/233…
"""

import re
from typing import Any

import msgspec

from densach_agent.collectors import disk
from densach_agent.collectors.model import Collector, item
from densach_agent.machine import Denied, Machine, NoData
from densach_wire.messages import Item

TIMEOUT = "timeout"
"""What root leaves instead of an answer of a disk that gave none in time."""
_NOT_REAL = frozenset({"virtio", "hyper-v", "xen", "usb", "mmc"})
_LINE = re.compile(r"^\s*(\d{1,3}) (\S+) +0x[0-9a-f]{4} +(\d{3}) +(\d{3}|---) +(\d{3}|---) +\S+ +\S+ +(\S+) +(.*)$", re.MULTILINE)
_FIELD = re.compile(r"^([A-Z][^:\n]{2,60}): +(.*)$", re.MULTILINE)
_WEAR_LEFT = (231, 233, 202, 177, 173, 169)
"""Attributes of SSDs whose normalised value counts life down from 100; the first that is there counts."""
_WORN_PCT = 90
_MANY_REALLOCATED = 10


class Report(msgspec.Struct, frozen=True):
    """What one disk says of itself. None: it does not say."""

    passed: bool | None = None
    failing_now: tuple[str, ...] = ()
    """Attributes below their threshold, words of an NVMe disk's critical warning."""
    wear_pct: int | None = None
    power_on_hours: int | None = None
    reallocated: int | None = None
    pending: int | None = None
    uncorrectable: int | None = None
    unsafe_shutdowns: int | None = None
    power_cycles: int | None = None
    rotation_rpm: int | None = None
    serial: str | None = None
    model: str | None = None


def argv(name: str) -> tuple[str, ...]:
    return ("smartctl", "--json=c", "-n", "standby", "-H", "-i", "-A", f"/dev/{name}")


def plain_argv(name: str) -> tuple[str, ...]:
    """For smartmontools before 7.0."""
    return ("smartctl", "-n", "standby", "-H", "-i", "-A", f"/dev/{name}")


def names(machine: Machine) -> list[str]:
    """Disks that can be asked: not virtual ones, no cards, nothing that is plugged in from outside."""
    return [name for name in disk.names(machine) if disk.bus(machine, name) not in _NOT_REAL]


def collect(machine: Machine) -> list[Item]:
    found, denied = [], 0
    for name in names(machine):
        text = _answer(machine, name)
        if text is None:
            continue
        if "Permission denied" in text[:4096]:
            denied += 1
            continue
        found.append(_health(name, disk.model(machine, name), disk.serial(machine, name), text))
    if not found and denied:
        raise Denied("smartctl wants root")
    if not found:
        raise NoData
    return found


def parse(text: str) -> Report | None:
    """None if it is no answer about a disk's health."""
    if text.lstrip().startswith("{"):
        try:
            told = msgspec.json.decode(text)
        except msgspec.DecodeError:
            return None
        return _json(told) if isinstance(told, dict) else None
    return _plain(text) if text.startswith("smartctl ") else None


def verdict(report: Report) -> tuple[str, str | None]:
    """(health, why). "failing": the disk itself says so, or can hold no more. "weak": it has lost sectors it could not
    read, or is nearly worn out; such disks fail many times as often as others. "ok": it says that it is well."""
    if report.passed is False or report.failing_now:
        return "failing", ", ".join(report.failing_now) or None
    worn = report.wear_pct is not None and report.wear_pct >= _WORN_PCT
    worries = [
        word
        for word, worry in (
            ("pending sectors", report.pending),
            ("uncorrectable errors", report.uncorrectable),
            ("worn out", worn),
            ("reallocated sectors", (report.reallocated or 0) >= _MANY_REALLOCATED),
        )
        if worry
    ]
    if worries:
        return "weak", ", ".join(worries)
    return ("ok" if report.passed else "unknown"), None


def is_asleep(text: str) -> bool:
    """It was not woken, so it told nothing."""
    return re.search(r"Device is in (STANDBY|SLEEP)", text) is not None


def coarse(count: int | None) -> int | None:
    """By its first two digits: 1,234 is 1,200."""
    if count is None or count < 100:
        return count
    step = 10 ** (len(str(count)) - 2)
    return int(count // step * step)


def _answer(machine: Machine, name: str) -> str | None:
    """smartctl's exit status is a set of bits, most of them news about the disk and no failure."""
    if machine.facts is not None:
        return machine.left_command(*argv(name))
    done = machine.run(argv(name), 2)
    return None if done is None else done.out or None


def _health(name: str, model: str | None, serial: str | None, text: str) -> Item:
    if text.strip() == TIMEOUT:
        return item("disk-health", name, model=model, serial=serial, health=TIMEOUT)
    if is_asleep(text):
        return item("disk-health", name, model=model, serial=serial, health="asleep")
    report = parse(text)
    if report is None:
        return item("disk-health", name, model=model, serial=serial, health="unknown")
    health, why = verdict(report)
    hours, wear = report.power_on_hours, report.wear_pct
    return item(
        "disk-health",
        name,
        model=model or report.model,
        health=health,
        health_reason=why,
        wear_pct=None if wear is None else wear // 5 * 5,
        power_on_hours=None if hours is None else hours // 500 * 500,
        pending_count=coarse(report.pending),
        reallocated_count=coarse(report.reallocated),
        uncorrectable_count=coarse(report.uncorrectable),
        unsafe_shutdown_count=coarse(report.unsafe_shutdowns),
        power_cycle_count=coarse(report.power_cycles),
        serial=serial or report.serial,
        rotation_rpm=report.rotation_rpm,
    )


def _json(told: dict[str, Any]) -> Report | None:
    status = _dict(told, "smart_status")
    nvme = _dict(told, "nvme_smart_health_information_log")
    table = _dict(told, "ata_smart_attributes").get("table")
    if not status and not nvme and not table:
        return None
    raw: dict[int, int] = {}
    value: dict[int, int] = {}
    failing = []
    for row in table if isinstance(table, list) else ():
        if not isinstance(row, dict):
            continue
        number, said = row.get("id"), _count(_dict(row, "raw").get("value"))
        if not isinstance(number, int):
            continue
        if said is not None:
            raw[number] = said & 0xFFFFFFFF if number != 9 else said & 0xFFFFFF  # makers pack other things above
        value[number] = _count(row.get("value")) or 0
        if row.get("when_failed") == "now":
            failing.append(str(row.get("name", number)))
    if nvme:
        failing += _warnings(_count(nvme.get("critical_warning")) or 0)
    scsi_defects = _count(told.get("scsi_grown_defect_list"))
    passed = status.get("passed")
    rotation = _count(told.get("rotation_rate"))
    hours = _count(_dict(told, "power_on_time").get("hours"))
    return Report(
        passed=passed if isinstance(passed, bool) else None,
        failing_now=tuple(failing),
        wear_pct=_wear(value, _count(nvme.get("percentage_used"))),
        power_on_hours=hours if hours is not None else raw.get(9),
        reallocated=raw.get(5, scsi_defects),
        pending=raw.get(197),
        uncorrectable=_worst(raw, (198, 187), _count(nvme.get("media_errors"))),
        unsafe_shutdowns=_worst(raw, (174, 192), _count(nvme.get("unsafe_shutdowns"))),
        power_cycles=_count(told.get("power_cycle_count")),
        rotation_rpm=rotation or None,
        serial=_text(told.get("serial_number")),
        model=_text(told.get("model_name")),
    )


def _plain(text: str) -> Report | None:
    fields = {key.strip(): said.strip() for key, said in _FIELD.findall(text)}
    raw, value, failing = {}, {}, []
    for number, name, normal, _worst_value, _threshold, when, said in _LINE.findall(text):
        figure = _leading(said)
        if figure is not None:
            raw[int(number)] = figure
        value[int(number)] = int(normal)
        if when in ("FAILING_NOW", "NOW"):
            failing.append(name)
    told = fields.get("SMART overall-health self-assessment test result") or fields.get("SMART Health Status") or ""
    warning = fields.get("Critical Warning", "0x00")
    failing += _warnings(int(warning, 16) if re.fullmatch(r"0x[0-9a-fA-F]{2}", warning) else 0)
    rate = re.match(r"(\d+) rpm", fields.get("Rotation Rate", ""))
    return Report(
        passed=None if not told else told.startswith(("PASSED", "OK")),
        failing_now=tuple(failing),
        wear_pct=_wear(value, _leading(fields.get("Percentage Used") or fields.get("Percentage used endurance indicator"))),
        power_on_hours=raw[9] if 9 in raw else _leading(fields.get("Power On Hours") or fields.get("number of hours powered up")),
        reallocated=raw.get(5, _leading(fields.get("Elements in grown defect list"))),
        pending=raw.get(197),
        uncorrectable=_worst(raw, (198, 187), _leading(fields.get("Media and Data Integrity Errors"))),
        unsafe_shutdowns=_worst(raw, (174, 192), _leading(fields.get("Unsafe Shutdowns"))),
        power_cycles=raw.get(12, _leading(fields.get("Power Cycles"))),
        rotation_rpm=int(rate[1]) if rate else None,
        serial=_text(fields.get("Serial Number") or fields.get("Serial number")),
        model=_text(fields.get("Device Model") or fields.get("Model Number") or fields.get("Product")),
    )


def _warnings(bits: int) -> list[str]:
    """The critical warning of an NVMe disk (NVM Express 5.16.1.3). Bit 1, temperature, is no sickness of the disk."""
    words = {0: "spare blocks used up", 2: "unreliable", 3: "read-only", 4: "memory backup failed"}
    return [word for bit, word in words.items() if bits >> bit & 1]


def _wear(value: dict[int, int], used_pct: int | None) -> int | None:
    """Percent of its life an SSD has used."""
    if used_pct is not None:
        return min(used_pct, 100)
    left = next((value[number] for number in _WEAR_LEFT if 0 < value.get(number, 0) <= 100), None)
    return None if left is None else 100 - left


def _worst(raw: dict[int, int], numbers: tuple[int, ...], other: int | None) -> int | None:
    return max((raw[number] for number in numbers if number in raw), default=other)


def _leading(text: str | None) -> int | None:
    """`1,234`, `12345 (1 2 3)`, `12345h+05m`, `3%`."""
    match = re.match(r"(\d[\d,.]*)", text or "")
    digits = re.sub(r"[,.]", "", match[1]) if match else ""
    return int(digits) if 0 < len(digits) < 16 else None


def _dict(told: dict[str, Any], name: str) -> dict[str, Any]:
    found = told.get(name)
    return found if isinstance(found, dict) else {}


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


COLLECTOR = Collector("smart", 12, collect)
