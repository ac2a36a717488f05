"""The machine as collectors see it: a root folder to read from and a runner for commands, so that a recorded machine
is as good as a real one."""

import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

import msgspec

_LARGEST_TEXT = 64 * 1024
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ud800-\udfff\ufeff\ufffd]+")
_LONGEST_VALUE = 200


class NoData(Exception):
    """Asked properly: this machine has none."""


class Denied(Exception):
    """Only root may know."""


class Output(msgspec.Struct, frozen=True):
    code: int
    out: str


Runner: TypeAlias = Callable[[tuple[str, ...], float], Output | None]
"""(arguments, seconds): runs a command in the C locale, without shell and input. None if it is not installed or took
too long."""


class Machine:
    """Paths are relative to the root (`sys/class/dmi/id`). What cannot be read is None, what is forbidden raises
    Denied; texts come without control characters, with single spaces, at most 200 characters."""

    def __init__(self, root: Path, run: Runner, *, facts: Path | None = None) -> None:
        self.root = root
        self.run = run
        self.facts = facts
        """Where root left copies of what we may not read (densach_agent.facts)."""

    def raw(self, path: str, limit: int = _LARGEST_TEXT) -> bytes | None:
        try:
            with (self.root / path).open("rb") as file:
                return file.read(limit)
        except PermissionError:
            left = self._left(f"root/{path}")
            if left is None:
                raise Denied(path) from None
            return left[:limit]
        except (OSError, ValueError):
            return None

    def text(self, path: str) -> str | None:
        """The first line that says anything, cleaned; None if there is no such file or it is empty."""
        raw = self.raw(path, 4096)
        return None if raw is None else clean(raw.decode("utf-8", "replace")) or None

    def open_text(self, path: str) -> str | None:
        """As `text`, and None where it is forbidden."""
        try:
            return self.text(path)
        except Denied:
            return None

    def whole(self, path: str, limit: int = 32 * 1024 * 1024) -> str | None:
        raw = self.raw(path, limit)
        return None if raw is None else raw.decode("utf-8", "replace")

    def open_raw(self, path: str, limit: int = _LARGEST_TEXT) -> bytes:
        """As `raw`, and nothing where it is forbidden or not there."""
        try:
            return self.raw(path, limit) or b""
        except Denied:
            return b""

    def names_ending(self, path: str, *endings: str) -> list[str]:
        """As `names`, of these endings only. A recording does not take along what else lies there."""
        try:
            return sorted(name for name in os.listdir(self.root / path) if name.endswith(endings))  # noqa: PTH208 - names only
        except OSError:
            return []

    def folders(self, path: str) -> list[str]:
        """The names of a folder's folders; nor are its files recorded."""
        try:
            with os.scandir(self.root / path) as entries:
                return sorted(entry.name for entry in entries if entry.is_dir())
        except OSError:
            return []

    def times(self, folder: str, suffix: str) -> dict[str, float]:
        """Name without suffix → when it was written (seconds since 1970), of a folder's files, in one go."""
        found: dict[str, float] = {}
        with suppress(OSError), os.scandir(self.root / folder) as entries:
            for entry in entries:
                if entry.name.endswith(suffix):
                    found[entry.name.removesuffix(suffix)] = entry.stat(follow_symlinks=False).st_mtime
        return found

    def changed_s(self, path: str) -> float | None:
        """When a file, a folder or a link itself was written, seconds since 1970."""
        try:
            return (self.root / path).lstat().st_mtime
        except (OSError, ValueError):
            return None

    def size_bytes(self, path: str) -> int | None:
        try:
            return (self.root / path).stat().st_size
        except (OSError, ValueError):
            return None

    def number(self, path: str) -> int | None:
        try:
            return int(self.open_text(path) or "", 0)
        except ValueError:
            return None

    def names(self, path: str) -> list[str]:
        try:
            return sorted(os.listdir(self.root / path))  # noqa: PTH208 - names are all we want
        except OSError:
            return []

    def exists(self, path: str) -> bool:
        return (self.root / path).exists()

    def target(self, path: str) -> str | None:
        """The last part of what a symbolic link points to."""
        try:
            return Path(os.readlink(self.root / path)).name  # noqa: PTH115
        except OSError:
            return None

    def resolved(self, path: str) -> str:
        """The whole path behind symbolic links, for telling what hangs on what (`…/usb1/1-2/…`)."""
        return str((self.root / path).resolve())

    def command(self, *argv: str, seconds: float = 5.0) -> str | None:
        """The output of a command that succeeded, else None."""
        done = self.run(argv, seconds)
        return done.out if done is not None and done.code == 0 else None

    def root_command(self, *argv: str, seconds: float = 5.0) -> str | None:
        """As `command`, of one that only root may run: what root left, else it is tried."""
        left = self._left(f"cmd/{command_file(argv)}")
        return self.command(*argv, seconds=seconds) if left is None else left.decode("utf-8", "replace")

    def left_command(self, *argv: str) -> str | None:
        """What root left of a command's output, whatever its exit status was; nothing is run."""
        left = self._left(f"cmd/{command_file(argv)}")
        return None if left is None else left.decode("utf-8", "replace")

    def _left(self, name: str) -> bytes | None:
        try:
            return None if self.facts is None else (self.facts / name).read_bytes()
        except OSError:
            return None


def command_file(argv: tuple[str, ...]) -> str:
    """The file name for a command's output, in recorded cases and among root's facts."""
    return re.sub(r"[^A-Za-z0-9._=-]+", "_", " ".join(argv))[:120]


def clean(text: str) -> str:
    """Fit to show and to compare: no control or direction characters, single spaces, at most 200 characters."""
    return " ".join(_UNPRINTABLE.sub(" ", text).split())[:_LONGEST_VALUE]


def system_runner(argv: tuple[str, ...], seconds: float) -> Output | None:
    """Runs it for real."""
    import subprocess

    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=pipe, stderr=subprocess.DEVNULL, env=environment)
    except OSError:
        return None
    try:
        out, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.5)  # and no longer: what hangs in the kernel does not die before the kernel lets it
        if process.stdout is not None:
            process.stdout.close()
        return None
    return Output(process.returncode, out.decode("utf-8", "replace"))


def this_machine(facts: Path | None = None) -> Machine:
    return Machine(Path("/"), system_runner, facts=facts)
