"""Everything between an outbox and the hub over one line: greets, sends, lets go on acknowledgement, hands on wishes.

The real agent has one; the simulator has hundreds in one thread (one Pump for all their links).
"""

import logging
import random
from collections.abc import Callable, Sequence

import msgspec

from densach_agent.backoff import STABLE_MS, TakeoverWatch
from densach_agent.clock import Clock
from densach_agent.courier import Courier
from densach_agent.link import Ended, Incoming, Line, Link, Listener
from densach_agent.outbox import Outbox
from densach_wire import topics
from densach_wire.codec import decode, encode
from densach_wire.errors import WireError
from densach_wire.messages import Ack, Command, Desired, Hello, HubState, Presence, Result

log = logging.getLogger(__name__)

_AT_ONCE = 100
"""This many unsent records do not wait for company."""
_PAUSE_AS_TWIN_MS = 5 * 60_000


def _nothing(*_: object) -> None:
    return None


class Hooks(msgspec.Struct, frozen=True, kw_only=True):
    """What its owner wants to hear of."""

    sections: Callable[[tuple[str, ...]], None] = _nothing
    """The hub wants these inventory sections ("*": all)."""
    desired: Callable[[Desired], None] = _nothing
    command: Callable[[str, Command], None] = _nothing
    """A request by name. Not yet checked for its expiry."""
    twin: Callable[[], None] = _nothing
    """Another machine has our identity: three takeovers in five minutes. The line stands still for some minutes."""
    changed: Callable[[str], None] = _nothing
    """The line's state in words, when it changes."""


class Correspondent:
    """Call `tick` after each turn of the pump. `batch_ms`: records wait this long for company."""

    def __init__(
        self,
        lines: Sequence[Line],
        outbox: Outbox,
        clock: Clock,
        hello: Callable[[], Hello],
        hooks: Hooks,
        chance: random.Random,
        *,
        batch_ms: int = 30_000,
        window: int = 4,
    ) -> None:
        self.link = Link(lines, Listener(self._connected, self._message, self._ended), clock, chance)
        self.batch_ms = batch_ms
        self._school, self._device = lines[0].school, lines[0].device
        self._outbox = outbox
        self._clock = clock
        self._hello = hello
        self._hooks = hooks
        self._chance = chance
        self._courier = Courier(outbox, self._device, clock, window=window)
        self._takeovers = TakeoverWatch()
        self._fresh_since: int | None = None
        self._urgent = True

    @property
    def hub_now_ms(self) -> int | None:
        return self._courier.hub_now_ms()

    @property
    def hub_online(self) -> bool | None:
        return self._courier.hub_online

    def nudge(self) -> None:
        """What is in the outbox does not wait for company."""
        self._urgent = True

    def tick(self) -> None:
        if not self.link.connected:
            return
        now = self._clock.up_ms()
        unsent = self._courier.unsent
        if unsent and self._fresh_since is None:
            self._fresh_since = now
        waited = self._fresh_since is not None and now - self._fresh_since >= self.batch_ms
        if not (self._courier.under_way or self._urgent or waited or unsent >= _AT_ONCE):
            return
        topic = topics.batch(self._school, self._device)
        while (payload := self._courier.next_batch()) is not None:
            if not self.link.publish(topic, payload):
                break
        if not self._courier.unsent:
            self._urgent, self._fresh_since = False, None

    def answer(self, name: str, result: Result) -> bool:
        """Whether there was a line to answer on."""
        return self.link.publish(topics.res(self._school, self._device, name), encode(result))

    def greet(self) -> None:
        """The birth, again when the stream changed."""
        self.link.publish(topics.hello(self._school, self._device), encode(self._hello()), retain=True)

    def close(self, presence: Presence = Presence.OFF) -> None:
        self.link.close(presence)

    # ---- from the line --------------------------------------------------------------------------------------------

    def _connected(self) -> None:
        self._courier.connected()
        self._urgent = True
        self.greet()
        self._hooks.changed("connected")

    def _message(self, incoming: Incoming) -> None:
        channel, payload = incoming.topic.channel, incoming.payload
        try:
            if channel is topics.Channel.HUB:
                self._courier.hub_says(decode(payload, HubState), retained=incoming.retained)
            elif channel is topics.Channel.ACK:
                self._acknowledged(decode(payload, Ack))
            elif channel is topics.Channel.DESIRED and payload:
                self._hooks.desired(decode(payload, Desired))
            elif channel is topics.Channel.CMD and not incoming.retained and incoming.topic.name is not None:
                self._hooks.command(incoming.topic.name, decode(payload, Command))
        except WireError as error:
            log.warning("a message on %s that cannot be read: %s", incoming.topic, error)

    def _acknowledged(self, ack: Ack) -> None:
        stream = self._outbox.stream
        if not self._courier.acknowledged(ack):
            return
        if self._outbox.stream != stream:
            self.greet()
            self._hooks.sections(("*",))  # what was told before the disk was put back may have been something else
        if ack.sections:
            self._hooks.sections(ack.sections)
            self._urgent = True

    def _ended(self, ended: Ended) -> None:
        self._hooks.changed(ended.why)
        if not ended.lasted_ms:
            self._takeovers.forget()  # a broker that cannot be reached throws nobody out
        # Brokers rarely give the reason: a young session that the other side ended looks like one taken over, unless the
        # other side is gone itself (a hub that is started again and again).
        thrown_out = ended.taken_over or (ended.by_peer and 0 < ended.lasted_ms < STABLE_MS and self.link.broker_is_up())
        if thrown_out and self._takeovers.taken_over(self._clock.up_ms()):
            self._takeovers.forget()
            pause = _PAUSE_AS_TWIN_MS + self._chance.randint(0, _PAUSE_AS_TWIN_MS)
            self.link.wait_until(self._clock.up_ms() + pause)
            self._hooks.twin()
