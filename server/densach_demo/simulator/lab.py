"""The lab that is simulated: joins its machines to the hub and turns them until it is told to stop."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from densach_agent.link import Link
from densach_agent.pump import Pump
from densach_demo.simulator import faults as fault_list
from densach_demo.simulator.faults import Fault
from densach_demo.simulator.hardware import hardware
from densach_demo.simulator.joining import NotAdmittedError, ask, join, new_key, request_of
from densach_demo.simulator.life import Life
from densach_demo.simulator.plug import TELEMETRY_S, Plug

log = logging.getLogger(__name__)

STEP_S = 5.0
_TURN_S = 0.25


class RoomPlan(msgspec.Struct, frozen=True):
    """Machines of one room: numbers `first` to `last`, and the token that admits them (needed once)."""

    room: str
    token: str
    first: int
    last: int


class PlugPlan(msgspec.Struct, frozen=True):
    """Where equipment connects; the hub writes the password of its user `studio` at its first start."""

    host: str
    port: int
    password_file: str


class Plan(msgspec.Struct, frozen=True):
    """What the simulator is told, in plan.json of its folder."""

    hub: str
    rooms: tuple[RoomPlan, ...]
    seed: str = "densach"
    weeks: int = 4
    faults: tuple[Fault, ...] = fault_list.DEFAULT
    plug: PlugPlan | None = None

    @property
    def machines(self) -> int:
        return max((room.last for room in self.rooms), default=0)


def run_lab(folder: Path, plan: Plan, stopped: Callable[[], bool], said: Callable[[str], None]) -> None:
    """Until `stopped()`; `said` hears how far it is, one word and a number a line."""
    lives = _join_all(folder, plan, said)
    by_mac = {life.machine.hardware.mac: life for life in lives}

    def call(mac: str) -> None:
        if (life := by_mac.get(mac)) is not None:
            life.be_called()

    for life in lives:
        life.call = call
    pump = Pump()
    pumped: dict[Life, Link] = {}
    now = _now()
    for number, life in enumerate(lives, 1):
        if stopped():
            break
        life.remember(now, plan.weeks)
        life.step(_now())
        _follow(life, pump, pumped)
        _turn(pump, lives, 0.0)
        said(f"remembered {number}/{len(lives)}")
    plug = _plug_in(plan.plug)
    stepped = told_at = time.monotonic() - STEP_S
    told = False
    while not stopped():
        _turn(pump, lives, _TURN_S)
        if time.monotonic() - stepped >= STEP_S:
            stepped = time.monotonic()
            for life in lives:
                life.step(_now())
                _follow(life, pump, pumped)
        if plug is not None and time.monotonic() - told_at >= TELEMETRY_S:
            plug.tell(time.monotonic() - told_at)
            told_at = time.monotonic()
        if not told and all(life.machine.drained for life in lives):
            told = True
            said("drained")
    if plug is not None:
        plug.stop()
    for life in lives:
        life.leave()
        life.machine.outbox.close()


def _plug_in(plan: PlugPlan | None) -> Plug | None:
    """None where the broker has no place for equipment (the in-process one)."""
    if plan is None or not Path(plan.password_file).exists():
        return None
    plug = Plug(plan.host, plan.port, "studio", Path(plan.password_file).read_text("utf-8").strip())
    try:
        plug.start()
    except OSError as error:
        log.warning("the plug finds no broker: %s", error)
        return None
    return plug


def _join_all(folder: Path, plan: Plan, said: Callable[[str], None]) -> list[Life]:
    lives = []
    chosen = frozenset(plan.faults)
    for room in plan.rooms:
        for number in range(room.first, room.last + 1):
            place = folder / f"pc-{number:03}"
            line = join(plan.hub, room.token, hardware(number), place)
            hit = fault_list.faults_of(number, plan.machines, chosen)
            lives.append(Life(number, room.room, line, place, seed=plan.seed, faults=hit, now=_now()))
            if Fault.TWINS in hit:
                _ask_as_twin(plan, number, line.device, place)
            said(f"joined {len(lives)}/{plan.machines}")
    return lives


def _ask_as_twin(plan: Plan, number: int, device: str, place: Path) -> None:
    """Another board and other disks, but the same image: says itself whose id it found, and waits."""
    mark = place / "twin-asked"
    if mark.exists():
        return
    twin = hardware(number + 500)
    request = request_of(twin, new_key(place / "twin"), None, was=device)
    try:
        ask(plan.hub, msgspec.structs.replace(request, hostname=hardware(number).hostname))
    except NotAdmittedError as refused:
        log.warning("the twin was not even put on the list: %s", refused)
    mark.touch()


def _follow(life: Life, pump: Pump, pumped: dict[Life, Link]) -> None:
    """Keeps the pump's links those of the machines that run now."""
    link = life.machine.link if life.running else None
    known = pumped.get(life)
    if known is link:
        return
    if known is not None:
        pump.remove(known)
    if link is None:
        pumped.pop(life, None)
    else:
        pumped[life] = link
        pump.add(link)


def _turn(pump: Pump, lives: list[Life], seconds: float) -> None:
    pump.turn(seconds)
    for life in lives:
        if life.running:
            life.machine.turn()


def _now() -> int:
    return time.time_ns() // 1_000_000
