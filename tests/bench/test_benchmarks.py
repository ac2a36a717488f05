"""The benchmarks themselves work, in small: no times are judged here."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.bench import intake
from tests.bench.__main__ import BENCHMARKS, main
from tests.bench.figures import Figure, percentile, shown
from tests.bench.library import pad, pin
from tests.bench.resting import Where


def test_a_figure_shows_its_ratio_and_its_goal() -> None:
    figure = Figure(what="x", value=50, unit="/s", against=100, against_what="floor", goal="≥ 0.5 ×", met=True)
    assert shown(figure) == "  x: 50 /s  = 0.50 × floor (100 /s)  [goal: ≥ 0.5 ×]  ✓"


def test_percentiles_are_values_that_were_seen() -> None:
    values = [float(n) for n in range(100)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile([7.0], 0.99)) == (50.0, 99.0, 7.0)


def test_nothing_is_lost_in_a_small_drain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "DRAIN_MACHINES", 3)
    monkeypatch.setattr(intake, "DRAIN_RECORDS", 250)
    stored, *_ = list(intake.drain())
    assert (stored.value, stored.against, stored.met) == (750, 750, True)


def test_the_floor_counts_every_record(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(intake, "MACHINES", 2)
    monkeypatch.setattr(intake, "RECORDS", 150)
    assert intake._floor(tmp_path, 300, "json") > 0
    assert intake._floor(tmp_path, 300, "msgspec") > 0


def test_names_are_listed_and_wrong_ones_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    assert capsys.readouterr().out.split() == list(BENCHMARKS)
    assert main(["nonsense"]) == 2


def test_a_padded_film_has_exactly_its_size(tmp_path: Path) -> None:
    film = tmp_path / "f.mp4"
    film.write_bytes(b"\0\0\0\x08free")
    pad(film, 3 * 2**20 + 5)
    assert film.stat().st_size == 3 * 2**20 + 5


def test_pins_are_six_digits() -> None:
    assert all(len(pin(f"{n:06}", n)) == 6 for n in range(0, 999_000, 997))


def test_the_floor_of_an_agent_loads_what_it_says() -> None:
    assert Where.__name__ == "Where"
    said = subprocess.run([sys.executable, "-c", "import tests.bench.resting"], capture_output=True, check=False)
    assert said.returncode == 0
