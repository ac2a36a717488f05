"""Commands of a hub called wrongly: one line, the right exit code, and nothing started or left behind."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.hub.library import made

from densach_hub import cli, cli_library


def densach(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "densach_cli", *arguments], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    "wrong", [("--http", "foo"), ("--http", "127.0.0.1:99999"), ("--mqtt", "wat"), ("--mqtt", "embedded:99999")], ids=" ".join
)
def test_a_wrong_flag_of_hub_run_starts_nothing(tmp_path: Path, wrong: tuple[str, str]) -> None:
    done = densach("hub", "run", "--data", str(tmp_path), *wrong)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert wrong[1].removeprefix("embedded") in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ("[backup]\nhour = 25", "backup.hour"),
        ("[backup]\nkeep = 0", "backup.keep"),
        ('[logs]\nlevel = "loud"', "logs.level"),
        ("[web]\nport = 1", "port"),
        ("[web\n", "densach.toml"),
        ('[mqtt]\nurl = "ftp://x"', "ftp://x"),
    ],
    ids=lambda value: value.replace("\n", " "),
)
def test_a_wrong_setting_is_named(tmp_path: Path, settings: str, named: str) -> None:
    (tmp_path / "densach.toml").write_text(settings, "utf-8")
    done = densach("hub", "run", "--data", str(tmp_path))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert named in done.stderr


@pytest.mark.parametrize("command", ["doctor", "backup", "library", "roster", "user", "token"])
def test_a_mistyped_data_folder_is_not_made(tmp_path: Path, command: str) -> None:
    more = {
        "backup": ["backup", str(tmp_path / "b")],
        "library": ["library", "reindex"],
        "roster": ["roster", "import", __file__],
        "user": ["user", "add", "x", "--role", "admin"],
        "token": ["token", "create", "--role", "admin"],
    }
    done = densach(*more.get(command, [command]), "--data", str(tmp_path / "typo"))
    assert done.returncode == 2
    assert "typo" in done.stderr
    assert not (tmp_path / "typo").exists()


def test_what_commands_find_out_is_told_to_scripts_too(tmp_path: Path) -> None:
    data = tmp_path / "hub"
    data.mkdir()

    def told(command: Any, *arguments: str, typed: str = "") -> Any:
        done = CliRunner().invoke(command, [*arguments, "--json"], input=typed, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    at = ("--data", str(data))
    added = told(cli.user, "add", "lan", "--role", "admin", *at, typed="a very long password\n")
    assert (added["login"], added["roles"]) == ("lan", ["admin"])
    book = made.put(tmp_path, "a.epub", made.epub())
    (first,) = told(cli_library.library, "add", str(book), *at)["files"]
    (again,) = told(cli_library.library, "add", str(book), *at)["files"]
    assert (first["already"], again["already"], first["item"] == again["item"]) == (False, True, True)
    assert told(cli_library.library, "reindex", *at) == {"index": "made anew"}
    roster = made.put(tmp_path, "x.csv", "Họ và tên,Lớp\nLê An,6A\n".encode())
    shown = told(cli.roster, "import", str(roster), *at)
    assert (shown["new"], shown["imported"]) == (1, False)
    assert told(cli.roster, "import", str(roster), "--yes", *at)["imported"] is True
    assert told(cli.roster, "import", str(roster), *at)["same"] == 1
    told(cli.backup, str(tmp_path / "copy"), *at)
    restored = told(cli.restore, str(tmp_path / "copy"), "--data", str(tmp_path / "anew"))
    assert restored["library_files"] >= 1
