"""What a lab machine downloads from this hub to become an agent, without Internet: our own wheel and those it needs.

Our wheel is made of the very code that runs here (only the parts a lab machine needs), so that hub and agents never
disagree about versions and no build tool is wanted on a school's hub. The wheels it depends on lie in a folder that is
filled once where there is Internet: `densach hub kit --data DIR`.
"""

import base64
import hashlib
import importlib
import io
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from importlib.metadata import requires, version
from pathlib import Path

import msgspec

PARTS = ("densach_wire", "densach_agent", "densach_cli")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
MACHINES = ("x86_64", "aarch64")
_GLIBC = ("manylinux2014", "manylinux_2_28")
"""Debian 12 and Ubuntu 22.04 run what is made for these."""
_WHEEL = re.compile(r"[A-Za-z0-9_.+!-]{1,150}\.whl\Z")
_STAMP = (2020, 1, 1, 0, 0, 0)
"""The same for every file: the same code gives the same wheel, byte for byte."""


class KitProblem(Exception):
    """The kit could not be filled; the message says why."""


class KitFile(msgspec.Struct, frozen=True):
    name: str
    sha256: str
    size: int


class Kit:
    """The files a machine may fetch. `folder` may be missing or empty: then only our own wheel is offered."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._own: tuple[str, bytes] | None = None
        self._digests: dict[tuple[str, int, int], str] = {}
        self.made: dict[str, tuple[object, bytes]] = {}
        """Files made of the kit (`run_file.of_kit`), by name, each with what it was made of."""

    def own(self) -> tuple[str, bytes]:
        """(file name, content) of our wheel."""
        if self._own is None:
            self._own = agent_wheel()
        return self._own

    def files(self) -> list[KitFile]:
        """All of them with their digests, our wheel first. Blocking: call in a thread."""
        name, body = self.own()
        own = KitFile(name, hashlib.sha256(body).hexdigest(), len(body))
        if self._folder is None or not self._folder.is_dir():
            return [own]
        paths = [path for path in sorted(self._folder.glob("*.whl")) if self.path(path.name) is not None]
        return [own, *(KitFile(path.name, self._digest(path), path.stat().st_size) for path in paths)]

    def path(self, name: str) -> Path | None:
        """Where a dependency's wheel lies; None for anything else."""
        if self._folder is None or not _WHEEL.match(name) or name.startswith("densach-"):
            return None
        path = self._folder / name
        return path if path.is_file() else None

    def _digest(self, path: Path) -> str:
        stat = path.stat()
        key = (path.name, stat.st_mtime_ns, stat.st_size)
        if key not in self._digests:
            with path.open("rb") as file:
                self._digests[key] = hashlib.file_digest(file, "sha256").hexdigest()
        return self._digests[key]


def agent_needs() -> list[str]:
    """The requirements of the agent's part, as the installed distribution declares them."""
    found = []
    for line in requires("densach") or []:
        need, _, marker = line.partition(";")
        if not marker.strip() or re.fullmatch(r"""extra == ["']agent["']""", marker.strip()):
            found.append(need.strip())
    return found


def agent_wheel() -> tuple[str, bytes]:
    """(file name, content): wire, agent and command line as a wheel."""
    return packed_wheel(PARTS, agent_needs(), ("agent",))


def packed_wheel(parts: Iterable[str], needs: Iterable[str], extras: Iterable[str] = ()) -> tuple[str, bytes]:
    """(file name, content): these parts as a wheel (PEP 427), from where they are imported here, with these requirements.

    The extras that requirements name are offered too.
    """
    number = version("densach")
    info = f"densach-{number}.dist-info"
    files: dict[str, bytes] = {}
    for part in parts:
        module = importlib.import_module(part)
        folder = Path(str(module.__file__)).parent
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
                files[f"{part}/{path.relative_to(folder).as_posix()}"] = path.read_bytes()
    needs = list(needs)
    offered = sorted({*extras, *re.findall(r"""extra == ["']([a-z]+)["']""", "\n".join(needs))})
    head = "".join(f"Provides-Extra: {extra}\n" for extra in offered) + "".join(f"Requires-Dist: {need}\n" for need in needs)
    files[f"{info}/METADATA"] = (
        f"Metadata-Version: 2.1\nName: densach\nVersion: {number}\nRequires-Python: >=3.11\n{head}"
    ).encode()
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: densach\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files[f"{info}/entry_points.txt"] = b"[console_scripts]\ndensach = densach_cli.main:main\n"
    record = "".join(f"{name},sha256={_record_digest(body)},{len(body)}\n" for name, body in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, body in files.items():
            entry = zipfile.ZipInfo(name, _STAMP)
            entry.external_attr = 0o644 << 16
            wheel.writestr(entry, body, zipfile.ZIP_DEFLATED)
    return f"densach-{number}-py3-none-any.whl", buffer.getvalue()


def fill(folder: Path, pythons: tuple[str, ...] = PYTHONS, machines: tuple[str, ...] = MACHINES) -> list[str]:
    """Downloads the wheels the agent needs for these Pythons and processors; needs Internet. Returns what is there.

    In a clone the versions and digests are those of the lock. Raises KitProblem with pip's words.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = Path(__file__).parents[3] / "requirements" / "agent.txt"
    wanted = ["--require-hashes", "--no-deps", "-r", str(lock)] if lock.is_file() else agent_needs()
    for machine in machines:
        where = [word for glibc in _GLIBC for word in ("--platform", f"{glibc}_{machine}")]
        for python in pythons:
            done = subprocess.run(
                [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--dest", str(folder),
                 "--only-binary", ":all:", "--implementation", "cp", "--python-version", python, *where, *wanted],
                check=False, capture_output=True, text=True,
            )  # fmt: skip
            if done.returncode != 0:
                raise KitProblem(f"Python {python}, {machine}: {done.stderr.strip()[-500:]}\nTry again where there is Internet.")
    return sorted(path.name for path in folder.glob("*.whl"))


def _record_digest(body: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode("ascii")
