"""Commands of a hub called wrongly: one line, the right exit code, and nothing started or left behind."""

import subprocess
import sys
from pathlib import Path

import pytest


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
