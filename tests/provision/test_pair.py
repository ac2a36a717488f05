"""From two bare Debians to a machine seen on the hub: the plays over ssh, from a bundle, with no line anywhere.

One test, since each step stands on the one before; `-s` shows how long each took.
"""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from tests.fixtures.bundle import SMALL, opened_bundle
from tests.fixtures.hosts import PLAYBOOKS, Room, hosts

pytestmark = pytest.mark.timeout(1_200)
NAME = "densach.lan"
LAB_ROLES = "hub_name,source,agent,hub_access"
"""A desktop's packages are for the long suite: here the machine gets what makes it one of the hub's."""

LEFT_OUT = {
    "server_base_left_out": ["ffmpeg"],  # 183 of a hub's 222 packages
    "agent_tools": ["dmidecode", "ethtool"],  # the others bring X11
    "plays_wheels": "/nowhere",  # Ansible on the hub
}
"""What takes half of the time and is installed by the long tests."""

SCANNER = """
# SYN by SYN over a raw socket: two rounds of all ports, since a busy cable drops some; an open one answers SYN+ACK.
import array, json, select, socket, struct, sys, time

def total(data):
    said = sum(array.array("H", data))
    said = (said >> 16) + (said & 0xFFFF)
    return ~(said + (said >> 16)) & 0xFFFF

host, here, mine, found = sys.argv[1], sys.argv[2], 61001, set()
ends = socket.inet_aton(here) + socket.inet_aton(host) + struct.pack("!BBH", 0, 6, 20)
line = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)
line.connect((host, 0))

def hear(seconds):
    while select.select([line], [], [], seconds)[0]:
        packet = line.recv(200)
        tcp = packet[(packet[0] & 15) * 4:]
        if struct.unpack("!H", tcp[2:4])[0] == mine and tcp[13] & 18 == 18:
            found.add(struct.unpack("!H", tcp[:2])[0])

for _ in range(2):
    for port in range(1, 65536):
        head = struct.pack("!HHIIBBHHH", mine, port, 7, 0, 80, 2, 1024, 0, 0)
        line.send(head[:16] + struct.pack("=H", total(ends + head)) + head[18:])
        if port % 64 == 0:
            hear(0)
    hear(2)
print(json.dumps(sorted(found)))
"""

