"""Printers and scanners on this machine, and the queues it prints to (CUPS).

Things on USB are found without CUPS, by their class. Queues are asked of CUPS only where its files say that there are any;
maker, place and address are taken from printers.conf where root left it, because `lpstat` does not tell all of it.
Passwords in addresses are taken out; whether it is printing at this moment is not noted, it changes all day.
"""

import re
from urllib.parse import parse_qs, unquote, urlsplit

from densach_agent.collectors.device_names import Name, udev_facts
from densach_agent.collectors.model import Collector, item
from densach_agent.collectors.usb import UsbDevice, steady_keys, usb_devices, usb_names
from densach_agent.junk import kept
from densach_agent.machine import Denied, Machine, NoData, clean
from densach_wire.messages import Item, Value

_PRINTER, _STILL_IMAGE = 0x07, 0x06
_MAKERS = {"Hewlett-Packard": "HP", "SEIKO EPSON": "Epson"}
_MOST = 200
LPSTAT = ("lpstat", "-d", "-v", "-a", "-p")
CONFIGURATION = "etc/cups/printers.conf"
_PRINTCAPS = ("run/cups/printcap", "etc/printcap")


def collect(machine: Machine) -> list[Item]:
    devices = usb_devices(machine)
    keys = steady_keys(devices)
    printers = [device for device in devices if device.has(_PRINTER)]
    names = usb_names(machine, printers)
    found = [_printer(machine, device, names[device.port], keys[device.port]) for device in printers]
    for device in devices:
        if device.has(_PRINTER) or device.has(0xFF) or device.has(_STILL_IMAGE):
            facts = udev_facts(machine, device.udev)
            if facts.get("libsane_matched") == "yes":
                maker, model = usb_names(machine, [device])[device.port]
                found.append(item("scanner", keys[device.port], maker=maker, model=model, serial=device.serial, id=device.id,
                                  bus="usb", port=device.port))  # fmt: skip
    found += _queues(machine)
    if not found:
        raise NoData
    return found


def ieee1284(text: str | None) -> dict[str, str]:
    """A device id as IEEE 1284 has it: `MFG:HP;MDL:LaserJet P1102;…`; long names shortened."""
    long = {"MANUFACTURER": "MFG", "MODEL": "MDL", "COMMAND SET": "CMD", "SERN": "SN", "SERIALNUMBER": "SN", "DESCRIPTION": "DES"}
    pairs = (part.partition(":") for part in (text or "").split(";"))
    return {long.get(k.strip().upper(), k.strip().upper()): clean(v) for k, _, v in pairs if v.strip()}


def shown_uri(uri: str) -> tuple[str | None, str | None]:
    """An address fit to show, without user, password and query; and the serial number that it may carry."""
    try:
        parts = urlsplit(clean(uri))
        serial = parse_qs(parts.query).get("serial", [None])[0]
    except ValueError:
        return None, None
    host = parts.netloc.rpartition("@")[2]
    path = "" if parts.scheme in ("file", "cups-brf") else unquote(parts.path)
    return clean(f"{parts.scheme}://{unquote(host)}{path}") if parts.scheme else None, kept(serial)


def without_passwords(raw: bytes) -> bytes:
    """A configuration of CUPS with nobody's name and password in the addresses, and none of their secrets after a `?`
    but the serial number."""
    raw = re.sub(rb"(?m)^(DeviceURI \S*?//)[^/\n]*@", rb"\1", raw)
    return re.sub(rb"(?m)^(DeviceURI [^?\n]*)\?(?!serial=[^&\n]*$)[^\n]*", rb"\1", raw)


def _printer(machine: Machine, device: UsbDevice, name: Name, key: str) -> Item:
    told: dict[str, str] = {}
    for part in device.interfaces:
        if part.cls == _PRINTER and not told:
            told = ieee1284(_read(machine, f"sys/bus/usb/devices/{part.name}/ieee1284_id", 4096))
    return item(
        "printer", key, maker=_MAKERS.get(told.get("MFG", ""), kept(told.get("MFG"))) or name[0],
        model=kept(told.get("MDL")) or name[1],
        serial=device.serial or kept(told.get("SN")), id=device.id, bus="usb", port=device.port,
        languages=told.get("CMD"),
    )  # fmt: skip


def _queues(machine: Machine) -> list[Item]:
    configured = _configured(machine)
    hinted = bool(configured) or any("|" in _read(machine, path, 65536) for path in _PRINTCAPS)
    if not hinted and not any(name.endswith(".ppd") for name in machine.names("etc/cups/ppd")):
        return []
    told = _told(machine.command(*LPSTAT, seconds=1.5) or "")
    queues = told or configured
    return [_queue(machine, name, {**configured.get(name, {}), **queues[name]}) for name in sorted(queues)[:_MOST]]


def _queue(machine: Machine, name: str, facts: dict[str, Value]) -> Item:
    address, serial = shown_uri(str(facts.pop("uri", "") or ""))
    model = facts.pop("model", None) or _nickname(machine, name)
    return item("printer-queue", name, model=model or name, uri=address, serial=serial, **facts)


def _told(text: str) -> dict[str, dict[str, Value]]:
    """What `lpstat -d -v -a -p` says, in the C locale."""
    found: dict[str, dict[str, Value]] = {}
    for line in text.splitlines()[:2000]:
        if device := re.match(r"device for ([^:\s]+): (.*)", line):
            found.setdefault(device[1], {})["uri"] = device[2].strip()
    for line in text.splitlines()[:2000]:
        if (state := re.match(r"printer (\S+) (.*)", line)) and state[1] in found:
            found[state[1]]["paused"] = state[2].startswith("disabled") or None
        elif (accepts := re.match(r"(\S+) (not )?accepting requests", line)) and accepts[1] in found:
            found[accepts[1]]["refuses_jobs"] = bool(accepts[2]) or None
        elif (default := re.match(r"system default destination: (\S+)", line)) and default[1] in found:
            found[default[1]]["is_default"] = True
    return found


def _configured(machine: Machine) -> dict[str, dict[str, Value]]:
    """Queues by printers.conf, which only root may read."""
    blocks: dict[str, dict[str, str]] = {}
    told: dict[str, str] = {}
    for line in _read(machine, CONFIGURATION, 1024 * 1024).splitlines():
        if begin := re.match(r"<(Default)?Printer ([^>\s]+)>", line):
            told = blocks.setdefault(clean(begin[2]), {"Default": begin[1] or ""})
        elif line.startswith("<"):
            told = {}
        else:
            word, _, value = line.partition(" ")
            told[word] = value
    return {
        name: {
            "uri": told.get("DeviceURI"),
            "model": kept(clean(told.get("MakeModel", ""))),
            "place": clean(told.get("Location", "")) or None,
            "description": clean(told.get("Info", "")) or None,
            "is_default": bool(told["Default"]) or None,
            "paused": told.get("State") == "Stopped" or None,
            "refuses_jobs": told.get("Accepting") == "No" or None,
            "shared": told.get("Shared") == "Yes" or None,
        }
        for name, told in blocks.items()
    }


def _nickname(machine: Machine, name: str) -> str | None:
    text = _read(machine, f"etc/cups/ppd/{name}.ppd", 16384) if "/" not in name else ""
    found = re.search(r'^\*(?:NickName|ModelName): *"([^"\n]{1,200})"', text, re.MULTILINE)
    return clean(found[1]) if found else None


def _read(machine: Machine, path: str, limit: int) -> str:
    try:
        return machine.whole(path, limit) or ""
    except Denied:
        return ""


COLLECTOR = Collector("printer", 3, collect)
