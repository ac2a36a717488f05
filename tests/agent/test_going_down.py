"""The whole agent as a process: switched off by a request, put to sleep and woken by signals."""

import json
import os
import signal
import time
from pathlib import Path

import pytest
from tests.agent.front_door import FrontDoor
from tests.agent.school import School, until
from tests.agent.test_resident import CASE, Running

from densach_wire.messages import Command, Outcome


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Writes down what it was asked, and says that the system is stopping once it was told to."""
    tools = tmp_path / "bin"
    tools.mkdir()
    asked = tmp_path / "asked"
    program = tools / "systemctl"
    program.write_text(
        f'#!/bin/sh\ncase "$*" in is-system-running) [ -s {asked} ] && echo stopping || echo running;;\n'
        f'*poweroff|*reboot) echo "$@" >> {asked};;\nesac\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "run"))
    (tmp_path / "run").mkdir()
    return asked


@pytest.fixture
def agent(tmp_path: Path, door: FrontDoor, systemctl: Path) -> Running:
    made = Running(tmp_path / "data", CASE)
    made.data.mkdir()
    off = ", ".join(f'"{name}"' for name in ("inventory", "usage", "health"))
    (made.data / "agent.toml").write_text(f'hub = "{door.url}"\noff = [{off}]\n')
    (made.data / "join-token").write_text(door.token + "\n")
    return made


def ask(school: School, name: str) -> None:
    now = time.time()
    school.ask("pc-1", name, Command(id=f"id-{name}", expires=now + 60, sent=now, by="Cô Lan"))


def outcomes(school: School) -> list[tuple[str, Outcome]]:
    return [(name, result.outcome) for name, result in school.results]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may switch off without the package's units")
def test_shut_down_is_accepted_done_and_off(agent: Running, school: School, systemctl: Path) -> None:
    agent.start()
    try:
        until(lambda: bool(school.hellos), 40)
        assert "cmd:shutdown" in school.hellos[-1].caps
        ask(school, "shutdown")
        until(lambda: systemctl.exists(), 40)
        assert systemctl.read_text() == "--no-ask-password poweroff\n"
        assert outcomes(school) == [("shutdown", Outcome.ACCEPTED)]
        agent.stop()
        until(lambda: ("shutdown", Outcome.DONE) in outcomes(school), 40)
        until(lambda: ("pc-1", "off") in school.presences, 40)
    finally:
        if agent.process is not None:
            agent.stop(signal.SIGKILL)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may restart without the package's units")
def test_killed_after_the_deed_began_it_is_not_repeated_and_told_once(agent: Running, school: School, systemctl: Path) -> None:
    agent.start()
    try:
        until(lambda: bool(school.hellos), 40)
        ask(school, "restart")
        until(lambda: systemctl.exists(), 40)
        agent.stop(signal.SIGKILL)
        ledger = json.loads((agent.data / "requests.json").read_text())
        assert ledger[0]["begun"] is True
        ledger[0]["boot"] = "the boot before"  # what is left is a new boot's to tell
        (agent.data / "requests.json").write_text(json.dumps(ledger))
        agent.start()
        until(lambda: ("restart", Outcome.DONE) in outcomes(school), 40)
        ask(school, "restart")
        until(lambda: outcomes(school).count(("restart", Outcome.DONE)) == 2, 40)
        assert len(systemctl.read_text().splitlines()) == 1
    finally:
        if agent.process is not None:
            agent.stop(signal.SIGKILL)


def test_asleep_is_said_before_and_online_after(agent: Running, school: School, tmp_path: Path) -> None:
    agent.start()
    try:
        until(lambda: ("pc-1", "online") in school.presences, 40)
        assert agent.process is not None
        agent.process.send_signal(signal.SIGUSR1)
        until(lambda: (tmp_path / "run" / "asleep").exists(), 40)
        until(lambda: ("pc-1", "asleep") in school.presences, 40)
        assert ("pc-1", "offline") not in school.presences
        agent.process.send_signal(signal.SIGUSR2)
        until(lambda: school.presences[-1] == ("pc-1", "online"), 40)
        until(lambda: not (tmp_path / "run" / "asleep").exists(), 40)
        agent.process.send_signal(signal.SIGUSR1)
        until(lambda: school.presences[-1] == ("pc-1", "asleep"), 40)
        assert agent.stop() == 0, "a machine that is switched off while the agent sleeps"
    finally:
        if agent.process is not None:
            agent.stop(signal.SIGKILL)
