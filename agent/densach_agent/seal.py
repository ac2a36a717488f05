"""Readies a disk for cloning. What makes this machine this machine goes; what all copies shall share stays (the hub's
address, a `join-token` if somebody put one there)."""

import os
from pathlib import Path

from densach_agent.membership import Membership
from densach_agent.status import read
from densach_agent.words import say


class SealProblem(Exception):
    """The disk is not sealed; the message says what to do."""


def seal_disk(folder: Path, root: Path | None) -> list[str]:
    """`root` given: the system's machine-id goes too. Returns what was done, a line each. Raises SealProblem."""
    if read(folder)["running"]:
        raise SealProblem(say("the agent is running and would enrol again: stop it first (systemctl stop densach-agent)"))
    done = []
    member = Membership(folder)
    if folder.exists():
        member.leave()
        (folder / "was.json").unlink(missing_ok=True)
        done.append(say("Identity, key and outbox are gone from {folder}.", folder=folder))
    if root is None:
        done.append(say("Left alone: /etc/machine-id (add --machine-id, as root)."))
        return done
    try:
        (root / "etc/machine-id").write_text("")
        dbus = root / "var/lib/dbus/machine-id"
        if dbus.exists() or dbus.is_symlink():
            # An old copy here is preferred to /etc and brings the clone's id back.
            dbus.unlink()
            os.symlink("/etc/machine-id", dbus)  # noqa: PTH211
    except OSError as error:
        raise SealProblem(say("{file}: {why}; run this as root", file=error.filename, why=error.strerror)) from None
    done.append(say("/etc/machine-id is empty: each copy makes its own at first start."))
    return done
