"""Tasmota's tongue, message by message; the recorded conversation goes through a real broker in test_dialects."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from densach_hub.fleet.telling import EquipmentReading, EquipmentSeen
from densach_hub.intake.dialects.dialect import EquipmentPresence, NotUnderstood, Said
from densach_hub.intake.dialects.tasmota import MAX_BYTES, Tasmota

AT = 1_795_500_000_000
MAC = "48551917E7AE"
CONFIG: dict[str, Any] = {
    "ip": "172.19.13.2", "dn": "Đèn studio", "fn": ["Ổ cắm", None], "hn": "tasmota-17E7AE-1966", "mac": MAC,
    "md": "Nous A1T", "ty": 0, "if": 0, "ofln": "Offline", "onln": "Online", "state": ["OFF", "ON", "TOGGLE", "HOLD"],
    "sw": "13.1.0.1", "t": "tasmota_17E7AE", "ft": "%prefix%/%topic%/", "tp": ["cmnd", "stat", "tele"], "rl": [1, 0],
    "so": {"4": 0}, "ver": 1,
}  # fmt: skip


def say(tasmota: Tasmota, topic: str, payload: object) -> list[Said]:
    raw = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
    return tasmota.hear(topic, raw, received_at=AT)


def introduced(**changes: object) -> Tasmota:
    tasmota = Tasmota()
    [seen] = say(tasmota, f"tasmota/discovery/{MAC}/config", {**CONFIG, **changes})
    assert isinstance(seen, EquipmentSeen), seen
    return tasmota


def test_a_plug_introduces_itself() -> None:
    [seen] = say(Tasmota(), f"tasmota/discovery/{MAC}/config", CONFIG)
    assert seen == EquipmentSeen(
        tongue="tasmota", key="48551917e7ae", name="Đèn studio", maker="Nous", model="A1T", firmware="Tasmota 13.1.0.1",
        mac="48:55:19:17:e7:ae", address="172.19.13.2",
    )  # fmt: skip


def test_presence_state_and_energy() -> None:
    tasmota = introduced()
    assert say(tasmota, "tele/tasmota_17E7AE/LWT", b"Online") == [EquipmentPresence("tasmota", "48551917e7ae", True)]
    state = {"Time": "2017-07-25T12:06:28", "UptimeSec": 68, "POWER": "ON", "Wifi": {"RSSI": 80}}
    [reading] = say(tasmota, "tele/tasmota_17E7AE/STATE", state)
    assert isinstance(reading, EquipmentReading)
    assert (reading.on, reading.at) == (True, AT)  # its own time has no zone: not used
    assert reading.metrics == {"rssi_pct": 80.0, "uptime_s": 68.0}
    energy = {"Total": 11.215, "Power": 42, "Voltage": 231, "Current": 0.183, "Factor": 0.98}
    [reading] = say(tasmota, "tele/tasmota_17E7AE/SENSOR", {"Time": "x", "ENERGY": energy})
    assert isinstance(reading, EquipmentReading)
    assert reading.on is None
    assert reading.power_w == 42
    assert reading.energy_wh == pytest.approx(11215.0)
    assert reading.metrics["voltage_v"] == 231
    for topic, payload, on in (
        ("stat/tasmota_17E7AE/POWER", b"OFF", False),
        ("stat/tasmota_17E7AE/RESULT", b'{"POWER":"ON"}', True),
        ("stat/tasmota_17E7AE/RESULT", b'{"POWER1":"OFF","POWER2":"ON"}', True),
    ):
        [reading] = say(tasmota, topic, payload)
        assert isinstance(reading, EquipmentReading)
        assert reading.on is on


def test_what_was_said_before_the_introduction_is_not_lost() -> None:
    tasmota = Tasmota()
    assert say(tasmota, "tele/tasmota_17E7AE/LWT", b"Online") == []
    said = say(tasmota, f"tasmota/discovery/{MAC}/config", CONFIG)
    assert said[1:] == [EquipmentPresence("tasmota", "48551917e7ae", True)]


def test_topics_are_built_from_what_it_says() -> None:
    tasmota = introduced(ft="studio/%topic%/%prefix%/", tp=["c", "s", "t"], onln="Có", ofln="Mất")
    assert say(tasmota, "studio/tasmota_17E7AE/t/LWT", "Mất".encode()) == [EquipmentPresence("tasmota", "48551917e7ae", False)]


def test_a_new_firmware_is_noticed() -> None:
    [seen] = say(introduced(), "tele/tasmota_17E7AE/INFO1", {"Info1": {"Module": "Nous", "Version": "14.2.0(release)"}})
    assert isinstance(seen, EquipmentSeen)
    assert seen.firmware == "Tasmota 14.2.0"


def test_a_cleared_announcement() -> None:
    tasmota = introduced()
    assert say(tasmota, f"tasmota/discovery/{MAC}/config", b"") == [EquipmentPresence("tasmota", "48551917e7ae", False)]
    assert say(tasmota, "tele/tasmota_17E7AE/LWT", b"Online") == []


@pytest.mark.parametrize(
    ("topic", "payload", "code"),
    [
        ("tasmota/discovery/112233445566/config", CONFIG, "tasmota.wrong-mac"),
        (f"tasmota/discovery/{MAC}/config", b"not json", "tasmota.bad-shape"),
        (f"tasmota/discovery/{MAC}/config", {**CONFIG, "t": 7}, "tasmota.bad-shape"),
        (f"tasmota/discovery/{MAC}/config", {**CONFIG, "ft": "%topic%/#"}, "tasmota.bad-topic"),
        (f"tasmota/discovery/{MAC}/config", {**CONFIG, "ft": "%prefix%/{{ template }}%x%/"}, "tasmota.bad-topic"),
        (f"tasmota/discovery/{MAC}/config", b"{" + b" " * MAX_BYTES + b"}", "tasmota.message-too-large"),
    ],
)
def test_what_does_not_fit_has_a_reason(topic: str, payload: object, code: str) -> None:
    [said] = say(Tasmota(), topic, payload)
    assert isinstance(said, NotUnderstood)
    assert said.code == code


def test_two_plugs_with_one_topic() -> None:
    tasmota = introduced()
    other = {**CONFIG, "mac": "AABBCCDDEEFF"}
    [said] = say(tasmota, "tasmota/discovery/AABBCCDDEEFF/config", other)
    assert isinstance(said, NotUnderstood)
    assert said.code == "tasmota.topic-taken"


def test_odd_numbers_are_not_known_rather_than_wrong() -> None:
    tasmota = introduced()
    assert say(tasmota, "tele/tasmota_17E7AE/SENSOR", {"ENERGY": {"Total": "many", "Power": True}}) == []
    [reading] = say(tasmota, "tele/tasmota_17E7AE/SENSOR", {"ENERGY": {"Power": [1, 2]}})
    assert isinstance(reading, EquipmentReading)
    assert reading.power_w == 3


TOPICS = [
    *(f"tasmota/discovery/{MAC}/{what}" for what in ("config", "sensors")),
    *(f"tele/tasmota_17E7AE/{what}" for what in ("STATE", "SENSOR", "LWT", "INFO1")),
    "tele/x",
    "tasmota/discovery/a",
]
KEYS = st.sampled_from(["ENERGY", "POWER", "sn", "Total", "Power", "Wifi", "Info1"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner)
)


@given(topic=st.sampled_from(TOPICS), payload=st.binary(max_size=200) | VALUES.map(msgspec.json.encode))
def test_nothing_makes_it_stumble(topic: str, payload: bytes) -> None:
    introduced().hear(topic, payload, received_at=AT)
