"""The operating system: distribution, kernel, host name, time zone, whether a restart is due."""

import os

from densach_agent.collectors.model import Collector, item
from densach_agent.machine import Machine, clean
from densach_wire.messages import Item, System


def collect(machine: Machine) -> list[Item]:
    release = release_facts(machine)
    zone = machine.open_text("etc/timezone") or _zone_of_link(machine)
    return [
        item(
            "os", "os", family="linux", name=release.get("PRETTY_NAME") or release.get("NAME"), id=release.get("ID"),
            version=release.get("VERSION_ID"), codename=release.get("VERSION_CODENAME"),
            kernel=machine.open_text("proc/sys/kernel/osrelease"), arch=_arch(machine),
            hostname=machine.open_text("proc/sys/kernel/hostname"), time_zone=zone,
            machine_id_linked=machine.target("var/lib/dbus/machine-id") == "machine-id" or None,
            restart_due=machine.exists("run/reboot-required") or None,
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
    text = machine.whole("etc/os-release", 65536) or machine.whole("usr/lib/os-release", 65536) or ""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {key.strip(): clean(value.strip().strip("\"'")) for key, _, value in pairs}


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
