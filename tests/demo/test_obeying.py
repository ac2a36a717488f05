"""Simulated machines answer what they are asked, over a real broker: nobody is switched off at work, a neighbour is woken."""

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.demo.answering import AnsweringHub
from tests.demo.test_simulator import NOW, SCHOOL, line, turn_until
from tests.fixtures.mosquitto import Mosquitto

from densach_demo.simulator.life import RESTART_MS, Life
from densach_wire.messages import Command, InventoryRecord, Outcome, Result

AT_NIGHT = NOW + 13 * 3_600_000


@pytest.fixture
def hub(mosquitto: Mosquitto) -> Iterator[AnsweringHub]:
    with AnsweringHub(mosquitto.port, SCHOOL) as answering:
        yield answering


def alive(port: int, number: int, folder: Path, now: int) -> Life:
    """On, in its evening club or in nobody's hands."""
    life = Life(number, "r1", line(port, f"d{number}"), folder, seed="s", faults=frozenset(), now=now)
    life.step(now)
    return life


def ask(life: Life, hub: AnsweringHub, name: str, **args: str | bool) -> Result:
    """The last word on it."""
    device, request = f"d{life.machine.hardware.number}", f"{name}-{len(hub.results)}"
    turn_until(life.machine, lambda: device in hub.hellos)
    hub.ask(device, name, Command(id=request, expires=time.time() + 600, sent=time.time(), args=dict(args)))
    turn_until(life.machine, lambda: request in hub.results and hub.results[request].outcome is not Outcome.ACCEPTED)
    return hub.results[request]


def test_at_work_it_stays_on_and_shows_what_is_said(mosquitto: Mosquitto, hub: AnsweringHub, tmp_path: Path) -> None:
    life = alive(mosquitto.port, 3, tmp_path, AT_NIGHT)
    assert life.busy
    assert ask(life, hub, "message", text="Thầy chào các em").outcome is Outcome.DONE
    assert ask(life, hub, "shutdown").reason.startswith("busy")
    before = len(hub.records.get("d3", []))
    assert ask(life, hub, "refresh", sections="disk").outcome is Outcome.DONE
    turn_until(life.machine, lambda: life.machine.drained)
    assert [r.d.section for r in hub.records["d3"][before:] if isinstance(r, InventoryRecord)] == ["disk"]
    assert msgspec.json.decode(hub.hellos["d3"])["caps"][-1].startswith("cmd:")
    assert ask(life, hub, "shutdown", force=True).outcome is Outcome.DONE
    turn_until(life.machine, lambda: life.machine.drained)
    on = []
    for later in (5_000, 10_000):
        life.step(AT_NIGHT + later)
        on.append(life.running)
    assert on == [False, False]
    life.machine.outbox.close()


def test_it_comes_back_after_a_restart_and_wakes_its_neighbour(mosquitto: Mosquitto, hub: AnsweringHub, tmp_path: Path) -> None:
    life, asleep = alive(mosquitto.port, 3, tmp_path, AT_NIGHT), alive(mosquitto.port, 4, tmp_path / "b", AT_NIGHT)
    states = [asleep.running]
    life.call = lambda mac: asleep.be_called() if mac == asleep.machine.hardware.mac else None
    assert ask(life, hub, "wake", mac=asleep.machine.hardware.mac).outcome is Outcome.DONE
    asleep.step(AT_NIGHT + 5_000)
    assert (*states, asleep.running, asleep.busy) == (False, True, False)
    there = life.go_round()
    turn_until(life.machine, lambda: life.machine.drained)
    came = []
    for later in (5_000, RESTART_MS):
        life.step(AT_NIGHT + later)
        came.append((life.running, there()))
    assert came == [(False, False), (True, True)]
    turn_until(life.machine, lambda: life.machine.drained)
    for one in (life, asleep):
        one.leave()
        one.machine.outbox.close()
