"""The operating system: what a restart would bring, who sets the clock, which updates wait, what is encrypted."""

import os
from pathlib import Path

import pytest
from tests.agent.test_peripherals import found, put, told

from densach_agent.collectors.operating_system import restart_cause
from densach_agent.collectors.updates import SIMULATION, counted, simulated
from densach_agent.machine import Machine, command_file

RUNNING = "proc/sys/kernel/osrelease"


@pytest.mark.parametrize(("running", "installed", "cause"), [
    ("6.1.0-28-amd64", ["6.1.0-28-amd64"], None),
    ("6.1.0-9-amd64", ["6.1.0-9-amd64", "6.1.0-28-amd64"], "6.1.0-28-amd64"),
    ("6.8.0-48-generic", ["6.8.0-48-generic", "6.11.0-9-lowlatency"], None),
    ("6.6.31+rpt-rpi-2712", ["6.6.31+rpt-rpi-2712", "6.6.51+rpt-rpi-v8"], None),
    ("6.6.31+rpt-rpi-2712", ["6.6.31+rpt-rpi-2712", "6.6.51+rpt-rpi-2712"], "6.6.51+rpt-rpi-2712"),
    ("5.15.0-125-generic", ["5.15.0-125-generic", "5.15.0-125-generic.old"], None),
    ("6.18.44-host", ["6.1.0-28-amd64"], None), ("6.1.0-28-amd64", [], None),
])  # fmt: skip
def test_a_newer_kernel_of_the_same_kind_waits_for_a_restart(
    tmp_path: Path, running: str, installed: list[str], cause: str | None
) -> None:
    put(tmp_path, RUNNING, running)
    for name in installed:
        put(tmp_path, f"boot/vmlinuz-{name}", "")
    assert restart_cause(told(tmp_path)) == cause


def test_packages_that_ask_for_a_restart_are_named(tmp_path: Path) -> None:
    put(tmp_path, "run/reboot-required", "")
    assert restart_cause(told(tmp_path)) == ""
    put(tmp_path, "run/reboot-required.pkgs", "linux-base\nlinux-image-6.8.0-49-generic\nlinux-base\n")
    (item,) = found(told(tmp_path), "os")
    assert (item.attrs["restart_due"], item.attrs["restart_for"]) == (True, "linux-base, linux-image-6.8.0-49-generic")


def test_the_day_of_the_installation_is_the_oldest_trace(tmp_path: Path) -> None:
    for place, at in (("lost+found", 1_690_000_000), ("var/log/installer", 1_700_000_000), ("var/log/anaconda", 86_400)):
        (tmp_path / place).mkdir(parents=True)
        os.utime(tmp_path / place, (at, at))
    (item,) = found(told(tmp_path), "os")
    assert item.attrs["installed_on"] == "2023-07-22"


@pytest.mark.parametrize(("path", "text", "keyboard"), [
    ("etc/default/keyboard", 'XKBLAYOUT="us"\nXKBVARIANT=""\n', "us"),
    ("etc/default/keyboard", 'XKBLAYOUT="us,vn"\nXKBVARIANT=","\n', "us,vn"),
    ("etc/default/keyboard", "XKBLAYOUT=us\nXKBVARIANT=intl\n", "us (intl)"),
    ("etc/vconsole.conf", 'KEYMAP="vn"\n', "vn"), ("etc/vconsole.conf", "", None),
])  # fmt: skip
def test_keyboards(tmp_path: Path, path: str, text: str, keyboard: str | None) -> None:
    put(tmp_path, path, text)
    (item,) = found(told(tmp_path), "os")
    assert item.attrs.get("keyboard") == keyboard


def service(root: Path, name: str, up_s: float) -> None:
    put(root, f"etc/systemd/system/multi-user.target.wants/{name}.service", "")
    put(root, "proc/uptime", f"{up_s} 1.0\n")


@pytest.mark.parametrize(("up_s", "leap", "synchronised"), [
    (60, "Normal", True), (60, "Not synchronised", None), (7200, "Not synchronised", False), (7200, None, None),
])  # fmt: skip
def test_at_the_start_nobody_can_say_that_the_clock_is_wrong(
    tmp_path: Path, up_s: float, leap: str | None, synchronised: bool | None
) -> None:
    service(tmp_path, "chrony", up_s)
    put(tmp_path, "etc/chrony/chrony.conf", "# pool no\npool 2.vn.pool.ntp.org iburst\nserver hub.truong.lan\n")
    answers = {} if leap is None else {("chronyc", "-n", "tracking"): f"Stratum         : 3\nLeap status     : {leap}\n"}
    (item,) = found(told(tmp_path, answers), "time")
    assert item.attrs.get("synchronised") is synchronised
    assert item.attrs["servers"] == "2.vn.pool.ntp.org, hub.truong.lan"


def test_clocks_that_nobody_sets_and_clocks_nobody_knows_of(tmp_path: Path) -> None:
    assert found(told(tmp_path), "time") == []
    put(tmp_path, "etc/systemd/system/multi-user.target.wants/cron.service", "")
    (item,) = found(told(tmp_path), "time")
    assert item.attrs == {"service": "none"}
    service(tmp_path, "ntpsec", 7200)
    asked = ("timedatectl", "show", "-p", "NTPSynchronized", "--value")
    assert [i.attrs.get("synchronised") for i in found(told(tmp_path, {asked: "no\n"}), "time")] == [False]
    assert [i.attrs.get("synchronised") for i in found(told(tmp_path), "time")] == [None]


