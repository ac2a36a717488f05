"""Where the machine's software comes from: the repositories of apt, from both of its notations. Passwords in addresses stay."""

import re
from collections.abc import Iterator

from densach_agent.collectors.model import Collector, item
from densach_agent.machine import Denied, Machine, NoData, clean
from densach_wire.messages import Item

_PLACE = "etc/apt/sources.list.d"
_LINE = re.compile(r"^deb\s+(?:\[[^\]]*\]\s*)?(\S+)\s+(\S+)(.*)$")
_MOST = 200


def collect(machine: Machine) -> list[Item]:
    found: dict[tuple[str, str], set[str]] = {}
    for address, suite, components in _told(machine):
        found.setdefault((_bare(address), clean(suite)), set()).update(map(clean, components))
    if not found:
        raise NoData
    return [
        item("repository", f"{address} {suite}", address=address, suite=suite, components=" ".join(sorted(components)))
        for (address, suite), components in sorted(found.items())[:_MOST]
    ]


def _told(machine: Machine) -> Iterator[tuple[str, str, list[str]]]:
    for path in ("etc/apt/sources.list", *(f"{_PLACE}/{name}" for name in machine.names(_PLACE)[:_MOST])):
        try:
            text = machine.whole(path, 256 * 1024) or ""
        except Denied:  # a repository that costs money keeps its address to root
            continue
        yield from _stanzas(text) if path.endswith(".sources") else _lines(text) if path.endswith(".list") else ()


def _lines(text: str) -> Iterator[tuple[str, str, list[str]]]:
    for line in text.splitlines():
        if match := _LINE.match(line.partition("#")[0].strip()):
            yield match[1], match[2], match[3].split()


def _stanzas(text: str) -> Iterator[tuple[str, str, list[str]]]:
    for block in re.split(r"\n\s*\n", text):
        plain = re.sub(r"^#.*\n?", "", block, flags=re.MULTILINE)
        fields = {
            name.lower(): value.split()
            for name, value in re.findall(r"^([A-Za-z-]+):((?:.*)(?:\n[ \t].*)*)", plain, re.MULTILINE)
        }
        if fields.get("enabled", ["yes"])[:1] == ["no"] or "deb" not in fields.get("types", []):
            continue
        for address in fields.get("uris", []):
            for suite in fields.get("suites", []):
                yield address, suite, fields.get("components", [])


def _bare(address: str) -> str:
    """Without user and password."""
    return clean(re.sub(r"//[^/@]*@", "//", address)).rstrip("/")


COLLECTOR = Collector("sources", 2, collect)
