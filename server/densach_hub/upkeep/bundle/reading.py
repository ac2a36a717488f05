"""Checks a bundle and opens it. Nothing of it is used before its signature and then each file's digest were checked."""

import hashlib
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

from densach_core.whole_file import sync_folder
from densach_hub.upkeep.bundle import problems
from densach_hub.upkeep.bundle.keys import Trust, check_signature
from densach_hub.upkeep.bundle.model import FORMAT, MANIFEST, SIGNATURE, Entry, Manifest, Signature
from densach_hub.upkeep.bundle.room import enough_room
from densach_hub.upkeep.bundle.rules import human, is_safe

Progress = Callable[[str], None]
_HEAD_LIMIT = 64 * 1024**2
"""Bytes a manifest may have; a bundle of 5,000 files has one of a megabyte."""
_BLOCK = 1 << 20
_LEFT_BY_PLAYS = {"__pycache__", ".ansible"}


class Checked(msgspec.Struct, frozen=True):
    """A bundle whose signature is good. `key`: the maker's; `known`: whether it was trusted before, or named.

    `before`: when the one was made whose place it took, epoch ms; 0 for none.
    """

    manifest: Manifest
    key: bytes
    known: bool
    before: int = 0


def verify(file: Path, trust: Trust, told: Progress) -> Checked:
    """Reads a bundle (or a folder opened from one) from end to end. Raises Problem with one of the codes of `problems`."""
    if file.is_dir():
        return _verify_folder(file, trust, told)
    with _opened(file) as tar:
        checked = _checked(*_heads(tar, file), file, trust)
        for entry, body in _members(tar, checked.manifest, told):
            _copy(body, entry, None)
    return checked


def open_into(file: Path, folder: Path, trust: Trust, told: Progress, *, newer_only: bool = False) -> Checked:
    """Puts the files of a bundle into `folder`, which takes the place of what an earlier bundle left there in one step.

    `newer_only`: Problem("bundle.not-newer") unless it was made after the one that is open there: an old bundle on a found
    stick must not bring old holes back.

    Interrupted or refused, `folder` is as it was. The maker's key is remembered: the first this machine meets, and one that
    was named. Otherwise whoever named the first would trust the next best stranger as the first.
    """
    folder = folder.absolute()
    _mend(folder)
    if folder.exists() and any(folder.iterdir()) and not (folder / MANIFEST).is_file():
        raise problems.occupied(str(folder))
    before = _opened_at(folder)
    draft = folder.with_name(f".{folder.name}.opening")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        with _opened(file) as tar:
            signed, body = _heads(tar, file)
            checked = _checked(signed, body, file, trust)
            if newer_only and checked.manifest.made_at <= before:
                raise problems.not_newer(str(file))
            enough_room(folder, checked.manifest.size + 4096 * len(checked.manifest.files))
            draft.mkdir(parents=True)
            (draft / SIGNATURE).write_bytes(signed)
            (draft / MANIFEST).write_bytes(body)
            for entry, content in _members(tar, checked.manifest, told):
                _place(draft, entry, content)
        _sync_tree(draft)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    _swap(draft, folder)
    trust.remember(checked.key)
    return msgspec.structs.replace(checked, before=before)


def _heads(tar: tarfile.TarFile, file: Path) -> tuple[bytes, bytes]:
    """The bytes of signature and manifest."""
    return _head(tar, SIGNATURE, file), _head(tar, MANIFEST, file)


def _checked(signed: bytes, body: bytes, file: Path, trust: Trust) -> Checked:
    try:
        signature = msgspec.json.decode(signed, type=Signature)
        key, made = bytes.fromhex(signature.key), bytes.fromhex(signature.signature)
    except (msgspec.DecodeError, ValueError):
        raise problems.not_a_bundle(str(file)) from None
    check_signature(key, made, body)
    known = trust.check(key)
    try:
        form = msgspec.json.decode(body, type=_Form).format
        if form > FORMAT:
            raise problems.newer(str(file))
        manifest = msgspec.json.decode(body, type=Manifest)
    except msgspec.DecodeError:
        raise problems.not_a_bundle(str(file)) from None
    for entry in manifest.files:
        if not is_safe(entry.path) or entry.path in (SIGNATURE, MANIFEST):
            raise problems.unsafe(entry.path)
    return Checked(manifest, key, known)


class _Form(msgspec.Struct, frozen=True):
    format: int


@contextmanager
def _opened(file: Path) -> Iterator[tarfile.TarFile]:
    try:
        tar = tarfile.open(file, mode="r|", format=tarfile.GNU_FORMAT, errorlevel=2)  # noqa: SIM115
    except (tarfile.TarError, EOFError):
        raise problems.not_a_bundle(str(file)) from None
    with tar:
        yield tar


