"""SQL that reads what machines told (telemetry.db), from facts and roll-ups."""

import json
from collections.abc import Collection, Iterable, Sequence
from sqlite3 import Connection, Row

import msgspec

from densach_hub.fleet.store_telling import change_of, section_of
from densach_hub.fleet.telling import (
    Change,
    ClockDoubt,
    ClockTrust,
    HealthPoint,
    Live,
    LostRange,
    PresencePeriod,
    Quarantined,
    Section,
    SeenEvent,
    SickDisk,
    StreamMark,
    UsageDay,
)
from densach_wire.messages import Presence


class OpenTwin(msgspec.Struct, frozen=True, kw_only=True):
    """Another machine that goes by a registered machine's id."""

    id: int
    device: str
    why: str
    hostname: str
    first_at: int
    last_at: int
    held_back: int


# ---- one device


def live(c: Connection, device: str) -> Live | None:
    row = c.execute("SELECT * FROM live WHERE device = ?", (device,)).fetchone()
    return None if row is None else _live(row)


def lives(c: Connection) -> dict[str, Live]:
    return {r["device"]: _live(r) for r in c.execute("SELECT * FROM live LIMIT 20000")}


def stream(c: Connection, device: str, name: str) -> StreamMark | None:
    row = c.execute("SELECT * FROM stream WHERE device = ? AND stream = ?", (device, name)).fetchone()
    return None if row is None else _stream(row)


def streams(c: Connection, device: str) -> list[StreamMark]:
    rows = c.execute("SELECT * FROM stream WHERE device = ? ORDER BY last_at DESC LIMIT 100", (device,))
    return [_stream(r) for r in rows]


def sections(c: Connection, device: str) -> list[Section]:
    return [section_of(r) for r in c.execute("SELECT * FROM section WHERE device = ? ORDER BY section", (device,))]


def told_anything(c: Connection, device: str) -> bool:
    return c.execute("SELECT 1 FROM section WHERE device = ? LIMIT 1", (device,)).fetchone() is not None


def section_of_all(c: Connection, name: str) -> list[Section]:
    return [section_of(r) for r in c.execute("SELECT * FROM section WHERE section = ? LIMIT 20000", (name,))]


def changes(
    c: Connection, device: str | None, since: int, limit: int, *, only: Collection[str] = (), without: Collection[str] = ()
) -> list[Change]:
    """Newest first. `only` and `without`: classes of parts."""
    rows = c.execute(
        """
        SELECT * FROM change WHERE (?1 IS NULL OR device = ?1) AND at >= ?2
            AND (?4 = '[]' OR cls IN (SELECT value FROM json_each(?4))) AND cls NOT IN (SELECT value FROM json_each(?5))
        ORDER BY at DESC, id DESC LIMIT ?3
        """,
        (device, since, limit, json.dumps(sorted(only)), json.dumps(sorted(without))),
    )
    return [change_of(r) for r in rows]


def usage_days(c: Connection, device: str, first: str, last: str) -> list[UsageDay]:
    rows = c.execute(
        """
        SELECT u.*, (SELECT count(*) FROM usage_session s WHERE s.device = u.device AND s.day = u.day) AS sessions,
               (SELECT count(DISTINCT s.user) FROM usage_session s WHERE s.device = u.device AND s.day = u.day) AS people
        FROM usage_day u WHERE device = ? AND day BETWEEN ? AND ? ORDER BY day LIMIT 1000
        """,
        (device, first, last),
    )
    return [
        UsageDay(device=r["device"], day=r["day"], active_ms=r["active_ms"], idle_ms=r["idle_ms"], session_ms=r["session_ms"],
                 sessions=r["sessions"], people=r["people"] or None, unknown_ms=r["unknown_ms"])
        for r in rows
    ]  # fmt: skip


def health(c: Connection, device: str, metric: str, since: int, until: int) -> list[HealthPoint]:
    rows = c.execute(
        "SELECT * FROM health_hour WHERE device = ? AND metric = ? AND at >= ? AND at < ? ORDER BY at LIMIT 10000",
        (device, metric, since, until),
    )
    return [HealthPoint(at=r["at"], low=r["low"], mean=r["total"] / r["n"], high=r["high"], n=r["n"]) for r in rows]


def metrics(c: Connection, device: str) -> tuple[str, ...]:
    return tuple(r[0] for r in c.execute("SELECT metric FROM health_now WHERE device = ? ORDER BY metric", (device,)))


