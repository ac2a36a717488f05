"""Lets so many through in so much time, for each name (an address, a seat); remembers only as many names as it must."""

from collections import OrderedDict, deque

from densach_core.clock import Clock
from densach_core.errors import TooMany
from densach_core.text import t

MOST_NAMES = 10_000


class Turnstile:
    """`pass_through` raises TooMany(code) once a name came `most` times within `within_ms`."""

    def __init__(self, clock: Clock, code: str, *, most: int, within_ms: int) -> None:
        self._clock = clock
        self._code = code
        self._most = most
        self._within_s = within_ms / 1000
        self._came: OrderedDict[str, deque[float]] = OrderedDict()

    def pass_through(self, name: str) -> None:
        now = self._clock.monotonic()
        times = self._came.setdefault(name, deque())
        self._came.move_to_end(name)
        while times and now - times[0] >= self._within_s:
            times.popleft()
        if len(times) >= self._most:
            wait = int(self._within_s - (now - times[0])) + 1
            raise TooMany(
                self._code,
                t("Too many requests from this address."),
                t("Wait {n} seconds and try again.", n=wait),
                retry_after_s=wait,
            )
        times.append(now)
        while len(self._came) > MOST_NAMES:
            self._came.popitem(last=False)
