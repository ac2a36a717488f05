"""Switching off: never under somebody's hands, once, by root's hand, and with a recorded `systemctl`."""

import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tests.agent.clocks import HandClock
from tests.agent.school import until

from densach_agent import hand as hand_module
from densach_agent.clock import SystemClock
from densach_agent.hand import Job, Word, work
from densach_agent.handing import Hand
from densach_agent.power import Power
from densach_agent.requests import Pending, Upshot
from densach_agent.sessions import Session
from densach_wire.messages import Attrs, Command, SessionKind

WORKING = Session("1", "an", SessionKind.LOCAL, idle=False)
AWAY = Session("2", "binh", SessionKind.LOCAL, idle=True)
UNSAID = Session("3", "chi", SessionKind.LOCAL)
EXAM = Session("4", "dung", SessionKind.EXAM, idle=True)


class Lab:
    """A machine whose jobs for root stay in the folder for the test to read."""

    def __init__(self, folder: Path) -> None:
        self.clock = HandClock()
        self.folder = folder
        self.people: list[Session] = []
        self.begun: list[str] = []
        self.power = Power(Hand(folder, self.clock, by_systemd=True), self.clock, lambda: self.people, self.begun.append)

    def ask(self, what: str = "shutdown", **args: str | int | bool) -> Upshot | Pending:
        known: Attrs = dict(args)
        command = Command(id="r1", expires=0, sent=0, args=known)
        return self.power.restart(command) if what == "restart" else self.power.shutdown(command)

    def jobs(self) -> list[Job]:
        found = [msgspec.json.decode(path.read_bytes(), type=Job) for path in self.folder.glob("*.job")]
        return sorted(found, key=lambda job: job.up_ms)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path / "hand")


def pending(found: Upshot | Pending) -> Pending:
    assert not isinstance(found, Upshot), found
    return found


def test_where_nobody_is_it_goes_at_once(lab: Lab) -> None:
    ask = pending(lab.ask())
    assert ask() is None
    assert [job.what for job in lab.jobs()] == ["shutdown"]
    assert lab.begun == ["r1"]


@pytest.mark.parametrize("session", [WORKING, UNSAID, EXAM])
def test_nobody_at_work_is_switched_off(lab: Lab, session: Session) -> None:
    lab.people = [AWAY, session]
    assert lab.ask() == Upshot("busy: somebody is at work")
    assert lab.jobs() == []


def test_who_is_only_logged_in_is_warned_first(lab: Lab) -> None:
    lab.people = [AWAY]
    ask = pending(lab.ask("restart", grace_s=60))
    assert [job.what for job in lab.jobs()] == ["message"]
    assert "60" in lab.jobs()[0].text
    lab.clock.advance(59_000)
    assert ask() is None
    assert lab.begun == []
    lab.clock.advance(1_000)
    ask()
    assert [job.what for job in lab.jobs()] == ["message", "restart"]


def test_one_touch_of_the_mouse_calls_it_off(lab: Lab) -> None:
    lab.people = [AWAY]
    ask = pending(lab.ask())
    lab.clock.advance(20_000)
    lab.people = [WORKING]
    assert ask() == Upshot("busy: somebody came back to work")
    assert [job.what for job in lab.jobs()] == ["message", "message"]
    lab.people = []
    assert not isinstance(lab.ask(), Upshot), "it may be asked again"


def test_by_force_there_is_a_warning_too(lab: Lab) -> None:
    lab.people = [WORKING]
    ask = pending(lab.ask(force=True))
    assert [job.what for job in lab.jobs()] == ["message"]
    lab.clock.advance(60_000)
    ask()
    assert [job.what for job in lab.jobs()] == ["message", "shutdown"]


def test_one_going_down_at_a_time(lab: Lab) -> None:
    pending(lab.ask())
    assert lab.ask("restart") == Upshot("busy: it is going down already")


def test_a_job_nobody_takes_is_taken_back(lab: Lab) -> None:
    ask = pending(lab.ask())
    ask()
    lab.clock.advance(21_000)
    upshot = ask()
    assert upshot is not None
    assert upshot.refused.startswith("failed: nothing took the job")
    assert lab.jobs() == []


def test_a_machine_that_is_still_here_did_not_go(lab: Lab) -> None:
    ask = pending(lab.ask())
    ask()
    [job] = lab.folder.glob("*.job")
    job.unlink()
    job.with_suffix(".word").write_bytes(msgspec.json.encode(Word()))
    assert ask() is None
    lab.clock.advance(181_000)
    assert ask() == Upshot("failed: it was told to go down and is still here")


