"""Runs ansible-playbook as a process of its own and follows what its callback tells.

Nothing of what is printed is read; it is kept as a log, up to a size. The password for sudo goes through a pipe and is
written nowhere. Everything a run starts carries DENSACH_RUN in its environment, so that a stop, or the next start of the
hub, finds all of it, ssh's lasting connections among it.
"""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import psutil

from densach_core.place import boot_id
from densach_core.whole_file import write_whole
from densach_hub.provisioning.model import Run, Value
from densach_hub.provisioning.progress import Progress

LOG_BYTES = 1_000_000
LOOK_S = 0.3
GRACE_S = 6.0
MARK = "DENSACH_RUN"
Told = Callable[[Run], Awaitable[bool]]
"""Keeps the run as it is now; answers whether it is to stop."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """All that a run needs. `inventory` is a file's content; `folder` is the run's own and exists."""

    run: Run
    folder: Path
    program: Path
    playbooks: Path
    file: str
    inventory: dict[str, Any]
    values: dict[str, Value]
    forks: int
    password: str = ""
    beside: tuple[Path, ...] = ()
    """Folders that Ansible is to find beside the inventory (`group_vars`)."""
    also: tuple[Path, ...] = ()
    """Inventories of the school's own: their variables count, their machines are not touched."""
    usual: dict[str, Value] = {}
    """Variables of all machines, where the school's inventories say nothing else."""


class Ended(msgspec.Struct, frozen=True):
    """How the process ended. `code` None: it was stopped. `whole`: the play said its last word."""

    run: Run
    code: int | None
    begun: bool
    whole: bool


def myself() -> str:
    """Who drives a run: a word that no other process has, now or after a restart."""
    return _name(psutil.Process())


def lives(runner: str) -> bool:
    """Whether the process of that word is still there."""
    pid = runner.partition(" ")[0]
    if not pid.isdecimal():
        return False
    try:
        return _name(psutil.Process(int(pid))) == runner
    except (psutil.Error, OSError):
        return False


def _name(process: psutil.Process) -> str:
    return f"{process.pid} {boot_id()} {process.create_time():.2f}"


async def drive(job: Job, told: Told, stop: asyncio.Event) -> Ended:
    """Runs it to its end, or to `stop`. Cancelled, it kills everything it started. Raises OSError where it cannot start."""
    control = Path(tempfile.mkdtemp(prefix="densach-ssh-"))  # a socket's path may have 104 letters
    try:
        return await _drive(job, told, stop, control)
    finally:
        await asyncio.shield(asyncio.to_thread(kill_family, job.run.id))
        await asyncio.shield(asyncio.to_thread(shutil.rmtree, control, True))
        clear(job.folder)


def clear(folder: Path) -> None:
    """Nothing of a run stays but its log: values may be what nobody else should read."""
    for name in ("usual.json", "inventory.json", "limit.txt", "values.json", "events.jsonl", "group_vars", "host_vars"):
        (folder / name).unlink(missing_ok=True)


async def _drive(job: Job, told: Told, stop: asyncio.Event, control: Path) -> Ended:
    write_whole(job.folder / "inventory.json", msgspec.json.encode(job.inventory), 0o600)
    write_whole(job.folder / "usual.json", msgspec.json.encode({"all": {"vars": job.usual}}), 0o600)
    write_whole(job.folder / "values.json", msgspec.json.encode(job.values), 0o600)
    limit = "".join(f"{host.host}\n" for host in job.run.hosts)
    write_whole(job.folder / "limit.txt", limit.encode(), 0o600)
    for place in job.beside:
        (job.folder / place.name).symlink_to(place.resolve())
    events = job.folder / "events.jsonl"
    write_whole(events, b"", 0o600)
    process = await asyncio.create_subprocess_exec(
        *command(job),
        cwd=job.playbooks,
        env=environment(job, control),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    progress = Progress(job.run)
    reading = asyncio.create_task(_keep_log(process, job.folder / "log.txt"), name="log of a run")
    stopped = False
    try:
        await _hand_over(process, job.password)
        with events.open("rb") as file:
            ending = asyncio.create_task(process.wait(), name="end of a run")
            try:
                while not ending.done():
                    await asyncio.wait({ending}, timeout=LOOK_S)
                    progress.read(file.read())
                    if await told(progress.run()) or stop.is_set():
                        stopped = not ending.done()
                        break
            finally:
                if not ending.done():
                    await asyncio.shield(_end(process, ending))
            progress.read(file.read())
        # Something it left behind may hold the pipe open: its end is not waited for longer than that.
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(reading), 5)
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001 - asyncio has no other way to let go of the pipes
    return Ended(progress.run(), None if stopped else process.returncode, progress.begun, progress.ended)


