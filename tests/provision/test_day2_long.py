"""What is done with a lab that runs: an image made and its twins found, files collected, a year ended; and the studio's disk."""

import csv
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fixtures.certificates import TestAuthority
from tests.fixtures.hosts import BARE, Room, hosts

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    folder = tmp_path_factory.mktemp("day2")
    with hosts(folder / "room", "may-01", "may-02", packages=(*BARE, "libpam-systemd", "e2fsprogs")) as made:
        made.inventory(
            {"lab": ["may-01", "may-02"], "studio": ["may-02"]},
            {
                "densach_school": "01000001",
                "densach_hub_ca_file": str(TestAuthority(folder).ca),
                "densach_hub_url": "https://densach.lan",
                "densach_hub_name": "densach.lan",
            },
        )
        yield made


def test_files_are_collected_by_machine_and_the_rest_is_named(room: Room, tmp_path: Path) -> None:
    first, second = room["may-01"], room["may-02"]
    first.run("sh", "-c", "mkdir -p '/srv/bai-lam/Lớp 6A' && echo một >'/srv/bai-lam/Lớp 6A/bài 1.txt'")
    second.halt()
    room.play("day2/collect.yml", extra={"room": "lab", "to": str(tmp_path), "day": "nay"}, fails=True)
    assert (tmp_path / "nay/may-01/Lớp 6A/bài 1.txt").read_text() == "một\n"
    with (tmp_path / "nay/tong-ket.csv").open() as file:
        rows = {row["may"]: (row["tap_tin"], row["tinh_trang"]) for row in csv.DictReader(file)}
    assert rows == {"may-01": ("1", "đủ"), "may-02": ("0", "không tới được")}
    second.boot()


def test_a_year_ends_only_when_somebody_means_it(room: Room, tmp_path: Path) -> None:
    machine = room["may-01"]
    machine.run("useradd", "-m", "lop6a")
    machine.run("sh", "-c", "echo thơ >/home/lop6a/tho.txt; mkdir -p /srv/bai-lam; echo mine >/srv/bai-lam/.note")
    year = {"room": "may-01", "to": str(tmp_path), "year_end_accounts": ["lop6a"]}
    room.play("day2/year_end.yml", extra={**year, "year_end_confirm": "sai"}, fails=True)
    assert (machine.root / "home/lop6a/tho.txt").exists()
    room.play("day2/year_end.yml", extra={**year, "year_end_confirm": "01000001"})
    assert not (machine.root / "home/lop6a").exists()
    assert list((machine.root / "srv/bai-lam").iterdir()) == []
    [archive] = tmp_path.rglob("may-01-*.tar.gz")
    listed = room.here("tar", "--list", "--absolute-names", "--file", str(archive))
    assert {"/home/lop6a/tho.txt", "/srv/bai-lam/.note"} <= set(listed.splitlines())
    assert room.play("day2/year_end.yml", extra={**year, "year_end_confirm": "01000001"}).changes() == []
    assert list(tmp_path.rglob("may-01-*.tar.gz")) == [archive]


def test_twins_are_found_and_a_sealed_machine_is_nobodys(room: Room) -> None:
    first, second = room["may-01"], room["may-02"]
    assert room.play("check_image.yml").changed == 0
    own = second.read("/etc/machine-id")
    second.run("sh", "-c", f"echo {first.read('/etc/machine-id').strip()} >/etc/machine-id")
    said = room.play("check_image.yml", fails=True)
    assert said.hosts["may-01"]["failed"] + said.hosts["may-02"]["failed"] > 0
    assert "machine_id may-01, may-02" in said.output
    second.run("sh", "-c", f"echo {own.strip()} >/etc/machine-id")

    before = second.read("/etc/ssh/ssh_host_ed25519_key.pub")
    room.play("seal_image.yml", extra={"image": "may-02"})
    end = time.monotonic() + 90
    while second.run("echo", "on", fails=True).startswith("on"):
        assert time.monotonic() < end, "it does not go off"
        time.sleep(0.2)
    second.kill()
    assert second.read("/etc/machine-id") == ""
    assert not list((second.root / "etc/ssh").glob("ssh_host_*"))
    second.boot()
    assert second.read("/etc/machine-id") not in ("", own)
    assert second.read("/etc/ssh/ssh_host_ed25519_key.pub") != before


def test_a_disk_for_recordings_is_never_formatted_unasked(room: Room) -> None:
    machine = room["may-01"]
    room.inventory({"studio": ["may-01"]}, {})
    disk = {"recording_disk_format_device": "/srv/disk.img", "recording_disk_source": "LABEL=GHI-HINH"}
    machine.run("sh", "-c", "truncate -s 32M /srv/disk.img && mkfs.ext4 -q -L CU /srv/disk.img")
    book = room.folder / "disk.yml"
    book.write_text("- name: Disk\n  hosts: studio\n  roles: [recording_disk]\n")
    refused = room.play(book, extra=disk, fails=True)
    assert "không định dạng" in refused.output
    assert "CU" in machine.run("blkid", "/srv/disk.img")
    room.play(book)
    assert machine.run("stat", "-c", "%G %a", "/srv/ghi-hinh/du-an").split() == ["video", "2775"]
    assert room.play(book).changes() == []
