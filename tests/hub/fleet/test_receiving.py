"""Batches become facts exactly once; holes are asked for, told, or given up; what does not fit is kept."""

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.hub.fleet.conftest import HOUR, MINUTE, MORNING, Lab, hello

from densach_core.database import Database
from densach_hub.fleet.telling import Arrival, Arrived, Misfit
from densach_wire.messages import Event, Gap, Health, Kept, Moment, UsageSlice


async def _events(telemetry: Database, device: str) -> list[str]:
    return await telemetry.read(
        lambda c: [r[0] for r in c.execute("SELECT kind FROM event WHERE device = ? ORDER BY id", (device,))]
    )


async def test_each_record_counts_once(lab: Lab, telemetry: Database) -> None:
    machine = await lab.machine()
    first = lab.arrival(machine.id, 1, Event("a"), Event("b"), Event("c"))
    assert (await lab.fleet.telemetry.receive(first)).upto == 3
    again = await lab.fleet.telemetry.receive(first)
    assert (again.upto, again.stored, again.repeated) == (3, 0, 3)
    overlap = await lab.fleet.telemetry.receive(lab.arrival(machine.id, 3, Event("c"), Event("d")))
    assert (overlap.upto, overlap.stored, overlap.repeated) == (4, 1, 1)
    assert await _events(telemetry, machine.id) == ["a", "b", "c", "d"]


async def test_streams_are_apart(lab: Lab) -> None:
    machine = await lab.machine()
    await lab.fleet.telemetry.receive(lab.arrival(machine.id, 1, Event("a"), stream="one"))
    other = await lab.fleet.telemetry.receive(lab.arrival(machine.id, 1, Event("b"), stream="two"))
    assert other.upto == 1
    mark = await lab.fleet.telemetry.mark(machine.id, "one")
    assert mark is not None
    assert mark.upto == 1


async def test_a_hole_is_asked_for_and_filled(lab: Lab, telemetry: Database) -> None:
    machine = await lab.machine()
    await lab.fleet.telemetry.receive(lab.arrival(machine.id, 1, Event("a")))
    hole = await lab.fleet.telemetry.receive(lab.arrival(machine.id, 4, Event("d")))
    assert (hole.upto, hole.stored, hole.resend_from) == (1, 0, 2)
    filled = await lab.fleet.telemetry.receive(lab.arrival(machine.id, 2, Event("b"), Event("c"), Event("d")))
    assert (filled.upto, filled.resend_from, filled.lost) == (4, None, 0)
    assert await _events(telemetry, machine.id) == ["a", "b", "c", "d"]


async def test_a_hole_nobody_fills_is_recorded_and_the_stream_goes_on(lab: Lab) -> None:
    machine = await lab.machine()
    for _ in range(3):
        stored = await lab.fleet.telemetry.receive(lab.arrival(machine.id, 11, Event("k")))
        assert (stored.upto, stored.resend_from) == (0, 1)
        lab.clock.advance(MINUTE)
    given_up = await lab.fleet.telemetry.receive(lab.arrival(machine.id, 11, Event("k")))
    assert (given_up.upto, given_up.lost, given_up.resend_from) == (11, 10, None)
    sight = await lab.fleet.alerts.machine(machine.id)
    assert [(lost.first, lost.last, lost.why) for lost in sight.lost] == [(1, 10, "hole")]
    assert sight.streams[0].lost == 10


async def test_what_the_agent_no_longer_keeps_is_lost_at_once(lab: Lab) -> None:
    machine = await lab.machine()

    greeting = msgspec.structs.replace(hello(), kept=Kept(8, 20))
    await lab.fleet.telemetry.hello(machine.id, greeting, at=lab.clock.now_ms())
    stored = await lab.fleet.telemetry.receive(lab.arrival(machine.id, 8, Event("a")))
    assert (stored.upto, stored.lost) == (8, 7)


async def test_a_told_gap_counts_as_lost_and_leaves_no_hole(lab: Lab) -> None:
    machine = await lab.machine()
    await lab.fleet.telemetry.receive(lab.arrival(machine.id, 1, Event("a")))
    now = lab.clock.now_ms()
    gap = Arrived(5, now, Gap(2, 5, "size"))
    after = Arrived(6, now, Event("f"))
    arrival = Arrival(device=machine.id, stream="s1", boot="b1", received_at=now, records=(gap, after))
    stored = await lab.fleet.telemetry.receive(arrival)
    assert (stored.upto, stored.lost, stored.resend_from) == (6, 4, None)
    assert (await lab.fleet.telemetry.receive(arrival)).lost == 0


