"""SQL of the register, its places, repairs, maintenance, faults and acknowledgements (school.db)."""

from collections.abc import Iterable, Sequence
from sqlite3 import Connection, Row

from densach_hub.fleet.model import (
    Acknowledgement,
    Condition,
    Declaration,
    FaultReport,
    Kind,
    Machine,
    Maintenance,
    Place,
    Repair,
)

_MACHINE = """
    SELECT m.*, p.room AS p_room, p.seat AS p_seat, p.since_at AS p_since, p.by AS p_by
    FROM machine m LEFT JOIN machine_place p ON p.machine = m.id AND p.until_at IS NULL
"""


def machine(c: Connection, machine_id: str) -> Machine | None:
    row = c.execute(f"{_MACHINE} WHERE m.id = ?", (machine_id,)).fetchone()
    return None if row is None else _machine(row)


def machines(c: Connection, kinds: Sequence[Kind], *, room: str | None, retired: bool) -> list[Machine]:
    where = f"m.kind IN ({','.join('?' * len(kinds))})"
    values: list[object] = list(kinds)
    if room is not None:
        where += " AND p.room = ?"
        values.append(room)
    if not retired:
        where += " AND m.retired_at IS NULL"
    rows = c.execute(f"{_MACHINE} WHERE {where} LIMIT 20000", values)
    return [_machine(row) for row in rows]


def machines_on(c: Connection, at: int) -> list[Machine]:
    """Those in the register at a moment, with the place they had then. Equipment is left out."""
    rows = c.execute(
        """
        SELECT m.*, p.room AS p_room, p.seat AS p_seat, p.since_at AS p_since, p.by AS p_by
        FROM machine m LEFT JOIN machine_place p
          ON p.machine = m.id AND p.since_at <= ?1 AND (p.until_at IS NULL OR p.until_at > ?1)
        WHERE m.kind <> 'equipment' AND m.admitted_at <= ?1 AND (m.retired_at IS NULL OR m.retired_at > ?1)
        LIMIT 20000
        """,
        (at,),
    )
    return [_machine(row) for row in rows]


def known_ids(c: Connection) -> frozenset[str]:
    return frozenset(row[0] for row in c.execute("SELECT id FROM machine WHERE retired_at IS NULL"))


