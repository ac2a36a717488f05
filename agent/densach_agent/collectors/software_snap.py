"""Snaps, by the description in their mounted image; those that are not mounted by the name of the image's file.

Who publishes a snap only the service knows, and asking would start it: it stays unknown.
"""

import re

from densach_agent.collectors.software import Program, day
from densach_agent.machine import Machine

_FIELD = re.compile(r"^(name|version|title|license|type): *(.*)$", re.MULTILINE)
_MOUNTS = ("snap", "var/lib/snapd/snap")
_IMAGES = "var/lib/snapd/snaps"
_NOT_APPS = ("base", "core", "os", "snapd", "kernel", "gadget")
_TITLE = re.compile(r"^Name\s*=\s*(.+)$", re.MULTILINE)


def read(machine: Machine) -> list[Program]:
    newest: dict[str, int] = {}
    for file in machine.names(_IMAGES):
        name, _, revision = file.removesuffix(".snap").rpartition("_")
        if file.endswith(".snap") and name and revision.isdecimal() and revision.isascii():
            newest[name] = max(newest.get(name, 0), int(revision))
    names = set(newest)
    for mount in _MOUNTS:
        names.update(name for name in machine.names(mount) if machine.exists(f"{mount}/{name}/current/meta/snap.yaml"))
    return [_program(machine, name, newest.get(name)) for name in sorted(names)]


def _program(machine: Machine, name: str, revision: int | None) -> Program:
    for mount in _MOUNTS:
        place = f"{mount}/{name}/current"
        text = machine.open_raw(f"{place}/meta/snap.yaml").decode("utf-8", "replace")
        if text:
            break
    fields = {field: value.strip().strip("\"'") for field, value in _FIELD.findall(text)}
    changed = machine.changed_s(place) if text else None
    gui = next(iter(machine.names_ending(f"{place}/meta/gui", ".desktop")), None) if text else None
    title = fields.get("title", "")
    if not title and gui is not None:
        words = _TITLE.search(machine.open_raw(f"{place}/meta/gui/{gui}", 16 * 1024).decode("utf-8", "replace"))
        title = words[1] if words is not None else ""
    kind = fields.get("type", "app")
    return Program(
        source="snap",
        key=f"snap:{name}",
        name=name,
        title=title,
        version=fields.get("version", "") or (f"r{revision}" if revision is not None else ""),
        licence=_said(fields.get("license", "")),
        area=kind if text else "",
        size_bytes=(machine.size_bytes(f"{_IMAGES}/{name}_{revision}.snap") or None) if revision is not None else None,
        install_date=day(int(changed)) if changed is not None else "",
        app=kind not in _NOT_APPS and gui is not None,
    )


def _said(licence: str) -> str:
    return "" if licence.casefold() in ("unset", "unknown", "none") else licence
