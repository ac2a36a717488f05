"""What the agent costs a lab machine, connected over TLS: memory against a process that has only loaded and connected the
same libraries, processor time against prometheus-node-exporter scraped every 15 seconds (where it is installed)."""

import contextlib
import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator

import psutil
from tests.bench.figures import Figure
from tests.bench.hub import BenchHub, running
from tests.bench.talking import Talker
from tests.fixtures.mosquitto import free_port

from densach_demo.children import Child, densach

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
        with Talker("tests.bench.resting", str(floor_place)) as floor, running(child), _exporter() as exporter:
            floor.hear("ready")
            yield from _watch(psutil.Process(child.pid), psutil.Process(floor.process.pid), exporter)


def _watch(resident: psutil.Process, floor: psutil.Process, exporter: "Exporter | None") -> Iterator[Figure]:
    time.sleep(SETTLE_S)
    watched = {"agent": resident, "floor": floor} | ({"exporter": exporter.process} if exporter is not None else {})
    before = {name: _cpu_s(process) for name, process in watched.items()}
    began = time.monotonic()
    while time.monotonic() - began < WATCH_S:
        if exporter is not None:
            exporter.scrape()
        time.sleep(min(SCRAPE_S, max(0.0, WATCH_S - (time.monotonic() - began))))
    minutes = (time.monotonic() - began) / 60
    cpu = {name: (_cpu_s(process) - before[name]) / minutes for name, process in watched.items()}
    memory = {name: process.memory_info().rss / 2**20 for name, process in watched.items()}
    yield Figure(
        what="resident memory of the agent", value=memory["agent"], unit="MiB", against=memory["floor"],
        against_what="a process with its libraries, connected", goal="≤ 1.25 ×", met=memory["agent"] <= 1.25 * memory["floor"],
    )  # fmt: skip
    if exporter is None:
        yield Figure(
            what="processor time of the agent (prometheus-node-exporter is not installed)", value=cpu["agent"], unit="s/min",
            against=max(cpu["floor"], 1e-3), against_what="the idle floor",
        )  # fmt: skip
    else:
        yield Figure(
            what="processor time of the agent", value=cpu["agent"], unit="s/min", against=max(cpu["exporter"], 1e-3),
            against_what="node_exporter, scraped every 15 s", goal="< 1 ×", met=cpu["agent"] < cpu["exporter"],
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
