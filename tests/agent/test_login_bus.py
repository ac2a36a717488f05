"""logind's word on a real bus: a dbus-daemon of the test's own, on it a logind that knows three sessions."""

import contextlib
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.agent.desk import Desk
from tests.agent.school import until

from densach_agent.login_bus import SOCKET, BusError, LoginBus, message, path_word, receive

CONFIG = """<busconfig><type>session</type><listen>unix:path={path}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/>
<allow eavesdrop="true"/><allow own="*"/></policy></busconfig>"""
BUS = {1: "/org/freedesktop/DBus", 2: "org.freedesktop.DBus", 6: "org.freedesktop.DBus"}


class Login:
    """The part of logind that is asked: IdleHint of sessions, over a connection of its own."""

    def __init__(self, path: Path) -> None:
        self.idle: dict[str, bool] = {}
        self.asked = 0
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(30)
        self._socket.connect(str(path))
        self._file = self._socket.makefile("rb")
        self._socket.sendall(b"\0AUTH EXTERNAL " + str(os.getuid()).encode().hex().encode() + b"\r\n")
        assert self._file.readline().startswith(b"OK")
        self._socket.sendall(b"BEGIN\r\n" + message(1, 1, {**BUS, 3: "Hello"}))
        name = b"org.freedesktop.login1"
        body = struct.pack("<I", len(name)) + name + b"\0"
        body += b"\0" * (-len(body) % 4) + struct.pack("<I", 0)
        self._socket.sendall(message(1, 2, {**BUS, 3: "RequestName"}, raw=("su", body)))
        while receive(self._file.read)[1].get(5) != 2:
            pass
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError, BusError, ValueError):
            serial = 10
            while True:
                start = self._file.peek(16)[:16]
                if len(start) < 16:
                    return
                call = struct.unpack_from("<I", start, 8)[0]
                kind, fields, body = receive(self._file.read)
                if kind != 1:
                    continue
                serial, self.asked = serial + 1, self.asked + 1
                answer = {5: call, 6: fields[7]}
                word = str(fields[1]).rpartition("/")[2]
                if word not in self.idle or b"IdleHint" not in body:
                    unknown = {**answer, 4: "org.freedesktop.DBus.Error.UnknownObject"}
                    self._socket.sendall(message(3, serial, unknown))
                else:
                    self._socket.sendall(message(2, serial, answer, raw=("v", b"\x01b\0\0" + struct.pack("<I", self.idle[word]))))

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(40)
        self._file.close()
        self._socket.close()


@pytest.fixture
def root() -> Iterator[Path]:
    """A short path: those of sockets may have 107 letters."""
    folder = Path(tempfile.mkdtemp(prefix="ds"))
    (folder / SOCKET).parent.mkdir(parents=True)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def login(root: Path) -> Iterator[Login]:
    daemon = shutil.which("dbus-daemon")
    if daemon is None:
        pytest.skip("dbus-daemon is not installed")
    config = root / "bus.conf"
    config.write_text(CONFIG.format(path=root / SOCKET))
    with subprocess.Popen([daemon, f"--config-file={config}", "--nofork", "--nopidfile"]) as process:
        made = None
        try:
            until(lambda: _listens(root / SOCKET))
            made = Login(root / SOCKET)
            yield made
        finally:
            process.terminate()
            if made is not None:
                made.close()


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def test_a_session_s_id_in_a_path() -> None:
    assert [path_word(word) for word in ("12", "c3", "", "a-1", "_")] == ["_312", "c3", "_", "a_2d1", "_5f"]


def test_idle_or_not_as_the_desktop_told_logind(login: Login, root: Path) -> None:
    login.idle = {"_33": True, "c4": False}
    with LoginBus(root) as bus:
        assert (bus.idle("3"), bus.idle("c4"), bus.idle("3")) == (True, False, True)
        with pytest.raises(BusError, match="UnknownObject"):
            bus.idle("99")


def test_one_round_asks_for_the_sessions_that_may_know_it(login: Login, root: Path) -> None:
    desk = Desk(root)
    desk.sit("3", DESKTOP="ubuntu", TYPE="wayland")
    desk.sit("4", DESKTOP="gnome", ACTIVE="0")
    desk.sit("5", TYPE="tty", TTY="pts/1", SEAT="", VTNR="", REMOTE="1")
    login.idle = {"_33": False}
    assert [session.idle for session in desk.watch.now()] == [False, True, None]
    login.idle = {"_33": True}
    assert [session.idle for session in desk.watch.now()] == [True, True, None]
    assert login.asked == 2


def test_a_desktop_that_never_said_idle_is_not_believed_to_be_in_use(login: Login, root: Path) -> None:
    desk = Desk(root)
    desk.sit("3", DESKTOP="xfce")
    said = []
    for hint in (False, True, False):
        login.idle = {"_33": hint}
        said.append(desk.one().idle)
    assert said == [None, True, False]


def test_a_bus_that_hangs_costs_half_a_second_once(root: Path) -> None:
    desk = Desk(root)
    desk.sit("3", DESKTOP="gnome")
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(root / SOCKET))
        deaf.listen(1)
        began = time.monotonic()
        assert desk.one().idle is None
        first = time.monotonic() - began
        began = time.monotonic()
        assert [desk.one().idle for _ in range(3)] == [None] * 3
        assert 0.4 < first < 20
        assert time.monotonic() - began < first


@pytest.mark.parametrize(
    "answer", [b"", b"REJECTED\r\n", b"OK 0\r\n" + b"\xff" * 64, b"OK 0\r\nl\x02\0\x01" + b"\xff" * 12, b"x" * 5000]
)
def test_nonsense_on_the_bus_is_no_answer(root: Path, answer: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as odd:
        odd.bind(str(root / SOCKET))
        odd.listen(1)

        def serve() -> None:
            with contextlib.suppress(OSError):
                line, _ = odd.accept()
                with line:
                    line.recv(100)
                    line.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(BusError), LoginBus(root) as bus:
            bus.idle("3")
        thread.join(40)
