"""Where files live: named by the SHA-256 of their bytes, so that two equal files are one and a damaged one is noticed.

A file is complete before it gets its name: temp file beside it, fsync, rename, fsync of the folder.
"""

import errno
import hashlib
import os
import shutil
import time
from pathlib import Path

from densach_core.errors import Unavailable
from densach_core.text import t

BLOCK = 1024 * 1024
KEEP_FREE_BYTES = 200 * 1024 * 1024
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Vault:
    """The folder `files/`. All methods block: call them in a thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, digest: str) -> Path:
        """Where a file of this name is (or would be); two levels, so that no folder grows endless."""
        return self.folder / digest[:2] / digest

    def has(self, digest: str) -> bool:
        return self.path(digest).is_file()

    def adopt(self, whole: Path, digest: str) -> Path:
        """Takes over a complete, fsynced file of the same file system. The group may read it: it may be nginx that sends it."""
        target = self._place(digest)
        if target.exists():
            whole.unlink(missing_ok=True)
        else:
            whole.chmod(whole.stat().st_mode & 0o777 | 0o040)
            whole.replace(target)
            sync_folder(target.parent)
        return target

    def copy(self, source: Path) -> str:
        """Copies a file from elsewhere; returns its name. Raises Unavailable when the disk is full."""
        self.must_have_room(source.stat().st_size)
        digest = hashlib.sha256()
        temporary = self.folder / f"new-{os.urandom(8).hex()}"
        try:
            with source.open("rb") as old, temporary.open("wb") as new:
                while block := old.read(BLOCK):
                    digest.update(block)
                    new.write(block)
                new.flush()
                os.fsync(new.fileno())
            self.adopt(temporary, digest.hexdigest())
        except OSError as error:
            if error.errno in FULL:
                raise disk_full() from error
            raise
        finally:
            temporary.unlink(missing_ok=True)
        return digest.hexdigest()

    def keep(self, body: bytes) -> str:
        """Keeps a small file (a cover); returns its name."""
        digest = hashlib.sha256(body).hexdigest()
        if not self.has(digest):
            temporary = self.folder / f"new-{os.urandom(8).hex()}"
            try:
                with temporary.open("wb") as new:
                    new.write(body)
                    new.flush()
                    os.fsync(new.fileno())
                self.adopt(temporary, digest)
            except OSError as error:
                temporary.unlink(missing_ok=True)
                if error.errno in FULL:
                    raise disk_full() from error
                raise
        return digest

    def must_have_room(self, size: int) -> None:
        """Refuses what would fill the disk. Raises Unavailable("library.disk-full")."""
        if shutil.disk_usage(self.folder).free - size < KEEP_FREE_BYTES:
            raise disk_full()

    def sweep(self) -> None:
        """Removes what a killed process left half-written an hour ago or more (a command may be writing right now)."""
        for left in self.folder.glob("new-*"):
            if left.stat().st_mtime < time.time() - 3600:
                left.unlink(missing_ok=True)

    def _place(self, digest: str) -> Path:
        target = self.path(digest)
        if not target.parent.is_dir():
            target.parent.mkdir(exist_ok=True)
            sync_folder(self.folder)
        return target


def digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_folder(folder: Path) -> None:
    """A rename is on disk only when its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def disk_full() -> Unavailable:
    return Unavailable(
        "library.disk-full",
        t("There is no room left for this file on the hub's disk."),
        t("Free some space, then go on: what has arrived so far is kept."),
    )
