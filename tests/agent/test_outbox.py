"""The outbox as a stream: order, no holes, gaps in their place, ages that no clock can spoil."""

from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.agent.clocks import HandClock

from densach_agent.outbox import Limits, Outbox
from densach_wire.messages import Body, Event, Gap, Health, InventorySection, Item, Moment, UsageSlice

DAY = 86_400_000


def usage(n: int = 0) -> UsageSlice:
    return UsageSlice(session=f"s{n}", start=Moment(1), end=Moment(2), active_ms=1000, idle_ms=0)


def covered(outbox: Outbox, after: int = 0) -> list[tuple[int, int, str]]:
    """(first, last, kind) of everything after a sequence."""
    found = []
    while rows := outbox.after(after):
        found += [(row.first, row.seq, row.kind) for row in rows]
        after = rows[-1].seq
    return found


def assert_no_holes(outbox: Outbox, after: int = 0) -> None:
    expected = after + 1
    for first, last, _ in covered(outbox, after):
        assert first <= expected <= last, (first, last, expected)
        expected = last + 1
    assert expected == outbox.last + 1


def test_numbers_rise_without_gaps_and_survive_a_restart(tmp_path: Path) -> None:
    clock = HandClock()
    outbox = Outbox(tmp_path / "o.db", clock)
    assert outbox.add(usage()) == 1
    assert outbox.add(usage(), usage()) == 3
    stream = outbox.stream
    outbox.close()
    again = Outbox(tmp_path / "o.db", clock)
    assert (again.stream, again.last, again.acked) == (stream, 3, 0)
    assert again.add(usage()) == 4
    assert_no_holes(again)
    again.close()


def test_every_commit_is_on_disk_before_it_counts(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "o.db", HandClock())
    assert outbox._db.execute("PRAGMA synchronous").fetchone()[0] == 2
    assert outbox._db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    outbox.close()


def test_acknowledged_records_are_kept_some_days_and_no_longer(tmp_path: Path) -> None:
    clock = HandClock()
    outbox = Outbox(tmp_path / "o.db", clock, Limits(keep_acked_ms=7 * DAY))
    for _ in range(10):
        outbox.add(usage())
    outbox.ack(10)
    for _ in range(6):
        clock.advance(DAY)
        outbox.ack(outbox.add(usage()))
    assert covered(outbox)[0][0] == 1
    for _ in range(3):
        clock.advance(DAY)
        outbox.ack(outbox.add(usage()))
    assert covered(outbox)[0][0] > 10
    outbox.close()


def test_a_late_acknowledgement_changes_nothing(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "o.db", HandClock())
    outbox.add(usage(), usage(), usage())
    assert outbox.ack(3)
    assert not outbox.ack(1)
    assert not outbox.ack(3)
    assert outbox.acked == 3
    outbox.close()


def test_a_dead_clock_battery_expires_nothing(tmp_path: Path) -> None:
    """Each morning it is 1 January 2009 again; once a technician sets 2040 by mistake."""
    clock = HandClock(wall_ms=1_230_768_000_000)
    path = tmp_path / "o.db"
    for day in range(30):
        outbox = Outbox(path, clock, Limits(max_age_ms=60 * DAY))
        outbox.add(usage(day))
        outbox.close()
        clock.reboot(f"boot-{day}", wall_ms=2_208_988_800_000 if day == 20 else 1_230_768_000_000)
    outbox = Outbox(path, clock, Limits(max_age_ms=60 * DAY))
    assert [kind for _, _, kind in covered(outbox)] == ["usage"] * 30
    outbox.close()


def test_what_is_too_old_becomes_a_gap(tmp_path: Path) -> None:
    clock = HandClock()
    outbox = Outbox(tmp_path / "o.db", clock, Limits(max_age_ms=30 * DAY))
    outbox.add(usage(), usage())
    outbox.close()
    clock.reboot("boot-2", off_ms=40 * DAY)
    outbox = Outbox(tmp_path / "o.db", clock, Limits(max_age_ms=30 * DAY))
    outbox.add(usage())
    assert covered(outbox) == [(1, 2, "gap"), (3, 3, "usage")]
    gap = msgspec.json.decode(outbox.after(0)[0].body, type=Gap)
    assert (gap.from_seq, gap.to_seq, gap.why, gap.kinds) == (1, 2, "age", {"usage": 2})
    outbox.close()


def test_health_is_dropped_first_oldest_first_inventory_last(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "o.db", HandClock(), Limits(max_bytes=20_000))
    outbox.add(InventorySection("system", reason="x" * 300))
    for n in range(200):
        outbox.add(Health(cpu_pct=50.0, uptime_ms=n, mem_used_bytes=1_000_000), usage(n))
    kinds = [kind for _, _, kind in covered(outbox)]
    assert outbox.size_bytes() <= 20_000
    assert kinds[0] == "inventory"
    assert kinds.count("event") == 1  # outbox-full
    assert kinds[-1] == "usage"
    first_health = kinds.index("health") if "health" in kinds else len(kinds)
    assert "gap" in kinds[:first_health]
    assert_no_holes(outbox)
    outbox.close()


