"""Which machines are set up, room by room, and where they stand on a map. Pure."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from densach_hub.fleet.model import Kind, Room
from densach_hub.fleet.rooms import places
from densach_hub.fleet.sights import MachineRow
from densach_hub.provisioning.choosing import Candidate
from densach_hub.provisioning.model import Last


class RoomStanding(msgspec.Struct, frozen=True, kw_only=True):
    """Real machines with an agent of one room; `room` None: those that stand nowhere."""

    room: Room | None
    machines: int
    well: int
    """Whose last real run ended well."""
    bad: int
    last_at: int | None

    @property
    def never(self) -> int:
        return self.machines - self.well - self.bad


class Spot(msgspec.Struct, frozen=True):
    """A seat with the machine on it, `row` and `column` counted from 1; `one` None: nothing stands there."""

    row: int
    column: int
    label: str
    one: Candidate | None


def by_room(rooms: Sequence[Room], rows: Iterable[MachineRow], lasts: Mapping[str, Last]) -> list[RoomStanding]:
    """In the order of the rooms; those without a real machine are left out."""
    there: dict[str | None, list[MachineRow]] = {}
    known = {room.id for room in rooms}
    for row in rows:
        if row.machine.kind is Kind.AGENT and not row.machine.simulated:
            where = row.machine.place.room if row.machine.place and row.machine.place.room in known else None
            there.setdefault(where, []).append(row)
    found = []
    for room in (*rooms, None):
        machines = there.get(room.id if room else None, [])
        told = [lasts[row.machine.id] for row in machines if row.machine.id in lasts]
        if machines:
            bad = sum(1 for last in told if last.state.bad)
            found.append(
                RoomStanding(
                    room=room, machines=len(machines), well=len(told) - bad, bad=bad,
                    last_at=max((last.at for last in told), default=None),
                )
            )  # fmt: skip
    return found


def seated(room: Room, found: Iterable[Candidate]) -> tuple[Spot, ...]:
    """The room's map. Machines without a seat are not on it; two seats on one place are drawn beside each other."""
    by_seat = {one.row.machine.place.seat: one for one in found if one.row.machine.place and one.row.machine.place.seat}
    on_map = zip(room.seats, places(room.seats), strict=True)
    return tuple(Spot(row, column, seat.label, by_seat.get(seat.id)) for seat, (row, column) in on_map)
