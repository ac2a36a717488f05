"""Outbox and courier against a hub in memory, with everything that goes wrong between them, as a property: each record
that was confirmed to its maker is on the hub exactly once, or inside a gap that the hub knows."""

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.agent.clocks import HandClock
from tests.agent.school import Stream

from densach_agent.courier import Courier
from densach_agent.outbox import Limits, Outbox
from densach_wire.codec import decode_batch
from densach_wire.messages import Ack, Event, GapRecord, Health

_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 30)),
        st.tuples(st.just("work"), st.integers(1, 6)),  # for once all goes well
        st.tuples(st.just("work"), st.integers(1, 6)),
        st.tuples(st.just("health"), st.integers(1, 30)),
        st.tuples(st.just("send"), st.integers(1, 4)),
        st.tuples(st.just("deliver"), st.integers(0, 3)),  # one of the messages under way, in any order
        st.tuples(st.just("deliver twice"), st.integers(0, 3)),
        st.tuples(st.just("lose"), st.integers(0, 3)),
        st.tuples(st.just("hear"), st.integers(0, 3)),  # one of the acknowledgements under way, in any order
        st.tuples(st.just("lose ack"), st.integers(0, 3)),
        st.tuples(st.just("wait"), st.integers(1, 2_000)),
        st.tuples(st.just("reconnect"), st.just(0)),
        st.tuples(st.just("crash"), st.just(0)),
        st.tuples(st.just("restore"), st.integers(0, 20)),  # the hub forgets its last records
    ),
    max_size=60,
)


class World:
    """One machine, one hub, and what is between them."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "o.db"
        self.clock = HandClock()
        self.limits = Limits(max_bytes=6_000)
        self.hub: dict[str, Stream] = {}
        self.up: list[bytes] = []
        self.down: list[Ack] = []
        self.made: dict[tuple[str, int], int] = {}
        self.boots = 0
        self.open()

    def open(self) -> None:
        self.outbox = Outbox(self.path, self.clock, self.limits)
        self.courier = Courier(self.outbox, "pc-1", self.clock)
        self.greet()

    def greet(self) -> None:
        """A hello, and the hub's answer to it, on a new connection: what was under way is gone."""
        self.up.clear()
        self.down.clear()
        self.courier.connected()
        self.answer(self.outbox.stream)

    def stream(self, name: str) -> Stream:
        return self.hub.setdefault(name, Stream())

    def answer(self, name: str, again: int | None = None) -> None:
        self.down.append(Ack(name, self.stream(name).upto, 1.0, () if again is None else (again,)))

    def add(self, count: int, *, health: bool = False) -> None:
        for _ in range(count):
            number = len(self.made)
            body = Health(uptime_ms=number) if health else Event("made", {"n": number})
            self.made[self.outbox.stream, self.outbox.add(body)] = number

    def deliver(self, index: int, *, keep: bool = False) -> None:
        if not self.up:
            return
        index %= len(self.up)
        payload = self.up[index] if keep else self.up.pop(index)
        decoded = decode_batch(payload)
        assert decoded.bad == ()
        again = self.stream(decoded.envelope.stream).take(decoded.records)
        self.answer(decoded.envelope.stream, again)

    def hear(self, index: int) -> None:
        if self.down:
            self.courier.acknowledged(self.down.pop(index % len(self.down)))

    def send(self, count: int) -> None:
        for _ in range(count):
            payload = self.courier.next_batch()
            if payload is not None:
                self.up.append(payload)

    def work(self, rounds: int) -> None:
        for _ in range(rounds):
            self.hear(0)
            self.send(4)
            self.deliver(0)

    def step(self, what: str, number: int) -> None:
        if what in ("add", "health"):
            self.add(number, health=what == "health")
        elif what == "send":
            self.send(number)
        elif what == "work":
            self.work(number)
        elif what in ("deliver", "deliver twice"):
            self.deliver(number, keep=what == "deliver twice")
        elif what == "lose" and self.up:
            self.up.pop(number % len(self.up))
        elif what == "hear":
            self.hear(number)
        elif what == "lose ack" and self.down:
            self.down.pop(number % len(self.down))
        elif what == "wait":
            self.clock.advance(number * 1_000)
        elif what == "reconnect":
            self.greet()
        elif what == "crash":
            self.outbox._db.close()
            self.boots += 1
            self.clock.reboot(f"boot-{self.boots + 1}")
            self.open()
        elif what == "restore":
            for stream in self.hub.values():
                stream.upto = max(0, stream.upto - number)
                stream.records = {seq: record for seq, record in stream.records.items() if seq <= stream.upto}

    def settle(self) -> None:
        """From now on nothing goes wrong."""
        self.greet()
        for _ in range(400):
            self.work(1)
            self.clock.advance(1_000)
            if not self.outbox.pending and not self.up and not self.down:
                return
        raise AssertionError("it never settles")


@given(steps=_STEPS)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_record_is_on_the_hub_exactly_once_or_in_a_gap(tmp_path_factory: object, steps: list[tuple[str, int]]) -> None:
    world = World(tmp_path_factory.mktemp("world"))  # type: ignore[attr-defined]
    for what, number in steps:
        world.step(what, number)
    world.add(1)
    world.settle()
    assert len(world.hub) == 1  # nothing of this makes a new stream
    for (name, seq), number in world.made.items():
        stream = world.hub[name]
        assert stream.upto >= seq
        record = stream.records.get(seq)
        if record is None or isinstance(record, GapRecord):
            assert any(isinstance(gap, GapRecord) and gap.d.from_seq <= seq <= gap.d.to_seq for gap in stream.records.values()), (
                f"{seq} is neither there nor in a gap"
            )
        else:
            told = record.d.attrs["n"] if isinstance(record.d, Event) else record.d.uptime_ms  # type: ignore[union-attr]
            assert told == number
    world.outbox.close()
