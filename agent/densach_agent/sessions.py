"""Who sits at the machine: logind's files, else utmp. No window title, file name, address or key is ever read."""

import hashlib
import hmac
import re

import msgspec

from densach_agent import session_processes
from densach_agent.applications import CLASSES, TELLING, Applications, read
from densach_agent.clock import Clock
from densach_agent.login_bus import BusError, LoginBus
from densach_agent.machine import Denied, Machine
from densach_agent.session_processes import Process
from densach_wire.messages import SessionKind

EXAM_FLAG = "etc/densach/exam"
"""While this file is there, whoever sits at the machine sits an exam. A playbook puts and removes it; it survives a restart,
as an exam must."""

_SESSIONS = "run/systemd/sessions"
_PEOPLE = frozenset({"user", "user-early", "user-light", "user-early-light", "user-incomplete"})
_DESKTOPS = frozenset({"x11", "wayland", "mir"})
_REMOTE_SERVICES = ("sshd", "xrdp", "tigervnc", "vnc", "x2go", "nx", "gnome-remote-desktop")
_KIOSKS = frozenset({"cage", "ubuntu-frame", "weston-kiosk"})
_SAY_IDLE = ("gnome", "ubuntu", "unity", "budgie", "pop", "zorin")
"""Desktops that tell logind when nobody is there; others are believed from the first time they did."""
_AWAY_MS = 5 * 60_000
_STALE_MS = 75_000
"""The helper says something new every 30 seconds."""
_BUS_AGAIN_MS = 10 * 60_000
_HELPER = re.compile(r"^@(browser|office|coding|media|learning|game|system|other|-)\.(\d{1,2}|\?)\.\d{1,2}$")
_LINE = re.compile(r"^([A-Z_]+)=(.*)$", re.MULTILINE)


class Session(msgspec.Struct, frozen=True):
    """One person's presence at the machine."""

    id: str
    user: str
    kind: SessionKind
    idle: bool | None = None
    """None: nothing says whether somebody is there."""
    apps: tuple[str, ...] = ()
    """Classes of application: the one in front, or all that run."""
    apps_how: str = ""
    """foreground | running | "" where neither is known"""


class _Word(msgspec.Struct, frozen=True):
    """What the helper in a session says (session/densach-session)."""

    label: str | None
    idle_min: int | None


