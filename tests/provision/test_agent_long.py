"""A machine's life on a hub, as the plays lead it: the agent fetched from the hub and enrolled by a token asked for over its API,
its certificate renewed, and the machine retired."""

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.fixtures.hosts import LAPTOP, Room, hosts
from tests.fixtures.road import ROOT, Child, Hub, Road, hub_seed, road

__all__ = ["hub_seed", "road"]
pytestmark = pytest.mark.timeout(900)
KIT = ROOT / ".cache/agent-kit"


def until(found: Callable[[], object], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.2)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    with hosts(tmp_path / "room", "may-01", "may-02") as made:
        yield made


@pytest.fixture
def hub(road: Road, room: Room) -> Iterator[Hub]:
    """On the laptop: in the room's network and in no other."""
    made = road.hub(start=False)
    settings = made.data / "densach.toml"
    settings.write_text(settings.read_text().replace("127.0.0.1", "0.0.0.0"))
    made.words = ["nsenter", f"--net=/run/netns/{room.bridge}", *(word.replace("127.0.0.1:", "0.0.0.0:") for word in made.words)]
    made.env = {"DENSACH_AGENT_KIT": str(KIT)}
    Child.start(made)
    yield made
    made.kill()


def enrolled(room: Room, name: str = "may-01") -> dict[str, str]:
    found: dict[str, str] = json.loads(room[name].read("/var/lib/densach-agent/enrolled.json"))
    return found


@pytest.mark.skipif(not KIT.is_dir() or os.geteuid() != 0, reason="no kit was packed in this clone")
def test_a_machine_comes_is_renewed_and_goes(room: Room, hub: Hub, tmp_path: Path) -> None:
    url = f"http://{LAPTOP}:{hub.port}"
    until(lambda: "ready" in room.here("curl", "-s", f"{url}/healthz", fails=True))
    (tmp_path / "token").write_text(hub.token)
    room.inventory(
        {"lab": ["may-01", "may-02"]},
        {
            "densach_hub_url": url,
            "densach_hub_name": LAPTOP,
            "densach_hub_ca_file": str(hub.data / "keys/ca.pem"),
            "densach_token_file": str(tmp_path / "token"),
            "agent_tools": [],
        },
    )
    room.play("lab.yml", "--tags", "agent")
    before = enrolled(room)
    assert room.play("lab.yml", "--tags", "agent", extra={"standing_all": True}).changes() == []

    certificate = room["may-01"].read("/var/lib/densach-agent/device.crt")
    room.play("day2/rotate_certificates.yml", extra={"only": "machines", "room": "may-01"})
    assert enrolled(room)["device"] == before["device"]
    assert room["may-01"].read("/var/lib/densach-agent/device.crt") != certificate
    said = room["may-01"].run
    until(lambda: '"connected": true' in said("densach", "agent", "status", "--json", fails=True))
    assert "join-token" not in said("ls", "/etc/densach", "/var/lib/densach-agent")

    room.play("day2/retire.yml", extra={"machine": "may-01", "why": "bán thanh lý"})
    assert hub.rows("SELECT 1 FROM machine WHERE id = ? AND retired_at IS NOT NULL", before["device"], file="school.db")
    assert not (room["may-01"].root / "var/lib/densach-agent").exists()

    # A machine that is broken, sold or stolen cannot be asked who it was.
    gone = enrolled(room, "may-02")["device"]
    room["may-02"].kill()
    room.play("day2/retire.yml", extra={"machine": "may-02"}, fails=True)
    assert not hub.rows("SELECT 1 FROM machine WHERE id = ? AND retired_at IS NOT NULL", gone, file="school.db")
    room.play("day2/retire.yml", extra={"machine": "may-02", "device": gone})
    assert hub.rows("SELECT 1 FROM machine WHERE id = ? AND retired_at IS NOT NULL", gone, file="school.db")
