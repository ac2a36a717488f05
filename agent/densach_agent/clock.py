"""The machine's two clocks: the wall clock, which may be wrong or jump, and seconds since boot, which never do."""

import time
from pathlib import Path
from typing import Protocol

from densach_wire.messages import Moment


class Clock(Protocol):
    """`now_ms` is UTC epoch milliseconds by this machine's (perhaps wrong) clock; `up_ms` is milliseconds since
    boot, suspend included; `boot` names the boot."""

    @property
    def boot(self) -> str: ...

    def now_ms(self) -> int: ...

    def up_ms(self) -> int: ...


class SystemClock:
    """The kernel's clocks."""

    def __init__(self, root: Path = Path("/")) -> None:
        try:
            text = (root / "proc/sys/kernel/random/boot_id").read_text("ascii")
        except OSError:
            text = f"{time.time_ns() // 10**9 - time.monotonic_ns() // 10**9:016x}"
        self.boot = text.strip().replace("-", "")[:16]

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def up_ms(self) -> int:
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


def moment(clock: Clock) -> Moment:
    """Now, as it goes on the wire."""
    return Moment(clock.up_ms() / 1000, clock.now_ms() / 1000)


class JumpWatch:
    """Notices when the wall clock was set: wall minus up stays the same as long as nobody touches it."""

    def __init__(self, clock: Clock, tolerance_ms: int = 2_000) -> None:
        self._clock = clock
        self._tolerance_ms = tolerance_ms
        self._offset_ms = clock.now_ms() - clock.up_ms()

    def jumped_by_ms(self) -> int:
        """0, or by how much the wall clock jumped since the last call. Slow drift below the tolerance is followed."""
        offset_ms = self._clock.now_ms() - self._clock.up_ms()
        by_ms = offset_ms - self._offset_ms
        self._offset_ms = offset_ms
        return by_ms if abs(by_ms) > self._tolerance_ms else 0
