"""SQL that writes what machines tell into telemetry.db. Called inside a transaction; the fast path is executemany."""

from collections.abc import Iterable, Sequence
from functools import cache
from sqlite3 import Connection, Row

import msgspec

from densach_hub.fleet.comparing import Difference
from densach_hub.fleet.telling import Change, ChangeKind, ChangeState, ClockTrust, LostRange, Misfit, Section
from densach_wire.messages import Factor, Hello, InventorySection, Item, Presence, SectionStatus

RAW_KEPT = 4096
"""Bytes of a misfit that are kept; its whole size is told beside them."""
QUARANTINE_KEPT = 5_000
_SIZES = (64, 8, 1)
_USAGE = "usage (device, start_at, end_at, active_ms, idle_ms, session, kind, user, name, apps, unknown_ms, apps_how)"

HealthRow = tuple[str, int, bytes]
UsageRow = tuple[str, int, int, int, int, str, str, str | None, str | None, bytes | None, int, str]
EventRow = tuple[str, int, str, bytes]
_items = msgspec.json.Decoder(tuple[Item, ...])
_item = msgspec.json.Decoder(Item)
_raws = msgspec.json.Decoder(list[msgspec.Raw])
encode = msgspec.json.Encoder().encode


class Mark(msgspec.Struct, frozen=True):
    """Where a stream stands, for the decision what of a batch is new."""

    upto: int = 0
    hole_asks: int = 0
    hole_at: int | None = None
    kept_first: int | None = None
    twin: bool = False


def mark(c: Connection, device: str, stream: str, boot: str) -> Mark:
    row = c.execute(
        """
        SELECT (SELECT twin FROM boot WHERE device = ?1 AND boot = ?3), (SELECT kept_first FROM live WHERE device = ?1),
               s.upto, s.hole_asks, s.hole_at
        FROM (SELECT 1) LEFT JOIN stream s ON s.device = ?1 AND s.stream = ?2
        """,
        (device, stream, boot),
    ).fetchone()
    return Mark(row[2] or 0, row[3] or 0, row[4], row[1], bool(row[0]))


def set_mark(c: Connection, device: str, stream: str, upto: int, lost: int, at: int) -> None:
    c.execute(
        """
        INSERT INTO stream (device, stream, upto, first_at, last_at, lost) VALUES (?1, ?2, ?3, ?5, ?5, ?4)
        ON CONFLICT DO UPDATE SET upto = ?3, last_at = ?5, lost = lost + ?4, hole_asks = 0, hole_at = NULL
        """,
        (device, stream, upto, lost, at),
    )


def note_hole(c: Connection, device: str, stream: str, upto: int, at: int) -> None:
    c.execute(
        """
        INSERT INTO stream (device, stream, upto, first_at, last_at, hole_asks, hole_at) VALUES (?1, ?2, ?3, ?4, ?4, 1, ?4)
        ON CONFLICT DO UPDATE SET hole_asks = hole_asks + 1, hole_at = ifnull(hole_at, ?4), last_at = ?4, upto = ?3
        """,
        (device, stream, upto, at),
    )


def heard(
    c: Connection, device: str, at: int, *, day: str, stream: str, boot: str, trust: ClockTrust, offset_ms: int | None,
    active_until: int | None, session_until: int | None,
) -> None:  # fmt: skip
    """A batch came: the device lives, its boot goes on."""
    c.execute(
        """
        INSERT INTO live (device, heard_at, boot, boot_at, stream, clock, clock_offset_ms, active_until_at, session_until_at)
        VALUES (?1, ?2, ?3, ?2, ?4, ?5, ?6, ?7, ?8)
        ON CONFLICT DO UPDATE SET heard_at = max(ifnull(heard_at, 0), ?2), boot = ifnull(boot, ?3), stream = ifnull(stream, ?4),
            clock = ?5, clock_offset_ms = ifnull(?6, clock_offset_ms),
            active_until_at = nullif(max(ifnull(active_until_at, 0), ifnull(?7, 0)), 0),
            session_until_at = nullif(max(ifnull(session_until_at, 0), ifnull(?8, 0)), 0)
        """,
        (device, at, boot, stream, trust, offset_ms, active_until, session_until),
    )
    note_boot(c, device, boot, at, trust, offset_ms)
    note_heard_day(c, device, at, day)


def note_heard_day(c: Connection, device: str, at: int, day: str) -> None:
    c.execute(
        """
        INSERT INTO heard_day (day, device, first_at, last_at) VALUES (?1, ?2, ?3, ?3)
        ON CONFLICT DO UPDATE SET first_at = min(first_at, ?3), last_at = max(last_at, ?3)
        """,
        (day, device, at),
    )


