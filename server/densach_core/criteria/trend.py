"""A figure over days as a small line: the points of an SVG polyline, and what changed in words."""

from collections.abc import Sequence
from datetime import date, timedelta

import msgspec

WIDTH = 120
HEIGHT = 28
DAYS = 30


class Trend(msgspec.Struct, frozen=True):
    """`points` for `<polyline>` in a 120×28 box, one group per stretch without gaps; `change` since a week ago, None
    where one of the two is unknown."""

    points: tuple[str, ...]
    change: float | None
    first: str
    last: str


def trend(values: Sequence[tuple[date, float | None]]) -> Trend | None:
    """Days in order with what was known; unknown days leave a gap. None when fewer than two days are known."""
    known = [value for _, value in values if value is not None]
    if len(known) < 2:
        return None
    low, high = min(known), max(known)
    spread = (high - low) or 1
    stretches: list[list[str]] = [[]]
    for n, (_, value) in enumerate(values):
        if value is None:
            if stretches[-1]:
                stretches.append([])
            continue
        x = WIDTH * n / (len(values) - 1)
        y = HEIGHT - 2 - (HEIGHT - 4) * ((value - low) / spread if high > low else 0.5)
        stretches[-1].append(f"{x:.1f},{y:.1f}")
    by_day = dict(values)
    last = values[-1]
    before = by_day.get(last[0] - timedelta(days=7))
    change = last[1] - before if last[1] is not None and before is not None else None
    return Trend(
        tuple(" ".join(stretch) for stretch in stretches if stretch), change, values[0][0].isoformat(), last[0].isoformat()
    )


def days_up_to(day: date, n: int = DAYS) -> list[date]:
    return [day - timedelta(days=back) for back in range(n - 1, -1, -1)]
