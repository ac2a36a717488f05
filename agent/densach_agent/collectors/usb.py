"""USB devices: keyboards, mice, cameras, dongles … each with the port it sits in; hubs and controllers apart."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

import msgspec

from densach_agent.collectors.device_names import Name, device_names
from densach_agent.collectors.model import Collector, item
from densach_agent.junk import kept
from densach_agent.machine import Denied, Machine, NoData, clean
from densach_wire.messages import Item

_USB = "sys/bus/usb/devices"
_KINDS = {
    0x01: "audio", 0x02: "communication", 0x03: "input", 0x06: "camera", 0x07: "printer", 0x08: "storage", 0x09: "hub",
    0x0A: "communication", 0x0B: "smart card", 0x0D: "security", 0x0E: "video", 0x0F: "health", 0x10: "video",
    0xDC: "diagnosis", 0xE0: "wireless",
}  # fmt: skip
_INPUTS = {1: "keyboard", 2: "mouse"}
_MOST = 512
"""Devices that are looked at; 127 fit on one bus."""


class UsbInterface(msgspec.Struct, frozen=True):
    name: str
    """As sysfs has it: `2-1.5:1.0`."""
    cls: int
    sub: int
    protocol: int


class UsbDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A device as it describes itself; what says nothing (junk) is None."""

    port: str
    """`2-1.5`: bus 2, first port of the root hub, fifth of the hub there; `usb2`: the controller itself."""
    vendor: str
    product: str
    maker: str | None
    model: str | None
    serial: str | None
    cls: int
    interfaces: tuple[UsbInterface, ...] = ()
    udev: str = ""
    """Where udev keeps what it knows (densach_agent.collectors.device_names.udev_facts)."""

    @property
    def id(self) -> str | None:
        return f"{self.vendor}:{self.product}" if self.vendor and self.product else None

    @property
    def pair(self) -> tuple[str, str]:
        return self.vendor, self.product

    def has(self, cls: int) -> bool:
        return self.cls == cls or any(interface.cls == cls for interface in self.interfaces)


@lru_cache(maxsize=1)
def usb_devices(machine: Machine) -> tuple[UsbDevice, ...]:
    """All of them, hubs and controllers included. A round looks once: five sections ask."""
    names = [name for name in machine.names(_USB) if ":" not in name]
    return tuple(_device(machine, name) for name in names[:_MOST])


def steady_keys(devices: Iterable[UsbDevice]) -> dict[str, str]:
    """Port → a key that stays when the device goes to another port or buses are counted anew: its numbers and serial; of
    equal ones (cheap cameras share one serial) the second is `#2`, so that one missing of three is one missing."""
    seen: dict[str, int] = {}
    keys = {}
    for device in sorted(devices, key=lambda found: found.port):
        base = " ".join(filter(None, (device.id, device.serial))) or "?"
        seen[base] = seen.get(base, 0) + 1
        keys[device.port] = base if seen[base] == 1 else f"{base} #{seen[base]}"
    return keys


def usb_names(machine: Machine, devices: Sequence[UsbDevice]) -> dict[str, Name]:
    """Port → maker and model: by the lists of names, else in the device's own words."""
    listed = device_names(machine, "usb", {device.pair: device.udev for device in devices})
    names = {}
    for device in devices:
        maker, model = listed[device.pair]
        names[device.port] = (maker or device.maker, model or device.model)
    return names


def usb_parent(machine: Machine, path: str) -> str | None:
    """The port of the USB device that something in sysfs hangs on."""
    parts = machine.resolved(path).split("/")
    return next((part for part in reversed(parts) if re.fullmatch(r"\d+-\d+(\.\d+)*", part)), None)


def uevent(machine: Machine, base: str) -> dict[str, str]:
    """The kernel's summary of a device, one read for many facts."""
    try:
        text = machine.whole(f"{base}/uevent", 4096)
    except Denied:
        return {}
    return {key: clean(value) for key, _, value in (line.partition("=") for line in (text or "").splitlines())}


def collect(machine: Machine) -> list[Item]:
    devices = usb_devices(machine)
    names = usb_names(machine, devices)
    found = [_item(machine, device, names[device.port]) for device in devices]
    if not found:
        raise NoData
    return found


def _item(machine: Machine, device: UsbDevice, name: Name) -> Item:
    kinds = list(dict.fromkeys(kind for part in device.interfaces if (kind := _kind(part)) is not None))
    kind = _KINDS.get(device.cls) or (kinds[0] if kinds else None)
    if device.port.startswith("usb"):
        kind = "root hub"
    maker, model = name
    own = device.model
    return item(
        "usb-hub" if kind in ("hub", "root hub") else "usb",
        device.port,
        kind=kind,
        maker=maker,
        model=model,
        own_name=own if own is not None and own != model else None,
        serial=device.serial if kind != "root hub" else None,
        id=device.id,
        functions=", ".join(kinds) if len(kinds) > 1 else None,
        speed_mbps=_speed(machine.open_text(f"{_USB}/{device.port}/speed")),
    )


def _device(machine: Machine, name: str) -> UsbDevice:
    base = f"{_USB}/{name}"
    facts = uevent(machine, base)
    vendor, product, *_ = (*facts.get("PRODUCT", "").split("/"), "", "")
    kind = facts.get("TYPE", "").partition("/")[0]
    parts = () if name.startswith("usb") else tuple(p for p in machine.names(base) if p.startswith(f"{name}:"))
    return UsbDevice(
        port=clean(name),
        vendor=_four(vendor) or _four(machine.open_text(f"{base}/idVendor")),
        product=_four(product) or _four(machine.open_text(f"{base}/idProduct")),
        maker=kept(machine.open_text(f"{base}/manufacturer")),
        model=kept(machine.open_text(f"{base}/product")),
        serial=kept(machine.open_text(f"{base}/serial")),
        cls=_small(kind) if kind else _hex(machine.open_text(f"{base}/bDeviceClass")),
        interfaces=tuple(_interface(machine, base, part) for part in parts[:64]),
        udev=f"c{facts['MAJOR']}:{facts['MINOR']}" if facts.get("MAJOR", "").isdecimal() and "MINOR" in facts else "",
    )


def _interface(machine: Machine, base: str, part: str) -> UsbInterface:
    told = uevent(machine, f"{base}/{part}").get("INTERFACE", "").split("/")
    if len(told) == 3:
        return UsbInterface(part, *(_small(number) for number in told))
    numbers = (machine.open_text(f"{base}/{part}/bInterface{what}") for what in ("Class", "SubClass", "Protocol"))
    return UsbInterface(part, *(_hex(number) for number in numbers))


def _kind(part: UsbInterface) -> str | None:
    if part.cls == 0x03:
        return _INPUTS.get(part.protocol, "input")
    return _KINDS.get(part.cls)


def _four(text: str | None) -> str:
    """Four hexadecimal digits, or "" for anything else."""
    folded = (text or "").lower().rjust(4, "0")
    return folded if text and re.fullmatch(r"[0-9a-f]{4}", folded) else ""


def _hex(text: str | None) -> int:
    try:
        return int(text or "", 16)
    except ValueError:
        return 0


def _small(text: str) -> int:
    return int(text) if re.fullmatch(r"[0-9]{1,3}", text) else 0


def _speed(text: str | None) -> float | int | None:
    """1.5 for the slowest keyboards, else whole numbers."""
    if text == "1.5":
        return 1.5
    return int(text) if text and re.fullmatch(r"[0-9]{1,6}", text) else None


COLLECTOR = Collector("usb", 2, collect)
