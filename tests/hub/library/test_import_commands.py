"""`densach library import` and `export`, as somebody types them."""

import json
from pathlib import Path

from click.testing import CliRunner, Result
from tests.hub.library import catalogues

from densach_hub.cli import library


def run(*words: str, code: int = 0) -> Result:
    done = CliRunner().invoke(library, list(words))
    assert done.exit_code == code, done.output
    return done


def test_records_come_in_and_go_out(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    source, target = tmp_path / "a.csv", tmp_path / "b.mrc"
    source.write_text(catalogues.table())
    at = ("--data", str(data))
    assert "Nothing was changed." in run("import", str(source), "--dry-run", *at).output
    told = json.loads(run("import", str(source), "--json", "--yes", *at).stdout)
    assert (told["imported"], told["new"], told["wrong"]) == (True, 3, 1)
    assert {problem["code"] for problem in told["problems"]} == {"import.no-title", "import.copies"}
    run("export", str(target), *at)
    told = json.loads(run("import", str(target), "--json", *at).stdout)
    assert (told["imported"], told["same"]) == (False, 3)
    run("export", str(tmp_path / "a.doc"), *at, code=2)
    source.write_text("a,b\n1,2\n")
    run("import", str(source), "--yes", *at, code=1)