# ---- root's hand ------------------------------------------------------------------------------------------------------


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `systemctl` that writes down what it was asked; `wall` and the desktops' programs are not there."""
    tools = tmp_path / "bin"
    tools.mkdir()
    asked = tmp_path / "asked"
    program = tools / "systemctl"
    program.write_text(f'#!/bin/sh\necho "$@" >> {asked}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tools))
    return asked


def leave(folder: Path, job: Job | bytes, name: str = "a.job") -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(job if isinstance(job, bytes) else msgspec.json.encode(job))


def word(folder: Path, name: str = "a.word") -> Word:
    return msgspec.json.decode((folder / name).read_bytes(), type=Word)


@pytest.mark.parametrize(("what", "verb"), [("shutdown", "poweroff"), ("restart", "reboot")])
def test_the_hand_asks_systemd(systemctl: Path, tmp_path: Path, what: str, verb: str) -> None:
    leave(tmp_path / "hand", msgspec.convert({"what": what, "up_ms": 1000}, Job))
    assert work(tmp_path / "hand", lambda: 2000) == 1
    assert systemctl.read_text() == f"--no-ask-password {verb}\n"
    assert word(tmp_path / "hand") == Word()
    assert not list((tmp_path / "hand").glob("*.job"))


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b'{"what":"shutdown","up_ms":1000}', "too old"),
        (b'{"what":"shutdown","up_ms":99999999}', "too old"),
        (b'{"what":"rm -rf /","up_ms":90000}', "not a job"),
        (b'{"what":"shutdown","up_ms":90000,"run":"id"}', "not a job"),
        (b"\x00" * 9000, "not a job"),
    ],
)
def test_the_hand_does_nothing_old_and_nothing_else(systemctl: Path, tmp_path: Path, raw: bytes, says: str) -> None:
    leave(tmp_path / "hand", raw)
    work(tmp_path / "hand", lambda: 90_000)
    assert not systemctl.exists()
    assert word(tmp_path / "hand").failed.startswith(says)


def test_the_hand_follows_no_links(systemctl: Path, tmp_path: Path) -> None:
    target = tmp_path / "secret"
    target.write_bytes(msgspec.json.encode(Job(what="shutdown", up_ms=1)))
    folder = tmp_path / "hand"
    folder.mkdir()
    (folder / "a.job").symlink_to(target)
    (folder / "a.word").symlink_to(tmp_path / "overwritten")
    os.mkfifo(folder / "b.job")
    (folder / "c.job").mkdir()  # cannot be taken out: passed over, once
    work(folder, lambda: 2)
    assert not systemctl.exists()
    assert target.exists()
    assert not (tmp_path / "overwritten").exists()
    (tmp_path / "link").symlink_to(folder)
    assert work(tmp_path / "link", lambda: 2) == 0


def test_a_systemctl_that_refuses_is_quoted(systemctl: Path, tmp_path: Path) -> None:
    (tmp_path / "bin" / "systemctl").write_text("#!/bin/sh\necho 'Access denied' >&2\nexit 1\n")
    leave(tmp_path / "hand", Job(what="shutdown", up_ms=1))
    work(tmp_path / "hand", lambda: 2)
    assert word(tmp_path / "hand") == Word("Access denied")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts the hand itself")
def test_an_agent_that_is_root_starts_the_hand_itself(systemctl: Path, tmp_path: Path) -> None:
    hand = Hand(tmp_path / "data" / "hand", SystemClock(), by_systemd=False)
    assert hand.strong
    ask = hand.give("restart")
    found: list[Upshot | None] = []

    def ended() -> bool:
        found.append(ask())
        return found[-1] is not None

    until(ended, 60, lambda: time.sleep(0.05))
    hand.close()
    assert found[-1] == Upshot(attrs={"shown": 0})
    assert systemctl.read_text() == "--no-ask-password reboot\n"
    assert stat.S_IMODE((tmp_path / "data" / "hand").stat().st_mode) == 0o700


def test_lamps_blink_and_are_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from densach_agent import notice

    lamp = tmp_path / "sys/class/leds/input3::scrolllock/brightness"
    lamp.parent.mkdir(parents=True)
    lamp.write_text("0")
    seen: list[str] = []
    pause: Callable[[float], None] = time.sleep

    def watch(_seconds: float) -> None:
        seen.append(lamp.read_text())
        pause(0.05)

    monkeypatch.setattr(time, "sleep", watch)
    notice.blink(1, tmp_path)
    assert {"0", "1"} <= set(seen)
    assert lamp.read_text() == "0"
    assert hand_module.Job(what="identify", up_ms=0).seconds == 10
