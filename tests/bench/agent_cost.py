"""What the agent costs a lab machine, connected over TLS, beside a screen in memory with the helper of a session (where Xvfb
is installed): memory against a process that has only loaded and connected the same libraries, processor time against
prometheus-node-exporter scraped every 15 seconds (where it is installed)."""

import contextlib
import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
from tests.bench.figures import Figure
from tests.bench.hub import BenchHub, running
from tests.bench.talking import Talker
from tests.fixtures.mosquitto import free_port

from densach_agent import applications
from densach_demo.children import Child, densach

HELPER = Path(applications.__file__).parent / "session" / "densach-session"
SETTLE_S = 20.0
WATCH_S = float(os.environ.get("DENSACH_BENCH_SECONDS", "120"))
SCRAPE_S = 15.0


def agent() -> Iterator[Figure]:
    with BenchHub() as hub:
        hub.found(uses=2)
        hub.start()
        floor_place = hub.join(range(1, 2))[0]
        data = hub.folder / "agent"
        command = densach("agent", "enrol", "--hub", hub.url, "--token-file", "-", "--data", str(data))
        subprocess.run(command, input=hub.token, text=True, check=True, capture_output=True)
        child = Child("agent", densach("agent", "run", "--data", str(data)), hub.folder / "agent.log")
        with (
            Talker("tests.bench.resting", str(floor_place)) as floor,
            running(child),
            _exporter() as exporter,
            _helper() as helper,
        ):
            floor.hear("ready")
            yield from _watch(psutil.Process(child.pid), psutil.Process(floor.process.pid), exporter, helper)


def _watch(
    resident: psutil.Process, floor: psutil.Process, exporter: "Exporter | None", helper: psutil.Process | None
) -> Iterator[Figure]:
    time.sleep(SETTLE_S)
    watched = {"agent": resident, "floor": floor} | ({"exporter": exporter.process} if exporter is not None else {})
    if helper is not None:
        watched["helper"] = helper
    before = {name: _cpu_s(process) for name, process in watched.items()}
    began = time.monotonic()
    while time.monotonic() - began < WATCH_S:
        if exporter is not None:
            exporter.scrape()
        time.sleep(min(SCRAPE_S, max(0.0, WATCH_S - (time.monotonic() - began))))
    minutes = (time.monotonic() - began) / 60
    cpu = {name: (_cpu_s(process) - before[name]) / minutes for name, process in watched.items()}
    memory = {name: process.memory_info().rss / 2**20 for name, process in watched.items()}
    if helper is None:
        yield Figure(what="the helper of a session was not measured (Xvfb is not installed)", value=0, unit="MiB")
    else:
        whole = [one.memory_full_info() for one in (helper, *helper.children(recursive=True))]
        memory["helper"] = sum(one.pss for one in whole) / 2**20  # the C library's pages are in the agent's own figure
        yield Figure(what="memory of the helper, its share of shared pages", value=memory["helper"], unit="MiB")
        everything = memory["agent"] + sum(one.rss for one in whole) / 2**20
        yield Figure(
            what="agent and helper, shared pages counted in each process", value=everything, unit="MiB",
            against=memory["floor"], against_what="the same floor",
        )  # fmt: skip
        yield Figure(what="processor time of the helper", value=cpu["helper"], unit="s/min")
    agent, processor = memory["agent"] + memory.get("helper", 0.0), cpu["agent"] + cpu.get("helper", 0.0)
    yield Figure(
        what="resident memory of the agent and its helper", value=agent, unit="MiB", against=memory["floor"],
        against_what="a process with its libraries, connected", goal="≤ 1.25 ×", met=agent <= 1.25 * memory["floor"],
    )  # fmt: skip
    if exporter is None:
        yield Figure(
            what="processor time of both (prometheus-node-exporter is not installed)", value=processor, unit="s/min",
            against=max(cpu["floor"], 1e-3), against_what="the idle floor",
        )  # fmt: skip
    else:
        yield Figure(
            what="processor time of the agent and its helper", value=processor, unit="s/min", against=max(cpu["exporter"], 1e-3),
            against_what="node_exporter, scraped every 15 s", goal="< 1 ×", met=processor < cpu["exporter"],
        )  # fmt: skip
        yield Figure(what="resident memory of node_exporter", value=memory["exporter"], unit="MiB")


def _cpu_s(process: psutil.Process) -> float:
    """Own time and that of helpers that have ended."""
    times = process.cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


class Exporter:
    """A node_exporter on a port of its own."""

    def __init__(self, process: psutil.Process, port: int) -> None:
        self.process = process
        self._url = f"http://127.0.0.1:{port}/metrics"

    def scrape(self) -> None:
        with contextlib.suppress(OSError), urllib.request.urlopen(self._url, timeout=10) as answer:
            answer.read()


@contextlib.contextmanager
def _helper() -> Iterator[psutil.Process | None]:
    """The helper at its own pace, on a screen in memory with a window in front."""
    if not all(shutil.which(name) for name in ("Xvfb", "xprop", "xterm")):
        yield None
        return
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "640x480x8", "-nolisten", "tcp", "-noreset"]
    with subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL) as screen:
        os.close(write)
        with os.fdopen(read) as pipe:
            number = pipe.readline().strip()
        session = {**os.environ, "DISPLAY": f":{number}", "XDG_SESSION_TYPE": "x11"}
        with subprocess.Popen(["xterm", "-class", "Firefox"], env=session, stderr=subprocess.DEVNULL) as window:
            front = ["xprop", "-root", "-f", "_NET_ACTIVE_WINDOW", "32x", "-set", "_NET_ACTIVE_WINDOW", "0x20000c"]
            subprocess.run(front, env=session, check=True)
            with subprocess.Popen([str(HELPER)], env=session) as helper:
                try:
                    yield psutil.Process(helper.pid)
                finally:
                    for process in (helper, window, screen):
                        process.kill()


@contextlib.contextmanager
def _exporter() -> Iterator[Exporter | None]:
    program = shutil.which("prometheus-node-exporter") or shutil.which("node_exporter")
    if program is None:
        yield None
        return
    port = free_port()
    command = [program, f"--web.listen-address=127.0.0.1:{port}"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            time.sleep(1)
            yield Exporter(psutil.Process(process.pid), port)
        finally:
            process.terminate()
