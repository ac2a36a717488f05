"""The hub's one MQTT connection: paho-mqtt driven by the event loop, so that there is no thread to hand things over to.

Messages wait in a bounded queue and are acknowledged to the broker (`done`) only after their contents are on disk.
When the queue is full the socket is not read any more: the pressure goes back through TCP to the broker, and by the
Receive Maximum of MQTT 5 to whoever sends. Back-off is full jitter between 1 and 60 s, and starts over only after
60 s of a stable session.
"""

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence

import structlog

from densach_core.clock import Clock
from densach_core.errors import Unavailable
from densach_core.text import t
from densach_hub.link.model import BrokerAddress, LinkStatus, Message
from densach_hub.link.session import ANSWER_SECONDS, Refused, Session
from densach_wire import codec, topics
from densach_wire.messages import HubState

log = structlog.get_logger("link")

QUEUE_MESSAGES = 2_000
QUEUE_BYTES = 32 * 1024 * 1024
SHORTEST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
STABLE_SECONDS = 60.0
HUB_STATE_SECONDS = 600.0
LONGEST_LINE = 500  # of the contract
DROPPED_TOPIC = "$SYS/broker/publish/messages/dropped"


class Link:
    """Connects, stays connected, receives and publishes. `run` is the long-running part, for a named task.

    Args:
        filters: what to subscribe to beside the contract's own topics (`topics.hub_filters`).
        named: asked for the name shown to devices in the hub's presence, each time it is told (the school may be renamed).
    """

    def __init__(
        self,
        address: BrokerAddress,
        *,
        school: str,
        clock: Clock,
        filters: Sequence[str] = (),
        named: Callable[[], str] = str,
        queue_messages: int = QUEUE_MESSAGES,
        queue_bytes: int = QUEUE_BYTES,
        shortest_pause: float = SHORTEST_PAUSE,
    ) -> None:
        self._address = address
        self._school = school
        self._clock = clock
        self._filters = (*topics.hub_filters(school), *filters)
        self.named = named
        self._queue: deque[Message] = deque()
        self._queue_bytes = 0
        self._max_messages = queue_messages
        self._max_bytes = queue_bytes
        self._shortest_pause = shortest_pause
        self._arrived = asyncio.Event()
        self._connected = asyncio.Event()
        self._session: Session | None = None
        self._mqtt5 = address.mqtt5
        self._connection = 0
        self._connects = 0
        self._received = 0
        self._since_ms: int | None = None
        self._dropped: int | None = None
        self._trouble: str | None = None

    # ---- receiving

    async def take(self, most: int = 100) -> list[Message]:
        """Waits for messages and returns those that are there, oldest first, at most `most`."""
        while not self._queue:
            self._arrived.clear()
            await self._arrived.wait()
        taken = [self._queue.popleft() for _ in range(min(most, len(self._queue)))]
        self._queue_bytes -= sum(len(m.payload) for m in taken)
        if self._session is not None and not self._is_full():
            self._session.resume()
        return taken

    async def messages(self) -> AsyncIterator[Message]:
        """One by one; prefer `take` where many come at once."""
        while True:
            for message in await self.take():
                yield message

    def done(self, message: Message) -> None:
        """The message's contents are on disk: the broker may forget it. Late calls, after a reconnect, do nothing
        (the broker sends those messages again)."""
        connection, mid, qos = message.token
        if qos and self._session is not None and connection == self._session.number:
            self._session.ack(mid, qos)

    def _accept(self, message: Message) -> bool:
        """Whether there is room for more after this one."""
        if message.topic == DROPPED_TOPIC:
            self._note_dropped(message.payload)
            return True
        self._received += 1
        self._queue.append(message)
        self._queue_bytes += len(message.payload)
        self._arrived.set()
        return not self._is_full()

    def _is_full(self) -> bool:
        return len(self._queue) >= self._max_messages or self._queue_bytes >= self._max_bytes

    def _note_dropped(self, payload: bytes) -> None:
        try:
            dropped = int(payload)
        except ValueError:
            return
        if self._dropped is not None and dropped > self._dropped:
            # No loss: devices let go only of what the hub itself acknowledged, and send again. But it must not go on.
            log.warning("link.broker-dropped", messages=dropped - self._dropped, total=dropped)
        self._dropped = dropped

    # ---- sending

    @property
    def connected(self) -> bool:
        return self._connected.is_set()

    async def until_connected(self) -> None:
        await self._connected.wait()

    def send(self, topic: str, payload: bytes, *, qos: int = 1) -> bool:
        """Hands a message to the connection and does not wait; False when there is none (then it was not sent)."""
        return self._session is not None and self.connected and self._session.publish(topic, payload, qos) is not None

    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False, expiry_s: int | None = None
    ) -> None:
        """Resolves when the broker has taken the message. Raises Unavailable("link.offline" or "link.refused").

        `expiry_s`: after so many seconds the broker throws the message away (MQTT 5 only).
        """
        session = self._session
        if session is None or not self.connected:
            raise _offline()
        taken = session.publish(topic, payload, qos, retain, expiry_s)
        if taken is None:
            raise _offline()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):  # not wait_for: it may swallow being cancelled
                reason = await taken
        except TimeoutError:
            raise _offline() from None
        if reason is not None:
            raise Unavailable("link.refused", t("The broker refused a message: {reason}", reason=reason), topic=topic)

    def status(self) -> LinkStatus:
        return LinkStatus(
            self.connected,
            self._since_ms,
            self._connects,
            self._received,
            len(self._queue),
            self._queue_bytes,
            self._mqtt5,
            self._dropped,
            self._trouble,
        )

    # ---- being connected

    async def run(self) -> None:
        """Keeps the connection until cancelled; then says `offline` and leaves."""
        pause = self._shortest_pause
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await self._one_connection()
            except (OSError, Refused) as error:
                self._trouble = str(error) or type(error).__name__
                log.warning("link.lost", reason=self._trouble, broker=f"{self._address.host}:{self._address.port}")
            if loop.time() - began > STABLE_SECONDS:
                pause = self._shortest_pause
            wait = random.uniform(0, pause)  # noqa: S311 - full jitter
            pause = min(pause * 2, LONGEST_PAUSE)
            await asyncio.sleep(wait)

    async def _one_connection(self) -> None:
        self._connection += 1
        session = Session(
            self._address,
            self._school,
            self._connection,
            mqtt5=self._mqtt5,
            will=self._state("offline"),
            clock=self._clock,
            accept=self._accept,
        )
        try:
            await session.open()
            if session.wrong_version:
                self._mqtt5 = False
                return
            self._session = session
            await session.subscribe((*self._filters, DROPPED_TOPIC))
            self._connects += 1
            self._since_ms = self._clock.now_ms()
            self._trouble = None
            self._connected.set()
            log.info("link.connected", broker=f"{self._address.host}:{self._address.port}", mqtt5=self._mqtt5)
            while True:
                session.publish(topics.hub(self._school), self._state("online"), 1, retain=True)
                try:
                    async with asyncio.timeout(HUB_STATE_SECONDS):
                        await asyncio.shield(session.closed)
                    break
                except TimeoutError:
                    continue  # time for a fresh clock
            raise Refused(session.closed.result())
        finally:
            self._connected.clear()
            self._session = None
            self._since_ms = self._clock.now_ms()
            await session.close(topics.hub(self._school), self._state("offline"))

    def _state(self, state: str) -> bytes:
        now = self._clock.now_ms() / 1000 if state == "online" else None
        return codec.encode(
            HubState(state="online" if state == "online" else "offline", now=now, name=self.named()[:LONGEST_LINE])
        )


def _offline() -> Unavailable:
    return Unavailable(
        "link.offline", t("The hub has no connection to its broker."), t("Wait a minute; then run densach doctor.")
    )
