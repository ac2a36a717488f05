"""Licence classes of software: free, proprietary or unknown, from evidence. Agent and hub share this, so that
`densach agent once` and the hub's pages say the same of the same evidence; the hub puts a school's own words before it.

"Free" is free and open-source software as Circular 08/2010/TT-BGDĐT means it: a licence that the OSI, the FSF or
Debian's guidelines accept. "Proprietary" is everything else that somebody said something of, software at no charge
included. Where nobody said anything it is unknown: silence is no licence.
"""

import re
from collections.abc import Iterable
from enum import StrEnum
from fnmatch import fnmatchcase, translate
from functools import cache
from importlib import resources
from typing import Annotated

import msgspec
from msgspec import Meta


class LicenceClass(StrEnum):
    FREE = "free"
    PROPRIETARY = "proprietary"
    UNKNOWN = "unknown"


class Ground(StrEnum):
    """What a class rests on, strongest first."""

    SCHOOL = "school"
    LICENCE = "licence"
    COMPONENT = "component"
    LIST = "list"
    NONE = "none"


class Verdict(msgspec.Struct, frozen=True):
    """`because` is what it rests on, in the words of the evidence: a licence, an area, the pattern of the list."""

    cls: LicenceClass
    ground: Ground
    because: str = ""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What a package says of itself. Empty where nothing is known."""

    name: str
    source: str = ""
    publisher: str = ""
    origin: str = ""
    area: str = ""
    licence: str = ""
    title: str = ""


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line of the list: names with `*` and `?`, capital letters do not count. `publisher` and `source` narrow it."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    cls: LicenceClass = msgspec.field(name="class")
    publisher: str = ""
    source: str = ""
    why: str = ""


class ListFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`version` rises with each change, so that the hub knows when to look again."""

    version: int
    note: str = ""
    software: tuple[Entry, ...]


_PROPRIETARY = re.compile(
    r"propriet|commercial|\beula\b|end.user|all rights reserved|closed|non-?free|freeware|shareware|software licen[cs]e terms"
    r"|\bBUSL|business source|\bSSPL|server side public|\bElastic|-NC\b|-NC-|-ND\b|non-?commercial|no-modification"
    r"|not open source|terms of (service|use)|unfree",
    re.IGNORECASE,
)
_FREE = re.compile(
    r"\b[al]?gpl|lesser general public|\bgeneral public licen|\bbsd\b|\bbsd-|\bmit\b|\bmit-|\bexpat\b|\bapache|\basl ?2|\bmpl"
    r"|mozilla public"
    r"|\bisc\b|\biscl\b|artistic|\bzlib|\bpsf|python software foundation|\bpython-2|\bcc0|cc-by|\bcc by|public.domain|unlicense"
    r"|\bwtfpl|\bbsl-1\.0|boost|\bepl\b|\bepl-|eclipse public|\beupl|\bcddl|\bofl|open font|\bx11\b|\bruby\b|postgresql"
    r"|openssl|\bvim\b|\bphp-|\bzpl|zope public|\bsil\b|\bcecill|\bafl\b|\bafl-|academic free|\bncsa|\bhpnd|\blppl|\bperl\b"
    r"|osi.approved"
    r"|\bgfdl|\bagpl|\b0bsd|\bblueoak|\bupl\b|\bupl-|\bodc|\bfsf|\bimagemagick|\blibpng|\bcurl\b|\bsleepycat|\bunicode",
    re.IGNORECASE,
)
_EITHER = re.compile(r"\bor\b|\|", re.IGNORECASE)

DISTRIBUTIONS = frozenset({"Debian", "Ubuntu", "Raspberry Pi", "Linux Mint"})
"""Origins that sort packages into components by licence and mean it."""
_COMPONENTS = {
    "main": LicenceClass.FREE,
    "universe": LicenceClass.FREE,
    "contrib": LicenceClass.UNKNOWN,  # free by itself, and there to bring in what is not
    "non-free": LicenceClass.PROPRIETARY,
    "non-free-firmware": LicenceClass.PROPRIETARY,
    "restricted": LicenceClass.PROPRIETARY,
    "multiverse": LicenceClass.PROPRIETARY,
}


