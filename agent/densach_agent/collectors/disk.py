"""Disks by sysfs and udev: model, serial, size, kind, how they are attached. No device is opened: a disk that hangs
hangs only who touches it. How they fare is a section of its own (`smart`)."""

import re

from densach_agent.collectors.model import Collector, item
from densach_agent.junk import kept, kept_name
from densach_agent.machine import Denied, Machine, NoData, clean
from densach_wire.messages import Item

_NOT_DISKS = re.compile(r"(loop|ram|zram|dm-|md|sr|fd|nbd|drbd|mtd|zd|bcache)|nvme\d+c\d+n|mmcblk\d+(boot|rpmb|gp)")
_OPTICAL = re.compile(r"sr\d+\Z")
_BUSES = (
    ("usb", "/usb"), ("nvme", "/nvme"), ("mmc", "/mmc"), ("sata", "/ata"), ("virtio", "/virtio"), ("sas", "/end_device-"),
    ("hyper-v", "/vmbus"), ("hyper-v", "/VMBUS"), ("xen", "/vbd-"), ("scsi", "/host"),
)  # fmt: skip
_MAKERS = {
    "Seagate": ("st1", "st2", "st3", "st4", "st5", "st6", "st8", "st9", "seagate"), "Western Digital": ("wdc", "wd", "western"),
    "Samsung": ("samsung", "mz"), "Toshiba": ("toshiba", "dt01", "mq0", "thns"), "Hitachi": ("hitachi", "hds", "hdt", "hts"),
    "HGST": ("hgst", "hus", "huh"), "Kingston": ("kingston", "sa400", "skc", "om8", "om3"), "Crucial": ("crucial", "ct"),
    "Micron": ("micron", "mtfd"), "Intel": ("intel", "ssdsc"), "SanDisk": ("sandisk",), "SK hynix": ("sk hynix", "skhynix",
    "hynix", "hfs", "hfm"), "Kioxia": ("kioxia", "kbg", "kxg"), "ADATA": ("adata",), "Lexar": ("lexar",), "Apacer": ("apacer",),
    "Transcend": ("ts",), "Maxtor": ("maxtor", "stm3"), "Fujitsu": ("fujitsu", "mhv", "mhw", "mhz"), "Plextor": ("plextor",),
    "Gigabyte": ("gigabyte", "gp-"), "Netac": ("netac",), "Team Group": ("team",), "Patriot": ("patriot",),
}  # fmt: skip
"""Disks on SATA and NVMe do not say who made them; their model's name begins with it, or with the maker's mark."""


def collect(machine: Machine) -> list[Item]:
    found = [_disk(machine, name) for name in names(machine)]
    found += [_optical(machine, name) for name in machine.names("sys/block") if _OPTICAL.match(name)]
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
    return facts_of_device(machine, machine.open_text(f"sys/block/{name}/dev"))


def facts_of_device(machine: Machine, number: str | None) -> dict[str, str]:
    """What udev remembers of a block device, by its `major:minor`."""
    text = machine.whole(f"run/udev/data/b{number}", 65536) if number else None
    pairs = (line[2:].partition("=") for line in (text or "").splitlines() if line.startswith("E:"))
    return {key: clean(value) for key, _, value in pairs}


def removable(machine: Machine, name: str) -> bool:
    return machine.number(f"sys/block/{name}/removable") == 1 or bus(machine, name) in ("usb", "mmc")


def bus(machine: Machine, name: str) -> str | None:
    path = machine.resolved(f"sys/block/{name}")
    found = next((found for found, sign in _BUSES if sign in path), None)
    return found or ("nvme" if name.startswith("nvme") else "mmc" if name.startswith("mmc") else None)


def model(machine: Machine, name: str) -> str | None:
    return kept_name(_model(machine, f"sys/block/{name}", udev_facts(machine, name)))


def _disk(machine: Machine, name: str) -> Item:
    udev = udev_facts(machine, name)
    base = f"sys/block/{name}"
    on = bus(machine, name)
    called = kept_name(_model(machine, base, udev))
    told_by_disk = on in ("usb", "scsi", "sas", "hyper-v")
    return item(
        "disk",
        name,
        model=called,
        maker=kept_name(machine.open_text(f"{base}/device/vendor")) if told_by_disk else _maker(called),
        serial=serial(machine, name),
        wwn=kept(udev.get("ID_WWN_WITH_EXTENSION") or udev.get("ID_WWN")),
        size_bytes=(machine.number(f"{base}/size") or 0) * 512 or None,
        kind=_kind(machine, base, on),
        bus=on,
        rotation_rpm=_number(udev.get("ID_ATA_ROTATION_RATE_RPM")) or None,
        removable=removable(machine, name) or None,
        firmware=machine.open_text(f"{base}/device/firmware_rev") or udev.get("ID_REVISION")
        or machine.open_text(f"{base}/device/rev"),
    )  # fmt: skip


def _kind(machine: Machine, base: str, on: str | None) -> str | None:
    """A virtual disk, and a stick that says it turns, are neither."""
    if on == "mmc":
        return "emmc" if machine.open_text(f"{base}/device/type") == "MMC" else "sd-card"
    rotational = machine.number(f"{base}/queue/rotational")
    if rotational is None or on in ("virtio", "hyper-v", "xen") or (on == "usb" and rotational):
        return None
    return "hdd" if rotational else "ssd"


def _model(machine: Machine, base: str, udev: dict[str, str]) -> str | None:
    """SCSI has room for 16 characters; udev asked the disk itself and knows the rest. Cards have a name instead."""
    short = machine.open_text(f"{base}/device/model") or machine.open_text(f"{base}/device/name")
    if "ID_MODEL_ENC" in udev:
        whole = clean(re.sub(r"\\x([0-9a-f]{2})", lambda found: chr(int(found[1], 16)), udev["ID_MODEL_ENC"]))
        if short is None or whole.startswith(short):
            return whole
    return short or udev.get("ID_MODEL")


def _maker(model: str | None) -> str | None:
    folded = (model or "").casefold()
    return next((maker for maker, signs in _MAKERS.items() if folded.startswith(signs)), None)


def _optical(machine: Machine, name: str) -> Item:
    base = f"sys/block/{name}"
    udev = udev_facts(machine, name)
    return item(
        "optical",
        name,
        maker=kept_name(machine.open_text(f"{base}/device/vendor")),
        model=kept_name(_model(machine, base, udev)),
        serial=kept(udev.get("ID_SERIAL_SHORT")),
        writes=True if udev.get("ID_CDROM_DVD_R") == "1" or udev.get("ID_CDROM_CD_R") == "1" else None,
        bus=bus(machine, name),
    )


def _page_80(machine: Machine, name: str) -> str | None:
    try:
        raw = machine.raw(f"sys/block/{name}/device/vpd_pg80", 300)
    except Denied:
        return None
    return clean(raw[4 : 4 + raw[3]].decode("ascii", "replace")) if raw is not None and len(raw) > 4 else None


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() else None


COLLECTOR = Collector("disk", 3, collect)
