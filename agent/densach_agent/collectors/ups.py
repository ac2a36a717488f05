"""Uninterruptible power supplies: on USB (their report descriptor says "power device"), and what NUT knows of any.

What moves (charge, load, volts) is not inventory. One that NUT watches by USB has the same key as without NUT.
"""

import re
from collections.abc import Sequence

from densach_agent.collectors.model import Collector, item
from densach_agent.collectors.usb import UsbDevice, steady_keys, usb_devices, usb_names, usb_parent
from densach_agent.junk import kept
from densach_agent.machine import Denied, Machine, NoData, clean
from densach_wire.messages import Item, Value

_HID = "sys/bus/hid/devices"
_POWER_PAGE = b"\x05\x84"
"""HID: usage page "power device" (Universal Serial Bus Usage Tables for HID Power Devices 1.1)."""
_TALKS_SERIAL = frozenset({"0665:5161", "0001:0000", "06da:0003", "0f03:0001", "05b8:0000", "0483:0035"})
"""Chips of cheap ones that speak a serial protocol over HID and do not say what they are."""
_MOST = 8
_UPSC = ("usr/bin/upsc", "bin/upsc")


def collect(machine: Machine) -> list[Item]:
    devices = usb_devices(machine)
    keys, mine = steady_keys(devices), _on_usb(machine, devices)
    names = usb_names(machine, mine)
    found: dict[str, dict[str, Value]] = {}
    for device in mine:
        maker, model = names[device.port]
        found[keys[device.port]] = {
            "maker": maker, "model": device.model or model, "serial": device.serial, "id": device.id, "bus": "usb",
            "port": device.port,
        }  # fmt: skip
    for name, facts in _by_nut(machine).items():
        key = _same(mine, keys, facts) or name
        found[key] = {**found.get(key, {}), **{k: v for k, v in _told(facts).items() if v is not None}, "nut_name": name}
    if not found:
        raise NoData
    return [item("ups", key, **found[key]) for key in sorted(found)]


def _on_usb(machine: Machine, devices: Sequence[UsbDevice]) -> list[UsbDevice]:
    powers = set()
    for name in machine.names(_HID)[:256]:
        try:
            descriptor = machine.raw(f"{_HID}/{name}/report_descriptor", 64)
        except Denied:
            continue
        if descriptor is not None and descriptor.startswith(_POWER_PAGE):
            powers.add(usb_parent(machine, f"{_HID}/{name}"))
    return [device for device in devices if device.port in powers or device.id in _TALKS_SERIAL]


def _by_nut(machine: Machine) -> dict[str, dict[str, str]]:
    """Name → what `upsc` says. Raises TimeoutError if its server should answer and does not."""
    if not any(machine.exists(path) for path in _UPSC):
        return {}
    listed = machine.command("upsc", "-l", seconds=1.0)
    if listed is None:
        wanted = machine.names("etc/systemd/system/multi-user.target.wants")
        if "nut-server.service" in wanted:
            raise TimeoutError("upsd does not answer")
        return {}
    names = [name for name in listed.split() if re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", name) and name[0] != "-"]
    found = {}
    for name in names[:_MOST]:
        text = machine.command("upsc", name, seconds=0.5) or ""
        pairs = (line.partition(":") for line in text.splitlines()[:500])
        found[name] = {key.strip(): clean(value) for key, _, value in pairs}
    return found


def _told(facts: dict[str, str]) -> dict[str, Value]:
    def first(*keys: str) -> str | None:
        return next((value for key in keys if (value := kept(facts.get(key))) is not None), None)

    return {
        "maker": first("device.mfr", "ups.mfr"),
        "model": first("device.model", "ups.model"),
        "serial": first("device.serial", "ups.serial"),
        "firmware": first("ups.firmware"),
        "power_va": _number(facts.get("ups.power.nominal")),
        "power_w": _number(facts.get("ups.realpower.nominal")),
        "battery_date": first("battery.mfr.date", "battery.date"),
        "chemistry": facts.get("battery.type") or None,
        "battery_due": "RB" in facts.get("ups.status", "").split() or None,
        "driver": facts.get("driver.name") or None,
    }


def _same(devices: list[UsbDevice], keys: dict[str, str], facts: dict[str, str]) -> str | None:
    """The key of the USB device that NUT speaks of: by serial, else the only one with its numbers."""
    serial = facts.get("device.serial") or facts.get("ups.serial")
    vendor, product = facts.get("ups.vendorid", "").lower(), facts.get("ups.productid", "").lower()
    by_serial = [device for device in devices if serial and device.serial == serial]
    alike = [device for device in devices if vendor and (device.vendor, device.product) == (vendor, product)]
    match = by_serial or (alike if len(alike) == 1 else [])
    return keys[match[0].port] if match else None


def _number(text: str | None) -> int | None:
    found = re.fullmatch(r"(\d{1,6})(\.\d+)?", text or "")
    return int(found[1]) or None if found else None


COLLECTOR = Collector("ups", 3, collect)
