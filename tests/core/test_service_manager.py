"""What a service manager hears: ready, still there, going; and nothing where nobody listens."""

import asyncio
import os
import socket
from pathlib import Path

import pytest

from densach_core.service_manager import ServiceManager


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"):
        monkeypatch.delenv(name, raising=False)
    manager = ServiceManager()
    manager.ready()
    assert manager.watchdog_s == 0
    asyncio.run(asyncio.wait_for(manager.turn(), 10))


async def test_signs_of_life_come_until_it_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(tmp_path / "notify"))
        ear.settimeout(30)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "30000")
        monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
        manager = ServiceManager()
        assert "NOTIFY_SOCKET" not in os.environ
        manager.ready()
        turning = asyncio.create_task(manager.turn())
        heard = [(await asyncio.to_thread(ear.recv, 100)).decode() for _ in range(3)]
        turning.cancel()
        manager.stopping()
        assert heard == ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]
        while (last := ear.recv(100).decode()) == "WATCHDOG=1":
            pass
        assert last == "STOPPING=1"


def test_another_process_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "30000")
    monkeypatch.setenv("WATCHDOG_PID", "1")
    assert ServiceManager().watchdog_s == 0
