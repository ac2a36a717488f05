"""The whole promise as one property: whatever happens between a machine and its hub (power cut in the middle of a write,
crash, full disk, loss, repetition, another order, a copied disk, a disk put back, clocks that jump, a hub restored from a
backup), in the end the hub has exactly the records that the outbox took, less the ranges that gap records name.

The agent's side is the real outbox file, courier and membership, the hub's side its real reading, rules and tables; only
the clocks and the air between them are the test's.
"""

import itertools
import os
import shutil
import sqlite3
import tempfile
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.agent.clocks import HandClock
from tests.agent.profiles import examples

from densach_agent.clock import moment
from densach_agent.courier import Courier
from densach_agent.membership import Enrolled, Membership
from densach_agent.outbox import Limits, Outbox
from densach_hub.fleet import receiving
from densach_hub.fleet.model import TwinMode
from densach_hub.fleet.store import TELEMETRY_MIGRATIONS
from densach_hub.fleet.telemetry import take_hello
from densach_hub.fleet.telling import Arrival
from densach_hub.intake.reading import Reader
from densach_hub.link.model import Message
from densach_wire import topics
from densach_wire.factors import factor_digest
from densach_wire.messages import Ack, Body, Event, Factor, Health, Hello, System

SCHOOL, DEVICE = "truong", "pc-1"
YEAR_MS = 365 * 86_400_000
some = st.integers(0, 9)


def body_of(name: str) -> tuple[Factor, ...]:
    return tuple(Factor(kind, factor_digest(kind, f"{name}-{kind}")) for kind in ("board", "mac", "disk"))


class Hub:
    """telemetry.db in memory, filled by intake's reading and fleet's receiving."""

    def __init__(self) -> None:
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        self.db.row_factory = sqlite3.Row
        for migration in TELEMETRY_MIGRATIONS:
            self.db.executescript(str(migration.work))
        self.now = 1_795_500_000_000
        self.reader = Reader(SCHOOL)

    def backup(self) -> bytes:
        return self.db.serialize()

    def restore(self, backup: bytes) -> None:
        self.db.deserialize(backup)
        self.reader.forget_clocks()

    def greet(self, hello: Hello) -> Ack | None:
        """None: this is another machine, it is sent to the door."""
        verdict = take_hello(self.db, DEVICE, hello, TwinMode.ENFORCE, at=self.now)
        return None if verdict.twin else Ack(hello.stream, verdict.upto, self.now / 1000, verdict.want)

    def take(self, payload: bytes) -> Ack:
        heard = self.reader.read_one(Message(topics.batch(SCHOOL, DEVICE), payload, False, self.now, (0, 0, 0)))
        assert isinstance(heard, Arrival), heard
        assert not heard.misfits
        stored = receiving.receive(self.db, heard)
        want = () if stored.resend_from is None else (stored.resend_from,)
        return Ack(heard.stream, stored.upto, self.now / 1000, want)

    def told(self) -> list[int]:
        events = self.db.execute("SELECT attrs FROM event WHERE kind = 'made'")
        found = [int(msgspec.json.decode(row[0])["n"]) for row in events]
        return found + [int(msgspec.json.decode(row[0])["uptime_ms"]) for row in self.db.execute("SELECT body FROM health")]

    def lost(self) -> list[tuple[str, int, int]]:
        return [tuple(row) for row in self.db.execute("SELECT stream, first, last FROM lost")]