def health_above(c: Connection, metric: str, limit: float, since: int) -> list[tuple[str, float, int]]:
    """(device, latest value, above the limit since) of all devices whose latest value is above it."""
    rows = c.execute(
        """
        SELECT h.device, h.value, ifnull((SELECT min(a.at) FROM health_hour a WHERE a.device = h.device AND a.metric = h.metric
               AND a.at > ifnull((SELECT max(b.at) FROM health_hour b
                                  WHERE b.device = h.device AND b.metric = h.metric AND b.low < ?2), 0)), h.at)
        FROM health_now h WHERE h.metric = ?1 AND h.value >= ?2 AND h.at >= ?3
        """,
        (metric, limit, since),
    )
    return [(r[0], r[1], r[2]) for r in rows]


def sick_disks(c: Connection) -> list[SickDisk]:
    """Of all machines, by what each told last; a new disk, or a new answer, ends it."""
    rows = c.execute(
        "SELECT * FROM section WHERE section = 'smart' AND (instr(CAST(items AS TEXT), '\"failing\"') > 0"
        " OR instr(CAST(items AS TEXT), '\"weak\"') > 0) LIMIT 20000"
    )
    found = []
    for section in map(section_of, rows):
        for item in section.items:
            health = item.attrs.get("health")
            if item.cls == "disk-health" and health in ("failing", "weak"):
                serial, model = item.attrs.get("serial"), item.attrs.get("model")
                found.append(
                    SickDisk(
                        device=section.device, key=str(serial or item.key), name=str(model or item.key),
                        failing=health == "failing", at=section.at,
                    )
                )  # fmt: skip
    return found


def events(c: Connection, device: str, limit: int) -> list[SeenEvent]:
    rows = c.execute("SELECT * FROM event WHERE device = ? ORDER BY at DESC, id DESC LIMIT ?", (device, limit))
    return [_event(r) for r in rows]


def events_of_kind(c: Connection, kinds: Sequence[str], since: int) -> list[SeenEvent]:
    marks = ",".join("?" * len(kinds))
    rows = c.execute(
        f"SELECT * FROM event WHERE kind IN ({marks}) AND at >= ? ORDER BY id DESC LIMIT 500",  # noqa: S608 - marks only
        (*kinds, since),
    )
    return [_event(r) for r in rows]


def lost(c: Connection, device: str | None, since: int) -> list[LostRange]:
    rows = c.execute(
        "SELECT * FROM lost WHERE (?1 IS NULL OR device = ?1) AND at >= ?2 ORDER BY at DESC, id DESC LIMIT 500", (device, since)
    )
    return [
        LostRange(device=r["device"], stream=r["stream"], first=r["first"], last=r["last"], why=r["why"], at=r["at"])
        for r in rows
    ]


def clock_doubts(c: Connection, device: str | None, since: int) -> list[ClockDoubt]:
    rows = c.execute(
        """
        SELECT * FROM boot WHERE trust <> 'good' AND (?1 IS NULL OR device = ?1) AND last_at >= ?2
        ORDER BY last_at DESC LIMIT 500
        """,
        (device, since),
    )
    return [
        ClockDoubt(device=r["device"], boot=r["boot"], trust=ClockTrust(r["trust"]), offset_ms=r["offset_ms"],
                   first_at=r["first_at"], last_at=r["last_at"])
        for r in rows
    ]  # fmt: skip


def periods(c: Connection, device: str, since: int) -> list[PresencePeriod]:
    rows = c.execute(
        """
        SELECT * FROM presence_period WHERE device = ? AND (until_at IS NULL OR until_at >= ?)
        ORDER BY from_at DESC, id DESC LIMIT 500
        """,
        (device, since),
    )
    return [
        PresencePeriod(device=r["device"], state=Presence(r["state"]), from_at=r["from_at"], until_at=r["until_at"]) for r in rows
    ]


def quarantined(c: Connection, device: str | None, since: int, limit: int) -> list[Quarantined]:
    rows = c.execute(
        "SELECT * FROM quarantine WHERE (?1 IS NULL OR device = ?1) AND at >= ?2 ORDER BY id DESC LIMIT ?3",
        (device, since, limit),
    )
    return [
        Quarantined(id=r["id"], at=r["at"], device=r["device"], topic=r["topic"], code=r["code"], detail=r["detail"],
                    raw=r["raw"], size=r["size"])
        for r in rows
    ]  # fmt: skip


