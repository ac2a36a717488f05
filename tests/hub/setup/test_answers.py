"""A hub that is set up from a file: what the pages would ask, in one command that may be given twice."""

import json
import subprocess
import sys
from pathlib import Path

ANSWERS = """
[school]
name = "Trường THCS Đèn Sách"
code = "00123456"
levels = ["THCS"]

[administrator]
login = "quantri"
password_file = "secret"

[[rooms]]
name = "Phòng Tin 1"
seats = 24
"""
PASSWORD = "một mật khẩu thật dài"


def set_up(folder: Path, text: str = ANSWERS) -> subprocess.CompletedProcess[str]:
    (folder / "answers.toml").write_text(text, "utf-8")
    (folder / "secret").write_text(f"{PASSWORD}\n", "utf-8")
    words = ["hub", "setup", "--answers", str(folder / "answers.toml"), "--data", str(folder / "hub"), "--json"]
    return subprocess.run(
        [sys.executable, "-m", "densach_cli", *words], capture_output=True, text=True, check=False, timeout=60
    )  # fmt: skip


def test_a_file_sets_up_once_and_names_the_rooms(tmp_path: Path) -> None:
    first = set_up(tmp_path)
    assert first.returncode == 0, first.stderr
    said = json.loads(first.stdout)
    assert said["changed"] is True
    assert said["rooms"] == [{"id": "phong-tin-1", "name": "Phòng Tin 1"}]
    again = json.loads(set_up(tmp_path).stdout)
    assert again == {"changed": False, "rooms": said["rooms"]}


def test_a_wrong_answer_is_named_and_can_be_corrected(tmp_path: Path) -> None:
    wrong = set_up(tmp_path, ANSWERS.replace("seats", "chairs"))
    assert wrong.returncode == 1
    assert "chairs" in wrong.stderr
    assert "settings.wrong" in wrong.stderr
    short = set_up(tmp_path, ANSWERS.replace("password_file", "password").replace('"secret"', '"short"'))
    assert "accounts.password-short" in short.stderr
    assert json.loads(set_up(tmp_path).stdout)["changed"] is True
