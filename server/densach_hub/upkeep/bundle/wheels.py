"""Python packages for hub, office and the plays: as locked, for the Python of the suite, with our own wheel."""

import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from importlib.metadata import requires, version
from pathlib import Path

from densach_hub.fleet.kit import packed_wheel
from densach_hub.upkeep.bundle import problems

Progress = Callable[[str], None]
PARTS = (
    "densach_wire", "densach_agent", "densach_cli", "densach_core", "densach_hub", "densach_office", "densach_demo",
)  # fmt: skip
LOCKS = {"hub": "demo", "provision": "provision"}
"""What is installed from the wheels → the lock it comes from. Hub and office share one."""
EXTRAS = {"hub": "[agent,hub,office]", "provision": ""}
_GLIBC = {"3.11": 36, "3.12": 39, "3.13": 41}
"""Python of a suite → minor version of its glibc 2."""
_MARKS = """
import json, sys
from pip._vendor.packaging.markers import Marker
marks, facts = json.load(sys.stdin)
json.dump([Marker(mark).evaluate(facts) for mark in marks], sys.stdout)
"""
_SPEAKS = {"provision": ("babel", "cryptography")}
"""What checking a bundle needs besides, so that it says in Vietnamese what is wrong, where no hub is installed yet."""
_ENTRY = re.compile(r"(\S+==\S+)\s*(?:;\s*([^\\\n]*?))?\s*(\\\n.*)\Z", re.DOTALL)
"""Name and version, condition, hashes."""
_VENDOR = "densach_core/static/vendor/htmx.org"


def our_wheel() -> tuple[str, bytes]:
    """(file name, content): all parts, from where they are imported here. Raises Problem("bundle.lacking")."""
    name, body = packed_wheel(PARTS, requires("densach") or [])
    with zipfile.ZipFile(io.BytesIO(body)) as wheel:
        if not any(entry.startswith(_VENDOR) for entry in wheel.namelist()):
            raise problems.lacking(_VENDOR, "python server/assets/vendor.py")
    return name, body


def lock_for(text: str, python: str, machine: str) -> str:
    """A lock with only what this Python on this processor installs, without conditions.

    pip evaluates them for the Python it runs in, whatever --python-version says.
    """
    entries = [match for match in map(_ENTRY.match, _entries(text)) if match]
    marks = [match[2] or "python_version > '3'" for match in entries]
    facts = {
        "python_version": python, "python_full_version": f"{python}.0", "platform_machine": machine, "sys_platform": "linux",
        "os_name": "posix", "platform_system": "Linux", "implementation_name": "cpython", "extra": "",
        "platform_python_implementation": "CPython",
    }  # fmt: skip
    said = json.dumps([marks, facts])
    done = subprocess.run([sys.executable, "-c", _MARKS], input=said, capture_output=True, text=True, check=True)
    fits: list[bool] = json.loads(done.stdout)
    return "".join(f"{match[1]} {match[3]}\n" for match, fit in zip(entries, fits, strict=True) if fit)


def _entries(text: str) -> list[str]:
    """A lock's requirements, each with its continued lines."""
    return re.findall(r"^[a-z0-9][^\\\n]*(?:\\\n[^\\\n]*)*", text, re.MULTILINE | re.IGNORECASE)


def lock_text(what: str, requirements: Path) -> str:
    """The lock of a use, as it lies in the clone."""
    found = _entries((requirements / f"{LOCKS[what]}.txt").read_text("utf-8"))
    here = {entry.partition("==")[0] for entry in found}
    for entry in _entries((requirements / f"{LOCKS['hub']}.txt").read_text("utf-8")):
        if (name := entry.partition("==")[0]) in _SPEAKS.get(what, ()) and name not in here:
            found.append(entry)
    return "".join(f"{entry}\n" for entry in found)


def own_line(what: str, name: str, body: bytes) -> str:
    """The line of our own wheel in a lock."""
    number = version("densach")
    assert name.startswith(f"densach-{number}-")  # noqa: S101
    return f"densach{EXTRAS[what]}=={number} \\\n    --hash=sha256:{hashlib.sha256(body).hexdigest()}\n"


def fetch(what: str, lock: str, folder: Path, python: str, machine: str, told: Progress) -> list[Path]:
    """The wheels of a lock, downloaded into a cache below `folder` named by the lock: the second time nothing is asked.

    Raises Problem("bundle.no-line").
    """
    key = hashlib.sha256(f"{python} {machine} {lock}".encode()).hexdigest()[:16]
    place = folder / f"{what}-{key}"
    if not place.is_dir():
        fresh = folder / f".{place.name}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        (fresh / "lock").write_text(lock)
        _download(what, fresh, python, machine, told, lock.count("=="))
        for old in folder.glob(f"{what}-*"):
            shutil.rmtree(old)
        fresh.rename(place)
    return sorted(place.glob("*.whl"))


def _download(what: str, folder: Path, python: str, machine: str, told: Progress, total: int) -> None:
    tags = [f"manylinux_2_{minor}" for minor in range(17, _GLIBC[python] + 1)] + ["manylinux2014", "manylinux2010", "manylinux1"]
    words = [
        sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-deps", "--require-hashes",
        "--only-binary", ":all:", "--implementation", "cp", "--python-version", python, "--dest", str(folder),
        *(word for tag in tags for word in ("--platform", f"{tag}_{machine}")), "-r", str(folder / "lock"),
    ]  # fmt: skip
    seen, last = 0, [""]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
        for line in pip.stdout or ():
            last = [*last[-4:], line.strip()]
            if found := re.match(r"Collecting ([A-Za-z0-9._-]+)", line):
                seen += 1
                told(f"wheels/{what}: {min(seen, total)}/{total} {found[1]}")
    if pip.returncode:
        raise problems.no_line(" ".join(last)[-500:])
