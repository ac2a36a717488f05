"""The data folder: one process at a time, and a clock that does not go backwards over a night without battery."""

import os
from pathlib import Path

import msgspec
import pytest

from densach_core.clock import SystemClock
from densach_core.errors import BadInput, Conflict
from densach_core.place import (
    KeptClock,
    announce,
    host_and_port,
    is_loopback,
    is_there,
    keep_clock,
    kept_clock,
    occupied,
    running,
)


def write_kept(data: Path, kept: KeptClock) -> None:
    (data / "clock.json").write_bytes(msgspec.json.encode(kept))


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with occupied(tmp_path), pytest.raises(Conflict) as told, occupied(tmp_path):
        pass
    assert told.value.code == "place.taken"
    with occupied(tmp_path):
        announce(tmp_path, "127.0.0.1:1")
        found = running(tmp_path)
        assert found is not None
        assert found.http == "127.0.0.1:1"
    assert running(tmp_path) is None


def test_addresses_only_this_machine_can_open() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.0.1.1:80", "localhost:8080", "::1", "[::1]:8080")))
    assert not any(map(is_loopback, ("0.0.0.0", "192.168.1.7:8080", "thuvien.local", "::", "fe80::1", "[fe80::1]:80")))


def test_a_correction_stands_within_one_boot(tmp_path: Path) -> None:
    clock = SystemClock()
    clock.correct(clock.now_ms() + 5_000_000)
    keep_clock(tmp_path, clock)
    again = kept_clock(tmp_path)
    assert again.source == "browser"
    assert again.now_ms() - SystemClock().now_ms() > 4_900_000


def test_after_a_boot_time_never_goes_back(tmp_path: Path) -> None:
    ahead = SystemClock().now_ms() + 86_400_000
    write_kept(tmp_path, KeptClock("another boot", 0, "system", ahead))
    again = kept_clock(tmp_path)
    assert again.source == "doubted"
    assert again.now_ms() >= ahead
    write_kept(tmp_path, KeptClock("another boot", 7_000_000, "browser", 5))
    assert kept_clock(tmp_path).source == "system"


@pytest.mark.parametrize(
    ("address", "expected"), [("1.2.3.4:80", ("1.2.3.4", 80)), (":80", ("127.0.0.1", 80)), ("[::1]:0", ("::1", 0))]
)
def test_addresses(address: str, expected: tuple[str, int]) -> None:
    assert host_and_port(address) == expected


def test_a_wrong_address_says_so() -> None:
    with pytest.raises(BadInput):
        host_and_port("here")


def test_what_lies_in_a_folder_closed_to_us_is_there(tmp_path: Path) -> None:
    """Debian's chrony: its folder is its own, and goes with it. The hub may not fall over it."""
    closed = tmp_path / "chrony"
    assert not is_there(closed / "chronyd.pid")
    closed.mkdir(mode=0o700)
    assert not is_there(closed / "chronyd.pid")
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    else:
        closed.chmod(0)
    try:
        assert is_there(closed / "chronyd.pid")
    finally:
        os.seteuid(before)
        closed.chmod(0o700)
