"""A second run leaves alone what is as the first one left it, sees what has drifted, and makes good what was cut off."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fixtures.certificates import TestAuthority
from tests.fixtures.hosts import LAPTOP, PLAYBOOKS, Room, hosts
from tests.provision.lab_settings import LAB_TREE, lab_settings

pytestmark = pytest.mark.timeout(900)
SKIPPED = ("--skip-tags", "agent,hub_access,source,apt_cache,updates,hub_ca,browser,software,wake,screen_lock")
"""What needs a hub or a line, and what is as the rest."""
CUT_AT = ("The clock shows it", "Lid, power button and idleness", "What empties and fills the home")
"""Tasks in whose middle a run is killed: a service's settings are written and nobody has told the service yet."""

LOOK = 2
"""Tasks of a run that finds nothing to do: what the look is asked is checked, and the look."""


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    folder = tmp_path_factory.mktemp("standing")
    ca = TestAuthority(folder).ca
    with hosts(folder / "room", "may-01", packages=LAB_TREE) as made:
        made.inventory({"lab": ["may-01"]}, lab_settings(folder, ca))
        # All runs play the same, whoever works on the plays meanwhile.
        shutil.copytree(PLAYBOOKS, plays(made))
        yield made


def plays(room: Room) -> Path:
    return room.folder / "playbooks"


def lab(room: Room, **extra: object) -> dict[str, int]:
    return room.play(plays(room) / "lab.yml", *SKIPPED, extra=extra).hosts["may-01"]


def cut_off(room: Room, task: str) -> None:
    """Kills the whole of ansible-playbook when it has come to this task."""
    words = ["nsenter", f"--net=/run/netns/{room.bridge}", str(Path(sys.executable).parent / "ansible-playbook"),
             "-i", str(room.hosts_file), str(plays(room) / "lab.yml"), *SKIPPED]  # fmt: skip
    environment = {**os.environ, **room.environment(), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True) as run:
        assert run.stdout is not None
        seen = [""]
        while task not in seen[-1]:
            line = run.stdout.readline()
            assert line, f"it never came to {task}: {''.join(seen[-60:])}"
            seen.append(line)
        os.killpg(run.pid, signal.SIGKILL)


def test_cut_off_at_three_points_it_converges(room: Room) -> None:
    machine = room["may-01"]
    for task in CUT_AT:
        cut_off(room, task)
        assert machine.read("/var/lib/densach-play/begun")
    mended = room.play(plays(room) / "lab.yml", *SKIPPED)
    for handler in ("base_lab : Restart chrony", "power_plan : Reload logind", "power_plan : Take the new hours"):
        assert f"RUNNING HANDLER [{handler}]" in mended.output
    assert not (machine.root / "var/lib/densach-play/begun").exists()
    assert lab(room, standing_all=True)["changed"] == 0


def test_what_is_as_it_was_left_is_left_alone(room: Room) -> None:
    lab(room)
    begun = time.monotonic()
    again = lab(room)
    took = time.monotonic() - begun
    assert again == {**again, "ok": LOOK, "changed": 0, "failed": 0}
    assert took < 60


@pytest.mark.parametrize(
    "drift",
    [
        "echo '# more' >>/etc/chrony/chrony.conf",
        "chmod 0666 /usr/local/lib/densach/pupil-home",
        "systemctl stop densach-off.timer",
        "systemctl unmask suspend.target",
        "userdel hocsinh",
    ],
)
def test_what_has_drifted_is_seen_and_mended(room: Room, drift: str) -> None:
    lab(room)
    room["may-01"].run("sh", "-c", drift)
    assert lab(room)["changed"] > 0
    assert lab(room)["ok"] == LOOK


def test_other_settings_go_through_everything(room: Room) -> None:
    lab(room)
    assert lab(room, power_plan_off_at=["Mon..Sat 17:00"])["changed"] > 0
    assert "17:00" in room["may-01"].run("systemctl", "cat", "densach-off.timer")


def test_another_agent_on_the_hub_is_no_machine_as_it_was_left(room: Room, tmp_path: Path) -> None:
    listed = tmp_path / "index.txt"
    listed.write_text("0000 densach-1.whl\n")
    port = "8088"
    words = [sys.executable, "-m", "http.server", port, "--directory", str(tmp_path)]
    kit = {"standing_kit": f"http://{LAPTOP}:{port}/{listed.name}"}
    words = ["nsenter", f"--net=/run/netns/{room.bridge}", *words]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as hub:
        try:
            room["may-01"].run("sh", "-c", f"for n in $(seq 600); do nc -z {LAPTOP} {port} && exit; sleep 0.1; done; exit 1")
            lab(room, **kit)
            assert lab(room, **kit)["ok"] == LOOK
            listed.write_text("1111 densach-2.whl\n")
            assert lab(room, **kit)["ok"] > LOOK
            assert lab(room, **kit)["ok"] == LOOK
        finally:
            hub.kill()
    assert lab(room, **kit)["ok"] > LOOK
