"""A library that was started to be compared: where it answers, how it is asked, what its processes take."""

import contextlib
import hashlib
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
import psutil

LOCKS = Path(__file__).parent
ENVIRONMENTS = Path.home() / ".cache" / "densach-bench"


class NotStartedError(RuntimeError):
    """Says why a peer is not in the comparison."""


class Served(msgspec.Struct, frozen=True):
    """`search` is a path with `{}` for the words; `pages` are what a person opens of one item; `pid` the oldest process.
    `hit`: a pattern of what an answer to a search has if, and only if, an item was found. `data`: it answers JSON, which its
    pages fetch; else whole pages."""

    name: str
    url: str
    search: str
    pages: tuple[str, ...]
    pid: int
    hit: str
    python: bool = False
    data: bool = False

    def memory(self) -> float:
        """MB of all its processes; what they share is counted once (PSS)."""
        return float(sum(process.memory_full_info().pss for process in self._family())) / 1e6

    def processor_s(self) -> float:
        """Processor seconds of all its processes until now."""
        return float(sum(sum(process.cpu_times()[:2]) for process in self._family()))

    def _family(self) -> Iterator[psutil.Process]:
        first = psutil.Process(self.pid)
        for process in [first, *first.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                yield process


def environment(name: str) -> Path:
    """The `bin` of a Python peer's own environment; made when it is first needed. Raises NotStartedError."""
    lock = LOCKS / f"{name}.txt"
    key = hashlib.sha256(lock.read_bytes()).hexdigest()[:12]
    place = ENVIRONMENTS / f"{name}-{key}"
    if not (place / "ready").exists():
        say(f"installing {name} into {place}")
        try:
            _run([sys.executable, "-m", "venv", "--clear", str(place)])
            _run([str(place / "bin" / "pip"), "install", "--quiet", "--require-hashes", "--no-deps", "-r", str(lock)])
        except (subprocess.CalledProcessError, OSError) as error:
            raise NotStartedError(f"{name} could not be installed: {_why(error)}") from error
        (place / "ready").touch()
    return place / "bin"


def version_of(name: str) -> str:
    """As the lock has it."""
    for line in (LOCKS / f"{name}.txt").read_text("utf-8").splitlines():
        package, _, rest = line.partition("==")
        if package == name:
            return rest.split()[0]
    raise NotStartedError(f"{name}.txt does not pin {name}")


@contextlib.contextmanager
def running(name: str, command: Sequence[str], log: Path, variables: Mapping[str, str] | None = None) -> Iterator[int]:
    """A child while the block runs, with everything it started; its output goes to `log`."""
    with log.open("ab") as output:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **(variables or {})},
            cwd=log.parent,
        )
        try:
            yield child.pid
        finally:
            _end(child)
            if child.returncode not in {0, -15, 143}:
                say(f"{name} ended with exit code {child.returncode}")


def wait_until(name: str, address: str, pid: int, log: Path, seconds: float = 180.0) -> None:
    """Until an address answers 200. Raises NotStartedError with the last lines of the log."""
    until = time.monotonic() + seconds
    said = "no answer"
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(address, timeout=60) as answer:
                answer.read()
                return
        except urllib.error.HTTPError as error:
            said = f"{address} answers {error.code}"
        except OSError as error:
            said = str(error)
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            said = "its process ended"
            break
        time.sleep(0.2)
    tail = log.read_text("utf-8", "replace")[-800:] if log.exists() else ""
    raise NotStartedError(f"{name} did not start: {said}\n{tail}")


def run_or_say(name: str, command: Sequence[str], variables: Mapping[str, str] | None = None) -> None:
    """A step before the start. Raises NotStartedError."""
    try:
        _run(command, variables)
    except (subprocess.SubprocessError, OSError) as error:
        raise NotStartedError(f"{name} could not be prepared: {_why(error)}") from error


def say(line: str) -> None:
    """Progress, beside the figures."""
    sys.stderr.write(f"    {time.strftime('%H:%M:%S')} {line}\n")
    sys.stderr.flush()


def _run(command: Sequence[str], variables: Mapping[str, str] | None = None) -> None:
    subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=600, env={**os.environ, **(variables or {})}
    )


def _why(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return f"{Path(error.cmd[0]).name} ended with {error.returncode}: {error.stderr.decode('utf-8', 'replace')[-600:]}"
    return str(error)


def _end(child: "subprocess.Popen[bytes]") -> None:
    family = []
    with contextlib.suppress(psutil.NoSuchProcess):
        family = psutil.Process(child.pid).children(recursive=True)
    child.terminate()
    try:
        child.wait(20)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait(20)
    for one in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
