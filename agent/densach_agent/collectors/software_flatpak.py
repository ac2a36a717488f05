"""Flatpaks installed for the whole machine: applications, and the grounds (runtimes) they stand on. A person's own are
in that person's home, which is not looked into.

What is known of a deployment stands in its `deploy` file, a GVariant `(ssasta{sv})`: origin, commit, subpaths, size,
and a dictionary with `appdata-name`, `appdata-version`, `appdata-license`.
"""

import re

from densach_agent.collectors.software import Program, day
from densach_agent.machine import Machine

_ROOT = "var/lib/flatpak"
_TEXT = re.compile(rb"appdata-(name|version|license)\0+([^\0]{1,300})\0\0s")
_LARGEST_SIZE = 2**45
_METAINFO = re.compile(
    r"<(?P<tag>project_license|name|developer_name)>\s*(?P<text>[^<]{1,200}?)\s*</"
    r"|<developer[^>]*>\s*<name>\s*(?P<developer>[^<]{1,200}?)\s*</|<release\b[^>]*?\bversion=\"(?P<version>[^\"]{1,100})\""
)


def read(machine: Machine) -> list[Program]:
    return [*_deployed(machine, "app"), *_deployed(machine, "runtime")]


def _deployed(machine: Machine, kind: str) -> list[Program]:
    found = []
    for name in machine.names(f"{_ROOT}/{kind}"):
        for arch in _folders(machine, f"{_ROOT}/{kind}/{name}"):
            for branch in _folders(machine, f"{_ROOT}/{kind}/{name}/{arch}"):
                found.append(_program(machine, kind, name, f"{_ROOT}/{kind}/{name}/{arch}/{branch}/active", branch))  # noqa: PERF401
    return _named_apart(found)


def _program(machine: Machine, kind: str, name: str, place: str, branch: str) -> Program:
    deploy = machine.open_raw(f"{place}/deploy")
    said = {field.decode(): value.decode("utf-8", "replace") for field, value in _TEXT.findall(deploy)}
    publisher = ""
    if kind == "app":
        about = _about(machine, place, name)
        publisher = about.pop("developer", "")
        said = {**about, **said}
    changed = machine.changed_s(f"{place}/deploy")
    return Program(
        source="flatpak",
        key=f"flatpak:{name}:{branch}" if kind == "runtime" else f"flatpak:{name}",
        name=name,
        title=said.get("name", ""),
        version=said.get("version", "") or (branch if kind == "runtime" or branch[:1].isdigit() else ""),
        publisher=publisher,
        licence=said.get("license", ""),
        origin=deploy.partition(b"\0")[0].decode("utf-8", "replace") if deploy[:1].isalnum() else "",
        area=kind,
        size_bytes=installed_size(deploy),
        install_date=day(int(changed)) if changed is not None else "",
        app=kind == "app",
    )


def installed_size(deploy: bytes) -> int | None:
    """The fourth member: a big-endian number at the next multiple of 8 behind the third, whose end is told by the last
    but two of the offsets at the file's end (one, two or four bytes each, by the file's length)."""
    width = 1 if len(deploy) < 2**8 else 2 if len(deploy) < 2**16 else 4
    if len(deploy) < 3 * width + 8:
        return None
    end = int.from_bytes(deploy[-3 * width : -2 * width], "little")
    at = (end + 7) // 8 * 8
    size = int.from_bytes(deploy[at : at + 8], "big") if at + 8 <= len(deploy) else 0
    return size if 0 < size < _LARGEST_SIZE else None


def _about(machine: Machine, place: str, name: str) -> dict[str, str]:
    """The application's own description, read by a few expressions: an XML reader costs more than all packages."""
    for file in (f"metainfo/{name}.metainfo.xml", f"appdata/{name}.appdata.xml", f"metainfo/{name}.appdata.xml"):
        text = machine.open_raw(f"{place}/files/share/{file}", 256 * 1024).decode("utf-8", "replace")
        found: dict[str, str] = {}
        for match in _METAINFO.finditer(text):
            if match["version"]:
                found.setdefault("version", match["version"])
            elif match["developer"]:
                found.setdefault("developer", match["developer"])
            elif match["tag"]:
                field = {"project_license": "license", "developer_name": "developer"}.get(match["tag"], match["tag"])
                found.setdefault(field, match["text"])
        if found:
            return found
    return {}


def _folders(machine: Machine, path: str) -> list[str]:
    return [name for name in machine.names(path) if name not in ("current", "active", "data") and not name.startswith(".")]


def _named_apart(found: list[Program]) -> list[Program]:
    """The second branch of one application gets its branch into the key."""
    seen: set[str] = set()
    for program in found:
        if program.key in seen:
            program.key = f"{program.key}:{program.version or len(seen)}"
        seen.add(program.key)
    return found
