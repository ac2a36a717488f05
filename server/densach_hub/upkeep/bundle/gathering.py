"""Puts together what goes into a bundle. Everything fetched stays in a cache: the next bundle fetches only what changed."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from densach_hub.fleet.deb import deb
from densach_hub.fleet.deb import file_name as deb_name
from densach_hub.fleet.kit import Kit, KitProblem, fill
from densach_hub.fleet.payload import identity, tree, version_of
from densach_hub.fleet.payload import wheels as agent_wheels
from densach_hub.fleet.run_file import file_name as run_name
from densach_hub.fleet.run_file import run_file
from densach_hub.upkeep.bundle import problems, wheels
from densach_hub.upkeep.bundle.debian import AptRoot, Package, machine_sources
from densach_hub.upkeep.bundle.model import ARCHITECTURES, PYTHONS
from densach_hub.upkeep.bundle.openpgp import RepositoryKey
from densach_hub.upkeep.bundle.repository import indexes
from densach_hub.upkeep.bundle.room import enough_room
from densach_hub.upkeep.bundle.rules import human, is_safe, package_names

Progress = Callable[[str], None]
ALWAYS = "base"
"""The list that is part of every set."""
_CARRIED = Path(__file__).parent / "carried"
_LEFT_OUT = {"__pycache__", ".git", ".ansible", ".cache", ".DS_Store"}


class Piece(msgspec.Struct, frozen=True):
    """A file to be: its path in the bundle, and its content or where it lies. `sha256`: what it must be, if that is known."""

    path: str
    body: bytes | None = None
    source: Path | None = None
    sha256: str | None = None
    run: bool = False

    @property
    def size(self) -> int:
        return len(self.body) if self.body is not None else self.source.stat().st_size if self.source is not None else 0


class Subject(msgspec.Struct, frozen=True):
    packages: tuple[str, ...]


class Software(msgspec.Struct, frozen=True):
    """A set of software by grade (`playbooks/software`), as far as a bundle needs it."""

    software: tuple[Subject, ...]


class Wanted(msgspec.Struct, frozen=True):
    """What to put together. `clone`: where playbooks/ and requirements/ lie. `sources`: apt sources instead of the machine's."""

    clone: Path
    cache: Path
    suite: str
    machine: str
    sets: tuple[str, ...]
    add: tuple[Path, ...] = ()
    sources: Path | None = None
    kit: Path | None = None
    made_at: int = 0

    @property
    def architecture(self) -> str:
        return ARCHITECTURES[self.machine]

    @property
    def python(self) -> str:
        return PYTHONS[self.suite]


def clone_folder() -> Path:
    """Where this code was cloned to. Raises Problem("bundle.lacking") in an installation."""
    root = Path(__file__).parents[4]
    if not (root / "playbooks/packages").is_dir() or not (root / "requirements").is_dir():
        raise problems.lacking("playbooks/", "git clone …, then ./densach bundle FILE")
    return root


def sets_there(clone: Path) -> list[str]:
    """The names of the lists of packages, without the one that is part of all, and of the sets of software by grade."""
    paths = [*(clone / "playbooks/packages").glob("*.txt"), *(clone / "playbooks/software").glob("*.yml")]
    return sorted(path.stem for path in paths if path.stem != ALWAYS)


def gather(wanted: Wanted, key: RepositoryKey, told: Progress) -> list[Piece]:
    """All files but the manifest and its signature, in their order in the bundle. Blocking, minutes the first time.

    Raises Problem: bundle.no-set, bundle.no-package, bundle.no-sources, bundle.no-line, bundle.no-room, bundle.lacking.
    """
    if (lacking := next((name for name in ("apt-get", "apt-cache") if shutil.which(name) is None), None)) is not None:
        raise problems.lacking(lacking, "make the bundle on a machine with Debian or Ubuntu")
    pieces = [*extra(wanted.add), *playbooks(wanted.clone)]
    own = wheels.our_wheel()
    packages, root = debian_packages(wanted, told)
    found = [
        *python_wheels(wanted, own, told),
        *agent_files(wanted, told),
        *(
            Piece(f"apt/{name}", body)
            for name, body in indexes(packages, wanted.suite, wanted.architecture, wanted.made_at, key).items()
        ),
        *(Piece(f"apt/{one.place}", source=root.path(one), sha256=one.sha256) for one in packages),
    ]
    return [*first_files(wanted), *sorted((*pieces, *found), key=lambda piece: piece.path)]


def debian_packages(wanted: Wanted, told: Progress) -> tuple[list[Package], AptRoot]:
    there = sets_there(wanted.clone)
    if (odd := next((name for name in wanted.sets if name not in there), None)) is not None:
        raise problems.no_set(odd, ", ".join(there))
    sources = wanted.sources.read_text("utf-8") if wanted.sources is not None else machine_sources(wanted.suite)
    root = AptRoot(wanted.cache / f"{wanted.suite}-{wanted.architecture}", wanted.suite, wanted.architecture, sources, told)
    told(f"apt: {wanted.suite} {wanted.architecture}")
    root.update()
    base = _names(wanted, ALWAYS)
    names = {name: [*base, *_names(wanted, name)] for name in wanted.sets}
    resolved = {name: root.resolve(name, packages) for name, packages in names.items()}
    every = {one.place: one for packages in resolved.values() for one in packages}
    lacking = root.lacks(every.values())
    enough_room(wanted.cache, sum(one.size for one in lacking))
    told(f"{len(every)} packages, {human(sum(one.size for one in every.values()))}; "
         f"{len(lacking)} to fetch, {human(sum(one.size for one in lacking))}")  # fmt: skip
    for name, packages in resolved.items():
        if lacking := root.lacks(packages):
            root.fetch(name, names[name], len(lacking))
    if lacking := root.lacks(every.values()):
        raise problems.no_line(f"{lacking[0].file} did not come")
    root.forget_others(every.values())
    return list(every.values()), root


