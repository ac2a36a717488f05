"""PCI devices by class, with names where the system has the list of names (pci.ids)."""

from densach_agent.collectors.model import Collector, item
from densach_agent.machine import Machine, NoData
from densach_wire.messages import Item

PCI = "sys/bus/pci/devices"
_NAMES = ("usr/share/misc/pci.ids", "usr/share/hwdata/pci.ids", "usr/share/pci.ids")
_CLASSES = {
    0x01: "storage", 0x02: "network", 0x03: "display", 0x04: "multimedia", 0x05: "memory", 0x06: "bridge",
    0x07: "communication", 0x08: "system", 0x09: "input", 0x0C: "serial bus", 0x0D: "wireless", 0x10: "encryption",
    0x11: "signal processing", 0x12: "accelerator",
}  # fmt: skip


def collect(machine: Machine) -> list[Item]:
    found = []
    names = pci_names(machine, {ids(machine, slot) for slot in machine.names(PCI)})
    for slot in machine.names(PCI):
        kind = _CLASSES.get((machine.number(f"{PCI}/{slot}/class") or 0) >> 16)
        if kind in (None, "bridge", "system", "memory"):
            continue
        vendor, device = ids(machine, slot)
        maker, model = names.get((vendor, device), (None, None))
        driver = machine.target(f"{PCI}/{slot}/driver")
        found.append(item("pci", slot, kind=kind, maker=maker, model=model, id=f"{vendor:04x}:{device:04x}", driver=driver))
    if not found:
        raise NoData
    return found


def ids(machine: Machine, slot: str) -> tuple[int, int]:
    return machine.number(f"{PCI}/{slot}/vendor") or 0, machine.number(f"{PCI}/{slot}/device") or 0


def pci_names(machine: Machine, wanted: set[tuple[int, int]]) -> dict[tuple[int, int], tuple[str | None, str | None]]:
    """(vendor, device) → their names, read in one pass over the list."""
    text = next((text for path in _NAMES if (text := machine.whole(path)) is not None), "")
    names: dict[tuple[int, int], tuple[str | None, str | None]] = {}
    vendors = {vendor for vendor, _ in wanted}
    vendor, maker = -1, ""
    for line in text.splitlines():
        if line.startswith("C "):
            break  # classes follow
        if line[:1] not in ("\t", "#", ""):
            vendor, maker = _hex(line[:4]), line[6:].strip()
            if vendor in vendors:
                names |= {pair: (maker, None) for pair in wanted if pair[0] == vendor}
        elif vendor in vendors and line.startswith("\t") and not line.startswith("\t\t"):
            pair = (vendor, _hex(line[1:5]))
            if pair in wanted:
                names[pair] = (maker, line[7:].strip())
    return names


def _hex(text: str) -> int:
    try:
        return int(text, 16)
    except ValueError:
        return -1


COLLECTOR = Collector("pci", 3, collect)