class Road(RuleBasedStateMachine):
    """`owed`: record → where it lies (stream, sequence). `maybe`: records of which nobody was told that they are safe."""

    def __init__(self) -> None:
        super().__init__()
        # Power cuts are cuts of bytes here: memory is as good as a disk, and does not wait for one.
        shm = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(prefix="densach-road-", dir=shm if os.access(shm, os.W_OK) else None))
        self.data = self.folder / "data"
        self.data.mkdir()
        self.hub = Hub()
        self.clock = HandClock()
        self.boots = itertools.count(2)
        self.numbers = itertools.count(1)
        self.owed: dict[int, tuple[str, int]] = {}
        self.maybe: set[int] = set()
        self.up: list[bytes] = []
        self.down: list[Ack] = []
        self.backup = self.hub.backup()
        self.frozen: tuple[Path, set[int]] | None = None
        self.put_back_with: set[int] | None = None
        """The disk was put back, and the hub was not heard since: what was owed then."""
        member = Membership(self.data)
        member.enter(Enrolled(school=SCHOOL, device=DEVICE, hub="", mqtt=(), fingerprint=body_of("seat-1")), None, None)
        self.open()

    # ---- the machine

    def open(self) -> None:
        self.outbox = Outbox(self.data / "outbox.db", self.clock, Limits(max_bytes=6_000, memory_records=40))
        self.courier = Courier(self.outbox, DEVICE, self.clock)
        self.greet()

    def hello(self, outbox: Outbox, clock: HandClock, name: str) -> Hello:
        return Hello(
            agent="test", os=System("linux"), boot=clock.boot, stream=outbox.stream, clock=moment(clock),
            fingerprint=body_of(name), kept=outbox.kept(),
        )  # fmt: skip

    def greet(self) -> None:
        """A new connection: what was on its way in the old one is gone."""
        self.up.clear()
        self.down.clear()
        self.courier.connected()
        answer = self.hub.greet(self.hello(self.outbox, self.clock, "seat-1"))
        assert answer is not None, "the machine itself was taken for a twin"
        self.down.append(answer)

    def make(self, kind: str) -> tuple[int, Body]:
        number = next(self.numbers)
        return number, Health(uptime_ms=number) if kind == "health" else Event("made", {"n": number, "text": "x" * 40})

    def lies_in(self, outbox: Outbox) -> dict[int, int]:
        """Record → sequence, of everything that is in an outbox."""
        found: dict[int, int] = {}
        at = 0
        while rows := outbox.after(at):
            at = rows[-1].seq
            for row in rows:
                told = msgspec.json.decode(row.body)
                number = told.get("attrs", {}).get("n") if row.kind == "event" else told.get("uptime_ms")
                if row.kind in ("event", "health") and number is not None:
                    found[number] = row.seq
        return found

    def power_off(self) -> None:
        if self.put_back_with is not None:
            # Put back, and off again before the hub could say that it knows another life: what was made between may be lost.
            for number in set(self.owed) - self.put_back_with:
                self.maybe.add(number)
                del self.owed[number]
        self.outbox._db.close()
        self.hub.now += 60_000
        self.clock.reboot(f"boot-{next(self.boots)}")

    # ---- what may happen

    @rule(kind=st.sampled_from(["event", "event", "health"]), count=st.integers(1, 12))
    def add(self, kind: str, count: int) -> None:
        for _ in range(count):
            number, made = self.make(kind)
            before = self.outbox.last
            after = self.outbox.add(made)
            if after > before:  # else even the memory was full, and the log says so
                self.owed[number] = (self.outbox.stream, after)

    @rule(rounds=st.integers(1, 6))
    def all_goes_well(self, rounds: int) -> None:
        for _ in range(rounds):
            self.hear(0)
            self.send(4)
            self.deliver(0, twice=False)

    @rule(count=st.integers(1, 4))
    def send(self, count: int) -> None:
        for _ in range(count):
            payload = self.courier.next_batch()
            if payload is not None:
                self.up.append(payload)

    @rule(which=some, twice=st.booleans())
    def deliver(self, which: int, twice: bool) -> None:
        if self.up:
            which %= len(self.up)
            self.down.append(self.hub.take(self.up[which] if twice else self.up.pop(which)))

    @rule(which=some)
    def lose(self, which: int) -> None:
        if self.up:
            self.up.pop(which % len(self.up))

    @rule(which=some)
    def hear(self, which: int) -> None:
        if not self.down:
            return
        stream = self.outbox.stream
        if self.courier.acknowledged(self.down.pop(which % len(self.down))):
            self.put_back_with = None
        if self.outbox.stream != stream:  # begun anew: what lay in the old stream and was not told lies in the new one now
            for number, seq in self.lies_in(self.outbox).items():
                self.owed[number] = (self.outbox.stream, seq)
            self.greet()

    @rule(which=some)
    def lose_answer(self, which: int) -> None:
        if self.down:
            self.down.pop(which % len(self.down))

    @rule(seconds=st.integers(1, 2_000))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds * 1_000)
        self.hub.now += seconds * 1_000

    @rule(by_ms=st.sampled_from([-17 * YEAR_MS, 14 * YEAR_MS, 3_600_000, -3_600_000]))
    def clock_jumps(self, by_ms: int) -> None:
        self.clock.set_wall(max(0, self.clock.now_ms() + by_ms))

    @rule()
    def reconnect(self) -> None:
        self.greet()

    @rule()
    def crash(self) -> None:
        """The process alone, in the same boot."""
        self.outbox._db.close()
        self.open()

    @rule()
    def power_cut(self) -> None:
        self.power_off()
        self.open()

    @precondition(lambda self: self.outbox.trouble is None)
    @rule(share=st.floats(0, 1), count=st.integers(1, 4))
    def power_cut_in_a_write(self, share: float, count: int) -> None:
        """The log's bytes reached the disk up to somewhere."""
        files = [self.data / "outbox.db", self.data / "outbox.db-wal"]
        made = [self.make("event") for _ in range(count)]
        before = [file.read_bytes() for file in files]
        self.outbox.add(*(body for _, body in made))
        after = [file.read_bytes() for file in files]
        self.power_off()
        for file in self.data.glob("outbox.db-*"):
            file.unlink()
        cut = round(share * len(after[1]))
        torn = before[1][cut:] if before[0] == after[0] else after[1][cut:]
        files[0].write_bytes(after[0])
        files[1].write_bytes(after[1][:cut] + torn)
        self.open()
        there = self.lies_in(self.outbox)
        numbers = [number for number, _ in made]
        assert sum(number in there for number in numbers) in (0, count), "a part of a transaction"
        for number in numbers:
            if number in there:
                self.owed[number] = (self.outbox.stream, there[number])

    @rule()
    def disk_fills(self) -> None:
        pages = int(self.outbox._db.execute("PRAGMA page_count").fetchone()[0])
        self.outbox._db.execute(f"PRAGMA max_page_count = {pages}")

    @rule()
    def disk_has_room(self) -> None:
        self.outbox._db.execute("PRAGMA max_page_count = 100000")
        self.wait(61)

    @rule()
    def disk_is_copied_into_another_machine(self) -> None:
        """Its agent looks at the machine first: the copy is nobody, and nothing of it is told twice."""
        copy = Membership(self.folder / "copy")
        shutil.copytree(self.data, copy.folder)
        assert copy.leave_if_copied(body_of("seat-2"))
        assert copy.enrolled() is None
        assert not list(copy.folder.glob("outbox.db*"))
        shutil.rmtree(copy.folder)

    @rule(count=st.integers(1, 3))
    def copy_speaks_all_the_same(self, count: int) -> None:
        """An agent that did not look (an old one): the hub sees another body, and takes nothing of it in."""
        copy = self.folder / "copy"
        shutil.copytree(self.data, copy)
        clock = HandClock(boot=f"copy-{next(self.boots)}", wall_ms=self.clock.wall_ms)
        outbox = Outbox(copy / "outbox.db", clock)
        courier = Courier(outbox, DEVICE, clock)
        try:
            if self.hub.greet(self.hello(outbox, clock, "seat-2")) is not None:
                raise AssertionError("the copy was not noticed")
            for _ in range(count):
                outbox.add(Event("made", {"n": -1}))
            courier.connected()
            clock.advance(6_000)
            while (payload := courier.next_batch()) is not None:
                if clock.boot.encode() not in _inflated(payload):
                    break  # records of the original's boots: they are the same as its own
                self.hub.take(payload)
                clock.advance(6_000)
        finally:
            outbox.close()
            shutil.rmtree(copy)

    @rule()
    def disk_is_frozen(self) -> None:
        """What reboot-and-restore software will put back."""
        if self.outbox.trouble is None:
            place = self.folder / "frozen"
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(self.data, place)
            self.frozen = (place, set(self.owed))

    @precondition(lambda self: self.frozen is not None)
    @rule()
    def disk_is_put_back(self) -> None:
        assert self.frozen is not None
        place, kept = self.frozen
        self.power_off()
        shutil.rmtree(self.data)
        shutil.copytree(place, self.data)
        for number in set(self.owed) - kept:  # told or not: where they lay is gone
            self.maybe.add(number)
            del self.owed[number]
        self.put_back_with = set(self.owed)
        self.backup = self.hub.backup()  # a hub that forgets as well has nothing to tell the two lives apart by
        self.open()

    @precondition(lambda self: self.frozen is None)
    @rule()
    def hub_is_backed_up(self) -> None:
        self.backup = self.hub.backup()

    @precondition(lambda self: self.frozen is None)
    @rule()
    def hub_is_restored(self) -> None:
        self.hub.restore(self.backup)
        self.greet()

    # ---- what always holds

    @invariant()
    def nothing_twice_and_nothing_invented(self) -> None:
        told = self.hub.told()
        assert len(told) == len(set(told)), "stored twice"
        assert set(told) <= self.owed.keys() | self.maybe, "nobody made that, or it was another machine's"

    def teardown(self) -> None:
        try:
            self.disk_has_room()
            self.add("event", 1)
            self.settle()
            told, lost = set(self.hub.told()), self.hub.lost()
            for number, (stream, seq) in self.owed.items():
                if number not in told:
                    assert any(name == stream and first <= seq <= last for name, first, last in lost), (
                        f"record {number} ({stream} {seq}) is neither there nor in a gap"
                    )
            self.nothing_twice_and_nothing_invented()
        finally:
            self.outbox.close()
            self.hub.db.close()
            shutil.rmtree(self.folder)

    def settle(self) -> None:
        """From now on nothing goes wrong."""
        self.greet()
        for _ in range(400):
            self.all_goes_well(1)
            self.wait(1)
            if not self.outbox.pending and not self.up and not self.down:
                return
        raise AssertionError("it never settles")


def _inflated(payload: bytes) -> bytes:
    from densach_wire.codec import decode_batch

    return decode_batch(payload).envelope.boot.encode()


TestRoad = Road.TestCase
TestRoad.settings = settings(
    max_examples=examples(25), stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
