"""SQL of the measures, in school.db: what the indicators and the facts behind them were on each day.

Facts are kept beside the values, compressed, so that a figure of 30 September can still be opened in May.
"""

import zlib
from sqlite3 import Connection

import msgspec

from densach_core.criteria.facts import Facts
from densach_core.criteria.model import Indicator
from densach_core.migrations import Migration

MIGRATIONS = [
    Migration(
        "daily measures",
        """
        CREATE TABLE measure_day (day TEXT PRIMARY KEY, at INTEGER NOT NULL, facts BLOB NOT NULL) WITHOUT ROWID;
        CREATE TABLE measure_value (
            key TEXT NOT NULL, day TEXT NOT NULL, place INTEGER NOT NULL, value REAL, body BLOB NOT NULL,
            PRIMARY KEY (key, day)) WITHOUT ROWID;
        CREATE INDEX measure_value_by_day ON measure_value (day, place);
        """,
    )
]


def put(c: Connection, *, at: int, facts: Facts, indicators: list[Indicator]) -> None:
    """The day's snapshot; the last one of a day stays."""
    day = facts.as_of
    packed = zlib.compress(msgspec.json.encode(facts), 6)
    c.execute("INSERT OR REPLACE INTO measure_day (day, at, facts) VALUES (?, ?, ?)", (day, at, packed))
    c.execute("DELETE FROM measure_value WHERE day = ?", (day,))
    c.executemany(
        "INSERT INTO measure_value (key, day, place, value, body) VALUES (?, ?, ?, ?, ?)",
        [(one.key, day, place, one.value, msgspec.json.encode(one)) for place, one in enumerate(indicators)],
    )


def snapshot(c: Connection, day: str) -> tuple[str, int, Facts, list[Indicator]] | None:
    """The newest snapshot up to a day: its day, when it was made, facts and indicators."""
    row = c.execute("SELECT day, at, facts FROM measure_day WHERE day <= ? ORDER BY day DESC LIMIT 1", (day,)).fetchone()
    if row is None:
        return None
    facts = msgspec.json.decode(zlib.decompress(row["facts"]), type=Facts)
    bodies = c.execute("SELECT body FROM measure_value WHERE day = ? ORDER BY place", (row["day"],))
    return row["day"], row["at"], facts, [msgspec.json.decode(body["body"], type=Indicator) for body in bodies]


def values(c: Connection, first: str, last: str) -> dict[str, dict[str, float | None]]:
    """key → day → value."""
    found: dict[str, dict[str, float | None]] = {}
    for row in c.execute("SELECT key, day, value FROM measure_value WHERE day BETWEEN ? AND ?", (first, last)):
        found.setdefault(row["key"], {})[row["day"]] = row["value"]
    return found


def span(c: Connection) -> tuple[str | None, str | None]:
    row = c.execute("SELECT min(day), max(day) FROM measure_day").fetchone()
    return row[0], row[1]
