"""The real agent's outbox and line against the real intake: brokers that go away, hubs that forget."""

import asyncio
import random
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.fixtures.intake import SCHOOL, HubIntake, hub_intake
from tests.fixtures.mosquitto import Mosquitto

from densach_agent.clock import SystemClock, moment
from densach_agent.correspondent import Correspondent, Hooks
from densach_agent.link import Line
from densach_agent.outbox import Outbox
from densach_agent.pump import Pump
from densach_hub.link.model import BrokerAddress
from densach_wire.messages import Event, Hello, System


class Agent:
    """Outbox, correspondent and pump in a thread, as the resident agent has them."""

    def __init__(self, port: int, path: Path) -> None:
        self.clock = SystemClock()
        self.outbox = Outbox(path, self.clock)
        line = Line("127.0.0.1", port, SCHOOL, "pc-1")
        self.talk = Correspondent(
            [line], self.outbox, self.clock, self._hello, Hooks(), random.Random(1), batch_ms=0
        )  # fmt: skip
        self._pump = Pump([self.talk.link])
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="agent")

    def _hello(self) -> Hello:
        return Hello(
            agent="test 1",
            os=System("linux"),
            boot=self.clock.boot,
            stream=self.outbox.stream,
            clock=moment(self.clock),
            kept=self.outbox.kept(),
        )

    def _run(self) -> None:
        while not self._stop.is_set():
            self._pump.turn(0.02)
            self.talk.tick()

    def __enter__(self) -> "Agent":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.talk.close()
        self.outbox.close()

    def tell(self, n: int) -> None:
        for i in range(n):
            self.outbox.add(Event("test", {"n": i}))

    async def drained(self, seconds: float = 40) -> None:
        for _ in range(int(seconds / 0.05)):
            if not self.outbox.pending:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"{self.outbox.pending} records are still in the outbox")


def plain(broker: Mosquitto) -> BrokerAddress:
    return BrokerAddress(broker.host, broker.port)


@asynccontextmanager
async def hub_and_agent(mosquitto: Mosquitto, folder: Path) -> AsyncIterator[tuple[HubIntake, Agent]]:
    (folder / "hub").mkdir()
    with Agent(mosquitto.port, folder / "outbox.db") as agent:
        async with hub_intake(folder / "hub", plain(mosquitto), devices=["pc-1"]) as hub:
            yield hub, agent


async def test_what_the_agent_tells_arrives(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with hub_and_agent(mosquitto, tmp_path) as (hub, agent):
        agent.tell(500)
        await agent.drained()
        assert await hub.count("event") == 500
        assert await hub.upto("pc-1", agent.outbox.stream) == 500


async def test_the_broker_is_gone_for_a_while(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """An hour is as good as a second here: nothing counts but what is in the outbox."""
    async with hub_and_agent(mosquitto, tmp_path) as (hub, agent):
        agent.tell(50)
        await agent.drained()
        await asyncio.to_thread(mosquitto.stop, kill=True)
        agent.tell(1000)
        await asyncio.sleep(0.5)
        assert agent.outbox.pending == 1000
        await asyncio.to_thread(mosquitto.start)
        await agent.drained()
        assert await hub.count("event") == 1050
        assert hub.intake.status().lost == 0


async def test_the_hub_is_away_and_the_agent_waits(mosquitto: Mosquitto, tmp_path: Path) -> None:
    hub_folder = tmp_path / "hub"
    hub_folder.mkdir()
    with Agent(mosquitto.port, tmp_path / "outbox.db") as agent:
        async with hub_intake(hub_folder, plain(mosquitto), devices=["pc-1"]):
            agent.tell(10)
            await agent.drained()
        agent.tell(300)
        await asyncio.sleep(0.5)
        assert agent.outbox.pending == 300
        async with hub_intake(hub_folder, plain(mosquitto)) as hub:
            await agent.drained()
            assert await hub.count("event") == 310


async def test_a_hub_restored_from_yesterdays_backup_loses_nothing(mosquitto: Mosquitto, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    backup.mkdir()
    (tmp_path / "hub").mkdir()
    with Agent(mosquitto.port, tmp_path / "outbox.db") as agent:
        async with hub_intake(tmp_path / "hub", plain(mosquitto), devices=["pc-1"]) as hub:
            agent.tell(100)
            await agent.drained()
            for db in (hub.telemetry, hub.school):
                await db.copy_to(backup / db.path.name)
            agent.tell(700)
            await agent.drained()
        async with hub_intake(backup, plain(mosquitto)) as restored:
            agent.tell(1)
            for _ in range(800):
                if await restored.upto("pc-1", agent.outbox.stream) == 801:
                    break
                await asyncio.sleep(0.05)
            assert await restored.count("event") == 801
            assert await restored.count("lost") == 0
            await agent.drained()
