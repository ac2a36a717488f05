"""The package and the self-unpacking file where they are meant to live: under a real systemd, without any network but the one
to a hub, from the first start to the last trace.

Half a minute (and a minute more where the Debian has to be made first).
"""

import json
import platform
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fixtures.booted import Booted, booted
from tests.fixtures.road import ROOT, Hub, Road, hub_seed, road, until

from densach_agent.membership import Membership
from densach_hub.fleet.deb import deb
from densach_hub.fleet.kit import Kit, KitProblem, fill
from densach_hub.fleet.payload import Wheel, tree, version_of, wheels
from densach_hub.fleet.run_file import run_file

__all__ = ["hub_seed", "road"]
pytestmark = pytest.mark.timeout(900)
HERE = (platform.machine(),)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[Wheel]:
    """This code and the wheels it needs: those of the launcher's kit, else from the registry."""
    try:
        return wheels(Kit(ROOT / ".cache" / "agent-kit"), HERE)
    except KitProblem:
        folder = tmp_path_factory.mktemp("kit")
        fill(folder, ("3.11",), HERE)
        return wheels(Kit(folder), HERE)


@pytest.fixture
def debian(tmp_path: Path) -> Iterator[Booted]:
    with booted(tmp_path) as machine:
        yield machine
        print(machine.run("journalctl", "--no-pager", "--lines=80", fails=True))  # noqa: T201 - shown if the test failed


@pytest.fixture
def hub(road: Road) -> Hub:
    """Reached over the container's cable, too."""
    made = road.hub(start=False)
    toml = made.data / "densach.toml"
    toml.write_text(toml.read_text().replace("127.0.0.1", "0.0.0.0"))
    made.words = [word.replace("127.0.0.1:", "0.0.0.0:") for word in made.words]
    made.start()
    return made


def presence(hub: Hub, device: str) -> str:
    live = hub.api("GET", f"/machines/{device}")["live"]
    return "" if live is None else str(live["presence"])


def comings(hub: Hub, device: str) -> int:
    """How often it has come online after it had said goodbye."""
    return len(hub.rows("SELECT 1 FROM presence_period WHERE device = ? AND state = 'online'", device))


def connected(debian: Booted) -> str:
    """The process id of an agent that says it is connected; empty until one does."""
    try:
        status = json.loads((debian.root / "var/lib/densach-agent/status.json").read_text())
    except (OSError, ValueError):
        return ""
    there = status["connected"] and str(status["pid"]) == pid_of(debian)
    return str(status["pid"]) if there else ""


def left_over(debian: Booted) -> str:
    """What names us outside /srv, and our user."""
    return debian.run(
        "sh", "-c",
        r"find / -xdev \( -path /proc -o -path /sys -o -path /srv \) -prune -o -iname '*densach*' -print; "
        "find /run -iname '*densach*'; grep densach /etc/passwd /etc/group /etc/shadow || true; "
        "systemctl list-units --all --no-legend 'densach*'",
    )  # fmt: skip


