"""What a device may say wrong, over TLS at the production broker: kept apart with its reason; nobody else is harmed."""

import asyncio
import time
import zlib
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from tests.fixtures.broker import Client
from tests.fixtures.road import Agent, Hub, Road, until

from densach_agent.link import tls_context
from densach_agent.membership import Membership

pytestmark = pytest.mark.timeout(300)


def one_gigabyte() -> bytes:
    packer = zlib.compressobj(9)
    block = b" " * 1_000_000
    return b"".join([packer.compress(b"{"), *(packer.compress(block) for _ in range(1000)), packer.flush()])


def batch(device: str, **wrong: Any) -> bytes:
    letter = {"v": 1, "dev": device, "stream": "s", "boot": "b", "sent": {"up": 1}, "recs": []}
    return msgspec.json.encode({**letter, **wrong})


class Rogue:
    """An admitted machine whose program went mad: its own certificate, its own topics, any bytes."""

    def __init__(self, agent: Agent) -> None:
        member = Membership(agent.data)
        enrolled = member.enrolled()
        assert enrolled is not None
        [self.line] = member.lines(enrolled)
        self.device, self.school = enrolled.device, enrolled.school

    async def says(self, payload: bytes, channel: str = "batch", device: str | None = None) -> str:
        """The broker's word on it; "hung up" when it ended the connection over it."""
        client = Client(self.device, mqtt5=True)
        await client.connect(self.line.port, context=tls_context(self.line.credentials))
        try:
            return await client.publish(f"densach/1/{self.school}/{device or self.device}/{channel}", payload)
        except TimeoutError:
            return "hung up" if client.gone.is_set() else "nothing"
        finally:
            await client.close()


Payload = Callable[[str, str], bytes]
WRONG: dict[str, tuple[Payload, str]] = {
    "not JSON": (lambda _me, _other: b"what is this", "wire.not-json"),
    "inflates to 1 GB": (lambda _me, _other: one_gigabyte(), "wire.too-large"),
    "wrong type": (lambda me, _other: batch(me, stream=7), "wire.bad-shape"),
    "another device's id": (lambda _me, other: batch(other), "intake.foreign-device"),
    "tomorrow's contract": (lambda me, _other: batch(me, v=2), "wire.version"),
}


def test_hostile_messages(road: Road) -> None:
    hub = road.hub()
    token = hub.room_token()
    good, bad = (road.agent(name, root=road.machine(name, n)) for n, name in enumerate(("pc-01", "pc-02"), 1))
    for agent in (good, bad):
        agent.joins(hub, token)
        agent.start()
        assert agent.device
    assert bad.stop() == 0
    rogue = Rogue(bad)
    until(lambda: {"cpu", "disk"} <= set(hub.sections(good.device)))

    for payload, _ in WRONG.values():
        assert asyncio.run(rogue.says(payload(bad.device, good.device))) == "Success"
    codes = {code for _, code in WRONG.values()}
    until(lambda: codes <= {code for (code,) in hub.rows("SELECT code FROM quarantine WHERE device = ?", bad.device)})
    # 10 MB: the broker hangs up before it is read into memory.
    assert asyncio.run(rogue.says(b"{" + b" " * 10_000_000 + b"}")) == "hung up"
    # Another's topic: the broker refuses it, the hub never hears of it.
    assert asyncio.run(rogue.says(batch(good.device), device=good.device)) == "Not authorized"
    assert not hub.rows("SELECT * FROM quarantine WHERE device = ?", good.device)

    unharmed(hub, good)
    for code in codes:
        assert code in hub.page("/lab/quarantine"), code
    findings = hub.findings("quarantine")
    assert {one["machine"] for one in findings} == {bad.device}
    assert len(findings) == len(codes)

    # And as soon as it speaks sense again it is heard.
    bad.has_waiting(1, 50)
    bad.start()
    until(lambda: hub.told(bad.device) == list(range(1, 51)))


def unharmed(hub: Hub, good: Agent) -> None:
    """The other machine is still heard, and the hub is well and small."""
    good.stop()
    good.has_waiting(1, 500)
    good.start()
    began = time.monotonic()
    until(lambda: hub.told(good.device) == list(range(1, 501)))
    assert time.monotonic() - began < 90
    assert hub.ask("GET", "/healthz")[0] == 200
    resident = sum(p.memory_info().rss for p in hub.children()) + _own(hub)
    assert resident < 1024**3  # the gigabyte was never unpacked


def _own(hub: Hub) -> int:
    import psutil

    return int(psutil.Process(hub.pid).memory_info().rss)
