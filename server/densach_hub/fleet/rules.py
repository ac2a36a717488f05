"""Decisions of the fleet about identity and silence, without I/O. Inventory's are in `comparing`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache

from densach_core.clock import DAY_MS, SCHOOL_TZ, day_of, day_start_ms
from densach_hub.fleet.junk import judge
from densach_hub.fleet.model import Condition, FleetPolicy, Kind, Machine
from densach_hub.fleet.sights import Glyph
from densach_hub.fleet.telling import ClockTrust, Live
from densach_wire.likeness import DISK, Verdict, decide, surely_same
from densach_wire.messages import Factor, Health, Presence

HOUR_MS = 3_600_000
IN_USE_MS = 17 * 60_000
"""A slice that ended so recently still means "in use": slices last a quarter of an hour and travel in batches."""
NEVER_HEARD_MS = DAY_MS


class Likeness(StrEnum):
    SAME = "same"
    OTHER = "other"
    """Another machine: two strong factors changed and none was kept."""
    UNSURE = "unsure"
    """Too little to say: taken for the same machine."""


def likeness(known: Iterable[Factor], shown: Iterable[Factor], machines: Mapping[str, int]) -> Likeness:
    """Whether two fingerprints are of one machine, by the rule that agents use too (`densach_wire.likeness`), junk by number
    left out as well. A machine without strong factors (a virtual one) can't be told apart: UNSURE.
    """
    decision = decide(known, shown, judge(machines))
    if decision.verdict is Verdict.CLONE:
        return Likeness.OTHER
    return Likeness.SAME if decision.kept else Likeness.UNSURE


def same_machine(known: Iterable[Factor], shown: Iterable[Factor], machines: Mapping[str, int]) -> bool:
    """Surely one machine: stricter than `likeness`, for giving an id back to a machine that was re-installed."""
    return surely_same(known, shown, judge(machines))


def body(factors: Iterable[Factor]) -> tuple[Factor, ...]:
    """A fingerprint without its disks: what does not move along with them."""
    return tuple(factor for factor in factors if factor.kind != DISK)


def alternates(boot: str, live_boot: str | None, known_boots: Sequence[str], *, surely: bool = False) -> bool:
    """Two machines with one identity: a boot came back after another one had begun. One machine never does that, but a
    virtual one that was put back to a running snapshot: with `surely` the second return decides.

    Args:
        known_boots: oldest first.
        surely: the fingerprints say "same". Then the boot that returns must be younger than the one that spoke last:
            that one had come back itself.
    """
    if live_boot is None or boot == live_boot or boot not in known_boots:
        return False
    if not surely:
        return True
    return live_boot in known_boots and known_boots.index(boot) > known_boots.index(live_boot)


def glyph(machine: Machine, live: Live | None, policy: FleetPolicy, now: int, *, neighbours: bool = False) -> Glyph:
    """How a machine looks on the map of its room. `neighbours`: others of its room are on, see `is_silent`."""
    if machine.condition is Condition.BROKEN:
        return Glyph.BROKEN
    if machine.kind is Kind.DECLARED:
        return Glyph.DECLARED
    if live is None or live.heard_at is None:
        return Glyph.SILENT if now - machine.admitted_at >= NEVER_HEARD_MS else Glyph.OFF
    if is_silent(live, policy, now, neighbours=neighbours):
        return Glyph.SILENT
    if live.presence is not Presence.ONLINE or now - live.heard_at >= policy.lost_line_after_ms:
        return Glyph.OFF
    busy = live.active_until_at is not None and live.active_until_at >= now - IN_USE_MS
    return Glyph.IN_USE if busy else Glyph.IDLE


def is_on(live: Live | None, policy: FleetPolicy, now: int) -> bool:
    """Online by its own word, and that word is not old."""
    if live is None or live.heard_at is None or live.presence is not Presence.ONLINE:
        return False
    return now - live.heard_at < policy.lost_line_after_ms


def is_silent(live: Live, policy: FleetPolicy, now: int, *, neighbours: bool) -> bool:
    """Whether a machine that was heard once ought to have been heard since.

    Off or asleep is no silence until it lasts for days. A line that was lost without a word is, after half an hour, but
    only while neighbours are on: a school that pulls the room's main switch at night has not lost thirty machines.
    """
    quiet = now - (live.heard_at or 0)
    if quiet >= policy.silent_after_ms:
        return True
    if live.presence in (Presence.OFF, Presence.ASLEEP) or not neighbours:
        return False
    return quiet >= policy.lost_line_after_ms


def health_metrics(health: Health) -> Iterator[tuple[str, float]]:
    """What a health record says, as named numbers; what is unknown is absent."""
    if health.cpu_pct is not None:
        yield "cpu_pct", health.cpu_pct
    if health.mem_total_bytes and health.mem_used_bytes is not None:
        yield "mem_used_pct", 100.0 * health.mem_used_bytes / health.mem_total_bytes
    fullest = max((100.0 * (v.total_bytes - v.free_bytes) / v.total_bytes for v in health.volumes if v.total_bytes), default=None)
    if fullest is not None:
        yield "disk_used_pct", fullest
    if health.temps:
        yield "temp_max_c", max(health.temps.values())
    if health.uptime_ms is not None:
        yield "uptime_h", health.uptime_ms / HOUR_MS
    if health.load_1m is not None:
        yield "load_1m", health.load_1m
    if health.battery_pct is not None:
        yield "battery_pct", health.battery_pct
    yield from health.extra.items()


def doubts(offset_ms: int | None, policy: FleetPolicy) -> ClockTrust:
    """What to think of a clock that is off by `offset_ms`: years off is no clock at all."""
    if offset_ms is None or abs(offset_ms) > 365 * DAY_MS:
        return ClockTrust.NONE
    return ClockTrust.SKEWED if abs(offset_ms) > policy.clock_doubt_ms else ClockTrust.GOOD


def on_time(was_on: bool | None, was_at: int | None, at: int, longest_ms: int) -> list[tuple[str, int]]:
    """How long equipment was on between two readings, by school day. A pause longer than `longest_ms` (the plug was
    away) counts as that much and no more."""
    if not was_on or was_at is None or at <= was_at:
        return []
    end = min(at, was_at + longest_ms)
    parts: list[tuple[str, int]] = []
    start = was_at
    while start < end:
        midnight = day_start_ms(day_of(start)) + DAY_MS
        stop = min(end, midnight)
        parts.append((day_name(start), stop - start))
        start = stop
    return parts


def used_energy(before_wh: float | None, now_wh: float | None) -> float | None:
    """Energy between two readings of a counter; a counter that went back was reset to nought. None: not known."""
    if before_wh is None or now_wh is None:
        return None
    return now_wh - before_wh if now_wh >= before_wh else now_wh


def day_name(at: int) -> str:
    """The school's ISO date of a moment."""
    return _day_of_hour(at // HOUR_MS)


@lru_cache(maxsize=4096)
def _day_of_hour(hour: int) -> str:
    # No school here lies in a zone that is off by a part of an hour.
    return datetime.fromtimestamp(hour * 3600, UTC).astimezone(SCHOOL_TZ).date().isoformat()
