"""The whole system on one machine: makes a school the first time, starts every part, and ends them all."""

import shutil
import signal
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import msgspec

from densach_demo import notes
from densach_demo.children import Child, densach, end_all, python
from densach_demo.notes import Notes, Ports, read_notes, write_notes
from densach_demo.readiness import NotReadyError, wait_ready
from densach_demo.seating import place_equipment, seat_machines
from densach_demo.simulator.faults import Fault
from densach_demo.simulator.lab import Plan

_MAKING_S = 300.0
_READY_S = 60.0
_RESTARTS = 3
_PLUG_FIRST_S = 15.0
_PLUG_S = 300.0
"""How long the simulated plug is waited for: before the addresses are shown the first time, and beside the running parts."""


HELD_BACK = '[policy]\nrefuse = ["shutdown", "restart"]\n'


class DemoError(Exception):
    """It cannot go on; the message says why and what to do."""


def hold_back(agent: Path) -> None:
    """Writes into the demonstration's agent.toml that its one real agent switches nothing off and restarts nothing: it
    runs on the computer of whoever tries the product. A policy that stands there already is that person's and stays.

    Raises DemoError for a file that cannot be read as TOML.
    """
    path = agent / "agent.toml"
    text = path.read_text("utf-8") if path.exists() else ""
    try:
        settings = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DemoError(f"{path}: {error}") from error
    if "policy" in settings:
        return
    agent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(".agent.toml.new")
    fresh.write_text(text + ("\n" if text and not text.endswith("\n") else "") + HELD_BACK, "utf-8")
    fresh.replace(path)


