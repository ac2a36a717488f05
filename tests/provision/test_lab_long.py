"""The roles of a lab machine on a Debian that really boots: what each is for is seen to happen, and a second run changes nothing.

Desktops are too large for a test: the roles get small sets by their variables.
"""

import json
import time
from collections.abc import Callable, Iterator

import pytest
from tests.fixtures.certificates import TestAuthority
from tests.fixtures.hosts import Host, Room, hosts
from tests.provision.lab_settings import LAB_TREE, lab_settings

pytestmark = pytest.mark.timeout(900)
ROLES = "desktop_defaults,hub_ca,base_lab,wake,power_plan,screen_lock,browser,pupil_account,software"
HOME = "/home/hocsinh"


def until(found: Callable[[], object], seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.1)


def running(machine: Host, word: str) -> bool:
    """Whether a program runs there whose last argument is this."""
    found = machine.run("sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' '\\n'", fails=True)
    return word in found.splitlines()


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    folder = tmp_path_factory.mktemp("lab")
    ca = TestAuthority(folder).ca
    with hosts(folder / "room", "may-01", "hub", "internet", packages=LAB_TREE) as made:
        kiosk = {"kiosk_packages": [], "kiosk_command": "/usr/bin/sleep 86400"}
        made.inventory({"lab": ["may-01"]}, lab_settings(folder, ca, made["hub"].address) | kiosk)
        made.play("lab.yml", "--tags", ROLES)
        yield made


def test_a_second_run_changes_nothing(room: Room) -> None:
    again = room.play("lab.yml", "--tags", ROLES, extra={"standing_all": True})
    assert again.changes() == []


def test_time_language_and_keyboard(room: Room) -> None:
    machine = room["may-01"]
    assert machine.run("date", "--date=@0", "+%z").strip() == "+0800"  # Saigon's hour of that year
    assert f"server {room['hub'].address} iburst prefer" in machine.read("/etc/chrony/chrony.conf")
    machine.run("chronyd", "-p", "-f", "/etc/chrony/chrony.conf")
    assert "vi_VN.utf8" in machine.run("locale", "--all-locales").split()
    assert "LANG=vi_VN.UTF-8" in machine.run("su", "-", "hocsinh", "-c", "env")
    assert 'XKBLAYOUT="us,vn"' in machine.read("/etc/default/keyboard")


def test_browsers_open_the_library_and_trust_the_hub(room: Room) -> None:
    machine = room["may-01"]
    firefox = json.loads(machine.read("/etc/firefox/policies/policies.json"))["policies"]
    chromium = json.loads(machine.read("/etc/chromium/policies/managed/densach.json"))
    home = f"https://{room['hub'].address}/"
    assert firefox["Homepage"] == {"URL": home, "Locked": True, "StartPage": "homepage-locked"}
    assert chromium["RestoreOnStartupURLs"] == [home]
    assert firefox["DisableTelemetry"] is True
    assert chromium["MetricsReportingEnabled"] is False
    [certificate] = firefox["Certificates"]["Install"]
    kept = machine.read(certificate).replace("\n", "")
    assert chromium["CACertificates"][0] in kept
    machine.run("openssl", "verify", certificate)  # the system trusts it, too


def test_the_machine_neither_sleeps_nor_stays_on_over_night(room: Room) -> None:
    machine = room["may-01"]
    assert "masked" in machine.run("systemctl", "is-enabled", "suspend.target", fails=True)
    assert "18:30" in machine.run("systemctl", "cat", "densach-off.timer")
    assert machine.run("systemctl", "is-active", "densach-off.timer").strip() == "active"
    machine.run("systemctl", "start", "densach-off.service")
    assert "MODE=poweroff" in machine.run("cat", "/run/systemd/shutdown/scheduled")
    machine.run("shutdown", "-c")