def quarantine_tally(c: Connection, since: int) -> list[tuple[str | None, str, int, int, int]]:
    """(device, code, how many, first, last) since a moment."""
    rows = c.execute(
        "SELECT device, code, count(*), min(at), max(at) FROM quarantine WHERE at >= ? GROUP BY device, code LIMIT 500", (since,)
    )
    return [(r[0], r[1], r[2], r[3], r[4]) for r in rows]


def tally(c: Connection, name: str) -> int:
    row = c.execute("SELECT n FROM tally WHERE name = ?", (name,)).fetchone()
    return 0 if row is None else int(row[0])


def open_twins(c: Connection) -> list[OpenTwin]:
    rows = c.execute("SELECT * FROM twin WHERE settled_at IS NULL ORDER BY last_at DESC LIMIT 500")
    return [
        OpenTwin(id=r["id"], device=r["device"], why=r["why"], hostname=r["hostname"], first_at=r["first_at"],
                 last_at=r["last_at"], held_back=r["held_back"])
        for r in rows
    ]  # fmt: skip


# ---- many devices


def heard_on(c: Connection, days: Sequence[str]) -> set[str]:
    """Devices the hub heard on one of the days."""
    return _devices(c, "SELECT DISTINCT device FROM heard_day WHERE day = ?", days)


def alive_on(c: Connection, days: Sequence[str], for_ms: int) -> set[str]:
    """Devices that ran for so long on one of the days, by their own records."""
    return _devices(c, "SELECT device FROM alive_day WHERE day = ? AND last_at - first_at >= ?", days, for_ms)


def used_on(c: Connection, days: Sequence[str]) -> set[str]:
    """Devices with a session on one of the days."""
    return _devices(c, "SELECT device FROM usage_day WHERE day = ? AND session_ms > 0", days)


def online_between(c: Connection, start: int, end: int, for_ms: int) -> set[str]:
    """Devices that were online for so long in a stretch of time."""
    rows = c.execute(
        """
        SELECT device FROM presence_period WHERE state = 'online' AND from_at < ?2 AND (until_at IS NULL OR until_at > ?1)
        GROUP BY device HAVING sum(min(ifnull(until_at, ?2), ?2) - max(from_at, ?1)) >= ?3
        """,
        (start, end, for_ms),
    )
    return {r[0] for r in rows}


def used_ms(c: Connection, first: str, last: str) -> dict[str, int]:
    rows = c.execute("SELECT device, sum(active_ms) FROM usage_day WHERE day BETWEEN ? AND ? GROUP BY device", (first, last))
    return {r[0]: r[1] for r in rows}


def slices(c: Connection, start: int, end: int) -> list[tuple[str, int, int, int, int]]:
    """(device, start, end, active ms, of which nobody knows) of slices that begin in a stretch of time."""
    rows = c.execute(
        """
        SELECT device, start_at, end_at, active_ms, min(unknown_ms, active_ms) FROM usage
        WHERE start_at >= ? AND start_at < ? LIMIT 500000
        """,
        (start, end),
    )
    return [(r[0], r[1], r[2], r[3], r[4]) for r in rows]


def _devices(c: Connection, sql: str, days: Iterable[str], *more: int) -> set[str]:
    return {r[0] for day in days for r in c.execute(sql, (day, *more))}


def _live(r: Row) -> Live:
    return Live(
        device=r["device"], presence=None if r["presence"] is None else Presence(r["presence"]), presence_at=r["presence_at"],
        heard_at=r["heard_at"], boot=r["boot"], boot_at=r["boot_at"], stream=r["stream"], agent=r["agent"], os=r["os"],
        hostname=r["hostname"], clock=ClockTrust(r["clock"]), clock_offset_ms=r["clock_offset_ms"],
        active_until_at=r["active_until_at"], session_until_at=r["session_until_at"],
    )  # fmt: skip


def _stream(r: Row) -> StreamMark:
    return StreamMark(
        device=r["device"], stream=r["stream"], upto=r["upto"], first_at=r["first_at"], last_at=r["last_at"], lost=r["lost"]
    )


def _event(r: Row) -> SeenEvent:
    return SeenEvent(id=r["id"], device=r["device"], at=r["at"], kind=r["kind"], attrs=msgspec.json.decode(r["attrs"]))