class Demo:
    """`run` until SIGINT or SIGTERM. `say` is told the progress, `ready` the addresses."""

    def __init__(self, folder: Path, say: Callable[[str, str], None], ready: Callable[[Notes], None]) -> None:
        self._folder = folder
        self._say = say
        self._ready = ready
        self._stopping = False
        logs = folder / notes.LOGS
        logs.mkdir(parents=True, exist_ok=True)
        hub, office = folder / notes.HUB, folder / notes.OFFICE
        self._office = Child("office", densach("office", "run", "--data", str(office)), logs / "office.log")
        self._hub = Child("hub", densach("hub", "run", "--data", str(hub)), logs / "hub.log")
        agent_data = str(folder / notes.AGENT)
        self._agent = Child("agent", densach("agent", "run", "--data", agent_data), logs / "agent.log")
        simulated = folder / notes.SIMULATED
        self._simulator = Child("simulator", python("densach_demo.simulator", str(simulated)), logs / "simulator.log")

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        self._stopping = True

    def run(self, ports: Ports, machines: int, faults: tuple[Fault, ...] | None) -> None:
        """Raises DemoError. Whatever happens, no process is left."""
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, self.stop)
        try:
            known = self._make(ports, machines, faults)
            self._start(known)
            self._ready(known)
            self._watch(known)
        except _StoppedError:
            pass
        finally:
            end_all([[self._simulator, self._agent], [self._hub], [self._office]])

    # ---- the first time -------------------------------------------------------------------------------------------

    def _make(self, ports: Ports, machines: int, faults: tuple[Fault, ...] | None) -> Notes:
        known = read_notes(self._folder)
        if known is not None and known.made:
            self._choose(faults)
            return known
        if known is not None:
            self._say("Lần dựng trước bị ngắt, dựng lại", "the last start was interrupted, starting over")
            self._clear()
        known = Notes(ports=ports, machines=machines)
        write_notes(self._folder, known)
        self._say("Dựng trường dùng thử", "making the school; this takes about a minute")
        self._make_step("office")
        self._start_office(known)
        self._make_step("school")
        known = self._notes()
        self._start_hub(known)
        self._say("Ghi danh máy này", "this machine joins")
        self._enrol(known)
        self._choose(faults)
        self._simulate_first(known)
        seat_machines(known.ports.hub_url, known.token)
        self._wait_for_plug(known)
        known = msgspec.structs.replace(known, made=True)
        write_notes(self._folder, known)
        return known

    def _clear(self) -> None:
        for part in (notes.HUB, notes.OFFICE, notes.AGENT, notes.SIMULATED, "shelf"):
            shutil.rmtree(self._folder / part, ignore_errors=True)

    def _make_step(self, step: str) -> None:
        log = self._folder / notes.LOGS / f"making-{step}.log"
        log.unlink(missing_ok=True)
        child = Child(f"making {step}", python("densach_demo.making", step, str(self._folder)), log)
        child.start()
        self._follow(child, log, _MAKING_S)

    def _follow(self, child: Child, log: Path, seconds: float) -> None:
        """Waits for a child that ends, passing on what it prints."""
        told = 0
        until = time.monotonic() + seconds
        try:
            while True:
                self._must_go_on()
                code = child.ended
                lines = log.read_text("utf-8", "replace").splitlines()
                for line in lines[told:]:
                    if line.endswith(")") and " (" in line:
                        vietnamese, _, english = line.removesuffix(")").partition(" (")
                        self._say(vietnamese, english)
                told = len(lines)
                if code is not None:
                    break
                if time.monotonic() > until:
                    raise DemoError(f"{child.name} took too long; see {log}")
                time.sleep(0.05)
        finally:
            child.end(2)
        if code:
            raise DemoError(f"{child.name} failed:\n{child.last_words()}")

    def _enrol(self, known: Notes) -> None:
        token = (self._folder / "agent-token").read_text("ascii")
        command = densach("agent", "enrol", "--hub", known.ports.hub_url, "--token-file", "-")
        command += ["--data", str(self._folder / notes.AGENT)]
        child = Child("agent enrol", command, self._folder / notes.LOGS / "enrol.log", given=token)
        child.start()
        self._follow(child, child.log, 60)

    def _simulate_first(self, known: Notes) -> None:
        """Waits until every simulated machine has joined and told its past."""
        self._say(f"{known.machines} máy mô phỏng kể lại bốn tuần", f"{known.machines} simulated machines tell their four weeks")
        self._simulator.start()
        until = time.monotonic() + _MAKING_S
        while time.monotonic() < until:
            self._must_go_on()
            if self._simulator.ended is not None:
                raise DemoError(f"the simulator failed:\n{self._simulator.last_words()}")
            if "drained" in self._simulator.last_words(3):
                return
            time.sleep(0.2)

    def _choose(self, faults: tuple[Fault, ...] | None) -> None:
        if faults is None:
            return
        path = self._folder / notes.SIMULATED / "plan.json"
        plan = msgspec.structs.replace(msgspec.json.decode(path.read_bytes(), type=Plan), faults=faults)
        path.write_bytes(msgspec.json.encode(plan))

    # ---- every time -----------------------------------------------------------------------------------------------

    def _start(self, known: Notes) -> None:
        self._start_office(known, wait=False)
        self._start_hub(known)
        self._wait(self._office, known.ports.office_url)
        hold_back(self._folder / notes.AGENT)
        for child in (self._agent, self._simulator):
            if child.starts == 0:
                child.start()

    def _start_office(self, known: Notes, *, wait: bool = True) -> None:
        if self._office.starts == 0:
            self._office.start()
        if wait:
            self._wait(self._office, known.ports.office_url)

    def _start_hub(self, known: Notes) -> None:
        if self._hub.starts == 0:
            self._say("Khởi động máy chủ trường", "starting the hub")
            self._hub.start()
        self._wait(self._hub, known.ports.hub_url)

    def _wait(self, child: Child, url: str) -> None:
        try:
            wait_ready(url, seconds=_READY_S, gone=lambda: self._stopping or child.ended is not None)
        except NotReadyError as problem:
            self._must_go_on()
            raise DemoError(f"{child.name}: {problem}\n{child.last_words()}") from problem

    def _wait_for_plug(self, known: Notes) -> None:
        """Until the hub has heard the plug and it stands in the studio. Where there is none, the wait ends by itself."""
        plan = msgspec.json.decode((self._folder / notes.SIMULATED / "plan.json").read_bytes(), type=Plan)
        if plan.plug is None or not Path(plan.plug.password_file).exists():
            return
        until = time.monotonic() + _PLUG_FIRST_S
        while not self._placed(known) and time.monotonic() < until:
            self._must_go_on()
            time.sleep(0.3)

    def _placed(self, known: Notes) -> bool:
        try:
            return place_equipment(known.ports.hub_url, known.token)
        except OSError:
            return False  # the hub is busy; whether it lives is watched elsewhere

    def _watch(self, known: Notes) -> None:
        """Hub and office must live; agent and simulator are started again a few times. A plug that is heard only now,
        or was never put anywhere, goes into the studio."""
        looked_at, until, placed = 0.0, time.monotonic() + _PLUG_S, False
        while not self._stopping:
            now = time.monotonic()
            if not placed and now < until and now - looked_at >= 3:
                looked_at, placed = now, self._placed(known)
            for child in (self._hub, self._office):
                if child.ended is not None:
                    raise DemoError(f"{child.name} ended by itself (exit code {child.ended}):\n{child.last_words()}")
            for child in (self._agent, self._simulator):
                if child.ended is not None and child.starts <= _RESTARTS:
                    self._say(f"{child.name} dừng, khởi động lại", f"{child.name} ended (see {child.log}), starting it again")
                    child.start()
            time.sleep(0.5)

    def _must_go_on(self) -> None:
        if self._stopping:
            raise _StoppedError

    def _notes(self) -> Notes:
        found = read_notes(self._folder)
        if found is None:
            raise DemoError(f"{self._folder}/demo.json cannot be read")
        return found


class _StoppedError(Exception):
    """Ctrl-C while it was still starting."""
