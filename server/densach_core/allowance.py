"""How often somebody may ask: a bucket of tokens for each, which refills by itself and is never a lock."""

import ipaddress
from collections import OrderedDict

from densach_core.clock import Clock


class Allowance:
    """`burst` at once, then `per_s` a second, for each key by itself.

    The last `remembered` keys are known; whoever was forgotten begins with a full bucket.
    """

    def __init__(self, clock: Clock, *, per_s: float, burst: int, remembered: int = 5_000) -> None:
        self._clock = clock
        self._per_s = per_s
        self._burst = burst
        self._remembered = remembered
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def left(self, key: str) -> float:
        """How much of the bucket is there now, from 0 to `burst`."""
        level, at = self._levels.get(key, (float(self._burst), 0.0))
        return min(float(self._burst), level + max(0.0, self._clock.monotonic() - at) * self._per_s)

    def wait_s(self, key: str) -> float:
        """Seconds until one can be taken; 0: now."""
        return max(0.0, 1.0 - self.left(key)) / self._per_s

    def take(self, key: str) -> float:
        """Takes one if there is one (then 0.0); else takes nothing and says how many seconds to wait."""
        wait = self.wait_s(key)
        if wait == 0.0:
            self._levels[key] = (self.left(key) - 1.0, self._clock.monotonic())
            self._levels.move_to_end(key)
            while len(self._levels) > self._remembered:
                self._levels.popitem(last=False)
        return wait


def neighbourhood(address: str) -> str:
    """What one machine cannot leave by choosing another address: an IPv4 address, an IPv6 network of 64 bits."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, 64), strict=False))
