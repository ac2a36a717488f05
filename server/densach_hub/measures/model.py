"""What the reports show: indicators on a day with the facts they stand on. No I/O. Times in epoch ms."""

import msgspec

from densach_core.criteria.facts import ClassFact, EquipmentFact, MachineFact, RoomFact
from densach_core.criteria.model import Criterion, Indicator
from densach_core.criteria.trend import Trend
from densach_hub.library.model import HeldTitle, ItemReads

LISTED = 1_000


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the report: the indicator with its criterion and how it went."""

    criterion: Criterion
    indicator: Indicator
    trend: Trend | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All indicators as of a day (ISO). `at` is when they were computed, `days` the days that can be looked at."""

    day: str
    at: int
    lines: tuple[Line, ...]
    first_day: str | None = None
    last_day: str | None = None


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A figure with everything behind it. `counted` are machines in the figure, `simulated` those that would be were they
    real, `left_out` those of the register that are in neither, so that a person can see why.

    `titles` and `reads` (per item, never per person) are at most `LISTED`; the figure says how many there are in all."""

    line: Line
    day: str
    at: int
    counted: tuple[MachineFact, ...] = ()
    simulated: tuple[MachineFact, ...] = ()
    left_out: tuple[MachineFact, ...] = ()
    classes: tuple[ClassFact, ...] = ()
    equipment: tuple[EquipmentFact, ...] = ()
    rooms: dict[str, str] = {}
    titles: tuple[HeldTitle, ...] = ()
    reads: tuple[ItemReads, ...] = ()
    studios: tuple[RoomFact, ...] = ()
    school_days: tuple[str, ...] = ()


class IndicatorList(msgspec.Struct, frozen=True, kw_only=True):
    """The API's answer."""

    day: str
    at: int
    indicators: list[Indicator]
