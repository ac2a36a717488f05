"""Batteries of laptops: maker, model, serial, what they held when new and hold now. What is in them at this moment is
health, not inventory; a battery that ages changes its item every few months (capacity in steps of 5 % of the design,
cycles in steps of 25). A UPS is a section of its own.
"""

from densach_agent.collectors.model import Collector, item
from densach_agent.junk import kept, kept_name
from densach_agent.machine import Machine, NoData
from densach_wire.messages import Item

POWER = "sys/class/power_supply"
_CHEMISTRY = {"Unknown": None}


def collect(machine: Machine) -> list[Item]:
    found = []
    for name in machine.names(POWER):
        base = f"{POWER}/{name}"
        if machine.open_text(f"{base}/type") != "Battery" or machine.open_text(f"{base}/scope") == "Device":
            continue  # the mains, and batteries of mice
        if machine.number(f"{base}/present") == 0:
            continue  # an empty bay
        found.append(_battery(machine, name, base))
    if not found:
        raise NoData
    return found


def _battery(machine: Machine, name: str, base: str) -> Item:
    design, full = _energy(machine, base, "full_design"), _energy(machine, base, "full")
    health = min(100, round(100 * full / design / 5) * 5) if full and design else None
    chemistry = machine.open_text(f"{base}/technology")
    cycles = machine.number(f"{base}/cycle_count") or 0
    micro_volts = machine.number(f"{base}/voltage_min_design") or 0
    return item(
        "battery",
        name,
        maker=kept_name(machine.open_text(f"{base}/manufacturer")),
        model=kept_name(machine.open_text(f"{base}/model_name")),
        serial=kept(machine.open_text(f"{base}/serial_number")),
        chemistry=_CHEMISTRY.get(chemistry or "", chemistry),
        design_mwh=None if design is None else design // 1000,
        full_mwh=None if design is None or health is None else design // 1000 * health // 100,
        design_mv=micro_volts // 1000 or None,
        health_pct=health,
        cycle_count=cycles // 25 * 25 if cycles > 0 else None,
        made=_date(machine, base),
    )


def _energy(machine: Machine, base: str, which: str) -> int | None:
    """µWh; from charge and voltage where the battery counts in µAh."""
    energy = machine.number(f"{base}/energy_{which}")
    if energy is not None:
        return energy if energy > 0 else None
    charge, volts = machine.number(f"{base}/charge_{which}"), machine.number(f"{base}/voltage_min_design")
    return charge * volts // 1_000_000 if charge and volts and charge > 0 else None


def _date(machine: Machine, base: str) -> str | None:
    year, month, day = (machine.number(f"{base}/manufacture_{part}") for part in ("year", "month", "day"))
    if not year or not 1990 < year < 2100:
        return None
    return f"{year}-{month:02}-{day:02}" if month and day else f"{year}"


COLLECTOR = Collector("battery", 2, collect)
