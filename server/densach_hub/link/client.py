"""The hub's one MQTT connection: paho-mqtt driven by the event loop, so that there is no thread to hand things over to.

Messages wait in a bounded queue and are acknowledged to the broker (`done`) only after their contents are on disk.
When the queue is full the socket is not read any more: the pressure goes back through TCP to the broker, and by the
Receive Maximum of MQTT 5 to whoever sends. Back-off is full jitter between 1 and 60 s, and starts over only after
60 s of a stable session.
"""

import asyncio
import random
import ssl
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Any

import paho.mqtt.client as paho
import structlog
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from densach_core.clock import Clock
from densach_core.errors import Unavailable
from densach_core.text import t
from densach_hub.link.model import BrokerAddress, LinkStatus, Message
from densach_wire import codec, topics
from densach_wire.messages import HubState

log = structlog.get_logger("link")

KEEPALIVE_S = 30
RECEIVE_MAXIMUM = 1000
INFLIGHT = 20
"""Our own messages under way; paho walks through all of them at each PUBACK, so more would be slower."""
SESSION_EXPIRY_S = 7 * 86_400
QUEUE_MESSAGES = 2_000
QUEUE_BYTES = 32 * 1024 * 1024
READS_AT_ONCE = 16
"""Packets handled before the event loop gets its turn again (about 1 ms)."""
SHORTEST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
STABLE_SECONDS = 60.0
PUBLISH_SECONDS = 10.0
HUB_STATE_SECONDS = 600.0
DROPPED_TOPIC = "$SYS/broker/publish/messages/dropped"


class Link:
    """Connects, stays connected, receives and publishes. `run` is the long-running part, for a named task.

    Args:
        filters: what to subscribe to beside the contract's own topics (`topics.hub_filters`).
        name: shown to devices in the hub's presence.
    """

    def __init__(
        self,
        address: BrokerAddress,
        *,
        school: str,
        clock: Clock,
        filters: Sequence[str] = (),
        name: str = "",
        queue_messages: int = QUEUE_MESSAGES,
        queue_bytes: int = QUEUE_BYTES,
        shortest_pause: float = SHORTEST_PAUSE,
    ) -> None:
        self._address = address
        self._school = school
        self._clock = clock
        self._filters = (*topics.hub_filters(school), *filters)
        self._name = name
        self._queue: deque[Message] = deque()
        self._queue_bytes = 0
        self._max_messages = queue_messages
        self._max_bytes = queue_bytes
        self._shortest_pause = shortest_pause
        self._arrived = asyncio.Event()
        self._connected = asyncio.Event()
        self._session: _Session | None = None
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
            reason = await asyncio.wait_for(taken, PUBLISH_SECONDS)
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
            except (OSError, _Refused) as error:
                self._trouble = str(error) or type(error).__name__
                log.warning("link.lost", reason=self._trouble, broker=f"{self._address.host}:{self._address.port}")
            if loop.time() - began > STABLE_SECONDS:
                pause = self._shortest_pause
            wait = random.uniform(0, pause)  # noqa: S311 - full jitter
            pause = min(pause * 2, LONGEST_PAUSE)
            await asyncio.sleep(wait)

    async def _one_connection(self) -> None:
        self._connection += 1
        session = _Session(self, self._address, self._school, self._connection, self._mqtt5, self._state("offline"))
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
                    await asyncio.wait_for(asyncio.shield(session.closed), HUB_STATE_SECONDS)
                    break
                except TimeoutError:
                    continue  # time for a fresh clock
            raise _Refused(session.closed.result())
        finally:
            self._connected.clear()
            self._session = None
            self._since_ms = self._clock.now_ms()
            await session.close(topics.hub(self._school), self._state("offline"))

    def _state(self, state: str) -> bytes:
        now = self._clock.now_ms() / 1000 if state == "online" else None
        return codec.encode(HubState(state="online" if state == "online" else "offline", now=now, name=self._name))


class _Refused(Exception):
    """The broker does not want us, or went away; the words are for the log."""


