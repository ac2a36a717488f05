"""A demonstration that is refused leaves nothing behind."""

import socket
from pathlib import Path

from click.testing import CliRunner

from densach_demo.cli import demo


def test_a_refused_start_makes_no_folder(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    wrong = CliRunner().invoke(demo, ["--data", str(folder), "--http", "nonsense"])
    assert wrong.exit_code == 2
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        refused = CliRunner().invoke(demo, ["--data", str(folder), "--http", f"127.0.0.1:{port}"])
    assert (refused.exit_code, "Ports in use" in refused.output) == (1, True)
    assert not folder.exists()