def note_boot(c: Connection, device: str, boot: str, at: int, trust: ClockTrust, offset_ms: int | None) -> None:
    """The worst that was thought of a boot's clock stays on it."""
    c.execute(
        """
        INSERT INTO boot (device, boot, first_at, last_at, trust, offset_ms) VALUES (?1, ?2, ?3, ?3, ?4, ?5)
        ON CONFLICT DO UPDATE SET last_at = max(last_at, ?3),
            trust = CASE WHEN trust = 'none' OR ?4 = 'good' THEN trust ELSE ?4 END, offset_ms = ifnull(?5, offset_ms)
        """,
        (device, boot, at, trust, offset_ms),
    )


class Facts(msgspec.Struct):
    """Rows of any number of batches, appended together. Between two rows of an `executemany` the interpreter's lock
    changes hands; by whole statements SQLite works beside the event loop, and a fifth faster."""

    health: list[HealthRow] = []
    usage: list[UsageRow] = []
    events: list[EventRow] = []

    def append(self, c: Connection) -> None:
        _append(c, "health (device, at, body)", self.health)
        _append(c, _USAGE, self.usage)
        _append(c, "event (device, at, kind, attrs)", self.events)


def _append(c: Connection, into: str, rows: Sequence[tuple[object, ...]]) -> None:
    done = 0
    for size in _SIZES:  # few sizes, so that SQLite's compiled statements are found again
        while len(rows) - done >= size:
            c.execute(_insert(into, len(rows[0]), size), [value for row in rows[done : done + size] for value in row])
            done += size


@cache
def _insert(into: str, width: int, rows: int) -> str:
    row = f"({', '.join('?' * width)})"
    return f"INSERT INTO {into} VALUES {', '.join([row] * rows)}"  # noqa: S608 - our own words only


def add_lost(c: Connection, lost: LostRange) -> None:
    c.execute(
        "INSERT INTO lost (device, stream, first, last, why, at) VALUES (?, ?, ?, ?, ?, ?)",
        (lost.device, lost.stream, lost.first, lost.last, lost.why, lost.at),
    )


