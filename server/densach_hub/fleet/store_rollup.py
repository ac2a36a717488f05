"""SQL of the roll-ups that make reading cheap, and of thinning what they replace (telemetry.db)."""

from collections.abc import Callable, Iterable, Iterator
from sqlite3 import Connection, Row

import msgspec

from densach_hub.fleet import store_use
from densach_hub.fleet.rules import HOUR_MS, day_name, health_metrics
from densach_wire.messages import Health

ROLL_AT_ONCE = 2_000
ROWS_A_PIECE = 100
_health = msgspec.json.Decoder(Health)


def roll_up(c: Connection, most: int = ROLL_AT_ONCE, give_way: Callable[[], None] = lambda: None) -> bool:
    """Adds raw facts that are not yet in the roll-ups, at most `most` of each kind; whether more are waiting.

    How far it got is kept in the same transaction: a crash adds nothing twice. `give_way` is called between pieces of work.
    """
    return bool(_roll_health(c, most, give_way) | _roll_usage(c, most, give_way))


def _in_pieces(rows: Iterable[Row], give_way: Callable[[], None]) -> Iterator[Row]:
    for n, row in enumerate(rows):
        if n % ROWS_A_PIECE == 0:
            give_way()
        yield row


def _roll_health(c: Connection, most: int, give_way: Callable[[], None]) -> bool:
    sql = "SELECT id, device, at, body FROM health WHERE id > ? ORDER BY id LIMIT ?"
    rows = c.execute(sql, (_rolled(c, "health"), most)).fetchall()
    hours: dict[tuple[str, str, int], list[float]] = {}
    latest: dict[tuple[str, str], tuple[int, float]] = {}
    days: dict[tuple[str, str], tuple[int, int]] = {}
    for _, device, at, body in _in_pieces(rows, give_way):
        _note_day(days, device, at, at)
        hour = at - at % HOUR_MS
        for metric, value in health_metrics(_health.decode(body)):
            cell = hours.setdefault((device, metric, hour), [value, 0.0, value, 0])
            cell[0], cell[1], cell[2], cell[3] = min(cell[0], value), cell[1] + value, max(cell[2], value), cell[3] + 1
            if at >= latest.get((device, metric), (0, 0.0))[0]:
                latest[device, metric] = (at, value)
    give_way()
    add_hours(c, hours)
    give_way()
    c.executemany(
        """
        INSERT INTO health_now (device, metric, at, value) VALUES (?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET at = excluded.at, value = excluded.value WHERE excluded.at >= at
        """,
        [(device, metric, at, value) for (device, metric), (at, value) in latest.items()],
    )
    _put_days(c, days)
    if rows:
        _set_rolled(c, "health", rows[-1][0])
    return len(rows) == most


def add_hours(c: Connection, hours: dict[tuple[str, str, int], list[float]]) -> None:
    """(device, metric, hour) → [low, total, high, n]"""
    c.executemany(
        """
        INSERT INTO health_hour (device, metric, at, low, total, high, n) VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET low = min(low, excluded.low), total = total + excluded.total,
            high = max(high, excluded.high), n = n + excluded.n
        """,
        [(*key, *cell) for key, cell in sorted(hours.items())],
    )


def _roll_usage(c: Connection, most: int, give_way: Callable[[], None]) -> bool:
    rows = c.execute(
        """
        SELECT id, device, start_at, end_at, active_ms, idle_ms, session, user, unknown_ms, kind, apps, apps_how
        FROM usage WHERE id > ? ORDER BY id LIMIT ?
        """,
        (_rolled(c, "usage"), most),
    ).fetchall()
    sums: dict[tuple[str, str], list[int]] = {}
    sessions: set[tuple[str, str, str, str | None]] = set()
    days: dict[tuple[str, str], tuple[int, int]] = {}
    uses: store_use.Sums = {}
    for _, device, start, end, active, idle, session, user, unknown, kind, apps, how in _in_pieces(rows, give_way):
        day = day_name(start)
        cell = sums.setdefault((device, day), [0, 0, 0, 0])
        cell[0], cell[1], cell[2] = cell[0] + active, cell[1] + idle, cell[2] + max(0, end - start)
        cell[3] += min(unknown, active)
        store_use.note(uses, device, day, kind, active, apps, how)
        sessions.add((device, day, session, user))
        _note_day(days, device, start, end)
    c.executemany(
        """
        INSERT INTO usage_day (device, day, active_ms, idle_ms, session_ms, unknown_ms) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET active_ms = active_ms + excluded.active_ms, idle_ms = idle_ms + excluded.idle_ms,
            session_ms = session_ms + excluded.session_ms, unknown_ms = unknown_ms + excluded.unknown_ms
        """,
        [(*key, *cell) for key, cell in sums.items()],
    )
    store_use.put(c, uses)
    c.executemany("INSERT OR IGNORE INTO usage_session (device, day, session, user) VALUES (?, ?, ?, ?)", sessions)
    _put_days(c, days)
    if rows:
        _set_rolled(c, "usage", rows[-1][0])
    return len(rows) == most


def _note_day(days: dict[tuple[str, str], tuple[int, int]], device: str, start: int, end: int) -> None:
    key = (day_name(start), device)
    first, last = days.get(key, (start, end))
    days[key] = (min(first, start), max(last, end))


def _put_days(c: Connection, days: dict[tuple[str, str], tuple[int, int]]) -> None:
    c.executemany(
        """
        INSERT INTO alive_day (day, device, first_at, last_at) VALUES (?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at)
        """,
        [(*key, *span) for key, span in days.items()],
    )


def _rolled(c: Connection, what: str) -> int:
    row = c.execute("SELECT n FROM tally WHERE name = ?", (f"rolled-{what}",)).fetchone()
    return 0 if row is None else int(row[0])


def _set_rolled(c: Connection, what: str, upto: int) -> None:
    c.execute("INSERT OR REPLACE INTO tally (name, n) VALUES (?, ?)", (f"rolled-{what}", upto))


def thin(c: Connection, *, raw_before: int, usage_before: int, most: int = ROLL_AT_ONCE) -> bool:
    """Forgets what is too old, at most `most` rows of each; whether more is left. Roll-ups stay."""
    deleted = c.execute(
        """
        DELETE FROM health WHERE id <= min(
            (SELECT ifnull(max(id), 0) FROM (SELECT id, at FROM health ORDER BY id LIMIT ?2) WHERE at < ?1), ?3)
        """,
        (raw_before, most, _rolled(c, "health")),
    ).rowcount
    for table, column in (("usage", "start_at"), ("event", "at"), ("presence_period", "until_at"), ("lost", "at")):
        deleted = max(
            deleted,
            c.execute(
                f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE {column} < ? ORDER BY id LIMIT ?)",  # noqa: S608
                (usage_before, most),
            ).rowcount,
        )
    return deleted >= most
