"""`densach office …` as a person types it."""

import json
from pathlib import Path

from click.testing import CliRunner
from tests.office.conftest import SECRET

from densach_office.cli import command


def test_codes_and_accounts_by_command(tmp_path: Path) -> None:
    runner, data = CliRunner(), str(tmp_path / "office")
    made = runner.invoke(command, ["user", "add", "lan", "--role", "admin", "--data", data], input=f"{SECRET}\n")
    assert made.exit_code == 0, made.output
    again = runner.invoke(command, ["user", "add", "lan", "--role", "admin", "--data", data], input=f"{SECRET}\n")
    assert again.exit_code == 1
    short = runner.invoke(command, ["user", "add", "ha", "--role", "office", "--data", data], input="short\n")
    assert (short.exit_code, "14" in short.output) == (1, True)
    told = runner.invoke(command, ["user", "add", "ha", "--role", "office", "--data", data, "--json"], input=f"{SECRET}\n")
    assert json.loads(told.stdout)["login"] == "ha"
    issued = runner.invoke(command, ["code", "--data", data, "--school", "0123", "--json"])
    assert issued.exit_code == 0, issued.output
    found = json.loads(issued.stdout)
    assert found["school"] == "0123"
    assert len(found["code"]) == 19


def test_a_code_in_a_folder_without_an_office_makes_none(tmp_path: Path) -> None:
    typo = tmp_path / "offcie"
    refused = CliRunner().invoke(command, ["code", "--data", str(typo), "--school", "0123"])
    assert (refused.exit_code, "no office" in refused.output) == (1, True)
    assert not typo.exists()


def test_every_command_has_help_with_an_example_and_a_wrong_call_is_2(tmp_path: Path) -> None:
    runner = CliRunner()
    for words in (["--help"], ["run", "--help"], ["code", "--help"], ["user", "--help"], ["user", "add", "--help"]):
        shown = runner.invoke(command, words)
        assert (shown.exit_code, "Example:" in shown.output) == (0, True), words
    assert runner.invoke(command, ["run"]).exit_code == 2
    postgres = ["run", "--data", str(tmp_path), "--database", "postgresql://x"]
    assert runner.invoke(command, postgres).exit_code == 2