def add_quarantine(c: Connection, misfits: Iterable[Misfit], device: str | None, at: int) -> int:
    """Keeps what does not fit, the newest QUARANTINE_KEPT of it; `tally` counts all that ever came."""
    rows = [(at, device, m.topic[:300], m.code[:100], m.detail[:500], m.raw[:RAW_KEPT], len(m.raw)) for m in misfits]
    if not rows:
        return 0
    c.executemany("INSERT INTO quarantine (at, device, topic, code, detail, raw, size) VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    add_tally(c, "quarantine", len(rows))
    c.execute(
        "DELETE FROM quarantine WHERE id <= (SELECT id FROM quarantine ORDER BY id DESC LIMIT 1 OFFSET ?)", (QUARANTINE_KEPT,)
    )
    return len(rows)


def add_tally(c: Connection, name: str, n: int) -> None:
    c.execute("INSERT INTO tally (name, n) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET n = n + ?2", (name, n))


# ---- inventory


class Told(msgspec.Struct, frozen=True):
    """A section as it is kept. Lists of thousands are compared as they are written: few of their items changed, and only
    those are worth reading."""

    digest: str
    items: bytes

    @property
    def nothing(self) -> bool:
        return not self.digest and self.items == b"[]"


def told(c: Connection, device: str, name: str) -> Told | None:
    row = c.execute("SELECT digest, items FROM section WHERE device = ? AND section = ?", (device, name)).fetchone()
    return None if row is None else Told(row[0], row[1].encode() if isinstance(row[1], str) else row[1])


def unlike(before: bytes, after: bytes) -> tuple[list[Item], list[Item]]:
    """Of two lists as `encode` writes them, the items that the other one has not word for word."""
    old, new = _written(before), _written(after)
    return [_item.decode(i) for i in old if i not in new], [_item.decode(i) for i in new if i not in old]


def items_of(written: bytes) -> tuple[Item, ...]:
    return _items.decode(written)


def _written(items: bytes) -> dict[bytes, None]:
    return dict.fromkeys(map(bytes, _raws.decode(items)))


def section_of(row: Row) -> Section:
    return Section(
        device=row["device"], section=row["section"], items=_items.decode(row["items"]), digest=row["digest"], at=row["at"],
        seen_at=row["seen_at"], status=SectionStatus(row["status"]), reason=row["reason"],
    )  # fmt: skip


def put_section(c: Connection, device: str, s: InventorySection, boot: str, at: int, *, written: bytes | None = None) -> None:
    """`written`: the items, encoded already."""
    c.execute(
        """
        INSERT INTO section (device, section, items, digest, boot, at, seen_at, status, reason)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?8)
        ON CONFLICT DO UPDATE SET items = ?3, digest = ?4, boot = ?5, at = ?6, seen_at = ?6, status = ?7, reason = ?8
        """,
        (device, s.section, encode(s.items) if written is None else written, s.digest, boot, at, s.status, s.reason),
    )


def confirm_section(c: Connection, device: str, s: InventorySection, boot: str, at: int) -> None:
    """The same items again."""
    c.execute(
        "UPDATE section SET boot = ?, seen_at = ?, status = ?, reason = ? WHERE device = ? AND section = ?",
        (boot, at, s.status, s.reason, device, s.section),
    )


def failed_section(c: Connection, device: str, s: InventorySection, boot: str, at: int) -> None:
    """A try that brought nothing: what was known stays known, why it failed is kept beside it."""
    c.execute(
        """
        INSERT INTO section (device, section, items, digest, boot, at, seen_at, status, reason)
        VALUES (?1, ?2, '[]', '', ?5, ?6, ?6, ?3, ?4)
        ON CONFLICT DO UPDATE SET status = ?3, reason = ?4
        """,
        (device, s.section, s.status, s.reason, boot, at),
    )


def add_change(c: Connection, device: str, name: str, d: Difference, at: int, boot: str) -> None:
    state = ChangeState.SUSPECTED if d.kind is ChangeKind.REMOVED else ChangeState.CONFIRMED
    c.execute(
        """
        INSERT INTO change (device, at, boot, section, cls, key, kind, state, before, after)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (device, at, boot, name, d.item.cls, d.item.key, d.kind, state,
         None if d.before is None else encode(d.before), None if d.after is None else encode(d.after)),
    )  # fmt: skip


def suspected(c: Connection, device: str, name: str) -> list[Change]:
    rows = c.execute("SELECT * FROM change WHERE device = ? AND section = ? AND state = 'suspected'", (device, name))
    return [change_of(r) for r in rows]


def suspected_sections(c: Connection, device: str, before: int) -> tuple[str, ...]:
    rows = c.execute("SELECT DISTINCT section FROM change WHERE device = ? AND state = 'suspected' AND at <= ?", (device, before))
    return tuple(r[0] for r in rows)


def settle_change(c: Connection, change_id: int, state: ChangeState, at: int) -> None:
    c.execute("UPDATE change SET state = ?, settled_at = ? WHERE id = ?", (state, at, change_id))


def change_of(r: Row) -> Change:
    return Change(
        id=r["id"], device=r["device"], at=r["at"], boot=r["boot"], section=r["section"], cls=r["cls"], key=r["key"],
        kind=ChangeKind(r["kind"]), state=ChangeState(r["state"]), settled_at=r["settled_at"],
        before=None if r["before"] is None else msgspec.json.decode(r["before"]),
        after=None if r["after"] is None else msgspec.json.decode(r["after"]),
    )  # fmt: skip


# ---- hello, presence, twins


def put_hello(
    c: Connection, device: str, h: Hello, at: int, *, heard_at: int | None, trust: ClockTrust, offset_ms: int | None
) -> None:
    os = " ".join(filter(None, (h.os.name or h.os.family, h.os.version)))
    c.execute(
        """
        INSERT INTO live (device, heard_at, boot, boot_at, stream, agent, os, hostname, clock, clock_offset_ms, kept_first)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
        ON CONFLICT DO UPDATE SET heard_at = max(ifnull(heard_at, 0), ifnull(?2, 0)),
            boot_at = CASE WHEN boot IS ?3 THEN ifnull(boot_at, ?4) ELSE ?4 END, boot = ?3, stream = ?5, agent = ?6, os = ?7,
            hostname = ?8, clock = ?9, clock_offset_ms = ?10, kept_first = ?11
        """,
        (device, heard_at, h.boot, at, h.stream, h.agent, os, h.hostname, trust, offset_ms,
         h.kept.first if h.kept is not None else None),
    )  # fmt: skip


def put_presence(c: Connection, device: str, presence: Presence, at: int, heard_at: int | None) -> bool:
    """Ends the period before and begins a new one where the state changed; whether it did."""
    c.execute(
        """
        INSERT INTO live (device, presence, presence_at, heard_at) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT DO UPDATE SET presence_at = CASE WHEN presence IS ?2 THEN presence_at ELSE ?3 END, presence = ?2,
            heard_at = nullif(max(ifnull(heard_at, 0), ifnull(?4, 0)), 0)
        """,
        (device, presence, at, heard_at),
    )
    now = c.execute("SELECT id, state, from_at FROM presence_period WHERE device = ? AND until_at IS NULL", (device,)).fetchone()
    if now is not None and now["state"] == presence:
        return False
    if now is not None:
        c.execute("UPDATE presence_period SET until_at = ? WHERE id = ?", (max(at, now["from_at"]), now["id"]))
    c.execute("INSERT INTO presence_period (device, state, from_at) VALUES (?, ?, ?)", (device, presence, at))
    return True


def factors(c: Connection, device: str) -> tuple[Factor, ...]:
    rows = c.execute("SELECT kind, digest, strong FROM factor WHERE device = ?", (device,))
    return tuple(Factor(r["kind"], r["digest"], bool(r["strong"])) for r in rows)


def put_factors(c: Connection, device: str, shown: Iterable[Factor], at: int) -> None:
    """What is shown takes the place of what was known of the same kinds. A kind that is not shown stays: an agent that was
    started without root reads no serial numbers, and the machine has not lost them."""
    shown = tuple(shown)
    c.executemany("DELETE FROM factor WHERE device = ? AND kind = ?", [(device, kind) for kind in {f.kind for f in shown}])
    _add_factors(c, device, shown, at)


def set_factors(c: Connection, device: str, shown: Iterable[Factor], at: int) -> None:
    """These and no others."""
    shown = tuple(shown)
    c.execute("DELETE FROM factor WHERE device = ?", (device,))
    _add_factors(c, device, shown, at)


def _add_factors(c: Connection, device: str, shown: Iterable[Factor], at: int) -> None:
    c.executemany(
        "INSERT OR IGNORE INTO factor (device, kind, digest, strong, at) VALUES (?, ?, ?, ?, ?)",
        [(device, f.kind, f.digest, f.strong, at) for f in shown],
    )


def seen_on(c: Connection, digests: Iterable[str], but: str | None) -> dict[str, int]:
    """Digest → on how many machines other than `but`."""
    found: dict[str, int] = {}
    sql = "SELECT count(DISTINCT device) FROM factor WHERE digest = ? AND device IS NOT ?"
    for digest in set(digests):
        n = c.execute(sql, (digest, but)).fetchone()[0]
        if n:
            found[digest] = n
    return found


def sharing(c: Connection, digests: Iterable[str]) -> list[str]:
    """Machines that have one of these factors."""
    found: set[str] = set()
    for digest in set(digests):
        found.update(r[0] for r in c.execute("SELECT device FROM factor WHERE digest = ? LIMIT 100", (digest,)))
    return sorted(found)


def boots(c: Connection, device: str) -> list[str]:
    """Oldest first."""
    rows = c.execute("SELECT boot FROM boot WHERE device = ? ORDER BY first_at DESC, last_at DESC LIMIT 500", (device,))
    return [r[0] for r in rows][::-1]


def note_twin(c: Connection, device: str, h: Hello, why: str, at: int, *, hold_back: bool) -> bool:
    """Another machine goes by this id: one open row for each boot of it. True if that is news."""
    row = c.execute("SELECT id FROM twin WHERE device = ? AND boot = ? AND settled_at IS NULL", (device, h.boot)).fetchone()
    if row is None:
        c.execute(
            """
            INSERT INTO twin (device, why, boot, stream, hostname, fingerprint, first_at, last_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            (device, why, h.boot, h.stream, h.hostname, encode(h.fingerprint), at, at),
        )
    else:
        c.execute("UPDATE twin SET last_at = ? WHERE id = ?", (at, row["id"]))
    if hold_back:
        c.execute("UPDATE boot SET twin = 1 WHERE device = ? AND boot = ?", (device, h.boot))
    return row is None


def hold_back(c: Connection, device: str, boot: str, n: int, at: int) -> None:
    c.execute(
        "UPDATE twin SET held_back = held_back + ?, last_at = ? WHERE device = ? AND boot = ? AND settled_at IS NULL",
        (n, at, device, boot),
    )


def twin_fingerprint(c: Connection, twin_id: int) -> tuple[str, tuple[Factor, ...]] | None:
    row = c.execute("SELECT device, fingerprint FROM twin WHERE id = ? AND settled_at IS NULL", (twin_id,)).fetchone()
    return None if row is None else (row["device"], msgspec.json.decode(row["fingerprint"], type=tuple[Factor, ...]))


def settle_twins(c: Connection, device: str, at: int, *, trusted: bool) -> None:
    """Closes the matter. `trusted`: it was the same machine after all, its boots may tell again."""
    c.execute("UPDATE twin SET settled_at = ? WHERE device = ? AND settled_at IS NULL", (at, device))
    if trusted:
        c.execute("UPDATE boot SET twin = 0 WHERE device = ?", (device,))
