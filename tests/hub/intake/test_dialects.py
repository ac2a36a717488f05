"""Recorded conversations of equipment, replayed through the production broker: each dialect brings at least one.

A line of `tests/fixtures/dialects/<tongue>/*.jsonl` is `{"after_s", "topic", "retain", "payload"}`.
"""

import asyncio
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest
from tests.fixtures.broker import ProductionBroker
from tests.fixtures.intake import HubIntake, hub_intake

from densach_core.clock import FixedClock
from densach_hub.intake.dialects.dialect import Dialect
from densach_hub.intake.dialects.known import known_dialects
from densach_wire.messages import Presence

RECORDED = Path(__file__).parents[2] / "fixtures" / "dialects"


class Line(msgspec.Struct):
    topic: str
    payload: str
    after_s: float = 0
    retain: bool = False


def conversation(name: str) -> list[Line]:
    return [msgspec.json.decode(line, type=Line) for line in (RECORDED / name).read_bytes().splitlines()]


async def replay(production: ProductionBroker, hub: HubIntake, clock: FixedClock, lines: Iterable[Line]) -> None:
    """Says each line with the equipment's own rights, and waits until the hub has heard it."""
    plug = await production.equipment()
    for line in lines:
        clock.advance(round(line.after_s * 1000))
        before = hub.intake.status().equipment
        await plug.publish(line.topic, line.payload.encode(), retain=line.retain)
        if line.topic.startswith("cmnd/"):
            continue  # to the plug, not from it
        for _ in range(200):
            if hub.intake.status().equipment > before:
                break
            await asyncio.sleep(0.01)
        else:
            pytest.fail(f"not heard: {line.topic}")


@pytest.mark.parametrize("dialect", known_dialects(), ids=lambda d: d.tongue)
def test_every_dialect_has_a_recorded_conversation(dialect: Dialect) -> None:
    assert list((RECORDED / dialect.tongue).glob("*.jsonl"))


async def test_a_tasmota_plug_appears_by_itself(production: ProductionBroker, tmp_path: Path) -> None:
    clock = FixedClock(1_795_500_000_000)
    async with hub_intake(tmp_path / "hub", production.broker.address, clock=clock) as hub:
        lines = conversation("tasmota/half-an-hour.jsonl")
        await replay(production, hub, clock, lines[:-1])
        [row] = await hub.fleet.equipment.rows()
        machine = row.machine
        assert (machine.name, machine.maker, machine.model) == ("Đèn studio", "Nous", "A1T")
        assert machine.firmware == "Tasmota 13.1.0.1"
        assert machine.tongue == "tasmota"
        assert (row.online, row.on, row.power_w) == (True, False, 0.0)
        assert row.today_on_ms == 31 * 60_000
        assert row.today_energy_wh == pytest.approx(93.0)
        await replay(production, hub, clock, lines[-1:])
        await asyncio.sleep(0.1)
        [row] = await hub.fleet.equipment.rows()
        assert row.online is False
        sight = await hub.fleet.equipment.sight(machine.id)
        assert sight.periods[0].state is Presence.OFFLINE
        assert sight.readings["voltage_v"] == 228
        assert not await hub.intake.quarantine()


async def test_what_a_plug_retained_is_understood_after_a_restart(production: ProductionBroker, tmp_path: Path) -> None:
    clock = FixedClock(1_795_500_000_000)
    async with hub_intake(tmp_path / "hub", production.broker.address, clock=clock) as hub:
        await replay(production, hub, clock, conversation("tasmota/half-an-hour.jsonl")[:4])
    async with hub_intake(tmp_path / "hub", production.broker.address, clock=clock) as hub:
        plug = await production.equipment("again")
        for _ in range(100):
            await plug.publish("stat/tasmota_17E7AE/POWER", b"ON")
            await asyncio.sleep(0.05)
            if [row.on for row in await hub.fleet.equipment.rows()] == [True]:
                break
        assert (await hub.fleet.equipment.rows())[0].on
        assert len(await hub.fleet.equipment.rows()) == 1


async def test_a_plug_that_floods_harms_nobody(production: ProductionBroker, tmp_path: Path) -> None:
    clock = FixedClock(1_795_500_000_000)
    async with hub_intake(tmp_path / "hub", production.broker.address, clock=clock) as hub:
        await replay(production, hub, clock, conversation("tasmota/half-an-hour.jsonl")[:4])
        plug = await production.equipment("flooding")
        for n in range(2000):
            plug.paho.publish("tele/tasmota_17E7AE/STATE", b'{"POWER":"%s"}' % (b"ON" if n % 2 else b"OFF"), 0)
        await plug.publish("tele/tasmota_17E7AE/STATE", b'{"POWER":"ON"}')
        heard = -1
        while heard != (heard := hub.intake.status().equipment) or hub.link.status().waiting:
            await asyncio.sleep(0.5)  # until nothing more comes
        assert (await hub.fleet.equipment.rows())[0].on


async def test_what_a_plug_says_wrong_is_kept_apart_with_its_reason(production: ProductionBroker, tmp_path: Path) -> None:
    async with hub_intake(tmp_path / "hub", production.broker.address) as hub:
        plug = await production.equipment()
        await plug.publish("tasmota/discovery/AABBCCDDEEFF/config", b'{"mac":"112233445566","t":"x"}')
        await plug.publish("tasmota/discovery/112233445566/config", b'{"mac":"112233445566","t":"{{ 7 * 7 }}"}')
        for _ in range(100):
            if await hub.intake.quarantine() and await hub.fleet.equipment.rows():
                break
            await asyncio.sleep(0.05)
        [kept] = await hub.intake.quarantine()
        assert kept.code == "tasmota.wrong-mac"
        [row] = await hub.fleet.equipment.rows()
        assert row.machine.name == "{{ 7 * 7 }}"  # words, never a template
