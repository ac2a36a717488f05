"""When to try the broker again: 1 to 60 s with full jitter, so that a room does not come back as one; and what three
takeovers mean."""

import random
from collections import deque

STABLE_MS = 60_000
_TAKEOVERS = 3
_TAKEOVER_SPAN_MS = 5 * 60_000


class Backoff:
    """The ceiling doubles with each failure and falls back only after a session of 60 s: a broker that accepts and
    drops us must not be asked every second."""

    def __init__(self, chance: random.Random, low_ms: int = 1_000, high_ms: int = 60_000) -> None:
        self._chance = chance
        self._low_ms = low_ms
        self._high_ms = high_ms
        self._failures = 0

    def session_lasted(self, ms: int) -> None:
        if ms >= STABLE_MS:
            self._failures = 0

    def next_ms(self) -> int:
        ceiling = min(self._high_ms, self._low_ms * 2 ** min(self._failures + 1, 16))
        self._failures += 1
        return self._chance.randint(self._low_ms, ceiling)


class TakeoverWatch:
    """Two machines with one identity throw each other out for ever unless they notice."""

    def __init__(self) -> None:
        self._at: deque[int] = deque(maxlen=_TAKEOVERS)

    def taken_over(self, up_ms: int) -> bool:
        """Notes one; True if it is the third in five minutes."""
        self._at.append(up_ms)
        return len(self._at) == _TAKEOVERS and up_ms - self._at[0] <= _TAKEOVER_SPAN_MS

    def forget(self) -> None:
        self._at.clear()
