"""Readies a disk for cloning. What makes this machine this machine goes; what all copies shall share stays: `agent.toml`
with the hub's address, and a `join-token` if somebody put one there (each copy joins by it at its first start).

The agent stays away until the next start of the machine, whoever starts it (systemd, a package's script): it would join
again and put an identity into the image. Doing it twice does no harm.
"""

import os
import shutil
from pathlib import Path

from densach_agent.lock import FolderLock, Held
from densach_agent.membership import Membership
from densach_agent.settings import write_whole
from densach_agent.words import say

_MARK = "sealed"


class SealProblem(Exception):
    """The disk is not sealed; the message says what to do."""


def seal_disk(folder: Path, root: Path | None, *, boot: str = "", ssh_keys: bool = False) -> list[str]:
    """Returns what was done, a line each. Raises SealProblem.

    Args:
        root: given, what the system itself would share among copies goes too: the machine-id in both places, the random
            seed, and NetworkManager's secret (one of each gives clones one address, one seed, one random MAC).
        boot: this start of the machine, in which the agent shall not run again.
        ssh_keys: the host keys of ssh too. Not by default: Debian makes new ones only if somebody asks it to, and a copy
            without any cannot be reached.
    """
    done = _seal_folder(folder, boot) if folder.exists() else []
    if root is None:
        done.append(say("Left alone: /etc/machine-id (add --machine-id, as root)."))
        return done
    try:
        _empty(root / "etc/machine-id")
        dbus = root / "var/lib/dbus/machine-id"
        if dbus.exists() or dbus.is_symlink():
            # An old copy here is preferred to /etc and brings the clone's id back.
            dbus.unlink()
            os.symlink("/etc/machine-id", dbus)  # noqa: PTH211
        for secret in ("var/lib/systemd/random-seed", "var/lib/NetworkManager/secret_key"):
            (root / secret).unlink(missing_ok=True)
        done.append(say("/etc/machine-id is empty: each copy makes its own at first start."))
        keys = sorted((root / "etc/ssh").glob("ssh_host_*_key*"))
        if ssh_keys:
            for key in keys:
                key.unlink()
            done.append(say("The host keys of ssh are gone: let each copy run `ssh-keygen -A` at first start."))
        elif keys:
            done.append(say("Left alone: the host keys of ssh, the same on all copies (add --ssh-host-keys)."))
    except OSError as error:
        raise SealProblem(say("{file}: {why}; run this as root", file=error.filename, why=error.strerror)) from None
    return done


def is_sealed(folder: Path, boot: str) -> bool:
    """Whether the disk was sealed in this start of the machine. A mark from another one has done its work and goes."""
    mark = folder / _MARK
    try:
        sealed_in = mark.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return False
    if sealed_in == boot:
        return True
    unseal(folder)
    return False


def unseal(folder: Path) -> None:
    """A person wants this very machine back in the school."""
    (folder / _MARK).unlink(missing_ok=True)


def _seal_folder(folder: Path, boot: str) -> list[str]:
    try:
        with FolderLock(folder):
            Membership(folder).leave()
            for leftover in ("was.json", "lock"):
                (folder / leftover).unlink(missing_ok=True)
            shutil.rmtree(folder / "hand", ignore_errors=True)
            if boot:
                write_whole(folder / _MARK, boot + "\n")
    except Held:
        raise SealProblem(
            say("the agent is running and would enrol again: stop it first (systemctl stop densach-agent)")
        ) from None
    except OSError as error:
        raise SealProblem(say("{file}: {why}; run this as root", file=error.filename, why=error.strerror)) from None
    token = (folder / "join-token").exists()
    return [
        say("Identity, key and outbox are gone from {folder}.", folder=folder),
        say("Each copy joins by itself at first start, by the join-token in {folder}.", folder=folder)
        if token
        else say("No join-token in {folder}: each copy will wait until a technician admits it.", folder=folder),
    ]


def _empty(file: Path) -> None:
    """Made, or made empty, without a moment in which it is not there."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("")
