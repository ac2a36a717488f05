"""A figure over days, for the small line beside it and for the words that say what changed."""

from collections.abc import Sequence
from datetime import date, timedelta

import msgspec

DAYS = 30


class Trend(msgspec.Struct, frozen=True):
    """`values` by day (None: unknown, a gap in the line); `change` since a week before the last day, None where one of
    the two is unknown."""

    values: tuple[float | None, ...]
    change: float | None
    first: date
    last: date


def trend(values: Sequence[tuple[date, float | None]]) -> Trend | None:
    """Days in order with what was known. None when fewer than two days are known: no line can be drawn."""
    if sum(value is not None for _, value in values) < 2:
        return None
    by_day = dict(values)
    last, now = values[-1]
    before = by_day.get(last - timedelta(days=7))
    change = now - before if now is not None and before is not None else None
    return Trend(tuple(value for _, value in values), change, values[0][0], last)


def days_up_to(day: date, n: int = DAYS) -> list[date]:
    """The last `n` days, oldest first."""
    return [day - timedelta(days=back) for back in range(n - 1, -1, -1)]
