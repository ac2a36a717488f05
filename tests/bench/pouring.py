"""`python -m tests.bench.pouring PLAN.json`: machines that pour what their outboxes hold into a broker.

Prints `ready`, waits for a line on standard input, pours, and prints `done SECONDS START END` (monotonic clock). Batches are
sealed before: what is measured is the receiving side. `acked`: until the hub has acknowledged everything; otherwise
until the broker has taken everything.
"""

import random
import sys
import time
from pathlib import Path

import msgspec

from densach_agent.clock import moment
from densach_agent.courier import seal
from densach_agent.link import Ended, Incoming, Line, Link, Listener
from densach_agent.outbox import Limits, Outbox
from densach_agent.pump import Pump
from densach_demo.simulator.clock import MachineClock
from densach_demo.simulator.habits import Session
from densach_demo.simulator.hardware import Hardware, hardware
from densach_demo.simulator.history import health, usage
from densach_demo.simulator.joining import AGENT, line_of
from densach_wire import topics
from densach_wire.codec import decode, encode
from densach_wire.messages import Ack, Body, Event, Hello, System
from densach_wire.topics import Channel

RECORDS_A_BATCH = 100
WINDOW = 8
DAY_MS = 86_400_000


class PouringPlan(msgspec.Struct, frozen=True):
    """Machine number → folder of its credentials, or "" for a broker that asks nobody (at `port`)."""

    machines: dict[int, str]
    records: int
    acked: bool
    port: int = 0
    seconds: float = 240.0


class Pourer:
    """One machine: its sealed batches and its line."""

    def __init__(self, number: int, line: Line, records: int, *, acked: bool) -> None:
        self.clock = MachineClock(f"boot{number:04}")
        self._line = line
        self._acked = acked
        self._hardware = hardware(number)
        outbox = Outbox(None, self.clock, Limits(max_bytes=256 * 1024 * 1024))
        fill(outbox, self.clock, self._hardware, records)
        self.stream, self.last = outbox.stream, outbox.last
        self.batches: list[tuple[int, bytes]] = []
        at = 0
        self.clock.run(f"boot{number:04}", up_ms=10 * DAY_MS)
        while rows := outbox.after(at, max_records=RECORDS_A_BATCH):
            at = rows[-1].seq
            self.batches.append((at, seal(rows, line.device, outbox.stream, self.clock)))
        outbox.close()
        self.upto = 0
        self._next = 0
        self._greeted = False
        self.link = Link([line], Listener(self._connected, self._message, self._ended), self.clock, random.Random(number))

    @property
    def done(self) -> bool:
        if self._acked:
            return self.upto >= self.last
        return self._next >= len(self.batches) and not self.link.wants_write()

    def turn(self) -> None:
        topic = topics.batch(self._line.school, self._line.device)
        while self._greeted and self.link.connected and self._next < len(self.batches):
            if self._acked and self._next >= WINDOW and self.batches[self._next - WINDOW][0] > self.upto:
                return
            self.link.publish(topic, self.batches[self._next][1])
            self._next += 1

    def _connected(self) -> None:
        hello = Hello(
            agent=AGENT, os=System("linux"), hostname=self._hardware.hostname, boot=self.clock.boot, stream=self.stream,
            clock=moment(self.clock), fingerprint=self._hardware.factors(), simulated=True,
        )  # fmt: skip
        self.link.publish(topics.hello(self._line.school, self._line.device), encode(hello), retain=True)
        self._greeted = True

    def _message(self, incoming: Incoming) -> None:
        if incoming.topic.channel is Channel.ACK:
            ack = decode(incoming.payload, Ack)
            if ack.stream == self.stream:
                self.upto = max(self.upto, ack.upto)
                if ack.resend_from is not None:
                    self._next = min(
                        self._next, next((n for n, (seq, _) in enumerate(self.batches) if seq >= ack.resend_from), 0)
                    )

    def _ended(self, ended: Ended) -> None:
        sys.stderr.write(f"{self._hardware.hostname}: {ended.why}\n")
        self._next = next((n for n, (seq, _) in enumerate(self.batches) if seq > self.upto), len(self.batches))


def fill(outbox: Outbox, clock: MachineClock, machine: Hardware, records: int) -> None:
    """A long boot as a machine would tell it: health each quarter of an hour, slices, now and then an event."""
    now = time.time_ns() // 1_000_000
    on_at = now - 9 * DAY_MS
    step = 8 * DAY_MS // max(1, records)
    for n in range(records):
        at = on_at + n * step
        clock.freeze(clock.boot, at, at - on_at + 20_000)
        body: Body
        if n % 5 in {1, 2}:
            start = at - min(step, 1_800_000)
            body = usage(Session(start, at, f"{n % 40:032x}", 0.7), on_at, start, at)
        elif n % 50 == 0:
            body = Event("awake")
        else:
            body = health(machine, on_at, at, busy=n % 3 == 0)
        outbox.add(body)


def pour(plan: PouringPlan) -> tuple[float, float]:
    pourers = []
    for number, folder in plan.machines.items():
        line = line_of(Path(folder)) if folder else Line("127.0.0.1", plan.port, "bench", f"d{number}")
        pourers.append(Pourer(number, line, plan.records, acked=plan.acked))
    print("ready", flush=True)
    sys.stdin.readline()
    start = time.monotonic()
    pump = Pump([pourer.link for pourer in pourers])
    while not all(pourer.done for pourer in pourers):
        pump.turn(0.02)
        for pourer in pourers:
            pourer.turn()
        if time.monotonic() - start > plan.seconds:
            left = sum(pourer.last - pourer.upto for pourer in pourers)
            print(f"late {left}", flush=True)
            break
    end = time.monotonic()
    for _ in range(20):  # what the broker still has to take
        pump.turn(0.01)
    for pourer in pourers:
        pourer.link.close()
    return start, end


if __name__ == "__main__":
    found = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=PouringPlan)
    began, ended = pour(found)
    print(f"done {ended - began:.4f} {began:.6f} {ended:.6f}", flush=True)
