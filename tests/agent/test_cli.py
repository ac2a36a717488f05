"""`densach agent …` as people and scripts call it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.agent.front_door import FrontDoor

from densach_agent.cli import command
from densach_agent.collectors import ALL

CASES = Path(__file__).parents[1] / "fixtures" / "machines"


def call(*arguments: str, given: str | None = None) -> tuple[int, str]:
    done = CliRunner().invoke(command, list(arguments), input=given)
    return done.exit_code, done.output


def test_every_command_has_help_with_an_example() -> None:
    for name in ("run", "once", "enrol", "status", "seal", "record"):
        code, text = call(name, "--help")
        assert code == 0
        assert "Example: densach agent" in text


def test_once_prints_everything_that_is_ever_collected() -> None:
    code, text = call("once", "--json")
    assert code == 0
    found = json.loads(text)
    assert [section["section"] for section in found["inventory"]] == list(ALL)
    assert {"agent", "os", "fingerprint", "clock", "health", "sessions"} <= set(found)
    assert found["health"]["mem_total_bytes"] > 0


def test_once_of_a_recorded_machine_in_words() -> None:
    code, text = call("once", "--root", str(CASES / "office-2012" / "root"))
    assert code == 0
    assert "OptiPlex 3010" in text
    assert "battery: no-data" in text


def test_a_machine_joins_by_a_token_on_standard_input(door: FrontDoor, tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    code, text = call("enrol", "--hub", door.url, "--token-file", "-", "--data", data, given=door.token + "\n")
    assert (code, text) == (0, f"Admitted as pc-1. Next: densach agent run --data {data}\n")
    code, text = call("status", "--data", data)
    assert code == 1  # it does not run
    assert "This machine is pc-1 of school truong-1" in text


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["enrol", "--data", "DATA"], 2, "Missing option '--hub'"),
        (["enrol", "--hub", "http://localhost:9", "--data", "DATA"], 1, "no hub at"),
        (["enrol", "--hub", "hub", "--data", "DATA"], 1, "not the address of a hub"),
        (["dance"], 2, "No such command"),
        (["record", "FULL"], 1, "is not empty"),
        (["status", "--data", "DATA"], 1, "has joined no school. Next: densach agent enrol"),
        (["seal", "--data", "DATA"], 0, "Left alone: /etc/machine-id"),
    ],
)
def test_wrong_calls_and_failures_say_what_to_do(tmp_path: Path, arguments: list[str], code: int, says: str) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "something").touch()
    places = {"DATA": str(tmp_path / "data"), "FULL": str(tmp_path / "full")}
    found = call(*(places.get(word, word) for word in arguments))
    assert found[0] == code
    assert says in found[1]
    assert "Traceback" not in found[1]


def test_the_resident_process_imports_nothing_heavy() -> None:
    """What is loaded stays: a web framework, the CA's library or the command line's would."""
    script = "import sys, densach_agent.__main__; print(*sys.modules)"
    agent = str(Path(__file__).parents[2] / "agent")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, env={"PYTHONPATH": agent})
    loaded = set(done.stdout.decode().split())
    assert loaded & {"aiohttp", "pydantic", "tinydb", "cryptography", "click", "asyncio", "jinja2", "sqlite3"} == {"sqlite3"}
    assert not {name for name in loaded if name.startswith(("densach_core", "densach_hub"))}
