"""The register of machines and equipment: who they are, where they stand, what people did to them."""

import re
import secrets
from collections.abc import Callable, Sequence
from sqlite3 import Connection

from densach_core.accounts.audit import trace
from densach_core.clock import Clock
from densach_core.database import Database
from densach_core.errors import BadInput, Conflict, NotFound
from densach_core.live import Bus
from densach_core.text import t
from densach_hub.fleet import store_register as store
from densach_hub.fleet.model import Condition, Declaration, Kind, Machine, Maintenance, Place, Repair
from densach_hub.fleet.rooms import Rooms, in_order

COMPUTERS = (Kind.AGENT, Kind.DECLARED)
_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
_MINTED = re.compile(f"[a-z]+-[{_LETTERS}]{{10}}")


class Register:
    """Rows of school.db. `by` is the name of the person who acts, as it will be shown."""

    def __init__(self, school: Database, clock: Clock, bus: Bus, rooms: Rooms) -> None:
        self._db = school
        self._clock = clock
        self._bus = bus
        self._rooms = rooms
        self._known: frozenset[str] = frozenset()

    async def open(self) -> None:
        """Learns who is registered, for `knows`."""
        self._known = await self._db.read(store.known_ids)

    def knows(self, device: str) -> bool:
        """Whether a device may tell anything: admitted and not retired. From memory, for every message."""
        return device in self._known

    async def machines(
        self, *, room: str | None = None, kinds: Sequence[Kind] = COMPUTERS, retired: bool = False
    ) -> list[Machine]:
        """Ordered by room and name; `retired` adds those that left."""
        found = await self._db.read(lambda c: store.machines(c, kinds, room=room, retired=retired))
        return sorted(found, key=lambda m: (m.place.room if m.place else "~", in_order(m.name), m.id))

    async def machines_on(self, at: int) -> list[Machine]:
        """Computers in the register at a moment, with the place they had then."""
        return await self._db.read(lambda c: store.machines_on(c, at))

    async def machine(self, machine_id: str) -> Machine:
        """Raises NotFound("fleet.no-machine")."""
        found = await self.find(machine_id)
        if found is None:
            raise no_machine()
        return found

    async def find(self, machine_id: str) -> Machine | None:
        return await self._db.read(lambda c: store.machine(c, machine_id))

    async def add(self, machine: Machine) -> Machine:
        """A new row (enrolment, declaration, equipment), at its `place`. Raises Conflict where the id is taken."""
        mark = trace(machine.admitted_by, self._clock)

        def work(c: Connection) -> None:
            if store.machine(c, machine.id) is not None:
                raise Conflict("fleet.machine-exists", t("There is a machine with this number already."))
            store.add_machine(c, machine)
            mark.note(c, "fleet.machine-added", on=machine.id)
            if machine.place is not None:
                store.move(c, machine.id, machine.place.room, machine.place.seat, machine.admitted_at, machine.admitted_by)

        await self._db.write(work)
        self._known |= {machine.id}
        self._bus.say("fleet")
        return await self.machine(machine.id)

    async def declare(self, declaration: Declaration, *, by: str) -> Machine:
        """A machine that can run no agent, written down by a person."""
        _check(declaration)
        now = self._clock.now_ms()
        await self._must_have_seat(declaration.room, declaration.seat)
        place = None
        if declaration.room is not None:
            place = Place(room=declaration.room, seat=declaration.seat, since_at=now, by=by)
        d = declaration
        return await self.add(
            Machine(
                id=new_id("khai"), name=d.name.strip(), kind=Kind.DECLARED, admitted_at=now, admitted_by=by, maker=d.maker,
                model=d.model, serial=d.serial, asset=d.asset, os=d.os, condition=d.condition, note=d.note, place=place,
            )
        )  # fmt: skip

    async def describe(self, machine_id: str, declaration: Declaration, *, by: str) -> Machine:
        """Name, maker, model, serial, asset number, condition, note. The place is not touched."""
        _check(declaration)
        return await self._change(machine_id, lambda c: store.describe(c, machine_id, declaration), by, "described")

    async def rename(self, machine_id: str, name: str, *, by: str) -> Machine:
        if not 0 < len(name.strip()) <= 100:
            raise _bad_name()
        return await self._change(machine_id, lambda c: store.rename(c, machine_id, name.strip()), by, "renamed")

    async def set_condition(self, machine_id: str, condition: Condition, *, by: str) -> Machine:
        """A person says that it is broken, or that it works."""
        return await self._change(machine_id, lambda c: store.set_condition(c, machine_id, condition), by, "condition")

    async def note_identity(
        self,
        machine_id: str,
        *,
        hostname: str = "",
        maker: str = "",
        model: str = "",
        os: str = "",
        firmware: str = "",
        simulated: bool = False,
    ) -> None:
        """What the machine says of itself. Empty words leave what is known; a name people gave stays. Who says once
        that it is simulated is counted apart for ever."""

        def work(c: Connection) -> bool:
            old = store.machine(c, machine_id)
            if old is None:
                return False
            store.note_identity(c, machine_id, hostname=hostname, maker=maker, model=model, os=os, firmware=firmware)
            if simulated and not old.simulated:
                store.mark_simulated(c, machine_id)
            if hostname and old.name == old.hostname:
                store.rename(c, machine_id, hostname)
            return store.machine(c, machine_id) != old

        old = await self.find(machine_id)
        says = (hostname, maker, model, os, firmware)
        if old is not None and (not simulated or old.simulated):
            known = (old.hostname, old.maker, old.model, old.os, old.firmware)
            if all(word in ("", has) for word, has in zip(says, known, strict=True)):
                return  # the usual hello: no write
        if await self._db.write(work):
            self._bus.say("fleet")

    async def set_certificate(self, machine_id: str, serial: str | None) -> None:
        await self._db.write(lambda c: store.set_certificate(c, machine_id, serial))

    async def move(self, machine_id: str, room: str | None, seat: str | None, *, by: str) -> Machine:
        """Puts a machine on a seat (or in a room, or nowhere). Who sat there before is in the room without a seat."""
        await self._must_have_seat(room, seat)
        now = self._clock.now_ms()
        return await self._change(machine_id, lambda c: store.move(c, machine_id, room, seat, now, by), by, "moved")

    async def move_many(self, machine_ids: Sequence[str], room: str, *, by: str, seats_from: str | None = None) -> list[Machine]:
        """Puts many machines in a room at once, on the free seats in order of their names' numbers.

        `seats_from`: the seat to begin with; None puts them in the room without seats. Machines that find no free
        seat are in the room without one.
        """
        found = await self._rooms.get(room)
        if seats_from is not None and found.seat(seats_from) is None:
            raise _no_seat()
        now, mark = self._clock.now_ms(), trace(by, self._clock)

        def work(c: Connection) -> None:
            chosen = [m for i in dict.fromkeys(machine_ids) if (m := store.machine(c, i)) is not None]
            chosen.sort(key=lambda m: (in_order(m.name), m.id))
            for m in chosen:  # they leave first, so that those of this room can be put in a new order
                store.move(c, m.id, room, None, now, by)
            taken = store.taken_seats(c, room)
            seats = [s.id for s in found.seats if s.id not in taken]
            if seats_from is None:
                seats = []
            else:
                order = [s.id for s in found.seats]
                seats = [s for s in seats if order.index(s) >= order.index(seats_from)]
            for m, seat in zip(chosen, seats, strict=False):
                store.move(c, m.id, room, seat, now, by)
            mark.note(c, "fleet.machines-moved", on=room, detail=", ".join(m.id for m in chosen))

        await self._db.write(work)
        self._bus.say("fleet")
        return [m for m in await self.machines(room=room) if m.id in set(machine_ids)]

    async def retire(self, machine_id: str, *, by: str, why: str = "") -> Machine:
        """Thanh lý: out of the register of today; its history and its certificate's number stay."""
        now = self._clock.now_ms()
        machine = await self._change(machine_id, lambda c: store.retire(c, machine_id, now, by, why), by, "retired")
        self._known -= {machine_id}
        return machine

    async def bring_back(self, machine_id: str, *, by: str) -> Machine:
        machine = await self._change(machine_id, lambda c: store.bring_back(c, machine_id), by, "brought-back")
        self._known |= {machine_id}
        return machine

    async def places(self, machine_id: str) -> list[Place]:
        """Newest first."""
        return await self._db.read(lambda c: store.places(c, machine_id))

    async def at_seat(self, room: str, seat: str) -> Machine | None:
        def work(c: Connection) -> Machine | None:
            found = store.at_seat(c, room, seat)
            return None if found is None else store.machine(c, found)

        return await self._db.read(work)

    async def note_repair(self, machine_id: str, what: str, *, by: str, parts: str = "", works_again: bool = False) -> Repair:
        """`works_again` closes the machine's open fault reports and ends a "broken"."""
        if not 0 < len(what.strip()) <= 1000 or len(parts) > 1000:
            raise BadInput("fleet.repair-text", t("Say in a few words what was done."), field="what")
        now, mark = self._clock.now_ms(), trace(by, self._clock)

        def work(c: Connection) -> Repair:
            machine = store.machine(c, machine_id)
            if machine is None:
                raise no_machine()
            if works_again:
                store.close_faults_of(c, machine_id, now, by)
                if machine.condition is Condition.BROKEN:
                    store.set_condition(c, machine_id, Condition.WORKING)
            mark.note(c, "fleet.repair-noted", on=machine_id)
            return store.add_repair(c, machine_id, now, by, what.strip(), parts.strip(), works_again)

        repair = await self._db.write(work)
        self._bus.say("fleet")
        return repair

    async def repairs(self, machine_id: str) -> list[Repair]:
        """Newest first."""
        return await self._db.read(lambda c: store.repairs(c, machine_id))

    async def plan_maintenance(
        self,
        *,
        by: str,
        from_at: int,
        until_at: int,
        room: str | None = None,
        machine: str | None = None,
        why: str = "",
    ) -> Maintenance:
        """Hardware may change without a warning in this window."""
        if until_at <= from_at:
            raise BadInput("fleet.maintenance-ends", t("The work must end after it begins."), field="until")
        if (room is None) == (machine is None):
            raise BadInput("fleet.maintenance-where", t("Choose a room or a machine."), field="room")
        window = Maintenance(id=0, room=room, machine=machine, from_at=from_at, until_at=until_at, by=by, why=why)
        mark = trace(by, self._clock)

        def work(c: Connection) -> Maintenance:
            mark.note(c, "fleet.maintenance-planned", on=room or machine)
            return store.add_maintenance(c, window)

        kept = await self._db.write(work)
        self._bus.say("fleet")
        return kept

    async def maintenance(self, *, now: int) -> list[Maintenance]:
        """Windows that are open at `now` or still to come (pass an earlier moment for past ones)."""
        return await self._db.read(lambda c: store.maintenance(c, now))

    async def end_maintenance(self, window: int, *, by: str) -> None:
        now, mark = self._clock.now_ms(), trace(by, self._clock)

        def work(c: Connection) -> None:
            store.end_maintenance(c, window, now)
            mark.note(c, "fleet.maintenance-ended", on=str(window))

        await self._db.write(work)
        self._bus.say("fleet")

    async def _change(self, machine_id: str, change: Callable[[Connection], None], by: str, what: str) -> Machine:
        mark = trace(by, self._clock)

        def work(c: Connection) -> Machine:
            if store.machine(c, machine_id) is None:
                raise no_machine()
            change(c)
            mark.note(c, f"fleet.machine-{what}", on=machine_id)
            changed = store.machine(c, machine_id)
            assert changed is not None  # noqa: S101 - found three lines above, in this transaction
            return changed

        machine = await self._db.write(work)
        self._bus.say("fleet")
        return machine

    async def _must_have_seat(self, room: str | None, seat: str | None) -> None:
        if room is None:
            if seat is not None:
                raise _no_seat()
            return
        found = await self._rooms.get(room)
        if seat is not None and found.seat(seat) is None:
            raise _no_seat()


def new_id(kind: str) -> str:
    """An id for topics and certificates: lower-case, no letters that look alike, nothing of the room or the owner."""
    return f"{kind}-{''.join(secrets.choice(_LETTERS) for _ in range(10))}"


def is_minted(machine_id: str) -> bool:
    """Whether this form is only given by `new_id`: who speaks under it had a certificate of ours."""
    return _MINTED.fullmatch(machine_id) is not None


def no_machine() -> NotFound:
    return NotFound("fleet.no-machine", t("There is no such machine."), t("Choose one from the list of machines."))


def _no_seat() -> NotFound:
    return NotFound("fleet.no-seat", t("This room has no such seat."), t("Choose a seat of the room."))


def _bad_name() -> BadInput:
    return BadInput("fleet.machine-name", t("A machine needs a name of at most {n} letters.", n=100), field="name")


def _check(d: Declaration) -> None:
    if not 0 < len(d.name.strip()) <= 100:
        raise _bad_name()
    for field in ("maker", "model", "serial", "asset", "os", "note"):
        if len(getattr(d, field)) > 500:
            raise BadInput("fleet.too-long", t("This is too long."), field=field)
