"""`python -m densach_agent.hand FOLDER`: the one thing that root does for the agent beside reading.

The agent has no right to switch the machine off, to write on a user's screen or to light a lamp. It leaves a job in a
folder that is gone with the boot; a path unit starts this, which takes the job out of the folder, does one of four
things and leaves a word about it. It reads nothing but a word, a short text and a number, follows no links, and does
nothing that is older than a minute: a job left behind by a crash never switches a machine off later.
"""

import contextlib
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from densach_agent import notice

_LARGEST = 8192
_OLDEST_MS = 60_000
_POWER = {"shutdown": "poweroff", "restart": "reboot"}


class Job(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`up_ms`: when it was left, milliseconds since boot."""

    what: Literal["shutdown", "restart", "message", "identify"]
    up_ms: int
    text: Annotated[str, Meta(max_length=1000)] = ""
    seconds: Annotated[int, Meta(ge=1, le=60)] = 10


class Word(Struct, frozen=True, omit_defaults=True):
    """What became of a job. `shown`: on how many screens and terminals."""

    failed: str = ""
    shown: int = 0


def work(folder: Path, up_ms: Callable[[], int]) -> int:
    """Does every job in the folder, once; returns how many."""
    try:
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return 0
    lamps: list[threading.Thread] = []
    done = 0
    try:
        seen: set[str] = set()
        while names := sorted(name for name in set(os.listdir(place)) - seen if name.endswith(".job")):  # noqa: PTH208 - by handle
            for name in names:
                seen.add(name)
                raw = _take(place, name)
                if raw is None:
                    continue
                done += 1
                word = _checked(raw, up_ms(), lamps)
                _leave(place, name.removesuffix(".job") + ".word", msgspec.json.encode(word))
    finally:
        os.close(place)
    for lamp in lamps:
        lamp.join()
    return done


def _take(place: int, name: str) -> bytes | None:
    """Its content; it is gone before anything is done about it."""
    raw = b""
    with contextlib.suppress(OSError):
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=place)
        try:
            if stat.S_ISREG(os.fstat(handle).st_mode):
                raw = os.read(handle, _LARGEST)
        finally:
            os.close(handle)
    try:
        os.unlink(name, dir_fd=place)
    except OSError:
        return None  # somebody else's, or it cannot be taken out: then it is not done either
    return raw


def _leave(place: int, name: str, raw: bytes) -> None:
    with contextlib.suppress(OSError):
        handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644, dir_fd=place)
        try:
            os.fchmod(handle, 0o644)
            os.write(handle, raw)
        finally:
            os.close(handle)


def _checked(raw: bytes, now_up_ms: int, lamps: list[threading.Thread]) -> Word:
    try:
        job = msgspec.json.decode(raw, type=Job)
    except msgspec.MsgspecError as error:
        return Word(f"not a job: {error}"[:200])
    if not 0 <= now_up_ms - job.up_ms <= _OLDEST_MS:
        return Word("too old")
    return _do(job, lamps)


def _do(job: Job, lamps: list[threading.Thread]) -> Word:
    if job.what in _POWER:
        return _power(_POWER[job.what])
    if job.what == "identify":
        lamps.append(notice.blink_beside(job.seconds))
    return Word(shown=notice.show(job.text)) if job.text else Word()


def _power(word: str) -> Word:
    try:
        done = subprocess.run(
            ["systemctl", "--no-ask-password", word], stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False
        )
    except FileNotFoundError:
        return Word("systemctl is not installed")
    except (OSError, subprocess.TimeoutExpired) as error:
        return Word(str(error)[:200])
    return Word() if done.returncode == 0 else Word(done.stderr.decode("utf-8", "replace").strip()[:200] or "systemctl failed")


def _up_ms() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


if __name__ == "__main__":
    work(Path(sys.argv[1]), _up_ms)
