"""Copies of everything a school cannot make again, taken while the hub runs; and the way back onto an empty machine.

A backup folder holds `files/` (content-addressed, shared by all backups) and one dated folder per backup with the databases,
the documents, the keys and a manifest with hashes. A backup counts only once its manifest is in place.
"""

import errno
import hashlib
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from densach_core.clock import moment
from densach_core.database import LEAST_BYTES, copy_database
from densach_core.errors import BadInput, Conflict, NotFound, Unavailable, disk_full
from densach_core.text import t

DATABASES = ("school.db", "telemetry.db")
FOLDERS = ("documents", "keys", "criteria")
SINGLES = ("densach.toml", "clock.json", "school-id")
MANIFEST = "manifest.json"
SHA256_DIGITS = 64
UNREADABLE = {errno.ENOENT, errno.EIO}
"""Not there, or on a bad spot of the disk."""
Progress = Callable[[str], None]


class Part(msgspec.Struct, frozen=True):
    """One file of a backup: path below the dated folder (or below `files/` for stored files), SHA-256, bytes."""

    path: str
    sha256: str
    size: int


class Manifest(msgspec.Struct, frozen=True):
    """What a backup holds. `stored` are the library's files, by their place in the shared `files/` folder."""

    version: int
    taken_at: int
    parts: tuple[Part, ...]
    stored: tuple[str, ...]


def backup(data: Path, target: Path, *, now_ms: int, keep: int | None = None, told: Progress = lambda _: None) -> Path:
    """Backs a data folder up into `target`; returns the dated folder. May run beside a working hub.

    Raises NotFound("backup.nothing"), Unavailable("backup.no-folder").
    """
    if not (data / "school.db").exists():
        raise NotFound("backup.nothing", t("There is no hub in {folder}.", folder=str(data)))
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(
            "backup.no-folder",
            t("Backups cannot be written to {folder}.", folder=str(target)),
            t("Is the second disk plugged in and mounted?"),
        ) from error
    name = moment(now_ms).strftime("%Y%m%d-%H%M%S")
    draft = target / f".{name}.part"
    with _draft_in(draft):
        _fill(data, target, draft, now_ms, told)
    final = target / name
    if final.exists():
        shutil.rmtree(final)
    draft.rename(final)
    _sync(target)
    if keep is not None:
        _thin(target, keep)
    return final


@contextmanager
def _draft_in(draft: Path) -> Iterator[None]:
    """A new folder to work in; gone again when the work fails, so that what fails for want of room gives it back."""
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True, mode=0o700)
    try:
        yield
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _fill(data: Path, target: Path, draft: Path, now_ms: int, told: Progress) -> None:
    for database in DATABASES:
        if (data / database).exists():
            told(database)
            copy_database(data / database, draft / database)
    for folder in FOLDERS:
        if (data / folder).is_dir():
            shutil.copytree(data / folder, draft / folder, ignore=shutil.ignore_patterns("*.new", "lock"))
    for single in SINGLES:
        if (data / single).exists():
            shutil.copy2(data / single, draft / single)
    stored = _copy_stored(data / "files", target / "files", told)
    parts = tuple(
        Part(path.relative_to(draft).as_posix(), _sha256(path), path.stat().st_size)
        for path in sorted(draft.rglob("*"))
        if path.is_file()
    )
    manifest = Manifest(1, now_ms, parts, stored)
    _write_synced(draft / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=1))
    for path in (*draft.rglob("*"), draft):
        _sync(path)


def newest(folder: Path) -> Path | None:
    """The newest complete backup in a backup folder (or the folder itself, if it is one)."""
    if (folder / MANIFEST).exists():
        return folder
    found = [path.parent for path in folder.glob(f"*/{MANIFEST}")] if folder.is_dir() else []
    return max(found, key=lambda path: path.name, default=None)


def taken_at(backup_folder: Path) -> int:
    """When a backup was taken (epoch ms), as its manifest says."""
    return _manifest(backup_folder).taken_at


