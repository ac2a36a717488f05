"""Tasmota: plugs and switches that announce themselves under `tasmota/discovery/<MAC>/…`.

Sources: Tasmota's documentation, the pages “MQTT” and “Home Assistant” (discovery). Payload shapes:

* `tasmota/discovery/<MAC>/config` (retained): `{"ip", "dn", "fn": […], "hn", "mac", "md", "ofln", "onln", "sw", "t",
  "ft": "%prefix%/%topic%/", "tp": ["cmnd", "stat", "tele"], …}`; the MAC in the topic must be the one in the payload.
* `…/sensors` (retained): `{"sn": {"Time": …, "ENERGY": {…}}, "ver": 1}`.
* `tele/<t>/LWT` `Online`/`Offline`; `STATE` `{"POWER": "ON", "Wifi": {…}, …}`; `SENSOR` `{"ENERGY": {"Total": kWh,
  "Power": W, …}}`; `INFO1` `{"Info1": {"Version": …}}`; `stat/<t>/POWER` `ON`, `stat/<t>/RESULT` `{"POWER": "ON"}`.
"""

import math
import re
from collections import OrderedDict
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from densach_hub.fleet.telling import EquipmentReading, EquipmentSeen
from densach_hub.intake.dialects.dialect import EquipmentPresence, NotUnderstood, Said

TONGUE = "tasmota"
MAX_BYTES = 16 * 1024
PLUGS = 2_000
UNCLAIMED = 500
_MAC = re.compile(r"[0-9A-Fa-f]{12}\Z")
_POWER = re.compile(r"POWER\d{0,2}\Z")
_ON, _OFF = "ON", "OFF"

Line = Annotated[str, Meta(max_length=200)]


class _Config(msgspec.Struct, frozen=True):
    mac: Annotated[str, Meta(min_length=12, max_length=12)]
    t: Annotated[str, Meta(min_length=1, max_length=100)]
    ft: Annotated[str, Meta(min_length=1, max_length=200)] = "%prefix%/%topic%/"
    tp: tuple[Line, Line, Line] = ("cmnd", "stat", "tele")
    dn: Line = ""
    fn: tuple[Line | None, ...] = ()
    hn: Line = ""
    ip: Line = ""
    md: Line = ""
    sw: Line = ""
    ofln: Line = "Offline"
    onln: Line = "Online"
    state: tuple[Line, ...] = (_OFF, _ON)
    simulated: bool = False
    """Only our own simulator says so."""


class _Plug(msgspec.Struct, frozen=True):
    key: str
    config: _Config
    seen: EquipmentSeen
    tele: str
    stat: str