async def test_misfits_are_kept_and_never_block(lab: Lab) -> None:
    machine = await lab.machine()
    now = lab.clock.now_ms()
    bad = Misfit("wire.bad-shape", "no such kind", b'{"seq":2}' * 2000, seq=2, topic="t")
    arrival = Arrival(
        device=machine.id,
        stream="s1",
        boot="b1",
        received_at=now,
        records=(Arrived(1, now, Event("a")), Arrived(3, now, Event("c"))),
        misfits=(bad,),
    )
    stored = await lab.fleet.telemetry.receive(arrival)
    assert (stored.upto, stored.stored, stored.misfits) == (3, 2, 1)
    assert (await lab.fleet.telemetry.receive(arrival)).misfits == 0
    kept = await lab.fleet.telemetry.quarantined(device=machine.id)
    assert (kept[0].code, kept[0].size, len(kept[0].raw)) == ("wire.bad-shape", 18_000, 4096)
    await lab.fleet.telemetry.quarantine(Misfit("wire.not-json", "empty", b""), device=None, at=now)
    assert await lab.fleet.telemetry.quarantine_total() == 2


async def test_usage_and_health_are_rolled_up_once(lab: Lab) -> None:
    machine = await lab.machine()
    start = MORNING - 30 * MINUTE
    piece = UsageSlice(session="x", user="u1", start=Moment(0), end=Moment(1), active_ms=10 * MINUTE, idle_ms=5 * MINUTE)
    health = Health(cpu_pct=20.0, mem_total_bytes=8_000, mem_used_bytes=2_000, temps={"cpu": 55.0, "gpu": 61.0})
    now = lab.clock.now_ms()
    records = (
        Arrived(1, now, piece, start, start + 15 * MINUTE),
        Arrived(2, now, piece, start + 15 * MINUTE, start + 30 * MINUTE),
        Arrived(3, now, health),
        Arrived(4, now, Health(cpu_pct=40.0)),
    )
    arrival = Arrival(device=machine.id, stream="s1", boot="b1", received_at=now, records=records)
    await lab.fleet.telemetry.receive(arrival)
    for _ in range(2):
        await lab.fleet.telemetry.roll_up()
    days = await lab.fleet.telemetry.usage_days(machine.id, "2026-11-01", "2026-11-30")
    assert [(d.day, d.active_ms, d.idle_ms, d.session_ms, d.sessions, d.people) for d in days] == [
        ("2026-11-24", 20 * MINUTE, 10 * MINUTE, 30 * MINUTE, 1, 1)
    ]
    cpu = await lab.fleet.telemetry.health(machine.id, "cpu_pct", since=now - HOUR, until=now + HOUR)
    assert [(p.low, p.mean, p.high, p.n) for p in cpu] == [(20.0, 30.0, 40.0, 2)]
    hottest = await lab.fleet.telemetry.health(machine.id, "temp_max_c", since=now - HOUR, until=now + HOUR)
    assert hottest[0].high == 61.0
    live = await lab.fleet.telemetry.live(machine.id)
    assert live is not None
    assert live.active_until_at == now


async def test_old_raw_facts_go_roll_ups_stay(lab: Lab, telemetry: Database) -> None:
    machine = await lab.machine()
    await lab.fleet.telemetry.receive(lab.arrival(machine.id, 1, Health(cpu_pct=20.0), Event("a")))
    await lab.fleet.telemetry.roll_up()
    lab.clock.advance(40 * 24 * HOUR)
    await lab.fleet.telemetry.thin()
    assert await telemetry.read(lambda c: c.execute("SELECT count(*) FROM health").fetchone()[0]) == 0
    assert await telemetry.read(lambda c: c.execute("SELECT count(*) FROM event").fetchone()[0]) == 1
    assert len(await lab.fleet.telemetry.health(machine.id, "cpu_pct", since=0, until=lab.clock.now_ms())) == 1


async def test_a_device_with_many_metrics_of_its_own_keeps_them(lab: Lab) -> None:
    machine = await lab.machine()
    await lab.fleet.telemetry.receive(lab.arrival(machine.id, 1, Health(extra={"lamp_hours": 120.0})))
    await lab.fleet.telemetry.roll_up()
    assert "lamp_hours" in (await lab.fleet.alerts.machine(machine.id)).metrics


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(1, 12), st.integers(1, 5)), max_size=12))
async def test_any_order_of_resends_leaves_what_was_written(lab: Lab, telemetry: Database, tries: list[tuple[int, int]]) -> None:
    """Whatever arrives, in whatever order: what is stored is 1…upto, each once; a last full resend completes it."""
    device = "any"
    stream = f"s{await telemetry.read(lambda c: c.execute('SELECT count(*) FROM stream').fetchone()[0])}"

    def batch(first: int, n: int) -> Arrival:
        return lab.arrival(device, first, *(Event(f"{stream}-{first + i}") for i in range(n)), stream=stream)

    for first, n in tries:
        stored = await lab.fleet.telemetry.receive(batch(first, n))
        assert stored.resend_from in (None, stored.upto + 1)
    last = await lab.fleet.telemetry.receive(batch(1, 17))
    assert last.upto == 17
    kept = [kind for kind in await _events(telemetry, device) if kind.startswith(f"{stream}-")]
    assert sorted(kept) == sorted(f"{stream}-{i}" for i in range(1, 18))
