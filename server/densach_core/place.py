"""The data folder of one running hub or office: its lock, and where it says how to reach it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from densach_core.clock import SystemClock
from densach_core.errors import BadInput, Conflict, Unavailable
from densach_core.text import t
from densach_core.whole_file import write_whole


class Running(msgspec.Struct, frozen=True):
    """What a running process leaves in its data folder, so that commands find it."""

    pid: int
    http: str


@contextmanager
def occupied(data: Path) -> Iterator[None]:
    """Holds the data folder for one process; the lock goes with the process, however it ends.

    Raises Conflict("place.taken") when another process has it, Unavailable("place.no-folder") when it cannot be made.
    """
    try:
        data.mkdir(parents=True, exist_ok=True)
        lock = os.open(data / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Unavailable(
            "place.no-folder",
            t("The data folder {folder} cannot be used: {reason}", folder=str(data), reason=error.strerror or ""),
            t("Choose another folder with --data."),
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise Conflict(
            "place.taken",
            t("Another process already uses {folder}.", folder=str(data)),
            t("Stop it first, or choose another folder with --data."),
        ) from error
    try:
        yield
    finally:
        (data / "running.json").unlink(missing_ok=True)
        os.close(lock)


def announce(data: Path, http: str) -> None:
    """Leaves the address of this process in its data folder."""
    (data / "running.json").write_bytes(msgspec.json.encode(Running(os.getpid(), http)))


def running(data: Path) -> Running | None:
    """The process that uses the folder, or None."""
    try:
        found = msgspec.json.decode((data / "running.json").read_bytes(), type=Running)
        os.kill(found.pid, 0)
    except (OSError, msgspec.DecodeError):
        return None
    return found


def host_and_port(address: str, *, default_host: str = "127.0.0.1") -> tuple[str, int]:
    """`HOST:PORT`, `:PORT` or `PORT`. Raises BadInput("address.wrong")."""
    host, _, port = address.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise BadInput("address.wrong", t("“{address}” is no HOST:PORT.", address=address), t("Write it like 127.0.0.1:8080."))
    return host.strip("[]") or default_host, int(port)


def is_loopback(host: str) -> bool:
    """Whether a host (with or without port) is the machine it is said on: nobody else can open it."""
    name = host.partition(":")[0] if host.count(":") == 1 else host
    return name == "localhost" or name.startswith(("127.", "::1", "[::1]"))


class KeptClock(msgspec.Struct, frozen=True):
    """What is remembered of the time between two runs. `last_ms` is a moment that has certainly passed."""

    boot: str
    offset_ms: int
    source: str
    last_ms: int


def kept_clock(data: Path) -> SystemClock:
    """The hub's clock as it was left: a box without a clock battery wakes up in the past.

    Within one boot the correction stands. After a boot the system's clock is believed unless it is earlier than a moment that
    has already passed; then time goes on from there, and `source` is "doubted" until somebody or something knows better.
    """
    clock = SystemClock()
    try:
        kept = msgspec.json.decode((data / "clock.json").read_bytes(), type=KeptClock)
    except (OSError, msgspec.DecodeError):
        return clock
    if kept.boot == boot_id():
        return SystemClock(kept.offset_ms, kept.source)
    if clock.now_ms() < kept.last_ms:
        clock.correct(kept.last_ms, "doubted")
    return clock


def keep_clock(data: Path, clock: SystemClock) -> None:
    """Remembers correction and present moment; cheap enough for every few minutes."""
    kept = KeptClock(boot_id(), clock.offset_ms, clock.source, clock.now_ms())
    write_whole(data / "clock.json", msgspec.json.encode(kept))


def boot_id() -> str:
    """Different after every start of the machine; empty where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


def system_clock_is_synchronised() -> bool:
    """Whether a time service says that the system's clock is right (systemd-timesyncd, chrony)."""
    return is_there(Path("/run/systemd/timesync/synchronized")) or is_there(Path("/run/chrony/chronyd.pid"))


def is_there(path: Path) -> bool:
    """Of a running service. Debian's chrony lets nobody else look into its folder, which goes when it stops."""
    try:
        return path.exists()
    except PermissionError:
        return True
