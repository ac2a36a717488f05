"""A device in a test: outbox, line and pump, turned by hand."""

import random
from collections.abc import Callable
from pathlib import Path

from tests.agent.broker import SCHOOL, Broker
from tests.agent.school import until

from densach_agent.clock import SystemClock, moment
from densach_agent.correspondent import Correspondent, Hooks
from densach_agent.link import Credentials, Line
from densach_agent.outbox import Outbox
from densach_agent.pump import Pump
from densach_wire.messages import Hello, System


class Station:
    """A device with outbox, line and pump, turned by the test."""

    def __init__(self, line: Line | list[Line], path: Path | None, hooks: Hooks | None = None) -> None:
        self.clock = SystemClock()
        self.outbox = Outbox(path, self.clock)
        self.talk = Correspondent(
            line if isinstance(line, list) else [line],
            self.outbox,
            self.clock,
            self.hello,
            hooks or Hooks(),
            random.Random(1),
            batch_ms=0,
        )
        self.pump = Pump([self.talk.link])

    def hello(self) -> Hello:
        return Hello(
            agent="test 1", os=System("linux"), boot=self.clock.boot, stream=self.outbox.stream, clock=moment(self.clock)
        )

    def turn(self) -> None:
        self.pump.turn(0.02)
        self.talk.tick()

    def until(self, true: Callable[[], bool], seconds: float = 40) -> None:
        until(true, seconds, self.turn)

    def close(self) -> None:
        self.talk.close()
        self.outbox.close()


def certified(broker: Broker, device: str) -> Line:
    certificate, key = broker.authority.issue(device)
    return Line("localhost", broker.tls_port, SCHOOL, device, Credentials(broker.server.ca, certificate, key))
