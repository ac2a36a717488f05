"""What a package carries: our wheel and those it needs, each in the folder of the Python and processor it was made for.

No environment is made on a lab machine (Debian's python3-venv is rarely there, and pip wants to be fed): a wheel is a
zip archive whose content needs only a place on Python's path, and `bin/densach-python` chooses the places.
"""

import hashlib
import io
import re
import zipfile

import msgspec

from densach_agent.install import lacking, place
from densach_agent.placing import HOME, pieces
from densach_hub.fleet.kit import MACHINES, PYTHONS, Kit, KitProblem, agent_needs

_UNWANTED = ("/tests/", "/test/")


class Wheel(msgspec.Struct, frozen=True):
    name: str
    body: bytes


class PackageFile(msgspec.Struct, frozen=True):
    body: bytes
    mode: int


def wheels(kit: Kit, machines: tuple[str, ...] = MACHINES, needed: tuple[str, ...] | None = None) -> list[Wheel]:
    """Ours first, then all that one of these processors can use. Raises KitProblem if a processor has no set that is whole
    for at least one Python. Blocking.

    needed: names of the packages that must be there (default: what the agent's part declares).
    """
    found = [Wheel(*kit.own())]
    for file in kit.files()[1:]:
        path = kit.path(file.name)
        try:
            fits = any(place(file.name, machine) is not None for machine in machines)
        except ValueError:
            continue
        if path is not None and fits and _is_for_a_python_of_ours(file.name):
            found.append(Wheel(file.name, path.read_bytes()))
    # As if each package had a wheel for nobody: one of which there is none for us is missed, too.
    wanted = [f"{name}-0-none-none-none.whl" for name in (needed if needed is not None else _needed())]
    names = [*(wheel.name for wheel in found), *wanted]
    for machine in machines:
        missing = min((lacking(names, machine, tag) for tag in _tags()), key=len)
        if missing:
            raise KitProblem(
                f"The kit lacks {', '.join(missing)} for {machine}. Fill it where there is Internet: densach hub kit --data …"
            )
    return found


def identity(found: list[Wheel]) -> str:
    """The same wheels, the same digest (64 hex digits)."""
    digest = hashlib.sha256()
    for wheel in sorted(found, key=lambda wheel: wheel.name):
        digest.update(f"{wheel.name}\0".encode() + hashlib.sha256(wheel.body).digest())
    return digest.hexdigest()


def tree(found: list[Wheel], machines: tuple[str, ...] = MACHINES) -> dict[str, PackageFile]:
    """Path on the machine → file, sorted: everything as a distribution's package lays it out."""
    laid: dict[str, PackageFile] = {}
    for wheel in found:
        for folder in {place(wheel.name, machine) for machine in machines} - {None}:
            with zipfile.ZipFile(io.BytesIO(wheel.body)) as archive:
                for entry in archive.infolist():
                    if not entry.is_dir() and not any(part in entry.filename for part in _UNWANTED):
                        laid[f"{HOME}/lib/{folder}/{entry.filename}"] = PackageFile(archive.read(entry), 0o644)
    for piece in pieces():
        laid[piece.path] = PackageFile(piece.body, piece.mode)
    return dict(sorted(laid.items()))


def version_of(found: list[Wheel]) -> str:
    return found[0].name.split("-")[1]


def _needed() -> tuple[str, ...]:
    return tuple(re.split(r"[<>=!~ \[]", need, maxsplit=1)[0].replace("-", "_") for need in agent_needs())


def _tags() -> list[str]:
    return ["cp" + python.replace(".", "") for python in PYTHONS]


def _is_for_a_python_of_ours(name: str) -> bool:
    tag = name.removesuffix(".whl").split("-")[-2]
    return tag in ("none", "abi3") or tag in _tags()
