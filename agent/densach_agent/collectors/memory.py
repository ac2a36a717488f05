"""Memory: each module where root can ask the firmware (dmidecode), and the total in any case."""

import re

from densach_agent.collectors.model import Collector, item
from densach_agent.junk import kept
from densach_agent.machine import Machine, NoData, clean
from densach_wire.messages import Item

_UNITS = {"kB": 1024, "KB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}
_SIZE = re.compile(r"(\d+) (kB|KB|MB|GB|TB)\Z")


def collect(machine: Machine) -> list[Item]:
    found = modules(machine.root_command("dmidecode", "-t", "17", seconds=4) or "")
    match = re.search(r"^MemTotal:\s+(\d+) kB", machine.whole("proc/meminfo") or "", re.MULTILINE)
    if match is None and not found:
        raise NoData
    if match is not None:
        # What the kernel leaves over shifts with each kernel: a tenth of a GiB is exact enough to compare.
        tenths = round(int(match[1]) * 1024 / 1024**3 * 10)
        found.append(item("memory-total", "total", size_bytes=tenths * 1024**3 // 10, modules=len(found) or None))
    return found


def modules(text: str) -> list[Item]:
    """The slots with something in them, from `dmidecode -t 17`."""
    found: list[Item] = []
    for block in text.split("\n\n"):
        if "Memory Device\n" not in block:
            continue
        pairs = (line.strip().partition(":") for line in block.splitlines() if ":" in line)
        fields = {key.strip(): clean(value) for key, _, value in pairs}
        size = _SIZE.match(fields.get("Size", ""))
        if size is None:
            continue
        slot = kept(fields.get("Locator")) or f"slot {len(found)}"
        bank = kept(fields.get("Bank Locator"))
        if any(one.key == slot for one in found):
            slot = f"{bank or len(found)} {slot}"
        found.append(
            item(
                "memory", slot, size_bytes=int(size[1]) * _UNITS[size[2]], bank=bank,
                kind=kept(fields.get("Type")), form=kept(fields.get("Form Factor")),
                speed_mts=_leading_number(fields.get("Speed")), maker=kept(fields.get("Manufacturer")),
                serial=kept(fields.get("Serial Number")), part=kept(fields.get("Part Number")),
            )
        )  # fmt: skip
    return found


def _leading_number(text: str | None) -> int | None:
    match = re.match(r"(\d+) M", text or "")
    return int(match[1]) if match else None


COLLECTOR = Collector("memory", 5, collect)
