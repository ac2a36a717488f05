"""What changed in a machine: two inventories of one section compared, without I/O.

Histories drown in data that flaps, so: lists are keyed and normalised first, attributes that move by themselves are left
out, a thing that moved to another slot (same serial) has moved, and a removal is only *suspected* until a second
inventory or another boot says the same. Software comes and goes by hundreds; it is counted, not told one by one.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

import msgspec

from densach_hub.fleet.junk import is_junk_serial
from densach_hub.fleet.telling import ChangeKind
from densach_wire.messages import Item, Value

HARDWARE = frozenset(
    {
        "memory", "memory-total", "disk", "gpu", "display", "board", "cpu", "chassis", "product", "network", "tpm",
        "battery", "bios",
    }
)  # fmt: skip
"""Classes whose changes are told one by one. Of what hangs on USB only `PLUGGED` is told: sticks, docks, disks and network
cards there come and go all day."""

PLUGGED = frozenset({"printer", "scanner", "camera", "capture", "microphone", "headset", "sound", "ups", "input"})
"""Things on a cable that belong to a place. They have no slot and their key holds their numbers and serial, so all that can
happen to them is that they go and come: their names may be better known after an update, and their port is nothing."""

SOFTWARE = frozenset({"package", "os"})
"""Classes that are counted together."""
_LESS = 0.9
"""Memory in sum is a rounded measurement: it changed when a tenth is missing or came."""

_MOVING_WORDS = frozenset(
    {
        "free", "used", "temp", "hours", "cycles", "wear", "speed", "mhz", "health", "smart", "percent", "pct", "count",
        "uptime", "rate", "address", "ipv4", "ipv6", "carrier", "link", "full", "state", "driver", "microcode", "modules",
    }
)  # fmt: skip
_LOOKED_UP = {
    "gpu": frozenset({"maker", "model"}),
    "network": frozenset({"maker", "model"}),
    "display": frozenset({"maker"}),
    "memory": frozenset({"maker"}),
    "disk": frozenset({"maker"}),
}
"""What no part says itself but a list of names does: a newer list is no other part. Its numbers, serial or model are what
it is known by."""
SECOND_LOOK_MS = 60_000
"""A second inventory confirms only when it was taken so long after the first."""


class Difference(msgspec.Struct, frozen=True):
    kind: ChangeKind
    item: Item
    before: dict[str, Value] | None = None
    after: dict[str, Value] | None = None


def normalised(items: Iterable[Item]) -> dict[tuple[str, str], Item]:
    """Items by class and key, texts trimmed. Of two with one key the first stays."""
    return {key: Item(*key, {k: _clean(v) for k, v in item.attrs.items()}) for key, item in _keyed(items).items()}


def _keyed(items: Iterable[Item]) -> dict[tuple[str, str], Item]:
    found: dict[tuple[str, str], Item] = {}
    for item in items:
        found.setdefault((item.cls.strip().casefold(), " ".join(item.key.split())), item)
    return found


def steady(item: Item) -> dict[str, Value]:
    """The attributes that stay while the thing stays: those say whether it is another thing."""
    return {k: v for k, v in item.attrs.items() if v is not None and not _moves(k)}


def compare(before: Sequence[Item], after: Sequence[Item]) -> list[Difference]:
    """What is different, hardware only, in a stable order: removed, moved, changed, added."""
    old, new = _watched(before), _watched(after)
    if any(i.cls == "memory" for i in (*old.values(), *new.values())):
        # Modules are known one by one (by root): their sum says nothing more.
        old = {k: i for k, i in old.items() if i.cls != "memory-total"}
        new = {k: i for k, i in new.items() if i.cls != "memory-total"}
    gone = [i for k, i in old.items() if k not in new]
    come = [i for k, i in new.items() if k not in old]
    found: list[Difference] = []
    for key, item in old.items():
        other = new.get(key)
        if other is None or item.cls in PLUGGED or steady(item) == steady(other):
            continue
        if _replaced(item, other):
            gone.append(item)
            come.append(other)
        elif _contradicts(item, other):
            found.append(Difference(ChangeKind.CHANGED, other, steady(item), steady(other)))
    by_serial = {(i.cls, s): i for i in come if (s := serial_of(i)) is not None}
    removed: list[Difference] = []
    for item in gone:
        serial = serial_of(item)
        match = by_serial.pop((item.cls, serial), None) if serial is not None else None
        if match is None:
            removed.append(Difference(ChangeKind.REMOVED, item, before=item.attrs))
        else:
            come.remove(match)
            found.append(moved(item, match))
    added = [Difference(ChangeKind.ADDED, i, after=i.attrs) for i in come]
    return [*removed, *found, *added]


def moved(was: Item, now: Item) -> Difference:
    """The same thing in another slot."""
    return Difference(ChangeKind.MOVED, now, {**was.attrs, "slot": was.key}, {**now.attrs, "slot": now.key})


def is_back(gone: Item, now: Iterable[Item]) -> bool:
    """Whether a suspected removal was none: the thing is there again, in its slot or (by serial) in another."""
    present = normalised(now)
    serial = serial_of(gone)
    there = present.get((gone.cls, gone.key))
    if there is not None and not _replaced(gone, there):
        return True
    return serial is not None and any(i.cls == gone.cls and serial_of(i) == serial for i in present.values())


def confirms(suspected_at: int, suspected_boot: str, at: int, boot: str) -> bool:
    """Whether an inventory that still lacks the thing proves that it is gone."""
    return boot != suspected_boot or at - suspected_at >= SECOND_LOOK_MS


def serial_of(item: Item) -> str | None:
    for name in ("serial", "wwn", "mac"):
        value = item.attrs.get(name)
        if isinstance(value, str) and not is_junk_serial(value):
            return " ".join(value.split()).casefold()
    return None


def _another_build(old: Item, new: Item) -> bool:
    """A package changed when its version did. A date, a maker or a licence somebody learned to read is no news of it."""
    if old.cls == "package" and "version" in old.attrs and "version" in new.attrs:
        return _clean(old.attrs["version"]) != _clean(new.attrs["version"])
    return _clean_steady(old) != _clean_steady(new)


def software_difference(before: Sequence[Item], after: Sequence[Item]) -> tuple[int, int, int]:
    """(added, removed, changed) of programs. There are thousands, and most are as they were: only the others are looked at
    closely."""
    old = {key: item for key, item in _keyed(before).items() if key[0] in SOFTWARE}
    new = {key: item for key, item in _keyed(after).items() if key[0] in SOFTWARE}
    unlike = [(item, new[key]) for key, item in old.items() if key in new and item.attrs != new[key].attrs]
    changed = sum(1 for a, b in unlike if _another_build(a, b))
    return len(new.keys() - old.keys()), len(old.keys() - new.keys()), changed


def _watched(items: Sequence[Item]) -> dict[tuple[str, str], Item]:
    every = normalised(item for item in items if item.cls not in SOFTWARE)
    return {key: item for key, item in every.items() if (_is_thing(item, every) if item.cls in PLUGGED else _is_fixed(item))}


def _is_fixed(item: Item) -> bool:
    movable = item.attrs.get("bus") == "usb" or item.attrs.get("removable") or item.attrs.get("random_mac")
    return item.cls in HARDWARE and not movable


def _is_thing(item: Item, every: Mapping[tuple[str, str], Item]) -> bool:
    """Not a part of another thing that is told already: the ear of a webcam, the scanner of a printer."""
    part = item.cls == "microphone" and item.attrs.get("bus") != "usb"
    ear = item.attrs.get("kind") in ("in a camera", "in a capture device")
    return not part and not ear and not (item.cls == "scanner" and ("printer", item.key) in every)


def _replaced(old: Item, new: Item) -> bool:
    """Another thing in the same slot: both have serials and they differ, or (without serials) the size differs."""
    if old.cls == "memory-total":
        return False
    a, b = serial_of(old), serial_of(new)
    if a is not None and b is not None:
        return a != b
    size_a, size_b = old.attrs.get("size_bytes"), new.attrs.get("size_bytes")
    return size_a is not None and size_b is not None and size_a != size_b


def _contradicts(old: Item, new: Item) -> bool:
    """An attribute both know says something else; one that one of them does not know proves nothing."""
    a, b = steady(old), steady(new)
    if old.cls == "memory-total":
        x, y = a.get("size_bytes"), b.get("size_bytes")
        return isinstance(x, int) and isinstance(y, int) and min(x, y) < _LESS * max(x, y)
    return any(a[k] != b[k] for k in (a.keys() & b.keys()) - _LOOKED_UP.get(old.cls, frozenset()))


def _clean(value: Value) -> Value:
    return " ".join(value.split()) if isinstance(value, str) else value


def _clean_steady(item: Item) -> dict[str, Value]:
    return {k: _clean(v) for k, v in steady(item).items()}


@lru_cache(maxsize=1024)
def _moves(name: str) -> bool:
    words = name.casefold().split("_")
    return any(word in _MOVING_WORDS for word in words)
