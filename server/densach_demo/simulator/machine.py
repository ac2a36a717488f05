"""One simulated machine: outbox, courier and line of the real agent, driven by whoever turns the pump."""

import logging
import random

from densach_agent.clock import moment
from densach_agent.courier import Courier
from densach_agent.link import Ended, Incoming, Line, Link, Listener
from densach_agent.outbox import Limits, Outbox
from densach_agent.requests import Desk
from densach_demo.simulator.clock import MachineClock
from densach_demo.simulator.hardware import Hardware
from densach_demo.simulator.joining import AGENT
from densach_wire import topics
from densach_wire.codec import decode, encode
from densach_wire.errors import WireError
from densach_wire.messages import Ack, Command, Hello, HubState, Outcome, Presence, Result, System
from densach_wire.topics import Channel

log = logging.getLogger(__name__)


class SimulatedMachine:
    """`turn` after each turn of the pump hands over what may be sent. Not thread-safe."""

    def __init__(self, hardware: Hardware, line: Line, clock: MachineClock, *, limits: Limits | None = None) -> None:
        self.hardware = hardware
        self.clock = clock
        self.outbox = Outbox(None, clock, limits or Limits())
        self._line = line
        self._courier = Courier(self.outbox, line.device, clock)
        self._factors = hardware.factors()
        self._chance = random.Random(hardware.number)
        self.link = self._new_link()
        self.desk: Desk | None = None
        """Who answers requests; without one they are refused."""
        self.acknowledged = 0
        """Acknowledgements heard."""

    def _new_link(self) -> Link:
        return Link([self._line], Listener(self._connected, self._message, self._ended), self.clock, self._chance)

    @property
    def drained(self) -> bool:
        return self.outbox.pending == 0

    def turn(self) -> None:
        """Publishes what the courier gives; goes on with what was asked."""
        if self.desk is not None:
            self.desk.tick()
        while self.link.connected and (payload := self._courier.next_batch()) is not None:
            self.link.publish(topics.batch(self._line.school, self._line.device), payload)

    def become(self, hardware: Hardware) -> None:
        """Parts were changed; the sections that differ are told at once."""
        before = {section.section: section.digest for section in self.hardware.sections()}
        self.hardware = hardware
        changed = [section for section in hardware.sections() if before.get(section.section) != section.digest]
        if changed:
            self.outbox.add(*changed)

    def goodbye(self, presence: Presence) -> None:
        """Leaves in good order."""
        self.link.close(presence)

    def wake(self, boot: str, up_ms: int) -> None:
        """A new boot, with a line of its own: seconds since boot begin anew, and the old line counted by them."""
        self.clock.run(boot, up_ms=up_ms)
        self.link = self._new_link()

    # ---- what the link says ---------------------------------------------------------------------------------------

    def _connected(self) -> None:
        self._courier.connected()
        model = self.hardware.model
        hello = Hello(
            agent=AGENT,
            os=System("linux", *model.os, arch="x86_64"),
            hostname=self.hardware.hostname,
            boot=self.clock.boot,
            stream=self.outbox.stream,
            clock=moment(self.clock),
            fingerprint=self._factors,
            caps=("inventory", "usage", "health", "event", *(f"cmd:{name}" for name in (self.desk.names if self.desk else ()))),
            kept=self.outbox.kept(),
            simulated=True,
            maker=model.maker,
            model=model.name,
        )
        self.link.publish(topics.hello(self._line.school, self._line.device), encode(hello), retain=True)

    def _message(self, incoming: Incoming) -> None:
        try:
            match incoming.topic.channel:
                case Channel.ACK:
                    self._ack(decode(incoming.payload, Ack))
                case Channel.HUB:
                    self._courier.hub_says(decode(incoming.payload, HubState), retained=incoming.retained)
                case Channel.CMD:
                    self._command(incoming.topic.name or "", decode(incoming.payload, Command))
                case _:
                    pass
        except WireError as error:
            log.warning("%s: %s", incoming.topic, error)

    def _ack(self, ack: Ack) -> None:
        if not self._courier.acknowledged(ack):
            return
        self.acknowledged += 1
        self.tell_again(frozenset(ack.sections))

    def _command(self, name: str, command: Command) -> None:
        if self.desk is None:
            self.report(name, Result(id=command.id, outcome=Outcome.REFUSED, reason="policy: a simulated machine does nothing"))
        else:
            self.desk.receive(name, command)

    def report(self, name: str, result: Result) -> bool:
        """What became of a request; False without a line."""
        if not self.link.connected:
            return False
        self.link.publish(topics.res(self._line.school, self._line.device, name), encode(result))
        return True

    def tell_again(self, sections: frozenset[str]) -> None:
        """`*`: all of them."""
        wanted = [s for s in self.hardware.sections() if "*" in sections or s.section in sections]
        if wanted:
            self.outbox.add(*wanted)

    def _ended(self, ended: Ended) -> None:
        log.debug("%s: %s", self.hardware.hostname, ended.why)
