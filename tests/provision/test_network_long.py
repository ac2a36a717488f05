"""What a hub gives its network where the school wants it: addresses and names, a start over the network, one copy of each
package for the whole room. Off by default; here it is on, and a machine of the room asks for all of it."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]
from tests.fixtures.bundle import SMALL, opened_bundle
from tests.fixtures.hosts import BARE, LAPTOP, PLAYBOOKS, Room, hosts

pytestmark = pytest.mark.timeout(1_800)
OF_HUB = ("avahi-daemon", "chrony", "dnsmasq", "nftables", "apt-cacher-ng", "locales", "python3-venv", "tzdata", "rsync")
"""What the plays find installed: packages of a hub are other tests' matter."""
ASK = """
import json, os, socket, struct, sys
hub = sys.argv[1]
found = {}
line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
line.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
line.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
line.bind(("", 68))
line.settimeout(10)
mac = bytes.fromhex("02dd5ac40001")
discover = struct.pack("!BBBBIHH", 1, 1, 6, 0, 7, 0, 0x8000) + bytes(16) + mac + bytes(10 + 192)
discover += bytes.fromhex("63825363") + bytes([53, 1, 1, 93, 2, 0, 7, 55, 6, 1, 3, 6, 42, 66, 67, 255])
for attempt in range(6):
    line.sendto(discover, ("255.255.255.255", 67))
    try:
        offer = line.recv(2000)
        break
    except TimeoutError:
        offer = b""
found["offered"] = socket.inet_ntoa(offer[16:20])
found["file"] = offer[108:236].rstrip(bytes(1)).decode()
options, at = {}, 240
while at < len(offer) and offer[at] != 255:
    options[offer[at]] = offer[at + 2 : at + 2 + offer[at + 1]]
    at += 2 + offer[at + 1]
found["file"] = found["file"] or options.get(67, b"").rstrip(bytes(1)).decode()
found["names"], found["time"] = (socket.inet_ntoa(options[one][:4]) for one in (6, 42))
found["router"] = 3 in options

def name(asked):
    words = b"".join(bytes([len(part)]) + part.encode() for part in asked.split("."))
    question = struct.pack("!HHHHHH", 9, 0x100, 1, 0, 0, 0) + words + bytes([0, 0, 1, 0, 1])
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.settimeout(10)
    udp.sendto(question, (hub, 53))
    answer = udp.recv(600)
    # One answer and no other: a second one is where half of the machines go.
    return socket.inet_ntoa(answer[-4:]) if answer[7] == 1 else f"{answer[7]} answers"

found["hub"], found["packages"] = name("densach.lan"), name("sach.densach.lan")
if sys.argv[2:] == ["no-start"]:
    sys.exit(print(json.dumps(found)))
tftp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
tftp.settimeout(10)
tftp.sendto(bytes([0, 1]) + found["file"].encode() + b"\\0octet\\0", (hub, 69))
found["started"] = tftp.recv(2000)[4:].decode("latin-1")
print(json.dumps(found))
"""
SERVE = """
import functools, http.server, sys
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[2])
http.server.ThreadingHTTPServer((sys.argv[1], 80), handler).serve_forever()
"""


@contextmanager
def line(room: Room, folder: Path) -> Iterator[Path]:
    """The school's line: a mirror of packages. Gives the file with what was asked of it."""
    log = room.folder / "mirror.log"
    with log.open("wb") as told:
        words = ["nsenter", f"--net=/run/netns/{room.bridge}", "python3", "-u", "-c", SERVE, LAPTOP, str(folder)]
        with subprocess.Popen(words, stdout=told, stderr=told) as server:
            try:
                yield log
            finally:
                server.terminate()


