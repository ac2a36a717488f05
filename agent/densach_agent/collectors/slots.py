"""The slots for cards with what is free in them, and power supplies that tell of themselves: what a purchase must know. From the
firmware's tables, by root."""

import re
from collections.abc import Iterator

from densach_agent.collectors import memory
from densach_agent.collectors.model import Collector, item
from densach_agent.junk import kept
from densach_agent.machine import Machine, NoData
from densach_wire.messages import Item

SLOTS = ("dmidecode", "-t", "9")
SUPPLIES = ("dmidecode", "-t", "39")
_LEADING = re.compile(r"\d+")


def collect(machine: Machine) -> list[Item]:
    found = [
        *_slots(machine.root_command(*SLOTS, seconds=4) or ""),
        *_supplies(machine.root_command(*SUPPLIES, seconds=4) or ""),
    ]
    told = [one for one in found if one.attrs]
    if not told:
        raise NoData
    return told


def _slots(text: str) -> Iterator[Item]:
    for number, fields in enumerate(memory.blocks(text, "System Slot Information"), 1):
        usage = fields.get("Current Usage", "").casefold()
        yield item(
            "slot",
            f"{number} {kept(fields.get('Designation')) or ''}".strip(),
            name=kept(fields.get("Designation")),
            kind=kept(fields.get("Type")),
            in_use=True if usage == "in use" else False if usage == "available" else None,
        )


def _supplies(text: str) -> Iterator[Item]:
    for number, fields in enumerate(memory.blocks(text, "System Power Supply"), 1):
        power = _LEADING.match(fields.get("Max Power Capacity", ""))
        yield item(
            "power-supply",
            f"{number} {kept(fields.get('Name')) or ''}".strip(),
            maker=kept(fields.get("Manufacturer")),
            model=kept(fields.get("Model Part Number")) or kept(fields.get("Name")),
            serial=kept(fields.get("Serial Number")),
            max_w=int(power[0]) if power else None,
        )


COLLECTOR = Collector("slots", 9, collect)
