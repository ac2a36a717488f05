"""The least that an agent takes for a hub: says it is there, acknowledges what is whole, counts. For tests and floors."""

import threading
import time
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from densach_wire import topics
from densach_wire.codec import decode, decode_batch, encode
from densach_wire.messages import Ack, Command, HubState, Record, Result


class AnsweringHub:
    """Use as a context manager. `records` holds what was acknowledged, by device, in order and once."""

    def __init__(self, port: int, school: str) -> None:
        self._school = school
        self.records: dict[str, list[Record]] = {}
        self.hellos: dict[str, bytes] = {}
        self.presences: dict[str, str] = {}
        self.results: dict[str, Result] = {}
        """By request, the latest."""
        self._lock = threading.Lock()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="hub")
        self._client.on_connect = self._connected
        self._client.on_message = self._message
        self._port = port

    def __enter__(self) -> "AnsweringHub":
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def upto(self, device: str) -> int:
        with self._lock:
            return len(self.records.get(device, ()))

    def ask(self, device: str, name: str, command: Command) -> None:
        self._client.publish(topics.cmd(self._school, device, name), encode(command), qos=1)

    def _connected(self, client: paho.Client, *_: Any) -> None:
        client.subscribe([(name, 1) for name in topics.hub_filters(self._school)])
        state = HubState(state="online", now=time.time())
        client.publish(topics.hub(self._school), encode(state), qos=1, retain=True)

    def _message(self, client: paho.Client, _user: Any, message: paho.MQTTMessage) -> None:
        topic = topics.parse(message.topic)
        device = topic.device or ""
        if topic.channel is topics.Channel.HELLO:
            self.hellos[device] = bytes(message.payload)
        if topic.channel is topics.Channel.PRESENCE:
            self.presences[device] = bytes(message.payload).decode()
        if topic.channel is topics.Channel.RES:
            result = decode(bytes(message.payload), Result)
            self.results[result.id] = result
        if topic.channel is not topics.Channel.BATCH:
            return
        batch = decode_batch(bytes(message.payload))
        assert not batch.bad
        with self._lock:
            known = self.records.setdefault(device, [])
            for record in batch.records:
                if record.seq == len(known) + 1:
                    known.append(record)
            upto = len(known)
        ack = Ack(batch.envelope.stream, upto, time.time())
        client.publish(topics.ack(self._school, device), encode(ack), qos=1)
