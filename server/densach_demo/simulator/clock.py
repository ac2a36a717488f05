"""A simulated machine's clocks: set to any moment while history is written, running with the real ones afterwards."""

import time


class MachineClock:
    """Satisfies the agent's Clock. Milliseconds; `error_ms` is by how much its wall clock is wrong."""

    def __init__(self, boot: str, *, error_ms: int = 0) -> None:
        self.boot = boot
        self.error_ms = error_ms
        self._frozen: tuple[int, int] | None = None
        self._booted_at = time.monotonic_ns() // 1_000_000

    def freeze(self, boot: str, now_ms: int, up_ms: int) -> None:
        """Stands still at a moment of the past."""
        self.boot = boot
        self._frozen = (now_ms, up_ms)

    def run(self, boot: str, *, up_ms: int = 60_000) -> None:
        """From here on with the real clock, `up_ms` after a new boot."""
        self.boot = boot
        self._frozen = None
        self._booted_at = time.monotonic_ns() // 1_000_000 - up_ms

    def now_ms(self) -> int:
        if self._frozen is not None:
            return self._frozen[0]
        return time.time_ns() // 1_000_000 + self.error_ms

    def up_ms(self) -> int:
        if self._frozen is not None:
            return self._frozen[1]
        return time.monotonic_ns() // 1_000_000 - self._booted_at
