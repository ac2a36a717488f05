"""Studio equipment that speaks for itself: appears, switches on and off, counts its energy."""

from datetime import timedelta
from sqlite3 import Connection

import msgspec

from densach_core.clock import DAY_MS, Clock, day_of
from densach_core.database import Database
from densach_core.live import Bus
from densach_hub.fleet import store_equipment as store
from densach_hub.fleet import store_rollup, store_telling, store_told
from densach_hub.fleet.model import Kind, Machine
from densach_hub.fleet.register import Register, no_machine
from densach_hub.fleet.rooms import Rooms
from densach_hub.fleet.rules import HOUR_MS, day_name, on_time, used_energy
from densach_hub.fleet.sights import EquipmentRow, EquipmentSight
from densach_hub.fleet.telling import EquipmentDay, EquipmentReading, EquipmentSeen
from densach_wire.messages import Presence

LONGEST_PAUSE_MS = 15 * 60_000
"""Equipment that was quiet for longer is not counted as on all that time (a plug reports every five minutes)."""
MOST_METRICS = 64


class Equipment:
    """Equipment is a machine of kind EQUIPMENT in the register; its id is made of tongue and key."""

    def __init__(self, telemetry: Database, clock: Clock, bus: Bus, register: Register, rooms: Rooms) -> None:
        self._db = telemetry
        self._clock = clock
        self._bus = bus
        self._register = register
        self._rooms = rooms

    async def seen(self, what: EquipmentSeen, *, at: int) -> Machine:
        """Introduces itself (discovery): a new row, or maker, model and firmware brought up to date.

        Retired equipment that speaks again stays retired: a person decided that.
        """
        device = equipment_id(what.tongue, what.key)
        known = await self._register.find(device)
        if known is not None:
            await self._register.note_identity(
                device, maker=what.maker, model=what.model, firmware=what.firmware, hostname=what.name, simulated=what.simulated
            )
            return await self._register.machine(device)
        return await self._register.add(
            Machine(
                id=device, name=what.name or device, hostname=what.name, kind=Kind.EQUIPMENT, simulated=what.simulated,
                admitted_at=at, admitted_by=what.tongue, maker=what.maker, model=what.model, serial=what.serial or what.mac,
                tongue=what.tongue, firmware=what.firmware,
            )
        )  # fmt: skip

    async def presence(self, tongue: str, key: str, online: bool, *, at: int, retained: bool = False) -> None:
        """Ignored for equipment that has not introduced itself."""
        device = equipment_id(tongue, key)
        if not self._register.knows(device):
            return
        # "Offline" is the broker's word (last will), and a retained word is of whenever: neither means heard now.
        heard = at if online and not retained else None

        def work(c: Connection) -> bool:
            old = store.state(c, device) or store.EquipmentState(device=device)
            if not online:
                self._count(c, old, at, energy_wh=None)
            changed = old.online is not online
            store.put_state(
                c,
                msgspec.structs.replace(
                    old, online=online, online_at=at if changed else old.online_at, heard_at=heard or old.heard_at,
                    on=old.on if online else None, on_at=old.on_at if online else None,
                ),
            )  # fmt: skip
            store_telling.put_presence(c, device, Presence.ONLINE if online else Presence.OFFLINE, at, heard)
            if heard is not None:
                store_telling.note_heard_day(c, device, at, day_name(at))
            return changed

        if await self._db.write_grouped(work):
            self._bus.say("fleet")

    async def reading(self, reading: EquipmentReading, *, retained: bool = False) -> bool:
        """Adds on-time and energy to the day; False when it never introduced itself (then nothing is kept)."""
        device = equipment_id(reading.tongue, reading.key)
        if not self._register.knows(device):
            return False
        await self._db.write_grouped(lambda c: self._take(c, device, reading, retained))
        self._bus.say("fleet")
        return True

    async def rows(self, *, room: str | None = None) -> list[EquipmentRow]:
        """All equipment in the register (or a room's), by room and name."""
        machines = await self._register.machines(room=room, kinds=(Kind.EQUIPMENT,))
        today = day_name(self._clock.now_ms())
        states, days = await self._db.read(lambda c: (store.states(c), store.day_of_all(c, today)))
        names = {r.id: r.name for r in await self._rooms.all()}
        return [_row(m, states.get(m.id), days.get(m.id), names.get(m.place.room) if m.place else None) for m in machines]

    async def sight(self, machine_id: str, *, days: int = 28) -> EquipmentSight:
        """Raises NotFound."""
        machine = await self._register.machine(machine_id)
        if machine.kind is not Kind.EQUIPMENT:
            raise no_machine()
        now = self._clock.now_ms()
        last = day_of(now)
        first, until = (last - timedelta(days=days - 1)).isoformat(), now + HOUR_MS

        def work(c: Connection) -> EquipmentSight:
            state = store.state(c, machine_id)
            series = store.days(c, machine_id, first, last.isoformat())
            today = next((d for d in series if d.day == last.isoformat()), None)
            return EquipmentSight(
                row=_row(machine, state, today, None if room is None else room.name),
                days=tuple(series),
                power=tuple(store_told.health(c, machine_id, "power_w", now - 7 * DAY_MS, until)),
                readings=state.readings if state is not None else {},
                repairs=repairs,
                periods=tuple(store_told.periods(c, machine_id, now - days * DAY_MS)),
                events=tuple(store_told.events(c, machine_id, 50)),
            )

        room = await self._rooms.find(machine.place.room if machine.place else None)
        repairs = tuple(await self._register.repairs(machine_id))
        return await self._db.read(work)

    def _take(self, c: Connection, device: str, r: EquipmentReading, retained: bool) -> None:
        old = store.state(c, device) or store.EquipmentState(device=device)
        if old.read_at is not None and r.at < old.read_at:
            return  # an older word than the one we have
        if not retained:
            self._count(c, old, r.at, energy_wh=r.energy_wh)
        metrics = dict(list({**r.metrics, **({} if r.power_w is None else {"power_w": r.power_w})}.items())[:MOST_METRICS])
        if not retained:
            hour = r.at - r.at % HOUR_MS
            store_rollup.add_hours(c, {(device, name, hour): [v, v, v, 1] for name, v in metrics.items()})
            store_telling.note_heard_day(c, device, r.at, day_name(r.at))
        on = r.on if r.on is not None else old.on
        store.put_state(
            c,
            store.EquipmentState(
                device=device, online=old.online if retained else True,
                online_at=old.online_at if old.online or retained else r.at, on=on,
                on_at=r.at if on is not old.on else old.on_at, power_w=r.power_w if r.power_w is not None else old.power_w,
                energy_wh=r.energy_wh if r.energy_wh is not None else old.energy_wh,
                readings=dict(list({**old.readings, **metrics}.items())[:MOST_METRICS]),
                read_at=old.read_at if retained else r.at, heard_at=old.heard_at if retained else r.at,
            ),
        )  # fmt: skip

    def _count(self, c: Connection, old: store.EquipmentState, at: int, *, energy_wh: float | None) -> None:
        """On-time since the last word, and the energy the counter moved."""
        for day, on_ms in on_time(old.on, old.read_at, at, LONGEST_PAUSE_MS):
            store.add_day(c, old.device, day, on_ms, None)
        used = used_energy(old.energy_wh, energy_wh)
        if used is not None:
            store.add_day(c, old.device, day_name(at), 0, used)


def equipment_id(tongue: str, key: str) -> str:
    """`tasmota-48551917e7ae`: lower-case, only what a device id may hold."""
    kept = "".join(ch if ch.isascii() and ch.isalnum() else "-" for ch in key.lower()).strip("-")
    return f"{tongue}-{kept}"[:64].rstrip("-")


def _row(m: Machine, s: store.EquipmentState | None, day: EquipmentDay | None, room: str | None) -> EquipmentRow:
    return EquipmentRow(
        machine=m, online=s.online if s else None, on=s.on if s else None, power_w=s.power_w if s else None,
        today_on_ms=day.on_ms if day else None, today_energy_wh=day.energy_wh if day else None,
        heard_at=s.heard_at if s else None, room_name=room,
    )  # fmt: skip
