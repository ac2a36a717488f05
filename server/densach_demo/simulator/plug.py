"""A switched socket that speaks Tasmota: discovery, last will, STATE and SENSOR, and power on request.

Its discovery says `simulated`, a member no real plug has: the hub counts it apart from then on.
"""

import random
import time
from datetime import UTC, datetime
from typing import Any

import msgspec
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

TELEMETRY_S = 30.0
BOUGHT_AT_S = 1_787_184_000.0
"""20 August 2026, 07:00 in Vietnam, as `TotalStartTime` says."""
METER_W = 106.0


class Plug:
    """Connects in paho's own thread. `name` is what Tasmota calls the topic; the MAC address is its identity."""

    def __init__(
        self,
        host: str,
        port: int,
        user: str,
        password: str,
        *,
        name: str = "tasmota_5E0001",
        label: str = "Đèn studio (mô phỏng)",
    ) -> None:
        self.mac = f"02005E{name.rpartition('_')[2]}"[:12].ljust(12, "0")
        self.name = name
        self._label = label
        self._where = (host, port)
        self._on = True
        self._energy_kwh = meter_kwh(time.time())
        self._chance = random.Random(name)
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=paho.MQTTv311)
        client.username_pw_set(user, password)
        client.will_set(f"tele/{name}/LWT", "Offline", qos=1, retain=True)
        client.on_connect = self._connected
        client.on_message = self._asked
        self._client = client

    def start(self) -> None:
        """Raises OSError when nobody listens."""
        self._client.connect(*self._where, keepalive=30)
        self._client.loop_start()

    def stop(self) -> None:
        self._client.publish(f"tele/{self.name}/LWT", "Offline", qos=1, retain=True).wait_for_publish(2)
        self._client.disconnect()
        self._client.loop_stop()

    def tell(self, passed_s: float) -> None:
        """STATE and SENSOR, as every TelePeriod."""
        watts = round(96 + 8 * self._chance.random(), 1) if self._on else 0.0
        self._energy_kwh += watts * passed_s / 3_600_000
        self._publish("tele", "STATE", self._state())
        energy = {
            "TotalStartTime": "2026-08-20T07:00:00",
            "Total": round(self._energy_kwh, 3),
            "Yesterday": 0.412,
            "Today": round(watts / 1000, 3),
            "Power": watts,
            "ApparentPower": round(watts * 1.05, 1),
            "Voltage": 226,
            "Current": round(watts / 226, 3),
        }
        self._publish("tele", "SENSOR", {"Time": _local_time(), "ENERGY": energy})

    def _state(self) -> dict[str, object]:
        return {
            "Time": _local_time(),
            "Uptime": "1T02:03:04",
            "UptimeSec": 93784,
            "Heap": 25,
            "MqttCount": 1,
            "POWER": "ON" if self._on else "OFF",
            "Wifi": {"AP": 1, "SSId": "studio", "RSSI": 78, "Signal": -61},
        }

    def _connected(self, client: paho.Client, _user: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            return
        client.subscribe(f"cmnd/{self.name}/#", qos=1)
        client.publish(f"tele/{self.name}/LWT", "Online", qos=1, retain=True)
        topic = f"tasmota/discovery/{self.mac}"
        client.publish(f"{topic}/config", msgspec.json.encode(self.discovery()), qos=1, retain=True)
        sensors = {"sn": {"Time": _local_time(), "ENERGY": {"Power": 0}}, "ver": 1}
        client.publish(f"{topic}/sensors", msgspec.json.encode(sensors), qos=1, retain=True)
        self.tell(0.0)

    def discovery(self) -> dict[str, object]:
        """What it introduces itself with."""
        return {
            "ip": "192.0.2.61",
            "dn": self._label,
            "fn": [self._label, None, None, None, None, None, None, None],
            "hn": self.name.lower().replace("_", "-"),
            "mac": self.mac,
            "md": "Sim Plug S1",
            "ty": 0,
            "if": 0,
            "ofln": "Offline",
            "onln": "Online",
            "state": ["OFF", "ON", "TOGGLE", "HOLD"],
            "sw": "14.2.0",
            "t": self.name,
            "ft": "%prefix%/%topic%/",
            "tp": ["cmnd", "stat", "tele"],
            "rl": [1, 0, 0, 0, 0, 0, 0, 0],
            "ver": 1,
            "simulated": True,
        }

    def _asked(self, _client: paho.Client, _user: Any, message: paho.MQTTMessage) -> None:
        if message.topic.rpartition("/")[2].upper() not in {"POWER", "POWER1"}:
            return
        word = message.payload.decode("ascii", "replace").strip().upper()
        if word in {"ON", "1", "OFF", "0", "TOGGLE", "2"}:
            self._on = not self._on if word in {"TOGGLE", "2"} else word in {"ON", "1"}
        self._publish("stat", "RESULT", {"POWER": "ON" if self._on else "OFF"})

    def _publish(self, prefix: str, word: str, body: dict[str, object]) -> None:
        self._client.publish(f"{prefix}/{self.name}/{word}", msgspec.json.encode(body), qos=0)


def meter_kwh(now_s: float) -> float:
    """Where the meter stands when it is switched on: it has counted on since it was bought, at a little more than it draws
    while it runs, so that a second start never finds it below where the first one left it (which would be a new meter)."""
    return max(0.0, now_s - BOUGHT_AT_S) * METER_W / 3_600_000


def _local_time() -> str:
    """Without a zone, as Tasmota stamps it."""
    return datetime.fromtimestamp(time.time(), UTC).strftime("%Y-%m-%dT%H:%M:%S")