def add_machine(c: Connection, m: Machine) -> None:
    c.execute(
        """
        INSERT INTO machine (id, name, kind, simulated, admitted_at, admitted_by, hostname, maker, model, serial, asset,
                             os, condition, note, tongue, firmware, certificate)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (m.id, m.name, m.kind, m.simulated, m.admitted_at, m.admitted_by, m.hostname, m.maker, m.model, m.serial,
         m.asset, m.os, m.condition, m.note, m.tongue, m.firmware, m.certificate),
    )  # fmt: skip


def describe(c: Connection, machine_id: str, d: Declaration) -> None:
    c.execute(
        """
        UPDATE machine SET name = ?, maker = ?, model = ?, serial = ?, asset = ?, os = ?, condition = ?, note = ?
        WHERE id = ?
        """,
        (d.name, d.maker, d.model, d.serial, d.asset, d.os, d.condition, d.note, machine_id),
    )


def rename(c: Connection, machine_id: str, name: str) -> None:
    c.execute("UPDATE machine SET name = ? WHERE id = ?", (name, machine_id))


def set_condition(c: Connection, machine_id: str, condition: Condition) -> None:
    c.execute("UPDATE machine SET condition = ? WHERE id = ?", (condition, machine_id))


def note_identity(c: Connection, machine_id: str, *, hostname: str, maker: str, model: str, os: str, firmware: str) -> None:
    """What a machine says of itself; empty words leave what is known."""
    c.execute(
        """
        UPDATE machine SET hostname = ifnull(nullif(?, ''), hostname), maker = ifnull(nullif(?, ''), maker),
               model = ifnull(nullif(?, ''), model), os = ifnull(nullif(?, ''), os),
               firmware = ifnull(nullif(?, ''), firmware)
        WHERE id = ?
        """,
        (hostname, maker, model, os, firmware, machine_id),
    )


def mark_simulated(c: Connection, machine_id: str) -> None:
    c.execute("UPDATE machine SET simulated = 1 WHERE id = ?", (machine_id,))


def set_certificate(c: Connection, machine_id: str, serial: str | None) -> None:
    c.execute("UPDATE machine SET certificate = ? WHERE id = ?", (serial, machine_id))


def retire(c: Connection, machine_id: str, at: int, by: str, why: str) -> None:
    c.execute("UPDATE machine SET retired_at = ?, retired_by = ?, retired_why = ? WHERE id = ?", (at, by, why, machine_id))
    _leave(c, machine_id, at)


def bring_back(c: Connection, machine_id: str) -> None:
    c.execute("UPDATE machine SET retired_at = NULL, retired_by = NULL, retired_why = NULL WHERE id = ?", (machine_id,))


def at_seat(c: Connection, room: str, seat: str) -> str | None:
    row = c.execute("SELECT machine FROM machine_place WHERE room = ? AND seat = ? AND until_at IS NULL", (room, seat)).fetchone()
    return None if row is None else str(row[0])


def taken_seats(c: Connection, room: str) -> set[str]:
    rows = c.execute("SELECT seat FROM machine_place WHERE room = ? AND until_at IS NULL AND seat IS NOT NULL", (room,))
    return {row[0] for row in rows}


def move(c: Connection, machine_id: str, room: str | None, seat: str | None, at: int, by: str) -> None:
    """Ends the present place and begins a new one; who held the seat stays in the room without a seat."""
    now = c.execute("SELECT room, seat FROM machine_place WHERE machine = ? AND until_at IS NULL", (machine_id,)).fetchone()
    if now is not None and (now["room"], now["seat"]) == (room, seat):
        return
    if room is not None and seat is not None:
        other = at_seat(c, room, seat)
        if other is not None:
            _leave(c, other, at)
            _stand(c, other, room, None, at, by)
    _leave(c, machine_id, at)
    if room is not None:
        _stand(c, machine_id, room, seat, at, by)


def _leave(c: Connection, machine_id: str, at: int) -> None:
    # A place of no length is no history.
    c.execute("DELETE FROM machine_place WHERE machine = ? AND until_at IS NULL AND since_at >= ?", (machine_id, at))
    c.execute("UPDATE machine_place SET until_at = ? WHERE machine = ? AND until_at IS NULL", (at, machine_id))


def _stand(c: Connection, machine_id: str, room: str, seat: str | None, at: int, by: str) -> None:
    c.execute(
        "INSERT INTO machine_place (machine, room, seat, since_at, by) VALUES (?, ?, ?, ?, ?)", (machine_id, room, seat, at, by)
    )


def places(c: Connection, machine_id: str) -> list[Place]:
    rows = c.execute("SELECT * FROM machine_place WHERE machine = ? ORDER BY since_at DESC, id DESC LIMIT 200", (machine_id,))
    return [Place(room=r["room"], seat=r["seat"], since_at=r["since_at"], until_at=r["until_at"], by=r["by"]) for r in rows]


def machines_in(c: Connection, room: str) -> int:
    return int(c.execute("SELECT count(*) FROM machine_place WHERE room = ? AND until_at IS NULL", (room,)).fetchone()[0])


def add_repair(c: Connection, machine_id: str, at: int, by: str, what: str, parts: str, works_again: bool) -> Repair:
    cursor = c.execute(
        "INSERT INTO machine_repair (machine, at, by, what, parts, works_again) VALUES (?, ?, ?, ?, ?, ?)",
        (machine_id, at, by, what, parts, works_again),
    )
    return Repair(id=cursor.lastrowid or 0, machine=machine_id, at=at, by=by, what=what, parts=parts, works_again=works_again)


def repairs(c: Connection, machine_id: str) -> list[Repair]:
    rows = c.execute("SELECT * FROM machine_repair WHERE machine = ? ORDER BY at DESC, id DESC LIMIT 500", (machine_id,))
    return [
        Repair(id=r["id"], machine=r["machine"], at=r["at"], by=r["by"], what=r["what"], parts=r["parts"],
               works_again=bool(r["works_again"]))
        for r in rows
    ]  # fmt: skip


def add_maintenance(c: Connection, m: Maintenance) -> Maintenance:
    cursor = c.execute(
        "INSERT INTO machine_maintenance (room, machine, from_at, until_at, by, why) VALUES (?, ?, ?, ?, ?, ?)",
        (m.room, m.machine, m.from_at, m.until_at, m.by, m.why),
    )
    return Maintenance(id=cursor.lastrowid or 0, room=m.room, machine=m.machine, from_at=m.from_at, until_at=m.until_at,
                       by=m.by, why=m.why)  # fmt: skip


def maintenance(c: Connection, since: int) -> list[Maintenance]:
    """Windows that end after `since`, soonest first."""
    rows = c.execute("SELECT * FROM machine_maintenance WHERE until_at > ? ORDER BY from_at LIMIT 1000", (since,))
    return [
        Maintenance(id=r["id"], room=r["room"], machine=r["machine"], from_at=r["from_at"], until_at=r["until_at"],
                    by=r["by"], why=r["why"])
        for r in rows
    ]  # fmt: skip


def end_maintenance(c: Connection, window: int, at: int) -> None:
    c.execute("UPDATE machine_maintenance SET until_at = min(until_at, ?) WHERE id = ?", (at, window))


def add_fault(
    c: Connection, at: int, room: str, seat: str | None, machine_id: str | None, text: str, by: str | None
) -> FaultReport:
    cursor = c.execute(
        "INSERT INTO fault_report (at, room, seat, machine, text, by) VALUES (?, ?, ?, ?, ?, ?)",
        (at, room, seat, machine_id, text, by),
    )
    return FaultReport(id=cursor.lastrowid or 0, at=at, room=room, seat=seat, machine=machine_id, text=text, by=by)


def open_faults(c: Connection, *, room: str | None = None, machine_id: str | None = None) -> list[FaultReport]:
    rows = c.execute(
        """
        SELECT * FROM fault_report WHERE closed_at IS NULL AND (?1 IS NULL OR room = ?1) AND (?2 IS NULL OR machine = ?2)
        ORDER BY at DESC, id DESC LIMIT 1000
        """,
        (room, machine_id),
    )
    return [_fault(r) for r in rows]


def open_fault_count(c: Connection, room: str, seat: str | None) -> int:
    sql = "SELECT count(*) FROM fault_report WHERE closed_at IS NULL AND room = ? AND seat IS ?"
    return int(c.execute(sql, (room, seat)).fetchone()[0])


def faults_of(c: Connection, machine_id: str) -> list[FaultReport]:
    rows = c.execute("SELECT * FROM fault_report WHERE machine = ? ORDER BY at DESC, id DESC LIMIT 500", (machine_id,))
    return [_fault(r) for r in rows]


def faults_between(c: Connection, room: str, start: int, end: int) -> list[FaultReport]:
    sql = "SELECT * FROM fault_report WHERE room = ? AND at >= ? AND at < ? ORDER BY at LIMIT 5000"
    rows = c.execute(sql, (room, start, end))
    return [_fault(r) for r in rows]


def fault(c: Connection, fault_id: int) -> FaultReport | None:
    row = c.execute("SELECT * FROM fault_report WHERE id = ?", (fault_id,)).fetchone()
    return None if row is None else _fault(row)


def close_fault(c: Connection, fault_id: int, at: int, by: str) -> None:
    c.execute("UPDATE fault_report SET closed_at = ?, closed_by = ? WHERE id = ? AND closed_at IS NULL", (at, by, fault_id))


def close_faults_of(c: Connection, machine_id: str, at: int, by: str) -> None:
    sql = "UPDATE fault_report SET closed_at = ?, closed_by = ? WHERE machine = ? AND closed_at IS NULL"
    c.execute(sql, (at, by, machine_id))


def acknowledge(c: Connection, a: Acknowledgement) -> None:
    c.execute("INSERT OR REPLACE INTO finding_seen (key, at, by, note) VALUES (?, ?, ?, ?)", (a.key, a.at, a.by, a.note))


def acknowledgements(c: Connection) -> dict[str, Acknowledgement]:
    rows = c.execute("SELECT * FROM finding_seen ORDER BY at DESC LIMIT 20000")
    return {r["key"]: Acknowledgement(key=r["key"], at=r["at"], by=r["by"], note=r["note"]) for r in rows}


def forget_acknowledgements(c: Connection, keys: Iterable[str]) -> None:
    c.executemany("DELETE FROM finding_seen WHERE key = ?", [(key,) for key in keys])


def _machine(r: Row) -> Machine:
    place = None if r["p_room"] is None else Place(room=r["p_room"], seat=r["p_seat"], since_at=r["p_since"], by=r["p_by"])
    return Machine(
        id=r["id"], name=r["name"], kind=Kind(r["kind"]), simulated=bool(r["simulated"]), admitted_at=r["admitted_at"],
        admitted_by=r["admitted_by"], hostname=r["hostname"], maker=r["maker"], model=r["model"], serial=r["serial"],
        asset=r["asset"], os=r["os"], condition=Condition(r["condition"]), note=r["note"], tongue=r["tongue"],
        firmware=r["firmware"], certificate=r["certificate"], retired_at=r["retired_at"], place=place,
    )  # fmt: skip


def _fault(r: Row) -> FaultReport:
    return FaultReport(
        id=r["id"], at=r["at"], room=r["room"], seat=r["seat"], machine=r["machine"], text=r["text"], by=r["by"],
        closed_at=r["closed_at"], closed_by=r["closed_by"],
    )  # fmt: skip