def _head(tar: tarfile.TarFile, name: str, file: Path) -> bytes:
    """The bytes of one of the two members a bundle begins with. Whose first one is there but not all of it, was cut."""
    found = b""
    try:
        member = tar.next()
        if member is None or member.name != name or not member.isreg() or member.size > _HEAD_LIMIT:
            raise problems.not_a_bundle(str(file))
        if (body := tar.extractfile(member)) is not None:
            found = body.read(member.size)
    except (tarfile.TarError, EOFError):
        if name == SIGNATURE and tar.offset == 0:
            raise problems.not_a_bundle(str(file)) from None
        raise problems.truncated(name) from None
    if len(found) != member.size:
        raise problems.truncated(name)
    return found


def _members(tar: tarfile.TarFile, manifest: Manifest, told: Progress) -> Iterator[tuple[Entry, IO[bytes]]]:
    """Each entry with its bytes, in the manifest's order; whatever is not exactly so is refused."""
    total, done, tenth = manifest.size, 0, 0
    names = {entry.path for entry in manifest.files}
    for entry in manifest.files:
        member = _next(tar, entry.path)
        if member is None:
            raise problems.truncated(entry.path)
        if member.name != entry.path:
            if not is_safe(member.name):
                raise problems.unsafe(member.name)
            raise problems.missing(entry.path) if member.name in names else problems.unexpected(member.name)
        if not member.isreg() or member.size != entry.size:
            raise problems.damaged(entry.path)
        body = tar.extractfile(member)
        assert body is not None  # noqa: S101
        yield entry, body
        done += entry.size
        if done * 10 // max(total, 1) > tenth:
            tenth = done * 10 // total
            told(f"{human(done)}/{human(total)}")
    last = _next(tar, "")
    if last is not None:
        raise problems.unsafe(last.name) if not is_safe(last.name) else problems.unexpected(last.name)


def _next(tar: tarfile.TarFile, awaited: str) -> tarfile.TarInfo | None:
    try:
        return tar.next()
    except tarfile.ReadError as error:
        if "unexpected end" in str(error):
            raise problems.truncated(awaited) from None
        raise problems.damaged(awaited) from None
    except tarfile.TarError:
        raise problems.damaged(awaited) from None


def _copy(body: IO[bytes], entry: Entry, out: IO[bytes] | None) -> None:
    digest, size = hashlib.sha256(), 0
    try:
        while block := body.read(_BLOCK):
            digest.update(block)
            size += len(block)
            if out is not None:
                out.write(block)
    except (tarfile.TarError, EOFError):
        raise problems.truncated(entry.path) from None
    if size != entry.size:
        raise problems.truncated(entry.path)
    if digest.hexdigest() != entry.sha256:
        raise problems.damaged(entry.path)


def _place(draft: Path, entry: Entry, body: IO[bytes]) -> None:
    place = draft / entry.path
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("xb") as out:
        _copy(body, entry, out)
    place.chmod(0o755 if entry.run else 0o644)


def _verify_folder(folder: Path, trust: Trust, told: Progress) -> Checked:
    if not (folder / MANIFEST).is_file() or not (folder / SIGNATURE).is_file():
        raise problems.not_a_bundle(str(folder))
    checked = _checked((folder / SIGNATURE).read_bytes(), (folder / MANIFEST).read_bytes(), folder, trust)
    total, done, tenth = checked.manifest.size, 0, 0
    for entry in checked.manifest.files:
        if not (folder / entry.path).is_file():
            raise problems.missing(entry.path)
        with (folder / entry.path).open("rb") as body:
            _copy(body, entry, None)
        done += entry.size
        if done * 10 // max(total, 1) > tenth:
            tenth = done * 10 // total
            told(f"{human(done)}/{human(total)}")
    names = {entry.path for entry in checked.manifest.files} | {MANIFEST, SIGNATURE}
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        if (path.is_file() or path.is_symlink()) and place.as_posix() not in names and not _LEFT_BY_PLAYS & set(place.parts):
            raise problems.left_over(place.as_posix())
    return checked


def _opened_at(folder: Path) -> int:
    """When the bundle that is open in a folder was made; 0 where none is (or none that can be read: any is better)."""
    try:
        return msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest).made_at
    except (OSError, msgspec.DecodeError):
        return 0


def _sync_tree(folder: Path) -> None:
    """Everything is on the disk before the folder gets its name: one sync of its file system instead of thousands of files."""
    os.sync()
    sync_folder(folder)


def _swap(draft: Path, folder: Path) -> None:
    """`folder` becomes what `draft` is. A cut between the two renames is mended the next time."""
    old = _old(folder)
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    draft.rename(folder)
    sync_folder(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def _mend(folder: Path) -> None:
    if not folder.exists() and _old(folder).is_dir():
        _old(folder).rename(folder)


def _old(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.old")
