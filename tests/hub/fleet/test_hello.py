"""Births, twins, presence: two machines from one disk are two, one machine renamed and moved is one."""

import msgspec
import pytest
from tests.hub.fleet.conftest import DAY, HOUR, MINUTE, Lab, factors, hello

from densach_core.database import Database
from densach_core.errors import NotFound
from densach_hub.fleet.model import FleetPolicy, TwinMode
from densach_hub.fleet.sights import FindingKind, Glyph
from densach_hub.fleet.telling import ClockTrust
from densach_wire.messages import Event, Presence

MINE = factors("board-1", "disk-1", "mac-1")
OTHERS = factors("board-2", "disk-2", "mac-2")


async def _twin(lab: Lab) -> str:
    """PC-01 is known, then a machine with its id but another body says hello."""
    machine = await lab.machine()
    await lab.fleet.telemetry.hello(machine.id, hello(shown=MINE), at=lab.clock.now_ms())
    lab.clock.advance(MINUTE)
    verdict = await lab.fleet.telemetry.hello(machine.id, hello(boot="b2", hostname="PC-02", shown=OTHERS), at=lab.clock.now_ms())
    assert verdict.twin
    return machine.id


async def test_an_unknown_device_is_told_apart(lab: Lab) -> None:
    assert not (await lab.fleet.telemetry.hello("pc-nobody", hello(), at=lab.clock.now_ms())).known


async def test_the_first_hello_is_asked_for_everything_the_next_for_nothing(lab: Lab) -> None:
    from densach_wire.messages import InventorySection, Item

    machine = await lab.machine()
    first = await lab.fleet.telemetry.hello(machine.id, hello(shown=MINE), at=lab.clock.now_ms())
    assert (first.known, first.upto, first.want, first.twin) == (True, 0, ("*",), False)
    section = InventorySection("cpu", (Item("cpu", "CPU 0"),), "d1")
    await lab.fleet.telemetry.receive(lab.arrival(machine.id, 1, section))
    again = await lab.fleet.telemetry.hello(machine.id, hello(shown=MINE), at=lab.clock.now_ms())
    assert (again.upto, again.want) == (1, ())


async def test_a_twin_is_noticed_held_back_and_named_to_the_technician(lab: Lab, telemetry: Database) -> None:
    device = await _twin(lab)
    held = await lab.fleet.telemetry.receive(lab.arrival(device, 1, Event("theirs"), Event("theirs"), boot="b2"))
    assert (held.upto, held.stored) == (0, 0)
    mine = await lab.fleet.telemetry.receive(lab.arrival(device, 1, Event("mine"), boot="b1"))
    assert mine.upto == 1
    kinds = await telemetry.read(lambda c: [r[0] for r in c.execute("SELECT kind FROM event")])
    assert kinds == ["mine"]
    finding = (await lab.fleet.alerts.morning())[0]
    assert (finding.kind, finding.machine, finding.urgent) == (FindingKind.TWIN, device, True)
    assert finding.what.values["host"] == "PC-02"
    live = await lab.fleet.telemetry.live(device)
    assert live is not None
    assert live.hostname == "PC-01"


async def test_a_person_may_say_that_it_is_the_same_machine_after_all(lab: Lab, telemetry: Database) -> None:
    device = await _twin(lab)
    twin = await telemetry.read(lambda c: c.execute("SELECT id FROM twin").fetchone()[0])
    assert await lab.fleet.identity.same_after_all(twin) == device
    stored = await lab.fleet.telemetry.receive(lab.arrival(device, 1, Event("new body"), boot="b2"))
    assert stored.upto == 1
    assert not (await lab.fleet.telemetry.hello(device, hello(boot="b3", shown=OTHERS), at=lab.clock.now_ms())).twin
    assert await lab.fleet.alerts.morning() == []
    with pytest.raises(NotFound):
        await lab.fleet.identity.same_after_all(twin)


async def test_log_mode_says_it_and_stores_off_mode_says_nothing(lab: Lab) -> None:
    await lab.fleet.policy.put(FleetPolicy(twins=TwinMode.LOG), by="Lan")
    device = await _twin(lab)
    assert (await lab.fleet.telemetry.receive(lab.arrival(device, 1, Event("a"), boot="b2"))).upto == 1
    await lab.fleet.policy.put(FleetPolicy(twins=TwinMode.OFF), by="Lan")
    verdict = await lab.fleet.telemetry.hello(device, hello(boot="b9", shown=factors("x", "y", "z")), at=lab.clock.now_ms())
    assert not verdict.twin


async def test_machines_without_serials_are_twins_when_their_boots_alternate(lab: Lab) -> None:
    machine = await lab.machine()
    for boot, twin in (("a", False), ("b", False), ("a", True)):
        lab.clock.advance(MINUTE)
        verdict = await lab.fleet.telemetry.hello(machine.id, hello(boot=boot), at=lab.clock.now_ms())
        assert verdict.twin is twin, boot


