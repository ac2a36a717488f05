"""Who counts as sitting at the machine, of what kind the session is, and what is known about somebody being there."""

import os
import time
from pathlib import Path

import pytest
from tests.agent.desk import Desk

from densach_wire.messages import SessionKind


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "root", kiosk_users=("tracuu",))


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        ({}, SessionKind.LOCAL),
        ({"TYPE": "tty", "TTY": "tty3", "VTNR": "3", "SERVICE": "login"}, SessionKind.LOCAL),
        ({"SEAT": "seat1", "VTNR": ""}, SessionKind.LOCAL),  # a second screen and keyboard at the same machine
        ({"REMOTE": "1", "SERVICE": "sshd", "TYPE": "tty", "SEAT": "", "VTNR": ""}, SessionKind.REMOTE),
        ({"SERVICE": "xrdp-sesman", "SEAT": "", "VTNR": ""}, SessionKind.REMOTE),  # logind says REMOTE=0 here
        ({"SERVICE": "tigervnc", "SEAT": "", "VTNR": ""}, SessionKind.REMOTE),
        ({"SERVICE": "something-new", "SEAT": "", "VTNR": ""}, SessionKind.REMOTE),  # a desktop drawn on no screen
        ({"USER": "tracuu"}, SessionKind.KIOSK),
        ({"DESKTOP": "gnome-kiosk-script-wayland", "TYPE": "wayland"}, SessionKind.KIOSK),
        ({"DESKTOP": "cage", "TYPE": "wayland"}, SessionKind.KIOSK),
    ],
)
def test_kinds_of_session(desk: Desk, facts: dict[str, str], kind: SessionKind) -> None:
    desk.sit("3", **facts)
    assert desk.one().kind is kind


def test_while_the_flag_is_there_whoever_sits_here_sits_an_exam(desk: Desk) -> None:
    desk.sit("3")
    desk.sit("9", "kythuat", REMOTE="1", SERVICE="sshd", TYPE="tty", SEAT="", VTNR="")
    flag = desk.root / "etc/densach/exam"
    flag.parent.mkdir(parents=True)
    flag.touch()
    assert [(s.user, s.kind) for s in desk.watch.now()] == [("hs.an", SessionKind.EXAM), ("kythuat", SessionKind.REMOTE)]
    flag.unlink()
    assert [s.kind for s in desk.watch.now()] == [SessionKind.LOCAL, SessionKind.REMOTE]


@pytest.mark.parametrize(
    "facts",
    [
        {"CLASS": "greeter"},
        {"CLASS": "lock-screen"},
        {"CLASS": "background"},
        {"CLASS": "manager"},  # `user@1000.service`: also of users who only linger
        {"STATE": "closing"},
        {"USER": ""},
    ],
)
def test_greeters_services_and_who_has_left_are_nobody(desk: Desk, facts: dict[str, str]) -> None:
    desk.sit("3", **facts)
    assert desk.watch.now() == []


def test_of_two_who_switched_one_is_there(desk: Desk) -> None:
    desk.sit("3", "hs.an", ACTIVE="0", STATE="online", DESKTOP="gnome")
    desk.sit("4", "hs.binh")
    assert [(s.user, s.idle) for s in desk.watch.now()] == [("hs.an", True), ("hs.binh", None)]


def test_a_desktop_that_does_not_tell_leaves_it_unknown(desk: Desk) -> None:
    desk.sit("3", DESKTOP="xfce")
    assert desk.one().idle is None


def test_a_terminal_tells_by_its_last_key(desk: Desk) -> None:
    desk.sit("3", TYPE="tty", TTY="pts/4", SEAT="", VTNR="", REMOTE="1")
    assert desk.one().idle is None  # no such terminal to be seen
    terminal = desk.root / "dev/pts/4"
    terminal.parent.mkdir(parents=True)
    terminal.touch()
    now = desk.clock.now_ms()
    for ago_ms, idle in [(20_000, False), (299_000, False), (301_000, True), (-60_000, None)]:
        os.utime(terminal, ns=((now - ago_ms) * 1_000_000, 0))
        assert desk.one().idle is idle
    desk.sit("3", TYPE="tty", TTY="../../etc/shadow", SEAT="", VTNR="")
    assert desk.one().idle is None


def test_logind_s_pipes_are_never_opened(desk: Desk) -> None:
    """Beside each session's file lies a pipe, `3.ref`: reading it would wait until that person logs out."""
    desk.sit("3")
    os.mkfifo(desk.root / "run/systemd/sessions/3.ref")
    began = time.monotonic()
    assert [s.id for s in desk.watch.now()] == ["3"]
    assert time.monotonic() - began < 5


def test_nonsense_in_logind_s_files_is_nobody(desk: Desk) -> None:
    sessions = desk.root / "run/systemd/sessions"
    (sessions / "7").write_bytes(b"\xff\x00USER" * 10_000)
    (sessions / "8").write_text("")
    (sessions / "9").mkdir()
    desk.sit("3", UID="-1", SCOPE="../../../etc")
    assert [s.id for s in desk.watch.now()] == ["3"]
