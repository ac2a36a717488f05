"""What the hub sends: requests that are answered and kept, wishes that are retained and cleared again."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from tests.fixtures.device import Device, device
from tests.fixtures.intake import hub_intake
from tests.fixtures.mosquitto import Mosquitto

from densach_core.errors import BadInput, NotFound
from densach_hub.link.model import BrokerAddress
from densach_wire import codec
from densach_wire.messages import Command, Desired, Outcome, Result


def plain(broker: Mosquitto) -> BrokerAddress:
    return BrokerAddress(broker.host, broker.port)


async def test_a_request_and_its_answers(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with hub_intake(tmp_path, plain(mosquitto), devices=["pc-1"]) as hub, device(mosquitto.port, "pc-1") as pc:
        asked = await hub.intake.requests.request("pc-1", "message", {"text": "Xin chào"}, by="Cô Lan")
        while not (heard := await pc.client.next())[0].endswith("/cmd/message"):
            pass
        command = codec.decode(heard[1], Command)
        assert (command.id, command.args, command.by) == (asked.id, {"text": "Xin chào"}, "Cô Lan")
        assert command.expires - command.sent == 120
        for outcome in (Outcome.ACCEPTED, Outcome.DONE, Outcome.ACCEPTED):  # the last one came late
            await pc.raw(codec.encode(Result(id=asked.id, outcome=outcome, attrs={"shown": True})), "res/message")
        for _ in range(100):
            row = await hub.intake.requests.get(asked.id)
            if row.outcome is Outcome.DONE:
                break
            await asyncio.sleep(0.02)
        assert row.outcome is Outcome.DONE
        assert row.attrs == {"shown": True}
        assert [r.id for r in await hub.intake.requests.of("pc-1")] == [asked.id]
    async with device(mosquitto.port, "pc-1") as late:  # never retained: who connects now hears nothing of it
        with pytest.raises(TimeoutError):
            while not (heard := await late.client.next(0.5))[0].endswith("/cmd/message"):
                pass


async def test_another_device_cannot_answer(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with hub_intake(tmp_path, plain(mosquitto), devices=["pc-1", "pc-2"]) as hub:
        asked = await hub.intake.requests.request("pc-1", "message")
        async with device(mosquitto.port, "pc-2") as other:
            await other.raw(codec.encode(Result(id=asked.id, outcome=Outcome.DONE)), "res/message")
            await asyncio.sleep(0.3)
        assert (await hub.intake.requests.get(asked.id)).outcome is None


async def test_what_cannot_be_asked(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with hub_intake(tmp_path, plain(mosquitto), devices=["pc-1"]) as hub:
        with pytest.raises(NotFound):
            await hub.intake.requests.request("pc-2", "message")
        with pytest.raises(BadInput):
            await hub.intake.requests.request("pc-1", "../../ack")
        with pytest.raises(NotFound):
            await hub.intake.requests.get("nothing")


async def test_wishes_are_retained_and_cleared(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with hub_intake(tmp_path, plain(mosquitto), devices=["pc-1"]) as hub:
        await hub.intake.desired.bring_up_to_date()
        async with device(mosquitto.port, "pc-1") as pc:
            assert await _desired(pc) == Desired()
            await hub.intake.policy.put(Desired(usage_sample_s=60, names=True), by="test")
            hub.intake.desired.soon()
            assert await _desired(pc) == Desired(usage_sample_s=60, names=True)
            await pc.hello()
            await pc.ack()
        await hub.fleet.register.retire("pc-1", by="test", why="sold")
        await hub.intake.desired.bring_up_to_date()
        async with device(mosquitto.port, "pc-1") as gone:
            topics = []
            while not gone.client.received.empty():
                topics.append((await gone.client.next())[0])
            assert not any("desired" in topic for topic in topics)
        assert not await hub.intake.quarantine()


async def _desired(pc: Device) -> Desired:
    while not (heard := await pc.client.next())[0].endswith("/desired"):
        pass
    return msgspec.json.decode(heard[1], type=Desired)
