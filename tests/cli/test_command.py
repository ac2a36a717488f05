"""The command: lists what is installed, exits as promised, and the agent comes without the server's code."""

import errno
import shutil
import sqlite3
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from densach_cli import main as cli
from densach_core.errors import BadInput
from densach_core.text import t

DENSACH = Path(sys.executable).parent / "densach"


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(DENSACH), *words],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **environment},
    )


def test_the_version_is_the_installed_one() -> None:
    said = run("--version")
    assert (said.returncode, said.stdout.strip()) == (0, f"densach {version('densach')}")


def test_help_shows_an_example_and_every_installed_part() -> None:
    said = run("--help")
    assert said.returncode == 0
    assert "Example: densach demo" in said.stdout
    assert "test (every test), check (style" in " ".join(said.stdout.split()), "the launcher's own commands are named"


def test_a_wrong_call_exits_with_two_and_says_where_help_is() -> None:
    said = run("lanterns")
    assert said.returncode == 2
    assert "--help" in said.stderr


@pytest.mark.parametrize("words", [("agent", "--help"), ("agent", "run", "--help")])
def test_the_agent_starts_without_server_code(words: tuple[str, ...]) -> None:
    program = (
        "import sys\nfrom densach_cli.main import densach\n"
        f"densach.main(args={list(words)!r}, standalone_mode=False)\n"
        "found = [n for n in sys.modules if n.startswith(('densach_core', 'densach_hub', 'aiohttp', 'jinja2'))]\n"
        "sys.exit(f'imported: {found}' if found else 0)\n"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr


def test_a_domain_error_is_one_line_in_the_readers_language(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = BadInput(
        "settings.wrong", t("{file}: {reason}", file="densach.toml", reason="x"), t("Correct this key in the file.")
    )
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    assert cli.one_line(problem) == "densach.toml: x Correct this key in the file. (settings.wrong)"


def test_a_fault_of_ours_keeps_its_traceback() -> None:
    assert cli.one_line(ValueError("x")) is None


def _sqlite_full() -> Exception:
    connection = sqlite3.connect(":memory:")
    connection.execute("PRAGMA max_page_count=1")
    try:
        connection.executescript("CREATE TABLE a (n); CREATE TABLE b (n); CREATE TABLE c (n)")
    except sqlite3.OperationalError as error:
        return error
    raise AssertionError


@pytest.mark.parametrize(
    "problem",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        ExceptionGroup("tasks", [ValueError("x"), OSError(errno.EDQUOT, "Quota exceeded")]),
        shutil.Error([("a", "b", "[Errno 28] No space left on device: 'b'")]),
        _sqlite_full(),
    ],
)
def test_a_full_disk_is_one_sentence_with_its_code(problem: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "vi_VN.UTF-8")
    said = cli.one_line(problem)
    assert said is not None
    assert said.startswith("Ổ đĩa đã hết chỗ.")
    assert said.endswith("(database.disk-full)")


def test_a_part_without_its_packages_is_not_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cli.NEEDS, "densach_agent", ("no_such_package",))
    assert not cli.is_installed("densach_agent.cli")
