"""USB devices: keyboards, mice, cameras, dongles … each with the port it sits in."""

from densach_agent.collectors.model import Collector, item
from densach_agent.junk import kept
from densach_agent.machine import Machine, NoData
from densach_wire.messages import Item

_USB = "sys/bus/usb/devices"
_CLASSES = {
    0x01: "audio", 0x02: "communication", 0x03: "input", 0x06: "camera", 0x07: "printer", 0x08: "storage", 0x09: "hub",
    0x0A: "communication", 0x0B: "smart card", 0x0E: "video", 0xE0: "wireless",
}  # fmt: skip
_INPUTS = {1: "keyboard", 2: "mouse"}


def collect(machine: Machine) -> list[Item]:
    found = []
    for name in machine.names(_USB):
        if ":" in name or name.startswith("usb"):
            continue  # interfaces of a device, and the controllers themselves
        kind = _kind(machine, name)
        if kind == "hub":
            continue
        base = f"{_USB}/{name}"
        vendor, product = machine.open_text(f"{base}/idVendor"), machine.open_text(f"{base}/idProduct")
        found.append(
            item(
                "usb",
                name,
                kind=kind,
                maker=kept(machine.open_text(f"{base}/manufacturer")),
                model=kept(machine.open_text(f"{base}/product")),
                serial=kept(machine.open_text(f"{base}/serial")),
                id=f"{vendor}:{product}" if vendor and product else None,
            )
        )
    if not found:
        raise NoData
    return found


def _kind(machine: Machine, name: str) -> str | None:
    device_class = _hex(machine.open_text(f"{_USB}/{name}/bDeviceClass"))
    if device_class in _CLASSES:
        return _CLASSES[device_class]
    for part in machine.names(f"{_USB}/{name}"):
        if part.startswith(f"{name}:"):
            interface = _hex(machine.open_text(f"{_USB}/{name}/{part}/bInterfaceClass"))
            protocol = _hex(machine.open_text(f"{_USB}/{name}/{part}/bInterfaceProtocol"))
            if interface == 0x03 and protocol in _INPUTS:
                return _INPUTS[protocol]
            if interface in _CLASSES:
                return _CLASSES[interface]
    return None


def _hex(text: str | None) -> int:
    try:
        return int(text or "", 16)
    except ValueError:
        return 0


COLLECTOR = Collector("usb", 2, collect)
