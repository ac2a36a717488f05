"""People go first: work in threads that can wait makes room while somebody waits for a page.

Python computes in one thread at a time. A page goes back and forth between the event loop and the databases' threads, and
SQLite lets go of the interpreter's lock at every row; beside a thread that computes, each of these steps waits until that
thread is made to let go, some milliseconds, a hundred times in one page. So whoever works off a backlog asks between two
pieces of it (`Courtesy.give_way`) whether a request is being answered, and pauses for it: never long at a time, and in sum
never more than PAUSED_PER_WORKED times as long as it works, so that a school full of readers cannot bring it to a halt.
"""

import threading
from asyncio import sleep
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from densach_core.clock import Clock

FRESH_S = 0.5
"""So long a request is waited for. What takes longer is an upload or a report; and if it waits for the very work that pauses
for it, that is what it loses."""
PAUSE_S = 0.05
SAVED_S = 0.25
"""So much pausing in a row is allowed after long work."""
PAUSED_PER_WORKED = 4.0
SHORTEST_S = 0.004
"""What is not worth stopping for."""
LOOK_EVERY_S = 0.02


class Patience:
    """How long a worker may still pause; times are monotonic seconds. Work earns it, pauses spend it."""

    def __init__(self, now: float) -> None:
        self._left = SAVED_S
        self._at = now

    def pause(self, now: float, fresh_s: float) -> float:
        """Seconds to pause at most, for a request that will be fresh for `fresh_s`; 0.0: work on."""
        self._left = min(SAVED_S, self._left + PAUSED_PER_WORKED * max(0.0, now - self._at))
        self._at = now
        pause = min(PAUSE_S, self._left, fresh_s)
        return pause if pause >= SHORTEST_S else 0.0

    def paused(self, now: float) -> None:
        """The pause that began at the last call of `pause` is over."""
        self._left -= max(0.0, now - self._at)
        self._at = now


class Precedence:
    """Requests that are being answered. One per process; all but `fresh_s` and `wait` belongs to the event loop's thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._answering: dict[int, float] = {}
        self._number = 0
        self._newest: float | None = None
        self._nobody = threading.Event()
        self._nobody.set()

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Around the answer to a request somebody waits for."""
        self._number += 1
        number = self._number
        self._newest = self._answering[number] = self._clock.monotonic()
        self._nobody.clear()
        try:
            yield
        finally:
            del self._answering[number]
            self._newest = next(reversed(self._answering.values()), None)
            if not self.fresh_s(self._clock.monotonic()):
                self._nobody.set()

    def fresh_s(self, now: float) -> float:
        """How long somebody's request will still be fresh; 0.0 when nobody waits."""
        newest = self._newest
        return 0.0 if newest is None else max(0.0, newest + FRESH_S - now)

    def wait(self, seconds: float) -> None:
        """In a worker's thread: until nobody waits, at most so long."""
        self._nobody.wait(seconds)

    async def quiet(self, most_s: float) -> None:
        """In the event loop: until nobody waits, at most so long."""
        until = self._clock.monotonic() + most_s
        while (now := self._clock.monotonic()) < until and self.fresh_s(now):  # noqa: ASYNC110 - time itself ends it too
            await sleep(LOOK_EVERY_S)


class Courtesy:
    """A worker's side of it, in one thread at a time. `wait` as Precedence's own."""

    def __init__(self, precedence: Precedence, clock: Clock, *, wait: Callable[[float], None] | None = None) -> None:
        self._precedence = precedence
        self._clock = clock
        self._wait = precedence.wait if wait is None else wait
        self._patience = Patience(clock.monotonic())

    def give_way(self) -> None:
        """Between two pieces of work of some milliseconds. Costs next to nothing when nobody waits."""
        now = self._clock.monotonic()
        fresh_s = self._precedence.fresh_s(now)
        if not fresh_s:
            return
        pause = self._patience.pause(now, fresh_s)
        if pause:
            self._wait(pause)
            self._patience.paused(self._clock.monotonic())
