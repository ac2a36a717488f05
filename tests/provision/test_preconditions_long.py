"""Each thing that would stop an installation half-way is provoked, and what the technician reads is read."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.fixtures.hosts import Room, hosts

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with hosts(tmp_path_factory.mktemp("preconditions") / "room", "may-chu", "may-01") as made:
        told = {"densach_hub_url": "https://densach.lan", "densach_hub_address": made["may-chu"].address}
        made.inventory({"hub": ["may-chu"], "lab": ["may-01"]}, told)
        yield made


def said(room: Room, host: str, **extra: Any) -> str:
    run = room.play("preconditions.yml", "--limit", host, extra=extra, fails=True)
    return " ".join(run.output.split())


def test_nothing_is_lacking(room: Room) -> None:
    run = room.play("preconditions.yml")
    assert run.changed == 0
    assert {one["failed"] for one in run.hosts.values()} == {0}


@pytest.mark.parametrize(
    ("host", "extra", "vietnamese", "english"),
    [
        ("may-chu", {"preconditions_free_mb": 10**9}, "cần 1000000000 MB", "free on the disk of /var"),
        ("may-chu", {"preconditions_memory_mb": 10**9}, "MB bộ nhớ", "MB of memory"),
        ("may-chu", {"preconditions_clock_s": -1}, "Đồng hồ của máy lệch", "clock differs"),
        ("may-01", {"preconditions_clock_s": -1}, "sẽ lấy giờ từ máy chủ", "it will be set from the hub"),
        ("may-01", {"preconditions_systems": {"Debian": ["13"]}}, "Máy chạy Debian 12", "one of these is needed"),
        ("may-01", {"densach_hub_address": "", "densach_hub_name": "x.vn"}, "không tìm thấy tên x.vn", "does not find the name"),
    ],
)  # fmt: skip
def test_what_is_lacking_is_said_in_both_languages(
    room: Room, host: str, extra: dict[str, Any], vietnamese: str, english: str
) -> None:
    told = said(room, host, **extra)
    assert vietnamese in told
    assert english in told


def test_who_may_not_use_sudo_is_told(room: Room) -> None:
    rule = room["may-01"].root / "etc/sudoers.d/technician"
    kept = rule.read_text()
    rule.unlink()
    try:
        told = said(room, "may-01")
        assert "run with -K" in told, told[-1500:]
    finally:
        rule.write_text(kept)
        rule.chmod(0o440)


def test_a_machine_that_is_off_is_named_with_what_to_try(room: Room) -> None:
    room["may-01"].halt()
    told = said(room, "may-01")
    assert "Không vào được may-01" in told
    assert f"Try: ssh kythuat@{room['may-01'].address}" in told
