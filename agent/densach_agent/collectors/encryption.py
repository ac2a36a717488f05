"""Whether what is on the disks can be read by who takes them out: LUKS, by the ids of device mapper and what hangs on
what. Nothing is opened, no key is looked for."""

import re
from collections.abc import Iterator

from densach_agent.collectors.model import Collector, item
from densach_agent.machine import Denied, Machine, NoData, clean
from densach_wire.messages import Item

_DISK_SYSTEMS = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "jfs", "reiserfs", "vfat", "exfat", "ntfs", "ntfs3"})
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
        text = machine.whole("proc/self/mounts", 256 * 1024) or machine.whole("proc/mounts", 256 * 1024) or ""
    except Denied:
        return
    seen = set()
    for line in text.splitlines()[:2000]:
        parts = line.split(" ")
        if len(parts) >= 3 and parts[0].startswith("/dev/") and parts[2] in _DISK_SYSTEMS and parts[1] not in seen:
            seen.add(parts[1])
            if parts[1] in ("/", "/home", "/var", "/srv", "/data") or parts[1].startswith(("/mnt", "/home/")):
                yield clean(_unescaped(parts[1])), _unescaped(parts[0]).removeprefix("/dev/")


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
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)


COLLECTOR = Collector("encryption", 2, collect)