class _Session:
    """One connection of paho, from TCP to its end. All callbacks run in the event loop's thread, except while
    `connect` is busy in a thread of its own (name look-up and TLS block)."""

    def __init__(self, link: Link, address: BrokerAddress, school: str, number: int, mqtt5: bool, will: bytes) -> None:
        self.number = number
        self.wrong_version = False
        self._link = link
        self._mqtt5 = mqtt5
        self._address = address
        self._loop = asyncio.get_running_loop()
        self.closed: asyncio.Future[str] = self._loop.create_future()
        self._greeted: asyncio.Future[str | None] = self._loop.create_future()
        self._subscribed: asyncio.Future[str | None] = self._loop.create_future()
        self._unconfirmed: dict[int, asyncio.Future[str | None]] = {}
        self._socket: Any = None
        self._reading = False
        self._taken = 0
        self._misc: asyncio.Task[None] | None = None
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"densach-hub-{school}",
            protocol=paho.MQTTv5 if mqtt5 else paho.MQTTv311,
            clean_session=None if mqtt5 else False,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.max_inflight_messages_set(INFLIGHT)
        client.will_set(topics.hub(school), will, qos=1, retain=True)
        if address.user is not None:
            client.username_pw_set(address.user, address.password)
        if address.tls:
            client.tls_set_context(ssl.create_default_context(cafile=address.ca_file))
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        client.on_socket_open = self._on_socket_open
        client.on_socket_close = self._on_socket_close
        client.on_socket_register_write = self._on_want_write
        client.on_socket_unregister_write = self._on_written
        self._client = client

    async def open(self) -> None:
        """Raises OSError or _Refused; sets `wrong_version` where the broker does not know MQTT 5."""
        properties = None
        if self._mqtt5:
            properties = _properties(PacketTypes.CONNECT, SessionExpiryInterval=SESSION_EXPIRY_S, ReceiveMaximum=RECEIVE_MAXIMUM)
        clean_start: Any = False if self._mqtt5 else paho.MQTT_CLEAN_START_FIRST_ONLY
        connecting = asyncio.ensure_future(
            asyncio.to_thread(
                self._client.connect,
                self._address.host,
                self._address.port,
                keepalive=KEEPALIVE_S,
                clean_start=clean_start,
                properties=properties,
            )
        )
        try:
            await asyncio.shield(connecting)
        except asyncio.CancelledError:
            await asyncio.wait((connecting,))  # at most paho's 5 s; a socket must not outlive us
            raise
        self._misc = asyncio.create_task(self._keep_alive(), name="link keep-alive")
        await self._one_of(self._greeted)

    async def subscribe(self, filters: Sequence[str]) -> None:
        self._client.subscribe([(f, 1) for f in filters])
        await self._one_of(self._subscribed)

    async def _one_of(self, wanted: asyncio.Future[str | None]) -> None:
        await asyncio.wait((wanted, self.closed), timeout=PUBLISH_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if wanted.done():
            if (reason := wanted.result()) is not None:
                raise _Refused(reason)
        elif not self.wrong_version:
            raise _Refused(self.closed.result() if self.closed.done() else "no answer in time")

    async def _keep_alive(self) -> None:
        while not self.closed.done():
            await asyncio.sleep(1)
            if self._reading:  # while we do not read on purpose, a missing PINGRESP means nothing
                self._client.loop_misc()

    def publish(
        self, topic: str, payload: bytes, qos: int, retain: bool = False, expiry_s: int | None = None
    ) -> asyncio.Future[str | None] | None:
        """A future of the broker's refusal (None: taken); None when the connection is gone.

        paho keeps what is published while offline and sends it later *and* reports an error: never let it come to that.
        """
        if not self._client.is_connected() or self.closed.done():
            return None
        properties = None
        if expiry_s is not None and self._mqtt5:
            properties = _properties(PacketTypes.PUBLISH, MessageExpiryInterval=expiry_s)
        info = self._client.publish(topic, payload, qos, retain, properties)
        if info.rc != paho.MQTT_ERR_SUCCESS:
            return None
        taken: asyncio.Future[str | None] = self._loop.create_future()
        if qos == 0:
            taken.set_result(None)
        else:
            self._unconfirmed[info.mid] = taken
        return taken

    def ack(self, mid: int, qos: int) -> None:
        if not self.closed.done():
            self._client.ack(mid, qos)

    async def close(self, topic: str, farewell: bytes) -> None:
        if self._misc is not None:
            self._misc.cancel()
            await asyncio.gather(self._misc, return_exceptions=True)
        if self._client.is_connected():
            said = self.publish(topic, farewell, 1, retain=True)
            if said is not None:
                await asyncio.wait((said, self.closed), timeout=1, return_when=asyncio.FIRST_COMPLETED)
        self._client.disconnect()
        while self._client.want_write() and not self.closed.done():
            await asyncio.sleep(0)
            self._client.loop_write()
        self._end("closed")

    def _end(self, reason: str) -> None:
        self._forget_socket()
        if not self.closed.done():
            self.closed.set_result(reason)
        for future in (*self._unconfirmed.values(), self._greeted, self._subscribed):
            if not future.done():
                future.set_result(reason)
        self._unconfirmed.clear()

    # ---- the socket

    def resume(self) -> None:
        """There is room again."""
        if not self._reading and self._socket is not None:
            self._reading = True
            self._loop.add_reader(self._socket, self._read)
            self._loop.call_soon(self._read)  # TLS may hold bytes that the socket does not show

    def _pause(self) -> None:
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._socket)

    def _read(self) -> None:
        for _ in range(READS_AT_ONCE):
            if not self._reading:
                return
            before = self._taken
            self._client.loop_read()
            if self._taken == before:
                break
        if self._reading and self._address.tls and self._socket is not None and self._socket.pending():
            self._loop.call_soon(self._read)

    def _watch_socket(self, sock: Any) -> None:
        if not self.closed.done():
            self._socket = sock
            self.resume()

    def _forget_socket(self) -> None:
        if self._socket is not None:
            self._pause()
            self._loop.remove_writer(self._socket)
            self._socket = None

    def _on_socket_open(self, _client: Any, _userdata: Any, sock: Any) -> None:
        self._loop.call_soon_threadsafe(self._watch_socket, sock)

    def _on_socket_close(self, _client: Any, _userdata: Any, _sock: Any) -> None:
        if _in_loop(self._loop):
            self._forget_socket()
        else:
            self._loop.call_soon_threadsafe(self._forget_socket)

    def _on_want_write(self, _client: Any, _userdata: Any, sock: Any) -> None:
        if _in_loop(self._loop):
            self._loop.add_writer(sock, self._client.loop_write)
        else:
            self._loop.call_soon_threadsafe(self._loop.add_writer, sock, self._client.loop_write)

    def _on_written(self, _client: Any, _userdata: Any, sock: Any) -> None:
        if _in_loop(self._loop):
            self._loop.remove_writer(sock)

    # ---- what paho tells

    def _on_connect(self, _client: Any, _userdata: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        if reason.is_failure:
            self.wrong_version = self._mqtt5 and str(reason) == "Unsupported protocol version"
            if not self._greeted.done():
                self._greeted.set_result(None if self.wrong_version else str(reason))
        elif not self._greeted.done():
            self._greeted.set_result(None)

    def _on_disconnect(self, _client: Any, _userdata: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        self._end(str(reason))

    def _on_subscribe(self, _client: Any, _userdata: Any, _mid: int, reasons: list[ReasonCode], _properties: Any) -> None:
        refused = [str(r) for r in reasons if r.is_failure]
        if not self._subscribed.done():
            self._subscribed.set_result(f"subscription refused: {refused[0]}" if refused else None)

    def _on_publish(self, _client: Any, _userdata: Any, mid: int, reason: ReasonCode, _properties: Any) -> None:
        taken = self._unconfirmed.pop(mid, None)
        if taken is not None and not taken.done():
            taken.set_result(str(reason) if reason.is_failure else None)

    def _on_message(self, client: Any, _userdata: Any, message: paho.MQTTMessage) -> None:
        self._taken += 1
        try:
            topic = message.topic
        except UnicodeDecodeError:
            client.ack(message.mid, message.qos)
            return
        clock = self._link._clock  # noqa: SLF001 - the session is the link's own half
        room = self._link._accept(  # noqa: SLF001
            Message(topic, bytes(message.payload), message.retain, clock.now_ms(), (self.number, message.mid, message.qos))
        )
        if not room:
            self._pause()


def _properties(packet: int, **values: int) -> Properties:
    properties = Properties(packet)  # type: ignore[no-untyped-call]
    for name, value in values.items():
        setattr(properties, name, value)
    return properties


def _in_loop(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False


def _offline() -> Unavailable:
    return Unavailable(
        "link.offline", t("The hub has no connection to its broker."), t("Wait a minute; then run densach doctor.")
    )
