"""The operating system: distribution, kernel, host name, language, keyboard, time zone, whether a restart is due.

What changes by itself (pending updates, synchronisation) is in sections of its own: this one stays the same for weeks.
"""

import os
import re
from datetime import UTC, datetime

from densach_agent.collectors.model import Collector, item
from densach_agent.machine import Denied, Machine, clean
from densach_wire.messages import Item, System

_INSTALLERS = ("var/log/installer", "var/log/anaconda", "lost+found")
"""Made when the system was put onto the disk and not touched since."""
_FIRST_YEAR = 2004


def collect(machine: Machine) -> list[Item]:
    release = release_facts(machine)
    zone = machine.open_text("etc/timezone") or _zone_of_link(machine)
    locale = _settings(machine, "etc/default/locale") or _settings(machine, "etc/locale.conf")
    due = restart_cause(machine)
    return [
        item(
            "os", "os", family="linux", name=release.get("PRETTY_NAME") or release.get("NAME"), id=release.get("ID"),
            version=release.get("VERSION_ID"), codename=release.get("VERSION_CODENAME"),
            kernel=machine.open_text("proc/sys/kernel/osrelease"), arch=_arch(machine),
            hostname=machine.open_text("proc/sys/kernel/hostname"), time_zone=zone, locale=locale.get("LANG"),
            keyboard=_keyboard(machine), installed_on=_installed_on(machine),
            machine_id_linked=machine.target("var/lib/dbus/machine-id") == "machine-id" or None,
            restart_due=due is not None or None, restart_for=due,
        )
    ]  # fmt: skip


def system_facts(machine: Machine) -> System:
    """The same, as a hello carries it."""
    release = release_facts(machine)
    return System(
        "linux",
        release.get("NAME", "Linux"),
        release.get("VERSION_ID", ""),
        _arch(machine) or "",
        machine.open_text("proc/sys/kernel/osrelease") or "",
    )


def release_facts(machine: Machine) -> dict[str, str]:
    return _settings(machine, "etc/os-release") or _settings(machine, "usr/lib/os-release")


def restart_cause(machine: Machine) -> str | None:
    """What a restart would bring: the packages that asked for it, else a newer kernel of the same flavour; "" if it is
    due and nobody says for what. None: nothing is waiting."""
    for path in ("run/reboot-required", "var/run/reboot-required"):
        if machine.exists(path):
            packages = (machine.whole(f"{path}.pkgs", 4096) or "").split()
            return ", ".join(dict.fromkeys(clean(name) for name in packages))
    running = machine.open_text("proc/sys/kernel/osrelease")
    if running is None:
        return None
    flavour = _flavour(running)
    installed = [name.removeprefix("vmlinuz-") for name in machine.names("boot") if name.startswith("vmlinuz-")]
    same = [name for name in installed if _flavour(name) == flavour and not name.endswith((".old", ".efi", ".signed"))]
    newest = max(same, key=_in_order, default=running)
    return clean(newest) if running in (*same, *machine.names("lib/modules")) and _in_order(newest) > _in_order(running) else None


def _flavour(release: str) -> str:
    """`generic` of `5.15.0-125-generic`: kernels of another kind are no successors."""
    return release.rpartition("-")[2]


def _in_order(release: str) -> list[tuple[int, str]]:
    """Numbers as numbers, words as words."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.findall(r"[0-9]{1,9}|[a-z]+", release)]


def _settings(machine: Machine, path: str) -> dict[str, str]:
    """A file of `NAME=value` lines, as /etc/os-release."""
    try:
        text = machine.whole(path, 65536) or ""
    except Denied:
        return {}
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {key.strip(): clean(value.strip().strip("\"'")) for key, _, value in pairs}


def _keyboard(machine: Machine) -> str | None:
    """`us`, `vn`, `us (intl)`: by Debian's file, else by systemd's."""
    debian, console = _settings(machine, "etc/default/keyboard"), _settings(machine, "etc/vconsole.conf")
    layout, variant = debian.get("XKBLAYOUT") or console.get("XKBLAYOUT") or console.get("KEYMAP"), debian.get("XKBVARIANT", "")
    return f"{layout} ({variant})" if layout and variant.strip(",") else layout


def _installed_on(machine: Machine) -> str | None:
    """The day (UTC) on which the oldest of the installer's traces was made. A disk image has the day of its model."""
    times = []
    for path in _INSTALLERS:
        try:
            times.append((machine.root / path).lstat().st_mtime)
        except OSError:
            continue
    days = (datetime.fromtimestamp(max(0.0, time), UTC).date() for time in times if time < 2**33)
    return min((day.isoformat() for day in days if day.year >= _FIRST_YEAR), default=None)


def _arch(machine: Machine) -> str | None:
    """The kernel's word; a recorded machine keeps it in proc/sys/kernel/arch, where new kernels have it too."""
    known = machine.open_text("proc/sys/kernel/arch")
    return known or (os.uname().machine if str(machine.root) == "/" else None)


def _zone_of_link(machine: Machine) -> str | None:
    try:
        target = os.readlink(machine.root / "etc/localtime")  # noqa: PTH115
    except OSError:
        return None
    return target.partition("zoneinfo/")[2] or None


COLLECTOR = Collector("os", 2, collect)
