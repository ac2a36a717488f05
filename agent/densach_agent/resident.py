"""The resident process: one thread, one loop. It measures from the first second, joins when it may, and tells the hub
whenever there is one; SIGTERM makes it say goodbye."""

import contextlib
import logging
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

from densach_agent import __version__
from densach_agent.clock import Clock, SystemClock, moment
from densach_agent.collectors.operating_system import system_facts
from densach_agent.collectors.system import DMI
from densach_agent.correspondent import Correspondent, Hooks
from densach_agent.deeds import Deeds
from densach_agent.enrol_codes import ADMITTED, REFUSED
from densach_agent.identity import fingerprint
from densach_agent.junk import kept
from densach_agent.ledger import Ledger
from densach_agent.lock import FolderLock
from densach_agent.machine import Machine
from densach_agent.membership import Enrolled, Membership
from densach_agent.nap import Nap, marker
from densach_agent.outbox import Limits, Outbox
from densach_agent.pump import Pump
from densach_agent.requests import DONE, Deed, Desk, Pending, Upshot
from densach_agent.resident_status import Status, put
from densach_agent.settings import Settings
from densach_agent.watch import Watch
from densach_agent.words import adopt_language, say
from densach_wire.likeness import Verdict, decide
from densach_wire.messages import Command, Desired, Event, Factor, Hello, Presence, Result

log = logging.getLogger(__name__)

_LONGEST_TURN_MS = 10_000
_SHORT_TURN_MS = 500
_TELL_STATUS_MS = 60_000
_JOIN_EVERY_MS = 30_000
_JOIN_REFUSED_MS = 15 * 60_000