def test_from_installation_to_the_last_trace(debian: Booted, hub: Hub, found: list[Wheel]) -> None:
    address = f"http://{debian.wire.here}:{hub.port}"
    (debian.root / "srv/agent.deb").write_bytes(deb(tree(found, HERE), version_of(found), HERE, small=False))
    (debian.root / "srv/agent.run").write_bytes(run_file(found))
    (debian.root / "etc/densach").mkdir()
    (debian.root / "etc/densach/agent.toml").write_text(f'hub = "{address}"\n')
    (debian.root / "etc/densach/join-token").write_text(hub.room_token())

    # Installed without a network beyond the hub, it joins by itself and tells everything, over mutual TLS.
    debian.run("dpkg", "--install", "/srv/agent.deb")
    device = until(lambda: next((machine["id"] for machine in hub.machines()), ""))
    until(lambda: {"os", "packages", "cpu"} <= set(hub.sections(device)))
    assert not (debian.root / "etc/densach/join-token").exists()
    [line] = Membership(debian.root / "var/lib/densach-agent").enrolled().mqtt  # type: ignore[union-attr]
    assert (line.port, line.tls) == (hub.device_port, True)
    assert {"ca.crt", "device.crt", "device.key"} <= set(debian.run("ls", "/var/lib/densach-agent").split())

    # A user of its own, shut in; root's part ran before it and left its facts to nobody else.
    assert debian.run("stat", "-c", "%U %a", "/var/lib/densach-agent").split() == ["densach-agent", "700"]
    assert debian.run("stat", "-c", "%U %G %a", "/run/densach-facts").split() == ["root", "densach-agent", "750"]
    assert debian.run("stat", "-c", "%U", f"/proc/{pid_of(debian)}").strip() == "densach-agent"

    # What takes long is no part of the start; shut in as it is, it finds out the same and more.
    waits = "densach-agent-facts-daily.service"
    assert debian.run("systemctl", "show", "--property=Unit", "--value", "densach-agent-facts.timer").strip() == waits
    at_start = set(debian.run("find", "/run/densach-facts", "-type", "f").split())
    debian.run("systemctl", "start", waits)
    assert debian.run("systemctl", "show", "--property=Result", "--value", waits).strip() == "success"
    later = set(debian.run("find", "/run/densach-facts", "-type", "f").split())
    assert {Path(name).name.partition("_")[0] for name in later - at_start} <= {"apt-get"}
    assert later >= at_start
    limits = {"densach-agent.service": 2.0, "densach-agent-facts.service": 3.0, "densach-agent-facts-daily.service": 3.0}
    for unit, most in limits.items():
        said = debian.run("systemd-analyze", "security", "--no-pager", unit)
        exposure = re.search(r"exposure level for \S+ ([\d.]+)", said)
        assert exposure is not None, said
        assert float(exposure[1]) <= most, said

    # Stopped, it says goodbye; killed, it comes back.
    debian.run("systemctl", "stop", "densach-agent.service")
    until(lambda: presence(hub, device) == "offline")
    until(lambda: hub.rows("SELECT 1 FROM event WHERE device = ? AND kind = 'stopped'", device))
    debian.run("systemctl", "start", "densach-agent.service")
    until(lambda: presence(hub, device) == "online")
    before = until(lambda: connected(debian))
    debian.run("systemctl", "kill", "--signal=KILL", "densach-agent.service")
    until(lambda: connected(debian) not in ("", before))

    # Switched off, it says so; switched on, it is who it was.
    debian.halt()
    until(lambda: presence(hub, device) == "off")
    debian.boot()
    until(lambda: presence(hub, device) == "online")
    assert [machine["id"] for machine in hub.machines()] == [device]

    # Upgraded, it keeps identity and outbox. The other way of installing keeps away.
    times = comings(hub, device)
    debian.run("dpkg", "--install", "/srv/agent.deb")
    until(lambda: comings(hub, device) > times)
    assert device in (debian.root / "var/lib/densach-agent/enrolled.json").read_text()
    assert "install.package" in debian.run("sh", "/srv/agent.run", fails=True)

    # Purged, it has never been here.
    debian.run("dpkg", "--purge", "densach-agent")
    until(lambda: presence(hub, device) == "offline")
    assert left_over(debian) == ""

    # The one file does the same beside the system's packages, and leaves as traceless.
    debian.run("sh", "/srv/agent.run", "--hub", address, "--token-file", "-", said=hub.room_token())
    until(lambda: any(presence(hub, machine["id"]) == "online" for machine in hub.machines()))
    again = next(m["id"] for m in hub.machines() if presence(hub, m["id"]) == "online")
    times = comings(hub, again)
    debian.run("sh", "/srv/agent.run")  # once more: an upgrade in place
    until(lambda: comings(hub, again) > times)
    debian.run("sh", "/srv/agent.run", "--purge")
    until(lambda: presence(hub, again) == "offline")
    assert left_over(debian) == ""


def pid_of(debian: Booted) -> str:
    return debian.run("systemctl", "show", "--property=MainPID", "--value", "densach-agent.service").strip()