def test_events_go_before_old_inventory_and_usage_after_it(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "o.db", HandClock(), Limits(max_bytes=12_000))
    outbox.add(Event("seen", {"text": "y" * 400}), InventorySection("system", reason="first"))
    outbox.add_section(InventorySection("system", reason="x" * 2_000), "system", "d2")
    last = outbox.add_section(InventorySection("packages", reason="x" * 2_000), "packages", "d1")
    dropped: list[str] = []
    n = 0
    while len(dropped) < 3:
        outbox.add(usage(n))
        n += 1
        kinds = {seq: kind for _, seq, kind in covered(outbox)}
        dropped += [name for name, seq in (("event", 1), ("old", 2), ("usage", last + 1))
                    if name not in dropped and kinds.get(seq, "gap") == "gap"]  # fmt: skip
    assert dropped == ["event", "old", "usage"]
    assert [kind for kind in kinds.values() if kind == "inventory"] == ["inventory"] * 2
    assert_no_holes(outbox)
    outbox.close()


def test_a_section_that_had_to_be_dropped_is_told_anew(tmp_path: Path) -> None:
    """Else the hub would wait for its next change for ever."""
    clock = HandClock()
    outbox = Outbox(tmp_path / "o.db", clock, Limits(max_age_ms=30 * DAY))
    outbox.add_section(InventorySection("cpu"), "cpu", "d1")
    outbox.add_section(InventorySection("disk"), "disk", "d1")
    clock.advance(20 * DAY)
    outbox.add_section(InventorySection("disk"), "disk", "d2")
    outbox.close()
    clock.advance(15 * DAY)
    outbox = Outbox(tmp_path / "o.db", clock, Limits(max_age_ms=30 * DAY))
    assert outbox.digests() == {"disk": "d2"}
    outbox.close()


def test_large_bodies_lie_packed_and_come_out_as_they_were(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "o.db", HandClock())
    large = InventorySection("packages", tuple(Item("package", f"p{n}", {"version": "1.0"}) for n in range(2_000)))
    outbox.add(large, usage(), large)
    assert outbox.size_bytes() < len(msgspec.json.encode(large)) // 3
    [first] = outbox.after(0, max_bytes=50_000)  # what does not fit into the batch is not even read
    assert msgspec.json.decode(first.body, type=InventorySection) == large
    assert [row.seq for row in outbox.after(0)] == [1, 2, 3]
    before = outbox.size_bytes()
    outbox.give_up(1, "too-large")
    assert outbox.size_bytes() < before
    size = outbox.size_bytes()
    outbox.close()
    again = Outbox(tmp_path / "o.db", HandClock())
    assert again.size_bytes() == size  # the books agree with the file
    again.close()


def test_a_batch_never_mixes_boots(tmp_path: Path) -> None:
    clock = HandClock()
    outbox = Outbox(tmp_path / "o.db", clock)
    outbox.add(usage(), usage())
    outbox.close()
    clock.reboot("boot-2")
    outbox = Outbox(tmp_path / "o.db", clock)
    outbox.add(usage())
    assert [row.seq for row in outbox.after(0)] == [1, 2]
    assert [row.seq for row in outbox.after(2)] == [3]
    outbox.close()


def test_a_file_that_is_no_database_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "o.db").write_bytes(b"garbage " * 1000)
    outbox = Outbox(tmp_path / "o.db", HandClock())
    assert outbox.add(usage()) == 1
    assert (tmp_path / "o.db.broken").exists()
    outbox.close()


_BODIES = st.sampled_from(["usage", "health", "event", "inventory"])
_STEPS = st.one_of(
    st.tuples(st.just("add"), st.lists(_BODIES, min_size=1, max_size=12)),
    st.tuples(st.just("ack"), st.floats(0, 1)),
    st.tuples(st.just("rewind"), st.floats(0, 1)),
    st.tuples(st.just("days"), st.integers(1, 40)),
    st.tuples(st.just("crash"), st.just(None)),
)


def body(kind: str) -> Body:
    made: dict[str, Body] = {
        "usage": usage(),
        "health": Health(cpu_pct=1.0, uptime_ms=123456),
        "event": Event("seen", {"text": "y" * 60}),
        "inventory": InventorySection("cpu", digest="d" * 32, reason="z" * 100),
    }
    return made[kind]


@given(steps=st.lists(_STEPS, max_size=25))
@settings(max_examples=60, deadline=None)
def test_whatever_happens_the_stream_has_no_holes(tmp_path_factory: object, steps: list[tuple[str, object]]) -> None:
    """Any order of adding, acknowledging, forgetting, ageing and crashing: what lies after the hub's mark is there,
    in order, as itself or in a gap; what was not dropped is never changed."""
    folder = tmp_path_factory.mktemp("outbox")  # type: ignore[attr-defined]
    clock = HandClock()
    limits = Limits(max_bytes=3_000, keep_acked_ms=7 * DAY, max_age_ms=60 * DAY)
    outbox = Outbox(folder / "o.db", clock, limits)
    written: dict[int, str] = {}
    for number, (what, how) in enumerate(steps):
        if what == "add":
            assert isinstance(how, list)
            for kind in how:
                written[outbox.add(body(kind))] = kind
        elif what == "ack":
            outbox.ack(round(float(how) * outbox.last))  # type: ignore[arg-type]
        elif what == "rewind":
            outbox.rewind(max(1, round(float(how) * outbox.acked)))  # type: ignore[arg-type]
        elif what == "days":
            clock.advance(int(how) * DAY)  # type: ignore[call-overload]
        else:
            outbox._db.close()  # as a crash does: nothing is said, nothing is flushed
            clock.reboot(f"boot-{number}")
            outbox = Outbox(folder / "o.db", clock, limits)
        assert_no_holes(outbox, outbox.acked)
        kept = [(last, kind) for _, last, kind in covered(outbox, outbox.acked) if kind != "gap"]
        assert all(written.get(last, "event") == kind for last, kind in kept)  # its own word that it was full: an event
    outbox.close()
