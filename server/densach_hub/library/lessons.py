"""What an interactive lesson (SCORM 1.2) says of a pupil's work in it, kept per pupil and part, given back when it goes on.

It belongs to the pupil, as reading history does. What arrives was written by code nobody vouches for: it is kept as
values under names of the SCORM data model, bounded, and interpreted nowhere but for status, score and time.
"""

import re
import sqlite3

import msgspec

from densach_core.clock import Clock
from densach_core.database import Database
from densach_core.errors import BadInput
from densach_core.migrations import Migration
from densach_core.text import t

MIGRATIONS = [
    Migration(
        "lesson runs",
        """
        CREATE TABLE lesson_run (
            account_id TEXT NOT NULL, item_id TEXT NOT NULL, part INTEGER NOT NULL, said TEXT NOT NULL, status TEXT NOT NULL,
            score REAL, total_ms INTEGER NOT NULL, updated_at INTEGER NOT NULL, PRIMARY KEY (account_id, item_id, part)
        ) WITHOUT ROWID;
        """,
    ),
]
STATUSES = frozenset({"passed", "completed", "failed", "incomplete", "browsed", "not attempted"})
DONE = frozenset({"passed", "completed", "failed"})
MOST_BYTES = 60_000
"""What a browser still sends while its page goes away (fetch with keepalive takes 64 KiB)."""
MOST_MS = 1_000 * 3_600_000
_NAME = re.compile(r"cmi\.[a-z_]{1,30}(?:\.[a-z0-9_]{1,30}){0,4}")
_TIME = re.compile(r"(\d{1,4}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,2}))?")
_said = msgspec.json.Decoder(dict[str, str])


class Run(msgspec.Struct, frozen=True):
    """A pupil's work in one part of a lesson. `said`: SCORM element → value; `score` as the lesson counts it."""

    said: dict[str, str] = {}
    status: str = "not attempted"
    score: float | None = None
    total_ms: int = 0
    updated_at: int = 0


class Lessons:
    """A run is on disk when `save` returns; the last one to say something holds."""

    def __init__(self, school: Database, clock: Clock) -> None:
        self._school = school
        self._clock = clock

    async def run(self, account_id: str, item_id: str, part: int) -> Run:
        """What is kept; an empty run when the pupil never began."""
        return await self._school.read(lambda c: _run(c, account_id, item_id, part))

    async def runs(self, account_id: str, item_id: str) -> dict[int, Run]:
        """All parts somebody began."""
        return await self._school.read(lambda c: _runs(c, account_id, item_id))

    async def save(self, account_id: str, item_id: str, part: int, said: dict[str, str]) -> Run:
        """Raises BadInput for names outside the data model and for more than 60,000 bytes."""
        run = read_run(said, self._clock.now_ms())
        packed = msgspec.json.encode(said)
        if len(packed) > MOST_BYTES or part < 0 or part > 10_000:
            raise BadInput("library.lesson-too-much", t("The lesson wants to keep more than there is room for."))
        await self._school.write_grouped(
            lambda c: c.execute(
                "INSERT OR REPLACE INTO lesson_run VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (account_id, item_id, part, packed.decode(), run.status, run.score, run.total_ms, run.updated_at),
            )
        )
        return run

    async def forget(self, account_id: str, item_id: str) -> None:
        """The pupil begins anew."""
        sql = "DELETE FROM lesson_run WHERE account_id = ? AND item_id = ?"
        await self._school.write(lambda c: c.execute(sql, (account_id, item_id)))


def read_run(said: dict[str, str], now: int) -> Run:
    """Status, score and time out of what a lesson says; what is none of them counts as not said. Raises BadInput."""
    if any(not _NAME.fullmatch(name) for name in said):
        raise BadInput("library.lesson-name", t("The lesson says something that is not in its language."))
    status = said.get("cmi.core.lesson_status", "")
    return Run(
        said=said,
        status=status if status in STATUSES else "incomplete",
        score=score_of(said.get("cmi.core.score.raw", "")),
        total_ms=milliseconds(said.get("cmi.core.total_time", "")),
        updated_at=now,
    )


def score_of(said: str) -> float | None:
    """A score of SCORM 1.2: a decimal from 0 to 100."""
    if not re.fullmatch(r"\d{1,3}(?:\.\d{1,7})?", said):
        return None
    score = float(said)
    return score if score <= 100 else None


def milliseconds(said: str) -> int:
    """CMITimespan HHHH:MM:SS.SS; 0 for what is none."""
    match = _TIME.fullmatch(said)
    if match is None:
        return 0
    hours, minutes, seconds, rest = match.groups()
    whole = (int(hours) * 3600 + int(minutes) * 60 + int(seconds)) * 1000 + int((rest or "0").ljust(2, "0")) * 10
    return min(whole, MOST_MS)


def _run(c: sqlite3.Connection, account_id: str, item_id: str, part: int) -> Run:
    return _runs(c, account_id, item_id).get(part, Run())


def _runs(c: sqlite3.Connection, account_id: str, item_id: str) -> dict[int, Run]:
    rows = c.execute("SELECT * FROM lesson_run WHERE account_id = ? AND item_id = ? ORDER BY part", (account_id, item_id))
    return {r["part"]: Run(_said.decode(r["said"]), r["status"], r["score"], r["total_ms"], r["updated_at"]) for r in rows}
