"""Cuts sessions into slices: pure, fed with samples, property-tested.

A slice never crosses a quarter of an hour of the wall clock (so never an hour), a boot, a set clock or a change of its
session: slices can be added up, sent twice and placed in time without asking anything else. Lengths come from the
seconds since boot, never from the wall clock. What is in front only adds up inside a slice: it cuts none.
"""

import msgspec

from densach_agent.sessions import Session
from densach_wire.messages import Moment, UsageSlice

QUANTUM_MS = 15 * 60_000


class Sample(msgspec.Struct, frozen=True):
    """The sessions at one moment; times in milliseconds."""

    up_ms: int
    wall_ms: int
    boot: str
    sessions: tuple[Session, ...]


class _Open(msgspec.Struct):
    session: Session
    start_up: int
    start_wall: int
    end_up: int
    active_ms: int = 0
    idle_ms: int = 0
    unknown_ms: int = 0
    apps: dict[str, dict[str, int]] = {}
    """how → class → milliseconds"""
    how_ms: dict[str, int] = {}
    """how → milliseconds that were told so"""

    def count(self, ms: int) -> None:
        """The session as it is now was like this for `ms`. Unknown counts as active, and is told as unknown beside it: a
        person is logged in, and nothing says whether they went away."""
        self.end_up += ms
        now = self.session
        if now.idle:
            self.idle_ms += ms
            return
        self.active_ms += ms
        self.unknown_ms += ms if now.idle is None else 0
        if now.apps_how and ms:
            sums = self.apps.setdefault(now.apps_how, {})
            self.how_ms[now.apps_how] = self.how_ms.get(now.apps_how, 0) + ms
            for label in dict.fromkeys(now.apps):
                sums[label] = sums.get(label, 0) + ms

    def told_apps(self) -> tuple[dict[str, int], str]:
        """What was told for most of the time: classes in front and classes that run are never added to each other."""
        how = max(self.how_ms, key=lambda name: (self.how_ms[name], name), default="")
        return self.apps.get(how, {}), how


class SliceCutter:
    """Feed it samples in order; it gives back the slices that are complete."""

    def __init__(self, pause_ms: int = 150_000, jump_ms: int = 2_000) -> None:
        self.pause_ms = pause_ms
        """A longer time between two samples was not watched (the machine slept) and belongs to no slice."""
        self._jump_ms = jump_ms
        self._open: dict[str, _Open] = {}
        self._last: Sample | None = None

    def feed(self, sample: Sample) -> list[tuple[Session, UsageSlice]]:
        last, self._last = self._last, sample
        if last is None or last.boot != sample.boot or sample.up_ms < last.up_ms:
            closed = self._close_all(last)
            self._begin(sample, sample.up_ms)
            return closed
        elapsed = sample.up_ms - last.up_ms
        if elapsed > self.pause_ms:
            closed = self._close_all(last)
            self._begin(sample, sample.up_ms)
            return closed
        jumped = abs((sample.wall_ms - last.wall_ms) - elapsed) > self._jump_ms
        now = {session.id: session for session in sample.sessions}
        closed = []
        for key, piece in list(self._open.items()):
            present = now.get(key)
            same = present is not None and (present.user, present.kind) == (piece.session.user, piece.session.kind)
            if jumped:
                closed += self._close(key, last.boot)
                if same and present is not None:
                    # The same time once more by the new clock: what passed since the last sample is not lost.
                    self._open[key] = _Open(present, last.up_ms, sample.wall_ms - elapsed, last.up_ms)
                    closed += self._extend(key, sample.up_ms, sample.boot)
                continue
            if same and present is not None:
                piece.session = present  # idle or not: as it is now; until it is seen gone, as it was
            closed += self._extend(key, sample.up_ms, sample.boot)
            if not same:
                closed += self._close(key, sample.boot)
        self._begin(sample, sample.up_ms)
        return closed

    def finish(self, up_ms: int) -> list[tuple[Session, UsageSlice]]:
        """Closes everything, counting up to `up_ms` (a clean stop)."""
        last = self._last
        if last is None:
            return []
        closed = []
        if 0 <= up_ms - last.up_ms <= self.pause_ms:
            for key in list(self._open):
                closed += self._extend(key, up_ms, last.boot)
        closed += self._close_all(last)
        self._last = None
        return closed

    def _begin(self, sample: Sample, up_ms: int) -> None:
        for session in sample.sessions:
            if session.id not in self._open:
                self._open[session.id] = _Open(session, up_ms, sample.wall_ms, up_ms)

    def _extend(self, key: str, up_ms: int, boot: str) -> list[tuple[Session, UsageSlice]]:
        """Counts the time up to `up_ms`, cutting at each quarter of an hour."""
        closed: list[tuple[Session, UsageSlice]] = []
        while True:
            piece = self._open[key]
            wall_now = piece.start_wall + (piece.end_up - piece.start_up)
            to_edge = QUANTUM_MS - wall_now % QUANTUM_MS
            step = min(up_ms - piece.end_up, to_edge)
            piece.count(step)
            if step < to_edge:
                return closed
            closed += self._close(key, boot)
            self._open[key] = _Open(piece.session, piece.end_up, wall_now + step, piece.end_up)
            if piece.end_up >= up_ms:
                return closed

    def _close(self, key: str, boot: str) -> list[tuple[Session, UsageSlice]]:
        piece = self._open.pop(key)
        length = piece.end_up - piece.start_up
        if length <= 0:
            return []
        apps, how = piece.told_apps()
        return [
            (
                piece.session,
                UsageSlice(
                    session=f"{boot[:8]}-{piece.session.id}"[:64],
                    kind=piece.session.kind,
                    start=Moment(piece.start_up / 1000, piece.start_wall / 1000),
                    end=Moment(piece.end_up / 1000, (piece.start_wall + length) / 1000),
                    active_ms=piece.active_ms,
                    idle_ms=piece.idle_ms,
                    unknown_ms=piece.unknown_ms,
                    apps=apps,
                    apps_how=how,
                ),
            )
        ]

    def _close_all(self, last: Sample | None) -> list[tuple[Session, UsageSlice]]:
        return [one for key in list(self._open) for one in self._close(key, last.boot if last else "")]
