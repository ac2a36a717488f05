"""What disks say of themselves, and disks that say nothing."""

import json
import os
import stat
import time
from pathlib import Path

import pytest

from densach_agent.collectors import smart
from densach_agent.collectors.smart import Report, coarse, parse, verdict
from densach_agent.errands import run_together
from densach_agent.facts import Together, write
from densach_agent.machine import Denied, Machine, Output, command_file
from densach_wire.codec import section_digest

CASE = Path(__file__).parents[1] / "fixtures" / "machines" / "all-in-one"
SICK_SAS = """smartctl 7.3 2022-02-28 r5338 [x86_64-linux-6.1.0] (local build)

=== START OF INFORMATION SECTION ===
Vendor:               SEAGATE
Product:              ST300MM0006
Rotation Rate:        10500 rpm
Serial number:        S0K1A2B3

=== START OF READ SMART DATA SECTION ===
SMART Health Status: FIRMWARE IMPENDING FAILURE TOO MANY BLOCK REASSIGNS [asc=5d, ascq=64]
Elements in grown defect list: 2,204
Percentage used endurance indicator: 11%
"""
OLD_NVME = """smartctl 6.6 2016-05-31 r4324 [x86_64-linux-4.15.0] (local build)

=== START OF INFORMATION SECTION ===
Model Number:                       Some NVMe 256GB
Serial Number:                      S29NXAH00001

=== START OF SMART DATA SECTION ===
SMART overall-health self-assessment test result: PASSED

SMART/Health Information (NVMe Log 0x02, NSID 0x1)
Critical Warning:                   0x09
Percentage Used:                    97%
Power Cycles:                       1,024
Power On Hours:                     12,345
Unsafe Shutdowns:                   310
Media and Data Integrity Errors:    0
"""


def machine(facts: Path | None = None) -> Machine:
    return Machine(CASE / "root", lambda _argv, _seconds: None, facts=facts)


def left(folder: Path, answers: dict[str, str]) -> Path:
    for name, text in answers.items():
        path = folder / "cmd" / command_file(smart.argv(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def answering(text: str) -> Together:
    return lambda commands, _seconds: {argv: Output(0, text) for argv in commands}


def test_plain_text_of_sas_and_of_old_nvme() -> None:
    sas, nvme = parse(SICK_SAS), parse(OLD_NVME)
    assert sas == Report(passed=False, wear_pct=11, reallocated=2204, rotation_rpm=10500, serial="S0K1A2B3", model="ST300MM0006")
    assert nvme is not None
    assert (nvme.wear_pct, nvme.power_on_hours, nvme.unsafe_shutdowns) == (97, 12345, 310)
    assert verdict(nvme) == ("failing", "spare blocks used up, read-only")


@pytest.mark.parametrize(
    ("report", "health"),
    [
        (Report(passed=True), "ok"),
        (Report(), "unknown"),
        (Report(passed=False), "failing"),
        (Report(passed=True, failing_now=("Reallocated_Sector_Ct",)), "failing"),
        (Report(passed=True, pending=1), "weak"),
        (Report(passed=True, reallocated=9), "ok"),
        (Report(passed=True, reallocated=10), "weak"),
        (Report(passed=True, wear_pct=89), "ok"),
        (Report(passed=True, wear_pct=90), "weak"),
    ],
)
def test_verdicts(report: Report, health: str) -> None:
    assert verdict(report)[0] == health


def test_a_days_work_changes_nothing_in_the_inventory(tmp_path: Path) -> None:
    """Hours, starts and temperature move every day; the section is sent again only when something was learned."""

    def digest(hours: int, cycles: int, celsius: int, *, pending: int = 0) -> str:
        told = {
            "smart_status": {"passed": True},
            "ata_smart_attributes": {"table": [{"id": 197, "name": "Pending", "value": 100, "raw": {"value": pending}}]},
            "power_on_time": {"hours": hours}, "power_cycle_count": cycles, "temperature": {"current": celsius},
        }  # fmt: skip
        return section_digest(tuple(smart.collect(machine(left(tmp_path, {"sda": json.dumps(told)})))))

    assert digest(18_344, 1_203, 31) == digest(18_352, 1_204, 44)
    assert digest(18_344, 1_203, 31) != digest(18_344, 1_203, 31, pending=8)


def test_large_counts_by_two_digits() -> None:
    assert [coarse(n) for n in (None, 0, 99, 100, 1_299, 123_456)] == [None, 0, 99, 100, 1200, 120_000]


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "{}", "null", "smartctl: command not found", "\x00\xff", '{"smart_status": 3}', '{"ata_smart_attributes": []}'],
)
def test_rubbish_is_no_health(tmp_path: Path, text: str) -> None:
    (item,) = smart.collect(machine(left(tmp_path, {"sda": text})))
    assert item.attrs["health"] == "unknown"


