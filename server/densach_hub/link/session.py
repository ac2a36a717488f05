"""One MQTT connection of paho, driven by the event loop: its socket, its callbacks, what is under way on it."""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from densach_core.clock import Clock
from densach_hub.link.model import BrokerAddress, Message
from densach_wire import topics

KEEPALIVE_S = 30
RECEIVE_MAXIMUM = 1000
INFLIGHT = 20
"""Our own messages under way; paho walks through all of them at each PUBACK, so more would be slower."""
SESSION_EXPIRY_S = 7 * 86_400
READS_AT_ONCE = 16
"""Packets handled before the event loop gets its turn again (about 1 ms)."""
ANSWER_SECONDS = 10.0


class Refused(Exception):
    """The broker does not want us, or went away; the words are for the log."""


class Session:
    """One connection, from TCP to its end. All callbacks run in the event loop's thread, except while `connect` is busy
    in a thread of its own (name look-up and TLS block).

    Args:
        number: of this connection; it is in the token of each message.
        accept: takes a message; False when there is no room for more, until `resume`.
    """

    def __init__(
        self,
        address: BrokerAddress,
        school: str,
        number: int,
        *,
        mqtt5: bool,
        will: bytes,
        clock: Clock,
        accept: Callable[[Message], bool],
    ) -> None:
        self.number = number
        self.wrong_version = False
        self._clock = clock
        self._accept = accept
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
        """Raises OSError or Refused; sets `wrong_version` where the broker does not know MQTT 5."""
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
        await asyncio.wait((wanted, self.closed), timeout=ANSWER_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if wanted.done():
            if (reason := wanted.result()) is not None:
                raise Refused(reason)
        elif not self.wrong_version:
            raise Refused(self.closed.result() if self.closed.done() else "no answer in time")

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
        token = (self.number, message.mid, message.qos)
        room = self._accept(Message(topic, bytes(message.payload), message.retain, self._clock.now_ms(), token))
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
