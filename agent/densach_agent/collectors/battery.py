"""Batteries of laptops and, where it is attached by USB, of the UPS: what is left of their capacity."""

from densach_agent.collectors.model import Collector, item
from densach_agent.junk import kept
from densach_agent.machine import Machine, NoData
from densach_wire.messages import Item

POWER = "sys/class/power_supply"


def collect(machine: Machine) -> list[Item]:
    found = []
    for name in machine.names(POWER):
        base = f"{POWER}/{name}"
        if machine.open_text(f"{base}/type") not in ("Battery", "UPS") or machine.open_text(f"{base}/scope") == "Device":
            continue  # the mains, and batteries of mice
        design, full = _energy(machine, base, "full_design"), _energy(machine, base, "full")
        found.append(
            item(
                "battery",
                name,
                maker=kept(machine.open_text(f"{base}/manufacturer")),
                model=kept(machine.open_text(f"{base}/model_name")),
                serial=kept(machine.open_text(f"{base}/serial_number")),
                chemistry=machine.open_text(f"{base}/technology"),
                design_mwh=None if design is None else design // 1000,
                health_pct=round(100 * full / design / 5) * 5 if full and design else None,  # in steps of 5: no noise
            )
        )
    if not found:
        raise NoData
    return found


def _energy(machine: Machine, base: str, which: str) -> int | None:
    """µWh; from charge and voltage where the battery counts in µAh."""
    energy = machine.number(f"{base}/energy_{which}")
    if energy is not None:
        return energy
    charge, volts = machine.number(f"{base}/charge_{which}"), machine.number(f"{base}/voltage_min_design")
    return charge * volts // 1_000_000 if charge and volts else None


COLLECTOR = Collector("battery", 2, collect)
