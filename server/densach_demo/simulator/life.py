"""A simulated machine's present: switched on and off by its habits, measuring itself like a real one."""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

from densach_agent.link import Line
from densach_core.clock import SCHOOL_TZ
from densach_demo.simulator import habits
from densach_demo.simulator.clock import MachineClock
from densach_demo.simulator.faults import CLOCK_ERROR_MS, Fault, damaged
from densach_demo.simulator.habits import MINUTE_MS, Powered
from densach_demo.simulator.hardware import hardware
from densach_demo.simulator.history import HEALTH_EVERY_MS, health, usage, write_history
from densach_demo.simulator.machine import SimulatedMachine
from densach_demo.simulator.obeying import desk_of
from densach_wire.messages import Event, Presence

USAGE_EVERY_MS = 5 * MINUTE_MS
FLOOD_A_STEP = 400
RESTART_MS = 15_000
_FIRST_USAGE_MS = 10_000
"""A machine found in use says so soon, not after the first five minutes."""


class Life:
    """One machine of the lab. `step` a few times a minute; `running` says whether its link should be pumped."""

    def __init__(
        self, number: int, room: str, line: Line, folder: Path, *, seed: str, faults: frozenset[Fault], now: int
    ) -> None:
        self._room = room
        self._seed = seed
        self._faults = faults
        self._begun = folder / "history-begun"
        self._clock = MachineClock("new", error_ms=CLOCK_ERROR_MS if Fault.CLOCK in faults else 0)
        always = damaged(hardware(number), faults & {Fault.FULL_DISK})  # a disk fills slowly; a module goes overnight
        self.machine = SimulatedMachine(always, line, self._clock)
        self._evening = habits.evening(seed, room, number, _day(now), now)
        self._powered: Powered | None = None
        self._usage_at = self._health_at = 0
        self._dead = False
        self.running = False
        self._now = now
        self._put_out = ""
        """The boot that was ended by a request."""
        self._called: Powered | None = None
        """Switched on by a request, from then on."""
        self.call: Callable[[str], None] = lambda _mac: None
        """How it wakes its neighbours; the lab knows them."""
        self.machine.desk = desk_of(self, self._true_now, self.machine.report)

    def remember(self, now: int, weeks: int) -> None:
        """Writes the past, once in the life of the demonstration's data."""
        if self._begun.exists():
            self.machine.become(damaged(self.machine.hardware, self._faults))
            return
        self._begun.touch()
        stop = 5 if Fault.SILENT in self._faults else 0
        machine = self.machine
        write_history(
            machine.outbox, self._clock, machine.hardware, seed=self._seed, room=self._room, until=_day(now), weeks=weeks,
            stop_days=stop,
        )  # fmt: skip
        before = machine.hardware
        machine.become(damaged(before, self._faults))
        self.machine.wake(f"{before.number:016x}", 60_000)
        self.running = True  # what is remembered has to be told, even by a machine that is off today

    def step(self, now: int) -> None:
        self._now = now
        powered = self._plan(now)
        if powered is not None and (self._powered is None or powered.boot != self._powered.boot):
            self._switch_on(powered, now)
        elif powered is None and self.machine.drained and self.running:
            self._switch_off()
        if self._powered is None:
            return
        if now - self._usage_at >= USAGE_EVERY_MS or now // habits.HOUR_MS != self._usage_at // habits.HOUR_MS:
            self._tell_usage(self._powered, now)
        if now - self._health_at >= HEALTH_EVERY_MS:
            self._health_at = now
            busy = habits.is_busy(self._powered, now)
            self.machine.outbox.add(health(self.machine.hardware, self._powered.on_at, now, busy=busy))
        if Fault.FLOOD in self._faults:
            self.machine.outbox.add(*(Event("program-crashed", {"n": n}) for n in range(FLOOD_A_STEP)))

    def leave(self) -> None:
        """The demonstration ends: the machine is switched off in good order."""
        if self.running:
            self.machine.goodbye(Presence.OFF)
            self.running = False

    # ---- what it is asked -----------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        return self._powered is not None and habits.is_busy(self._powered, self._now)

    def tell_again(self, sections: frozenset[str]) -> None:
        self.machine.tell_again(sections)

    def go_down(self) -> None:
        """At the next step; until its next lesson or until it is called."""
        self._put_out = "" if self._powered is None else self._powered.boot
        self._called = None

    def go_round(self) -> Callable[[], bool]:
        before = self._powered
        self.go_down()
        now = self._now
        off_at = now + habits.HOUR_MS if before is None else before.off_at
        sessions = () if before is None else before.sessions
        boot = f"{now:x}-{self.machine.hardware.number:x}"
        self._called = Powered(now + RESTART_MS, max(off_at, now + habits.HOUR_MS), boot, sessions)
        return lambda: self._powered is not None and self._powered.boot == boot

    def wake(self, mac: str) -> None:
        self.call(mac)

    def be_called(self) -> None:
        """A packet came for it; one that is on does not mind."""
        now = self._now
        if self._powered is None:
            self._called = Powered(now, now + 2 * habits.HOUR_MS, f"{now:x}-{self.machine.hardware.number:x}", ())

    def _true_now(self) -> int:
        return self._clock.now_ms() - self._clock.error_ms

    def _plan(self, now: int) -> Powered | None:
        if self._dead or Fault.SILENT in self._faults:
            return None
        if self._called is not None and self._called.on_at <= now < self._called.off_at:
            return self._called
        today = habits.day_of_machine(self._seed, self._room, self.machine.hardware.number, _day(now))
        found = next((powered for powered in today if powered.on_at <= now < powered.off_at), self._evening)
        return None if found is not None and found.boot == self._put_out else found

    def _switch_on(self, powered: Powered, now: int) -> None:
        self._powered = powered
        self._usage_at = now - USAGE_EVERY_MS + _FIRST_USAGE_MS
        self._health_at = now - HEALTH_EVERY_MS + MINUTE_MS
        if self.running:
            self.machine.goodbye(Presence.OFF)
        self.machine.wake(powered.boot, max(30_000, now - powered.on_at))
        self.machine.outbox.add(Event("boot"))
        self.running = True

    def _switch_off(self) -> None:
        self._powered = None
        if Fault.SILENT in self._faults:
            self._dead = True
            self.machine.link.reconnect()  # the line breaks without a word: the broker sends the last will
        else:
            self.machine.goodbye(Presence.OFF)
        self.running = False

    def _tell_usage(self, powered: Powered, now: int) -> None:
        """Slices end at the hour: what reaches over it is told in two."""
        since, self._usage_at = max(self._usage_at, powered.on_at), now
        front = self.machine.hardware.model.shows_front
        for session in powered.sessions:
            piece = habits.overlap(session, since, now)
            if piece is None:
                continue
            for start, stop in habits.slices(piece):
                self.machine.outbox.add(usage(piece, powered.on_at, start, stop, self._clock.error_ms, shows_front=front))


def _day(now: int) -> date:
    return datetime.fromtimestamp(now / 1000, SCHOOL_TZ).date()
