"""The simulated plug: says what it is, and stands in the studio."""

import asyncio
from pathlib import Path

import msgspec
from tests.fixtures.hub import hub_in

from densach_core.accounts.model import Role
from densach_demo.seating import place_equipment
from densach_demo.simulator.plug import Plug, meter_kwh
from densach_hub.fleet.equipment import equipment_id
from densach_hub.fleet.model import RoomKind
from densach_hub.fleet.telling import EquipmentSeen
from densach_hub.intake.dialects.tasmota import Tasmota


def introduced() -> EquipmentSeen:
    plug = Plug("127.0.0.1", 1, "studio", "x")
    [said] = Tasmota().hear(f"tasmota/discovery/{plug.mac}/config", msgspec.json.encode(plug.discovery()), received_at=1)
    assert isinstance(said, EquipmentSeen)
    return said


def test_the_dialect_hears_that_the_plug_is_simulated() -> None:
    assert introduced().simulated


def test_a_second_start_finds_the_meter_no_lower_than_it_was_left() -> None:
    most_w = 104.0
    for hours in (0.01, 1, 24):
        left_at = meter_kwh(1_795_485_600.0) + most_w * hours / 1000
        assert meter_kwh(1_795_485_600.0 + hours * 3600) >= left_at


async def test_it_is_put_into_the_studio_once_it_was_heard_and_left_where_people_put_it(tmp_path: Path) -> None:
    async with hub_in(tmp_path / "hub") as hub:
        fleet = hub.rooms.fleet
        studio = await fleet.rooms.new("Phòng studio", by="test", kind=RoomKind.STUDIO, seats=2)
        other = await fleet.rooms.new("Kho", by="test", seats=2)
        _, token = await hub.rooms.accounts.create_token(name="demo", roles=frozenset({Role.TECHNICIAN}), by="test")
        assert not await asyncio.to_thread(place_equipment, hub.base, token)
        said = introduced()
        await fleet.equipment.seen(said, at=hub.rooms.clock.now_ms())
        assert await asyncio.to_thread(place_equipment, hub.base, token)
        piece = await fleet.register.machine(equipment_id(said.tongue, said.key))
        assert piece.simulated
        assert piece.place is not None
        assert piece.place.room == studio.id
        await fleet.register.move(piece.id, other.id, None, by="test")
        await asyncio.to_thread(place_equipment, hub.base, token)
        moved = await fleet.register.machine(piece.id)
        assert moved.place is not None
        assert moved.place.room == other.id