def test_a_pupils_home_is_fresh_after_each_log_out_and_each_power_cut(room: Room) -> None:
    machine = room["may-01"]

    def in_a_session(script: str) -> str:
        return machine.run("su", "-", "hocsinh", "-c", script)

    said = in_a_session("cat xin-chao.txt; pwd; echo mine >note; echo mine >/tmp/note; echo mine >'Bài làm/note'")
    assert said.splitlines() == ["chào em", HOME]
    until(lambda: not list((machine.root / HOME[1:]).iterdir()))
    assert set(in_a_session("ls -A").splitlines()) == {".bash_logout", ".bashrc", ".profile", "Bài làm", "xin-chao.txt"}
    assert in_a_session("cat 'Bài làm/note'") == "mine\n"
    assert "note" not in machine.run("ls", "/tmp")

    # However quickly one comes after the other: more often than systemd starts a unit again unasked.
    for _ in range(8):
        assert "xin-chao.txt" in in_a_session("ls; echo mine >note").splitlines()

    # What a pupil leaves running ends with the session.
    in_a_session("nohup sleep 4321 >/dev/null 2>&1 & echo mine >note")
    until(lambda: not running(machine, "4321"))
    until(lambda: not list((machine.root / HOME[1:]).iterdir()))

    # The plug is pulled while somebody works.
    machine.run("systemd-run", "--collect", "--property=PAMName=login", "--property=User=hocsinh", "--unit=work", "sleep", "9999")
    until(lambda: (machine.root / HOME[1:] / "xin-chao.txt").exists())
    machine.run("sh", "-c", f"echo half >{HOME}/half-done; sync")
    machine.kill()
    assert (machine.root / HOME[1:] / "half-done").exists()
    machine.boot()
    assert "half-done" not in in_a_session("ls -A")


def test_an_exam_cuts_everything_but_the_hub_and_gives_it_back(room: Room) -> None:
    machine, hub, internet = room["may-01"], room["hub"], room["internet"]
    for one in (hub, internet):
        one.run("systemd-run", "--unit=page", "nc", "-lk", "443")

    def reaches(host: str) -> bool:
        return "succeeded" in machine.run("nc", "-zv", "-w", "3", room[host].address, "443", fails=True)

    assert reaches("hub")
    assert reaches("internet")
    machine.run("systemd-run", "--unit=chat", "nc", internet.address, "443")  # open before the exam
    room.play("day2/exam.yml", extra={"room": "lab", "exam": "on"})
    assert reaches("hub")
    assert not reaches("internet")
    assert (machine.root / "etc/densach/exam").exists()
    machine.run("sh", "-c", "! ping -c 1 -W 1 " + internet.address, fails=True)
    assert room.play("day2/exam.yml", extra={"room": "lab", "exam": "on"}).changes() == []
    machine.kill()
    machine.boot()
    assert not reaches("internet")
    room.play("day2/exam.yml", extra={"room": "lab", "exam": "off"})
    assert reaches("internet")
    assert not (machine.root / "etc/densach/exam").exists()
    assert "densach" not in machine.run("nft", "list", "ruleset")
    assert room.play("day2/exam.yml", extra={"room": "lab", "exam": "off"}).changes() == []


def test_a_kiosk_comes_and_goes(room: Room) -> None:
    machine = room["may-01"]
    before = machine.run("systemctl", "get-default")
    # A container has no screen to show it on.
    folder = machine.root / "etc/systemd/system/densach-kiosk.service.d"
    folder.mkdir(parents=True)
    (folder / "no-screen.conf").write_text("[Service]\nStandardInput=null\nTTYPath=\nTTYReset=no\nTTYVHangup=no\n")
    room.play("day2/exam.yml", extra={"room": "lab", "exam": "on", "exam_url": "https://hub/bai-thi"})
    assert machine.run("systemctl", "get-default").strip() == "densach-kiosk.target"
    until(lambda: "active" in machine.run("systemctl", "is-active", "densach-kiosk.service", fails=True).split())
    machine.reboot()
    until(lambda: "active" in machine.run("systemctl", "is-active", "densach-kiosk.service", fails=True).split())
    room.play("day2/exam.yml", extra={"room": "lab", "exam": "off"})
    assert machine.run("systemctl", "get-default") == before
    assert "densach-kiosk" not in machine.run("systemctl", "list-units", "--all") + machine.run("cat", "/etc/passwd")
