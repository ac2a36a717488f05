"""File systems on this machine's own disks: where, which kind, how large, on which device.

The size is the device's, from sysfs: no file system is asked, so none can hang. How full they are is health, not
inventory; what pupils plug in (USB sticks), what comes over the network and what programs mount for themselves (snap,
docker, FUSE) is left out.
"""

import re

from densach_agent.collectors import disk
from densach_agent.collectors.model import Collector, item
from densach_agent.machine import Machine, NoData, clean
from densach_wire.messages import Item

LOCAL = frozenset({
    "ext2", "ext3", "ext4", "xfs", "btrfs", "vfat", "exfat", "ntfs", "ntfs3", "fuseblk", "f2fs", "zfs", "jfs", "reiserfs",
    "bcachefs", "nilfs2", "hfsplus",
})  # fmt: skip
_OF_PROGRAMS = re.compile(r"/(snap|var/lib/(docker|containers|snapd|flatpak)|run/(user|credentials)|var/snap)(/|\Z)")
_ESCAPED = re.compile(r"\\([0-7]{3})")
_MOUNTS = "proc/self/mountinfo"
_SWAPS = "proc/swaps"


def collect(machine: Machine) -> list[Item]:
    found: dict[str, Item] = {}
    for line in (machine.whole(_MOUNTS, 1024 * 1024) or "").splitlines():
        left, _, right = line.partition(" - ")
        mounted, what = left.split(), right.split()
        if len(mounted) < 6 or len(what) < 3 or what[0] not in LOCAL:
            continue
        mount, device = _plain(mounted[4]), _plain(what[1])
        if _OF_PROGRAMS.match(mount):
            continue
        known = found.get(device)
        if known is not None and len(known.key) <= len(mount):
            continue  # mounted twice: the same space, named by the shorter path
        one = _one(machine, mount, mounted[2], what[0], device, what[2])
        if one is not None:
            found[device] = one
    items = sorted(found.values(), key=lambda one: one.key) + _swaps(machine)
    if not items:
        raise NoData
    return items


def _one(machine: Machine, mount: str, number: str, kind: str, device: str, options: str) -> Item | None:
    base = f"sys/dev/block/{number}"
    if not machine.exists(base):  # btrfs counts for itself: by the device's name
        base = f"sys/class/block/{device.rpartition('/')[2]}"
        number = machine.open_text(f"{base}/dev") or number
    if "/usb" in machine.resolved(base):
        return None
    udev = disk.facts_of_device(machine, number)
    return item(
        "filesystem",
        mount,
        kind=udev.get("ID_FS_TYPE") or "ntfs" if kind == "fuseblk" else kind,
        size_bytes=(machine.number(f"{base}/size") or 0) * 512 or None,
        device=device,
        disk=_disk_below(machine, base),
        volume=udev.get("ID_FS_LABEL"),
        uuid=udev.get("ID_FS_UUID"),
        # Of the file system itself: our own view of it may be read-only while it is not.
        read_only="ro" in options.split(",") or None,
    )


def _disk_below(machine: Machine, base: str) -> str | None:
    """The disk a partition lies on, also below one layer of LVM or encryption."""
    below = machine.names(f"{base}/slaves")
    *_, parent, name = machine.resolved(f"sys/class/block/{below[0]}" if below else base).split("/")
    found = next((one for one in (parent, name) if machine.exists(f"sys/block/{one}")), None)
    return None if found is None or found.startswith(("dm-", "md")) else found


def _swaps(machine: Machine) -> list[Item]:
    found = []
    for line in (machine.whole(_SWAPS, 65536) or "").splitlines()[1:]:
        words = line.split()
        if len(words) >= 3 and words[2].isdecimal() and not words[0].startswith("/dev/zram"):
            found.append(item("swap", _plain(words[0]), kind=words[1], size_bytes=int(words[2]) * 1024))
    return found


def _plain(text: str) -> str:
    """Spaces and such are written in octal (`/media/My\\040disk`)."""
    return clean(_ESCAPED.sub(lambda found: chr(int(found[1], 8)), text))


COLLECTOR = Collector("filesystems", 2, collect)
