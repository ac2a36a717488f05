"""What runs in a session, and what its helper says: bounded and unforgeable, whatever a pupil starts."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from tests.agent.desk import ME, Desk
from tests.agent.school import until

from densach_agent.sessions import Session


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path / "root")
    made.sit("3")
    return made


def apps(session: Session) -> tuple[str, tuple[str, ...]]:
    return session.apps_how, session.apps


def test_without_a_helper_the_classes_that_run_are_counted_and_called_so(desk: Desk) -> None:
    desk.run("3", "xfce4-session", "Thunar", "firefox-esr", "Web Content", "soffice.bin", "bash")
    assert apps(desk.one()) == ("running", ("browser", "office"))


def test_a_desktop_s_programs_may_be_under_its_user_s_service_manager(desk: Desk) -> None:
    desk.sit("3", DESKTOP="gnome", TYPE="wayland")
    desk.run("3", "gdm-wayland-ses")
    desk.run("3", "thonny", inside="app.slice/app-gnome-thonny-99.scope", first=2000)
    desk.run("3", "mpv", inside="app.slice/app-org.gnome.slice/a.service", first=3000)
    assert apps(desk.one()) == ("running", ("coding", "media"))


def test_who_is_not_in_front_runs_nothing(desk: Desk) -> None:
    desk.run("3", "firefox-esr")
    desk.sit("3", ACTIVE="0", STATE="online")
    assert apps(desk.one()) == ("", ())


def test_the_helper_s_word_wins_and_tells_who_is_away(desk: Desk) -> None:
    for said, label, idle in [
        ("@office.0.1", ("office",), False),
        ("@learning.4.2", ("e-learning",), False),
        ("@browser.5.3", ("browser",), True),
        ("@game.99.4", ("game",), True),
        ("@other.?.5", ("other",), None),
    ]:
        desk.run("3", "firefox-esr", said)
        assert (apps(desk.one()), desk.one().idle) == (("foreground", label), idle)
    desk.run("3", "firefox-esr", "@-.7.6")  # no window in front: then what runs, but the idle time is known
    assert (apps(desk.one()), desk.one().idle) == (("running", ("browser",)), True)


def test_a_helper_that_hangs_is_not_believed_for_long(desk: Desk) -> None:
    desk.run("3", "firefox-esr", "@office.0.1")
    for _ in range(3):
        assert desk.one().apps_how == "foreground"
        desk.clock.advance(30_000)
    assert apps(desk.one()) == ("running", ("browser",))
    desk.run("3", "firefox-esr", "@office.0.2")
    assert desk.one().apps_how == "foreground"


@pytest.mark.parametrize(
    "said", ["@office.0", "@school.0.1", "@office.-1.1", "@office.0.1.2", "@.0.1", "@office.0.999", "@\x1b[2J"]
)
def test_what_is_not_a_helper_s_word_is_a_program(desk: Desk, said: str) -> None:
    desk.run("3", said)
    assert apps(desk.one()) == ("", ())


def test_another_user_s_process_is_no_helper(desk: Desk) -> None:
    """Root's programs may run in a pupil's session (su, sudo); the word counts only from the session's own user."""
    desk.sit("3", UID=str(ME + 1))
    shutil.copytree(desk.group("3").parent.parent, desk.root / f"sys/fs/cgroup/user.slice/user-{ME + 1}.slice")
    desk.run("3", "@office.0.1")
    shutil.copy(desk.group("3"), desk.root / f"sys/fs/cgroup/user.slice/user-{ME + 1}.slice/session-3.scope/cgroup.procs")
    assert desk.one().apps_how == ""


def test_a_thousand_processes_and_groups_are_read_in_part_and_quickly(desk: Desk) -> None:
    desk.run("3", *["bash"] * 5_000, "firefox-esr")
    for number in range(400):
        desk.run("3", "mpv", inside=f"app.slice/{'a.slice/' * (number % 9)}x{number}.scope", first=10_000 + number)
    began = time.monotonic()
    assert apps(desk.one()) == ("", ())
    assert time.monotonic() - began < 5


def test_what_real_processes_do_to_their_names_makes_nothing_hang(desk: Desk) -> None:
    """Against the real /proc: a helper's word, control characters, a name of 15 bytes cut inside a letter, one that has
    ended, numbers that are no processes."""
    (desk.root / "proc").symlink_to("/proc")
    names = ["@media.2.7", "a\\tb\\033[2J", "ạạạạạạạ", "", "*"]
    children = [
        subprocess.Popen(
            ["sh", "-c", f"printf '{name}' >/proc/$$/comm; echo ready; read x"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for name in names
    ]
    gone = subprocess.Popen(["true"])
    gone.wait()
    try:
        for child in children:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
        words = [
            *(str(child.pid) for child in children),
            str(gone.pid),
            "0",
            "-1",
            "99999999999999999999",
            "self",
            "²",
            str(os.getpid()),
        ]
        desk.group("3").write_text("\n".join(words))
        until(lambda: desk.one().apps == ("media",))
        assert (apps(desk.one()), desk.one().idle) == (("foreground", ("media",)), False)
    finally:
        for child in children:
            child.communicate(b"\n")
