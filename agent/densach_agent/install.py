"""Installing from the self-unpacking file: runs inside it, before anything is unpacked, on Python's own library alone.

A version lives in a folder of its own; `current` points to the one in use and is changed in one step, so that a pulled plug
leaves the old version or the new one, whole. What an interrupted run left is removed by the next.
"""

import argparse
import compileall
import fcntl
import os
import platform
import re
import shutil
import sys
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from densach_agent.install_words import told
from densach_agent.placing import HOME, pieces
from densach_agent.service_files import DATA, ServiceFiles, boots_systemd

PREFIX = Path("/opt/densach-agent")
_WHEEL = re.compile(r"(?P<name>[A-Za-z0-9_.]+)-(?P<version>[^-]+)-(?P<python>[^-]+)-(?P<abi>[^-]+)-(?P<platform>[^-]+)\.whl\Z")
_SPARE = 32 << 20
"""Bytes left over after the installation, for the outbox's first weeks."""


class InstallProblem(Exception):
    """It was not installed. The code never changes; the message says what to do."""

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(f"{code}: {told(code, **values)}")
        self.code = code


def place(wheel: str, machine: str) -> str | None:
    """In which folder of `lib/` a wheel is unpacked (`any`, `abi3-x86_64`, `cp311-x86_64`); None: for another processor.

    Raises ValueError for what is no wheel's name.
    """
    found = _WHEEL.match(wheel)
    if found is None:
        raise ValueError(wheel)
    if found["platform"] == "any":
        return "any"
    if not found["platform"].endswith(f"_{machine}"):
        return None
    return f"{found['abi']}-{machine}"


def lacking(wheels: Iterable[str], machine: str, python: str) -> list[str]:
    """Which packages have no wheel for this processor and Python (`cp311`), though they have one for another."""
    wheels = list(wheels)
    fitting = {f"{python}-{machine}", f"abi3-{machine}", "any"}
    there = {_name(wheel) for wheel in wheels if place(wheel, machine) in fitting}
    return sorted({_name(wheel) for wheel in wheels} - there)


def unpack(archive: zipfile.ZipFile, target: Path, machine: str) -> None:
    """The wheels for this processor and all Pythons, so that an upgrade of the system's Python changes nothing."""
    for entry in archive.infolist():
        folder, _, name = entry.filename.partition("/")
        if folder != "wheels":
            continue
        where = place(name, machine)
        if where is None:
            continue
        with archive.open(entry) as inner, zipfile.ZipFile(inner) as wheel:
            wheel.extractall(target / "lib" / where)


def install(source: Path, prefix: Path) -> Path:
    """Unpacks this file into `prefix` and makes it the current version; returns its folder. Raises InstallProblem."""
    machine, python = platform.machine(), f"cp3{sys.version_info.minor}"
    try:
        with zipfile.ZipFile(source) as archive:
            wheels = [name.partition("/")[2] for name in archive.namelist() if name.startswith("wheels/")]
            missing = lacking(wheels, machine, python)
            if missing:
                raise InstallProblem(
                    "install.no-wheels", names=", ".join(missing), python=f"3.{sys.version_info.minor}", machine=machine
                )
            version = next(wheel.split("-")[1] for wheel in wheels if wheel.startswith("densach-"))
            identity = archive.read("identity").decode("ascii")
            target = prefix / f"{version}-{identity[:12]}"
            prefix.mkdir(parents=True, exist_ok=True)
            if not target.is_dir():
                _room_for(prefix, sum(entry.file_size for entry in archive.infolist()) * 4 + _SPARE)
                fresh = prefix / f".new-{identity[:12]}"
                shutil.rmtree(fresh, ignore_errors=True)
                unpack(archive, fresh, machine)
                _programs(fresh)
                for folder in ("any", f"abi3-{machine}", f"{python}-{machine}"):
                    compileall.compile_dir(fresh / "lib" / folder, quiet=2, force=True, stripdir=fresh, prependdir=target)
                os.sync()
                fresh.rename(target)
    except OSError as error:
        import errno

        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _no_space(prefix, 0) from None
        raise
    _switch(prefix / "current", target.name)
    return target


def tidy(prefix: Path) -> None:
    """Removes interrupted unpackings, and every version but the current one."""
    current = prefix / "current"
    kept = os.readlink(current) if current.is_symlink() else None  # noqa: PTH115
    for found in prefix.glob("*-*") if prefix.is_dir() else ():
        if found.name != kept and found.is_dir() and not found.is_symlink():
            shutil.rmtree(found, ignore_errors=True)


