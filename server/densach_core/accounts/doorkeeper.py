"""Slows guessing down without locking a class out.

Accounts are locked (in the database) after five wrong tries. An address is never locked: a whole class may stand behind
one. After many wrong tries from it within ten minutes its log-ins take turns with a pause, which ends by itself.
Log-in names that do not exist are counted here like real ones, so that a lock does not tell which names exist.
"""

import asyncio
from collections import OrderedDict
from weakref import WeakValueDictionary

import msgspec

from densach_core.clock import Clock

ADDRESS_FAILURES = 60
ADDRESS_WINDOW_S = 600.0
PAUSE_S = 1.0
REMEMBERED = 2_000


class _Count(msgspec.Struct):
    failures: int
    since: float
    locked_until: int | None = None


class Doorkeeper:
    def __init__(self, clock: Clock, *, pause_s: float = PAUSE_S) -> None:
        self._clock = clock
        self._pause_s = pause_s
        self._addresses: OrderedDict[str, _Count] = OrderedDict()
        self._strangers: OrderedDict[str, _Count] = OrderedDict()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def turn(self, name: str) -> asyncio.Lock:
        """One try at a time for one log-in name: parallel guesses cannot outrun the count."""
        lock = self._turns.get(name)
        if lock is None:
            lock = self._turns[name] = asyncio.Lock()
        return lock

    def is_slow(self, address: str | None) -> bool:
        return address is not None and self._count(self._addresses, address).failures >= ADDRESS_FAILURES

    async def wait(self, address: str | None) -> None:
        """Returns at once, or after a pause and in turn when too many tries from `address` failed lately."""
        if address is not None and self.is_slow(address):
            async with self.turn(f"address {address}"):
                await asyncio.sleep(self._pause_s)

    def failed_from(self, address: str | None) -> None:
        if address is not None:
            self._count(self._addresses, address).failures += 1

    def stranger_failed(self, key: str) -> int:
        """Counts a wrong try at a log-in name nobody has; returns the count."""
        count = self._count(self._strangers, key)
        count.failures += 1
        return count.failures

    def stranger_locked_until(self, key: str) -> int | None:
        count = self._strangers.get(key)
        return count.locked_until if count else None

    def lock_stranger(self, key: str, until: int) -> None:
        self._count(self._strangers, key).locked_until = until

    def _count(self, counts: OrderedDict[str, _Count], key: str) -> _Count:
        now = self._clock.monotonic()
        count = counts.get(key)
        if count is None or (counts is self._addresses and now - count.since > ADDRESS_WINDOW_S):
            count = counts[key] = _Count(0, now)
        counts.move_to_end(key)
        while len(counts) > REMEMBERED:
            counts.popitem(last=False)
        return count
