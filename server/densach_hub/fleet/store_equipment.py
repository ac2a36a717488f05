"""SQL of studio equipment: its latest state, its days of on-time and energy (telemetry.db)."""

from sqlite3 import Connection, Row

import msgspec

from densach_hub.fleet.telling import EquipmentDay


class EquipmentState(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one piece now. Energy is its counter, in watt-hours since ever."""

    device: str
    online: bool | None = None
    online_at: int | None = None
    on: bool | None = None
    on_at: int | None = None
    power_w: float | None = None
    energy_wh: float | None = None
    readings: dict[str, float] = {}
    read_at: int | None = None
    heard_at: int | None = None


def state(c: Connection, device: str) -> EquipmentState | None:
    row = c.execute("SELECT * FROM equipment WHERE device = ?", (device,)).fetchone()
    return None if row is None else _state(row)


def states(c: Connection) -> dict[str, EquipmentState]:
    """By device, at most 5,000."""
    return {r["device"]: _state(r) for r in c.execute("SELECT * FROM equipment LIMIT 5000")}


def put_state(c: Connection, s: EquipmentState) -> None:
    """The whole state, in place of the one before."""
    c.execute(
        """
        INSERT OR REPLACE INTO equipment
            (device, online, online_at, is_on, on_at, power_w, energy_wh, readings, read_at, heard_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (s.device, s.online, s.online_at, s.on, s.on_at, s.power_w, s.energy_wh, msgspec.json.encode(s.readings), s.read_at,
         s.heard_at),
    )  # fmt: skip


def add_day(c: Connection, device: str, day: str, on_ms: int, energy_wh: float | None) -> None:
    """Adds to a day; energy stays unknown until some was measured."""
    c.execute(
        """
        INSERT INTO equipment_day (device, day, on_ms, energy_wh) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT DO UPDATE SET on_ms = on_ms + ?3,
            energy_wh = CASE WHEN ?4 IS NULL THEN energy_wh ELSE ifnull(energy_wh, 0) + ?4 END
        """,
        (device, day, on_ms, energy_wh),
    )


def days(c: Connection, device: str, first: str, last: str) -> list[EquipmentDay]:
    """`first` and `last`: ISO dates, both inclusive; days without a reading have no row."""
    rows = c.execute(
        "SELECT * FROM equipment_day WHERE device = ? AND day BETWEEN ? AND ? ORDER BY day LIMIT 1000", (device, first, last)
    )
    return [EquipmentDay(device=r["device"], day=r["day"], on_ms=r["on_ms"], energy_wh=r["energy_wh"]) for r in rows]


def day_of_all(c: Connection, day: str) -> dict[str, EquipmentDay]:
    """By device; `day` is an ISO date of the school's time."""
    rows = c.execute("SELECT * FROM equipment_day WHERE day = ? LIMIT 5000", (day,))
    return {r["device"]: EquipmentDay(device=r["device"], day=r["day"], on_ms=r["on_ms"], energy_wh=r["energy_wh"]) for r in rows}


def _state(r: Row) -> EquipmentState:
    return EquipmentState(
        device=r["device"], online=_bool(r["online"]), online_at=r["online_at"], on=_bool(r["is_on"]), on_at=r["on_at"],
        power_w=r["power_w"], energy_wh=r["energy_wh"], readings=msgspec.json.decode(r["readings"], type=dict[str, float]),
        read_at=r["read_at"], heard_at=r["heard_at"],
    )  # fmt: skip


def _bool(value: int | None) -> bool | None:
    return None if value is None else bool(value)