def _programs(fresh: Path) -> None:
    for piece in pieces(fresh / "lib" / "any" / "densach_agent" / "units"):
        if piece.path.startswith(HOME + "/"):
            path = fresh / piece.path.removeprefix(HOME + "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(piece.body)
            path.chmod(piece.mode)


def _switch(link: Path, name: str) -> None:
    fresh = link.with_name(f".{link.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(name)
    fresh.replace(link)
    folder = os.open(link.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _name(wheel: str) -> str:
    return wheel.partition("-")[0].casefold()


def _room_for(folder: Path, wanted: int) -> None:
    if shutil.disk_usage(folder).free < wanted:
        raise _no_space(folder, wanted)


def _no_space(folder: Path, wanted: int) -> InstallProblem:
    return InstallProblem("install.no-space", folder=folder, size=(wanted >> 20) or "64+")


@contextmanager
def _alone(prefix: Path) -> Iterator[None]:
    prefix.mkdir(parents=True, exist_ok=True)
    with (prefix / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InstallProblem("install.busy") from None
        yield


def _enrol(python: Path, hub: str, token: str | None, data: Path) -> None:
    import subprocess

    command = [str(python), "-m", "densach_cli", "agent", "enrol", "--hub", hub, "--no-wait", "--data", str(data)]
    if token:
        command += ["--token-file", "-"]
    done = subprocess.run(command, input=f"{token or ''}\n", text=True, check=False)
    if done.returncode:
        raise InstallProblem("install.not-enrolled")


def _arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="densach-agent.run",
        description="Cài hoặc nâng cấp phần mềm Đèn Sách, không cần mạng. / Installs or upgrades the agent; needs no network.",
        epilog="Example: sudo sh densach-agent.run --hub http://hub.lan:8080",
    )
    parser.add_argument("--hub", help="join this hub: its address as a browser would use it")
    parser.add_argument("--token-file", help="a room's token; “-” reads standard input (or the variable DENSACH_TOKEN)")
    parser.add_argument("--uninstall", action="store_true", help="remove the agent; what it knows about itself stays")
    parser.add_argument("--purge", action="store_true", help="remove the agent and all it ever kept")
    parser.add_argument("--prefix", type=Path, default=Path(os.environ.get("DENSACH_PREFIX", PREFIX)), help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("DENSACH_DATA", DATA)), help=argparse.SUPPRESS)
    return parser.parse_args(given)


def _token(path: str | None) -> str | None:
    if path is None:
        return os.environ.get("DENSACH_TOKEN")
    if path == "-":
        return sys.stdin.readline().strip() or None
    return Path(path).read_text("ascii").strip() or None


def _run(wish: argparse.Namespace) -> None:
    service = ServiceFiles(wish.prefix, wish.data) if wish.prefix == PREFIX else None
    if service is not None and Path(HOME).exists():
        raise InstallProblem("install.package")
    if wish.uninstall or wish.purge:
        if service is not None:
            service.remove(purge=wish.purge)
        shutil.rmtree(wish.prefix, ignore_errors=True)
        if wish.purge:
            shutil.rmtree(wish.data, ignore_errors=True)
        sys.stdout.write(told("removed") + "\n")
        return
    token = _token(wish.token_file)
    with _alone(wish.prefix):
        folder = install(Path(sys.argv[0]), wish.prefix)
        sys.stdout.write(f"{folder}\n")
        live = service is not None and boots_systemd()
        if service is not None:
            service.write(folder / "lib" / "any" / "densach_agent" / "units")
        else:
            wish.data.mkdir(parents=True, exist_ok=True)
            wish.data.chmod(0o700)
        tidy(wish.prefix)
        if live and service is not None:
            service.stop()
        try:
            if wish.hub:
                _enrol(folder / "bin" / "densach-python", wish.hub, token, wish.data)
        finally:
            if live and service is not None:
                service.start()
    if not live:
        sys.stdout.write(f"{wish.prefix}/current/bin/densach agent run --data {wish.data}\n")
    elif not wish.hub and not (wish.data / "enrolled.json").exists():
        sys.stdout.write(told("installed") + "\n")


def main(given: Sequence[str]) -> int:
    try:
        _run(_arguments(given))
    except InstallProblem as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"{InstallProblem('install.failed', file=error.filename or '', why=error.strerror)}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
