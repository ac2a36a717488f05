"""What is simulated makes no studio ready: pupils cannot record on it."""

from densach_hub.fleet.model import Kind, Machine, Room, RoomKind
from densach_hub.fleet.sights import EquipmentRow, Glyph, RoomCount, RoomSight, SeatSight
from densach_hub.studio.model import Verdict
from densach_hub.studio.rules import checks


def computer(name: str, glyph: Glyph, *, simulated: bool) -> SeatSight:
    machine = Machine(id=name, name=name, kind=Kind.AGENT, simulated=simulated, admitted_at=0, admitted_by="t")
    return SeatSight(seat=None, glyph=glyph, machine=machine, simulated=simulated, findings=1 if simulated else 0)


def plug(name: str, *, simulated: bool, online: bool = True) -> EquipmentRow:
    machine = Machine(id=name, name=name, kind=Kind.EQUIPMENT, simulated=simulated, admitted_at=0, admitted_by="t")
    return EquipmentRow(
        machine=machine, online=online, on=True, power_w=None, today_on_ms=None, today_energy_wh=None, heard_at=None
    )


def verdicts(computers: list[SeatSight], plugs: list[EquipmentRow]) -> list[Verdict]:
    room = Room(id="st", name="Phòng studio", kind=RoomKind.STUDIO)
    return [c.verdict for c in checks(RoomSight(room=room, seats=(), loose=tuple(computers), count=RoomCount()), plugs)]


def test_only_simulated_things_are_unknown_and_hurt_nothing() -> None:
    simulated = [computer("S", Glyph.IDLE, simulated=True)]
    assert verdicts(simulated, [plug("p", simulated=True)]) == [Verdict.UNKNOWN, Verdict.UNKNOWN, Verdict.YES]


def test_real_ones_decide_beside_simulated_ones() -> None:
    both = [computer("S", Glyph.IDLE, simulated=True), computer("R", Glyph.SILENT, simulated=False)]
    plugs = [plug("p", simulated=True, online=False), plug("q", simulated=False)]
    assert verdicts(both, plugs) == [Verdict.NO, Verdict.YES, Verdict.YES]
