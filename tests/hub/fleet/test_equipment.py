"""Studio equipment: appears by itself, counts on-time and energy, is never guessed."""

from tests.hub.fleet.conftest import DAY, HOUR, MINUTE, Lab

from densach_hub.fleet.equipment import equipment_id
from densach_hub.fleet.model import Kind
from densach_hub.fleet.telling import EquipmentReading, EquipmentSeen

PLUG = EquipmentSeen(tongue="tasmota", key="48551917E7AE", name="Ổ cắm máy chiếu", maker="Nous", model="A1T", firmware="13.1.0")


async def _read(lab: Lab, *, on: bool | None = None, power: float | None = None, energy: float | None = None) -> bool:
    at, more = lab.clock.now_ms(), {"voltage_v": 228.0}
    reading = EquipmentReading(key=PLUG.key, tongue="tasmota", at=at, on=on, power_w=power, energy_wh=energy, metrics=more)
    return await lab.fleet.equipment.reading(reading)


async def test_it_appears_with_maker_model_and_firmware_and_is_brought_up_to_date(lab: Lab) -> None:
    machine = await lab.fleet.equipment.seen(PLUG, at=lab.clock.now_ms())
    assert (machine.id, machine.kind, machine.tongue) == ("tasmota-48551917e7ae", Kind.EQUIPMENT, "tasmota")
    newer = EquipmentSeen(tongue="tasmota", key="48551917E7AE", name="x", model="A1T", firmware="14.0.0")
    again = await lab.fleet.equipment.seen(newer, at=lab.clock.now_ms())
    assert (again.id, again.maker, again.firmware) == (machine.id, "Nous", "14.0.0")
    assert len(await lab.fleet.equipment.rows()) == 1
    assert await lab.fleet.register.machines() == []


async def test_what_never_introduced_itself_is_not_kept(lab: Lab) -> None:
    assert not await _read(lab, on=True)
    await lab.fleet.equipment.presence("tasmota", PLUG.key, True, at=lab.clock.now_ms())
    assert await lab.fleet.equipment.rows() == []


async def test_on_time_and_energy_of_the_day(lab: Lab) -> None:
    machine = await lab.fleet.equipment.seen(PLUG, at=lab.clock.now_ms())
    unknown = (await lab.fleet.equipment.rows())[0]
    assert (unknown.on, unknown.online, unknown.power_w, unknown.today_on_ms, unknown.today_energy_wh) == (None,) * 5
    await _read(lab, on=True, power=60.0, energy=1000.0)
    for n in range(6):
        lab.clock.advance(5 * MINUTE)
        await _read(lab, on=n < 5, power=60.0, energy=1005.0 + n * 5)
    row = (await lab.fleet.equipment.rows())[0]
    assert (row.online, row.on, row.today_on_ms, row.today_energy_wh) == (True, False, 30 * MINUTE, 30.0)
    lab.clock.advance(HOUR)
    await _read(lab, power=0.0, energy=2.0)
    sight = await lab.fleet.equipment.sight(machine.id)
    assert [(d.on_ms, d.energy_wh) for d in sight.days] == [(30 * MINUTE, 32.0)]
    assert sight.readings == {"voltage_v": 228.0, "power_w": 0.0}
    assert sight.power[0].high == 60.0


async def test_a_pause_counts_only_a_quarter_of_an_hour_and_the_last_will_ends_it(lab: Lab) -> None:
    machine = await lab.fleet.equipment.seen(PLUG, at=lab.clock.now_ms())
    await _read(lab, on=True)
    lab.clock.advance(5 * HOUR)
    await _read(lab, on=True)
    lab.clock.advance(2 * MINUTE)
    await lab.fleet.equipment.presence("tasmota", PLUG.key, False, at=lab.clock.now_ms())
    lab.clock.advance(HOUR)
    await lab.fleet.equipment.presence("tasmota", PLUG.key, True, at=lab.clock.now_ms())
    sight = await lab.fleet.equipment.sight(machine.id)
    assert [d.on_ms for d in sight.days] == [17 * MINUTE]
    assert (sight.row.online, sight.row.on) == (True, None)
    assert len(sight.periods) == 2


async def test_a_retained_reading_is_of_whenever(lab: Lab) -> None:
    await lab.fleet.equipment.seen(PLUG, at=lab.clock.now_ms())
    reading = EquipmentReading(key=PLUG.key, tongue="tasmota", at=lab.clock.now_ms(), on=True, power_w=5.0)
    assert await lab.fleet.equipment.reading(reading, retained=True)
    row = (await lab.fleet.equipment.rows())[0]
    assert (row.heard_at, row.online, row.on, row.today_on_ms) == (None, None, True, None)


async def test_retired_equipment_stays_retired(lab: Lab) -> None:
    machine = await lab.fleet.equipment.seen(PLUG, at=lab.clock.now_ms())
    await lab.fleet.register.retire(machine.id, by="Lan")
    lab.clock.advance(DAY)
    await lab.fleet.equipment.seen(PLUG, at=lab.clock.now_ms())
    assert not await _read(lab, on=True)
    assert await lab.fleet.equipment.rows() == []


def test_ids_fit_topics() -> None:
    assert equipment_id("tasmota", "48:55:19:17:E7:AE") == "tasmota-48-55-19-17-e7-ae"
    assert equipment_id("tasmota", "Ổ cắm") != ""
