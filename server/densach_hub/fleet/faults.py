"""Fault reports: "báo hỏng" by the QR label at each seat, and what became of them."""

from sqlite3 import Connection

from densach_core.accounts.audit import trace
from densach_core.clock import Clock
from densach_core.database import Database
from densach_core.errors import BadInput, NotFound, TooMany
from densach_core.live import Bus
from densach_core.text import t
from densach_hub.fleet import store_register as store
from densach_hub.fleet.model import FaultReport
from densach_hub.fleet.register import Register
from densach_hub.fleet.rooms import Rooms
from densach_hub.fleet.turnstile import Turnstile

MAX_TEXT = 300
MOST_OPEN_A_SEAT = 20


class Faults:
    """Anybody on the school's network may report; no name is kept unless a member of staff was signed in."""

    def __init__(self, school: Database, clock: Clock, bus: Bus, rooms: Rooms, register: Register) -> None:
        self._db = school
        self._clock = clock
        self._bus = bus
        self._rooms = rooms
        self._register = register
        self._turnstile = Turnstile(clock, "fleet.fault-often", most=5, within_ms=600_000)

    async def report(
        self,
        *,
        room: str,
        text: str,
        address: str,
        seat: str | None = None,
        machine: str | None = None,
        by: str | None = None,
    ) -> FaultReport:
        """At most 5 an address in ten minutes and 20 open ones a seat: raises TooMany. Text at most MAX_TEXT.

        The machine is the one that stands on the seat now, unless it is given.
        """
        found = await self._rooms.get(room)
        if seat is not None and found.seat(seat) is None:
            raise NotFound("fleet.no-seat", t("This room has no such seat."), t("Choose a seat of the room."))
        words = " ".join(text.split())
        if not words or len(words) > MAX_TEXT:
            raise BadInput("fleet.fault-text", t("Say in at most {n} letters what is wrong.", n=MAX_TEXT), field="text")
        self._turnstile.pass_through(address)
        if machine is None and seat is not None:
            there = await self._register.at_seat(room, seat)
            machine = there.id if there is not None else None
        now = self._clock.now_ms()

        def work(c: Connection) -> FaultReport:
            if store.open_fault_count(c, room, seat) >= MOST_OPEN_A_SEAT:
                raise TooMany("fleet.fault-known", t("This has been reported already."), t("The technician knows."))
            return store.add_fault(c, now, room, seat, machine, words, by)

        report = await self._db.write(work)
        self._bus.say("fleet")
        return report

    async def open_ones(self, *, room: str | None = None, machine: str | None = None) -> list[FaultReport]:
        """Newest first."""
        return await self._db.read(lambda c: store.open_faults(c, room=room, machine_id=machine))

    async def of_machine(self, machine: str) -> list[FaultReport]:
        """Open and closed, newest first."""
        return await self._db.read(lambda c: store.faults_of(c, machine))

    async def between(self, room: str, start: int, end: int) -> list[FaultReport]:
        """Reported in a room in a stretch of time, oldest first."""
        return await self._db.read(lambda c: store.faults_between(c, room, start, end))

    async def close(self, fault: int, *, by: str) -> FaultReport:
        """Raises NotFound. Closing twice changes nothing."""
        now, mark = self._clock.now_ms(), trace(by, self._clock)

        def work(c: Connection) -> FaultReport:
            if store.fault(c, fault) is None:
                raise NotFound("fleet.no-fault", t("There is no such report."))
            store.close_fault(c, fault, now, by)
            mark.note(c, "fleet.fault-closed", on=str(fault))
            closed = store.fault(c, fault)
            assert closed is not None  # noqa: S101 - found above, in this transaction
            return closed

        report = await self._db.write(work)
        self._bus.say("fleet")
        return report
