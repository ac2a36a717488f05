"""A criterion (data, replaceable by a school or a department), and what evaluating it on facts gives."""

from fractions import Fraction
from typing import Literal

import msgspec

from densach_wire.upward import State

Confidence = Literal["4771", "L", "C", "R"]
"""Where a number comes from: the text of letter 4771, a legal page (L), public code only (C), recalled (R)."""


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A title or unit as data: criteria are replaced by people who write no translation files.

    `en_one` is the English unit of exactly one; Vietnamese has no other form."""

    vi: str
    en: str
    en_one: str = ""

    def say(self, locale: str, value: float | None = None) -> str:
        if locale != "en":
            return self.vi
        return self.en_one if self.en_one and value == 1 else self.en


class Norm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The bound a document sets, and the better value it hopes for, in the criterion's unit."""

    at_most: float | None = None
    at_least: float | None = None
    aim: float | None = None

    @property
    def bound(self) -> float | None:
        return self.at_most if self.at_most is not None else self.at_least

    def admits(self, value: Fraction) -> bool:
        """Whether the exact value keeps to the norm; rounding is for eyes only."""
        if self.at_most is not None and value > Fraction(str(self.at_most)):
            return False
        return self.at_least is None or value >= Fraction(str(self.at_least))


class Criterion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One criterion as its file has it.

    `compute` names a function of `figures.FIGURES`, `needs` the parts of Facts that must be known for a value to exist.
    `norm` is by level ("TH", "THCS", "THPT"), or under "*" for the school. `norm_from` borrows the norms of another
    criterion for the computation only (the value itself is in another unit and is not held against them).
    """

    code: str
    title: Words
    unit: Words
    compute: str
    needs: tuple[str, ...]
    source: str
    confidence: Confidence
    document: str | None = None
    clause: str | None = None
    by_level: bool = False
    decimals: int = 0
    better: Literal["lower", "higher"] | None = None
    norm: dict[str, Norm] = {}
    norm_from: str | None = None
    note: Words | None = None
    version: int = 1
    file: str = ""


class Reason:
    """Why a figure has no value, as codes that travel; the sentences are in `words.py`."""

    NO_MACHINES = "no-machine-register"
    NO_ROSTER = "no-roster"
    NO_CLASS = "no-class-of-level"
    SIZE_UNKNOWN = "class-size-unknown"
    ROOM_UNKNOWN = "room-of-class-unknown"
    NO_WORKING = "no-working-computer"
    NOT_HEARD = "not-heard-long-enough"
    NO_NORM = "no-norm"
    NO_STUDIO = "no-studio-record"
    NO_LIBRARY = "no-library"
    NO_DESK = "no-loan-desk"
    NO_CALENDAR = "no-calendar"
    SIMULATED = "simulated-counted-in"


class Grounds(msgspec.Struct, frozen=True, kw_only=True):
    """The ids a figure stands on. `uncertain` counts things whose state nobody knows and which were left out; `apart` are
    simulated machines and equipment that would count were they real (`simulated` is their number)."""

    machines: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    rooms: tuple[str, ...] = ()
    equipment: tuple[str, ...] = ()
    items: int = 0
    measured: int = 0
    declared: int = 0
    simulated: int = 0
    uncertain: int = 0


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the sum or comparison behind a figure: a room, with what it has and what it would need.

    `simulated` machines are in none of its numbers but `with_simulated`: the ratio with them counted too."""

    room: str
    name: str
    level: str | None = None
    klass: str | None = None
    pupils: int | None = None
    working: int | None = None
    simulated: int = 0
    needed: int | None = None
    short: int | None = None
    value: float | None = None
    norm: float | None = None
    within: bool | None = None
    state: State = State.UNKNOWN
    reason: str | None = None
    with_simulated: float | None = None


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """What a computation found. `value` None needs a `reason`; "measured" with None means known to have no value
    (a class in a room where no machine works), and then `breaks` says that no norm can be kept."""

    value: Fraction | None = None
    state: State = State.UNKNOWN
    reason: str | None = None
    breaks: bool = False
    grounds: Grounds = Grounds()
    parts: tuple[Part, ...] = ()


class Indicator(msgspec.Struct, frozen=True, kw_only=True):
    """A criterion's value for a school on a day, for one level or (None) the whole school.

    `value`, `state`, `within` know of real machines only. `with_simulated` is what the value would be with the simulated
    ones; None where none is concerned."""

    code: str
    version: int
    level: str | None
    as_of: str
    state: State
    value: float | None
    reason: str | None
    norm: float | None
    within: bool | None
    grounds: Grounds
    parts: tuple[Part, ...]
    digest: str
    with_simulated: float | None = None

    @property
    def key(self) -> str:
        """Names the indicator within a school: the code, with the level when there is one."""
        return f"{self.code}.{self.level}" if self.level else self.code
