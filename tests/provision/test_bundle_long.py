"""What a technician does with a bundle and nothing else: a bare Debian without Python, without a line; a run cut off in the
middle; updates from a stick. Minutes."""

import json
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from tests.fixtures.bundle import CACHE, bundle_file, densach, opened_bundle
from tests.fixtures.hosts import Host, Room, hosts
from tests.provision.test_bundle import served
from tests.provision.test_pair import NAME, until

pytestmark = pytest.mark.timeout(2_400)
BARE = ("openssh-server", "systemd-sysv", "dbus", "iproute2", "sudo")
"""Nothing but what the installer always leaves; no Python."""
SETUP = "sh /srv/densach/bundle/setup.sh"


def long(machine: Host, line: str, *, fails: bool = False) -> str:
    """A command that may take minutes."""
    # Nothing that runs on may hold the pipe this command is read from.
    ran = f"sh -c {json.dumps(line)} >/var/tmp/log 2>&1; echo $? >/var/tmp/rc.new; mv /var/tmp/rc.new /var/tmp/rc"
    machine.run("sh", "-c", f"rm -f /var/tmp/rc; ({ran}) >/dev/null 2>&1 &")
    for _ in range(15):
        machine.run("sh", "-c", "for n in $(seq 100); do [ -e /var/tmp/rc ] && exit; sleep 1; done")
        if (machine.root / "var/tmp/rc").exists():
            break
    said = machine.read("/var/tmp/log")
    assert fails == (machine.read("/var/tmp/rc").strip() != "0"), said[-3000:]
    return said


def test_a_bare_machine_with_a_stick(tmp_path: Path) -> None:
    file = bundle_file()
    with hosts(tmp_path / "room", "hub", packages=BARE) as room:
        hub = room["hub"]
        assert "default" not in hub.run("ip", "route")
        assert hub.run("sh", "-c", "command -v python3 || echo none").strip() == "none"
        (hub.root / "media/usb").mkdir(parents=True)
        shutil.copy(file, hub.root / "media/usb/densach.bundle")

        # The README's three commands, as they stand there.
        readme = subprocess.run(["tar", "xfO", str(file), "README.txt"], capture_output=True, text=True, check=True).stdout
        commands = [line.strip() for line in readme.splitlines() if line.startswith("    ")][:3]
        assert commands[-1] == SETUP
        for command in commands[:2]:
            long(hub, command)

        # A damaged file changes nothing.
        wheel = next((hub.root / "srv/densach/bundle/wheels").glob("ansible_core*"))
        body = wheel.read_bytes()
        wheel.write_bytes(body[:-1] + bytes([body[-1] ^ 1]))
        assert "bundle.damaged" in long(hub, f"{SETUP} tools", fails=True)
        assert not (hub.root / "etc/apt/sources.list.d/densach-bundle.sources").exists()
        wheel.write_bytes(body)

        # The plug is pulled while Ansible is being unpacked; then the same command again.
        hub.run("sh", "-c", f"nohup {SETUP} tools >/var/tmp/cut 2>&1 &")
        hub.run("sh", "-c", "for n in $(seq 1000); do [ -d /opt/densach/provision.new/lib ] && exit; sleep 0.1; done; exit 1")
        hub.kill()
        hub.boot()
        long(hub, f"{SETUP} tools")
        assert "core 2.19" in long(hub, "/opt/densach/provision/bin/ansible --version")
        key = hub.read("/etc/densach/bundle-keys")
        assert key.strip() in densach("verify", file)

        # The second time there is nothing to do.
        again = long(hub, f"{SETUP} tools")
        assert "trusted here" in again
        assert "0 newly installed" in again

        # The hub itself, to its end: its pages answer, and it waits for the person with the code from its log.
        begun = time.monotonic()
        assert "failed=0" in long(hub, SETUP)
        print(f"{time.monotonic() - begun:7.1f} s  setup.sh makes a hub")  # noqa: T201 - what -s is for
        until("the hub's pages", lambda: page(room, hub, "/healthz") == "200")
        assert page(room, hub, "/healthz", f"sach.{NAME}") == "404", "under the packages' name there are packages, and no pages"
        assert "/setup?code=" in hub.run("journalctl", "--unit=densach-hub", "--no-pager", "--output=cat")
        begun = time.monotonic()
        assert "changed=0" in long(hub, SETUP)
        print(f"{time.monotonic() - begun:7.1f} s  the same command again")  # noqa: T201
        assert "office" in hub.run("densach", "--help")
        hub.reboot()
        until("the hub's pages after a restart", lambda: page(room, hub, "/healthz") == "200")


