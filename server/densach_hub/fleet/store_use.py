"""SQL of what machines were used for: kinds of session and classes of application, by machine and day (telemetry.db).

A roll-up of its own beside `usage_day`. Classes in front and classes that merely ran are kept apart: the first add up
to hours in use, the second do not. Names that are not the contract's are "other", so that no device can fill a table.
"""

from collections.abc import Sequence
from sqlite3 import Connection

import msgspec

from densach_core.migrations import Migration
from densach_hub.fleet.telling import UsePart
from densach_wire.messages import UsageSlice

APPLICATIONS = ("browser", "office", "coding", "media", "e-learning", "game", "system", "other")
KINDS = ("local", "kiosk", "exam", "remote")
FOREGROUND, RUNNING, KIND = "foreground", "running", "kind"
_apps = msgspec.json.Decoder(dict[str, int])

MIGRATION = Migration(
    "what machines were used for",
    """
    ALTER TABLE usage ADD COLUMN unknown_ms INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE usage ADD COLUMN apps_how TEXT NOT NULL DEFAULT '';
    ALTER TABLE usage_day ADD COLUMN unknown_ms INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE usage_part (
        device TEXT NOT NULL, day TEXT NOT NULL, what TEXT NOT NULL, name TEXT NOT NULL, ms INTEGER NOT NULL,
        PRIMARY KEY (device, day, what, name)) WITHOUT ROWID;
    """,
)

Sums = dict[tuple[str, str, str, str], int]
"""(device, day, what, name) → milliseconds"""


def note(sums: Sums, device: str, day: str, kind: str, active_ms: int, apps: bytes | None, how: str) -> None:
    """Adds one slice. What a slice says beyond its active time is not believed."""
    _add(sums, device, day, KIND, kind if kind in KINDS else "local", active_ms)
    if not apps or how not in (FOREGROUND, RUNNING):
        return
    left = active_ms
    folded: dict[str, int] = {}
    for name, ms in _apps.decode(apps).items():
        known = name if name in APPLICATIONS else "other"
        folded[known] = folded.get(known, 0) + ms
    for name, ms in folded.items():
        believed = min(ms, left)
        _add(sums, device, day, how, name, believed)
        if how == FOREGROUND:
            left -= believed


def _add(sums: Sums, device: str, day: str, what: str, name: str, ms: int) -> None:
    if ms > 0:
        key = (device, day, what, name)
        sums[key] = sums.get(key, 0) + ms


UNDATED = ""
"""The day of use that nobody knows the day of: in no span of days, so in no figure of one."""


def note_undated(c: Connection, device: str, told: UsageSlice) -> None:
    """Use whose time is not known: added up apart, never onto the day it happened to be told."""
    c.execute(
        """
        INSERT INTO usage_day (device, day, active_ms, idle_ms, session_ms, unknown_ms) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET active_ms = active_ms + excluded.active_ms, idle_ms = idle_ms + excluded.idle_ms,
            session_ms = session_ms + excluded.session_ms, unknown_ms = unknown_ms + excluded.unknown_ms
        """,
        (device, UNDATED, told.active_ms, told.idle_ms, told.active_ms + told.idle_ms, min(told.unknown_ms, told.active_ms)),
    )


def undated_ms(c: Connection, device: str) -> int:
    """Milliseconds in use whose day is not known."""
    row = c.execute("SELECT active_ms FROM usage_day WHERE device = ? AND day = ?", (device, UNDATED)).fetchone()
    return 0 if row is None else int(row[0])


def put(c: Connection, sums: Sums) -> None:
    c.executemany(
        """
        INSERT INTO usage_part (device, day, what, name, ms) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET ms = ms + excluded.ms
        """,
        [(*key, ms) for key, ms in sorted(sums.items())],
    )


def parts(c: Connection, devices: Sequence[str], first: str, last: str) -> list[UsePart]:
    """Added up over these machines and days, the longest first; `machines` is how many of them it comes from."""
    rows = c.execute(
        """
        SELECT what, name, sum(ms) AS ms, count(DISTINCT device) AS machines FROM usage_part
        WHERE device IN (SELECT value FROM json_each(?)) AND day BETWEEN ? AND ? GROUP BY what, name ORDER BY 3 DESC, 2
        """,
        (msgspec.json.encode(list(devices)).decode(), first, last),
    )
    return [UsePart(what=r["what"], name=r["name"], ms=r["ms"], machines=r["machines"]) for r in rows]


def unknown(c: Connection, devices: Sequence[str], first: str, last: str) -> int:
    """Milliseconds in use of which nothing says whether somebody was there."""
    row = c.execute(
        """
        SELECT ifnull(sum(unknown_ms), 0) FROM usage_day
        WHERE device IN (SELECT value FROM json_each(?)) AND day BETWEEN ? AND ?
        """,
        (msgspec.json.encode(list(devices)).decode(), first, last),
    ).fetchone()
    return int(row[0])
