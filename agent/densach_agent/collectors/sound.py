"""Sound cards and microphones, as ALSA lists them in /proc/asound; no device is opened.

A USB thing that only records is a microphone, so is the ear of a webcam; a headset is one thing with both. Sockets that
may or may not have a microphone plugged in make a sound card, not a microphone.
"""

import re

import msgspec

from densach_agent.collectors.camera import grabs, slot_of
from densach_agent.collectors.device_names import Name
from densach_agent.collectors.model import Collector, item
from densach_agent.collectors.pci import PciDevice, pci_devices, pci_names
from densach_agent.collectors.usb import UsbDevice, steady_keys, usb_devices, usb_names, usb_parent
from densach_agent.machine import Machine, NoData, clean
from densach_wire.messages import Item

_CARDS = r"(?m)^ *(\d{1,2}) \[(.{1,16}?) *\]: (\S+) - (.*)$"
_STREAM = r"(?m)^(\d\d)-(\d\d): (.*?) :.*$"
_HEADSET = r"(?i)head ?set|tai nghe|\bjabra\b|plantronics|poly blackwire|evolve|\bhs\d"
_SCREEN = r"(?i)HDMI|DisplayPort"
_VIDEO = 0x0E
_VIRTUAL = frozenset({"Dummy", "Loopback", "VirMIDI", "pcsp", "aloop"})


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A card of ALSA. `inputs` and `outputs` count streams; `screens` says that all of them go to screens."""

    number: int
    name: str
    driver: str
    title: str
    inputs: int = 0
    outputs: int = 0
    screens: bool = False
    built_in_microphone: bool = False


def collect(machine: Machine) -> list[Item]:
    found_cards = cards(machine)
    if not found_cards:
        raise NoData
    devices = {device.port: device for device in usb_devices(machine)}
    ports = {card.number: usb_parent(machine, f"sys/class/sound/card{card.number}") for card in found_cards}
    mine = [devices[port] for port in dict.fromkeys(ports.values()) if port in devices]
    names, keys = usb_names(machine, mine), steady_keys(devices.values())
    slots = {device.slot: device for device in pci_devices(machine)}
    found: list[Item] = []
    for card in found_cards:
        device = devices.get(ports[card.number] or "")
        if device is not None:
            found.append(_on_usb(card, device, names[device.port], keys[device.port]))
            continue
        slot = slots.get(slot_of(machine.resolved(f"sys/class/sound/card{card.number}")) or "")
        found += _built_in(machine, card, slot)
    return _told_apart(found)


def cards(machine: Machine) -> list[Card]:
    """From /proc/asound/cards and /proc/asound/pcm."""
    streams: dict[int, list[str]] = {}
    for line in re.finditer(_STREAM, machine.whole("proc/asound/pcm", 65536) or ""):
        streams.setdefault(int(line[1]), []).append(line[0])
    found = []
    for line in re.finditer(_CARDS, machine.whole("proc/asound/cards", 65536) or ""):
        number = int(line[1])
        mine = streams.get(number, [])
        playing = [stream for stream in mine if re.search(r": playback [1-9]", stream)]
        recording = [stream for stream in mine if re.search(r": capture [1-9]", stream)]
        found.append(
            Card(
                number=number, name=clean(line[2]), driver=clean(line[3]), title=clean(line[4]),
                inputs=len(recording), outputs=len(playing),
                screens=bool(playing) and not recording and all(re.search(_SCREEN, stream + line[3]) for stream in playing),
                built_in_microphone=any("DMIC" in stream for stream in recording),
            )
        )  # fmt: skip
    return found


def _on_usb(card: Card, device: UsbDevice, name: Name, key: str) -> Item:
    maker, model = name
    words = " ".join(filter(None, (model, device.model, card.title)))
    if device.has(_VIDEO) and grabs(device, None, words):
        cls, kind = "sound", "in a capture device"
    elif card.inputs and (not card.outputs or device.has(_VIDEO)):
        cls, kind = "microphone", "in a camera" if device.has(_VIDEO) else "usb microphone"
    elif card.inputs and card.outputs and re.search(_HEADSET, words):
        cls, kind = "headset", None
    else:
        cls, kind = "sound", "speakers" if card.outputs and not card.inputs else "audio interface"
    return item(
        cls, key, kind=kind, maker=maker, model=model or card.title, serial=device.serial, id=device.id, bus="usb",
        port=device.port, inputs=card.inputs or None, outputs=card.outputs or None, driver="snd-usb-audio",
    )  # fmt: skip


def _built_in(machine: Machine, card: Card, slot: PciDevice | None) -> list[Item]:
    codecs = _codecs(machine, card.number)
    maker, model = pci_names(machine, {slot.pair}, {slot.pair: slot.slot})[slot.pair] if slot is not None else (None, None)
    virtual = slot is None and (card.driver in _VIRTUAL or card.name in _VIRTUAL)
    key = slot.slot if slot is not None else card.name
    kind = "screens" if card.screens else "built in"
    items = [
        item(
            "sound-virtual" if virtual else "sound", key, kind=None if virtual else kind, maker=maker, model=model or card.title,
            codec=", ".join(codecs)[:200] or None, id=f"{slot.vendor:04x}:{slot.device:04x}" if slot is not None else None,
            bus=None if virtual else "pci" if slot is not None else "platform", inputs=card.inputs or None,
            outputs=card.outputs or None, driver=slot.driver if slot is not None else card.driver,
        )
    ]  # fmt: skip
    if card.built_in_microphone or _fixed_microphone(machine, card.number):
        items.append(item("microphone", f"{key} built in", kind="built in", model=codecs[0] if codecs else card.title))
    return items


def _codecs(machine: Machine, number: int) -> list[str]:
    names = [name for name in machine.names(f"proc/asound/card{number}") if name.startswith("codec#")]
    found = (machine.whole(f"proc/asound/card{number}/{name}", 4096) or "" for name in names[:8])
    return [clean(text.partition("\n")[0].removeprefix("Codec:")) for text in found if text.startswith("Codec:")]


def _fixed_microphone(machine: Machine, number: int) -> bool:
    """A microphone that is no socket: the codec's pins say so ("[Fixed] Mic at Int N/A")."""
    names = [name for name in machine.names(f"proc/asound/card{number}") if name.startswith("codec#")]
    texts = (machine.whole(f"proc/asound/card{number}/{name}", 65536) or "" for name in names[:8])
    return any(re.search(r"\[Fixed\] Mic at (Int|Lid|Sep)", text) for text in texts)


def _told_apart(items: list[Item]) -> list[Item]:
    """A device with two cards is one thing; others that share a key are numbered."""
    seen: dict[tuple[str, str], Item] = {}
    for one in items:
        known = seen.get((one.cls, one.key))
        if known is None:
            seen[one.cls, one.key] = one
        elif one.attrs.get("bus") != "usb":
            n = sum(1 for cls, key in seen if cls == one.cls and key.startswith(one.key))
            again = Item(one.cls, f"{one.key} #{n + 1}", one.attrs)
            seen[again.cls, again.key] = again
    return list(seen.values())


COLLECTOR = Collector("sound", 2, collect)