async def test_renamed_and_moved_it_is_still_one(lab: Lab) -> None:
    one = await lab.fleet.rooms.new("Phòng Tin 1", by="Lan", seats=4)
    two = await lab.fleet.rooms.new("Phòng Tin 2", by="Lan", seats=4)
    machine = await lab.machine(room=one.id, seat="01")
    await lab.fleet.telemetry.hello(machine.id, hello(shown=MINE), at=lab.clock.now_ms())
    lab.clock.advance(HOUR)
    verdict = await lab.fleet.telemetry.hello(
        machine.id, hello(boot="b2", hostname="LIB-7", shown=MINE, stream="fresh"), at=lab.clock.now_ms()
    )
    assert (verdict.twin, verdict.renamed_from) == (False, "PC-01")
    await lab.fleet.register.move(machine.id, two.id, "03", by="Lan")
    machines = await lab.fleet.register.machines()
    assert [(m.id, m.name, m.place.room if m.place else None) for m in machines] == [(machine.id, "LIB-7", two.id)]
    places = await lab.fleet.register.places(machine.id)
    assert [(p.room, p.seat, p.until_at is None) for p in places] == [(two.id, "03", True), (one.id, "01", False)]


async def test_a_name_given_by_a_person_stays(lab: Lab) -> None:
    machine = await lab.machine()
    await lab.fleet.register.rename(machine.id, "Máy giáo viên", by="Lan")
    await lab.fleet.telemetry.hello(machine.id, hello(hostname="NEW"), at=lab.clock.now_ms())
    found = await lab.fleet.register.machine(machine.id)
    assert (found.name, found.hostname, found.os) == ("Máy giáo viên", "NEW", "Debian 12")


async def test_who_says_that_it_is_simulated_is_counted_apart(lab: Lab) -> None:
    machine = await lab.machine()
    await lab.fleet.telemetry.hello(machine.id, hello(simulated=True), at=lab.clock.now_ms())
    assert (await lab.fleet.register.machine(machine.id)).simulated


async def test_presence_makes_periods_and_a_retained_word_is_not_being_heard(lab: Lab) -> None:
    machine = await lab.machine()
    start = lab.clock.now_ms()
    await lab.fleet.telemetry.presence(machine.id, Presence.ONLINE, at=start, retained=True)
    live = await lab.fleet.telemetry.live(machine.id)
    assert live is not None
    assert live.heard_at is None
    await lab.fleet.telemetry.presence(machine.id, Presence.ONLINE, at=start)
    lab.clock.advance(HOUR)
    await lab.fleet.telemetry.presence(machine.id, Presence.OFFLINE, at=lab.clock.now_ms())
    live = await lab.fleet.telemetry.live(machine.id)
    assert live is not None
    assert (live.presence, live.heard_at, live.presence_at) == (Presence.OFFLINE, start, start + HOUR)
    periods = (await lab.fleet.alerts.machine(machine.id)).periods
    assert [(p.state, p.until_at and p.until_at - p.from_at) for p in periods] == [
        (Presence.OFFLINE, None),
        (Presence.ONLINE, HOUR),
    ]


async def test_clocks_from_2009_and_2040_are_kept_as_doubts_not_refused(lab: Lab) -> None:
    machine = await lab.machine()
    for boot, trust, offset in (("b1", ClockTrust.NONE, 16 * 365 * DAY), ("b2", ClockTrust.NONE, -14 * 365 * DAY)):
        greeting = hello(boot=boot, shown=MINE)
        await lab.fleet.telemetry.hello(machine.id, greeting, at=lab.clock.now_ms(), clock=trust, offset_ms=offset)
        arrival = lab.arrival(machine.id, 1, Event("a"), stream=boot, boot=boot)
        arrival = msgspec.structs.replace(arrival, clock=trust, offset_ms=offset)
        assert (await lab.fleet.telemetry.receive(arrival)).upto == 1
        lab.clock.advance(HOUR)
    sight = await lab.fleet.alerts.machine(machine.id)
    assert [d.trust for d in sight.clock] == [ClockTrust.NONE, ClockTrust.NONE]
    finding = next(f for f in sight.findings if f.kind is FindingKind.CLOCK)
    assert finding.what.n == 2
    assert sight.glyph is not Glyph.SILENT


async def test_a_retired_machine_tells_nothing_any_more(lab: Lab) -> None:
    machine = await lab.machine()
    await lab.fleet.register.retire(machine.id, by="Lan", why="cháy nguồn")
    assert not lab.fleet.register.knows(machine.id)
    assert not (await lab.fleet.telemetry.hello(machine.id, hello(), at=lab.clock.now_ms())).known
    await lab.fleet.register.bring_back(machine.id, by="Lan")
    assert lab.fleet.register.knows(machine.id)


async def test_the_agents_own_word_of_a_takeover_is_passed_on(lab: Lab) -> None:
    machine = await lab.machine()
    word = Event("takeover", {"times": 3})
    await lab.fleet.telemetry.receive(lab.arrival(machine.id, 1, word, word))
    findings = await lab.fleet.alerts.morning()
    assert [(f.kind, f.machine, f.urgent) for f in findings] == [(FindingKind.TWIN, machine.id, True)]