class Resident:
    """Everything with a lifetime is made in `run` and ended there."""

    def __init__(self, folder: Path, settings: Settings, machine: Machine, clock: Clock, chance: random.Random) -> None:
        self._member = Membership(folder)
        self._settings = settings
        self._machine = machine
        self._clock = clock
        self._chance = chance
        self._stop = False
        self._pump = Pump()
        self._line: Correspondent | None = None
        self._next_join = 0
        self._asking: subprocess.Popen[bytes] | None = None
        self._fingerprint: tuple[Factor, ...] = ()
        self._rejoin = False
        self._nap = Nap(marker())
        self._state = "starting"
        self._since = clock.now_ms()
        self._trouble: str | None = None
        self._surveying = False
        self._surveyed: int | None = None
        self._told_up = clock.up_ms()

    def stop(self) -> None:
        """May be called by a signal handler: the loop ends within a turn."""
        self._stop = True

    def suspend(self) -> None:
        """The machine is about to sleep (SIGUSR1, as `stop`)."""
        self._nap.told("sleep")

    def resume(self) -> None:
        """It is awake again (SIGUSR2)."""
        self._nap.told("wake")

    def run(self, wake: socket.socket | None = None) -> None:
        adopt_language(self._machine)
        self._fingerprint = fingerprint(self._machine)
        self._member.leave_if_copied(self._fingerprint)
        while not self._stop:
            self._rejoin = False
            self._live(wake)

    def _live(self, wake: socket.socket | None) -> None:
        """One life with one outbox; ends to stop or to begin anew under another identity."""
        outbox = self._open_outbox()
        watch = Watch(self._machine, self._clock, outbox, self._settings, self._nudge)
        watch.wish(self._member.desired())
        desk = self._desk(watch)
        if outbox.began_anew:
            outbox.add(Event("outbox-lost"))
        if outbox.previous_boot != self._clock.boot:
            outbox.add(Event("boot", {"agent": __version__}))
        if (was := self._member.was()) is not None:
            outbox.add(Event("twin-suspected", {"was": was}))
        try:
            while not self._stop and not self._rejoin:
                if self._line is None:
                    self._join(outbox, watch, desk)
                watch.turn()
                self._tell_status(outbox, watch)
                desk.tick()
                if self._line is not None and not self._nap.asleep:
                    self._line.tick()
                if self._pump.turn(self._seconds(watch, desk), wake) and wake is not None:
                    wake.recv(64)
                self._sleep_or_wake()
        finally:
            self._stop_asking()
            watch.stop()
            self._goodbye(outbox, desk)
            outbox.close()
        if self._rejoin:
            self._member.leave()
            self._next_join = 0

    def _seconds(self, watch: Watch, desk: Desk) -> float:
        longest = _LONGEST_TURN_MS if self._line is not None else 200 if self._asking is not None else 1_000
        if desk.busy or self._nap.asleep:
            longest = min(longest, _SHORT_TURN_MS)
        return min(longest, watch.next_ms()) / 1000

    def _open_outbox(self) -> Outbox:
        size = self._settings.outbox
        limits = Limits(
            max_bytes=size.max_mb * 1024 * 1024,
            max_age_ms=size.max_days * 86_400_000,
            keep_acked_ms=self._member.desired().keep_days * 86_400_000,
        )
        try:
            return Outbox(self._member.outbox, self._clock, limits)
        except (sqlite3.Error, OSError) as error:
            log.error("the outbox cannot be opened (%s): everything stays in memory until the next start", error)
            outbox = Outbox(None, self._clock, limits)
            outbox.trouble = str(error)
            return outbox

    # ---- identity -------------------------------------------------------------------------------------------------

    def _twin(self, outbox: Outbox) -> None:
        """Somebody else has our identity. If we are the copy we go; else we wait, and say so."""
        self._fingerprint = fingerprint(self._machine)
        enrolled = self._member.enrolled()
        if enrolled is not None and decide(enrolled.fingerprint, self._fingerprint).verdict is Verdict.CLONE:
            self._rejoin = True
            return
        log.warning("thrown out by another machine three times: waiting, somebody has to look")
        outbox.add(Event("takeover", {"times": 3}))

    # ---- joining --------------------------------------------------------------------------------------------------

    def _join(self, outbox: Outbox, watch: Watch, desk: Desk) -> None:
        """Asks now and then, in a process of its own that is never waited for: measuring goes on."""
        enrolled = self._member.enrolled() if self._asking is None else None
        if self._asking is not None:
            code = self._asking.poll()
            if code is not None:
                self._answered(self._asking, code)
                self._asking = None
                enrolled = self._member.enrolled()
        elif enrolled is None and self._clock.up_ms() >= self._next_join:
            self._ask_to_join()
        if enrolled is not None:
            watch.user_key = None if enrolled.user_key is None else bytes.fromhex(enrolled.user_key)
            self._line = self._open_line(enrolled, outbox, watch, desk)
            self._pump.add(self._line.link)

    def _ask_to_join(self) -> None:
        self._next_join = self._clock.up_ms() + _JOIN_EVERY_MS
        if not self._settings.hub:
            self._say(say("no hub is known: run `densach agent enrol --hub URL`"))
            return
        folder = str(Path(__file__).parent.parent)
        path = os.pathsep.join(filter(None, (folder, os.environ.get("PYTHONPATH"))))
        self._asking = subprocess.Popen(
            [sys.executable, "-m", "densach_agent.enrol", str(self._member.folder), str(self._machine.root)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path},
        )

    def _answered(self, asking: "subprocess.Popen[bytes]", code: int) -> None:
        said = ""
        if asking.stdout is not None:
            with asking.stdout as pipe:
                said = pipe.read(4096).decode("utf-8", "replace").strip()
        if code == REFUSED:
            self._next_join = self._clock.up_ms() + _JOIN_REFUSED_MS
            self._say(say("The hub refuses: {reason}", reason=said))
        elif code != ADMITTED:
            self._say(said or say("waiting to be admitted"))

    def _stop_asking(self) -> None:
        if self._asking is not None:
            self._asking.kill()
            self._asking.wait()
            if self._asking.stdout is not None:
                self._asking.stdout.close()
            self._asking = None

    def _open_line(self, enrolled: Enrolled, outbox: Outbox, watch: Watch, desk: Desk) -> Correspondent:
        hooks = Hooks(
            sections=watch.want,
            desired=lambda desired: self._wish(desired, watch),
            command=desk.receive,
            twin=lambda: self._twin(outbox),
            changed=self._say,
        )
        batch_ms = self._member.desired().batch_s * 1000
        return Correspondent(
            self._member.lines(enrolled),
            outbox,
            self._clock,
            lambda: self._hello(outbox, desk),
            hooks,
            self._chance,
            batch_ms=batch_ms,
        )

    def _hello(self, outbox: Outbox, desk: Desk) -> Hello:
        machine = self._machine
        return Hello(
            agent=f"densach-agent {__version__}",
            os=system_facts(machine),
            hostname=self._hostname(),
            boot=self._clock.boot,
            stream=outbox.stream,
            clock=moment(self._clock),
            fingerprint=self._fingerprint,
            caps=("inventory", "usage", "health", "event", *(f"cmd:{name}" for name in desk.names)),
            kept=outbox.kept(),
            simulated=self._settings.simulated,
            maker=kept(machine.open_text(f"{DMI}/sys_vendor")) or "",
            model=kept(machine.open_text(f"{DMI}/product_name")) or "",
        )

    # ---- what the hub says ----------------------------------------------------------------------------------------

    def _wish(self, desired: Desired, watch: Watch) -> None:
        if desired != self._member.desired():
            with contextlib.suppress(OSError):
                self._member.wish(desired)
        watch.wish(desired)
        if self._line is not None:
            self._line.batch_ms = desired.batch_s * 1000

    def _desk(self, watch: Watch) -> Desk:
        def refresh(command: Command) -> Upshot | Pending:
            watch.want(str(command.args.get("sections", "*")).split())
            return lambda: None if watch.surveying else DONE

        def reenrol(command: Command) -> Upshot | Pending:
            if command.args.get("boot") not in {None, self._clock.boot}:
                return Upshot("policy: meant for another machine with this id")
            self._rejoin = True
            return DONE

        def begun(request: str) -> None:
            desk.begun(request)

        more = Deeds(self._machine, self._clock, self._member.folder, watch.people, begun).all()
        deeds: dict[str, Deed] = {"refresh": refresh, "reenrol": reenrol, **more}
        desk = Desk(
            Ledger(self._member.folder),
            self._settings.policy,
            deeds,
            lambda: None if self._line is None else self._line.hub_now_ms,
            self._answer,
            boot=self._clock.boot,
        )
        return desk

    def _answer(self, name: str, result: Result) -> bool:
        return self._line is not None and self._line.answer(name, result)

    def _hostname(self) -> str:
        return self._machine.open_text("proc/sys/kernel/hostname") or socket.gethostname()

    # ---- saying how it goes ---------------------------------------------------------------------------------------

    def _nudge(self) -> None:
        if self._line is not None:
            self._line.nudge()

    def _say(self, state: str) -> None:
        if state == self._state:
            return
        self._state, self._since = state, self._clock.now_ms()
        log.info("%s", state)
        self._write_status()

    def _tell_status(self, outbox: Outbox, watch: Watch) -> None:
        """At once what a person would look for, the rest now and then."""
        before = (self._trouble, self._surveying)
        if self._surveying and not watch.surveying:
            self._surveyed = self._clock.now_ms()
        self._trouble, self._surveying = outbox.trouble, watch.surveying
        if before != (self._trouble, self._surveying) or self._clock.up_ms() - self._told_up >= _TELL_STATUS_MS:
            self._write_status()

    def _write_status(self) -> None:
        self._told_up = self._clock.up_ms()
        line = self._line
        hub_now = None if line is None else line.hub_now_ms
        now = self._clock.now_ms()
        status = Status(
            pid=os.getpid(), state=self._state, since_ms=self._since, at_ms=now, version=__version__, trouble=self._trouble,
            connected=line is not None and line.link.connected,
            hub_online=None if line is None else line.hub_online,
            next_try_ms=None if line is None or line.link.connected else now + line.link.next_try_in_ms,
            offset_ms=None if hub_now is None else hub_now - now,
            surveyed_ms=self._surveyed, surveying=self._surveying,
        )  # fmt: skip
        with contextlib.suppress(OSError):
            put(self._member.folder, status)

    def _sleep_or_wake(self) -> None:
        """Before a suspend the line is closed with the word `asleep`: left open, the broker would report it lost."""
        change = self._nap.turn()
        if change is None or self._line is None:
            self._nap.settled()
            return
        if change == "sleep":
            self._pump.remove(self._line.link)
            self._line.close(Presence.ASLEEP)
            self._say("asleep")
        else:
            self._pump.add(self._line.link)
            self._line.link.tick()  # at once, not after the next wait
        self._nap.settled()

    def _goodbye(self, outbox: Outbox, desk: Desk) -> None:
        off = self._stop and _shutting_down()
        desk.close(going_down=off)
        line, self._line = self._line, None
        if line is None:
            return
        if self._stop:
            outbox.add(Event("shutdown" if off else "stopped"))
            line.nudge()
            line.tick()
        if not self._nap.asleep:
            self._pump.remove(line.link)
        line.close(Presence.OFF if off else Presence.OFFLINE)


def _shutting_down() -> bool:
    """Whether it is the machine that stops, or only we."""
    try:
        done = subprocess.run(["systemctl", "is-system-running"], capture_output=True, check=False, timeout=2)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.stdout.strip() == b"stopping"


def run(folder: Path, settings: Settings, machine: Machine) -> None:
    """Until SIGTERM or SIGINT. Raises lock.Held, OSError."""
    resident = Resident(folder, settings, machine, SystemClock(), random.SystemRandom())
    near, far = socket.socketpair()
    with FolderLock(folder), near, far:
        far.setblocking(False)
        signal.set_wakeup_fd(far.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: resident.stop())
        signal.signal(signal.SIGUSR1, lambda *_: resident.suspend())
        signal.signal(signal.SIGUSR2, lambda *_: resident.resume())
        resident.run(near)
