"""The Mosquitto child: started, watched, restarted, never outliving its hub; and which broker `--mqtt` means."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from tests.fixtures.broker import ProductionBroker
from tests.fixtures.mosquitto import find_mosquitto, free_port

from densach_core.errors import BadInput, Unavailable
from densach_hub.link.broker import ExternalBroker, MosquittoBroker
from densach_hub.link.choice import BrokerSettings, choose_broker
from densach_hub.link.inprocess import InProcessBroker
from densach_hub.link.model import Listener

HUB = """
import asyncio, sys
from pathlib import Path
from densach_hub.link.broker import MosquittoBroker
async def main():
    async with MosquittoBroker(sys.argv[1], Path(sys.argv[2]), school="s1") as broker:
        print("pid", broker.pid, flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""


async def test_a_killed_broker_comes_back(production: ProductionBroker) -> None:
    broker = production.broker
    first = broker.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    for _ in range(200):
        if broker.pid != first and broker.status().running and broker.status().starts == 2:
            break
        await asyncio.sleep(0.05)
    status = broker.status()
    assert status.running
    assert status.note is not None
    pc = await production.device("pc-1")
    assert await pc.publish(f"densach/1/{production.school}/pc-1/batch", b"x") == "No matching subscribers"


def test_the_broker_does_not_outlive_a_hub_that_was_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HUB, find_mosquitto(), str(tmp_path / "m")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as hub:
        assert hub.stdout is not None
        pid = next(int(line.split()[1]) for line in hub.stdout if line.startswith(b"pid"))
        broker = psutil.Process(pid)
        assert broker.is_running()
        hub.kill()
    until = time.monotonic() + 15
    while broker.is_running() and broker.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < until, "the broker lives on"
        time.sleep(0.02)


async def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        broker = MosquittoBroker(find_mosquitto(), tmp_path, school="s1", equipment=Listener(port, "127.0.0.1"))
        with pytest.raises(Unavailable) as problem:
            async with broker:
                pass
        assert problem.value.code == "link.port-taken"
        assert problem.value.facts["port"] == port


async def test_secrets_are_the_hubs_own(production: ProductionBroker) -> None:
    folder = production.broker._folder
    assert folder.stat().st_mode & 0o077 == 0
    for file in folder.iterdir():
        if file.name != "mosquitto.db":
            assert file.stat().st_mode & 0o077 == 0, file.name
    text = (folder / "equipment.passwd").read_text()
    assert production.broker.accounts.studio_password() not in text


def test_account_names_cannot_smuggle_lines(tmp_path: Path) -> None:
    broker = MosquittoBroker(find_mosquitto(), tmp_path, school="s1")
    for name in ("a\nuser hub", "a:b", "#", "", "A", "đèn"):
        with pytest.raises(BadInput):
            broker.accounts.put(name, broker.accounts.all()[0].kind)


def test_which_broker_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def chosen(url: str, **more: str) -> object:
        return choose_broker(BrokerSettings(url=url, **more), folder=tmp_path, school="s1", tls=None)  # type: ignore[arg-type]

    assert isinstance(chosen("embedded"), MosquittoBroker)
    external = chosen("mqtts://hub%40school@mqtt.school.lan", password="secret")
    assert isinstance(external, ExternalBroker)
    address = external.address
    assert (address.host, address.port, address.user, address.tls) == ("mqtt.school.lan", 8883, "hub@school", True)
    assert "secret" not in repr(address)
    for wrong in ("embedded:x", "http://x", "mqtt://", "mqtt://u:p@host", "mqtt://host:99999"):
        with pytest.raises(BadInput):
            chosen(wrong)
    monkeypatch.setattr("densach_hub.link.choice.find_mosquitto", lambda: None)
    missing = chosen(f"embedded:{free_port()}")
    assert isinstance(missing, InProcessBroker)
