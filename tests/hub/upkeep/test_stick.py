"""What the doctor says of the last stick with updates."""

from pathlib import Path

import pytest

from densach_core.clock import FixedClock
from densach_hub.upkeep.doctor import Verdict, examine
from densach_hub.upkeep.stick import Stick, last_stick

AT = 1_795_492_800_000
LATER = AT + 4 * 3_600_000


@pytest.mark.parametrize(
    ("line", "now", "verdict"),
    [
        ("done densach-2.bundle", LATER, Verdict.FINE),
        ("opened densach-2.bundle", AT, Verdict.FINE),
        ("opened densach-2.bundle", LATER, Verdict.BROKEN),
        ("kept densach-2.bundle: It is not newer. (bundle.not-newer)", LATER, Verdict.BROKEN),
        ("refused densach-2.bundle: It was signed by another key. (bundle.unknown-key)", LATER, Verdict.LOOK),
        ("failed densach-2.bundle: apt-get upgrade, see journalctl", LATER, Verdict.BROKEN),
    ],
)
def test_how_it_ended(tmp_path: Path, line: str, now: int, verdict: Verdict) -> None:
    (tmp_path / "last").write_text(f"2026-11-24T04:00:00Z {line}\n")
    stick = last_stick(tmp_path / "last")
    assert stick is not None
    assert (stick.at, stick.file) == (AT, "densach-2.bundle")
    found = examine(tmp_path, tmp_path, FixedClock(now), stick=tmp_path / "last")
    (one,) = (one for one in found if one.subject == "updates/stick")
    assert one.verdict is verdict
    assert (one.do is None) == (verdict is Verdict.FINE)


def test_what_was_refused_says_why_and_nothing_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "last").write_text("2026-11-24T04:00:00Z done densach b.bundle (refused: densach.bundle: No. (bundle.damaged))\n")
    assert last_stick(tmp_path / "last") == Stick(at=AT, word="done", file="densach b.bundle", code="bundle.damaged")
    (tmp_path / "last").write_text("torn")
    for file in (tmp_path / "last", tmp_path / "none"):
        assert last_stick(file) is None
        assert not [one for one in examine(tmp_path, tmp_path, FixedClock(AT), stick=file) if "stick" in one.subject]
