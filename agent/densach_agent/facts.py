"""`python -m densach_agent.facts DATA`, run as root before the agent: leaves for the unprivileged agent what only root
may read (serial numbers in the firmware, memory modules, how the disks fare). `… DATA --slow` does the same beside the
running agent, some minutes after the start and once a day, and counts the updates that wait, which takes seconds.

In `/run/densach-facts`, which only root may write and the group of DATA may read, and which is gone with the boot: a
copied disk never brings another machine's serial numbers along. Laid out as a recorded case: `boot`, `root/`, `cmd/`.
"""

import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeAlias

from densach_agent.clock import SystemClock
from densach_agent.collectors import memory, slots, smart
from densach_agent.errands import run_together
from densach_agent.machine import Machine, Output, command_file, system_runner

PLACE = Path("/run/densach-facts")
FILES = (
    "sys/class/dmi/id/board_serial",
    "sys/class/dmi/id/chassis_serial",
    "sys/class/dmi/id/product_serial",
    "sys/class/dmi/id/product_uuid",
)
COMMANDS = (memory.SLOTS, memory.ARRAY, slots.SLOTS, slots.SUPPLIES)
_UPDATES_S = 60.0
DISK_S = 15.0
"""So long all disks together get: one that is well answers in less than a second, a tired one in a few."""

Together: TypeAlias = Callable[[Iterable[tuple[str, ...]], float], dict[tuple[str, ...], Output | None]]


def write(place: Path, group: int, machine: Machine, boot: str, together: Together | None = None, *, slow: bool = False) -> int:
    """Writes the folder anew; returns how many facts there are. Without `together` disks are not asked. What only a
    `slow` run finds out is kept by the others."""
    made = Path(tempfile.mkdtemp(dir=place.parent, prefix=f".{place.name}."))
    count = 0
    for path in FILES:
        raw = machine.raw(path, 4096)
        if raw is not None:
            count += _put(made / "root" / path, raw)
    for argv in COMMANDS:
        done = machine.run(argv, 10)
        if done is not None and done.code == 0:
            count += _put(made / "cmd" / command_file(argv), done.out.encode("utf-8", "replace"))
    if together is not None:
        before = current(boot, place)
        for name, text in _disks(machine, together).items():
            file = command_file(smart.argv(name))
            count += _put(made / "cmd" / file, _better(text, before, file).encode("utf-8", "replace"))
    count += _queues(machine, made)
    if slow:
        count += _updates(machine, made)
    _put(made / "boot", boot.encode())
    with _alone(place.parent):
        if not slow:
            count += _kept_updates(made, current(boot, place))
        for found in (made, *made.rglob("*")):
            os.chown(found, -1, group)
            found.chmod(0o750 if found.is_dir() else 0o640)
        _swap(made, place)
    return count


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """The run before the agent and the daily one may meet."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _swap(made: Path, place: Path) -> None:
    """Whoever reads meanwhile finds the old or the new; only between two renames nothing."""
    old = Path(tempfile.mkdtemp(dir=place.parent, prefix=f".{place.name}.old."))
    with suppress(FileNotFoundError):
        place.rename(old / "facts")
    made.rename(place)
    shutil.rmtree(old, ignore_errors=True)


def _queues(machine: Machine, made: Path) -> int:
    """The printers' queues; passwords in their addresses stay with root."""
    from densach_agent.collectors import printer

    raw = machine.raw(printer.CONFIGURATION, 1024 * 1024)
    return 0 if raw is None else _put(made / "root" / printer.CONFIGURATION, printer.without_passwords(raw))


def _updates(machine: Machine, made: Path) -> int:
    """Which updates wait, where nobody else counts them: seconds of processor time."""
    from densach_agent.collectors import updates

    if machine.exists(updates.NOTIFIER):
        return 0
    done = machine.run(updates.SIMULATION, _UPDATES_S)
    if done is None or done.code != 0:
        return 0
    text = "".join(line for line in done.out.splitlines(keepends=True) if line.startswith("Inst "))
    return _put(made / "cmd" / command_file(updates.SIMULATION), text.encode())


def _kept_updates(made: Path, before: Path | None) -> int:
    from densach_agent.collectors import updates

    file = f"cmd/{command_file(updates.SIMULATION)}"
    try:
        return 0 if before is None else _put(made / file, (before / file).read_bytes())
    except OSError:
        return 0


def current(boot: str, place: Path = PLACE) -> Path | None:
    """The folder, if it was written in this boot and we may read it."""
    try:
        return place if (place / "boot").read_text("ascii") == boot else None
    except (OSError, UnicodeDecodeError):
        return None


def _disks(machine: Machine, together: Together) -> dict[str, str]:
    """Disk → what smartctl said, "timeout" if nothing."""
    names = smart.names(machine)
    answers = together([smart.argv(name) for name in names], DISK_S)
    found = {}
    old = []
    for name in names:
        answer = answers.get(smart.argv(name), Output(127, ""))
        if answer is None:
            found[name] = smart.TIMEOUT
        elif answer.out.lstrip().startswith("{"):
            found[name] = answer.out
        elif answer.out:
            old.append(name)  # smartmontools of before 2019 know no JSON
    answers = together([smart.plain_argv(name) for name in old], DISK_S) if old else {}
    for name in old:
        answer = answers.get(smart.plain_argv(name))
        found[name] = smart.TIMEOUT if answer is None else answer.out
    return found


def _better(text: str, before: Path | None, file: str) -> str:
    """A disk that sleeps now has told earlier in this boot how it is."""
    if before is not None and smart.is_asleep(text):
        try:
            return (before / "cmd" / file).read_text("utf-8", "replace")
        except OSError:
            pass
    return text


def _put(path: Path, raw: bytes) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    return 1


if __name__ == "__main__":
    data = Path(sys.argv[1])
    machine = Machine(Path("/"), system_runner)
    write(PLACE, data.stat().st_gid, machine, SystemClock().boot, run_together, slow="--slow" in sys.argv[2:])
