"""The whole agent as a process: joins, tells what the machine is, takes requests, says goodbye, survives kill -9."""

import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.agent.front_door import FrontDoor
from tests.agent.school import School, until

from densach_agent.collectors import ALL
from densach_agent.membership import Membership
from densach_wire.enrolment import EnrolAnswer
from densach_wire.messages import Command, Desired, EventRecord, InventoryRecord, Outcome

AGENT = str(Path(__file__).parents[2] / "agent")
CASE = Path(__file__).parents[1] / "fixtures" / "machines" / "office-2012" / "root"


_RUN = """
import sys
from pathlib import Path
from densach_agent.machine import Machine, system_runner
from densach_agent.resident import run
from densach_agent.settings import load
data, root = Path(sys.argv[1]), Path(sys.argv[2])
run(data, load(data), Machine(root, system_runner))
"""


class Running:
    """An agent process on a data folder, in a recorded machine."""

    def __init__(self, data: Path, root: Path) -> None:
        self.data = data
        self.root = root
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        argv = [sys.executable, "-c", _RUN, str(self.data), str(self.root)]
        self.process = subprocess.Popen(argv, stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": AGENT})

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(10)
        self.process = None
        return code


@pytest.fixture
def agent(tmp_path: Path, door: FrontDoor) -> Iterator[Running]:
    made = Running(tmp_path / "data", CASE)
    made.data.mkdir()
    (made.data / "agent.toml").write_text(f'hub = "{door.url}"\n')
    (made.data / "join-token").write_text(door.token + "\n")
    yield made
    if made.process is not None:
        made.stop(signal.SIGKILL)


def sections(school: School, device: str) -> set[str]:
    found = [
        record.d.section
        for (name, _), stream in list(school.streams.items())
        for record in list(stream.records.values())
        if name == device and isinstance(record, InventoryRecord)
    ]
    return set(found)


def events(school: School, device: str) -> list[str]:
    return [
        record.d.kind
        for (name, _), stream in school.streams.items()
        for _, record in sorted(stream.records.items())
        if name == device and isinstance(record, EventRecord)
    ]


def test_from_a_token_to_a_full_inventory_and_goodbye(agent: Running, school: School) -> None:
    agent.start()
    until(lambda: sections(school, "pc-1") == set(ALL), 30)
    hello = school.hellos[-1]
    assert hello.agent.startswith("densach-agent ")
    assert "cmd:refresh" in hello.caps
    assert not (agent.data / "join-token").exists()
    said = subprocess.run(
        [sys.executable, "-c", "from densach_agent.cli import command; command()", "status", "--json", "--data", agent.data],
        capture_output=True, check=True, env={**os.environ, "PYTHONPATH": AGENT},
    )  # fmt: skip
    status = json.loads(said.stdout)
    assert (status["running"], status["device"], status["state"]) == (True, "pc-1", "connected")
    assert agent.stop() == 0
    until(lambda: ("pc-1", "offline") in school.presences)  # the agent stopped, not the machine
    until(lambda: "stopped" in events(school, "pc-1"))
    assert events(school, "pc-1")[0] == "boot"


def test_it_waits_to_be_admitted_and_tells_then_what_it_saw_before(agent: Running, school: School, door: FrontDoor) -> None:
    (agent.data / "join-token").unlink()
    door.answer = lambda _asked: EnrolAnswer(state="waiting", ticket="t-1", retry_s=1)
    agent.start()
    until(lambda: Membership(agent.data).joining() is not None, 40)
    door.answer = door.admit
    agent.stop()
    agent.start()
    until(lambda: sections(school, "pc-1") == set(ALL), 30)
    assert door.requests[-1].ticket == "t-1"


def test_kill_minus_nine_costs_nothing_and_boots_once(agent: Running, school: School) -> None:
    agent.start()
    until(lambda: sections(school, "pc-1") == set(ALL), 30)
    agent.stop(signal.SIGKILL)
    stream = school.hellos[-1].stream
    before = school.stream("pc-1", stream).upto
    agent.start()
    until(lambda: len(school.hellos) > 1 and ("pc-1", "online") in school.presences, 40)
    assert school.hellos[-1].stream == stream
    agent.stop()
    until(lambda: "stopped" in events(school, "pc-1"))
    assert events(school, "pc-1").count("boot") == 1
    assert sorted(school.stream("pc-1", stream).records) == list(range(1, school.stream("pc-1", stream).upto + 1))
    assert school.stream("pc-1", stream).upto > before


def test_requests_are_run_once_in_time_and_by_permission(agent: Running, school: School) -> None:
    with (agent.data / "agent.toml").open("a") as file:
        file.write('[policy]\nallow = ["refresh"]\n')
    agent.start()
    until(lambda: sections(school, "pc-1") == set(ALL), 30)
    now = time.time()
    school.want = ()
    count = school.stream("pc-1", school.hellos[-1].stream).upto
    for _ in range(2):  # QoS 1 may deliver twice
        school.ask("pc-1", "refresh", Command(id="c-1", expires=now + 60, sent=now, args={"sections": "cpu os"}))
    school.ask("pc-1", "refresh", Command(id="c-2", expires=now - 60, sent=now - 120))
    school.ask("pc-1", "message", Command(id="c-3", expires=now + 60, sent=now, args={"text": "xin chào"}))
    school.ask("pc-1", "explode", Command(id="c-4", expires=now + 60, sent=now))
    until(lambda: len(school.results) >= 5)
    told = [(result.id, result.outcome, result.reason) for _, result in school.results]
    assert sorted(told) == [
        ("c-1", Outcome.ACCEPTED, ""),
        ("c-1", Outcome.DONE, ""),
        ("c-2", Outcome.REFUSED, "expired"),
        ("c-3", Outcome.REFUSED, "policy"),
        ("c-4", Outcome.REFUSED, "unknown"),
    ]
    stream = school.stream("pc-1", school.hellos[-1].stream)
    until(lambda: stream.upto >= count + 2)
    again = [stream.records[seq].d.section for seq in (count + 1, count + 2)]  # type: ignore[union-attr]
    assert again == ["cpu", "os"]


def test_the_hubs_wishes_are_kept_for_the_next_start(agent: Running, school: School) -> None:
    school.wish("pc-1", Desired(health_sample_s=5, health_send_s=5, batch_s=5, off=("packages",)))
    agent.start()
    until(lambda: Membership(agent.data).desired().health_send_s == 5, 40)
    until(lambda: any("health" in str(type(r)).lower() for s in school.streams.values() for r in s.records.values()), 40)


def test_a_copied_disk_gives_up_the_identity_and_joins_as_a_twin(
    agent: Running, school: School, door: FrontDoor, tmp_path: Path
) -> None:
    """The data folder of seat 7 wakes up in seat 8: same model, other board, disk and network card."""
    agent.start()
    until(lambda: sections(school, "pc-1") == set(ALL), 30)
    agent.stop()
    neighbour = tmp_path / "seat-8"
    shutil.copytree(CASE, neighbour, symlinks=True)
    for path in neighbour.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.stat().st_size < 10_000:
            raw = path.read_bytes()
            for old, new in ((b"7XK2PW1", b"9XK2PZ3"), (b"90:b1:1c:6e:2d:41", b"90:b1:1c:6e:2d:99"),
                             (b"Z3TQ8K2M", b"Z3TQ8K99"), (b"b7c04f505731", b"b7c04f505799")):  # fmt: skip
                raw = raw.replace(old, new)
            path.write_bytes(raw)
    (agent.data / "join-token").write_text(door.token)
    agent.root = neighbour
    agent.start()
    until(lambda: sections(school, "pc-2") == set(ALL), 30)
    assert door.requests[-1].was == "pc-1"
    assert school.hellos[-1].stream != school.hellos[0].stream
    assert Membership(agent.data).was() is None


def test_the_hub_can_send_a_twin_back_to_the_door(agent: Running, school: School, door: FrontDoor) -> None:
    agent.start()
    until(lambda: sections(school, "pc-1") == set(ALL), 30)
    (agent.data / "join-token").write_text(door.token)
    now = time.time()
    school.ask("pc-1", "reenrol", Command(id="c-1", expires=now + 60, sent=now))
    until(lambda: sections(school, "pc-2") == set(ALL), 30)
    assert door.requests[-1].was == "pc-1"


def test_a_hub_that_never_answers_holds_nothing_up(agent: Running) -> None:
    """A listening socket that nobody serves: measuring goes on, and stopping takes no time."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        (agent.data / "agent.toml").write_text(f'hub = "http://127.0.0.1:{silent.getsockname()[1]}"\n')
        agent.start()
        until(lambda: inventoried(agent.data) == len(ALL), 40)
        began = time.monotonic()
        assert agent.stop() == 0
        assert time.monotonic() - began < 5


def test_two_agents_never_share_a_folder(agent: Running, school: School) -> None:
    agent.start()
    until(lambda: len(school.hellos) == 1, 40)
    second = subprocess.run(
        [sys.executable, "-m", "densach_agent", str(agent.data)],
        capture_output=True, check=False, timeout=20, env={**os.environ, "PYTHONPATH": AGENT},
    )  # fmt: skip
    assert second.returncode == 1
    assert b"another agent runs on" in second.stderr
    assert b"Traceback" not in second.stderr


def inventoried(data: Path) -> int:
    """How many sections wait in the outbox."""
    if not (data / "outbox.db").exists():
        return 0
    with contextlib.closing(sqlite3.connect(f"file:{data / 'outbox.db'}?mode=ro", uri=True)) as db:
        try:
            return int(db.execute("SELECT count(*) FROM record WHERE kind = 'inventory'").fetchone()[0])
        except sqlite3.OperationalError:
            return 0
