"""What the studio's pages ask for, put together from the fleet."""

from aiohttp import web

from densach_core.clock import Clock, day_of
from densach_hub.fleet.model import RoomKind
from densach_hub.fleet.service import Fleet
from densach_hub.fleet.sights import EquipmentRow
from densach_hub.studio.model import EquipmentPage, StudioRoom
from densach_hub.studio.rules import bars, checks, known_sum, readable


class Studio:
    def __init__(self, fleet: Fleet, clock: Clock) -> None:
        self.fleet = fleet
        self._clock = clock

    async def equipment(self) -> list[EquipmentRow]:
        """Every piece of equipment that ever introduced itself."""
        return await self.fleet.equipment.rows()

    async def rooms(self) -> list[StudioRoom]:
        """The studio rooms and whether each is ready."""
        rows = await self.equipment()
        found = []
        for sight in await self.fleet.alerts.rooms():
            if sight.room.kind is not RoomKind.STUDIO:
                continue
            here = tuple(row for row in rows if row.machine.place and row.machine.place.room == sight.room.id)
            found.append(StudioRoom(sight=sight, equipment=here, checks=checks(sight, here)))
        return found

    async def waiting_count(self) -> int:
        return len(await self.fleet.enrolment.waiting())

    async def piece(self, machine_id: str) -> EquipmentPage:
        """One piece of equipment. Raises NotFound."""
        sight = await self.fleet.equipment.sight(machine_id)
        machine = sight.row.machine
        return EquipmentPage(
            sight=sight,
            room=await self.fleet.rooms.find(machine.place.room if machine.place else None),
            rooms=tuple(await self.fleet.rooms.all()),
            bars=bars(sight.days, day_of(self._clock.now_ms())),
            on_ms=sum(day.on_ms for day in sight.days) if sight.days else None,
            energy_wh=known_sum([day.energy_wh for day in sight.days]),
            readings=readable(sight.readings),
        )


STUDIO = web.AppKey("studio", Studio)
