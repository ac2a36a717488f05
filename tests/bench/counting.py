"""`python -m tests.bench.counting PORT RECORDS json|msgspec`: a bare paho subscriber that unpacks batches and counts.

Prints `ready`, then `done END` (monotonic clock) once it has counted so many records.
"""

import json
import sys
import time
import zlib
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from densach_wire.codec import decode_batch


def with_json(payload: bytes) -> int:
    return len(json.loads(zlib.decompress(payload) if payload[0] == 0x78 else payload)["recs"])


def with_msgspec(payload: bytes) -> int:
    return len(decode_batch(payload).records)


def count(port: int, expected: int, unpack: Callable[[bytes], int]) -> float:
    seen = 0
    ended = 0.0

    def connected(client: paho.Client, *_: Any) -> None:
        client.subscribe("densach/1/+/+/batch", qos=1)

    def subscribed(*_: Any) -> None:
        print("ready", flush=True)

    def message(client: paho.Client, _user: Any, found: paho.MQTTMessage) -> None:
        nonlocal seen, ended
        seen += unpack(bytes(found.payload))
        if seen >= expected:
            ended = time.monotonic()
            client.disconnect()

    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="floor")
    client.on_connect = connected
    client.on_subscribe = subscribed
    client.on_message = message
    client.connect("127.0.0.1", port)
    client.loop_forever()
    return ended


if __name__ == "__main__":
    how = with_msgspec if sys.argv[3] == "msgspec" else with_json
    print(f"done {count(int(sys.argv[1]), int(sys.argv[2]), how):.6f}", flush=True)