def restore(
    source: Path, data: Path, *, told: Progress = lambda _: None, without: Callable[[str], None] | None = None
) -> Manifest:
    """Puts a backup back into an empty data folder, after checking every hash and both databases.

    Nothing is put in place before all of it is checked; a folder that holds a hub is never overwritten. `without` is told of
    each library file that is damaged or missing and therefore left out (all backups share these files: an older one has no
    other); None: a backup like that is refused.
    Raises NotFound("restore.no-backup"), Conflict("restore.not-empty"), BadInput("restore.damaged").
    """
    chosen = newest(source)
    if chosen is None:
        raise NotFound(
            "restore.no-backup",
            t("There is no complete backup in {folder}.", folder=str(source)),
            t("Name the folder that `densach backup` wrote into."),
        )
    if data.exists() and any(path.name != "lock" for path in data.iterdir()):
        raise Conflict(
            "restore.not-empty",
            t("{folder} is not empty.", folder=str(data)),
            t("Restore into a new folder, or move the old one aside."),
        )
    manifest = _manifest(chosen)
    draft = data.with_name(data.name + ".restoring")
    with _draft_in(draft):
        _put_back(chosen, manifest, draft, told)
        _put_back_stored(chosen.parent / "files", manifest, draft / "files", without)
        for path in (*draft.rglob("*"), draft):
            _sync(path)
    data.mkdir(parents=True, exist_ok=True)
    for path in draft.iterdir():
        path.rename(data / path.name)
    draft.rmdir()
    _sync(data)
    return manifest


def _put_back(chosen: Path, manifest: Manifest, draft: Path, told: Progress) -> None:
    for part in manifest.parts:
        told(part.path)
        place = draft / part.path
        place.parent.mkdir(parents=True, exist_ok=True)
        if not (chosen / part.path).exists() or _sha256(chosen / part.path) != part.sha256:
            raise _damaged(part.path)
        shutil.copy2(chosen / part.path, place)
    for database in DATABASES:
        if (draft / database).exists() and (fault := quick_check(draft / database)) is not None:
            raise _damaged(f"{database}: {fault}")


def _put_back_stored(source: Path, manifest: Manifest, target: Path, without: Callable[[str], None] | None) -> None:
    """A library file's name is its hash: it says itself whether it is whole."""
    for stored in manifest.stored:
        place = target / stored
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copy2(source / stored, place)
            whole = len(place.name) != SHA256_DIGITS or _sha256(place) == place.name
        except OSError as error:
            if error.errno not in UNREADABLE:
                raise
            whole = False
        if not whole:
            place.unlink(missing_ok=True)
            if without is None:
                raise _damaged(f"files/{stored}")
            without(stored)


def quick_check(path: Path, *, seconds: float | None = None) -> str | None:
    """None when SQLite finds a database whole, else its first complaint. Raises TimeoutError after `seconds`, and Unavailable
    where a full disk leaves no room to look: that is no damage, whatever SQLite calls it."""
    connection = sqlite3.connect(path)
    if seconds is not None:
        until = time.monotonic() + seconds
        connection.set_progress_handler(lambda: time.monotonic() > until, 10_000)
    try:
        said = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.DatabaseError as error:
        if str(error) == "interrupted":
            raise TimeoutError from error
        if isinstance(error, sqlite3.OperationalError) and shutil.disk_usage(path.parent).free < LEAST_BYTES:
            raise disk_full() from error
        return str(error)
    finally:
        connection.close()
    return None if said == "ok" else said


def _manifest(folder: Path) -> Manifest:
    try:
        return msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except msgspec.DecodeError as error:
        raise _damaged(MANIFEST) from error


def _damaged(what: str) -> BadInput:
    return BadInput(
        "restore.damaged",
        t("This backup is damaged: {what}", what=what),
        t("Use an older backup; nothing was changed."),
    )


def _copy_stored(source: Path, target: Path, told: Progress) -> tuple[str, ...]:
    """Stored files never change once named by their hash: only new ones are copied."""
    names = []
    # Below the first level: beside these folders lies what is on its way into the library.
    for path in sorted(source.glob("*/*")) if source.is_dir() else []:
        if not path.is_file() or path.name.startswith("."):
            continue
        name = path.relative_to(source).as_posix()
        place = target / name
        if not place.exists() or place.stat().st_size != path.stat().st_size:
            told(name)
            place.parent.mkdir(parents=True, exist_ok=True)
            part = place.with_name(f".{place.name}.part")
            try:
                shutil.copy2(path, part)
                _sync(part)
                part.rename(place)
            except BaseException as error:
                part.unlink(missing_ok=True)
                if isinstance(error, FileNotFoundError) and not path.exists():
                    continue  # removed from the library a moment ago
                raise
        names.append(name)
    return tuple(names)


def _thin(target: Path, keep: int) -> None:
    complete = sorted((path.parent for path in target.glob(f"*/{MANIFEST}")), key=lambda path: path.name)
    for old in complete[: max(0, len(complete) - keep)]:
        shutil.rmtree(old)
    wanted = {name for path in target.glob(f"*/{MANIFEST}") for name in _manifest(path.parent).stored}
    for path in (target / "files").rglob("*"):
        day_old = path.is_file() and time.time() - path.stat().st_mtime > 86_400
        if day_old and path.relative_to(target / "files").as_posix() not in wanted:
            path.unlink()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_synced(path: Path, body: bytes) -> None:
    with path.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