class SessionWatch:
    """Looks when asked; remembers what each session's helper said last, and which desktops tell that nobody is there."""

    def __init__(self, machine: Machine, clock: Clock, kiosk_users: frozenset[str] = frozenset()) -> None:
        self._machine = machine
        self._clock = clock
        self._kiosk_users = kiosk_users
        self._applications: Applications | None = None
        self._told: dict[str, tuple[str, int]] = {}
        self._says_idle: set[str] = set()
        self._bus_not_before = 0

    def now(self) -> list[Session]:
        """The interactive sessions; greeters, services and users without a session are none."""
        machine = self._machine
        if not machine.exists(_SESSIONS):
            return self._from_utmp() if str(machine.root) == "/" else []
        names = [name for name in machine.names(_SESSIONS) if not name.endswith(".ref")]  # those are pipes: never open one
        present = {name: facts for name in names if _interactive(facts := self._facts(name))}
        self._told = {name: word for name, word in self._told.items() if name in present}
        self._says_idle &= present.keys()
        words, programs = {}, {}
        for name, facts in present.items():
            programs[name] = self._programs(facts)
            words[name] = self._helper(name, facts, programs[name])
        hints = self._hints([n for n, facts in present.items() if _asks_logind(facts, words[n])])
        return [self._session(n, facts, words[n], programs[n], hints.get(n)) for n, facts in present.items()]

    # ---- inside ---------------------------------------------------------------------------------------------------

    def _session(
        self, name: str, facts: dict[str, str], word: _Word | None, programs: list[Process], hint: bool | None
    ) -> Session:
        user = facts["USER"]
        idle = self._idle(name, facts, word, hint)
        if word is not None and word.label is not None:
            return Session(name, user, self._kind(user, facts), idle, (word.label,), "foreground")
        running = self._running(programs)
        return Session(name, user, self._kind(user, facts), idle, running, "running" if running else "")

    def _facts(self, name: str) -> dict[str, str]:
        try:
            return dict(_LINE.findall(self._machine.whole(f"{_SESSIONS}/{name}", 65536) or ""))
        except Denied:
            return {}

    def _kind(self, user: str, facts: dict[str, str]) -> SessionKind:
        if _remote(facts):
            return SessionKind.REMOTE
        try:
            if self._machine.exists(EXAM_FLAG):
                return SessionKind.EXAM
        except OSError:  # a folder we may not enter
            pass
        desktop = facts.get("DESKTOP", "").casefold()
        return SessionKind.KIOSK if user in self._kiosk_users or desktop in _KIOSKS or "kiosk" in desktop else SessionKind.LOCAL

    def _idle(self, name: str, facts: dict[str, str], word: _Word | None, hint: bool | None) -> bool | None:
        if facts.get("ACTIVE") == "0":
            return True  # somebody else's screen is in front
        if word is not None and word.idle_min is not None:
            return word.idle_min >= _AWAY_MS // 60_000
        if facts.get("TYPE") in _DESKTOPS:
            if hint:
                self._says_idle.add(name)
            sure = name in self._says_idle or facts.get("DESKTOP", "").casefold().startswith(_SAY_IDLE)
            return hint if sure else None
        return self._terminal_idle(facts.get("TTY", ""))

    def _terminal_idle(self, tty: str) -> bool | None:
        """By the time of the last key at a terminal; the kernel keeps it to eight seconds, and tells no keys."""
        if not re.match(r"^(tty|pts/)\d+$", tty):
            return None
        try:
            last_ms = (self._machine.root / "dev" / tty).stat().st_atime_ns // 1_000_000
        except OSError:
            return None
        ago_ms = self._clock.now_ms() - last_ms
        return None if ago_ms < 0 else ago_ms >= _AWAY_MS

    def _programs(self, facts: dict[str, str]) -> list[Process]:
        uid = facts.get("UID", "")
        if not (uid.isascii() and uid.isdecimal()) or facts.get("ACTIVE") == "0":
            return []
        desktop = facts.get("TYPE") in _DESKTOPS
        return session_processes.processes(self._machine, int(uid), facts.get("SCOPE", ""), desktop=desktop)

    def _helper(self, name: str, facts: dict[str, str], programs: list[Process]) -> _Word | None:
        """What the session's own helper says, if it is that user's and still says new things. A pupil who forges it
        forges a class of their own program, nothing else."""
        for process in programs:
            found = _HELPER.match(process.name)
            if found is None or session_processes.owner(self._machine, process.pid) != int(facts["UID"]):
                continue
            now = self._clock.up_ms()
            said, since = self._told.get(name, ("", now))
            self._told[name] = (process.name, since if said == process.name else now)
            if now - self._told[name][1] > _STALE_MS:
                return None
            label = {"-": None, "learning": "e-learning"}.get(found[1], found[1])
            return _Word(label, None if found[2] == "?" else int(found[2]))
        return None

    def _running(self, programs: list[Process]) -> tuple[str, ...]:
        if programs and self._applications is None:
            self._applications = read(self._machine)
        if self._applications is None:
            return ()
        found = {self._applications.of(name) for name in {process.name for process in programs}}
        return tuple(label for label in CLASSES if label in found & TELLING)

    def _hints(self, names: list[str]) -> dict[str, bool]:
        """logind's IdleHint of these; nothing where the bus does not answer, which is not asked again for a while."""
        found: dict[str, bool] = {}
        now = self._clock.up_ms()
        if not names or now < self._bus_not_before:
            return found
        try:
            with LoginBus(self._machine.root) as bus:
                for name in names:
                    found[name] = bus.idle(name)
        except BusError:
            self._bus_not_before = now + _BUS_AGAIN_MS
        return found

    def _from_utmp(self) -> list[Session]:
        import psutil  # type: ignore[import-untyped,unused-ignore]

        found = []
        for user in psutil.users():
            remote = bool(user.host) and not user.host.startswith(":")
            kind = self._kind(user.name, {"REMOTE": "1"} if remote else {})
            idle = self._terminal_idle(user.terminal or "")
            found.append(Session(f"{user.terminal or 'tty'}-{int(user.started)}", user.name, kind, idle))
        return found


def _interactive(facts: dict[str, str]) -> bool:
    return bool(facts.get("USER")) and facts.get("STATE") != "closing" and facts.get("CLASS", "user") in _PEOPLE


def _remote(facts: dict[str, str]) -> bool:
    """By the network (ssh), or a desktop that is drawn on no screen of this machine (xrdp, VNC)."""
    if facts.get("REMOTE") == "1" or facts.get("SERVICE", "").startswith(_REMOTE_SERVICES):
        return True
    return facts.get("TYPE") in _DESKTOPS and "SEAT" not in facts and "VTNR" not in facts


def _asks_logind(facts: dict[str, str], word: _Word | None) -> bool:
    told = word is not None and word.idle_min is not None
    return facts.get("TYPE") in _DESKTOPS and facts.get("ACTIVE") != "0" and not told


def user_digest(key: bytes, user: str) -> str:
    """32 hex digits; without the school's key nobody can try names."""
    return hmac.new(key, user.strip().casefold().encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:32]
