"""Packages of rpm: by its command, or by its database where the command is not there (an image looked at from outside)."""

import sqlite3
import struct
from collections.abc import Iterator

from densach_agent.collectors.software import Program, day
from densach_agent.collectors.software_desktop import MENU
from densach_agent.machine import Machine

_FORMAT = "\\t".join(
    f"%{{{tag}}}"
    for tag in ("NAME", "VERSION", "RELEASE", "ARCH", "SIZE", "VENDOR", "LICENSE", "INSTALLTIME", "GROUP", "PACKAGER")
)
_DATABASES = ("usr/lib/sysimage/rpm/rpmdb.sqlite", "var/lib/rpm/rpmdb.sqlite")
_TAGS = {1000: "name", 1001: "version", 1002: "release", 1008: "installed", 1009: "size", 1011: "vendor", 1014: "licence",
         1015: "packager", 1016: "group", 1022: "arch", 5009: "long_size"}  # fmt: skip
_INT32, _INT64, _STRING, _TEXTS = 4, 5, 6, 9
_MOST = 50_000
_NAMED = {"Fedora Project": "Fedora", "CentOS": "CentOS", "Rocky Enterprise Software Foundation": "Rocky Linux",
          "AlmaLinux": "AlmaLinux", "openSUSE": "openSUSE", "Red Hat, Inc.": "Red Hat"}  # fmt: skip


def read(machine: Machine, desktops: dict[str, str]) -> list[Program]:
    if not any(machine.exists(place) for place in ("var/lib/rpm", "usr/lib/sysimage/rpm")):
        return []
    text = machine.command("rpm", "-qa", "--qf", f"{_FORMAT}\\n", seconds=8)
    rows = [line.split("\t") for line in text.splitlines()] if text else list(_from_database(machine))
    found = [_program(row) for row in rows if len(row) == 10 and row[0] not in ("", "gpg-pubkey")]
    if text and desktops:
        _name_apps(machine, found, desktops)
    return found


def _program(row: list[str]) -> Program:
    name, version, release, arch, size, vendor, licence, installed, group, packager = (_known(word) for word in row)
    return Program(
        source="rpm",
        key=f"rpm:{name}:{arch}" if not name.startswith(("kernel", "gpg-pubkey")) else f"rpm:{name}:{arch}:{version}-{release}",
        name=name,
        version=f"{version}-{release}" if release else version,
        publisher=vendor or packager.partition("<")[0].strip(),
        area="" if group == "Unspecified" else group,
        licence=licence,
        origin=_NAMED.get(vendor, ""),
        size_bytes=int(size) if size.isdecimal() and size.isascii() else None,
        install_date=day(int(installed)) if installed.isdecimal() and installed.isascii() else "",
    )


def _known(word: str) -> str:
    word = word.strip()
    return "" if word in ("(none)", "(null)") else word


def _name_apps(machine: Machine, found: list[Program], desktops: dict[str, str]) -> None:
    """Asks once whose the menu's files are; rpm answers line by line, a file of nobody's with a sentence."""
    files = sorted(desktops)[:500]
    text = machine.command("rpm", "-qf", "--qf", "%{NAME}\\n", *(f"/{MENU}/{file}" for file in files), seconds=5)
    lines = (text or "").splitlines()
    if len(lines) != len(files):
        return
    titles: dict[str, str] = {}
    for file, owner in zip(files, lines, strict=True):
        titles.setdefault(owner, desktops[file])
    for program in found:
        if program.name in titles:
            program.app, program.title = True, titles[program.name]


def _from_database(machine: Machine) -> Iterator[list[str]]:
    """Rows as the command prints them, out of the headers in the database."""
    path = next((place for place in _DATABASES if machine.exists(place)), None)
    if path is None:
        return
    connection = sqlite3.connect(f"{(machine.root / path).absolute().as_uri()}?immutable=1", uri=True)
    try:
        for (blob,) in connection.execute("SELECT blob FROM Packages LIMIT ?", (_MOST,)):
            fields = header(blob) if isinstance(blob, bytes) else {}
            if fields.get("name"):
                size = fields.get("long_size") or fields.get("size", "")
                order = ("version", "release", "arch", "", "vendor", "licence", "installed", "group", "packager")
                yield [fields["name"], *(fields.get(name, "") if name else size for name in order)]
    finally:
        connection.close()


def header(blob: bytes) -> dict[str, str]:
    """What we want of an rpm header: count of entries, length of the store (big endian), 16 bytes an entry (tag, type,
    offset, count), the store. A header that is damaged gives what can be read of it."""
    found: dict[str, str] = {}
    if len(blob) < 8:
        return found
    count, length = struct.unpack_from(">II", blob)
    store = 8 + 16 * count
    if count > 65_535 or store > len(blob):
        return found
    for n in range(count):
        tag, kind, offset, _ = struct.unpack_from(">IIII", blob, 8 + 16 * n)
        name = _TAGS.get(tag)
        at = store + offset
        if name is None or at + 4 > len(blob) or offset >= length:
            continue
        if kind in (_STRING, _TEXTS):
            end = blob.find(b"\0", at)
            found[name] = blob[at : end if end >= 0 else at + 200].decode("utf-8", "replace")
        elif kind == _INT32:
            found[name] = str(struct.unpack_from(">I", blob, at)[0])
        elif kind == _INT64 and at + 8 <= len(blob):
            found[name] = str(struct.unpack_from(">Q", blob, at)[0])
    return found
