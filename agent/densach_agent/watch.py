"""Measures, at the intervals the hub wishes, and puts what it found into the outbox. Knows nothing of the line."""

import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from msgspec.structs import replace

from densach_agent.clock import Clock, JumpWatch
from densach_agent.collectors import ALL
from densach_agent.facts import current
from densach_agent.health import HealthWatch
from densach_agent.machine import Machine
from densach_agent.outbox import Outbox
from densach_agent.sessions import Session, SessionWatch, user_digest
from densach_agent.settings import Settings
from densach_agent.slices import Sample, SliceCutter
from densach_agent.survey import Survey
from densach_wire.messages import Desired, Event, InventorySection, SectionStatus, UsageSlice

log = logging.getLogger(__name__)

_ASLEEP_MS = 90_000
"""Between two turns pass seconds; more than this, and the machine slept (seconds since boot count suspend)."""
_UNWATCHED_MS = 150_000
_FIRST_INVENTORY_MS = 2_000
_FACTS_MS = 60_000


class Watch:
    """`turn` does what is due; `next_ms` says until when nothing is."""

    def __init__(self, machine: Machine, clock: Clock, outbox: Outbox, settings: Settings, urgent: Callable[[], None]) -> None:
        self._machine = machine
        self._clock = clock
        self._outbox = outbox
        self._settings = settings
        self._urgent = urgent
        self._desired = Desired()
        self.user_key: bytes | None = None
        """Without the school's key users are not told apart at all."""
        self._jumps = JumpWatch(clock)
        self._health = HealthWatch(clock)
        self.people = SessionWatch(machine, clock, frozenset(settings.kiosk_users))
        """One for all who ask: it learns which desktops tell that nobody is there."""
        self._cutter = SliceCutter(_UNWATCHED_MS)
        self._survey: Survey | None = None
        self._forced: set[str] = set()
        now = clock.up_ms()
        self._turned_up = now
        self._due = {
            "usage": now,
            "health": now + 1_000,
            "health-record": now + 30_000,
            "inventory": now + _FIRST_INVENTORY_MS,
            "facts": now + _FACTS_MS,
        }
        self._facts_s = self._left_s()
        self._work = {
            "usage": self._sample_usage,
            "health": self._health.sample,
            "health-record": self._record_health,
            "inventory": self._begin_survey,
            "facts": self._look_for_facts,
        }

    def wish(self, desired: Desired) -> None:
        """New intervals count from now; a shorter one is not waited out by the longer one before."""
        self._desired = desired
        self._cutter.pause_ms = max(_UNWATCHED_MS, 2_500 * desired.usage_sample_s)
        now = self._clock.up_ms()
        for what, at in self._due.items():
            self._due[what] = min(at, now + self._every_ms(what))

    def want(self, sections: Iterable[str]) -> None:
        """These sections are sent whether they changed or not, now."""
        wanted = set(sections)
        self._forced |= set(ALL) if "*" in wanted else wanted & set(ALL)
        if self._forced:
            self._due["inventory"] = self._clock.up_ms()

    @property
    def surveying(self) -> bool:
        """An inventory is being taken, or is wanted now."""
        return self._survey is not None or bool(self._forced)

    def next_ms(self) -> int:
        """Milliseconds until something is due; soon while a survey runs."""
        if self._survey is not None:
            return 100
        return max(0, min(self._due.values()) - self._clock.up_ms())

    def turn(self) -> None:
        self._note_jump()
        self._collect()
        now = self._clock.up_ms()
        asleep_ms, self._turned_up = now - self._turned_up, now
        if asleep_ms > _ASLEEP_MS:
            self._outbox.add(Event("awake", {"asleep_ms": asleep_ms}))
        for what, at in list(self._due.items()):
            if at <= now and (what != "inventory" or self._survey is None):
                self._due[what] = now + self._every_ms(what)
                self._do(what)

    def _do(self, what: str) -> None:
        """Whatever one measurement stumbles over, the others go on."""
        try:
            self._work[what]()
        except Exception:
            log.exception("%s could not be measured", what)

    def stop(self) -> None:
        """The open slices and the health since the last record go into the outbox; a survey is given up."""
        if self._survey is not None:
            self._survey.stop()
            self._survey = None
        self._add_slices(self._cutter.finish(self._clock.up_ms()))
        if self._health.samples:
            self._record_health()

    # ---- inside ---------------------------------------------------------------------------------------------------

    def _every_ms(self, what: str) -> int:
        wish = self._desired
        seconds = {
            "usage": wish.usage_sample_s,
            "health": wish.health_sample_s,
            "health-record": wish.health_send_s,
            "inventory": wish.inventory_s,
            "facts": _FACTS_MS // 1000,
        }
        return seconds[what] * 1000

    def _off(self, what: str) -> bool:
        return what in self._settings.off or what in self._desired.off

    def _note_jump(self) -> None:
        by_ms = self._jumps.jumped_by_ms()
        if by_ms:
            log.warning("the clock was set by %d ms", by_ms)
            self._sample_usage()
            self._outbox.add(Event("clock-jump", {"by_ms": by_ms}))

    def _sample_usage(self) -> None:
        if self._off("usage"):
            return
        found = tuple(self.people.now())
        sample = Sample(self._clock.up_ms(), self._clock.now_ms(), self._clock.boot, found)
        self._add_slices(self._cutter.feed(sample))

    def _add_slices(self, closed: list[tuple[Session, UsageSlice]]) -> None:
        if closed:
            self._outbox.add(*(self._told(session, piece) for session, piece in closed))

    def _told(self, session: Session, piece: UsageSlice) -> UsageSlice:
        digest = None if self.user_key is None else user_digest(self.user_key, session.user)
        return replace(piece, user=digest, name=session.user[:128] if self._desired.names else None)

    def _record_health(self) -> None:
        if not self._off("health"):
            self._outbox.add(self._health.record())

    def _begin_survey(self) -> None:
        wanted = [name for name in ALL if not self._off(name)] if not self._off("inventory") else []
        if self._forced and self._outbox.digests():
            wanted = [name for name in wanted if name in self._forced]
        self._survey = Survey(wanted, root=self._machine.root, facts=self._facts())

    def _facts(self) -> Path | None:
        """What root left; it may have come after the agent."""
        machine = self._machine
        return machine.facts or (current(self._clock.boot) if machine.root == Path("/") else None)

    def _left_s(self) -> float:
        """When root left them, seconds since 1970."""
        facts = self._facts()
        try:
            return 0.0 if facts is None else (facts / "boot").stat().st_mtime
        except OSError:
            return 0.0

    def _look_for_facts(self) -> None:
        """Once a day, and some minutes after the start, root looks more closely: that is told now, not in four hours."""
        before, self._facts_s = self._facts_s, self._left_s()
        if self._facts_s not in (before, 0.0):
            self._due["inventory"] = self._clock.up_ms()

    def _collect(self) -> None:
        if self._survey is None:
            return
        known = self._outbox.digests()
        for section in self._survey.poll():
            sure = section.status in (SectionStatus.OK, SectionStatus.NO_DATA)
            stamp = section.digest if sure else f"{section.status}:{section.reason}"[:64]
            if section.section in self._forced or known.get(section.section) != stamp:
                self._send(section, stamp)
            self._forced.discard(section.section)
        if self._survey.done:
            self._survey = None
            self._urgent()

    def _send(self, section: InventorySection, stamp: str) -> None:
        self._outbox.add_section(section, section.section, stamp)