LISTENER = """
# What gets past the firewall, whether anybody waits for it or not: a raw socket is given it behind the last chain.
import json, select, socket, struct, sys

asker, found = sys.argv[1], set()
line = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)
open("/run/densach-listens", "w").close()
while select.select([line], [], [], 60)[0]:
    packet, (sender, _) = line.recvfrom(2000)
    udp = packet[(packet[0] & 15) * 4:]
    here, there = struct.unpack("!HH", udp[:4])
    if sender == asker and here == 61002:
        if udp[8:] == b"end":
            break
        found.add(there)
print(json.dumps(sorted(found)))
"""
SENDER = """
import socket, sys, time

host, ends = sys.argv[1], int(sys.argv[2])
line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
line.bind(("", 61002))
for _ in range(2):
    for port in range(1, 65536):
        try:
            line.sendto(b"?", (host, port))
        except ConnectionRefusedError:
            pass  # somebody's answer to an earlier one
        if port % 64 == 0:
            time.sleep(0.001)
for _ in range(5):
    time.sleep(0.2)
    line.sendto(b"end", (host, ends))
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
        self.said(f"{now - self._last:7.1f} s  {what}")
        self._last = now

    def said(self, what: str) -> None:
        print(what)  # noqa: T201 - what -s is for


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


@contextmanager
def explained(room: Room) -> Iterator[None]:
    """What hub and agent said last, when something fails."""
    try:
        yield
    except BaseException:
        for name, unit in (("may-chu", "densach-hub"), ("may-chu", "nginx"), ("may-01", "densach-agent")):
            with suppress(AssertionError, subprocess.TimeoutExpired):
                told = room[name].run("journalctl", "--no-pager", "--lines=60", f"--unit={unit}", fails=True)
                print(f"--- {name}: {unit}\n{told}")  # noqa: T201 - pytest shows it with the failure
        raise


def test_from_two_bare_machines_to_a_lab_that_comes_back(tmp_path: Path) -> None:
    pair(tmp_path, LEFT_OUT)


def pair(tmp_path: Path, left_out: dict[str, Any]) -> None:
    # Its own names for the shared files: another test process that makes a newer bundle takes the old one away.
    bundle = tmp_path / "bundle"
    shutil.copytree(opened_bundle(*SMALL), bundle, copy_function=linked)
    # Both runs play the same, whoever works on the plays meanwhile.
    plays = tmp_path / "playbooks"
    shutil.copytree(PLAYBOOKS, plays)
    steps = Steps()
    with hosts(tmp_path / "room", "may-chu", "may-01") as room, explained(room):
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
                **left_out,
            },
        )
        room.play(plays / "hub.yml", timeout_s=800)
        steps.done("hub.yml")
        room.play(plays / "lab.yml", "--tags", LAB_ROLES, timeout_s=400)
        steps.done("lab.yml")

        device = until("the machine shows up", lambda: machine(room).get("id"))
        until("its inventory", lambda: api(room, f"/machines/{device}").get("sections"))
        until("the machine is there", lambda: presence(room, device) == "online")
        steps.said(f"first inventory on the hub, {time.monotonic() - steps.begun:.0f} s after two bare machines were switched on")
        assert re.fullmatch(r"[0-9a-f]{64}  densach-agent-x86_64[.]deb\n", kit(room, "densach-agent-x86_64.deb.sha256"))

        the_hub_gets_in(room)
        only_what_is_documented(room)
        steps.done("every port of the hub scanned from a lab machine")

        hub.run("systemctl", "kill", "--signal=KILL", "densach-hub.service")
        until("the hub after its process was killed", lambda: ready(room))
        until("the machine after that", lambda: presence(room, device) == "online")
        steps.done("the hub's process killed: all is back")
        hub.kill()
        hub.boot()
        until("the hub after a pulled plug", lambda: ready(room))
        until("the machine after the hub's return", lambda: presence(room, device) == "online")
        assert machine(room)["id"] == device
        assert api(room, f"/machines/{device}").get("sections")
        steps.done("the hub's plug pulled and put back: all is back")

        with ThreadPoolExecutor() as both:
            again = [both.submit(room.play, plays / "hub.yml", timeout_s=800)]
            again += [both.submit(room.play, plays / "lab.yml", "--tags", LAB_ROLES, extra={"standing_all": True}, timeout_s=400)]
        assert [one.result().changes() for one in again] == [[], []]
        steps.done("hub.yml and lab.yml again, at once: nothing changed")
        looked = room.play(plays / "lab.yml", "--tags", LAB_ROLES, "-v")
        look = looked.hosts["may-01"]
        # What the look is asked is checked, and the look.
        assert look == {**look, "ok": 2, "changed": 0}, looked.output[:6000]
        steps.done("lab.yml once more: the machine is as it was left")
        assert pc.run("systemctl", "is-active", "densach-agent").strip() == "active"


def kit(room: Room, name: str) -> str:
    """What a machine without a line fetches from the hub, before it is anybody."""
    return room.here("curl", "--silent", "--max-time", "60", f"http://{room['may-chu'].address}/join/kit/{name}")


def ready(room: Room) -> bool:
    said = room.here("curl", "--silent", "--max-time", "5", f"http://{room['may-chu'].address}/healthz", fails=True)
    return '"ready":true' in said


def the_hub_gets_in(room: Room) -> None:
    """With the key it keeps, from its own address and no other."""
    machine = room["may-01"]
    key = "/var/lib/densach/keys/ssh/id_ed25519"
    words = ("ssh", "-i", key, "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null")
    assert room["may-chu"].run(*words, f"root@{machine.address}", "id", "-u").strip() == "0"
    stolen = room.folder / "stolen"
    stolen.write_text(room["may-chu"].read(key))
    stolen.chmod(0o600)
    said = room.here(*(str(stolen) if word == key else word for word in words), f"root@{machine.address}", "true", fails=True)
    assert "Permission denied" in said


def only_what_is_documented(room: Room) -> None:
    """All ports from a lab machine. TCP says which are open; of UDP the hub says what came through, and who waits for it."""
    listed = yaml.safe_load((PLAYBOOKS / "ports.yml").read_text("utf-8"))["hub"]
    opened = {"hub_equipment_port"}  # the switches that are on by default
    always = [one for one in listed if one.get("switch", "hub_equipment_port") in opened]
    tcp, udp = (sorted(one["port"] for one in always if one["protocol"] == kind) for kind in ("tcp", "udp"))
    hub, pc = room["may-chu"], room["may-01"]
    assert json.loads(pc.run("python3", "-c", SCANNER, hub.address, pc.address)) == tcp
    rules = re.findall(r"tcp dport (\d+) accept", hub.run("nft", "list", "table", "inet", "densach"))
    assert sorted(map(int, rules)) == tcp, "nothing is open where nobody answers today"

    hub.run("rm", "-f", "/run/densach-listens")
    with ThreadPoolExecutor() as beside:
        heard = beside.submit(hub.run, "python3", "-c", LISTENER, pc.address)
        until("somebody listens", lambda: hub.run("ls", "/run/densach-listens", fails=True).strip() == "/run/densach-listens", 60)
        pc.run("python3", "-c", SENDER, hub.address, str(udp[0]))
        assert json.loads(heard.result()) == udp
    waiting = re.findall(r"^\S+ +\d+ +\d+ +(?!127\.|\[::1\])(\S+):(\d+) ", hub.run("ss", "-Hlnu"), re.MULTILINE)
    assert {int(port) for _, port in waiting} >= set(udp), "what is open is answered"
