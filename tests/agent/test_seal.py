"""An image for cloning: nobody's any more, and the agent does not come back into it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.agent.front_door import FrontDoor

from densach_agent.clock import SystemClock
from densach_agent.enrol import attempt, main
from densach_agent.enrol_codes import ADMITTED
from densach_agent.keys import request_for
from densach_agent.lock import FolderLock
from densach_agent.membership import Membership
from densach_agent.outbox import Outbox
from densach_agent.record import recorded_machine
from densach_agent.seal import SealProblem, is_sealed, seal_disk, unseal
from densach_agent.settings import remember_hub
from densach_wire.messages import Event

MACHINE = recorded_machine(Path(__file__).parents[1] / "fixtures" / "machines" / "office-2012")


@pytest.fixture
def image(door: FrontDoor, tmp_path: Path) -> tuple[Path, Path]:
    """The agent's folder and the system's root of a machine that is a member of its school."""
    data, root = tmp_path / "data", tmp_path / "root"
    attempt(data, door.url, door.token, MACHINE, csr=request_for)
    remember_hub(data, door.url)
    outbox = Outbox(data / "outbox.db", SystemClock())
    outbox.add(Event("seen"))
    outbox.close()
    (data / "outbox.db.broken").write_text("an old one")
    (data / "requests.json").write_text("[]")
    (data / "hand").mkdir()
    (data / "hand" / "1.job").write_text("{}")
    for path in ("etc/machine-id", "var/lib/dbus/machine-id", "var/lib/systemd/random-seed", "etc/ssh/ssh_host_rsa_key",
                 "etc/ssh/ssh_host_rsa_key.pub", "etc/ssh/sshd_config"):  # fmt: skip
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("0123\n")
    return data, root


def test_a_sealed_disk_is_nobody_and_twice_is_once(image: tuple[Path, Path]) -> None:
    data, root = image
    (data / "join-token").write_text("ds1.token")
    for _ in range(2):
        said = seal_disk(data, root, boot="boot-1")
        assert sorted(path.name for path in data.iterdir()) == ["agent.toml", "ca.crt", "join-token", "sealed"]
        assert (root / "etc/machine-id").read_text() == ""
        assert os.readlink(root / "var/lib/dbus/machine-id") == "/etc/machine-id"  # noqa: PTH115
        assert not (root / "var/lib/systemd/random-seed").exists()
        assert (root / "etc/ssh/ssh_host_rsa_key").exists()
        assert any("join-token" in line for line in said)
        assert any("--ssh-host-keys" in line for line in said)
    seal_disk(data, root, boot="boot-1", ssh_keys=True)
    assert [path.name for path in (root / "etc/ssh").iterdir()] == ["sshd_config"]


def test_a_running_agent_is_not_sealed(tmp_path: Path) -> None:
    with FolderLock(tmp_path), pytest.raises(SealProblem, match="stop it first"):
        seal_disk(tmp_path, None)
    assert "No join-token" in " ".join(seal_disk(tmp_path, None))


def test_it_does_not_come_back_before_the_next_start(image: tuple[Path, Path], door: FrontDoor) -> None:
    data, _ = image
    seal_disk(data, None, boot=SystemClock().boot)
    asked = len(door.requests)
    process = subprocess.Popen(
        [sys.executable, "-m", "densach_agent", str(data)],
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "agent")},
    )
    assert process.stderr is not None
    with process.stderr as words:
        assert b"sealed for cloning" in words.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert not (data / "outbox.db").exists()
    assert len(door.requests) == asked
    assert not is_sealed(data, "the next boot")
    assert not (data / "sealed").exists()
    unseal(data)


def test_a_copy_joins_by_the_token_that_was_left(image: tuple[Path, Path], door: FrontDoor, tmp_path: Path) -> None:
    data, _ = image
    (data / "join-token").write_text(door.token)
    seal_disk(data, None, boot="boot-1")
    assert main(data, tmp_path) == ADMITTED
    assert door.requests[-1].token == door.token
    assert door.requests[-1].was is None
    enrolled = Membership(data).enrolled()
    assert enrolled is not None
    assert enrolled.device == "pc-2"
    assert not (data / "join-token").exists()
