"""A clock that a test moves: wall time, time since boot, and the boot itself."""


class HandClock:
    """`advance` moves both clocks, `set_wall` only one, `reboot` begins a new boot."""

    def __init__(self, wall_ms: int = 1_795_500_000_000, up_ms: int = 60_000, boot: str = "boot-1") -> None:
        self.wall_ms = wall_ms
        self.since_boot_ms = up_ms
        self.boot = boot

    def now_ms(self) -> int:
        return self.wall_ms

    def up_ms(self) -> int:
        return self.since_boot_ms

    def advance(self, ms: int) -> None:
        self.wall_ms += ms
        self.since_boot_ms += ms

    def set_wall(self, wall_ms: int) -> None:
        self.wall_ms = wall_ms

    def reboot(self, boot: str, *, off_ms: int = 60_000, wall_ms: int | None = None) -> None:
        self.boot = boot
        self.wall_ms = self.wall_ms + off_ms if wall_ms is None else wall_ms
        self.since_boot_ms = 10_000
