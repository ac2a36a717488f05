"""The simulator over a real broker: a past that arrives whole, faults that show, a goodbye that is heard."""

import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import msgspec
import pytest
from tests.demo.answering import AnsweringHub
from tests.fixtures.mosquitto import Mosquitto

from densach_agent.link import Line
from densach_agent.pump import Pump
from densach_demo.simulator.clock import MachineClock
from densach_demo.simulator.faults import Fault, damaged, faults_of, victim
from densach_demo.simulator.hardware import hardware
from densach_demo.simulator.history import write_history
from densach_demo.simulator.life import Life
from densach_demo.simulator.machine import SimulatedMachine
from densach_wire.messages import HealthRecord, Hello, InventoryRecord, UsageRecord

SCHOOL = "s1"
NOW = 1_789_200_000_000  # 2026-09-12 08:40 in Vietnam, a Saturday


@pytest.fixture
def hub(mosquitto: Mosquitto) -> Iterator[AnsweringHub]:
    with AnsweringHub(mosquitto.port, SCHOOL) as answering:
        yield answering


def line(port: int, device: str) -> Line:
    return Line("127.0.0.1", port, SCHOOL, device)


def turn_until(machine: SimulatedMachine, done: Callable[[], bool], seconds: float = 40) -> None:
    pump = Pump([machine.link])
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until, "not in time"
        pump.turn(0.05)
        machine.turn()


def test_weeks_of_the_past_arrive_whole_and_in_order(mosquitto: Mosquitto, hub: AnsweringHub) -> None:
    clock = MachineClock("first")
    machine = SimulatedMachine(hardware(3), line(mosquitto.port, "d3"), clock)
    written = write_history(machine.outbox, clock, machine.hardware, seed="s", room="r1", until=date(2026, 9, 12), weeks=2)
    assert written > 150
    clock.run("now")
    turn_until(machine, lambda: machine.drained)
    records = hub.records["d3"]
    assert [record.seq for record in records] == list(range(1, written + 1))
    walls = [record.wall or 0 for record in records]
    assert walls == sorted(walls)
    assert sum(isinstance(record, UsageRecord) for record in records) > 20
    assert sum(isinstance(record, HealthRecord) for record in records) > 100
    assert msgspec.json.decode(hub.hellos["d3"], type=Hello).simulated
    machine.link.close()
    machine.outbox.close()


def test_a_stolen_module_shows_as_a_section_without_it(mosquitto: Mosquitto, hub: AnsweringHub) -> None:
    machine = SimulatedMachine(hardware(2), line(mosquitto.port, "d2"), MachineClock("b"))
    machine.become(damaged(machine.hardware, frozenset({Fault.STOLEN_MEMORY})))
    turn_until(machine, lambda: hub.upto("d2") == 1)
    record = hub.records["d2"][0]
    assert isinstance(record, InventoryRecord)
    assert [item.key for item in record.d.items] == ["DIMM 0", "total"]
    machine.link.close()
    machine.outbox.close()


def test_a_life_switches_on_tells_and_says_goodbye(mosquitto: Mosquitto, hub: AnsweringHub, tmp_path: Path) -> None:
    life = Life(3, "r1", line(mosquitto.port, "d3"), tmp_path, seed="s", faults=frozenset(), now=NOW)
    life.remember(NOW, 1)
    life.step(NOW)
    assert life.running
    turn_until(life.machine, lambda: life.machine.drained)
    before = hub.upto("d3")
    life.step(NOW + 20 * 60_000)
    turn_until(life.machine, lambda: life.machine.drained)
    assert hub.upto("d3") > before
    life.leave()
    deadline = time.monotonic() + 15
    while hub.presences.get("d3") != "off" and time.monotonic() < deadline:
        time.sleep(0.02)
    assert hub.presences["d3"] == "off"
    life.machine.outbox.close()


def test_the_past_is_written_once(mosquitto: Mosquitto, tmp_path: Path) -> None:
    for pending in (True, False):
        life = Life(3, "r1", line(mosquitto.port, "d3"), tmp_path, seed="s", faults=frozenset(), now=NOW)
        life.remember(NOW, 1)
        assert (life.machine.outbox.pending > 0) is pending
        life.machine.outbox.close()


def test_every_fault_hits_exactly_one_machine() -> None:
    for fault in Fault:
        hit = [n for n in range(1, 31) if fault in faults_of(n, 30, frozenset(Fault))]
        assert hit == [victim(fault, 30)]


def test_a_small_lab_has_its_faults_too() -> None:
    assert all(1 <= victim(fault, 3) <= 3 for fault in Fault)


def test_no_two_machines_share_a_factor() -> None:
    seen = [factor.digest for n in range(1, 40) for factor in hardware(n).factors()]
    assert len(seen) == len(set(seen))
