"""`densach demo` as a person uses it: first start, Ctrl-C, second start, and a supervisor that is killed."""

import http.cookiejar
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import pytest

from densach_demo.notes import Notes, ports_from, read_notes
from densach_demo.readiness import taken

pytestmark = pytest.mark.timeout(300)
MACHINES = 3


class Running:
    """A demonstration and what it printed."""

    def __init__(self, folder: Path, log: Path, *words: str) -> None:
        self.folder = folder
        self._log = log
        command = [sys.executable, "-m", "densach_cli", "demo", "--data", str(folder), *words]
        with log.open("wb") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True)

    def wait_up(self, seconds: float) -> str:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            said = self._log.read_text("utf-8")
            if "Ctrl-C" in said:
                return said
            assert self.process.poll() is None, said
            time.sleep(0.05)
        raise AssertionError(f"not up in {seconds} s:\n{self._log.read_text('utf-8')}")

    def left(self) -> list[str]:
        """Command lines of processes that work in its folder."""
        found = []
        for process in psutil.process_iter(["cmdline", "status"]):
            words = process.info["cmdline"] or []
            if process.info["status"] != psutil.STATUS_ZOMBIE and any(str(self.folder) in word for word in words):
                found.append(" ".join(words))
        return found

    def wait_gone(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while self.left():
            assert time.monotonic() < until, self.left()
            time.sleep(0.1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "data"


@pytest.fixture(scope="module")
def first(folder: Path) -> Iterator[tuple[Running, str]]:
    start = next(port for port in range(20_000, 30_000, 10) if not taken(ports_from("127.0.0.1", port)))
    words = ("--http", f"127.0.0.1:{start}", "--machines", str(MACHINES))
    running = Running(folder, folder.parent / "first.log", *words)
    try:
        yield running, running.wait_up(200)
    finally:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()


def notes(folder: Path) -> Notes:
    found = read_notes(folder)
    assert found is not None
    return found


def get(url: str, token: str = "") -> bytes:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20) as answer:
        body: bytes = answer.read()
        return body


def log_in(base: str, login: str, secret: str, page: str) -> str:
    """The page somebody sees after signing in."""
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    form = urllib.parse.urlencode({"login": login, "secret": secret, "next": page}).encode()
    request = urllib.request.Request(f"{base}/login", form, {"Origin": base})
    with browser.open(request, timeout=20) as answer:
        text: str = answer.read().decode()
        return text


class Register(msgspec.Struct):
    machines: list[dict[str, object]]


def test_the_first_start_says_where_to_go_and_everybody_gets_in(first: tuple[Running, str]) -> None:
    running, said = first
    found = notes(running.folder)
    hub, office = found.ports.hub_url, found.ports.office_url
    assert set(re.findall(r"http://\S+", said)) >= {f"{hub}/", f"{hub}/lab", f"{office}/"}
    for entry in found.log_ins:
        assert entry.secret in said
        assert 'name="secret"' not in log_in(hub, entry.login, entry.secret, entry.page), entry
    assert found.office_log_in is not None
    assert "Ánh Sáng" in log_in(office, found.office_log_in.login, found.office_log_in.secret, "/")


def test_this_machine_is_real_and_the_others_say_that_they_are_not(first: tuple[Running, str]) -> None:
    found = notes(first[0].folder)
    machines = msgspec.json.decode(get(f"{found.ports.hub_url}/api/v1/machines", found.token), type=Register).machines
    simulated = [machine for machine in machines if machine.get("simulated") and machine["kind"] == "agent"]
    real = [machine for machine in machines if not machine.get("simulated")]
    assert len(simulated) == MACHINES
    assert len(real) == 1
    assert all(isinstance(place := machine["place"], dict) and place.get("seat") for machine in simulated)
    plugs = msgspec.json.decode(get(f"{found.ports.hub_url}/api/v1/equipment", found.token))["equipment"]
    assert [(plug["machine"]["simulated"], plug["room_name"]) for plug in plugs] == [(True, "Phòng studio")]


def test_the_library_finds_what_was_written_for_it(first: tuple[Running, str]) -> None:
    hub = notes(first[0].folder).ports.hub_url
    until = time.monotonic() + 60
    while b"Con l" not in get(f"{hub}/api/v1/search?q=con+lac"):
        assert time.monotonic() < until
        time.sleep(0.5)
    assert "4725/QĐ-BGDĐT".encode() in get(f"{hub}/api/v1/search?q=4725")


def test_a_second_one_on_the_same_folder_is_refused(first: tuple[Running, str]) -> None:
    second = Running(first[0].folder, first[0].folder.parent / "second.log")
    assert second.process.wait(30) == 1
    assert "already runs" in (first[0].folder.parent / "second.log").read_text()


def test_ctrl_c_leaves_nothing_and_the_next_start_has_kept_everything(first: tuple[Running, str]) -> None:
    running, _ = first
    before = notes(running.folder)
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(40) == 0
    assert running.left() == []

    again = Running(running.folder, running.folder.parent / "again.log")
    began = time.monotonic()
    said = again.wait_up(60)
    assert time.monotonic() - began < 30  # some 3 s when nothing else runs
    assert notes(running.folder) == before
    assert before.log_ins[0].secret in said

    # Killed outright: the kernel tells the others.
    os.kill(again.process.pid, signal.SIGKILL)
    again.process.wait()
    again.wait_gone(40)


def test_a_start_that_was_interrupted_begins_again(tmp_path: Path) -> None:
    start = next(port for port in range(30_000, 32_000, 10) if not taken(ports_from("127.0.0.1", port)))
    words = ("--http", f"127.0.0.1:{start}", "--machines", "1")
    running = Running(tmp_path / "data", tmp_path / "one.log", *words)
    until = time.monotonic() + 60
    while "office" not in (tmp_path / "one.log").read_text("utf-8"):
        assert time.monotonic() < until
        time.sleep(0.02)
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(40) == 0
    assert running.left() == []
    assert not notes(tmp_path / "data").made

    again = Running(tmp_path / "data", tmp_path / "two.log", *words)
    said = again.wait_up(200)
    assert "starting over" in said
    again.process.terminate()
    assert again.process.wait(40) == 0
    assert again.left() == []
