"""Disks by sysfs and udev: model, serial, size, kind, how they are attached. No device is opened: a disk that hangs
hangs only who touches it."""

import re

from densach_agent.collectors.model import Collector, item
from densach_agent.junk import kept
from densach_agent.machine import Denied, Machine, NoData, clean
from densach_wire.messages import Item

_NOT_DISKS = re.compile(r"(loop|ram|zram|dm-|md|sr|fd|nbd|drbd|mtd)")


def collect(machine: Machine) -> list[Item]:
    found = [_disk(machine, name) for name in names(machine)]
    if not found:
        raise NoData
    return found


def names(machine: Machine) -> list[str]:
    return [
        name
        for name in machine.names("sys/block")
        if not _NOT_DISKS.match(name) and (machine.number(f"sys/block/{name}/size") or 0) > 0
    ]


def serial(machine: Machine, name: str) -> str | None:
    """From the device, else from udev's memory, else from the SCSI page 80."""
    udev = udev_facts(machine, name)
    for value in (machine.open_text(f"sys/block/{name}/device/serial"), udev.get("ID_SERIAL_SHORT"),
                  machine.open_text(f"sys/block/{name}/serial"), _page_80(machine, name)):  # fmt: skip
        if kept(value) is not None:
            return value
    return None


def udev_facts(machine: Machine, name: str) -> dict[str, str]:
    number = machine.open_text(f"sys/block/{name}/dev")
    text = machine.whole(f"run/udev/data/b{number}", 65536) if number else None
    pairs = (line[2:].partition("=") for line in (text or "").splitlines() if line.startswith("E:"))
    return {key: clean(value) for key, _, value in pairs}


def removable(machine: Machine, name: str) -> bool:
    return machine.number(f"sys/block/{name}/removable") == 1 or _bus(machine, name) in ("usb", "mmc")


def _disk(machine: Machine, name: str) -> Item:
    udev = udev_facts(machine, name)
    base = f"sys/block/{name}"
    rotational = machine.number(f"{base}/queue/rotational")
    bus = _bus(machine, name)
    model = machine.open_text(f"{base}/device/model") or udev.get("ID_MODEL")
    return item(
        "disk",
        name,
        model=kept(model),
        maker=kept(machine.open_text(f"{base}/device/vendor")) if bus in ("usb", "scsi") else None,
        serial=serial(machine, name),
        size_bytes=(machine.number(f"{base}/size") or 0) * 512 or None,
        kind=None if rotational is None or bus == "virtio" else "hdd" if rotational else "ssd",
        bus=bus,
        removable=removable(machine, name) or None,
        firmware=machine.open_text(f"{base}/device/firmware_rev") or machine.open_text(f"{base}/device/rev"),
    )


def _bus(machine: Machine, name: str) -> str | None:
    path = machine.resolved(f"sys/block/{name}")
    for bus, sign in (("usb", "/usb"), ("nvme", "/nvme"), ("mmc", "/mmc"), ("sata", "/ata"), ("virtio", "/virtio")):
        if sign in path:
            return bus
    return "nvme" if name.startswith("nvme") else "mmc" if name.startswith("mmc") else None


def _page_80(machine: Machine, name: str) -> str | None:
    try:
        raw = machine.raw(f"sys/block/{name}/device/vpd_pg80", 300)
    except Denied:
        return None
    return clean(raw[4 : 4 + raw[3]].decode("ascii", "replace")) if raw is not None and len(raw) > 4 else None


COLLECTOR = Collector("disk", 3, collect)
