"""Updates that wait: what Ubuntu's notifier counted, else a simulated upgrade that root left, else nobody knows.

The package lists themselves are never worked through here: that takes seconds of processor time.
"""

import re
import time

from densach_agent.collectors.model import Collector, item
from densach_agent.machine import Denied, Machine, NoData, command_file
from densach_wire.messages import Item

NOTIFIER = "var/lib/update-notifier/updates-available"
SIMULATION = ("apt-get", "-s", "-q", "-o", "Debug::NoLocking=true", "upgrade")
_STAMPS = ("var/lib/apt/periodic/update-success-stamp", "var/lib/apt/lists")
_OLD_S = 14 * 86400


def collect(machine: Machine) -> list[Item]:
    pending, security = _by_notifier(machine) or _by_simulation(machine) or (None, None)
    old = _lists_are_old(machine)
    unattended = _unattended(machine)
    if pending is None and old is None and unattended is None:
        raise NoData
    return [item("updates", "updates", pending=pending, security=security, lists_old=old, automatic=unattended)]


def counted(text: str) -> tuple[int, int | None] | None:
    """The notifier's sentences: "12 updates can be applied immediately. 3 of these updates are standard security
    updates." None in another language than English: a number without its meaning is none."""
    every = re.search(r"^(\d{1,6}) (?:updates?|packages?) can be (?:applied|updated)", text, re.MULTILINE)
    if every is None:
        return None
    safe = re.search(r"^(\d{1,6}) (?:of these )?updates? (?:is|are) (?:a )?(?:standard )?security updates?", text, re.MULTILINE)
    return int(every[1]), int(safe[1]) if safe is not None else 0 if every[1] == "0" else None


def simulated(text: str) -> tuple[int, int]:
    """`Inst name [old] (new Debian-Security:12/stable-security [amd64])`, a line for each."""
    lines = [line for line in text.splitlines() if line.startswith("Inst ")]
    return len(lines), sum(1 for line in lines if re.search(r"\(\S+ [^)]*[Ss]ecurity", line))


def _by_notifier(machine: Machine) -> tuple[int, int | None] | None:
    try:
        return counted(machine.whole(NOTIFIER, 16384) or "")
    except Denied:
        return None


def _by_simulation(machine: Machine) -> tuple[int, int] | None:
    """Only what root left: it takes too long to be tried here."""
    if machine.facts is None:
        return None
    try:
        return simulated((machine.facts / "cmd" / command_file(SIMULATION)).read_text("utf-8", "replace"))
    except OSError:
        return None


def _lists_are_old(machine: Machine) -> bool | None:
    """Whether the lists of packages were last fetched more than two weeks ago: then nought pending means little."""
    for path in _STAMPS:
        try:
            return time.time() - (machine.root / path).stat().st_mtime > _OLD_S
        except OSError:
            continue
    return None


def _unattended(machine: Machine) -> bool | None:
    """Whether apt installs updates by itself."""
    told: str | None = None
    for name in machine.names("etc/apt/apt.conf.d"):
        try:
            text = machine.whole(f"etc/apt/apt.conf.d/{name}", 65536) or ""
        except Denied:
            continue
        found = re.findall(r'^\s*APT::Periodic::Unattended-Upgrade\s+"([^"]*)"', text, re.MULTILINE)
        told = found[-1] if found else told
    return None if told is None else told not in ("0", "")


COLLECTOR = Collector("updates", 2, collect)