def test_rows_that_are_none_are_passed_over(tmp_path: Path) -> None:
    told = {"ata_smart_attributes": {"table": [None, {"id": "5"}, {"id": 5, "raw": 7}, {"id": 9, "raw": {"value": -1}}, 3]}}
    (item,) = smart.collect(machine(left(tmp_path, {"sda": json.dumps(told)})))
    assert item.attrs["health"] == "unknown"


def test_forbidden_and_asleep(tmp_path: Path) -> None:
    no = '{"smartctl": {"messages": [{"string": "Smartctl open device: /dev/sda failed: Permission denied"}], "exit_status": 2}}'
    with pytest.raises(Denied):
        smart.collect(machine(left(tmp_path, {"sda": no})))
    asleep = '{"smartctl": {"messages": [{"string": "Device is in STANDBY mode, exit(2)"}], "exit_status": 2}}'
    (item,) = smart.collect(machine(left(tmp_path, {"sda": asleep})))
    assert item.attrs["health"] == "asleep"


def test_virtual_disks_cards_and_sticks_are_not_asked() -> None:
    assert smart.names(machine()) == ["sda", "sdb", "sdc"]
    assert smart.names(Machine(CASE.parent / "raspberry-pi" / "root", lambda _argv, _seconds: None)) == []


def test_a_disk_that_hangs_is_a_result_and_delays_no_other(tmp_path: Path) -> None:
    """A command that never ends for one disk; the others answer, and nobody waits for it."""
    tool = tmp_path / "bin" / "smartctl"
    tool.parent.mkdir()
    answer = '{"smart_status": {"passed": true}, "power_on_time": {"hours": 700}}'
    tool.write_text(
        f"#!/bin/sh\ncase \"$*\" in */dev/sdb) exec sleep 600;; */dev/sda) echo '{answer}'; exit 64;; esac\n", "utf-8"
    )
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)

    def together(commands, _seconds):  # type: ignore[no-untyped-def]
        return run_together(commands, 3.0, path=f"{tool.parent}:/usr/bin:/bin")

    began = time.monotonic()
    write(tmp_path / "facts", os.getegid(), machine(), "boot-1", together)
    assert time.monotonic() - began < 300
    told = {item.key: item.attrs for item in smart.collect(machine(tmp_path / "facts"))}
    assert told["sdb"] == {"model": "KINGSTON SA400S37240G", "serial": "50026B7784D1F3A2", "health": "timeout"}
    assert (told["sda"]["health"], told["sda"]["power_on_hours"]) == ("ok", 500)
    assert "sdc" not in told  # it said nothing at all


def test_a_tool_that_is_not_installed_is_no_answer(tmp_path: Path) -> None:
    assert run_together([("smartctl", "-i")], 1.0, path=str(tmp_path)) == {}


def test_smartctl_of_before_json_is_asked_again(tmp_path: Path) -> None:
    asked = []

    def together(commands, _seconds):  # type: ignore[no-untyped-def]
        found = {}
        for argv in commands:
            asked.append(argv)
            old = "smartctl 6.6\n=======> INVALID ARGUMENT TO -: json=c\n"
            found[argv] = Output(1, old) if "--json=c" in argv else Output(0, SICK_SAS)
        return found

    write(tmp_path / "facts", os.getegid(), machine(), "boot-1", together)
    assert asked[3:] == [smart.plain_argv(name) for name in ("sda", "sdb", "sdc")]
    assert {item.attrs["health"] for item in smart.collect(machine(tmp_path / "facts"))} == {"failing"}


def test_a_disk_that_fell_asleep_keeps_what_it_said_in_this_boot(tmp_path: Path) -> None:
    asleep = '{"smartctl": {"messages": [{"string": "Device is in STANDBY mode, exit(2)"}]}}'
    for boot, text, health in (
        ("boot-1", '{"smart_status": {"passed": true}}', "ok"), ("boot-1", asleep, "ok"), ("boot-2", asleep, "asleep"),
    ):  # fmt: skip
        write(tmp_path / "facts", os.getegid(), machine(), boot, answering(text))
        assert {item.attrs["health"] for item in smart.collect(machine(tmp_path / "facts"))} == {health}