def page(room: Room, hub: Host, path: str, name: str = NAME) -> str:
    """The status, for a laptop that trusts the school's own CA."""
    return room.here(
        "curl", "--silent", "--max-time", "20", "--cacert", str(hub.root / "var/lib/densach/keys/ca.pem"),
        "--resolve", f"{name}:443:{hub.address}", "--output", "/dev/null", "--write-out", "%{http_code}", f"https://{name}{path}",
        fails=True,
    ).strip()  # fmt: skip


def test_updates_from_a_stick(tmp_path: Path) -> None:
    """Opened and installed is what a known maker signed later than what is here; everything else is refused and said."""
    bundle = opened_bundle()
    old = tmp_path / "old.bundle"
    shutil.copy(bundle_file(), old)
    (tmp_path / "book.yml").write_text(
        "- hosts: hub\n  become: true\n  roles: [source, updates]\n  vars: {source_here: false}\n", "utf-8"
    )
    with hosts(tmp_path / "room", "hub") as room, served(room, bundle) as address:
        hub = room["hub"]
        opener = tmp_path / "opener"
        opener.mkdir()
        told = {"bundle_dir": str(bundle), "source_url": f"{address}/apt", "updates_command": "/opt/opener/bin/densach bundle"}
        room.inventory({"hub": ["hub"]}, told)
        room.play(tmp_path / "book.yml")
        assert room.play(tmp_path / "book.yml").changes() == []
        assert "02:30" in hub.run("systemctl", "cat", "apt-daily-upgrade.timer")
        assert "warn" not in hub.run("systemd-analyze", "verify", "/etc/systemd/system/densach-usb-update@.service", fails=True)

        (hub.root / "media/usb").mkdir(parents=True)
        shutil.copy(old, hub.root / "media/usb/densach-1.bundle")
        long(hub, "apt-get install --yes python3-venv && python3 -m venv /opt/opener && mkdir /srv/w && cd /srv/w && "
                  "tar xf /media/usb/densach-1.bundle wheels && /opt/opener/bin/pip install --no-index --find-links wheels "
                  "--require-hashes --no-compile -r wheels/hub.txt")  # fmt: skip
        update = "/usr/local/sbin/densach-usb-update /media/usb"
        assert "bundle.unknown-key" in long(hub, update, fails=True)
        assert " refused densach-1.bundle" in hub.read("/var/lib/densach-updates/last")

        hub.run("/opt/opener/bin/densach", "bundle", "open", "/media/usb/densach-1.bundle", "/srv/densach/bundle")
        entry = hub.root / "etc/apt/sources.list.d/densach-bundle.sources"
        entry.write_text(entry.read_text().replace(f"{address}/apt", "file:/srv/densach/bundle/apt"))
        assert "not newer" in long(hub, update)
        assert " done densach-1.bundle" in hub.read("/var/lib/densach-updates/last")

        newer = tmp_path / "newer.bundle"
        (tmp_path / "windows").mkdir()
        (tmp_path / "windows/setup.exe").write_bytes(b"MZ")
        densach(newer, "--sets", "office", "--add", tmp_path / "windows", "--cache", CACHE / "cache/densach/bundle")
        assert json.loads(densach("verify", newer, "--json"))["extra"] == ["setup.exe"]
        # Beside it a stranger's, with a later date; and the older one, copied last.
        stranger = hub.root / "media/usb/densach-3.bundle"
        densach(stranger, "--sets", "office", "--cache", CACHE / "cache/densach/bundle", "--signing-key", tmp_path / "stranger")
        shutil.copy(newer, hub.root / "media/usb/densach-2.bundle")
        shutil.copy(old, hub.root / "media/usb/densach-1.bundle")
        long(hub, update)
        last = hub.read("/var/lib/densach-updates/last")
        assert " done densach-2.bundle (refused: densach-3.bundle: " in last
        assert "bundle.unknown-key" in last
        stranger.unlink()
        assert (hub.root / "srv/densach/bundle/extra/setup.exe").read_bytes() == b"MZ"

        # A play that puts a bundle on its disk lets the machine know its maker.
        (hub.root / "etc/densach/bundle-keys").unlink()
        room.inventory({"hub": ["hub"]}, {**told, "source_here": True})
        (tmp_path / "known.yml").write_text("- hosts: hub\n  become: true\n  roles: [source]\n", "utf-8")
        room.play(tmp_path / "known.yml", timeout_s=800)
        assert room.play(tmp_path / "known.yml").changes() == []
        assert hub.read("/etc/densach/bundle-keys").strip() in densach("verify", old)
        assert " opened densach-2.bundle" in long(hub, update), "newer than what the play brought"

        # Back to the line: the machine's own sources return.
        room.inventory({"hub": ["hub"]}, {**told, "bundle_dir": ""})
        room.play(tmp_path / "book.yml")
        assert not entry.exists()
        assert not list((hub.root / "etc/apt").rglob("*.densach-off"))
