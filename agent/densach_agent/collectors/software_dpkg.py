"""Packages of dpkg, by its files (a command would cost ten times as much).

Whether a package is the distribution's is not written anywhere. It counts as such when its maintainer writes from there,
or its copyright file follows Debian's rules; and not when a list of another source holds it.
"""

import re
from collections.abc import Iterable

from densach_agent.collectors.software import Program, day, person
from densach_agent.machine import Machine

_FIELD = re.compile(
    r"^(Package|Status|Version|Architecture|Installed-Size|Section|Maintainer|Vendor|License|Origin): (.*)$", re.MULTILINE
)
_DOMAINS = {
    "debian.org": "Debian",
    "alioth-lists.debian.net": "Debian",
    "ubuntu.com": "Ubuntu",
    "canonical.com": "Ubuntu",
    "raspberrypi.com": "Raspberry Pi",
    "raspberrypi.org": "Raspberry Pi",
    "linuxmint.com": "Linux Mint",
}
_BY_THE_RULES = (
    b"debian.org/doc/packaging-manuals",
    b"dep.debian.net/deps/dep5",
    b"debianized by",
    b"/usr/share/common-licenses",
)
_NO_APPS = (
    "lib", "oldlibs", "doc", "debug", "fonts", "localization", "kernel", "perl", "introspection", "translations",
    "metapackages", "debian-installer", "rust", "haskell", "ruby", "php", "javascript", "java", "golang", "ocaml",
)  # fmt: skip
"""Sections (their beginnings) nothing of which stands in a menu."""
_DESKTOP = re.compile(rb"^/usr/share/applications/((?:[^/\n]+/)*[^/\n]+\.desktop)$", re.MULTILINE)
_OPT = re.compile(rb"^/opt/([^/\n]+)$", re.MULTILINE)
_LARGEST_LIST = 4 * 1024 * 1024
_USUAL_LIST = 100_000
"""Room for more bytes is asked of the system anew for each file: three times the time."""
_STATUS = "var/lib/dpkg/status"
_INFO = "var/lib/dpkg/info"


class CutShort(Exception):
    """The status file ends in the middle: what it lacks may well be installed."""


def read(machine: Machine, desktops: dict[str, str], opt: set[str]) -> list[Program]:
    """`desktops`: file in /usr/share/applications → name in menus. Adds the folders of /opt that packages own to `opt`.

    Raises CutShort where neither the status file nor the one before it is whole.
    """
    text = machine.whole(_STATUS)
    if not text:
        return []
    if not text.endswith("\n"):
        text = machine.whole(f"{_STATUS}-old")
        if not text or not text.endswith("\n"):
            raise CutShort(f"{_STATUS} ends in the middle")
    found = list(parse(text))
    if not found:
        return []
    times = machine.times(_INFO, ".list")
    others = _other_sources(machine)
    look = bool(desktops) or bool(machine.folders("opt"))
    for p in found:
        name, _, arch = p.key.removeprefix("dpkg:").rpartition(":")
        listed = f"{name}:{arch}" if f"{name}:{arch}" in times else name
        if listed in times:
            p.install_date = day(int(times[listed]))
        if (origin := others.get((name, p.version)) or (others.get((name, "")) if not p.origin else None)) is not None:
            p.origin = origin
        elif not p.origin and p.area:
            p.origin = _by_its_papers(machine, name)
        if look and not p.area.rpartition("/")[2].startswith(_NO_APPS):
            _own(machine, p, listed, desktops, opt)
    return found


def parse(text: str) -> Iterable[Program]:
    """What is fully installed, of a status file. Keys are `dpkg:name:arch`."""
    for block in text.split("\n\n"):
        fields = dict(_FIELD.findall(block))
        if not fields.get("Status", "").endswith(" installed"):
            continue
        name, size, maintainer = fields.get("Package", "").strip(), fields.get("Installed-Size", ""), fields.get("Maintainer", "")
        if not name:
            continue
        vendor = fields.get("Vendor", "")
        yield Program(
            source="dpkg",
            key=f"dpkg:{name}:{fields.get('Architecture', '')}",
            name=name,
            version=fields.get("Version", ""),
            publisher=person(maintainer) or person(vendor),
            area=fields.get("Section", ""),
            licence=_said(fields.get("License", "")),
            origin="" if vendor or "License" in fields else _by_address(maintainer),
            size_bytes=int(size) * 1024 if size.isdecimal() and size.isascii() else None,
        )


def _said(licence: str) -> str:
    """Packers write `unknown` and `none` where they were told nothing."""
    return "" if licence.strip().casefold() in ("", "unknown", "none", "unset", "custom") else licence


def _by_address(maintainer: str) -> str:
    domain = maintainer.rpartition("@")[2].rstrip("> \t").lower()
    return next((who for name, who in _DOMAINS.items() if domain == name or domain.endswith(f".{name}")), "")


def _by_its_papers(machine: Machine, name: str) -> str:
    papers = machine.open_raw(f"usr/share/doc/{name}/copyright", 3072)
    return "Debian" if any(words in papers for words in _BY_THE_RULES) else ""


def _own(machine: Machine, p: Program, listed: str, desktops: dict[str, str], opt: set[str]) -> None:
    files = machine.open_raw(f"{_INFO}/{listed}.list", _USUAL_LIST)
    if len(files) == _USUAL_LIST:
        files = machine.open_raw(f"{_INFO}/{listed}.list", _LARGEST_LIST)
    if b"/opt/" in files:
        opt.update(match.decode("utf-8", "replace") for match in _OPT.findall(files))
    if not desktops or b"/usr/share/applications/" not in files:
        return
    titles = [desktops[name] for match in _DESKTOP.findall(files) if (name := match.decode("utf-8", "replace")) in desktops]
    if titles:
        p.app, p.title = True, titles[0]


def _other_sources(machine: Machine) -> dict[tuple[str, str], str]:
    """(package, version) and (package, "") → who offers it, of all sources that are no distribution. Their lists are
    short; one that is packed as the distribution's are is left unread."""
    folder = "var/lib/apt/lists"
    names = machine.names_ending(folder, "Release", "_Packages")
    found: dict[tuple[str, str], str] = {}
    for release in names:
        if not release.endswith(("_InRelease", "_Release")):
            continue
        head = machine.open_raw(f"{folder}/{release}", 4096).decode("utf-8", "replace")
        words = re.search(r"^Origin: *(.+)$", head, re.MULTILINE) or re.search(r"^Label: *(.+)$", head, re.MULTILINE)
        origin = words[1].strip() if words is not None else release.partition("_")[0]
        if origin.split()[0] in ("Debian", "Ubuntu", "Raspbian", "LinuxMint", "Linux", "Kali"):
            continue
        prefix = release.rpartition("_")[0]
        for listed in names:
            if listed.startswith(prefix) and listed.endswith("_Packages"):
                text = machine.whole(f"{folder}/{listed}", _LARGEST_LIST) or ""
                for block in text.split("\n\n"):
                    fields = dict(re.findall(r"^(Package|Version): (.*)$", block, re.MULTILINE))
                    if "Package" in fields:
                        found[fields["Package"], fields.get("Version", "")] = origin
                        found[fields["Package"], ""] = origin
    return found