def python_wheels(wanted: Wanted, own: tuple[str, bytes], told: Progress) -> list[Piece]:
    """Wheels in `wheels/`, and beside them a lock a use: `pip install --no-index --find-links wheels --require-hashes -r …`."""
    name, body = own
    found = {name: Piece(f"wheels/{name}", body)}
    locks = []
    for what in wheels.LOCKS:
        lock = wheels.lock_for(wheels.lock_text(what, wanted.clone / "requirements"), wanted.python, wanted.machine)
        for path in wheels.fetch(what, lock, wanted.cache / "wheels", wanted.python, wanted.machine, told):
            found.setdefault(path.name, Piece(f"wheels/{path.name}", source=path))
        locks.append(Piece(f"wheels/{what}.txt", (lock + wheels.own_line(what, name, body)).encode()))
    return [*found.values(), *locks]


def agent_files(wanted: Wanted, told: Progress) -> list[Piece]:
    """The agent as .deb and .run, made of the wheels /join hands out; kept until one of them changes."""
    machines = (wanted.machine,)
    kit = Kit(wanted.kit if wanted.kit is not None and wanted.kit.is_dir() else wanted.cache / "agent-kit")
    try:
        try:
            parts = agent_wheels(kit, machines)
        except KitProblem:
            told("agent: wheels")
            kit = Kit(wanted.cache / "agent-kit")
            fill(wanted.cache / "agent-kit", machines=machines)
            parts = agent_wheels(kit, machines)
    except KitProblem as problem:
        raise problems.no_line(str(problem)) from problem
    number = version_of(parts)
    place = wanted.cache / "agent" / f"{wanted.machine}-{identity(parts)[:16]}"
    if not place.is_dir():
        told("agent: .deb, .run")
        fresh = place.with_name(f".{place.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        (fresh / deb_name(number, machines)).write_bytes(deb(tree(parts, machines), number, machines))
        (fresh / run_name(machines)).write_bytes(run_file(parts))
        for old in place.parent.glob(f"{wanted.machine}-*"):
            shutil.rmtree(old)
        fresh.rename(place)
    return [Piece(f"agent/{path.name}", source=path, run=path.suffix == ".run") for path in sorted(place.iterdir())]


def playbooks(clone: Path) -> list[Piece]:
    root = clone / "playbooks"
    paths = [path for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink()]
    kept = [path for path in paths if not _LEFT_OUT & set(path.parts) and path.suffix not in (".pyc", ".retry")]
    return [
        Piece(f"playbooks/{path.relative_to(root).as_posix()}", path.read_bytes(), run=os.access(path, os.X_OK)) for path in kept
    ]


def extra(folders: Iterable[Path]) -> list[Piece]:
    """What no registry has (Windows installers, licences …), as it lies in the folders. Raises Problem("bundle.bad-add")."""
    found: dict[str, Piece] = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            place = f"extra/{path.relative_to(folder).as_posix()}"
            if path.is_dir() and not path.is_symlink():
                continue
            if path.is_symlink() or not path.is_file() or not is_safe(place) or place in found:
                raise problems.bad_add(str(path))
            found[place] = Piece(place, source=path)
    return list(found.values())


def first_files(wanted: Wanted) -> list[Piece]:
    """What a technician reads and starts on a bare machine; they come first, so that nobody waits for them."""
    facts = {"@SUITE@": wanted.suite, "@ARCHITECTURE@": wanted.architecture, "@PYTHON@": wanted.python,
             "@MADE_AT@": str(wanted.made_at // 1000)}  # fmt: skip
    found = []
    for path in sorted(_CARRIED.iterdir()):
        text = path.read_text("utf-8")
        for mark, value in facts.items():
            text = text.replace(mark, value)
        found.append(Piece(path.name, text.encode(), run=path.suffix == ".sh"))
    return found


def digest(piece: Piece) -> str:
    if piece.body is not None:
        return hashlib.sha256(piece.body).hexdigest()
    assert piece.source is not None  # noqa: S101
    with piece.source.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _names(wanted: Wanted, name: str) -> list[str]:
    lists = wanted.clone / "playbooks/packages" / f"{name}.txt"
    grade = wanted.clone / "playbooks/software" / f"{name}.yml"
    try:
        found = package_names(lists.read_text("utf-8"), {wanted.suite, wanted.architecture}) if lists.is_file() else []
        if grade.is_file():
            software = msgspec.yaml.decode(grade.read_bytes(), type=Software)
            found += package_names("\n".join(one for subject in software.software for one in subject.packages))
    except (ValueError, msgspec.DecodeError) as error:
        raise problems.no_package(name, str(error)) from error
    return found
