"""The other end of the contract: a hub as small as the contract allows, on a real broker. It stores each record once,
acknowledges what it stored, and can be made to fail as hubs do."""

import threading
import time
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from tests.agent.broker import SCHOOL

from densach_wire import topics
from densach_wire.codec import decode, decode_batch, encode
from densach_wire.messages import Ack, Command, Desired, GapRecord, Hello, HubState, Record, Result


class Stream:
    """One device's stream as the hub has it: records by sequence, everything up to `upto` accounted for."""

    def __init__(self) -> None:
        self.records: dict[int, Record] = {}
        self.upto = 0
        self.repeated = 0

    def take(self, records: tuple[Record, ...]) -> int | None:
        """Stores what is new; the sequence to send again from if there is a hole before it."""
        for record in records:
            first = record.d.from_seq if isinstance(record, GapRecord) else record.seq
            if record.seq <= self.upto:
                self.repeated += 1
                continue
            if first > self.upto + 1:
                return self.upto + 1
            self.records[record.seq] = record
            self.upto = record.seq
        return None


class School:
    """Connects as the hub. `deaf` swallows batches without acknowledging; `forget` is a restore from a backup."""

    def __init__(self, port: int) -> None:
        self.streams: dict[tuple[str, str], Stream] = {}
        self.hellos: list[Hello] = []
        self.presences: list[tuple[str, str]] = []
        self.results: list[tuple[str, Result]] = []
        self.batches = 0
        self.bad = 0
        self.deaf = False
        self.want: tuple[str | int, ...] = ()
        self._lock = threading.RLock()
        self._ready = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="hub", protocol=paho.MQTTv5)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._on_message
        self._client.suppress_exceptions = False
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._ready.wait(30)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def say(self, state: str = "online") -> None:
        told = HubState(state="online" if state == "online" else "offline", now=time.time())
        self._client.publish(topics.hub(SCHOOL), encode(told), 1, retain=True)

    def wish(self, device: str, desired: Desired) -> None:
        self._client.publish(topics.desired(SCHOOL, device), encode(desired), 1, retain=True)

    def ask(self, device: str, name: str, command: Command) -> None:
        self._client.publish(topics.cmd(SCHOOL, device, name), encode(command), 1)

    def acknowledge(self, device: str, stream: str, *want: str | int) -> None:
        upto = self.stream(device, stream).upto
        self._client.publish(topics.ack(SCHOOL, device), encode(Ack(stream, upto, time.time(), want)), 1)

    def stream(self, device: str, stream: str) -> Stream:
        with self._lock:
            return self.streams.setdefault((device, stream), Stream())

    def forget(self, device: str, stream: str, after: int) -> None:
        with self._lock:
            kept = self.stream(device, stream)
            kept.records = {seq: record for seq, record in kept.records.items() if seq <= after}
            kept.upto = after

    def _on_connect(self, client: paho.Client, *_: Any) -> None:
        client.subscribe([(name, 1) for name in topics.hub_filters(SCHOOL)])
        self.say()

    def _on_message(self, _client: paho.Client, _user: Any, message: paho.MQTTMessage) -> None:
        topic = topics.parse(message.topic)
        device = topic.device or ""
        with self._lock:
            if topic.channel is topics.Channel.PRESENCE:
                self.presences.append((device, message.payload.decode()))
            elif topic.channel is topics.Channel.HELLO:
                hello = decode(bytes(message.payload), Hello)
                self.hellos.append(hello)
                self.acknowledge(device, hello.stream)
            elif topic.channel is topics.Channel.RES:
                self.results.append((topic.name or "", decode(bytes(message.payload), Result)))
            elif not self.deaf:
                self._take(device, bytes(message.payload))

    def _take(self, device: str, payload: bytes) -> None:
        decoded = decode_batch(payload)
        assert decoded.envelope.dev == device
        self.batches += 1
        self.bad += len(decoded.bad)
        again = self.stream(device, decoded.envelope.stream).take(decoded.records)
        want, self.want = self.want, ()
        self.acknowledge(device, decoded.envelope.stream, *want, *(() if again is None else (again,)))


def until(true: Callable[[], bool], seconds: float = 30, turn: Callable[[], object] = lambda: time.sleep(0.02)) -> None:
    """Turns until it is true; fails after `seconds`."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        turn()
