"""The hub runs a play on booted machines over real ssh: its own key, host keys believed once, a password for sudo."""

import asyncio
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from tests.fixtures.hosts import LAPTOP, TECHNICIAN, Host, Room, hosts
from tests.fixtures.school import Furnisher

from densach_core.clock import SystemClock
from densach_hub.opening import open_rooms
from densach_hub.provisioning import let_in
from densach_hub.provisioning.keys import fingerprint
from densach_hub.provisioning.model import HostState, Run
from densach_wire.messages import InventorySection, Item

pytestmark = pytest.mark.timeout(600)
DENSACH = Path(sys.executable).parent / "densach"
PASSWORD = "mat-khau cua may"


async def furnish(data: Path, room: Room) -> str:
    """Two machines in the register as their inventories told; the hub's public key."""
    async with open_rooms(data, SystemClock()) as rooms:
        furnisher = Furnisher(rooms.fleet, rooms.clock)
        place = await rooms.fleet.rooms.new("Phòng 1", by="test", seats=2)
        for number, name in enumerate(("may-01", "may-02"), 1):
            machine = await furnisher.machine(name, place, f"{number:02d}", quiet=True)
            card = Item("network", "eth0", {"kind": "ethernet", "ipv4": f"{room[name].address}/24"})
            await furnisher.tell(machine.id, InventorySection("network", (card,), "n"), at=rooms.clock.now_ms())
        return rooms.provisioning.public_key()


def trust(host: Host, key: str) -> None:
    with (host.root / "home" / TECHNICIAN / ".ssh/authorized_keys").open("a") as file:
        file.write(f"{key}\n")


def test_a_run_over_ssh(tmp_path: Path) -> None:
    data = tmp_path / "hub"
    data.mkdir()
    with hosts(tmp_path / "room", "may-01", "may-02") as room:
        key = asyncio.run(furnish(data, room))

        def provision(*more: str, play: str = "reach", said: str = "") -> Run:
            words = [str(DENSACH), "provision", play, "--data", str(data), "--user", TECHNICIAN, "--json", *more]
            told = room.here(*words, said=said, fails=True, LC_ALL="C.UTF-8")
            return msgspec.json.decode(next(line for line in told.splitlines() if line.startswith("{")), type=Run)

        def state(run: Run) -> dict[str, HostState]:
            return {host.host: host.state for host in run.hosts}

        trust(room["may-01"], key)
        first = provision("--room", "phong-1")
        assert state(first) == {"may-01": HostState.OK, "may-02": HostState.UNREACHABLE}, first
        assert "Permission denied" in first.hosts[1].message
        # As a person does it on the machine: the line of the page, here for a hub at another address first.
        script = let_in.script(f"http://{LAPTOP}:8080", TECHNICIAN, key)
        told = room["may-02"].run("env", "DENSACH_HUB=http://10.77.0.99", "sh", said=script)
        assert key.split()[1] in room["may-02"].read(f"/home/{TECHNICIAN}/.ssh/authorized_keys")
        assert state(provision("--machine", "may-02")) == {"may-02": HostState.UNREACHABLE}
        told = room["may-02"].run("sh", said=script)
        assert str(fingerprint(key.split()[1])) in told
        assert set(state(provision("--room", "phong-1")).values()) == {HostState.OK}
        # A key without a terminal, and machines that do not find the hub's name.
        for _ in range(3):
            assert state(provision("--machine", "may-02", play="preconditions")) == {"may-02": HostState.OK}
        kept = room["may-02"].read(f"/home/{TECHNICIAN}/.ssh/authorized_keys")
        room["may-02"].run("sh", said=script)
        assert room["may-02"].read(f"/home/{TECHNICIAN}/.ssh/authorized_keys") == kept
        assert room.key.with_suffix(".pub").read_text().strip() in kept, "what was there stays"

        # Installed anew: another host key at the same machine is refused until a technician says so.
        own = room["may-01"].root / "etc/ssh/ssh_host_ed25519_key"
        for path in (own, own.with_suffix(".pub")):
            path.unlink()
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(own)], check=True)
        room["may-01"].run("systemctl", "restart", "ssh")
        changed = provision("--room", "phong-1")
        assert state(changed) == {"may-01": HostState.UNREACHABLE, "may-02": HostState.OK}
        assert "IDENTIFICATION HAS CHANGED" in changed.hosts[0].message
        room.here(str(DENSACH), "provision", "--forget", "pc-may-01", "--data", str(data))
        assert set(state(provision("--room", "phong-1")).values()) == {HostState.OK}

        # Where sudo asks for a password it is given for this run, through a pipe, and is nowhere afterwards.
        (room["may-02"].root / "etc/sudoers.d/technician").unlink()
        room["may-02"].run("usermod", "-aG", "sudo", TECHNICIAN)
        room["may-02"].run("sh", "-c", f"echo '{TECHNICIAN}:{PASSWORD}' | chpasswd")
        without = provision("--machine", "may-02")
        assert state(without) == {"may-02": HostState.FAILED}
        assert "sudo" in without.hosts[0].message.lower()
        assert state(provision("--machine", "may-02", "--become-pass-file", "-", said=f"{PASSWORD}\n")) == {
            "may-02": HostState.OK
        }
        found = subprocess.run(["grep", "-r", PASSWORD, str(data)], capture_output=True, check=False)
        assert found.returncode == 1

        room["may-02"].run("sh", "-s", "--", "--remove", said=script)
        assert key.split()[1] not in room["may-02"].read(f"/home/{TECHNICIAN}/.ssh/authorized_keys")
