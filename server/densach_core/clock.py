"""Time, given from outside, so that tests own it and a hub without a clock battery can be corrected."""

import time
from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

SCHOOL_TZ = ZoneInfo("Asia/Ho_Chi_Minh")
DAY_MS = 86_400_000


class Clock(Protocol):
    """`now_ms` is UTC epoch milliseconds; `monotonic` is seconds that never jump."""

    def now_ms(self) -> int: ...

    def monotonic(self) -> float: ...


class SystemClock:
    """The machine's clock, plus an offset a technician's browser gave when the machine knew no better.

    `offset_ms` is added to the system clock; `source` is shown by `doctor` ("system" or "browser").
    """

    def __init__(self, offset_ms: int = 0, source: str = "system") -> None:
        self.offset_ms = offset_ms
        self.source = source

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self.offset_ms

    def monotonic(self) -> float:
        return time.monotonic()

    def correct(self, true_now_ms: int, source: str = "browser") -> int:
        """Takes `true_now_ms` as the present; returns the new offset, for the caller to keep on disk."""
        self.offset_ms = true_now_ms - time.time_ns() // 1_000_000
        self.source = source
        return self.offset_ms


class FixedClock:
    """A clock that moves only when told to."""

    def __init__(self, at_ms: int = 1_795_500_000_000) -> None:
        self.at_ms = at_ms

    def now_ms(self) -> int:
        return self.at_ms

    def monotonic(self) -> float:
        return self.at_ms / 1000

    def advance(self, ms: int) -> None:
        self.at_ms += ms


def moment(ms: int, tz: ZoneInfo = SCHOOL_TZ) -> datetime:
    """The aware local time of an epoch in milliseconds."""
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone(tz)


def day_of(ms: int, tz: ZoneInfo = SCHOOL_TZ) -> date:
    """The school's calendar day a moment falls on."""
    return moment(ms, tz).date()


def day_start_ms(day: date, tz: ZoneInfo = SCHOOL_TZ) -> int:
    """Midnight at the start of `day` in the school's zone, as epoch milliseconds."""
    return int(datetime(day.year, day.month, day.day, tzinfo=tz).timestamp() * 1000)


def days_before(day: date, n: int) -> date:
    return day - timedelta(days=n)
