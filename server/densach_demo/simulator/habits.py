"""When a computer room is used: lessons by the clock, some taken by a class, most machines on, nobody at night. Pure.

The same room on the same day always has the same habits: everything is drawn from a seed.
"""

import hashlib
import random
from collections.abc import Iterator
from datetime import date, timedelta

import msgspec

from densach_core.clock import day_start_ms

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
LESSONS = ((7, 0), (7, 50), (8, 45), (9, 35), (10, 25), (13, 30), (14, 20), (15, 15), (16, 5))
"""When lessons begin (hour, minute); each lasts 45 minutes."""
LESSON_MS = 45 * MINUTE_MS
_AFTERNOON = 5
_SWITCHED_ON_BEFORE_MS = 12 * MINUTE_MS


class Session(msgspec.Struct, frozen=True):
    """Somebody at a machine: epoch milliseconds, and how much of the time hands were moving."""

    start_at: int
    end_at: int
    user: str
    diligence: float


class Powered(msgspec.Struct, frozen=True):
    """From switching on to switching off: one boot."""

    on_at: int
    off_at: int
    boot: str
    sessions: tuple[Session, ...]


def day_of_machine(seed: str, room: str, machine: int, day: date) -> list[Powered]:
    """What one machine does on one day; [] on Sundays and on days without a class in the room."""
    midnight = day_start_ms(day)
    halves = []
    for half, lessons in (("morning", LESSONS[:_AFTERNOON]), ("afternoon", LESSONS[_AFTERNOON:])):
        taken = [at for at in lessons if _taught(seed, room, day, at)]
        if not taken:
            continue
        chance = _chance(seed, room, machine, day, half)
        if chance.random() < 0.04:
            continue  # nobody sat here, and nobody switched it on
        starts = [midnight + hour * HOUR_MS + minute * MINUTE_MS for hour, minute in taken]
        sessions = tuple(_session(chance, start, machine) for start in starts if chance.random() < 0.9)
        on_at = starts[0] - _SWITCHED_ON_BEFORE_MS + int(chance.random() * 6 * MINUTE_MS)
        off_at = starts[-1] + LESSON_MS + int(chance.random() * 10 * MINUTE_MS)
        halves.append(Powered(on_at, off_at, f"{chance.getrandbits(64):016x}", sessions))
    return halves


def evening(seed: str, room: str, machine: int, day: date, now: int) -> Powered | None:
    """Outside lessons a club keeps every third machine busy, so that a demonstration at night shows some life."""
    if machine % 3:
        return None
    chance = _chance(seed, room, machine, day, f"evening {now // HOUR_MS}")
    session = Session(now - 20 * MINUTE_MS, now + HOUR_MS, _user(chance, machine), 0.8)
    return Powered(now - 25 * MINUTE_MS, now + 2 * HOUR_MS, f"{chance.getrandbits(64):016x}", (session,))


def past_days(until: date, weeks: int) -> Iterator[date]:
    """The days before `until`, oldest first."""
    for back in range(weeks * 7, 0, -1):
        yield until - timedelta(days=back)


def slices(session: Session) -> Iterator[tuple[int, int]]:
    """A session cut at the hours of the wall clock, as the contract wants it."""
    start = session.start_at
    while start < session.end_at:
        stop = min(session.end_at, (start // HOUR_MS + 1) * HOUR_MS)
        yield start, stop
        start = stop


def applications(session: Session, active_ms: int) -> dict[str, int]:
    """What was in front while hands were moving: a lesson has one main kind of program, pupils wander off a little."""
    chance = random.Random(_number(session.user, session.start_at // (2 * HOUR_MS)))
    main = chance.choices(("office", "coding", "e-learning", "media"), (45, 30, 18, 7))[0]
    share = 0.55 + 0.3 * chance.random()
    stray = chance.choices(("game", "other", "system"), (2, 3, 3))[0]
    found = {main: int(active_ms * share), "browser": int(active_ms * (1 - share) * 0.75)}
    found[stray] = active_ms - sum(found.values())
    return found


def is_busy(powered: Powered, moment: int) -> bool:
    return any(session.start_at <= moment < session.end_at for session in powered.sessions)


def overlap(session: Session, since: int, until: int) -> Session | None:
    """The part of a session between two moments."""
    start, stop = max(session.start_at, since), min(session.end_at, until)
    return msgspec.structs.replace(session, start_at=start, end_at=stop) if start < stop else None


def _taught(seed: str, room: str, day: date, at: tuple[int, int]) -> bool:
    """The time-table: the same lesson every week, Saturdays only in the morning and rarely."""
    if day.isoweekday() == 7:
        return False
    share = 0.15 if day.isoweekday() == 6 else 0.62
    return random.Random(_number(seed, room, day.isoweekday(), at)).random() < share


def _session(chance: random.Random, start: int, machine: int) -> Session:
    late, early = int(chance.random() * 4 * MINUTE_MS), int(chance.random() * 3 * MINUTE_MS)
    return Session(start + late, start + LESSON_MS - early, _user(chance, machine), 0.55 + 0.4 * chance.random())


def _user(chance: random.Random, machine: int) -> str:
    return hashlib.sha256(f"pupil {machine % 40} {chance.randrange(12)}".encode()).hexdigest()[:32]


def _chance(seed: str, room: str, machine: int, day: date, what: str) -> random.Random:
    return random.Random(_number(seed, room, machine, day, what))


def _number(*parts: object) -> int:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8])
