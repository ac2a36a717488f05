"""The one line for Linux, run for real: the agent's one file from this hub's kit, without Internet, and enrolled.

Needs the agent's wheels once, from the network or pip's cache.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.hub.fleet.web import Web, served

from densach_core.clock import FixedClock
from densach_core.database import Database
from densach_hub.fleet.kit import agent_needs
from densach_hub.fleet.service import Fleet

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The agent's dependencies for this Python. Where they cannot be had, the test fails and says why."""
    folder = tmp_path_factory.mktemp("wheels")
    command = [sys.executable, "-m", "pip", "download", "-q", "--only-binary", ":all:", "-d", str(folder), *agent_needs()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"the agent's wheels cannot be downloaded: {done.stderr[-500:]}"
    return folder


@pytest.fixture
async def web(fleet: Fleet, school: Database, clock: FixedClock, wheels: Path) -> AsyncIterator[Web]:
    kit = fleet.authority.folder.parent / "kit"
    shutil.copytree(wheels, kit)
    (kit / "msgspec-0.1.0-cp39-cp39-linux_x86_64.whl").write_bytes(b"for another Python")
    async with served(fleet, school, clock) as found:
        yield found


async def _joined(web: Web, folder: Path, line: str) -> tuple[int, str]:
    """Runs a line as a technician would, in an environment that offers nothing but this hub."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "DENSACH_PREFIX": str(folder / "opt"),
        "DENSACH_DATA": str(folder / "data"),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": "http://127.0.0.1:9/no-internet-here",
        "PIP_NO_CACHE_DIR": "1",
    }
    process = await asyncio.create_subprocess_shell(
        line.replace("@HUB", web.base), env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


async def test_one_line_makes_a_machine_the_schools(web: Web, fleet: Fleet, tmp_path: Path) -> None:
    room = await fleet.rooms.new("Phòng Tin 1", by="Lan", seats=2)
    _, token = await fleet.enrolment.new_token(by="Lan", room=room.id)
    code, output = await _joined(web, tmp_path, f"curl -fsS @HUB/join/linux.sh | sh -s -- {token}")
    assert code == 0, output
    machines = await fleet.register.machines(room=room.id)
    assert len(machines) == 1
    assert machines[0].certificate is not None
    enrolled = json.loads((tmp_path / "data" / "enrolled.json").read_text())
    assert enrolled["device"] == machines[0].id
    assert (tmp_path / "data").stat().st_mode & 0o077 == 0
    said = subprocess.run(
        [tmp_path / "opt/current/bin/densach", "agent", "status", "--data", tmp_path / "data"],
        capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
    ).stdout  # fmt: skip
    assert machines[0].id in said
    assert not list((tmp_path / "opt").rglob("aiohttp"))

    # The same again, the other way of giving the token: brought up to date, still the same machine.
    line = f"curl -fsS @HUB/join/linux.sh -o {tmp_path}/join.sh && echo '{token}' | sh {tmp_path}/join.sh"
    code, output = await _joined(web, tmp_path, line)
    assert code == 0, output
    assert [m.id for m in await fleet.register.machines()] == [machines[0].id]


async def test_without_a_token_it_waits_for_one_click(web: Web, fleet: Fleet, tmp_path: Path) -> None:
    code, output = await _joined(web, tmp_path, "curl -fsS @HUB/join/linux.sh | sh")
    assert code == 0, output
    waiting = await fleet.enrolment.waiting()
    assert len(waiting) == 1
    assert (tmp_path / "data" / "joining.json").exists()


async def test_what_is_missing_is_said_before_anything_is_done(web: Web, tmp_path: Path) -> None:
    code, output = await _joined(web, tmp_path, "curl -fsS @HUB/join/linux.sh | DENSACH_HUB=http://127.0.0.1:9 sh")
    assert code != 0
    assert "cannot be reached" in output
    assert not (tmp_path / "opt").exists()
