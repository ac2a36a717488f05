"""Room on a disk, asked for before it is used."""

import shutil
from pathlib import Path

from densach_hub.upkeep.bundle import problems
from densach_hub.upkeep.bundle.rules import human

FAT = {"vfat", "msdos", "fat"}
FAT_LIMIT = 4 * 1024**3 - 1
"""Bytes of the longest file FAT32 takes: most sticks are sold with it."""


def enough_room(folder: Path, size: int) -> None:
    """Raises Problem("bundle.no-room") when `size` bytes and a hundredth more do not fit where `folder` lies."""
    there = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    free = shutil.disk_usage(there).free
    needed = size + size // 100 + 1_000_000
    if needed > free:
        raise problems.no_room(str(folder), human(needed), human(free))


def file_system(folder: Path) -> str:
    """The kind of file system a folder lies on, as the kernel names it."""
    found, kind = -1, ""
    for line in Path("/proc/mounts").read_text("utf-8", "replace").splitlines():
        words = line.split()
        place = words[1].encode().decode("unicode_escape")
        if len(place) > found and folder.absolute().is_relative_to(place):
            found, kind = len(place), words[2]
    return kind