def test_addresses_names_a_start_over_the_network_and_a_cache(tmp_path: Path) -> None:
    mirror = opened_bundle(*SMALL)
    with hosts(tmp_path / "room", "may-chu", "may-01", "may-02", packages=(*BARE, *OF_HUB)) as room, line(room, mirror) as log:
        hub = room["may-chu"]
        nothing = tmp_path / "none.txt"
        nothing.write_text("")
        groups = {"hub": ["may-chu"], "lab": ["may-01", "may-02"]}
        wanted = {
            "densach_hub_name": "densach.lan", "densach_hub_address": hub.address, "dhcp_enabled": True, "pxe_enabled": True,
            "dhcp_interface": "eth0", "dhcp_first": "10.77.0.100", "dhcp_last": "10.77.0.199", "dhcp_address": hub.address,
            "apt_cache_enabled": True, "densach_hub_url": "https://densach.lan", "server_base_packages_file": str(nothing),
        }  # fmt: skip
        room.inventory(groups, wanted)
        tags = ("--tags", "server_base,apt_cache,dhcp,pxe,firewall")
        room.play("hub.yml", *tags)
        (hub.root / "srv/pxe/debian-installer/amd64").mkdir(parents=True)
        (hub.root / "srv/pxe/debian-installer/amd64/bootnetx64.efi").write_text("a start")
        hub.run("dnsmasq", "--test")
        only_what_is_documented(room)

        found = json.loads(room["may-02"].run("python3", "-c", ASK, hub.address))
        assert re.fullmatch(r"10\.77\.0\.1\d\d", found["offered"])
        assert (found["names"], found["time"], found["router"]) == (hub.address, hub.address, False)
        assert (found["hub"], found["packages"]) == (hub.address, hub.address)
        assert (found["file"], found["started"]) == ("debian-installer/amd64/bootnetx64.efi", "a start")

        room.play("lab.yml", "--tags", "hub_name,apt_cache")
        for name in ("may-01", "may-02"):
            for old in (room[name].root / "etc/apt").rglob("*.list"):
                old.unlink()
            (room[name].root / "etc/apt/sources.list").write_text(f"deb [trusted=yes check-date=no] http://{LAPTOP}/apt ./\n")
            room[name].run("apt-get", "update")
            room[name].run("apt-get", "install", "--yes", "--no-install-recommends", "iputils-ping")
        asked = log.read_text().count("/iputils-ping")
        assert asked == 1, "the second machine's package came from the hub"
        hub.halt()
        # What is on its disk already would be taken from there.
        room["may-01"].run("apt-get", "clean")
        assert "iputils" in room["may-01"].run("apt-get", "install", "--reinstall", "--yes", "iputils-ping"), (
            "without the hub, directly"
        )
        hub.boot()
        assert room.play("hub.yml", *tags).changes() == []

        # Switched off again, nothing is left that could answer beside the router.
        room.inventory(groups, {**wanted, "pxe_enabled": False})
        room.play("hub.yml", *tags)
        assert json.loads(room["may-02"].run("python3", "-c", ASK, hub.address, "no-start"))["file"] == ""
        room.inventory(groups, {**wanted, "dhcp_enabled": False, "pxe_enabled": False, "apt_cache_enabled": False})
        room.play("hub.yml", *tags)
        for service in ("dnsmasq", "apt-cacher-ng"):
            assert hub.run("systemctl", "is-active", service, fails=True).strip() == "inactive"
            assert hub.run("systemctl", "is-enabled", service, fails=True).strip() == "disabled"
        assert not re.search(r"dport (?:53|67|69|3142) accept", hub.run("nft", "list", "table", "inet", "densach"))
        assert room.play("hub.yml", *tags).changes() == []


def only_what_is_documented(room: Room) -> None:
    """What the firewall lets in is the list of these switches."""
    listed = yaml.safe_load((PLAYBOOKS / "ports.yml").read_text("utf-8"))["hub"]
    on = {"dhcp_enabled", "pxe_enabled", "apt_cache_enabled"}
    rules = room["may-chu"].run("nft", "list", "table", "inet", "densach")
    for one in listed:
        if one.get("switch") in on:
            assert f"{one['protocol']} dport {one['port']} accept" in rules, one