def of_licence(text: str) -> LicenceClass:
    """The class of a licence's name or SPDX expression. Of a choice ("GPL-2.0 OR Proprietary") the free side counts, of
    a sum ("MIT AND LicenseRef-proprietary") the other."""
    closed, free = _PROPRIETARY.search(text), _FREE.search(text)
    if closed and not (free and _EITHER.search(text)):
        return LicenceClass.PROPRIETARY
    return LicenceClass.FREE if free else LicenceClass.UNKNOWN


def component(area: str) -> str:
    """`non-free/web` → `non-free`; a section without a component is of main."""
    first, slash, _ = area.partition("/")
    return first if slash else "main"


class Classes:
    """A list ready to be asked. A school's entries come first and win over all evidence, in their own order."""

    def __init__(self, shipped: ListFile, school: Iterable[Entry] = ()) -> None:
        self._school = _Matcher(tuple(school))
        self._shipped = _Matcher(shipped.software)

    def verdict(self, e: Evidence) -> Verdict:
        if (entry := self._school.find(e)) is not None:
            return Verdict(entry.cls, Ground.SCHOOL, entry.name)
        if e.licence and (cls := of_licence(e.licence)) is not LicenceClass.UNKNOWN:
            return Verdict(cls, Ground.LICENCE, e.licence)
        if e.origin in DISTRIBUTIONS and (said := _COMPONENTS.get(component(e.area))) is not None:
            if said is not LicenceClass.UNKNOWN:
                return Verdict(said, Ground.COMPONENT, f"{e.origin} {component(e.area)}")
        elif component(e.area) in ("non-free", "non-free-firmware", "restricted", "multiverse"):
            return Verdict(LicenceClass.PROPRIETARY, Ground.COMPONENT, component(e.area))
        if (entry := self._shipped.find(e)) is not None:
            return Verdict(entry.cls, Ground.LIST, entry.name)
        return Verdict(LicenceClass.UNKNOWN, Ground.NONE)


class _Matcher:
    """Exact names by dictionary; the patterns as one expression, compiled only when something gets that far: it says
    whether any of them could fit, and most never do."""

    def __init__(self, entries: tuple[Entry, ...]) -> None:
        self._exact: dict[str, list[Entry]] = {}
        self._patterns: list[tuple[str, Entry]] = []
        self._any: re.Pattern[str] | None = None
        for entry in entries:
            name = entry.name.casefold()
            if any(sign in name for sign in "*?["):
                self._patterns.append((name, entry))
            else:
                self._exact.setdefault(name, []).append(entry)

    def find(self, e: Evidence) -> Entry | None:
        for name in dict.fromkeys((e.name.casefold(), e.title.casefold())):
            if not name:
                continue
            for entry in self._exact.get(name, ()):
                if _narrow(entry, e):
                    return entry
            if self._patterns and self._could_fit(name):
                for pattern, entry in self._patterns:
                    if fnmatchcase(name, pattern) and _narrow(entry, e):
                        return entry
        return None

    def _could_fit(self, name: str) -> bool:
        if self._any is None:
            self._any = re.compile("|".join(translate(pattern) for pattern, _ in self._patterns))
        return self._any.match(name) is not None


def _narrow(entry: Entry, e: Evidence) -> bool:
    if entry.source and entry.source != e.source:
        return False
    return not entry.publisher or fnmatchcase(e.publisher.casefold(), entry.publisher.casefold())


@cache
def shipped() -> ListFile:
    """The list that comes with the product."""
    return msgspec.json.decode((resources.files("densach_wire") / "licences.json").read_bytes(), type=ListFile)


def shipped_classes() -> Classes:
    return Classes(shipped())
