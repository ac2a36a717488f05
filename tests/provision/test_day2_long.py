"""What is done with a lab that runs: an image made and its twins found, files collected, a year ended; and the studio's disk."""

import csv
import hashlib
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fixtures.certificates import TestAuthority
from tests.fixtures.hosts import BARE, Host, Room, hosts

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


def shelf(machine: Host, *names: str) -> None:
    """A repository of small packages in the machine: the room has no line."""
    there = machine.root / "srv/kho"
    there.mkdir(parents=True)
    index = ""
    for name in names:
        (made := there / name / "DEBIAN").mkdir(parents=True)
        control = f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: Tried <a@densach.test>\nDescription: tried\n"
        (made / "control").write_text(control)
        file = there / f"{name}.deb"
        subprocess.run(["dpkg-deb", "--root-owner-group", "--build", made.parent, file], check=True, capture_output=True)
        whole = file.read_bytes()
        index += f"{control}Filename: ./{file.name}\nSize: {len(whole)}\nSHA256: {hashlib.sha256(whole).hexdigest()}\n\n"
    (there / "Packages").write_text(index)
    (machine.root / "etc/apt/sources.list").write_text("deb [trusted=yes] file:/srv/kho ./\n")
    machine.run("apt-get", "update")


def test_programs_come_for_a_class_and_go(room: Room, tmp_path: Path) -> None:
    machine = room["may-01"]
    shelf(machine, "soan-nhac", "ve-hinh", "tro-choi")
    (tmp_path / "nhac.yml").write_text("software:\n  - {subject: music, teaches: Nhạc, packages: [soan-nhac]}\n")
    asked = {"room": "may-01", "software_folder": str(tmp_path)}

    def there() -> set[str]:
        listed = machine.run("dpkg-query", "--show", "--showformat=${Package} ${db:Status-Abbrev}\\n").splitlines()
        return {line.split()[0] for line in listed if line.split()[1] == "ii"} & {"soan-nhac", "ve-hinh", "tro-choi"}

    assert "packages=" in room.play("day2/install.yml", extra=asked, fails=True).output
    room.play("day2/install.yml", extra={**asked, "packages": "ve-hinh,tro-choi"})
    assert there() == {"ve-hinh", "tro-choi"}
    room.play("day2/install.yml", extra={**asked, "grade": "nhac", "removed": "tro-choi"})
    assert there() == {"soan-nhac", "ve-hinh"}
    assert (
        room.play("day2/install.yml", extra={**asked, "grade": "nhac", "packages": "ve-hinh", "removed": "tro-choi"}).changes()
        == []
    )


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

    # The next class of the same day, with clear=true; nothing of the first one is lost, and no link leads out of the folder.
    first.run("sh", "-c", "cd '/srv/bai-lam/Lớp 6A' && echo hai >'bài 1.txt' && ln -s /etc/passwd liên-kết")
    again = {"room": "may-01", "to": str(tmp_path), "day": "nay", "clear": True}
    assert room.play("day2/collect.yml", extra=again).hosts["may-01"]["failed"] == 0
    assert not (first.root / "srv/bai-lam/Lớp 6A/bài 1.txt").exists()
    come = sorted((tmp_path / "nay/may-01/Lớp 6A").iterdir())
    assert {path.read_text() for path in come} == {"một\n", "hai\n"}
    assert come[1].name == "bài 1.txt"
    assert [path.name for path in (tmp_path / "nay").iterdir() if path.name.startswith(".")] == []


def test_nobody_of_that_name_is_said_at_once(room: Room) -> None:
    for book, word in (("exam", "room"), ("collect", "room"), ("install", "room"), ("year_end", "room"), ("retire", "machine")):
        missing = " ".join(room.play(f"day2/{book}.yml", fails=True).output.split())
        assert f"Hãy nêu -e {word}=…" in missing, missing
        unknown = " ".join(room.play(f"day2/{book}.yml", extra={word: "phong_9"}, fails=True).output.split())
        assert 'The inventory has no machine and no group called "phong_9"' in unknown, unknown
    assert "exam=on hoặc exam=off" in room.play("day2/exam.yml", extra={"room": "may-01"}, fails=True).output


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


def test_an_empty_disk_is_formatted_and_mounted_by_its_label(room: Room, tmp_path: Path) -> None:
    machine = room["may-01"]
    (tmp_path / "disk.img").touch()
    os.truncate(tmp_path / "disk.img", 64 << 20)
    made = subprocess.run(["losetup", "--find", "--show", tmp_path / "disk.img"], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        pytest.skip(f"no loop devices here: {made.stderr.strip()}")
    device = made.stdout.strip()
    try:
        number = Path(device).stat().st_rdev
        machine.run("mknod", device, "b", str(os.major(number)), str(os.minor(number)))
        room.inventory({"studio": ["may-01"]}, {})
        book = room.folder / "disk.yml"
        book.write_text("- name: Disk\n  hosts: studio\n  roles: [recording_disk]\n")
        disk = {
            "recording_disk_format_device": device,
            "recording_disk_source": "LABEL=GHI-HINH",
            "recording_disk_path": "/srv/dia",
        }
        room.play(book, extra=disk)
        assert machine.run("findmnt", "--noheadings", "--output", "SOURCE,FSTYPE", "/srv/dia").split() == [device, "ext4"]
        assert "LABEL=GHI-HINH /srv/dia ext4" in machine.read("/etc/fstab")
        machine.run("sh", "-c", "echo phim >/srv/dia/du-an/phim.txt")
        assert room.play(book, extra=disk).changes() == []
        assert machine.run("cat", "/srv/dia/du-an/phim.txt") == "phim\n"
        machine.run("umount", "/srv/dia")
    finally:
        subprocess.run(["losetup", "--detach", device], check=False)
