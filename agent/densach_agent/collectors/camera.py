"""Cameras and capture devices, as video4linux has them; no device is opened, so no lamp lights up.

One item for each thing, however many video nodes it has. A grabber that takes in HDMI is told from a webcam by its
driver, its maker and its name, for both are one USB class. Capture cards whose driver makes no video node are found on PCI.
"""

import re

from densach_agent.collectors.device_names import Name
from densach_agent.collectors.model import Collector, item
from densach_agent.collectors.pci import PciDevice, pci_devices, pci_names
from densach_agent.collectors.usb import UsbDevice, steady_keys, usb_devices, usb_names, usb_parent
from densach_agent.machine import Machine, NoData
from densach_wire.messages import Item

_NODES = "sys/class/video4linux"
_MOST = 256
_GRABBER_DRIVERS = frozenset({
    "au0828", "cx231xx", "em28xx", "go7007", "hdpvr", "pvrusb2", "stk1160", "tm6000", "usbtv", "usbvision",
})  # fmt: skip
_GRABBER_MAKERS = frozenset({"0fd9", "1164", "1edb", "2935", "345f", "534d", "07ca"})
"""Elgato, YUAN, Blackmagic, Magewell, MacroSilicon (twice), AVerMedia: they make grabbers, and a few webcams."""
_GRABBER_WORDS = (
    r"(?i)capture|grabber|hdmi|\bsdi\b|cam ?link|live gamer|game ?link|hd60|4k60|easy ?cap|\batem\b|intensity"
    r"|usb ?[23]?\.? ?0? ?video\b"
)
_CAMERA_WORDS = r"(?i)face ?cam|webcam|camera|\bpw3\d\d|\bpw5\d\d|brio|kiyo"
_CARD_MAKERS = frozenset({0xBDBD, 0x1CD7, 0x1131, 0x14F1, 0x1797, 0x1461, 0x12AB, 0x1A55})
"""Blackmagic, Magewell, Philips, Conexant, Techwell, AVerMedia, YUAN, …: what they sell on PCI takes pictures in."""
_NOT_CAMERAS = r"(?i)codec|decod|encod|\bisp\b|-isp|rpi-hevc|rpivid|\bdec\b|\benc\b|\bvpu\b|\bjpeg\b|scaler|rotator"
_ISP_WORDS = r"(?i)\bimaging (signal )?processor|\bIPU\b|\bISP\b"
"""Patterns are compiled where there is something to look at: most machines have none of it."""


def collect(machine: Machine) -> list[Item]:
    nodes = [name for name in machine.names(_NODES)[:_MOST] if machine.number(f"{_NODES}/{name}/index") in (0, None)]
    devices = {device.port: device for device in usb_devices(machine)} if nodes else {}
    owners: dict[str, str] = {}
    found: list[Item] = []
    cards: dict[str, str] = {}
    for node in nodes:
        port = usb_parent(machine, f"{_NODES}/{node}/device")
        if port in devices:
            owners.setdefault(str(port), node)
            continue
        slot = slot_of(machine.resolved(f"{_NODES}/{node}/device"))
        name = machine.open_text(f"{_NODES}/{node}/name") or node
        if slot is not None:
            cards.setdefault(slot, name)
        elif not re.search(_NOT_CAMERAS, name):
            virtual = "/virtual/" in machine.resolved(f"{_NODES}/{node}")
            key = name if virtual else _driver(machine, node) or name
            if all(other.key != key for other in found):
                found.append(
                    item("camera-virtual" if virtual else "camera", key, model=name, bus=None if virtual else "platform")
                )
    found += _on_usb(machine, devices, owners)
    found += _cards(machine, cards)
    if not found:
        raise NoData
    return found


def _on_usb(machine: Machine, devices: dict[str, UsbDevice], owners: dict[str, str]) -> list[Item]:
    mine = [devices[port] for port in owners]
    names, keys = usb_names(machine, mine), steady_keys(devices.values())
    found = []
    for device in sorted(mine, key=lambda one: keys[one.port]):
        node = owners[device.port]
        driver = _driver(machine, node)
        shown = machine.open_text(f"{_NODES}/{node}/name")
        maker, model = names[device.port]
        words = " ".join(filter(None, (shown, model, device.model)))
        found.append(
            item(
                "capture" if grabs(device, driver, words) else "camera", keys[device.port], maker=maker,
                model=model or shown, own_name=device.model if device.model != model else None,
                serial=device.serial, id=device.id, bus="usb", port=device.port, driver=driver,
            )
        )  # fmt: skip
    return found


def grabs(device: UsbDevice, driver: str | None, words: str) -> bool:
    """Whether a USB video device takes in pictures of something else; `words`: all that it is called."""
    if driver in _GRABBER_DRIVERS:
        return True
    if re.search(_CAMERA_WORDS, words) and not re.search(r"capture|hdmi", words, re.IGNORECASE):
        return False
    return device.vendor in _GRABBER_MAKERS or re.search(_GRABBER_WORDS, words) is not None


def _cards(machine: Machine, nodes: dict[str, str]) -> list[Item]:
    """Cards on PCI: those with video nodes, and those of the class "video" or of a maker of capture cards."""
    devices = [device for device in pci_devices(machine) if device.slot in nodes or device.cls in (0x0400, 0x0480)]
    names = pci_names(machine, {device.pair for device in devices}, {device.pair: device.slot for device in devices})
    found, seen = [], set[str]()
    for device in devices:
        maker, model = names[device.pair]
        if device.slot not in nodes and not _takes_in(device, model):
            continue
        card = device.slot.partition(".")[0]
        if card not in seen:  # the functions of one card
            seen.add(card)
            found.append(_card(device, (maker, model or nodes.get(device.slot))))
    return found


def _card(device: PciDevice, name: Name) -> Item:
    own_camera = device.vendor == 0x8086
    return item(
        "camera" if own_camera else "capture", device.slot, maker=name[0], model=name[1],
        id=f"{device.vendor:04x}:{device.device:04x}", bus="pci", driver=device.driver,
    )  # fmt: skip


def _takes_in(device: PciDevice, model: str | None) -> bool:
    if device.vendor in (0x8086, 0x1022, 0x1002) or (model is not None and re.search(_ISP_WORDS, model)):
        return False  # a processor's own unit for camera pictures, with or without a camera at it
    return device.cls == 0x0400 or device.vendor in _CARD_MAKERS


def _driver(machine: Machine, node: str) -> str | None:
    return machine.target(f"{_NODES}/{node}/device/driver")


def slot_of(path: str) -> str | None:
    """The innermost PCI device on a path of sysfs."""
    found = re.findall(r"(?<=/)[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7](?=/|\Z)", path)
    return found[-1] if found else None


COLLECTOR = Collector("camera", 2, collect)
