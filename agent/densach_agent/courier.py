"""What to send next: pure decisions between the outbox and the line, the same for a real machine and a simulated one.

Nothing counts but the hub's own acknowledgement. A batch that is not acknowledged in time is sent again, after a
growing patience; while the hub is away nothing is sent at all.
"""

import logging
from collections import deque

import msgspec

from densach_agent.clock import Clock
from densach_agent.outbox import Outbox
from densach_agent.outbox_rows import Row
from densach_wire.codec import MAX_PAYLOAD, pack
from densach_wire.messages import VERSION, Ack, HubState, Moment

log = logging.getLogger(__name__)

_PATIENCE_MS = 30_000
_HELLO_MS = 5_000
_AGAIN_MS = 10_000
_LONGEST_PATIENCE_MS = 15 * 60_000


class _Record(msgspec.Struct, frozen=True):
    """A row as it goes on the wire."""

    k: str
    seq: int
    up: float
    wall: float
    d: msgspec.Raw


class _Letter(msgspec.Struct, frozen=True):
    v: int
    dev: str
    stream: str
    boot: str
    sent: Moment
    recs: list[_Record]


class _Flight(msgspec.Struct, frozen=True):
    last: int
    at_up_ms: int


class Courier:
    """One for each outbox. `window` batches may be under way unacknowledged. Not thread-safe."""

    def __init__(self, outbox: Outbox, device: str, clock: Clock, *, window: int = 4, max_records: int = 200) -> None:
        self._outbox = outbox
        self._device = device
        self._clock = clock
        self._window = window
        self._max_records = max_records
        self._flights: deque[_Flight] = deque()
        self._sent = outbox.acked
        self._greeted_at = 0
        self._patience_ms = _PATIENCE_MS
        self._hub: bool | None = None
        self._heard = False
        self._hub_offset_ms: int | None = None
        self._again_from = 0
        self._again_at = 0

    @property
    def hub_online(self) -> bool | None:
        """None until the hub said anything."""
        return self._hub

    @property
    def unsent(self) -> int:
        """Records that are not even under way."""
        return self._outbox.last - self._sent

    @property
    def under_way(self) -> bool:
        return bool(self._flights)

    def hub_now_ms(self) -> int | None:
        """The hub's clock now, counted on by seconds since boot from the last time it told us."""
        return None if self._hub_offset_ms is None else self._clock.up_ms() + self._hub_offset_ms

    def connected(self) -> None:
        """A new connection: whatever was under way is sent again.

        The hub answers a hello with an acknowledgement. The first one of this process tells whether this outbox is
        the one the hub knows; without an answer a single record feels its way.
        """
        self._restart()
        self._greeted_at = self._clock.up_ms()
        self._hub = None

    def hub_says(self, state: HubState, *, retained: bool) -> None:
        back = state.state == "online" and self._hub is False
        self._hub = state.state == "online"
        if not retained and state.now is not None:
            self._hub_offset_ms = round(state.now * 1000) - self._clock.up_ms()
        if back or not self._hub:
            self._restart()

    def next_batch(self) -> bytes | None:
        """The payload to publish now, or None if there is nothing to send or to wait for."""
        now = self._clock.up_ms()
        if self._flights and now - self._flights[0].at_up_ms > self._patience_ms:
            log.info("no acknowledgement after %d: sending again", self._outbox.acked)
            self._patience_ms = min(self._patience_ms * 2, _LONGEST_PATIENCE_MS)
            self._restart()
        if self._hub is False or len(self._flights) >= (self._window if self._heard else 1):
            return None
        if not self._heard and now - self._greeted_at < _HELLO_MS:
            return None
        rows = self._outbox.after(self._sent, max_records=self._max_records if self._heard else 1)
        if not rows:
            return None
        payload, rows = self._seal(rows)
        self._sent = rows[-1].seq
        self._outbox.note_sent(self._sent)
        self._flights.append(_Flight(self._sent, now))
        return payload

    def acknowledged(self, ack: Ack) -> bool:
        """Takes the hub's acknowledgement; True if it was for our stream."""
        self._hub_offset_ms = round(ack.now * 1000) - self._clock.up_ms()
        if ack.stream != self._outbox.stream:
            return False
        self._heard = True
        if ack.upto > max(self._outbox.sent, self._outbox.base):
            log.warning("the hub has %d records of this stream, from here were sent %d", ack.upto, self._outbox.sent)
            if not self._outbox.fork(self._outbox.base):
                self._heard = False  # nothing is sent under numbers that the hub knows already
                return False
            self._restart()
            return True
        if self._outbox.ack(ack.upto):
            self._patience_ms = _PATIENCE_MS
        if ack.resend_from is not None:
            self._send_again(ack.resend_from)
        while self._flights and self._flights[0].last <= self._outbox.acked:
            self._flights.popleft()
        self._sent = max(self._sent, self._outbox.acked)
        return True

    def waits_ms(self) -> int | None:
        """How long until something happens here without a message: the patience of the oldest flight."""
        if not self._flights:
            return None
        return max(0, self._flights[0].at_up_ms + self._patience_ms - self._clock.up_ms())

    def _send_again(self, seq: int) -> None:
        """The hub asks for records from `seq`: it was restored from a backup (then we had let go of them), or missed
        a batch. Batches that were under way bring the same wish once more each: it is granted once."""
        now = self._clock.up_ms()
        if not 1 <= seq <= self._sent or (seq == self._again_from and now - self._again_at < _AGAIN_MS):
            return
        log.warning("the hub asks for records from %d again", seq)
        self._again_from, self._again_at = seq, now
        self._outbox.rewind(seq)
        self._restart()

    def _restart(self) -> None:
        self._flights.clear()
        self._sent = self._outbox.acked

    def _seal(self, rows: list[Row]) -> tuple[bytes, list[Row]]:
        while True:
            payload = seal(rows, self._device, self._outbox.stream, self._clock)
            if len(payload) <= MAX_PAYLOAD:
                return payload, rows
            if len(rows) > 1:
                rows = rows[: len(rows) // 2]
                continue
            log.error("record %d of kind %s is larger than a message may be", rows[0].seq, rows[0].kind)
            self._outbox.give_up(rows[0].seq, "too-large")
            rows = self._outbox.after(rows[0].seq - 1, max_records=1)
            if rows[0].kind != "gap":  # the disk takes nothing now, not even that
                return payload, rows


def seal(rows: list[Row], device: str, stream: str, clock: Clock) -> bytes:
    """Rows of one boot as a batch's payload."""
    boot = rows[0].boot
    sent = Moment(clock.up_ms() / 1000, clock.now_ms() / 1000, None if boot == clock.boot else clock.boot)
    recs = [_Record(r.kind, r.seq, r.up / 1000, r.wall / 1000, msgspec.Raw(r.body)) for r in rows]
    return pack(msgspec.json.encode(_Letter(VERSION, device, stream, boot, sent, recs)))
