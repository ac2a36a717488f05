"""Why a bundle is refused, in one place: the code, what it means, what to do."""

import errno

from densach_core.errors import BadInput, Conflict, NotAllowed, NotFound, Problem, TooLarge, Unavailable
from densach_core.text import t


def not_a_bundle(file: str) -> BadInput:
    return BadInput(
        "bundle.not-a-bundle",
        t("{file} is no bundle of Đèn Sách.", file=file),
        t("Name the file that `densach bundle` wrote (or a folder opened from it)."),
    )


def newer(file: str) -> BadInput:
    return BadInput(
        "bundle.newer",
        t("{file} was made by a newer Đèn Sách than this one.", file=file),
        t("Open it with the setup.sh it carries: tar xf, then sudo sh setup.sh"),
    )


def bad_signature() -> BadInput:
    return BadInput(
        "bundle.bad-signature",
        t("The signature does not fit: the list of files was changed after it was signed."),
        t("Do not use it. Copy the file again from where it was made, or make a new one."),
    )


def unknown_key(shown: str, trusted: str) -> NotAllowed:
    return NotAllowed(
        "bundle.unknown-key",
        t("It was signed by another key ({shown}) than those trusted here ({trusted}).", shown=shown, trusted=trusted),
        t("Ask who made it for the key's fingerprint; if it is the same, name it: --key '{shown}'", shown=shown),
    )


def nobody_trusted(shown: str) -> NotAllowed:
    return NotAllowed(
        "bundle.unknown-key",
        t("This machine trusts nobody's bundles yet; this one was signed by {shown}.", shown=shown),
        t("Open it once by hand, after asking its maker for that fingerprint: densach bundle open FILE DIR"),
    )


def damaged(path: str) -> BadInput:
    return BadInput(
        "bundle.damaged",
        t("{path} in it is not what was signed: a bit flipped, or somebody changed it.", path=path),
        t("Copy the file again; if it stays so, the stick is failing: use another. Nothing was changed here."),
    )


def truncated(path: str) -> BadInput:
    return BadInput(
        "bundle.truncated",
        t("The file ends too early, at {path}: it was not copied to its end.", path=path),
        t("Copy it again and eject the stick before you pull it out. Nothing was changed here."),
    )


def missing(path: str) -> BadInput:
    return BadInput(
        "bundle.missing-file",
        t("{path} is missing, which its list names.", path=path),
        t("Copy the file again, or make a new one. Nothing was changed here."),
    )


def unexpected(path: str) -> BadInput:
    return BadInput(
        "bundle.unexpected-file",
        t("{path} is in it, which its list does not name.", path=path),
        t("Somebody added it after it was signed: do not use it, make a new one. Nothing was changed here."),
    )


def left_over(path: str) -> BadInput:
    """The same in an opened folder, where it is rarely anybody's ill will."""
    return BadInput(
        "bundle.unexpected-file",
        t("{path} is in it, which its list does not name.", path=path),
        t("Was it unpacked over an older one? Remove the folder and unpack again, or: densach bundle open FILE DIR"),
    )


def unsafe(path: str) -> BadInput:
    return BadInput(
        "bundle.unsafe-path",
        t("It wants to write outside its folder: {path}", path=path),
        t("Do not use it; no Đèn Sách makes such a file. Nothing was changed here."),
    )


def no_room(folder: str, needed: str, free: str) -> Unavailable:
    return Unavailable(
        "bundle.no-room",
        t("It needs {needed} in {folder}, where {free} are free.", folder=folder, needed=needed, free=free),
        t("Free some space or choose a folder on another disk. Nothing was changed here."),
    )


def disk(error: OSError, file: str) -> Problem | None:
    """What the system says of a stick, a disk or a folder, with one of three things to do; None for a fault of ours."""
    path, said = str(error.filename or file), error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return Unavailable(
            "bundle.no-room",
            t("The disk became full while {file} was being written or opened.", file=file),
            t("Free some space or choose a folder on another disk. Nothing was changed here."),
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR):
        return NotAllowed(
            "bundle.not-permitted",
            t("{path}: {said}.", path=path, said=said),
            t("Run it as root (sudo), or choose a folder of your own; is the stick's lock switch on?"),
        )
    if error.errno not in (errno.EIO, errno.ENODEV, errno.ENXIO, errno.ENOMEDIUM, errno.ESTALE, errno.EUCLEAN):
        return None
    return Unavailable(
        "bundle.disk-fails",
        t("{path}: {said}.", path=path, said=said),
        t("Plug the stick in again and start once more; if it stays so, use another. Nothing was changed here."),
    )


def too_large_for_fat(file: str, size: str) -> TooLarge:
    return TooLarge(
        "bundle.fat32",
        t("{file} would be {size}, and this stick (FAT32) takes no file of 4 GB or more.", file=file, size=size),
        t("Format the stick as exFAT or ext4, or take fewer sets: --sets hub,lab"),
    )


def occupied(folder: str) -> BadInput:
    return BadInput(
        "bundle.not-empty",
        t("{folder} holds something else.", folder=folder),
        t("Name a new folder, or one that an earlier bundle was opened into."),
    )


def no_sources(suite: str) -> NotFound:
    return NotFound(
        "bundle.no-sources",
        t("This machine's package sources have no {suite}.", suite=suite),
        t("Make the bundle on a machine that runs {suite}, or name a file with its sources: --sources FILE", suite=suite),
    )


def no_line(said: str) -> Unavailable:
    return Unavailable(
        "bundle.no-line",
        t("Packages could not be fetched: {said}", said=said),
        t("Check the line and start it again: what was fetched is kept."),
    )


def no_package(set_name: str, said: str) -> BadInput:
    return BadInput(
        "bundle.no-package",
        t("The packages of “{set_name}” cannot all be had: {said}", set_name=set_name, said=said),
        t("Correct playbooks/packages/{set_name}.txt.", set_name=set_name),
    )


def no_set(name: str, there: str) -> BadInput:
    return BadInput("bundle.no-set", t("There is no set “{name}”.", name=name), t("There are: {there}", there=there))


def lacking(what: str, do: str) -> NotFound:
    return NotFound("bundle.lacking", t("{what} is missing here.", what=what), t("Do this first: {do}", do=do))


def bad_add(path: str) -> BadInput:
    return BadInput(
        "bundle.bad-add",
        t("{path} cannot be taken along: a link or something that is no file, or a name no system takes.", path=path),
        t("Put the file itself there, or give it a plain name."),
    )


def not_newer(file: str) -> Conflict:
    return Conflict(
        "bundle.not-newer",
        t("{file} is not newer than the bundle that is open here.", file=file),
        t("Nothing to do. To go back to an older one, open it by hand."),
    )
