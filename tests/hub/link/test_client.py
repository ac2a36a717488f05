"""The hub's connection against a real broker: acknowledging after the fact, back-pressure, broker gone and back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from tests.fixtures.broker import Client, ProductionBroker
from tests.fixtures.mosquitto import Mosquitto, free_port

from densach_core.clock import SystemClock
from densach_core.errors import Unavailable
from densach_hub.link.client import Link
from densach_hub.link.inprocess import InProcessBroker
from densach_hub.link.model import BrokerAddress, Message

BATCH = "densach/1/s1/pc-1/batch"


@asynccontextmanager
async def linked(address: BrokerAddress, school: str = "s1", **how: Any) -> AsyncIterator[Link]:
    link = Link(address, school=school, clock=SystemClock(), shortest_pause=0.2, **how)
    task = asyncio.create_task(link.run(), name="link")
    try:
        await asyncio.wait_for(link.until_connected(), 30)
        yield link
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def plain(broker: Mosquitto) -> BrokerAddress:
    return BrokerAddress(broker.host, broker.port)


@asynccontextmanager
async def onlooker(port: int, *filters: str) -> AsyncIterator[Client]:
    client = Client("onlooker")
    await client.connect(port)
    if filters:
        await client.subscribe(*filters)
    try:
        yield client
    finally:
        await client.close()


async def until(true: Callable[[], object], seconds: float = 40) -> None:
    for _ in range(int(seconds / 0.02)):
        if true():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("did not become true in time")


async def test_messages_come_in_order_and_are_forgotten_only_when_done(mosquitto: Mosquitto) -> None:
    async with onlooker(mosquitto.port) as device:
        async with linked(plain(mosquitto)) as link:
            for n in range(5):
                await device.publish(BATCH, b"%d" % n)
            got: list[Message] = []
            while len(got) < 5:
                got += await link.take()
            assert [m.payload for m in got] == [b"0", b"1", b"2", b"3", b"4"]
            for message in got[:2]:
                link.done(message)
            await asyncio.sleep(0.1)
        async with linked(plain(mosquitto)) as again:  # as after a crash: the session is still there
            got = []
            while len(got) < 3:
                got += await again.take()
            assert [m.payload for m in got] == [b"2", b"3", b"4"]


async def test_the_hub_says_that_it_is_there_and_that_it_has_gone(mosquitto: Mosquitto) -> None:
    async with onlooker(mosquitto.port, "densach/1/s1/hub") as device:
        async with linked(plain(mosquitto), named=lambda: "THCS Đèn Sách"):
            topic, payload = await device.next()
            state = msgspec.json.decode(payload)
            assert (topic, state["state"], state["name"]) == ("densach/1/s1/hub", "online", "THCS Đèn Sách")
            assert state["now"] > 1_700_000_000
        assert msgspec.json.decode((await device.next())[1])["state"] == "offline"


async def test_broker_gone_and_back(mosquitto: Mosquitto) -> None:
    async with linked(plain(mosquitto)) as link:
        await asyncio.to_thread(mosquitto.stop, kill=True)
        await until(lambda: not link.connected)
        assert not link.send("densach/1/s1/pc-1/ack", b"x")
        with pytest.raises(Unavailable) as problem:
            await link.publish("densach/1/s1/pc-1/ack", b"x")
        assert problem.value.code == "link.offline"
        await asyncio.to_thread(mosquitto.start)
        await asyncio.wait_for(link.until_connected(), 20)
        async with onlooker(mosquitto.port) as device:
            await device.publish(BATCH, b"after")
            [message] = await link.take()
            assert message.payload == b"after"
            link.done(message)
        assert link.status().connects == 2


async def test_a_full_queue_stops_reading_and_loses_nothing(mosquitto: Mosquitto) -> None:
    async with onlooker(mosquitto.port) as device, linked(plain(mosquitto), queue_bytes=20_000) as link:
        for n in range(100):
            await device.publish(BATCH, b"%04d" % n + b"." * 2000)
        await asyncio.sleep(0.3)
        assert link.status().waiting_bytes < 24_000
        got: list[int] = []
        while len(got) < 100:
            for message in await asyncio.wait_for(link.take(3), 30):
                link.done(message)
                got.append(int(message.payload[:4]))
        assert got == list(range(100))


async def test_published_with_a_result_and_an_expiry(mosquitto: Mosquitto) -> None:
    async with onlooker(mosquitto.port, "densach/1/s1/pc-1/#") as device, linked(plain(mosquitto)) as link:
        await link.publish("densach/1/s1/pc-1/cmd/message", b"hi", expiry_s=60)
        await link.publish("densach/1/s1/pc-1/desired", b"{}", retain=True)
        assert [await device.next() for _ in range(2)] == [
            ("densach/1/s1/pc-1/cmd/message", b"hi"),
            ("densach/1/s1/pc-1/desired", b"{}"),
        ]
        assert link.status().mqtt5


async def test_the_production_broker_counts_what_it_drops(production: ProductionBroker) -> None:
    async with linked(production.broker.address, school=production.school) as link:
        pc = await production.device("pc-1")
        await pc.publish(f"densach/1/{production.school}/pc-1/batch", b"one")
        assert (await link.take())[0].payload == b"one"
        await until(lambda: link.status().dropped is not None, 25)
        assert link.status().dropped == 0


async def test_the_in_process_broker_where_there_is_no_mosquitto() -> None:
    port = free_port()
    async with InProcessBroker(port) as broker:
        note = broker.status().note
        assert note is not None
        assert "not for a real school" in note.msgid
        async with linked(broker.address) as link:
            assert not link.status().mqtt5
            async with onlooker(port) as device:
                await device.publish(BATCH, b"hello")
                [message] = await asyncio.wait_for(link.take(), 30)
                link.done(message)
                assert message.payload == b"hello"
