"""Whether what is on the disks can be read by who takes them out: LUKS, by the ids of device mapper and what hangs on
what. Nothing is opened, no key is looked for."""

import re
from collections.abc import Iterator

from densach_agent.collectors.model import Collector, item
from densach_agent.machine import Denied, Machine, NoData, clean
from densach_wire.messages import Item

_DISK_SYSTEMS = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "jfs", "reiserfs", "vfat", "exfat", "ntfs", "ntfs3"})
_TOLD = frozenset({"/", "/home", "/var", "/srv", "/data"})
_DEPTH = 8


def collect(machine: Machine) -> list[Item]:
    mounts = dict(_mounts(machine))
    kinds = {point: _kind(machine, source) for point, source in mounts.items()}
    if all(kind is None for kind in kinds.values()):
        raise NoData
    locked = sorted(point for point, kind in kinds.items() if kind)
    swaps = [_kind(machine, name) for name in _swaps(machine)]
    return [
        item(
            "encryption", "encryption",
            root_encrypted=_known(kinds.get("/")),
            home_encrypted=_known(kinds.get("/home", kinds.get("/"))),
            swap_encrypted=all(swaps) if swaps and None not in swaps else None,
            mounts=", ".join(locked)[:200] or None,
            open_mounts=", ".join(sorted(point for point, kind in kinds.items() if kind == ""))[:200] or None,
            kind=", ".join(sorted({kind for kind in kinds.values() if kind})) or None,
        )
    ]  # fmt: skip


def _known(kind: str | None) -> bool | None:
    return None if kind is None else kind != ""


def _mounts(machine: Machine) -> Iterator[tuple[str, str]]:
    """Mount point → the block device (`sda2`, `dm-1`, `mapper/name`), the first that lies there."""
    try:
        text = machine.whole("proc/self/mountinfo", 256 * 1024) or ""
    except Denied:
        return
    seen = set[str]()
    numbers = {machine.open_text(f"sys/block/{name}/dev"): name for name in machine.names("sys/block") if name.startswith("dm-")}
    for line in text.splitlines()[:2000]:
        left, _, right = line.partition(" - ")
        place, system = left.split(" "), right.split(" ")
        if len(place) < 5 or len(system) < 2 or system[0] not in _DISK_SYSTEMS or place[4] in seen:
            continue
        seen.add(place[4])
        if system[1].startswith("/dev/") and (place[4] in _TOLD or place[4].startswith(("/mnt", "/home/"))):
            mapped = system[1].startswith("/dev/mapper/") and numbers.get(place[2])
            yield clean(_unescaped(place[4])), mapped or _unescaped(system[1]).removeprefix("/dev/")


def _swaps(machine: Machine) -> list[str]:
    """Swap on block devices. Files lie in a file system that is told of; compressed memory is none."""
    text = machine.whole("proc/swaps", 65536) or ""
    names = (line.split()[0] for line in text.splitlines()[1:] if line.strip())
    return [name.removeprefix("/dev/") for name in names if name.startswith("/dev/") and "zram" not in name]


def _kind(machine: Machine, source: str) -> str | None:
    """`LUKS2` …; "" if nothing below is encrypted; None if sysfs does not know the device."""
    name = _block_name(machine, source)
    return None if name is None else _below(machine, name, _DEPTH)


def _block_name(machine: Machine, source: str) -> str | None:
    if source.startswith("mapper/"):
        wanted = source.removeprefix("mapper/")
        mapped = (name for name in machine.names("sys/block") if name.startswith("dm-"))
        return next((name for name in mapped if machine.open_text(f"sys/block/{name}/dm/name") == wanted), None)
    return source if re.fullmatch(r"(dm-|sd|vd|hd|xvd|nvme|mmcblk|md|nbd)[A-Za-z0-9-]*", source) else None


def _below(machine: Machine, name: str, depth: int) -> str:
    told = re.match(r"CRYPT-(LUKS\d|[A-Z]+)", machine.open_text(f"sys/block/{name}/dm/uuid") or "")
    if told:
        return told[1]
    if depth == 0:
        return ""
    found = [_below(machine, slave, depth - 1) for slave in machine.names(f"sys/block/{name}/slaves")[:32]]
    return found[0] if found and all(found) else ""  # of two disks below one, both must be


def _unescaped(text: str) -> str:
    raw = re.sub(rb"\\([0-7]{3})", lambda found: bytes([int(found[1], 8) & 0xFF]), text.encode("utf-8", "replace"))
    return raw.decode("utf-8", "replace")


COLLECTOR = Collector("encryption", 2, collect)
