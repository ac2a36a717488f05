"""Windows cannot be booted here: its roles run against facts as Windows tells them, and what each module would have been asked is
compared with what somebody has read as Windows' administrators would (said/windows*.json)."""

from pathlib import Path

import pytest
from tests.fixtures.recorded_facts import complaints, readable, recorded, same_as_read

pytestmark = pytest.mark.timeout(240)


def test_what_a_windows_machine_is_asked(tmp_path: Path) -> None:
    digest = "b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c"
    programs = [
        {"name": "LibreOffice", "file": "LibreOffice.msi", "creates": r"C:\Program Files\LibreOffice\program\soffice.exe"},
        {"name": "UniKey", "file": "unikey.exe", "arguments": "/S", "product_id": "UniKey", "sha256": digest.upper()},
    ]
    calls, _ = recorded(
        tmp_path, "windows.yml", {"windows": ["windows10"]},
        {"windows_software_programs": programs, "windows_browser_blocked": ["example.com"], "windows_base_update_server": "http://wsus.lan:8530"},
        answers={"Check the installers on this computer": {"stat": {"exists": True, "checksum": digest}}},
    )  # fmt: skip
    assert complaints(calls) == set()
    same_as_read("windows", readable(calls))


def test_an_exam_on_windows(tmp_path: Path) -> None:
    """With one page on the screen; Windows Home, which has no such mode, is told so before anything is closed."""
    calls, said = recorded(
        tmp_path, "day2/exam.yml", {"windows": ["windows11", "windows10-home"]}, {},
        "--extra-vars", "room=windows exam=on exam_url=https://densach.lan/a?b=1&c=2",
        fails=True,
    )  # fmt: skip
    assert {call["host"] for call in calls} == {"windows11"}
    assert "Home không mở kín màn hình được" in said
    assert complaints(calls) == set()
    same_as_read("windows_exam", readable(calls))
