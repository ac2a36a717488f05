"""What a USB or PCI device is called, by its numbers: from what udev remembers of it, else from the lists of names that
distributions ship (usb.ids, pci.ids), else from udev's own database (hwdb.bin, the trie described in systemd's
hwdb-internal.h). Each is asked only for what the ones before it did not know, and only the wanted entries are read.
"""

import contextlib
import mmap
import os
import re
import stat
import struct
import zlib
from collections.abc import Mapping
from typing import TypeAlias

from densach_agent.machine import Denied, Machine, clean

Pair: TypeAlias = tuple[str, str]
"""Vendor and product, four hexadecimal digits each, in lower case."""
Name: TypeAlias = tuple[str | None, str | None]
"""Maker and model."""

_LISTS = {
    "pci": ("usr/share/misc/pci.ids", "usr/share/hwdata/pci.ids", "usr/share/pci.ids"),
    "usb": ("usr/share/misc/usb.ids", "usr/share/hwdata/usb.ids", "var/lib/usbutils/usb.ids", "usr/share/usb.ids"),
}
_HWDB = ("etc/udev/hwdb.bin", "usr/lib/udev/hwdb.bin", "lib/udev/hwdb.bin")
_PATTERN = {"pci": ("pci:v0000{}*", "pci:v0000{}d0000{}*"), "usb": ("usb:v{}*", "usb:v{}p{}*")}
_LARGEST_LIST = 4 * 1024 * 1024
_SMALL = 2048
_VENDOR = rb"\n([0-9a-f]{4})  "
_NEXT_VENDOR = rb"\n[^\t#\n]"
_DIGITS = frozenset("0123456789abcdef")


def device_names(machine: Machine, bus: str, wanted: Mapping[Pair, str]) -> dict[Pair, Name]:
    """`wanted`: pair → file below run/udev/data that udev keeps about such a device ("" if not known)."""
    found: dict[Pair, Name] = {pair: _of_udev(machine, file) if file else (None, None) for pair, file in wanted.items()}
    sensible = {pair for pair in wanted if all(len(part) == 4 and _DIGITS.issuperset(part) for part in pair)}
    for source in (_of_list, _of_hwdb):
        unknown = {pair for pair in sensible if found[pair][1] is None}
        if unknown:
            for pair, (maker, model) in source(machine, bus, unknown).items():
                found[pair] = (found[pair][0] or maker, model)
    return found


def udev_facts(machine: Machine, file: str) -> dict[str, str]:
    """What udev remembers of a device: `file` is the name below run/udev/data (`c189:5`, `+pci:0000:00:02.0`)."""
    text = machine.whole(f"run/udev/data/{file}", 65536) if file else None
    pairs = (line[2:].partition("=") for line in (text or "").splitlines() if line.startswith("E:"))
    return {key: clean(value) for key, _, value in pairs}


def _of_udev(machine: Machine, file: str) -> Name:
    facts = udev_facts(machine, file)
    return facts.get("ID_VENDOR_FROM_DATABASE") or None, facts.get("ID_MODEL_FROM_DATABASE") or None


def _of_list(machine: Machine, bus: str, wanted: set[Pair]) -> dict[Pair, Name]:
    text = next((text for path in _LISTS[bus] if (text := _list(machine, path)) is not None), b"")
    if not text:
        return {}
    found, next_vendor = {}, re.compile(_NEXT_VENDOR)
    for pair in wanted:
        vendor, product = (part.encode() for part in pair)
        start = _vendor(text, vendor)
        if start >= 0:
            after = next_vendor.search(text, start + 1)
            end = len(text) if after is None else after.start()
            place = text.find(b"\n\t" + product + b"  ", start, end)
            found[pair] = (_rest(text, start + 7), _rest(text, place + 8) if place >= 0 else None)
    return found


def _vendor(text: bytes, vendor: bytes) -> int:
    """Where the line of this maker begins, -1 if nowhere. The lists are in order: halving is quick; where one is not, it is
    looked through."""
    low, high, vendors = 0, len(text), re.compile(_VENDOR)
    while high - low > _SMALL:
        middle = (low + high) // 2
        line = vendors.search(text, middle, high)
        if line is not None and line[1] <= vendor:
            low = line.start()
        else:
            high = middle + 8  # the line that this cuts in two begins before
    place = text.find(b"\n" + vendor + b"  ", low, high)
    return place if place >= 0 else text.find(b"\n" + vendor + b"  ")


def _list(machine: Machine, path: str) -> bytes | None:
    for name in (path, f"{path}.gz"):
        try:
            raw = machine.raw(name, _LARGEST_LIST)
        except Denied:
            continue
        if raw is not None and name.endswith(".gz"):
            try:
                raw = zlib.decompressobj(31).decompress(raw, _LARGEST_LIST)
            except zlib.error:
                continue
        if raw is not None:
            return raw
    return None


def _rest(text: bytes, start: int) -> str | None:
    return clean(text[start : start + 400].partition(b"\n")[0].decode("utf-8", "replace")) or None


def _of_hwdb(machine: Machine, bus: str, wanted: set[Pair]) -> dict[Pair, Name]:
    for path in _HWDB:
        with contextlib.suppress(OSError, OverflowError, ValueError, struct.error):
            file = os.open(machine.root / path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                if not stat.S_ISREG(os.fstat(file).st_mode):
                    continue
                with mmap.mmap(file, 0, prot=mmap.PROT_READ) as data:
                    return {pair: _hwdb_name(data, bus, pair) for pair in wanted}
            finally:
                os.close(file)
    return {}


def _hwdb_name(data: mmap.mmap, bus: str, pair: Pair) -> Name:
    vendor, product = (part.upper() for part in pair)
    one, both = _PATTERN[bus]
    maker = hwdb_entry(data, one.format(vendor)).get("ID_VENDOR_FROM_DATABASE")
    model = hwdb_entry(data, both.format(vendor, product)).get("ID_MODEL_FROM_DATABASE")
    return maker or None, model or None


def hwdb_entry(data: mmap.mmap | bytes, pattern: str) -> dict[str, str]:
    """The properties under exactly this pattern. Raises struct.error and ValueError on a damaged file."""
    if data[:8] != b"KSLPHHRH":
        raise ValueError("no hwdb")
    node_size, child_size, value_size, node = struct.unpack_from("<4Q", data, 32)
    if node_size < 24 or child_size < 16 or value_size < 16:
        raise ValueError("no hwdb")
    query, at = pattern.encode(), 0
    while True:
        prefix_at, children, values = struct.unpack_from("<QB7xQ", data, node)
        prefix = _string(data, prefix_at) if prefix_at else b""
        if not query.startswith(prefix, at):
            return {}
        at += len(prefix)
        table = node + node_size
        if at == len(query):
            return _properties(data, table + children * child_size, value_size, min(values, 100))
        for n in range(children):
            letter, child = struct.unpack_from("<B7xQ", data, table + n * child_size)
            if letter == query[at]:
                node, at = child, at + 1
                break
        else:
            return {}


def _properties(data: mmap.mmap | bytes, table: int, size: int, count: int) -> dict[str, str]:
    found = {}
    for n in range(count):
        key, value = struct.unpack_from("<2Q", data, table + n * size)
        found[_word(data, key)] = _word(data, value)
    return found


def _word(data: mmap.mmap | bytes, start: int) -> str:
    return clean(_string(data, start).decode("utf-8", "replace"))


def _string(data: mmap.mmap | bytes, start: int) -> bytes:
    return data[start : start + 400].partition(b"\0")[0]
