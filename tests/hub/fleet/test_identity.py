"""A person's word on who is who: split, merge, the same after all; what was decided is listed with its reason."""

import pytest
from tests.hub.fleet.conftest import MINUTE, Lab, factors, hello
from tests.hub.fleet.test_enrolment import asks
from tests.hub.fleet.test_enrolment import enrol as enrol_at

from densach_core.errors import Conflict, NotFound
from densach_wire.messages import Event

MINE = factors("board-1", "disk-1", "mac-1")
REPAIRED = factors("board-9", "disk-1", "mac-9")


class Porter:
    def __init__(self) -> None:
        self.sent: list[tuple[str, str | None]] = []

    def send_away(self, device: str, boot: str | None) -> None:
        self.sent.append((device, boot))


async def _says(lab: Lab, device: str, boot: str, shown: tuple[object, ...], **more: str) -> bool:
    lab.clock.advance(MINUTE)
    says = hello(boot=boot, shown=shown, **more)  # type: ignore[arg-type]
    return (await lab.fleet.telemetry.hello(device, says, at=lab.clock.now_ms())).twin


async def test_a_board_that_was_swapped_is_held_for_one_machine_until_a_person_splits_it(lab: Lab) -> None:
    porter = lab.fleet.identity.porter = Porter()
    machine = await lab.machine()
    assert not await _says(lab, machine.id, "b1", MINE)
    assert not await _says(lab, machine.id, "b2", REPAIRED)
    [decided] = await lab.fleet.identity.decisions(machine.id)
    assert (decided.what, decided.kept, decided.changed, decided.open) == ("new-parts", ("disk",), ("board", "mac"), True)

    assert await lab.fleet.identity.split(decided.id, by="Lan") == machine.id
    assert porter.sent == [(machine.id, "b2")]
    assert await _says(lab, machine.id, "b2", REPAIRED)  # now it is a twin, whatever disk it has
    held = await lab.fleet.telemetry.receive(lab.arrival(machine.id, 1, Event("theirs"), boot="b2"))
    assert held.upto == 0
    assert not await _says(lab, machine.id, "b3", factors("board-1", "disk-7", "mac-1"))  # the old body with a new disk
    with pytest.raises(NotFound):
        await lab.fleet.identity.split(decided.id, by="Lan")
    said = [(d.what, d.by) for d in await lab.fleet.identity.decisions(machine.id)]
    assert ("split", "Lan") in said


async def test_what_could_not_be_read_this_time_is_not_forgotten(lab: Lab) -> None:
    """Started without root the agent sees no serial numbers: the next image on another board is found all the same."""
    machine = await lab.machine()
    assert not await _says(lab, machine.id, "b1", MINE)
    assert not await _says(lab, machine.id, "b2", tuple(f for f in MINE if f.kind == "mac"))
    assert not await _says(lab, machine.id, "b3", MINE)
    assert await lab.fleet.identity.decisions(machine.id) == []
    assert await _says(lab, machine.id, "b4", tuple(f for f in factors("board-2", "disk-2", "x") if f.kind != "mac"))


async def test_two_entries_of_one_machine_become_the_old_one(lab: Lab) -> None:
    porter = lab.fleet.identity.porter = Porter()
    _, token = await lab.fleet.enrolment.new_token(by="Lan", room=None)
    old = (await enrol_at(lab, asks(n=1, token=token))).device or ""
    lab.clock.advance(MINUTE)
    new = (await enrol_at(lab, asks(n=2, token=token))).device or ""
    assert old != new
    assert not await _says(lab, new, "b1", asks(n=2).fingerprint)
    with pytest.raises(Conflict):
        await lab.fleet.identity.merge(new, new, by="Lan")
    await lab.fleet.identity.merge(new, old, by="Lan")
    assert porter.sent == [(new, "b1")]
    assert await _says(lab, new, "b2", asks(n=2).fingerprint)  # it was off: it is sent away when it comes
    with pytest.raises(Conflict):
        await lab.fleet.identity.merge(old, new, by="Lan")  # not round in a circle
    back = await enrol_at(lab, asks(n=2, token=token, was=new))
    assert back.device == old
    assert [m.id for m in await lab.fleet.register.machines()] == [old]
    assert not await _says(lab, old, "b3", asks(n=2).fingerprint)
    assert [(d.what, d.other, d.open) for d in await lab.fleet.identity.decisions(new)] == [("merged", old, False)]


async def test_a_fingerprint_of_two_is_nobodys(lab: Lab) -> None:
    """Two virtual machines with one UUID, told apart already: a third must wait for a person, not become one of them."""
    for name in ("PC-01", "PC-02"):
        machine = await lab.machine(name)
        await lab.fleet.telemetry.learn_fingerprint(machine.id, MINE, at=lab.clock.now_ms())
    assert await lab.fleet.identity.known_by(MINE) is None
