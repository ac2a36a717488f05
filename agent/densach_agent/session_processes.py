"""The programs of a session, from its control group: their names (15 letters, as the kernel keeps them), nothing else.

A command line is never read: it holds file names and addresses, and a program can make reading it hang. Everything is
bounded, whatever a pupil starts.
"""

import re

import msgspec

from densach_agent.machine import Denied, Machine

_SLICE = "sys/fs/cgroup/user.slice"
_SCOPE = re.compile(r"^session-[A-Za-z0-9]{1,32}\.scope$")
_MOST_GROUPS = 150
_MOST_PROCESSES = 400
_DEEP = 3


class Process(msgspec.Struct, frozen=True):
    pid: int
    name: str


def processes(machine: Machine, uid: int, scope: str, *, desktop: bool) -> list[Process]:
    """Those of the session's scope and, for a desktop, those which its user's service manager started for it. Empty where
    nothing can be read."""
    user = f"{_SLICE}/user-{uid}.slice"
    groups = [f"{user}/{scope}"] if _SCOPE.match(scope) else []
    if desktop:
        groups += _below(machine, f"{user}/user@{uid}.service/app.slice", _DEEP, _MOST_GROUPS)
    found: list[Process] = []
    for group in groups:
        for word in (machine.whole(f"{group}/cgroup.procs", 16 * 1024) or "").split():
            if len(found) >= _MOST_PROCESSES:
                return found
            name = _comm(machine, word)
            if name:
                found.append(Process(int(word), name))
    return found


def owner(machine: Machine, pid: int) -> int | None:
    """Whose process it is, None if it is gone."""
    try:
        return (machine.root / "proc" / str(pid)).stat().st_uid
    except OSError:
        return None


def _below(machine: Machine, group: str, deep: int, most: int) -> list[str]:
    found = [group]
    if deep:
        for name in machine.names(group):
            if len(found) >= most:
                break
            if name.endswith((".scope", ".service", ".slice")):
                found += _below(machine, f"{group}/{name}", deep - 1, most - len(found))
    return found[:most]


def _comm(machine: Machine, pid: str) -> str | None:
    if not (pid.isascii() and pid.isdecimal()):
        return None
    try:
        raw = machine.raw(f"proc/{pid}/comm", 32)
    except Denied:
        return None
    return None if raw is None else raw.decode("utf-8", "replace").strip()