class Tasmota:
    """Knows which topics belong to which plug, and what each introduced itself as."""

    tongue = TONGUE
    filters = ("tasmota/discovery/+/+", "tele/#", "stat/#")

    def __init__(self) -> None:
        self._plugs: OrderedDict[str, _Plug] = OrderedDict()
        self._owners: dict[str, str] = {}
        self._unclaimed: OrderedDict[str, tuple[bytes, int]] = OrderedDict()

    def hear(self, topic: str, payload: bytes, *, received_at: int) -> list[Said]:
        if len(payload) > MAX_BYTES:
            return [NotUnderstood("tasmota.message-too-large", f"{len(payload)} bytes, at most {MAX_BYTES}")]
        try:
            if topic.startswith("tasmota/discovery/"):
                mac, _, what = topic.removeprefix("tasmota/discovery/").partition("/")
                if what == "config":
                    return self._introduce(mac, payload)
                plug = self._plugs.get(mac.lower())
                if what != "sensors" or plug is None or not payload:
                    return []
                found = _object(payload).get("sn")
                return self._reading(plug, found if isinstance(found, dict) else {}, received_at)
            return self._tell(topic, payload, received_at)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            return [NotUnderstood("tasmota.bad-shape", str(error))]

    # ---- introductions

    def _introduce(self, mac: str, payload: bytes) -> list[Said]:
        key = mac.lower()
        if not payload:  # the retained message was cleared: it is no longer announced
            plug = self._plugs.pop(key, None)
            if plug is None:
                return []
            self._disown(key)
            return [EquipmentPresence(TONGUE, key, False)]
        config = msgspec.json.decode(payload, type=_Config)
        if not _MAC.match(mac) or config.mac.lower() != key:
            return [NotUnderstood("tasmota.wrong-mac", f"topic says {mac!r}, the message {config.mac!r}")]
        try:
            stat, tele = _base(config, config.tp[1]), _base(config, config.tp[2])
        except ValueError as error:
            return [NotUnderstood("tasmota.bad-topic", str(error))]
        for base in (stat, tele):
            owner = self._owners.get(base, key)
            if owner != key:
                return [NotUnderstood("tasmota.topic-taken", f"{base} belongs to {owner}")]
        self._disown(key)
        self._owners[stat] = self._owners[tele] = key
        plug = _Plug(key, config, _seen(key, config), tele, stat)
        self._plugs[key] = plug
        if len(self._plugs) > PLUGS:
            self._disown(self._plugs.popitem(last=False)[0])
        said: list[Said] = [plug.seen]
        for base in (tele, stat):  # what it said before we knew whose voice it was
            for topic in [t for t in self._unclaimed if t.startswith(base)]:
                earlier, at = self._unclaimed.pop(topic)
                said += self._tell(topic, earlier, at)
        return said

    def _disown(self, key: str) -> None:
        for base in [b for b, owner in self._owners.items() if owner == key]:
            del self._owners[base]

    # ---- telling

    def _tell(self, topic: str, payload: bytes, received_at: int) -> list[Said]:
        base, _, what = topic.rpartition("/")
        plug = self._plugs.get(self._owners.get(base + "/", ""))
        if plug is None:
            self._unclaimed[topic] = (payload, received_at)
            self._unclaimed.move_to_end(topic)
            if len(self._unclaimed) > UNCLAIMED:
                self._unclaimed.popitem(last=False)
            return []
        if what == "LWT":
            word = payload.decode("utf-8")
            if word in (plug.config.onln, plug.config.ofln):
                return [EquipmentPresence(TONGUE, plug.key, word == plug.config.onln)]
            return [NotUnderstood("tasmota.bad-presence", repr(word[:80]))] if word else []
        if what in ("STATE", "SENSOR", "RESULT", "STATUS10", "STATUS11"):
            found = _object(payload)
            for inner in ("StatusSNS", "StatusSTS"):
                if isinstance(found.get(inner), dict):
                    found = found[inner]
            return self._reading(plug, found, received_at)
        if _POWER.match(what):
            on = _on_off(payload.decode("utf-8"), plug.config)
            return [] if on is None else [EquipmentReading(key=plug.key, tongue=TONGUE, at=received_at, on=on)]
        if what == "INFO1":
            return self._updated(plug, _object(payload))
        return []

    def _updated(self, plug: _Plug, found: dict[str, Any]) -> list[Said]:
        info = found.get("Info1", found)
        version = info.get("Version") if isinstance(info, dict) else None
        if not isinstance(version, str) or not version or len(version) > 100:
            return []
        config = msgspec.structs.replace(plug.config, sw=version)
        plug = msgspec.structs.replace(plug, config=config, seen=_seen(plug.key, config))
        self._plugs[plug.key] = plug
        return [plug.seen]

    def _reading(self, plug: _Plug, found: dict[str, Any], received_at: int) -> list[Said]:
        states = [_on_off(v, plug.config) for k, v in found.items() if _POWER.match(k) and isinstance(v, str)]
        on = None if not states or None in states else any(states)
        energy = found.get("ENERGY")
        metrics: dict[str, float] = {}
        power = total_kwh = None
        if isinstance(energy, dict):
            power, total_kwh = _number(energy.get("Power")), _number(energy.get("Total"))
            for name, ours in (("Voltage", "voltage_v"), ("Current", "current_a"), ("Factor", "power_factor")):
                if (value := _number(energy.get(name))) is not None:
                    metrics[ours] = value
        wifi = found.get("Wifi")
        if isinstance(wifi, dict) and (signal := _number(wifi.get("RSSI"))) is not None:
            metrics["rssi_pct"] = signal
        if (uptime := _number(found.get("UptimeSec"))) is not None:
            metrics["uptime_s"] = uptime
        if on is None and power is None and total_kwh is None and not metrics:
            return []
        return [
            EquipmentReading(
                key=plug.key,
                tongue=TONGUE,
                at=received_at,
                on=on,
                power_w=power,
                energy_wh=None if total_kwh is None else total_kwh * 1000,
                metrics=metrics,
            )
        ]


def _seen(key: str, config: _Config) -> EquipmentSeen:
    maker, _, model = config.md.partition(" ")
    if not model:
        maker, model = "", config.md
    names = [name for name in config.fn if name]
    firmware = config.sw.split("(", 1)[0].strip()
    return EquipmentSeen(
        tongue=TONGUE,
        key=key,
        name=config.dn or (names[0] if names else "") or config.hn or config.t,
        maker=maker,
        model=model,
        firmware=f"Tasmota {firmware}" if firmware else "",
        serial="",
        mac=":".join(key[i : i + 2] for i in range(0, 12, 2)),
        address=config.ip,
        simulated=config.simulated,
    )


def _base(config: _Config, prefix: str) -> str:
    """The plug's topic up to its last slash. Raises ValueError for what is no topic."""
    topic = config.ft.replace("%prefix%", prefix).replace("%topic%", config.t)
    for name, value in (("%id%", config.mac[-6:]), ("%hostname%", config.hn)):
        topic = topic.replace(name, value)
    topic = topic.rstrip("/") + "/"
    if "%" in topic or set(topic) & set("#+\0") or len(topic) > 300 or "%prefix%" not in config.ft:
        raise ValueError(f"{config.ft!r} makes no topic of its own")
    return topic


def _object(payload: bytes) -> dict[str, Any]:
    return msgspec.json.decode(payload, type=dict[str, Any])


def _on_off(word: str, config: _Config) -> bool | None:
    words = config.state if len(config.state) >= 2 else (_OFF, _ON)
    return {words[1]: True, words[0]: False, _ON: True, _OFF: False}.get(word)


def _number(value: object) -> float | None:
    """A finite number; of a plug with several channels their sum. Anything else is not known."""
    if isinstance(value, list) and value and all(isinstance(v, int | float) and not isinstance(v, bool) for v in value):
        value = sum(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
