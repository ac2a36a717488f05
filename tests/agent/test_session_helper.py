"""The helper in a real X11 session, without a desktop: the test says which window is in front, as a window manager does."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.agent.desk import Desk
from tests.agent.school import until

from densach_agent import applications

HELPER = Path(applications.__file__).parent / "session" / "densach-session"


class Screen:
    """A screen in memory with xterms that call themselves other names."""

    def __init__(self) -> None:
        self._processes: list[subprocess.Popen[bytes]] = []
        read, write = os.pipe()
        command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "320x240x8", "-nolisten", "tcp", "-noreset"]
        self._processes.append(subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL))
        os.close(write)
        with os.fdopen(read) as pipe:
            number = pipe.readline().strip()
        assert number
        self.environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "DISPLAY": f":{number}"}

    def start(self, *command: str, **more: str) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(command, env=self.environment | more, stderr=subprocess.DEVNULL)
        self._processes.append(process)
        return process

    def window(self, kind: str, name: str = "xterm", title: str = "") -> str:
        """An open window of that class; its number."""
        self.start("xterm", "-class", kind, "-name", name, "-T", title or kind, "-e", "sleep", "600")
        number = ""

        def found() -> bool:
            nonlocal number
            tree = subprocess.run(["xwininfo", "-root", "-tree"], env=self.environment, capture_output=True, text=True).stdout
            number = next((line.split()[0] for line in tree.splitlines() if f'"{kind}")' in line), "")
            return bool(number)

        until(found)
        return number

    def front(self, window: str) -> None:
        command = ["xprop", "-root", "-f", "_NET_ACTIVE_WINDOW", "32x", "-set", "_NET_ACTIVE_WINDOW", window]
        subprocess.run(command, env=self.environment, check=True)

    def close(self) -> None:
        for process in reversed(self._processes):
            process.kill()
            process.wait()


@pytest.fixture
def screen() -> Iterator[Screen]:
    for command in ("Xvfb", "xterm", "xprop", "xwininfo", "xprintidle"):
        if shutil.which(command) is None:
            pytest.skip(f"{command} is not installed")
    made = Screen()
    yield made
    made.close()


def word(helper: "subprocess.Popen[bytes]") -> str:
    return Path(f"/proc/{helper.pid}/comm").read_text("utf-8").strip()


def test_the_class_in_front_is_told_and_changes_with_the_window(screen: Screen, tmp_path: Path) -> None:
    """All the way: window → helper → its name in /proc → the session's classes."""
    own = tmp_path / "applications.txt"
    own.write_text("e-learning: vnedu*\n")
    browser = screen.window("Firefox-esr", "Navigator", title="SECRET TITLE")
    office = screen.window("libreoffice-writer", "libreoffice")
    lesson = screen.window("VnEdu App")
    helper = screen.start(str(HELPER), "0.2", DENSACH_APPLICATIONS=str(own))
    desk = Desk(tmp_path / "root")
    desk.sit("3")
    (desk.root / "proc").symlink_to("/proc")
    desk.group("3").write_text(f"{helper.pid}\n")
    until(lambda: word(helper).startswith("@-."))
    for window, label in [(browser, "browser"), (office, "office"), (lesson, "e-learning"), (browser, "browser")]:
        screen.front(window)
        until(lambda label=label: desk.one().apps == (label,))  # type: ignore[misc]
        assert desk.one().apps_how == "foreground"
    screen.front("0x0")
    until(lambda: word(helper).startswith("@-."))
    assert desk.one().idle is False
    assert "SECRET" not in " ".join(psutil.Process(helper.pid).cmdline() + list(psutil.Process(helper.pid).environ().values()))


def test_each_word_is_another_one(screen: Screen) -> None:
    helper = screen.start(str(HELPER), "0.05")
    words: set[str] = set()

    def four() -> bool:
        words.add(word(helper))
        return len([said for said in words if said.startswith("@")]) > 3

    until(four)


def test_odd_names_of_windows_run_nothing(screen: Screen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    window = screen.window("$(touch ran)`touch ran`;*", "libreoffice")
    screen.front(window)
    helper = screen.start(str(HELPER), "0.1")
    until(lambda: word(helper).startswith("@office."))  # by the window's own name
    assert list(tmp_path.iterdir()) == []


def test_it_ends_with_its_screen_and_under_wayland_at_once(screen: Screen) -> None:
    assert screen.start(str(HELPER), "0.1", XDG_SESSION_TYPE="wayland").wait(40) == 0
    assert screen.start(str(HELPER), "0.1", DISPLAY=":4095").wait(40) == 0
    helper = screen.start(str(HELPER), "0.1")
    until(lambda: word(helper).startswith("@"))
    screen._processes[0].terminate()
    assert helper.wait(40) == 0


def test_it_is_small(screen: Screen) -> None:
    """Two processes, the shell and the sleep it waits for: less than a megabyte that is theirs alone."""
    helper = screen.start(str(HELPER), "600")
    until(lambda: word(helper).startswith("@"))
    until(lambda: [child.name() for child in psutil.Process(helper.pid).children()] == ["sleep"])
    whole = [psutil.Process(helper.pid), *psutil.Process(helper.pid).children()]
    assert sum(one.memory_full_info().uss for one in whole) < 2**20
