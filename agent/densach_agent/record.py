"""Captures what the collectors read of a machine as a test case: `root/` with the files, `cmd/` with the outputs of
commands, `expected.json` with what was found. Serial numbers, addresses and names are replaced, lengths kept.
"""

import json
import os
import shutil
from pathlib import Path

import msgspec

from densach_agent.collectors import ALL, load
from densach_agent.machine import Denied, Machine, NoData, Output, Runner, command_file, system_runner
from densach_agent.scrub import private_words, scrubbed, scrubbed_edid

_LARGEST = 4 * 1024 * 1024


def recorded_machine(case: Path, *, is_root: bool = True) -> Machine:
    """A case as collectors read it; without root commands that need it say nothing."""
    return _Recorded(case / "root", recorded_runner(case) if is_root else lambda _argv, _seconds: None)


class _Recorded(Machine):
    """When a file of a case was written says when the case was copied, and nothing about the machine."""

    def times(self, folder: str, suffix: str) -> dict[str, float]:  # noqa: ARG002
        return {}

    def changed_s(self, path: str) -> float | None:  # noqa: ARG002
        return None


def recorded_runner(case: Path) -> Runner:
    """Runs nothing: answers what was recorded, and knows no other command."""

    def run(argv: tuple[str, ...], _seconds: float) -> Output | None:
        path = case / "cmd" / command_file(argv)
        return Output(0, path.read_text("utf-8", "replace")) if path.exists() else None

    return run


class _Recorder(Machine):
    """A machine that notes what is asked of it."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, self._run)
        self._ask: Runner = system_runner if root == Path("/") else recorded_runner(root.parent)
        self.paths: set[str] = set()
        self.outputs: dict[str, str] = {}

    def raw(self, path: str, limit: int = 65536) -> bytes | None:
        self.paths.add(path)
        return super().raw(path, limit)

    def names(self, path: str) -> list[str]:
        found = super().names(path)
        self.paths.add(path)
        self.paths.update(f"{path}/{name}" for name in found)
        return found

    def exists(self, path: str) -> bool:
        self.paths.add(path)
        return super().exists(path)

    def target(self, path: str) -> str | None:
        self.paths.add(path)
        return super().target(path)

    def resolved(self, path: str) -> str:
        self.paths.add(path)
        return super().resolved(path)

    def _run(self, argv: tuple[str, ...], seconds: float) -> Output | None:
        done = self._ask(argv, seconds)
        if done is not None and (done.code == 0 or (argv[0] == "smartctl" and done.out)):  # its status is news of the disk
            self.outputs[command_file(argv)] = done.out
        return done


def record_case(folder: Path, root: Path) -> int:
    """Returns how many files were written."""
    machine = _Recorder(root)
    for name in ALL:
        try:
            load(name).collect(machine)
        except (NoData, Denied):
            continue
    words = _private_words(machine)
    count = 0
    for path in sorted(machine.paths):
        count += _copy(machine.root, folder / "root", path, words)
    for name, text in machine.outputs.items():
        (folder / "cmd").mkdir(parents=True, exist_ok=True)
        (folder / "cmd" / name).write_text(scrubbed(name, text, words), encoding="utf-8")
        count += 1
    expected = folder / "expected.json"
    expected.write_text(json.dumps(expectation(folder), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return count + 1


def expectation(case: Path) -> dict[str, object]:
    """Section → items, or the word for why there are none: what `expected.json` holds."""
    machine = recorded_machine(case)
    found: dict[str, object] = {}
    for name in ALL:
        try:
            found[name] = msgspec.to_builtins(load(name).collect(machine))
        except NoData:
            found[name] = "no-data"
        except Denied:
            found[name] = "denied"
    return found


def _private_words(machine: _Recorder) -> set[str]:
    firsts, texts = [], list(machine.outputs.values())
    for path in machine.paths:
        try:
            firsts.append((path, machine.text(path)))
            if path.startswith("run/udev/data/") or path == "proc/cpuinfo":
                texts.append(machine.whole(path, 1024 * 1024) or "")
        except Denied:
            continue
    return private_words(firsts, texts)


def _copy(root: Path, into: Path, path: str, words: set[str]) -> int:
    """Copies one path, keeping the symbolic links it goes through (they say what hangs on what)."""
    here = Path()
    for part in Path(path).parts:
        here = here / part
        source, copy = root / here, into / here
        if source.is_symlink():
            real = Path(os.path.relpath(source.resolve(), root.resolve()))
            if real.parts[:1] == ("..",):
                return 0
            if not copy.is_symlink():
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.symlink_to(os.path.relpath(into / real, copy.parent))
            here = real
        elif source.is_dir():
            copy.mkdir(parents=True, exist_ok=True)
    source, copy = root / here, into / here
    if source.is_dir():
        copy.mkdir(parents=True, exist_ok=True)
        return 0
    if not source.is_file() or copy.exists():
        return 0
    copy.parent.mkdir(parents=True, exist_ok=True)
    try:
        with source.open("rb") as file:
            raw = file.read(_LARGEST)
    except OSError:
        return 0
    try:
        copy.write_text(scrubbed(path, raw.decode("utf-8"), words), encoding="utf-8")
    except UnicodeDecodeError:
        copy.write_bytes(scrubbed_edid(raw) if copy.name == "edid" else b"")
    shutil.copymode(source, copy)
    copy.chmod(0o644)
    return 1
