"""The line to the broker: paho-mqtt behind one adapter, without threads.

A Link owns at most one connection; whoever owns the Link waits on its socket (`Pump` does it for one machine as for
two hundred simulated ones). Each attempt makes a new client: what must survive is in the outbox, nothing in paho.

Certificates are checked for chain and name, not for dates: a machine whose clock battery died boots in 2009.
"""

import contextlib
import logging
import random
import select
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from densach_agent.backoff import Backoff
from densach_agent.clock import Clock
from densach_wire import topics
from densach_wire.codec import MAX_PAYLOAD
from densach_wire.errors import BadTopic
from densach_wire.messages import Presence

log = logging.getLogger(__name__)

NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL; the ssl module has no name for it."""
_KEEPALIVE_S = 45
_SESSION_S = 3600
_WILL_DELAY_S = 30
_CONNECT_S = 10.0
_TAKEN_OVER = 0x8E
_NO_REASON = 0x80
_NOT_AUTHORIZED = frozenset({0x86, 0x87})


class Credentials(msgspec.Struct, frozen=True):
    """Certificate files, or user name and password on a listener without TLS."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    password: str | None = None


class Line(msgspec.Struct, frozen=True):
    """Where to connect and as whom."""

    host: str
    port: int
    school: str
    device: str
    credentials: Credentials = Credentials()
    name: str | None = None
    """The name in the broker's certificate, if it is reached by another one (an address)."""

    @property
    def tls(self) -> bool:
        return self.credentials.ca is not None


class Incoming(msgspec.Struct, frozen=True):
    topic: topics.Topic
    payload: bytes
    retained: bool


class Ended(msgspec.Struct, frozen=True):
    """Why a connection, or the attempt at one, is over."""

    why: str
    lasted_ms: int
    taken_over: bool = False
    refused: bool = False
    """The broker does not accept these credentials."""
    by_peer: bool = False
    """The other side ended it, for no reason it told."""


class Listener(msgspec.Struct, frozen=True):
    """What the owner of a Link wants to hear of. Called from `Pump.turn` only, never from another thread."""

    connected: Callable[[], None]
    message: Callable[[Incoming], None]
    ended: Callable[[Ended], None]


class _Context(ssl.SSLContext):
    """Remembers the socket it wrapped: paho forgets it when the handshake fails, and leaves it open."""

    wrapped: ssl.SSLSocket | None = None

    def wrap_socket(self, *args: Any, **options: Any) -> ssl.SSLSocket:
        self.wrapped = super().wrap_socket(*args, **options)
        return self.wrapped


def tls_context(credentials: Credentials) -> "_Context":
    """Checks chain and name but no dates; shows the device's certificate."""
    context = _Context(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile=str(credentials.ca))
    context.verify_flags = ssl.VerifyFlags(context.verify_flags | NO_CHECK_TIME)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if credentials.certificate is not None:
        context.load_cert_chain(str(credentials.certificate), None if credentials.key is None else str(credentials.key))
    return context


def _confirmed(last: paho.MQTTMessageInfo) -> bool:
    """Whether the broker has it, or never will: paho raises once the connection broke while it was being written."""
    try:
        return last.is_published()
    except (RuntimeError, ValueError):
        return True


def _read_to_end(sock: socket.socket, seconds: float = 1.0) -> None:
    """Until the other side closes."""
    sock.settimeout(seconds)
    with contextlib.suppress(OSError):
        while sock.recv(4096):
            pass


