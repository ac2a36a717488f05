"""The page for firmware authors: its examples decode, its tables name the real things, its schemas are the code's."""

import json
import re
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from tests.agent.broker import Broker
from tests.agent.school import School, until

from densach_wire import messages, schemas
from densach_wire.codec import MAX_PAYLOAD, decode, decode_batch
from densach_wire.factors import factor_digest
from densach_wire.topics import Channel

NOTES = Path(__file__).parents[2] / "firmware_notes"
PAGE = (NOTES / "README.md").read_text("utf-8")
EXAMPLES = re.findall(r"```json (\w+)\n(.*?)```", PAGE, re.DOTALL)


def test_the_committed_schemas_are_what_the_code_says() -> None:
    committed = {path.name: path.read_text("utf-8") for path in (NOTES / "schemas").iterdir()}
    assert committed == schemas.documents(), "run: python -m densach_wire.schemas firmware_notes/schemas"


@pytest.mark.parametrize(("kind", "text"), EXAMPLES, ids=[f"{kind}-{n}" for n, (kind, _) in enumerate(EXAMPLES)])
def test_examples_are_messages_of_the_contract(kind: str, text: str) -> None:
    if kind == "batch":
        decoded = decode_batch(text.encode())
        assert decoded.bad == ()
        assert decoded.records
    else:
        decode(text.encode(), schemas.FILES[kind])
    fields = set(json.loads(text))
    known = schemas.FILES[kind].__struct_fields__
    assert fields <= set(known)


def test_there_is_an_example_of_every_kind_a_device_meets() -> None:
    assert {kind for kind, _ in EXAMPLES} == {"batch", "ack", "hello", "cmd", "res", "desired"}


def test_the_tables_name_every_channel_and_record() -> None:
    for channel in Channel:
        assert re.search(rf"^\| `(\{{device\}}/)?{channel.value}[`/]", PAGE, re.MULTILINE), channel
    for record in messages.Record.__args__:
        assert f"| `{record.__struct_config__.tag}` |" in PAGE
    for presence in messages.Presence:
        assert f"`{presence.value}`" in PAGE
    assert f"{MAX_PAYLOAD // 1024} KiB" in PAGE


def test_the_digest_is_made_as_the_page_says() -> None:
    import hashlib

    by_page = hashlib.sha256(b"mac:48:55:19:17:e7:ae").hexdigest()[:32]
    assert factor_digest("mac", "48:55:19:17:E7:AE ") == by_page


def test_the_short_way_works_over_plain_mqtt_311(broker: Broker, school: School) -> None:
    """The first example as it stands, by a client that knows nothing of us."""
    text = EXAMPLES[0][1].replace("plug-7", "plug-1").replace('"seq": 41', '"seq": 1')
    heard: list[bytes] = []
    device = paho.Client(CallbackAPIVersion.VERSION2, client_id="plug-1", protocol=paho.MQTTv311)
    device.username_pw_set("plug-1", "secret")
    device.will_set("densach/1/truong-1/plug-1/presence", "offline", 1, retain=True)
    device.on_message = lambda _client, _user, message: heard.append(bytes(message.payload))
    device.connect("127.0.0.1", broker.plain_port)
    device.subscribe("densach/1/truong-1/plug-1/ack", 1)
    device.publish("densach/1/truong-1/plug-1/batch", text.strip(), 1)
    until(lambda: bool(heard), 10, lambda: device.loop(0.05))
    ack = decode(heard[0], messages.Ack)
    assert (ack.stream, ack.upto) == ("9f2c41aa", 1)
    told = school.stream("plug-1", "9f2c41aa").records[1].d
    assert told == messages.Health(extra={"power_w": 61.5, "energy_wh": 10432.0})
    sock = device.socket()
    assert sock is not None
    sock.close()  # the line is cut: the will speaks
    until(lambda: ("plug-1", "offline") in school.presences)
