"""The same parsers on recordings of real machines, where somebody has put such beside the project; else there is nothing
to try and no test. What they say is not compared with anything but good sense."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from densach_agent.collectors import cpu, display, memory, smart
from densach_agent.machine import Machine

RECORDINGS = Path(__file__).parents[3] / "shared" / "data" / "machines"


def files(*folders: str) -> list[Path]:
    found = (path for folder in folders for path in (RECORDINGS / folder).glob("**/*") if path.is_file())
    return sorted(found)


def cases() -> Iterator[tuple[str, Path]]:
    for kind, folder in (
        ("edid", "generic/edid"), ("dmi", "generic/dmidecode"), ("smart", "linux/smartctl"), ("cpu", "linux/proc/cpuinfo"),
    ):  # fmt: skip
        for path in files(folder):
            yield kind, path


def check(kind: str, path: Path, place: Path) -> None:
    if kind == "edid":
        attrs = display.parse("VGA-1", path.read_bytes()).attrs
        assert "damaged_edid" not in attrs
        assert 1995 < int(str(attrs["year"])) < 2030
        assert 10 < float(str(attrs.get("size_inches", 20))) < 90
    elif kind == "dmi":
        found, empty = memory.modules(path.read_text("utf-8", "replace"))
        assert len({item.key for item in found}) == len(found)
        assert all(int(str(item.attrs["size_bytes"])) >= 2**25 for item in found)
        assert not any(str(item.attrs.get("maker", "")).startswith(("0x", "00", "80")) for item in found)
        assert 0 <= empty < 64
    elif kind == "smart":
        report = smart.parse(path.read_text("utf-8", "replace"))
        assert report is not None
        assert smart.verdict(report)[0] == "unknown"  # recorded with -i only: they say nothing of health
    else:
        (place / "proc").mkdir()
        (place / "proc" / "cpuinfo").write_bytes(path.read_bytes())
        for item in cpu.collect(Machine(place, lambda _argv, _seconds: None)):
            assert item.attrs["model"]
            assert 1 <= int(str(item.attrs["cores"])) <= int(str(item.attrs["threads"]))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test a recording; without recordings one that has none to try (a parametrisation with nothing would be a skip)."""
    found = list(cases())
    metafunc.parametrize("recordings", [[case] for case in found] or [[]], ids=[f"{k}-{p.name}" for k, p in found] or ["none"])


def test_a_real_machine_is_understood(recordings: list[tuple[str, Path]], tmp_path: Path) -> None:
    for kind, path in recordings:
        check(kind, path, tmp_path)
