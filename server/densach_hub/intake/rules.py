"""When did it really happen? Pure decisions about devices' clocks; never a reason to reject.

Three clocks are at hand: the hub's at receipt, the device's wall clock (which may be in 2009 or in 2040), and the
seconds since the device's boot, which run true. So a boot is placed on the hub's time axis once, by
`received - sent.up`, and every record of that boot follows from its own `up`, whatever its wall clock said. A message
that was held up on its way makes that estimate later, never earlier: the smallest of the last hours is the best.

Records that an earlier boot left behind are placed by what the hub knows of that boot, else by their wall clock plus
today's error, else (no clock at all) right before the boot that sent them, in their own order.
"""

import msgspec

from densach_hub.fleet.telling import ClockTrust
from densach_wire.messages import Envelope, Moment

SKEWED_MS = 300_000
NO_CLOCK_MS = 365 * 86_400_000
FIRST_PLAUSIBLE_MS = 1_704_067_200_000  # 2024-01-01: nothing of ours ran before
AHEAD_MS = 86_400_000
MEASURE_AGES_MS = 6 * 3_600_000
"""A boot's place is measured anew after so long: crystals drift by a second or two a day."""


class BootClock(msgspec.Struct, frozen=True):
    """What the hub knows of one boot of a device. `boot_at` is the boot on the hub's time axis."""

    boot: str
    boot_at: int
    offset_ms: int | None
    """Hub time minus device time; None where the device has no clock."""
    measured_at: int

    @property
    def trust(self) -> ClockTrust:
        return trust_in(self.offset_ms, self.measured_at)


def trust_in(offset_ms: int | None, received_at: int) -> ClockTrust:
    """What to think of a clock that is off by `offset_ms`."""
    if offset_ms is None or abs(offset_ms) > NO_CLOCK_MS or received_at - offset_ms < FIRST_PLAUSIBLE_MS:
        return ClockTrust.NONE
    return ClockTrust.SKEWED if abs(offset_ms) > SKEWED_MS else ClockTrust.GOOD


def measure(before: BootClock | None, boot: str, up_ms: int, wall_ms: int | None, received_at: int) -> BootClock:
    """The boot's clock after one more message, sent at `up_ms` and `wall_ms` by the device's clocks.
    `before`: what was known of the same boot."""
    boot_at = received_at - up_ms
    offset = None if wall_ms is None else received_at - wall_ms
    if before is None or before.boot != boot or received_at - before.measured_at > MEASURE_AGES_MS:
        return BootClock(boot, boot_at, offset, received_at)
    if boot_at >= before.boot_at:  # held up on its way: the older measurement is better, unless the clock was set
        late = boot_at - before.boot_at
        if offset is not None:
            offset -= late
        return BootClock(boot, before.boot_at, offset, before.measured_at)
    return BootClock(boot, boot_at, offset, received_at)


class Placing(msgspec.Struct, frozen=True):
    """Places the moments of one batch. `boot_at`: of the records' own boot, None where it is not known; then
    `offset_ms` (today's error of the device's clock) and `ends_at`/`last_up_ms` (the sending boot, the batch's last
    record) help."""

    received_at: int
    trust: ClockTrust
    boot_at: int | None
    offset_ms: int | None = None
    ends_at: int = 0
    last_up_ms: int = 0

    @property
    def known(self) -> bool:
        """Whether moments are placed by a clock, not only in their order."""
        return self.boot_at is not None or (self.trust is not ClockTrust.NONE and self.offset_ms is not None)

    def at(self, up: float, wall_ms: int | None) -> int:
        """Hub time of a moment of this batch, never later than its receipt."""
        up_ms = round(up * 1000)
        if self.boot_at is not None:
            at = self.boot_at + up_ms
        elif self.trust is not ClockTrust.NONE and wall_ms is not None and self.offset_ms is not None:
            at = wall_ms + self.offset_ms
        else:
            at = self.ends_at - max(0, self.last_up_ms - up_ms)
        return max(0, min(at, self.received_at))

    def moment(self, moment: Moment) -> int:
        """As `at`; a moment that names a boot of its own can only be placed by its wall clock."""
        if moment.boot is not None and self.offset_ms is not None and (wall := moment.wall_ms) is not None:
            return max(0, min(wall + self.offset_ms, self.received_at))
        return self.at(moment.up, moment.wall_ms)


def placing(
    envelope: Envelope, sender: BootClock, earlier: BootClock | None, received_at: int, last: tuple[float, int | None]
) -> Placing:
    """How to place a batch's records.

    Args:
        sender: the boot that sends, as just measured.
        earlier: what is known of the records' own boot, where another boot sends them.
        last: `up` and wall time (ms) of the batch's last record.
    """
    if envelope.same_boot:
        return Placing(received_at, sender.trust, sender.boot_at, sender.offset_ms)
    if earlier is not None:
        return Placing(received_at, earlier.trust, earlier.boot_at, earlier.offset_ms)
    last_up, last_wall = last
    trust = sender.trust
    if last_wall is None or sender.offset_ms is None or not _plausible(last_wall + sender.offset_ms, received_at):
        trust = ClockTrust.NONE
    return Placing(received_at, trust, None, sender.offset_ms, sender.boot_at, round(last_up * 1000))


def _plausible(at: int, received_at: int) -> bool:
    return FIRST_PLAUSIBLE_MS <= at <= received_at + AHEAD_MS
