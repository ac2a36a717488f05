"""Python packages that no distribution brought: what pip put under /usr/local and into the folders of /opt.

/usr/lib/python3 belongs to dpkg and rpm; people's own environments are in their homes, which are not looked into.
"""

import re

from densach_agent.collectors.software import Program, day, person
from densach_agent.machine import Machine

_FIELD = re.compile(
    r"^(Name|Version|Author|Author-email|Maintainer|Maintainer-email|License|License-Expression|Classifier): *(.*)$", re.MULTILINE
)
_PLACES = ("dist-packages", "site-packages")
_MOST = 5_000


def read(machine: Machine) -> list[Program]:
    found = []
    for folder in _environments(machine):
        for name in machine.names_ending(folder, ".dist-info", ".egg-info"):
            paper = f"{folder}/{name}/METADATA"
            if name.endswith(".egg-info"):
                paper = f"{folder}/{name}/PKG-INFO"
                if not machine.exists(paper):
                    paper = f"{folder}/{name}"
            program = _program(machine, folder, name, paper)
            if program is not None:
                found.append(program)
            if len(found) >= _MOST:
                return found
    return found


def _environments(machine: Machine) -> list[str]:
    roots = ["usr/local/lib", *(f"opt/{name}/lib" for name in machine.folders("opt")),
             *(f"opt/{name}/venv/lib" for name in machine.folders("opt"))]  # fmt: skip
    return [
        f"{root}/{python}/{place}" for root in roots for python in machine.folders(root) if python.startswith("python3")
        for place in _PLACES
    ]  # fmt: skip


def _program(machine: Machine, folder: str, entry: str, paper: str) -> Program | None:
    head = machine.open_raw(paper, 16 * 1024).decode("utf-8", "replace").replace("\r\n", "\n").partition("\n\n")[0]
    fields: dict[str, str] = {}
    classes: list[str] = []
    for name, value in _FIELD.findall(head):
        if name == "Classifier":
            if value.startswith("License ::"):
                classes.append(value.rpartition("::")[2].strip())
        elif value.strip() not in ("", "UNKNOWN", "None"):
            fields.setdefault(name, value.strip())
    stem = entry.rpartition(".")[0]
    named, _, version = stem.partition("-")
    title = fields.get("Name") or named
    if not title:
        return None
    changed = machine.changed_s(paper) if head else None
    return Program(
        source="pip",
        key=f"pip:{_short(folder)}:{re.sub(r'[-_.]+', '-', title).lower()}",
        name=title,
        version=fields.get("Version") or version.partition("-py")[0],
        publisher=_publisher(fields),
        licence=fields.get("License-Expression") or (" OR ".join(classes)) or _first_words(fields.get("License", "")),
        install_date=day(int(changed)) if changed is not None else "",
    )


def _publisher(fields: dict[str, str]) -> str:
    for name in ("Author", "Maintainer"):
        said = person(fields.get(name, "")) or person(fields.get(f"{name}-email", ""))
        if said and "@" not in said:
            return said
    return ""


def _first_words(licence: str) -> str:
    """Some put the whole text of a licence there: its first line names it."""
    return licence.partition("\n")[0][:80]


def _short(folder: str) -> str:
    """`usr/local/lib/python3.11/dist-packages` → `/usr/local:3.11`: the same place gives the same key."""
    root, _, rest = folder.partition("/lib/python")
    return f"/{root}:{rest.partition('/')[0]}"
