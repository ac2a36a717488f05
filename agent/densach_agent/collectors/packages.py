"""Installed software: dpkg by its status file (no command, 15 ms for 850 packages), rpm, flatpak and snap by theirs."""

import re

from densach_agent.collectors.model import Collector, item
from densach_agent.machine import Machine, NoData, clean
from densach_wire.messages import Item

_FIELD = re.compile(r"^(Package|Status|Version|Architecture|Installed-Size|Section|Source): (.*)$", re.MULTILINE)


def collect(machine: Machine) -> list[Item]:
    found = [
        *dpkg(machine.whole("var/lib/dpkg/status") or ""),
        *rpm(machine),
        *flatpak(machine),
        *snap(machine),
    ]
    if not found:
        raise NoData
    return found


def dpkg(text: str) -> list[Item]:
    """What is fully installed, from dpkg's status file. Keys are `dpkg:name:arch`."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(_FIELD.findall(block))
        if not fields.get("Status", "").endswith(" installed"):
            continue
        name, size = clean(fields.get("Package", "")), fields.get("Installed-Size", "")
        if not name:
            continue
        found.append(
            item(
                "package",
                f"dpkg:{name}:{fields.get('Architecture', '')}",
                name=name,
                version=clean(fields.get("Version", "")),
                source="dpkg",
                area=clean(fields.get("Section", "")) or None,
                size_bytes=int(size) * 1024 if size.isdecimal() else None,
            )
        )
    return found


def rpm(machine: Machine) -> list[Item]:
    if not machine.exists("var/lib/rpm") and not machine.exists("usr/lib/sysimage/rpm"):
        return []
    text = machine.command("rpm", "-qa", "--qf", "%{NAME}\\t%{VERSION}-%{RELEASE}\\t%{ARCH}\\t%{SIZE}\\n", seconds=8)
    rows = (line.split("\t") for line in (text or "").splitlines())
    return [
        item("package", f"rpm:{row[0]}:{row[2]}", name=clean(row[0]), version=clean(row[1]), source="rpm",
             size_bytes=int(row[3]) if row[3].isdecimal() else None)
        for row in rows if len(row) == 4
    ]  # fmt: skip


def flatpak(machine: Machine) -> list[Item]:
    """System-wide applications, by their folders; the active version from the deployment's metadata is not read."""
    apps = "var/lib/flatpak/app"
    return [
        item("package", f"flatpak:{name}", name=clean(name), source="flatpak", branch=_first(machine, f"{apps}/{name}"))
        for name in machine.names(apps)
    ]


def snap(machine: Machine) -> list[Item]:
    """By the mounted images: `name_revision.snap`; of several revisions the newest."""
    newest: dict[str, int] = {}
    for file in machine.names("var/lib/snapd/snaps"):
        name, _, revision = file.removesuffix(".snap").rpartition("_")
        if file.endswith(".snap") and revision.isdecimal():
            newest[name] = max(newest.get(name, 0), int(revision))
    return [
        item("package", f"snap:{name}", name=clean(name), version=f"r{revision}", source="snap")
        for name, revision in sorted(newest.items())
    ]


def _first(machine: Machine, path: str) -> str | None:
    for arch in machine.names(path):
        if arch not in ("current", "active"):
            return next((b for b in machine.names(f"{path}/{arch}") if b != "active"), None)
    return None


COLLECTOR = Collector("packages", 10, collect)