@pytest.mark.parametrize(("text", "numbers"), [
    ("\n12 updates can be applied immediately.\n3 of these updates are standard security updates.\n", (12, 3)),
    ("1 update can be applied immediately.\n1 of these updates is a standard security update.\n", (1, 1)),
    ("7 packages can be updated.\n2 updates are security updates.\n", (7, 2)),
    ("0 updates can be applied immediately.\n", (0, 0)), ("9 updates can be applied immediately.\n", (9, None)),
    ("3 additional security updates can be applied with ESM Apps.\n", None),
    ("Có thể cài ngay 12 bản cập nhật.\n", None), ("", None),
])  # fmt: skip
def test_sentences_of_the_notifier(text: str, numbers: tuple[int, int | None] | None) -> None:
    assert counted(text) == numbers


def test_a_simulated_upgrade_counts_only_where_root_left_one(tmp_path: Path) -> None:
    text = (
        "Inst libc6 [2.36-9] (2.36-9+deb12u9 Debian:12.8/stable [amd64]) []\nConf libc6 (2.36)\n"
        "Inst unzip [6.0-28] (6.0-28+deb12u1 Debian-Security:12/stable-security [amd64])\n"
        "Inst vim [9.0] (9.1 Ubuntu:24.04/noble-updates, Ubuntu:24.04/noble-security [amd64])\n"
    )
    assert simulated(text) == (3, 2)
    assert found(told(tmp_path, {SIMULATION: text}), "updates") == []
    put(tmp_path / "facts", f"cmd/{command_file(SIMULATION)}", text)
    (item,) = found(Machine(tmp_path, lambda _argv, _seconds: None, facts=tmp_path / "facts"), "updates")
    assert item.attrs == {"pending": 3, "security": 2}


def test_lists_of_packages_grow_old(tmp_path: Path) -> None:
    put(tmp_path, "var/lib/apt/periodic/update-success-stamp", "")
    assert [i.attrs for i in found(told(tmp_path), "updates")] == [{"lists_old": False}]
    os.utime(tmp_path / "var/lib/apt/periodic/update-success-stamp", (1_600_000_000, 1_600_000_000))
    put(tmp_path, "etc/apt/apt.conf.d/20auto-upgrades", 'APT::Periodic::Unattended-Upgrade "0";\n')
    assert [i.attrs for i in found(told(tmp_path), "updates")] == [{"lists_old": True, "automatic": False}]


def device(root: Path, name: str, uuid: str, *slaves: str, mapped: str = "") -> None:
    put(root, f"sys/block/{name}/dm/uuid", uuid)
    put(root, f"sys/block/{name}/dm/name", mapped)
    for slave in slaves:
        put(root, f"sys/block/{name}/slaves/{slave}/.keep", "")


def test_encryption_below_volumes_and_mirrors(tmp_path: Path) -> None:
    device(tmp_path, "dm-0", "CRYPT-LUKS2-aa-x", "sda3", mapped="x")
    device(tmp_path, "dm-1", "LVM-aa", "dm-0", mapped="vg-root")
    device(tmp_path, "dm-2", "LVM-bb", "dm-0", "sdb1", mapped="vg-home")
    put(tmp_path, "sys/block/dm-1/dev", "253:1\n")
    mounts = (
        ("253:1", "/", "ext4", "mapper/named-otherwise"), ("253:2", "/home", "xfs", "mapper/vg-home"),
        ("8:33", "/mnt/đĩa\\0402", "ext4", "sdc1"), ("253:9", "/srv", "ext4", "mapper/gone"), ("0:26", "/data", "nfs4", "x"),
    )  # fmt: skip
    lines = (f"2 1 {number} / {place} rw shared:1 - {system} /dev/{source} rw\n" for number, place, system, source in mounts)
    put(tmp_path, "proc/self/mountinfo", "".join(lines))
    (item,) = found(told(tmp_path), "encryption")
    attrs = item.attrs
    assert (attrs["root_encrypted"], attrs["home_encrypted"], attrs["kind"]) == (True, False, "LUKS2")
    assert (attrs["mounts"], attrs["open_mounts"]) == ("/", "/home, /mnt/đĩa 2")


def test_what_nobody_can_tell_is_left_out(tmp_path: Path) -> None:
    put(tmp_path, "proc/self/mountinfo", "2 1 8:1 / / rw shared:1 - overlay overlay rw\n")
    assert found(told(tmp_path), "encryption") == []
    put(tmp_path, "proc/self/mountinfo", "2 1 8:1 / / rw shared:1 - ext4 /dev/root rw\n")
    assert found(told(tmp_path), "encryption") == []
    put(tmp_path, "proc/self/mountinfo", "2 1 8:1 / / rw shared:1 - ext4 /dev/mmcblk0p2 rw\n")
    put(tmp_path, "proc/swaps", "Filename Type Size Used Priority\n/dev/zram0 partition 1 0 100\n/var/swap file 1 0 -2\n")
    assert [item.attrs for item in found(told(tmp_path), "encryption")] == [{"root_encrypted": False, "home_encrypted": False,
                                                                           "open_mounts": "/"}]  # fmt: skip
