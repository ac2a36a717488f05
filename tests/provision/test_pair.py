"""From two bare Debians to a machine seen on the hub: the plays over ssh, from a bundle, with no line anywhere.

One test, since each step stands on the one before; `-s` shows how long each took.
"""

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from tests.fixtures.bundle import SMALL, opened_bundle
from tests.fixtures.hosts import PLAYBOOKS, Room, hosts

pytestmark = pytest.mark.timeout(1_800)
NAME = "densach.lan"
LAB_ROLES = "hub_name,source,agent"
"""A desktop's packages are for the long suite: here the machine gets what makes it one of the hub's."""

SCANNER = """
import asyncio, json, sys

async def look(host, port, some, found):
    async with some:
        try:
            _, line = await asyncio.wait_for(asyncio.open_connection(host, port), 1.5)
        except (OSError, TimeoutError, asyncio.TimeoutError):
            return
        found.append(port)
        line.close()

async def main():
    some, found = asyncio.Semaphore(4000), []
    await asyncio.gather(*(look(sys.argv[1], port, some, found) for port in range(1, 65536)))
    print(json.dumps(sorted(found)))

import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (6000, 6000))
asyncio.run(main())
"""


def linked(source: str, target: str) -> None:
    """As a copy, at no cost where both are on one disk."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


class Steps:
    """Says how long each step took."""

    def __init__(self) -> None:
        self.begun = self._last = time.monotonic()

    def done(self, what: str) -> None:
        now = time.monotonic()
        print(f"{now - self._last:7.1f} s  {what}")  # noqa: T201 - what -s is for
        self._last = now


def api(room: Room, path: str) -> Any:
    """What the hub says to a technician's program, over nginx and TLS, checked against the school's own CA."""
    hub, ca = room["may-chu"], room.folder / "ca.pem"
    token = (room.folder / "token").read_text().strip()
    said = room.here(
        "curl", "--silent", "--show-error", "--max-time", "20", "--cacert", str(ca),
        "--resolve", f"{NAME}:443:{hub.address}", "--header", f"Authorization: Bearer {token}", f"https://{NAME}/api/v1{path}",
        fails=True,
    )  # fmt: skip
    try:
        return json.loads(said)
    except json.JSONDecodeError:
        return {}


def until(what: str, found: Callable[[], Any], seconds: float = 180) -> Any:
    end = time.monotonic() + seconds
    while not (it := found()):
        assert time.monotonic() < end, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.3)
    return it


def machine(room: Room) -> dict[str, Any]:
    found = api(room, "/machines").get("machines", [])
    return found[0] if found else {}


def presence(room: Room, device: str) -> str:
    live = api(room, f"/machines/{device}").get("live") or {}
    return str(live.get("presence", ""))


def test_from_two_bare_machines_to_a_lab_that_comes_back(tmp_path: Path) -> None:
    # Its own names for the shared files: another test process that makes a newer bundle takes the old one away.
    bundle = tmp_path / "bundle"
    shutil.copytree(opened_bundle(*SMALL), bundle, copy_function=linked)
    steps = Steps()
    with hosts(tmp_path / "room", "may-chu", "may-01") as room:
        steps.done("two bare Debians boot")
        hub, pc = room["may-chu"], room["may-01"]
        room.inventory(
            {"hub": ["may-chu"], "lab": ["may-01"], "room_phong_tin_1": ["may-01"]},
            {
                "bundle_dir": str(bundle),
                "densach_hub_name": NAME,
                "densach_hub_address": hub.address,
                "densach_hub_url": f"https://{NAME}",
                "agent_api_url": f"https://{hub.address}",
                "densach_school": "79000001",
                "densach_token_file": str(room.folder / "token"),
                "densach_hub_ca_file": str(room.folder / "ca.pem"),
                "hub_school_name": "Trường THCS Đèn Sách",
                "hub_rooms": [{"name": "Phòng Tin 1", "seats": 24}],
                "agent_room": "phong-tin-1",
            },
        )
        room.play("hub.yml", timeout_s=1_200)
        steps.done("hub.yml")
        room.play("lab.yml", "--tags", LAB_ROLES, timeout_s=1_200)
        steps.done("lab.yml")

        device = until("the machine shows up", lambda: machine(room).get("id"))
        until("its inventory", lambda: api(room, f"/machines/{device}").get("sections"))
        assert presence(room, device) == "online"
        print(f"{time.monotonic() - steps.begun:7.1f} s  from bare machines to the first inventory on the hub")  # noqa: T201
        steps.done("first inventory")

        only_what_is_documented(room)
        steps.done("every port of the hub scanned from a lab machine")

        hub.kill()
        hub.boot()
        until("the hub after a pulled plug", lambda: ready(room))
        until("the machine after the hub's return", lambda: presence(room, device) == "online")
        steps.done("the hub's plug pulled and put back: all is back")
        hub.reboot()
        until("the hub after a restart", lambda: ready(room))
        until("the machine after the hub's restart", lambda: presence(room, device) == "online")
        steps.done("the hub restarted: all is back")

        assert room.play("hub.yml", timeout_s=1_200).changes() == []
        steps.done("hub.yml again")
        assert room.play("lab.yml", "--tags", LAB_ROLES, timeout_s=1_200).changes() == []
        steps.done("lab.yml again")
        assert pc.run("systemctl", "is-active", "densach-agent").strip() == "active"


def ready(room: Room) -> bool:
    said = room.here("curl", "--silent", "--max-time", "5", f"http://{room['may-chu'].address}/healthz", fails=True)
    return '"ready":true' in said


def only_what_is_documented(room: Room) -> None:
    """All TCP ports from a lab machine. UDP cannot be told from outside (silence is both): the rules and who listens are read."""
    listed = yaml.safe_load((PLAYBOOKS / "ports.yml").read_text("utf-8"))["hub"]
    opened = {"hub_equipment_port"}  # the switches that are on by default
    always = [one for one in listed if one.get("switch", "hub_equipment_port") in opened]
    for kind in ("tcp", "udp"):
        documented = sorted(one["port"] for one in always if one["protocol"] == kind)
        if kind == "tcp":
            hub = room["may-chu"]
            seen = json.loads(room["may-01"].run("python3", "-c", SCANNER, hub.address))
            assert seen == documented
        rules = room["may-chu"].run("nft", "list", "table", "inet", "densach")
        allowed = sorted(int(words[2]) for line in rules.splitlines() if (words := line.split())[:2] == [kind, "dport"])
        # One more of UDP: the answer to the hub's own question for an address.
        assert [port for port in allowed if port not in {68, 546}] == documented, rules
