"""Packages of pacman, by its folder of descriptions: `%NAME%` on a line, its values below until an empty line."""

from densach_agent.collectors.software import Program, day, person
from densach_agent.collectors.software_desktop import MENU
from densach_agent.machine import Machine

_LOCAL = "var/lib/pacman/local"
_LARGEST_LIST = 1024 * 1024


def read(machine: Machine, desktops: dict[str, str]) -> list[Program]:
    found = []
    for folder in machine.names(_LOCAL):
        fields = parse(machine.open_raw(f"{_LOCAL}/{folder}/desc").decode("utf-8", "replace"))
        name = fields.get("NAME", "")
        if not name:
            continue
        size, built, packager = fields.get("SIZE", ""), fields.get("INSTALLDATE", ""), fields.get("PACKAGER", "")
        program = Program(
            source="pacman",
            key=f"pacman:{name}",
            name=name,
            version=fields.get("VERSION", ""),
            publisher="" if packager.startswith("Unknown Packager") else person(packager),
            licence=_licence(fields.get("LICENSE", "")),
            origin="Arch Linux" if packager.rstrip("> ").endswith("@archlinux.org") else "",
            size_bytes=int(size) if size.isdecimal() and size.isascii() else None,
            install_date=day(int(built)) if built.isdecimal() and built.isascii() else "",
        )
        if desktops:
            _own(machine, program, folder, desktops)
        found.append(program)
    return found


def parse(text: str) -> dict[str, str]:
    """Fields by name, several values of one joined by ` AND `."""
    fields: dict[str, str] = {}
    for block in text.split("\n\n"):
        head, *values = block.strip("\n").split("\n")
        if head.startswith("%") and head.endswith("%") and values:
            fields[head.strip("%")] = " AND ".join(value.strip() for value in values if value.strip())
    return fields


def _licence(text: str) -> str:
    """`custom` alone says only that it is none of the usual ones."""
    return " AND ".join(part for part in text.split(" AND ") if part.casefold() not in ("custom", "unknown", "none"))


def _own(machine: Machine, program: Program, folder: str, desktops: dict[str, str]) -> None:
    files = machine.open_raw(f"{_LOCAL}/{folder}/files", _LARGEST_LIST)
    if f"{MENU}/".encode() not in files:
        return
    for line in files.decode("utf-8", "replace").splitlines():
        if line.startswith(f"{MENU}/") and (title := desktops.get(line.removeprefix(f"{MENU}/"))) is not None:
            program.app, program.title = True, title
            return
