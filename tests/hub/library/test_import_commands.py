"""`densach library import` and `export`, as somebody types them."""

import json
from pathlib import Path

from click.testing import CliRunner, Result
from tests.hub.library import catalogues, made

from densach_hub.cli_library import library


def run(*words: str, code: int = 0) -> Result:
    done = CliRunner().invoke(library, list(words))
    assert done.exit_code == code, done.output
    return done


def test_a_file_that_cannot_be_read_is_told_with_its_code(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (tmp_path / "null.epub").write_bytes(bytes(300))
    (tmp_path / "text.epub").write_text("not a book")
    (tmp_path / "picture.pdf").write_bytes(made.jpeg())
    (tmp_path / "text.txt").write_text("Some text")
    at = ("--data", str(data))
    assert "+ text.txt" in run("add", str(tmp_path / "text.txt"), *at).output
    odd = [str(tmp_path / name) for name in ("null.epub", "text.epub", "picture.pdf")]
    said = run("add", *odd, *at, code=1).output
    for code in ("library.unknown-kind", "library.only-text", "library.misnamed"):
        assert f"({code})" in said
    assert "0 of 3 files" in said


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
