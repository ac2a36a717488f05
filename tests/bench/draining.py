"""`python -m tests.bench.draining PLAN.json`: machines that come back after weeks without a hub. Each is the agent's own
outbox file, courier and line; prints `ready`, waits for a line on standard input, and prints `done SECONDS LEFT`."""

import random
import sys
import time
from pathlib import Path

import msgspec
from tests.bench.month import limits

from densach_agent.clock import moment
from densach_agent.correspondent import Correspondent, Hooks
from densach_agent.outbox import Outbox
from densach_agent.pump import Pump
from densach_agent.settings import Settings
from densach_demo.simulator.clock import MachineClock
from densach_demo.simulator.hardware import hardware
from densach_demo.simulator.joining import AGENT, line_of
from densach_wire.messages import Desired, Hello, System


class DrainingPlan(msgspec.Struct, frozen=True):
    """Machine number → (folder of its credentials, its outbox file)."""

    machines: dict[int, tuple[str, str]]
    seconds: float = 300.0


class Returning:
    """One machine on the morning on which the hub is there again."""

    def __init__(self, number: int, folder: Path, file: Path) -> None:
        self.clock = MachineClock("boot")
        self.clock.run(f"back{number:012x}", up_ms=60_000)
        self.outbox = Outbox(file, self.clock, limits(Settings()))
        self._hardware = hardware(number)
        self.talk = Correspondent(
            [line_of(folder)], self.outbox, self.clock, self._hello, Hooks(), random.Random(number),
            batch_ms=Desired().batch_s * 1000,
        )  # fmt: skip

    def _hello(self) -> Hello:
        return Hello(
            agent=AGENT, os=System("linux"), hostname=self._hardware.hostname, boot=self.clock.boot, stream=self.outbox.stream,
            clock=moment(self.clock), fingerprint=self._hardware.factors(), kept=self.outbox.kept(), simulated=True,
        )  # fmt: skip


def drain(plan: DrainingPlan) -> tuple[float, int]:
    machines = [Returning(number, Path(folder), Path(file)) for number, (folder, file) in plan.machines.items()]
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.monotonic()
    pump = Pump([one.talk.link for one in machines])
    while (left := sum(one.outbox.pending for one in machines)) and time.monotonic() - began < plan.seconds:
        pump.turn(0.02)
        for one in machines:
            one.talk.tick()
    took = time.monotonic() - began
    for one in machines:
        one.talk.close()
        one.outbox.close()
    return took, left


if __name__ == "__main__":
    seconds, still = drain(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=DrainingPlan))
    print(f"done {seconds:.3f} {still}", flush=True)
