"""The agent as a service of systemd, for what is installed beside the distribution's packages: units, user, start and stop.

Which files were put where is written down before they are: what an interrupted run left is still found.
"""

import os
import pwd
import shutil
import subprocess
from pathlib import Path

from densach_agent.placing import HOME, Piece, beside, pieces, to_enable

DATA = Path("/var/lib/densach-agent")
USER = "densach-agent"
AGENT = "densach-agent.service"
_COMMAND = Path("/usr/local/bin/densach")


def boots_systemd() -> bool:
    return Path("/run/systemd/system").is_dir()


class ServiceFiles:
    """`prefix`: where versions lie; units name its `current`."""

    def __init__(self, prefix: Path, data: Path) -> None:
        self._home = prefix / "current"
        self._list = prefix / "files.txt"
        self._data = data

    def write(self, units: Path) -> None:
        """Files, user, data folder and the command `densach`. Files of an older version that are no more are removed."""
        wanted = [beside(piece, str(self._home)) for piece in pieces(units) if not piece.path.startswith(HOME + "/")]
        before = self._written()
        paths = [Path(piece.path) for piece in wanted]
        self._list.write_text("".join(f"{path}\n" for path in sorted({*before, *paths})), "utf-8")
        for piece in wanted:
            path = Path(piece.path)
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_name(f".{path.name}.new")
            fresh.write_bytes(piece.body)
            fresh.chmod(piece.mode)
            fresh.replace(path)
        for path in set(before) - set(paths):
            path.unlink(missing_ok=True)
        self._list.write_text("".join(f"{path}\n" for path in sorted(paths)), "utf-8")
        self._user()
        if not _COMMAND.exists() or _COMMAND.is_symlink():
            _COMMAND.parent.mkdir(parents=True, exist_ok=True)
            _COMMAND.unlink(missing_ok=True)
            _COMMAND.symlink_to(self._home / "bin" / "densach")
        os.sync()

    def start(self) -> None:
        _call("systemctl", "daemon-reload")
        units = self._units()
        _call("systemctl", "enable", "--quiet", *units)
        _call("systemctl", "restart", *units)

    def stop(self) -> None:
        """With a goodbye to the hub; root's facts are read anew, so that enrolling knows them."""
        _call("systemctl", "daemon-reload")
        _call("systemctl", "stop", AGENT)
        _call("systemctl", "start", "densach-agent-facts.service")

    def remove(self, *, purge: bool) -> None:
        if boots_systemd():
            units = self._units()
            if units:
                _call("systemctl", "disable", "--quiet", "--now", *units)
        for path in self._written():
            path.unlink(missing_ok=True)
        if _COMMAND.is_symlink() and str(self._home) in os.readlink(_COMMAND):  # noqa: PTH115
            _COMMAND.unlink()
        shutil.rmtree("/run/densach-facts", ignore_errors=True)
        if boots_systemd():
            _call("systemctl", "daemon-reload")
        if purge:
            _call("userdel", USER)

    def _user(self) -> None:
        if not _call("systemd-sysusers", "/etc/sysusers.d/densach-agent.conf"):
            _call("useradd", "--system", "--home-dir", str(self._data), "--no-create-home", "--shell", "/usr/sbin/nologin", USER)
        self._data.mkdir(parents=True, exist_ok=True)
        self._data.chmod(0o700)
        entry = pwd.getpwnam(USER)
        if self._data.stat().st_uid != entry.pw_uid:
            for found in (self._data, *self._data.rglob("*")):
                os.chown(found, entry.pw_uid, entry.pw_gid, follow_symlinks=False)

    def _units(self) -> list[str]:
        there = [path for path in self._written() if path.is_file()]
        return to_enable(Piece(str(path), path.read_bytes(), 0) for path in there)

    def _written(self) -> list[Path]:
        try:
            return [Path(line) for line in self._list.read_text("utf-8").splitlines() if line.startswith("/")]
        except OSError:
            return []


def _call(*command: str) -> bool:
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode == 0
    except OSError:
        return False
