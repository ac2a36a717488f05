"""Keyboards, mice, touch panels and gamepads by the kernel's list of input devices: what walks out of a lab first. Buttons of
the case, speakers and devices made of software are none."""

import re

from densach_agent.collectors.model import Collector, item
from densach_agent.junk import kept
from densach_agent.machine import Machine, NoData, clean
from densach_wire.messages import Item

LIST = "proc/bus/input/devices"
_BUSES = {0x0003: "usb", 0x0005: "bluetooth", 0x0011: "ps2", 0x0018: "i2c", 0x001C: "i2c"}
_REPEATS = 1 << 20  # EV_REP: keys that repeat are a keyboard's
_DIRECT = 1 << 1  # INPUT_PROP_DIRECT: the finger is where the picture is
_BUTTONPAD = 1 << 2
_ORDER = ("touchscreen", "touchpad", "keyboard", "mouse", "gamepad")
_MOST = 200


def collect(machine: Machine) -> list[Item]:
    """One item for each thing one can take away: a keyboard with its media keys is one."""
    text = machine.whole(LIST, 512 * 1024)
    found: dict[str, tuple[set[str], dict[str, str | None]]] = {}
    for block in (text or "").split("\n\n")[:_MOST]:
        facts = dict(re.findall(r"^([A-Z]: \w+|B: \w+)=(.*)$", block, re.MULTILINE))
        ids = re.search(r"Bus=([0-9a-fA-F]{4}) Vendor=([0-9a-fA-F]{4}) Product=([0-9a-fA-F]{4})", block)
        bus = _BUSES.get(int(ids[1], 16)) if ids else None
        kind = _kind(facts)
        if ids is None or bus is None or kind is None:
            continue
        name = clean(facts.get("N: Name", "").strip('"'))
        place = re.sub(r"/input\d+$", "", facts.get("P: Phys", "")) or f"{ids[2]}:{ids[3]} {name}"
        kinds, attrs = found.setdefault(place, (set(), {}))
        kinds.add(kind)
        if not attrs:
            attrs |= {"model": kept(name), "bus": bus, "id": f"{ids[2]}:{ids[3]}".lower()}
    if not found:
        raise NoData
    seen: dict[str, int] = {}
    told = []
    for _, (kinds, attrs) in sorted(found.items()):
        key = f"{attrs['id']} {attrs['model'] or ''}".strip()
        seen[key] = seen.get(key, 0) + 1  # of equal ones another socket changes nothing
        key = key if seen[key] == 1 else f"{key} #{seen[key]}"
        told.append(item("input", key, kind=next(kind for kind in _ORDER if kind in kinds), **attrs))
    return told


def _kind(facts: dict[str, str]) -> str | None:
    handlers = facts.get("H: Handlers", "").split()
    properties = _number(facts.get("B: PROP", "0"))
    if properties & _DIRECT:
        return "touchscreen"
    if any(re.fullmatch(r"mouse\d+", handler) for handler in handlers):
        return "touchpad" if properties & _BUTTONPAD or "touchpad" in facts.get("N: Name", "").lower() else "mouse"
    if any(re.fullmatch(r"js\d+", handler) for handler in handlers):
        return "gamepad"
    return "keyboard" if "kbd" in handlers and _number(facts.get("B: EV", "0")) & _REPEATS else None


def _number(text: str) -> int:
    """Of several words the last has the lowest bits."""
    try:
        return int((text.split() or ["0"])[-1], 16)
    except ValueError:
        return 0


COLLECTOR = Collector("input", 2, collect)
