"""`densach agent status`: what is pending and why, in every state an agent can be in."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from densach_agent import resident_status
from densach_agent.cli import command
from densach_agent.clock import SystemClock
from densach_agent.ledger import Entry, Ledger
from densach_agent.lock import FolderLock
from densach_agent.membership import Enrolled, Joining, Membership
from densach_agent.outbox import Limits, Outbox
from densach_agent.resident_status import Status
from densach_agent.status import read
from densach_wire.enrolment import Endpoint
from densach_wire.messages import Event, Health, InventorySection, Outcome, SectionStatus

NOW = SystemClock().now_ms()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def running(data: Path) -> Iterator[Path]:
    with FolderLock(data):
        yield data


def enrol(data: Path) -> None:
    known = Enrolled(school="truong-1", device="pc-7", hub="http://hub.lan", mqtt=(Endpoint(1883),), fingerprint=())
    Membership(data).enter(known, None, None)


def state(data: Path, **fields: object) -> None:
    known = {"pid": 1, "state": "connected", "since_ms": NOW - 120_000, "at_ms": NOW, "version": "9.9", **fields}
    resident_status.put(data, Status(**known))  # type: ignore[arg-type]


def said(data: Path) -> str:
    return "\n".join(read(data, NOW)["sentences"])


def test_nothing_here_yet(data: Path) -> None:
    found = read(data, NOW)
    assert (found["running"], found["device"], found["pending"], found["exit_code"]) == (False, None, None, 1)
    assert "has joined no school. Next: densach agent enrol --hub URL" in said(data)
    assert "does not run" in said(data)


def test_waiting_for_the_technician_is_no_fault(running: Path) -> None:
    Membership(running).wait_to_join(Joining("http://hub.lan", "t"))
    state(running, state="waiting to be admitted")
    assert read(running, NOW)["exit_code"] == 0
    assert "a technician opens /lab" in said(running)
    assert "runs and measures: waiting to be admitted" in said(running)


def test_connected_with_nothing_to_tell(running: Path) -> None:
    enrol(running)
    state(running, connected=True, hub_online=True, offset_ms=40, surveyed_ms=NOW - 3_600_000)
    Outbox(running / "outbox.db", SystemClock()).close()
    assert read(running, NOW)["exit_code"] == 0
    text = said(running)
    assert "pc-7 of school truong-1" in text
    assert "9.9 is connected since 2 min ago" in text
    assert "Waiting to be told: nothing" in text
    assert "Last inventory: 1 h ago." in text
    assert "clock" not in text


def test_a_broker_without_a_hub_is_told_apart(running: Path) -> None:
    enrol(running)
    state(running, connected=True, hub_online=False)
    assert "the hub does not: records wait until it is back" in said(running)


def test_why_there_is_no_connection_and_when_it_is_tried_again(running: Path) -> None:
    enrol(running)
    state(running, state="[Errno 111] Connection refused", next_try_ms=NOW + 41_000)
    outbox = Outbox(running / "outbox.db", SystemClock())
    outbox.add(Event("boot"), Health(), Health())
    outbox.close()
    text = said(running)
    assert "not connected since 2 min ago: [Errno 111] Connection refused." in text
    assert "Next try in 41 s." in text
    assert "1 event (oldest" in text
    assert "2 health (oldest" in text
    assert "It is told when there is a connection again." in text


def test_a_clock_that_is_off_a_full_disk_and_a_process_that_stands_still(running: Path) -> None:
    enrol(running)
    state(running, connected=True, hub_online=True, offset_ms=86_400_000 * 900, trouble="database or disk is full")
    assert "clock is 900 d behind the hub's. Nothing is lost by it" in said(running)
    assert "in memory only (database or disk is full): make room" in said(running)
    assert read(running, NOW)["exit_code"] == 3
    state(running, connected=True, hub_online=True, at_ms=NOW - 3_600_000)
    assert "systemctl restart densach-agent" in said(running)
    assert read(running, NOW)["exit_code"] == 3


def test_what_was_dropped_and_which_sections_failed(running: Path) -> None:
    enrol(running)
    state(running, connected=True, hub_online=True)
    outbox = Outbox(running / "outbox.db", SystemClock(), Limits(max_bytes=5_000))
    for n in range(400):
        outbox.add(Health(cpu_pct=float(n), uptime_ms=n * 1000))
    failed = InventorySection("memory", status=SectionStatus.DENIED, reason="sys/firmware/dmi")
    outbox.add_section(failed, "memory", "denied:sys/firmware/dmi")
    outbox.add_section(InventorySection("cpu"), "cpu", "abcdef")
    outbox.close()
    assert read(running, NOW)["dropped"]["health"] > 0
    text = said(running)
    assert "Dropped for want of room or for age" in text
    assert "memory: only root may read it (sys/firmware/dmi)." in text
    assert read(running, NOW)["sections"]["cpu"] == "ok"


def test_requests_lately_and_what_is_refused_here(running: Path) -> None:
    enrol(running)
    state(running, connected=True, hub_online=True)
    (running / "agent.toml").write_text('[policy]\nrefuse = ["shutdown", "restart"]\n')
    ledger = Ledger(running)
    ledger.note(Entry(id="a", name="message", at=NOW - 60_000, boot="b", by="Cô Lan", outcome=Outcome.DONE, told=True))
    ledger.note(Entry(id="b", name="shutdown", at=NOW - 5_000, boot="b", by="Thầy An", outcome=Outcome.REFUSED, reason="policy"))
    text = said(running)
    assert "Refused here whoever asks" in text
    assert "shutdown, restart." in text
    assert "1 min ago  message  Cô Lan  done" in text
    assert "5 s ago  shutdown  Thầy An  refused (policy) · not told to the hub yet" in text


def test_settings_that_cannot_be_read_need_somebody(running: Path) -> None:
    (running / "agent.toml").write_text("[policy]\nalow = []\n")
    found = read(running, NOW)
    assert found["exit_code"] == 3
    assert "alow" in found["sentences"][0]


def test_the_command_prints_it_in_vietnamese_and_as_json(running: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enrol(running)
    state(running, connected=True, hub_online=True)
    monkeypatch.setenv("LC_ALL", "vi_VN.UTF-8")
    done = CliRunner().invoke(command, ["status", "--data", str(running)])
    assert done.exit_code == 0
    assert "Phần mềm 9.9 đã kết nối từ" in done.output
    done = CliRunner().invoke(command, ["status", "--json", "--data", str(running)])
    assert json.loads(done.output)["connected"] is True
