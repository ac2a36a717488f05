"""The checks find what they are for, and a skipped test is a failed one where everything is required."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.checks import documents, names, packages, strangers, tree
from tests.checks.__main__ import CHECKS, main


def tree_of(monkeypatch: pytest.MonkeyPatch, root: Path, **files: str) -> None:
    paths = []
    for name, text in files.items():
        path = root / name.replace("__", ".")
        path.write_text(text, "utf-8")
        paths.append(path)
    monkeypatch.setattr(tree, "ROOT", root)
    for module in (names, strangers, documents):
        monkeypatch.setattr(module, "tracked", lambda: tuple(paths))
        monkeypatch.setattr(module, "short", lambda path: path.name)


@pytest.mark.parametrize(
    "line",
    [
        "see https:/" + "/files.somebody.com/x",
        "MQTT at mqtt:/" + "/broker.somebody.io:1883",
        "cd " + "/ro" + "ot/densach",
        "from py" + "pi.org",
    ],
)
def test_a_strangers_address_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, line: str) -> None:
    tree_of(monkeypatch, tmp_path, notes__md=line)
    assert len(strangers.faults()) == 1


@pytest.mark.parametrize(
    "line",
    [
        "http://127.0.0.1:8080/",
        "https://office.example.edu.vn",
        "http://densach.lan",
        "http://www.w3.org/1999/xhtml",
        "http://hub:1",
    ],
)
def test_what_belongs_to_nobody_is_fine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, line: str) -> None:
    tree_of(monkeypatch, tmp_path, notes__md=line)
    assert strangers.faults() == []


def test_long_modules_and_empty_names_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tree_of(monkeypatch, tmp_path, long__py="x = 1\n" * 501, utils__py="", good__py="x = 1\n")
    assert [fault.partition(":")[0] for fault in names.faults()] == ["long.py", "utils.py"]


def test_the_locks_are_as_they_should_be() -> None:
    assert packages.faults() == []


def test_an_unknown_check_is_a_wrong_call(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nonsense"]) == 2
    assert main(["--list"]) == 0
    assert capsys.readouterr().out.split() == list(CHECKS)


@pytest.mark.parametrize(("plugin", "outcome"), [([], "1 skipped"), (["-p", "tests.fixtures.required"], "1 failed")])
def test_a_skip_fails_where_everything_is_required(tmp_path: Path, plugin: list[str], outcome: str) -> None:
    case = tmp_path / "test_case.py"
    case.write_text("import pytest\n\ndef test_it():\n    pytest.skip('no such program')\n")
    command = [sys.executable, "-m", "pytest", "-q", *plugin, "-c", "/dev/null", "--rootdir", str(tmp_path), str(case)]
    said = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tree.ROOT)
    assert outcome in said.stdout