class Link:
    """One device's line. `tick` keeps it connected; `publish` is refused (False) while it is not.

    Of several ways to the broker each is tried in turn. MQTT 5 is tried first, 3.1.1 where a broker wants no 5.
    """

    def __init__(self, lines: Sequence[Line], listener: Listener, clock: Clock, chance: random.Random) -> None:
        self._lines = list(lines)
        self._line = self._lines[0]
        self._listener = listener
        self._clock = clock
        self._backoff = Backoff(chance)
        self._client: paho.Client | None = None
        self._context: _Context | None = None
        self._accepted_at: int | None = None
        self._next_try = clock.up_ms()
        self._tried_at = 0
        self._five = True
        self._over: Ended | None = None
        self._last_reason = ""
        self._taken_over = False
        self._refused = False
        self._spoke = False
        self._by_peer = False

    @property
    def connected(self) -> bool:
        return self._accepted_at is not None

    @property
    def line(self) -> Line:
        return self._line

    @property
    def protocol(self) -> str:
        return "5" if self._five else "3.1.1"

    @property
    def next_try_in_ms(self) -> int:
        """Until the next attempt; 0 while one is under way."""
        return 0 if self._client is not None else max(0, self._next_try - self._clock.up_ms())

    def socket(self) -> socket.socket | None:
        found: Any = None if self._client is None else self._client.socket()
        return found if isinstance(found, socket.socket) else None

    def wants_write(self) -> bool:
        return self._client is not None and self._client.want_write()

    def wait_until(self, up_ms: int) -> None:
        """No attempt before that moment (a twin steps aside)."""
        self._next_try = max(self._next_try, up_ms)

    def tick(self) -> None:
        """Connects when it is time; keeps alive; reports what ended. Call at least every few seconds."""
        now = self._clock.up_ms()
        if self._client is None:
            if now >= self._next_try:
                self._connect(now)
        elif self._accepted_at is None and now - self._tried_at > _CONNECT_S * 1000:
            self._finish("the broker does not answer")
        else:
            self._client.loop_misc()
        self._report()

    def readable(self) -> None:
        if self._client is None:
            return
        while True:
            if self._client.loop_read() != paho.MQTT_ERR_SUCCESS:
                break
            found = self._client.socket()
            if not isinstance(found, ssl.SSLSocket) or not found.pending():
                break  # what TLS holds already, no selector will announce
        if self._client.want_write():
            self._client.loop_write()
        self._report()

    def writable(self) -> None:
        if self._client is not None:
            self._client.loop_write()
            self._report()

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> bool:
        """True if it was handed to the connection; what that is worth only the hub's acknowledgement says."""
        if self._client is None or self._accepted_at is None:
            return False
        if len(payload) > MAX_PAYLOAD:
            log.error("a message of %d bytes for %s is more than a broker takes", len(payload), topic)
            return False
        info = self._client.publish(topic, payload, qos=qos, retain=retain)
        return info.rc == paho.MQTT_ERR_SUCCESS

    def close(self, presence: Presence | None = None) -> None:
        """Says goodbye (retained) and goes; the will is not sent then. Takes up to two seconds.

        A socket closed with something unread in it resets the connection, and the broker would forget the last
        words: so it waits for the broker's word on them, and for the broker to hang up.
        """
        client, sock = self._client, self.socket()
        if client is None:
            return
        if sock is not None and self.connected:
            if presence is not None:
                topic = topics.presence(self._line.school, self._line.device)
                self._exchange(client, client.publish(topic, presence.value, qos=1, retain=True))
            with socket.fromfd(sock.fileno(), sock.family, sock.type) as same:
                client.disconnect()
                _read_to_end(same)
        self._drop()

    def broker_is_up(self) -> bool:
        """Whether the broker takes connections a moment after it ended ours: then it did not go down itself."""
        for pause in (0.0, 0.3):
            time.sleep(pause)
            try:
                socket.create_connection((self._line.host, self._line.port), timeout=1).close()
            except OSError:
                return False
        return True

    def reconnect(self) -> None:
        """Drops the connection without goodbye and tries again when the back-off says."""
        if self._client is not None:
            self._finish("asked to reconnect")
            self._report()

    # ---- inside ---------------------------------------------------------------------------------------------------

    def _exchange(self, client: paho.Client, last: paho.MQTTMessageInfo, seconds: float = 1.0) -> None:
        """Reads and writes until the broker has confirmed `last`."""
        until = time.monotonic() + seconds
        while not _confirmed(last) and (sock := self.socket()) is not None and time.monotonic() < until:
            select.select([sock], [sock] if client.want_write() else [], [], 0.1)
            client.loop_write()
            client.loop_read()

    def _connect(self, now: int) -> None:
        self._tried_at = now
        self._over, self._last_reason = None, ""
        self._taken_over = self._refused = self._spoke = self._by_peer = False
        client = self._new_client()
        self._client = client
        try:
            if self._five:
                properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
                properties.SessionExpiryInterval = _SESSION_S
                properties.ReceiveMaximum = 20
                client.connect(self._line.host, self._line.port, _KEEPALIVE_S, clean_start=False, properties=properties)
            else:
                client.connect(self._line.host, self._line.port, _KEEPALIVE_S)
            self._spoke = True
        except (OSError, ValueError) as error:  # no route, refused, TLS (an OSError too), a name that is none
            if self._context is not None and self._context.wrapped is not None:
                self._context.wrapped.close()
            self._finish(str(error) or type(error).__name__)

    def _new_client(self) -> paho.Client:
        options: dict[str, Any] = {} if self._five else {"clean_session": True}
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._line.device,
            protocol=paho.MQTTv5 if self._five else paho.MQTTv311,
            **options,
        )
        client.connect_timeout = _CONNECT_S
        credentials = self._line.credentials
        if self._line.tls:
            self._context = tls_context(credentials)
            client.tls_set_context(self._context)
        if credentials.password is not None:
            client.username_pw_set(self._line.device, credentials.password)
        will = None
        if self._five:
            will = Properties(PacketTypes.WILLMESSAGE)  # type: ignore[no-untyped-call]
            will.WillDelayInterval = _WILL_DELAY_S
        topic = topics.presence(self._line.school, self._line.device)
        client.will_set(topic, Presence.OFFLINE.value, qos=1, retain=True, properties=will)
        client.on_connect = self._on_connect
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        return client

    def _on_connect(self, client: paho.Client, _user: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        if reason.is_failure:
            self._refused = reason.value in _NOT_AUTHORIZED
            self._last_reason = f"the broker refuses: {reason}"
            return
        self._accepted_at = self._clock.up_ms()
        client.subscribe([(name, 1) for name in topics.device_filters(self._line.school, self._line.device)])
        client.publish(topics.presence(self._line.school, self._line.device), Presence.ONLINE.value, qos=1, retain=True)
        self._listener.connected()

    def _on_message(self, _client: paho.Client, _user: Any, message: paho.MQTTMessage) -> None:
        try:
            topic = topics.parse(message.topic)
        except BadTopic:
            return
        self._listener.message(Incoming(topic, bytes(message.payload), bool(message.retain)))

    def _on_disconnect(
        self, _client: paho.Client, _user: Any, flags: paho.DisconnectFlags, reason: ReasonCode, _properties: Any
    ) -> None:
        self._taken_over = flags.is_disconnect_packet_from_server and reason.value == _TAKEN_OVER
        self._by_peer = reason.value == _NO_REASON
        self._finish(self._last_reason or ("the connection to the hub broke off" if self._by_peer else str(reason)))

    def _finish(self, why: str) -> None:
        if self._over is not None:
            return
        now = self._clock.up_ms()
        lasted = 0 if self._accepted_at is None else now - self._accepted_at
        if self._accepted_at is None:
            if self._spoke and not self._refused:
                self._five = not self._five  # it was reached and hung up: perhaps it speaks only the other version
            self._lines.append(self._lines.pop(0))
            self._line = self._lines[0]
        self._over = Ended(why, lasted, self._taken_over, self._refused, self._by_peer)

    def _report(self) -> None:
        """Outside paho's callbacks, so that the listener may do with the Link what it likes."""
        if self._over is None:
            return
        over, self._over = self._over, None
        self._drop()
        self._backoff.session_lasted(over.lasted_ms)
        self._next_try = self._clock.up_ms() + self._backoff.next_ms()
        self._listener.ended(over)

    def _drop(self) -> None:
        client, self._client, self._accepted_at = self._client, None, None
        if client is not None:
            for name in ("on_connect", "on_message", "on_disconnect"):
                setattr(client, name, None)
            found = client.socket()
            if found is not None:
                found.close()
