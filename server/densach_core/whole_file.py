"""Small files that must survive a power cut: all of it or what was there before, and on the disk when this returns."""

import os
from pathlib import Path


def write_whole(path: Path, body: bytes, mode: int = 0o644) -> None:
    """Temporary file, fsync, rename, fsync of the folder. Raises OSError (a full disk among them)."""
    draft = path.with_name(path.name + ".new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "wb") as file:
        os.fchmod(handle, mode)
        file.write(body)
        file.flush()
        os.fsync(handle)
    draft.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """The names in it are on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
