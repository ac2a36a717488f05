"""`python -m tests.bench.resting FOLDER`: the floor of an agent: a process with paho, psutil, sqlite3, ssl and msgspec
loaded, connected to the broker over TLS with a machine's certificate, and nothing else. Prints `ready` once connected."""

import sqlite3
import sys
from pathlib import Path
from typing import Any

import msgspec
import paho.mqtt.client as paho
import psutil
from paho.mqtt.enums import CallbackAPIVersion


class Where(msgspec.Struct):
    """The part of joined.json that is needed."""

    device: str
    host: str
    port: int


def rest(folder: Path) -> None:
    where = msgspec.json.decode((folder / "joined.json").read_bytes(), type=Where)
    database = sqlite3.connect(folder / "floor.db")
    database.execute("CREATE TABLE IF NOT EXISTS floor (n INTEGER)")
    psutil.cpu_percent()

    def connected(_client: paho.Client, _user: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        print("refused" if reason.is_failure else "ready", flush=True)

    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=where.device, protocol=paho.MQTTv5)
    client.tls_set(str(folder / "ca.pem"), str(folder / "certificate.pem"), str(folder / "key.pem"))
    client.tls_insecure_set(True)
    client.on_connect = connected
    client.connect(where.host, where.port, keepalive=45)
    client.loop_forever()


if __name__ == "__main__":
    rest(Path(sys.argv[1]))