def command(job: Job) -> list[str]:
    words = [str(job.program), "--forks", str(job.forks), "--limit", f"@{job.folder / 'limit.txt'}"]
    for place in (job.folder / "usual.json", *job.also, job.folder / "inventory.json"):
        words += ["--inventory", str(place)]
    if nice := shutil.which("nice"):
        words = [nice, "-n", "10", *words]
    if job.values:
        words += ["--extra-vars", f"@{job.folder / 'values.json'}"]
    if job.run.check:
        words += ["--check", "--diff"]
    if job.password:
        words += ["--become-password-file", "-"]
    return [*words, job.file]


def environment(job: Job, control: Path) -> dict[str, str]:
    """Little of ours, so that nothing of the hub gets into a play. What stands here wins over ansible.cfg."""
    home = job.folder.parent.parent / "home"
    home.mkdir(exist_ok=True, mode=0o700)
    found = {
        MARK: job.run.id,
        "PATH": f"{job.program.parent}:{os.environ.get('PATH', '/usr/local/bin:/usr/bin:/bin')}",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_CALLBACK_PLUGINS": str(job.playbooks / "callback_plugins"),
        "ANSIBLE_STDOUT_CALLBACK": "default",
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
        "ANSIBLE_FORCE_COLOR": "0",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_HOST_KEY_CHECKING": "1",
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(control),
        "ANSIBLE_RETRY_FILES_ENABLED": "0",
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "ANSIBLE_DEPRECATION_WARNINGS": "0",
        "ANSIBLE_TIMEOUT": "15",
        # The hub's key gives no terminal. Asked for all the same, ssh now and then loses what a command said.
        "ANSIBLE_SSH_USETTY": "0",
        "DENSACH_RUN_EVENTS": str(job.folder / "events.jsonl"),
    }
    if (job.playbooks / "ansible.cfg").is_file():
        found["ANSIBLE_CONFIG"] = str(job.playbooks / "ansible.cfg")
    return found


async def _hand_over(process: asyncio.subprocess.Process, password: str) -> None:
    if process.stdin is None:
        return
    with suppress(BrokenPipeError, ConnectionResetError):
        if password:
            process.stdin.write(f"{password}\n".encode())
            await process.stdin.drain()
    process.stdin.close()
    with suppress(BrokenPipeError, ConnectionResetError):
        await process.stdin.wait_closed()


async def _keep_log(process: asyncio.subprocess.Process, place: Path) -> None:
    """What is printed, up to LOG_BYTES; the rest is read and let go, so that nothing waits for it."""
    if process.stdout is None:
        return
    left = LOG_BYTES
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb", buffering=0) as file:
        while piece := await process.stdout.read(65_536):
            if left > 0:
                file.write(piece[:left])
            if 0 < left <= len(piece):
                file.write("\n… (cắt bớt / cut here)\n".encode())
            left -= len(piece)


async def _end(process: asyncio.subprocess.Process, ending: "asyncio.Task[int]") -> None:
    """Asks, waits a little, then kills; whatever it started goes with it (see `drive`)."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    await asyncio.wait({ending}, timeout=GRACE_S)
    if not ending.done():
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await ending


def kill_family(run_id: str) -> int:
    """Kills every process that a run started, wherever it has gone; how many there were."""
    found = family(run_id)
    for process in found:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(found, timeout=5)
    return len(found)


def family(run_id: str) -> Sequence[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(MARK) == run_id:
                found.append(process)
    return found
