"""PCI devices, all of them, by class, with names where the system knows any."""

from collections.abc import Mapping
from functools import lru_cache

import msgspec

from densach_agent.collectors.device_names import Name, device_names
from densach_agent.collectors.model import Collector, item
from densach_agent.collectors.usb import uevent
from densach_agent.machine import Machine, NoData
from densach_wire.messages import Item

PCI = "sys/bus/pci/devices"
_KINDS = {
    0x01: "storage", 0x02: "network", 0x03: "display", 0x04: "multimedia", 0x05: "memory", 0x06: "bridge",
    0x07: "communication", 0x08: "system", 0x09: "input", 0x0A: "dock", 0x0B: "processor", 0x0C: "serial bus",
    0x0D: "wireless", 0x0E: "storage", 0x0F: "satellite", 0x10: "encryption", 0x11: "signal processing",
    0x12: "accelerator", 0x13: "instrumentation", 0x40: "coprocessor",
}  # fmt: skip
_FUNCTIONS = {
    0x0100: "SCSI", 0x0101: "IDE", 0x0104: "RAID", 0x0106: "SATA", 0x0107: "SAS", 0x0108: "NVMe", 0x0200: "Ethernet",
    0x0280: "network", 0x0300: "VGA", 0x0302: "3D", 0x0380: "display", 0x0400: "video", 0x0401: "audio", 0x0403: "audio",
    0x0480: "multimedia", 0x0600: "host bridge", 0x0601: "ISA bridge", 0x0604: "PCI bridge", 0x0607: "CardBus bridge",
    0x0700: "serial port", 0x0701: "parallel port", 0x0703: "modem", 0x0780: "communication", 0x0805: "SD card reader",
    0x0C00: "FireWire", 0x0C03: "USB", 0x0C05: "SMBus", 0x0D11: "Bluetooth", 0x0D80: "wireless", 0x1180: "signal processing",
    0x1200: "accelerator",
}  # fmt: skip
_MOST = 512


class PciDevice(msgspec.Struct, frozen=True):
    slot: str
    cls: int
    """Class and subclass: 0x0300 is a graphics card."""
    vendor: int
    device: int
    subsystem: str | None
    driver: str | None

    @property
    def pair(self) -> tuple[int, int]:
        return self.vendor, self.device


@lru_cache(maxsize=1)
def pci_devices(machine: Machine) -> tuple[PciDevice, ...]:
    """A round looks once: three sections ask."""
    return tuple(_device(machine, slot) for slot in machine.names(PCI)[:_MOST])


def collect(machine: Machine) -> list[Item]:
    devices = [device for device in pci_devices(machine) if device.vendor or device.device or device.cls]
    names = pci_names(machine, {device.pair for device in devices}, {device.pair: device.slot for device in devices})
    found = []
    for device in devices:
        maker, model = names[device.pair]
        revision = machine.number(f"{PCI}/{device.slot}/revision")
        found.append(
            item(
                "pci", device.slot, kind=_KINDS.get(device.cls >> 8), function=_FUNCTIONS.get(device.cls), maker=maker,
                model=model, id=f"{device.vendor:04x}:{device.device:04x}", subsystem=device.subsystem,
                revision=f"{revision:02x}" if revision else None, driver=device.driver,
            )
        )  # fmt: skip
    if not found:
        raise NoData
    return found


def ids(machine: Machine, slot: str) -> tuple[int, int]:
    return machine.number(f"{PCI}/{slot}/vendor") or 0, machine.number(f"{PCI}/{slot}/device") or 0


def pci_names(
    machine: Machine, wanted: set[tuple[int, int]], slots: Mapping[tuple[int, int], str] | None = None
) -> dict[tuple[int, int], Name]:
    """(vendor, device) → their names. `slots`: a slot in which udev saw such a device."""
    pairs = {pair: (f"{pair[0]:04x}", f"{pair[1]:04x}") for pair in wanted}
    places = slots or {}
    files = {text: f"+pci:{places[pair]}" if pair in places else "" for pair, text in pairs.items()}
    found = device_names(machine, "pci", files)
    return {pair: found[text] for pair, text in pairs.items()}


def _device(machine: Machine, slot: str) -> PciDevice:
    base = f"{PCI}/{slot}"
    facts = uevent(machine, base)
    vendor, _, device = facts.get("PCI_ID", "").partition(":")
    subsystem = facts.get("PCI_SUBSYS_ID", "").lower()
    pair = (_hex(vendor), _hex(device)) if vendor and device else ids(machine, slot)
    cls = _hex(facts["PCI_CLASS"]) if "PCI_CLASS" in facts else machine.number(f"{base}/class") or 0
    driver = facts.get("DRIVER") or machine.target(f"{base}/driver")
    return PciDevice(slot, cls >> 8 & 0xFFFF, *pair, subsystem if subsystem.strip("0:") else None, driver)


def _hex(text: str) -> int:
    try:
        return int(text, 16) & 0xFFFFFF
    except ValueError:
        return 0


COLLECTOR = Collector("pci", 3, collect)
