"""Memory: each module where root can ask the firmware (dmidecode), and the total in any case."""

import re

from densach_agent.collectors import jedec
from densach_agent.collectors.model import Collector, item
from densach_agent.junk import kept, kept_name
from densach_agent.machine import Machine, NoData, clean
from densach_wire.messages import Item

SLOTS = ("dmidecode", "-t", "17")
ARRAY = ("dmidecode", "-t", "16")
_UNITS = {"kB": 1024, "KB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}
_SIZE = re.compile(r"(\d+) (kB|KB|MB|GB|TB)\b")
_NO_MEMORY = frozenset({"flash", "rom", "eeprom", "feprom", "eprom"})
_FILLERS = frozenset({"no dimm", "not available", "unknown", "undefined", "nodimm", "other"})


def collect(machine: Machine) -> list[Item]:
    found, empty = modules(machine.root_command(*SLOTS, seconds=4) or "")
    match = re.search(r"^MemTotal:\s+(\d+) kB", machine.whole("proc/meminfo") or "", re.MULTILINE)
    if match is None and not found:
        raise NoData
    largest, correction = _array(machine.root_command(*ARRAY, seconds=4) or "") if found else (None, None)
    # What the kernel leaves over shifts with each kernel: a tenth of a GiB is exact enough to compare.
    tenths = round(int(match[1]) * 1024 / 1024**3 * 10) if match else 0
    total = tenths * 1024**3 // 10 or sum(int(str(one.attrs["size_bytes"])) for one in found)
    whole = item(
        "memory-total", "total", size_bytes=total or None, modules=len(found) or None,
        slots=len(found) + empty if found else None, empty_slots=empty if found else None,
        maximum_bytes=largest, error_correction=correction,
    )  # fmt: skip
    return [*found, whole]


def modules(text: str) -> tuple[list[Item], int]:
    """The slots with something in them, and how many have nothing, from `dmidecode -t 17`."""
    found: list[Item] = []
    empty = 0
    for fields in blocks(text, "Memory Device"):
        size = _SIZE.match(fields.get("Size", ""))
        if size is None:
            # "No Module Installed"; virtual machines list hundreds of slots that no case has.
            empty += fields.get("Size", "").casefold().startswith("no")
            continue
        if fields.get("Type", "").casefold() in _NO_MEMORY or int(size[1]) == 0:
            continue
        slot = fields.get("Locator") or f"slot {len(found)}"
        bank = kept(fields.get("Bank Locator"))
        if any(one.key == slot for one in found):
            slot = f"{bank or len(found)} {slot}"
        if any(one.key == slot for one in found):
            slot = f"{slot} #{len(found)}"
        found.append(
            item(
                "memory", slot, size_bytes=int(size[1]) * _UNITS[size[2]],
                kind=_said(fields.get("Type")), form=_said(fields.get("Form Factor")),
                speed_mts=_leading_number(fields.get("Speed")),
                configured_speed_mts=_leading_number(
                    fields.get("Configured Memory Speed") or fields.get("Configured Clock Speed")
                ),
                maker=_maker(fields), serial=kept(fields.get("Serial Number")), part=_part(fields.get("Part Number")), bank=bank,
            )
        )  # fmt: skip
    return found, empty


def _maker(fields: dict[str, str]) -> str | None:
    name = _said(fields.get("Manufacturer"))
    if name is None or jedec.is_number(name):
        return jedec.maker(name) or jedec.maker(fields.get("Module Manufacturer ID")) or name
    return name


def _part(text: str | None) -> str | None:
    """Makers fill the field up with dashes; old firmware gives the letters by their numbers."""
    if text is not None and re.fullmatch(r"0x([0-9A-Fa-f]{2}){8,}", text):
        text = clean(bytes.fromhex(text[2:]).decode("ascii", "replace"))
    return _said(re.sub(r"-{3,}\Z", "", text or ""))


def _said(text: str | None) -> str | None:
    return None if text is None or text.casefold() in _FILLERS else kept_name(text)


def _array(text: str) -> tuple[int | None, str | None]:
    """The most that all slots can carry, and "ecc" where errors are corrected."""
    largest, correction = 0, None
    for fields in blocks(text, "Physical Memory Array"):
        if fields.get("Use", "System Memory") != "System Memory":
            continue
        size = _SIZE.match(fields.get("Maximum Capacity", ""))
        largest += int(size[1]) * _UNITS[size[2]] if size else 0
        correction = "ecc" if "ECC" in fields.get("Error Correction Type", "") else correction
    return largest or None, correction


def blocks(text: str, title: str) -> list[dict[str, str]]:
    """The fields of each structure with this title."""
    found = []
    for block in re.split(r"\n\s*\n|\nHandle ", text):
        if re.search(rf"^\s*{title}\s*$", block, re.MULTILINE):
            pairs = (line.strip().partition(":") for line in block.splitlines() if ":" in line)
            found.append({key.strip(): clean(value) for key, _, value in pairs})
    return found


def _leading_number(text: str | None) -> int | None:
    match = re.match(r"(\d+) M", text or "")
    return int(match[1]) or None if match else None


COLLECTOR = Collector("memory", 5, collect)
