"""One round of collectors, in a process of its own: `python -m densach_agent.survey ROOT FACTS NAME…` writes a line before and
after each collector. What it took of memory goes with it, and a collector that hangs is killed from outside, noted as
`timeout` and not tried again before the next round.
"""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from densach_wire.codec import section_digest
from densach_wire.messages import InventorySection, SectionStatus


class _Begin(msgspec.Struct, frozen=True):
    begin: str
    budget_s: float


class Survey:
    """Starts the process and reads it without ever waiting: call `poll` now and then until `done`."""

    def __init__(
        self,
        names: Iterable[str],
        *,
        root: Path = Path("/"),
        facts: Path | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._todo = list(names)
        self._root = root
        self._facts = facts
        self._monotonic = monotonic
        self._process: subprocess.Popen[bytes] | None = None
        self._buffer = b""
        self._current: _Begin | None = None
        self._began = 0.0
        if self._todo:
            self._start()

    @property
    def done(self) -> bool:
        return self._process is None

    def poll(self) -> list[InventorySection]:
        """What was finished since the last call."""
        if self._process is None or self._process.stdout is None:
            return []
        ended = False
        while True:
            try:
                chunk = os.read(self._process.stdout.fileno(), 65536)
            except BlockingIOError:
                break
            if not chunk:
                ended = True
                break
            self._buffer += chunk
        found = self._lines()
        if ended:
            found += self._end("failed", "the collector took its process along")
        elif self._monotonic() - self._began > (self._current.budget_s if self._current else 10.0):
            self._process.kill()
            found += self._end("timeout", f"no answer in {self._current.budget_s if self._current else 10:g} s")
        return found

    def stop(self) -> None:
        if self._process is not None:
            self._todo.clear()
            self._process.kill()
            self._close()

    def _start(self) -> None:
        argv = [sys.executable, "-m", "densach_agent.survey", str(self._root), str(self._facts or ""), *self._todo]
        folder = str(Path(__file__).parent.parent)
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (folder, os.environ.get("PYTHONPATH"))))}
        self._process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
        )
        if self._process.stdout is not None:
            os.set_blocking(self._process.stdout.fileno(), False)
        self._began = self._monotonic()

    def _lines(self) -> list[InventorySection]:
        found = []
        *lines, self._buffer = self._buffer.split(b"\n")
        for line in lines:
            if line.startswith(b'{"begin"'):
                self._current, self._began = msgspec.json.decode(line, type=_Begin), self._monotonic()
            else:
                found.append(msgspec.json.decode(line, type=InventorySection))
                self._todo.remove(found[-1].section)
                self._current, self._began = None, self._monotonic()
        return found

    def _end(self, status: str, reason: str) -> list[InventorySection]:
        """The process is gone. If a collector was at work it is to blame; the others get a new process."""
        self._close()
        if not self._todo:
            return []
        name = self._current.begin if self._current is not None else self._todo[0]
        self._todo.remove(name)
        self._current, self._buffer = None, b""
        if self._todo:
            self._start()
        return [InventorySection(name, status=SectionStatus(status), reason=reason)]

    def _close(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdout is not None:
            process.stdout.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1)  # if it hangs in the kernel, whoever made it hang lets it go


def wait_for(survey: Survey) -> list[InventorySection]:
    """The whole round, for commands that may wait."""
    found: list[InventorySection] = []
    while not survey.done:
        found += survey.poll()
        time.sleep(0.01)
    return found


def _work(root: Path, facts: Path | None, wanted: list[str]) -> None:
    from densach_agent.collectors import load
    from densach_agent.machine import Denied, Machine, NoData, Runner, system_runner

    # A recorded machine is asked by the commands that were recorded with it, never by those of the machine we run on.
    run: Runner = system_runner
    if root != Path("/"):
        from densach_agent.record import recorded_runner

        run = recorded_runner(root.parent)
    machine = Machine(root, run, facts=facts)
    for name in wanted:
        collector = load(name)
        _say(msgspec.json.encode(_Begin(name, collector.budget_s)))
        try:
            items = tuple(collector.collect(machine))
            section = InventorySection(name, items, section_digest(items))
        except NoData:
            section = InventorySection(name, digest=section_digest(()), status=SectionStatus.NO_DATA)
        except Denied as denied:
            section = InventorySection(name, status=SectionStatus.DENIED, reason=str(denied)[:200])
        except Exception as error:  # noqa: BLE001 - whatever a collector stumbles over is a result
            section = InventorySection(name, status=SectionStatus.FAILED, reason=f"{type(error).__name__}: {error}"[:200])
        _say(msgspec.json.encode(section))


def _say(line: bytes) -> None:
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    _work(Path(sys.argv[1]), Path(sys.argv[2]) if sys.argv[2] else None, sys.argv[3:])
