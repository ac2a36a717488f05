"""What stands in people's menus, and programs that somebody put there by hand: .desktop files, AppImages.

Only places of the whole machine are looked at. Nobody's home folder is opened, not for AppImages either: what a pupil
keeps there is the pupil's.
"""

import re

from densach_agent.collectors.software import Program, day
from densach_agent.machine import Machine, clean

MENU = "usr/share/applications"
_BY_HAND = ("usr/local/share/applications", "usr/local/applications")
_APPIMAGES = ("opt", "Applications", "usr/local/bin", "usr/local/lib", "srv/Applications")
_ENTRY = re.compile(r"^(Name|Exec|NoDisplay|Hidden|Type|X-AppImage-Version)\s*=\s*(.*)$", re.MULTILINE)
_APPIMAGE = re.compile(
    r"(?i)^(?P<name>.+?)(?:[-_. ]v?(?P<version>\d+(?:\.\d+)+[\w.+~]*))?"
    r"(?:[-_. ](?:x86[-_]64|amd64|aarch64|arm64|i[36]86|linux\w*))*\.appimage$"
)
_IN_OPT = re.compile(r"/opt/([^/\s\"']+)")


def menu(machine: Machine) -> dict[str, str]:
    """File name → name, of what /usr/share/applications shows to people."""
    found = {}
    for name in machine.names_ending(MENU, ".desktop"):
        if (fields := _shown(machine, f"{MENU}/{name}")) is not None:
            found[name] = clean(fields.get("Name", "")) or name.removesuffix(".desktop")
    return found


def by_hand(machine: Machine, owned: set[str]) -> list[Program]:
    """Programs with a .desktop file that no package brought. `owned`: the folders of /opt that belong to packages."""
    places = [(place, name) for place in _BY_HAND for name in machine.names_ending(place, ".desktop")]
    for folder in machine.folders("opt"):
        if folder not in owned:
            for place in (f"opt/{folder}", f"opt/{folder}/share/applications", f"opt/{folder}/applications"):
                places += [(place, name) for name in machine.names_ending(place, ".desktop")]
    found: dict[str, Program] = {}
    for place, name in places:
        fields = _shown(machine, f"{place}/{name}")
        if fields is None:
            continue
        where = _IN_OPT.search(fields.get("Exec", ""))
        if where is not None and where[1] in owned:
            continue
        title = clean(fields.get("Name", "")) or name.removesuffix(".desktop")
        program = Program(
            source="by-hand",
            key=f"by-hand:{name.removesuffix('.desktop')}",
            name=title,
            version=fields.get("X-AppImage-Version", ""),
            install_date=day(int(machine.changed_s(f"{place}/{name}") or 0)),
            app=True,
        )
        found.setdefault(program.key, program)
    return list(found.values())


def appimages(machine: Machine) -> list[Program]:
    """Name and version by the file's name, which is all that can be told without running it."""
    found = []
    folders = [*_APPIMAGES, *(f"opt/{folder}" for folder in machine.folders("opt"))]
    for folder in folders:
        for file in machine.names_ending(folder, ".AppImage", ".appimage"):
            said, path = _APPIMAGE.match(file), f"{folder}/{file}"
            if said is None or not machine.exists(path):
                continue
            found.append(
                Program(
                    source="appimage",
                    key=f"appimage:/{path}",
                    name=said["name"],
                    version=said["version"] or "",
                    size_bytes=machine.size_bytes(path) or None,
                    install_date=day(int(machine.changed_s(path) or 0)),
                    app=True,
                )
            )
    return found


def _shown(machine: Machine, path: str) -> dict[str, str] | None:
    """The first group's fields, if it is an application for people."""
    text = machine.open_raw(path, 32 * 1024).decode("utf-8", "replace")
    _, found, rest = text.partition("[Desktop Entry]")
    if not found:
        return None
    fields: dict[str, str] = {}
    for name, value in _ENTRY.findall(rest.partition("\n[")[0]):
        fields.setdefault(name, value.strip())
    hidden = any(fields.get(name, "").lower() == "true" for name in ("NoDisplay", "Hidden"))
    return None if hidden or fields.get("Type", "Application") != "Application" else fields
