"""The shape of a piece of software, and how one is put on the wire. The sources are `software_…` beside this.

Every source may know a name, a version, who made it, its size and since when it is there; what it does not know stays away.
Install dates are days in the machine's own zone. dpkg, flatpak, snap, pip and AppImage know them by the time of a file
that is written anew with each update: it is the day this version came, not the first one.
"""

import time
from functools import cache

import msgspec

from densach_agent.collectors.model import item
from densach_agent.machine import clean
from densach_wire.licences import Classes, Evidence, shipped_classes
from densach_wire.messages import Item

LONGEST_NAME = 120
LONGEST_LICENCE = 80
FEW = 3_000
"""So many fit whatever they say."""
MOST_BYTES = 250_000
MOST_PLAIN_BYTES = 3_900_000
"""Of the 256 KiB of a message and the 4 MiB it may unpack to: the envelope and a growing list keep a share."""
_DISPENSABLE = ("publisher", "size_bytes", "install_date", "area", "licence", "origin", "title")
_EARLIEST = 631_152_000
"""1990: what claims to be older was written by a machine without a clock."""
_LATEST = 4_102_444_800


class Program(msgspec.Struct, kw_only=True):
    """`key` tells it from its siblings. `area` is a section or group, `origin` the distribution or shop it surely came
    from, `app` whether it stands in a menu for people (a library does not), `title` its name there."""

    source: str
    key: str
    name: str
    version: str = ""
    publisher: str = ""
    area: str = ""
    licence: str = ""
    origin: str = ""
    title: str = ""
    size_bytes: int | None = None
    install_date: str = ""
    app: bool = False


def on_the_wire(programs: list[Program], classes: Classes | None = None) -> list[Item]:
    """Items with the class the shipped list gives; of two with one key the later, as package managers read their files.

    What all packages of a machine share comes last and together, so that it costs nothing when compressed.
    """
    classes = shipped_classes() if classes is None else classes
    found: dict[str, Item] = {}
    for p in programs:
        name = clean(p.name)[:LONGEST_NAME]
        if not name:
            continue
        publisher, area, origin, title, licence = (
            _tidy(p.publisher),
            _tidy(p.area),
            _tidy(p.origin),
            _tidy(p.title),
            _tidy(p.licence),
        )
        verdict = classes.verdict(
            Evidence(name=name, source=p.source, publisher=publisher, origin=origin, area=area, licence=licence, title=title)
        )
        made = item(
            "package",
            p.key,
            name=name,
            title=title if title != name else None,
            version=clean(p.version),
            size_bytes=p.size_bytes,
            install_date=p.install_date,
            publisher=publisher,
            area=area,
            licence=licence[:LONGEST_LICENCE],
            app=True if p.app else None,
            source=p.source,
            origin=origin,
            licence_class=verdict.cls.value,
        )
        found[made.key] = made
    return fitting(list(found.values()))


def fitting(items: list[Item]) -> list[Item]:
    """All of them, in one message: where a machine has so many that it would not fit, packages that stand in no menu give
    up what is least asked for, one attribute after the other. Name, version, source and class always stay."""
    if len(items) <= FEW:
        return items
    import zlib

    for name in (None, *_DISPENSABLE):
        if name is not None:
            items = [
                i if "app" in i.attrs else Item(i.cls, i.key, {k: v for k, v in i.attrs.items() if k != name}) for i in items
            ]
        plain = msgspec.json.encode(items)
        if len(plain) <= MOST_PLAIN_BYTES and len(zlib.compress(plain, 6)) <= MOST_BYTES:
            break
    return items


@cache
def _tidy(text: str) -> str:
    return clean(text)[:LONGEST_NAME]


@cache
def day(seconds: int) -> str:
    """The day of a moment in the machine's zone; empty for moments of machines without a clock."""
    if not _EARLIEST <= seconds < _LATEST:
        return ""
    return time.strftime("%Y-%m-%d", time.localtime(seconds))


def person(text: str) -> str:
    """A name without its address: `Debian GNOME <a@b>` → `Debian GNOME`, `<a@b>` → ``."""
    return text.partition("<")[0].strip().strip("\"'").strip()
