"""What hangs on a machine: names by number, cameras and grabbers, sound, printers, UPS."""

import gzip
import os
import re
import shutil
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from densach_agent.collectors import load
from densach_agent.collectors.camera import grabs
from densach_agent.collectors.device_names import device_names
from densach_agent.collectors.printer import ieee1284, shown_uri, without_passwords
from densach_agent.collectors.updates import NOTIFIER, SIMULATION
from densach_agent.collectors.usb import UsbDevice, UsbInterface, steady_keys
from densach_agent.facts import write
from densach_agent.machine import Machine, NoData, Output, command_file
from densach_agent.record import record_case, recorded_machine
from densach_agent.survey import Survey, wait_for
from densach_wire.codec import section_digest
from densach_wire.messages import Item, SectionStatus

CASES = Path(__file__).parents[1] / "fixtures" / "machines"
LSPCI = Path(__file__).parents[3] / "shared" / "data" / "machines" / "generic" / "lspci"


def put(root: Path, path: str, content: str | bytes) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(content.encode() if isinstance(content, str) else content)


def told(root: Path, answers: Mapping[Any, str] | None = None) -> Machine:
    """A machine at `root` whose commands answer so; every other command is not installed."""
    known = answers or {}
    return Machine(root, lambda argv, _seconds: Output(0, known[argv]) if argv in known else None)


def found(machine: Machine, section: str) -> list[Item]:
    try:
        return load(section).collect(machine)
    except NoData:
        return []


@pytest.fixture
def studio(tmp_path: Path) -> Path:
    shutil.copytree(CASES / "studio-pc", tmp_path / "studio", symlinks=True)
    return tmp_path / "studio"


def hwdb(entries: Mapping[str, Mapping[str, str]]) -> bytes:
    """A small hwdb.bin: a node for each letter, as systemd-hwdb would before it joins them."""
    strings, nodes = bytearray(b"\0"), bytearray()

    def text(word: str) -> int:
        strings.extend(word.encode() + b"\0")
        return -len(word.encode()) - 1 + len(strings)

    tree: dict[str, dict] = {}  # type: ignore[type-arg]
    for pattern, values in entries.items():
        place = tree
        for letter in pattern:
            place = place.setdefault(letter, {})
        place[""] = dict(values)
    head, late = 80, []

    def node(place: dict[str, dict]) -> int:  # type: ignore[type-arg]
        values = place.get("", {})
        children = sorted((ord(letter), node(below)) for letter, below in place.items() if letter)
        at = head + len(nodes)
        nodes.extend(struct.pack("<QB7xQ", 0, len(children), len(values)))
        for letter, child in children:
            nodes.extend(struct.pack("<B7xQ", letter, child))
        for key, value in values.items():
            late.append((len(nodes), text(f" {key}"), text(value)))
            nodes.extend(bytes(16))
        return at

    root = node(tree)
    base = head + len(nodes)
    for at, key, value in late:
        struct.pack_into("<2Q", nodes, at, base + key, base + value)
    size = base + len(strings)
    return b"KSLPHHRH" + struct.pack("<9Q", 252, size, 80, 24, 16, 16, root, len(nodes), len(strings)) + nodes + strings


NAMES = {
    "usb:v046D*": {"ID_VENDOR_FROM_DATABASE": "Logitech, Inc."},
    "usb:v046DpC31C*": {"ID_MODEL_FROM_DATABASE": "Keyboard K120"},
}
LIST = b"# list\n0001  One\n046d  Logitech (list)\n\tc31c  Keyboard (list)\n\t\tc077  no\n1046d  no\nC 01  Class\n\tc31c  no\n"
K120 = ("046d", "c31c")


def test_names_come_from_udev_then_the_list_then_the_database(tmp_path: Path) -> None:
    machine = told(tmp_path)
    assert device_names(machine, "usb", {K120: ""}) == {K120: (None, None)}
    put(tmp_path, "usr/lib/udev/hwdb.bin", hwdb(NAMES))
    assert device_names(machine, "usb", {K120: "", ("046d", "0001"): ""}) == {
        K120: ("Logitech, Inc.", "Keyboard K120"), ("046d", "0001"): ("Logitech, Inc.", None),
    }  # fmt: skip
    put(tmp_path, "usr/share/hwdata/usb.ids.gz", gzip.compress(LIST))
    assert device_names(machine, "usb", {K120: ""}) == {K120: ("Logitech (list)", "Keyboard (list)")}
    put(tmp_path, "run/udev/data/c189:7", "E:ID_VENDOR_FROM_DATABASE=Logi\nE:ID_MODEL_FROM_DATABASE=K120\n")
    assert device_names(machine, "usb", {K120: "c189:7"}) == {K120: ("Logi", "K120")}


@pytest.mark.parametrize("harm", ["empty", "cut", "rubbish", "wild"])
def test_damaged_lists_of_names_name_nothing(tmp_path: Path, harm: str) -> None:
    whole = hwdb(NAMES)
    wild = whole[:56] + struct.pack("<Q", 2**63 + 5) + whole[64:]
    put(
        tmp_path,
        "usr/lib/udev/hwdb.bin",
        {"empty": b"", "cut": whole[:100], "rubbish": bytes(range(256)) * 9, "wild": wild}[harm],
    )
    put(tmp_path, "usr/share/misc/usb.ids.gz", b"\x1f\x8b\x08" + bytes(range(200)))
    assert device_names(told(tmp_path), "usb", {K120: "", ("\u202e", "*"): ""})[K120] == (None, None)


def usb(port: str, ids: str = "0c45:6366", serial: str | None = None, model: str | None = None) -> UsbDevice:
    vendor, product = ids.split(":")
    return UsbDevice(port=port, vendor=vendor, product=product, maker=None, model=model, serial=serial, cls=0,
                     interfaces=(UsbInterface(f"{port}:1.0", 14, 1, 0),))  # fmt: skip


def test_a_key_stays_at_another_port_and_one_missing_of_three_is_one() -> None:
    three = set(steady_keys([usb("1-1"), usb("1-2"), usb("1-4")]).values())
    assert three == {"0c45:6366", "0c45:6366 #2", "0c45:6366 #3"}
    assert three - set(steady_keys([usb("3-1"), usb("3-7")]).values()) == {"0c45:6366 #3"}
    assert steady_keys([usb("1-1", serial="A"), usb("2-9", serial="B")])["2-9"] == "0c45:6366 B"


@pytest.mark.parametrize(("ids", "driver", "words", "grabber"), [
    ("534d:2109", "uvcvideo", "USB Video: USB Video", True), ("345f:2130", "uvcvideo", "USB3. 0 capture", True),
    ("0fd9:0066", "uvcvideo", "Cam Link 4K", True), ("0fd9:0078", "uvcvideo", "Elgato Facecam", False),
    ("1b71:3002", "usbtv", "usbtv", True), ("eb1a:2861", "em28xx", "EM2860 Device", True),
    ("046d:082d", "uvcvideo", "HD Pro Webcam C920", False), ("046d:085e", "uvcvideo", "Logitech BRIO", False),
    ("07ca:313a", "uvcvideo", "Live Streamer CAM 313 webcam", False), ("07ca:0553", "uvcvideo", "Live Gamer Ultra", True),
    ("04f2:b6d9", "uvcvideo", "Integrated Camera: Integrated C", False), ("1edb:be55", "uvcvideo", "Blackmagic Design", True),
    ("32e4:9230", "uvcvideo", "HDMI USB Camera: HDMI capture", True), ("0bda:5830", "uvcvideo", "USB 2.0 Camera", False),
])  # fmt: skip
def test_a_grabber_is_no_webcam(ids: str, driver: str, words: str, grabber: bool) -> None:
    assert grabs(usb("1-1", ids), driver, words) is grabber


def test_decoders_of_a_small_board_are_no_cameras_and_its_ribbon_camera_is(tmp_path: Path) -> None:
    for n, name in enumerate(("bcm2835-codec-decode", "bcm2835-isp-capture0", "rpi-hevc-dec", "unicam-image")):
        put(tmp_path, f"sys/class/video4linux/video{n}/name", f"{name}\n")
        put(tmp_path, f"sys/class/video4linux/video{n}/index", "0\n")
    assert [(item.cls, item.key, item.attrs.get("model")) for item in found(told(tmp_path), "camera")] == [
        ("camera", "unicam-image", "unicam-image")
    ]


def test_a_laptop_has_one_ear_of_its_own(tmp_path: Path) -> None:
    put(tmp_path, "proc/asound/cards", " 0 [sofhdadsp      ]: sof-hda-dsp - sof-hda-dsp\n                      LENOVO-20XX\n")
    put(tmp_path, "proc/asound/pcm", "00-00: HDA Analog (*) :  : playback 1 : capture 1\n00-06: DMIC (*) :  : capture 1\n")
    assert [item.cls for item in found(told(tmp_path), "sound")] == ["sound", "microphone"]
    put(tmp_path, "proc/asound/pcm", "00-00: ALC256 Analog : ALC256 Analog : playback 1 : capture 1\n")
    assert [item.cls for item in found(told(tmp_path), "sound")] == ["sound"]
    put(tmp_path, "proc/asound/card0/codec#0", "Codec: Realtek ALC256\n  Pin Default 0x90a60130: [Fixed] Mic at Int N/A\n")
    assert [item.cls for item in found(told(tmp_path), "sound")] == ["sound", "microphone"]


@pytest.mark.parametrize(("uri", "shown", "serial"), [
    ("usb://HP/LaserJet%20P1102?serial=000Q91", "usb://HP/LaserJet P1102", "000Q91"),
    ("smb://lan:m%40t:khau@may/Canon", "smb://may/Canon", None),
    ("ipp://a:b@[fe80::1]:631/ipp/print", "ipp://[fe80::1]:631/ipp/print", None),
    ("socket://10.0.0.9:9100", "socket://10.0.0.9:9100", None), ("file:///dev/null", "file://", None),
    ("http://[bad", None, None), ("", None, None), ("lpd://x/\u202eq?token=secret", "lpd://x/ q", None),
])  # fmt: skip
def test_no_address_of_a_printer_carries_a_password(uri: str, shown: str | None, serial: str | None) -> None:
    assert shown_uri(uri) == (shown, serial)


def test_root_leaves_no_password_of_a_printer() -> None:
    left = without_passwords(
        b"DeviceURI smb://lan:m@t:khau@may/Canon\nDeviceURI usb://HP/P?serial=1\nDeviceURI lpd://x/q?token=secret\nInfo a@b\n"
    )
    assert left == b"DeviceURI smb://may/Canon\nDeviceURI usb://HP/P?serial=1\nDeviceURI lpd://x/q\nInfo a@b\n"


def test_root_counts_updates_beside_the_agent_and_leaves_queues(tmp_path: Path) -> None:
    asked: list[tuple[str, ...]] = []

    def run(argv: tuple[str, ...], _seconds: float) -> Output | None:
        asked.append(argv)
        return Output(0, "Reading package lists...\nInst a [1] (2 Debian-Security:12/stable-security [all])\n")

    put(tmp_path / "root", "etc/cups/printers.conf", "<Printer a>\nDeviceURI smb://lan:mat@may/a\n</Printer>\n")
    counted = tmp_path / "facts" / "cmd" / command_file(SIMULATION)
    for boot, slow, times, known in (("b", False, 0, False), ("b", True, 1, True), ("b", False, 1, True), ("c", False, 1, False)):
        write(tmp_path / "facts", os.getegid(), Machine(tmp_path / "root", run), boot, slow=slow)
        assert (asked.count(SIMULATION), counted.exists()) == (times, known)
    write(tmp_path / "facts", os.getegid(), Machine(tmp_path / "root", run), "c", slow=True)
    seeing = Machine(tmp_path / "root", run, facts=tmp_path / "facts")
    assert [item.attrs for item in found(seeing, "updates")] == [{"pending": 1, "security": 1}]
    assert "mat" not in (tmp_path / "facts/root/etc/cups/printers.conf").read_text("utf-8")
    put(tmp_path / "root", NOTIFIER, "")
    write(tmp_path / "facts", os.getegid(), Machine(tmp_path / "root", run), "c", slow=True)
    assert asked.count(SIMULATION) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["facts", "root"]


def test_a_device_id_of_a_printer() -> None:
    told_by = ieee1284("MANUFACTURER:Canon;COMMAND SET:CAPT;MODEL:LBP2900;CLASS:PRINTER;junk;:;SERN:;")
    assert (told_by["MFG"], told_by["MDL"], told_by["CMD"]) == ("Canon", "LBP2900", "CAPT")
    assert ieee1284(None) == {}


def test_nobody_asks_for_queues_where_there_are_none(tmp_path: Path) -> None:
    asked: list[tuple[str, ...]] = []

    def run(argv: tuple[str, ...], _seconds: float) -> Output | None:
        asked.append(argv)
        return None

    put(tmp_path, "run/cups/printcap", "# This file was automatically generated by cupsd(8)\n")
    for section in ("printer", "ups", "camera", "sound", "usb", "pci", "os", "time", "updates", "encryption"):
        found(Machine(tmp_path, run), section)
    assert asked == []


def test_printing_all_day_is_no_news(studio: Path) -> None:
    before = found(recorded_machine(studio), "printer")
    answer = studio / "cmd" / "lpstat_-d_-v_-a_-p"
    answer.write_text(answer.read_text("utf-8").replace("now printing HP_P1102-118. ", "is idle. "), "utf-8")
    assert section_digest(tuple(found(recorded_machine(studio), "printer"))) == section_digest(tuple(before))
    assert "khau" not in str(before)


def test_queues_without_root_and_without_lpstat(studio: Path) -> None:
    conf, answer = studio / "root/etc/cups/printers.conf", studio / "cmd" / "lpstat_-d_-v_-a_-p"
    answer.unlink()
    assert [item.attrs.get("paused") for item in found(recorded_machine(studio), "printer") if item.cls == "printer-queue"] == [
        None,
        True,
    ]
    conf.unlink()
    assert [item.cls for item in found(recorded_machine(studio), "printer")] == ["printer", "scanner"]


def test_a_ups_is_the_same_with_and_without_nut_and_while_it_works(studio: Path) -> None:
    (with_nut,) = found(recorded_machine(studio), "ups")
    answer = studio / "cmd" / "upsc_studio"
    for moving in (("battery.charge: 100", "battery.charge: 41"), ("ups.load: 17", "ups.load: 93"), ("OL RB", "OB DISCHRG RB")):
        answer.write_text(answer.read_text("utf-8").replace(*moving), "utf-8")
    assert found(recorded_machine(studio), "ups") == [with_nut]
    (studio / "root/usr/bin/upsc").unlink()
    (bare,) = found(recorded_machine(studio), "ups")
    assert bare.key == with_nut.key
    assert bare.attrs["model"] == "Back-UPS BX650LI-MS FW:379800G-302202G"


def test_a_server_of_nut_that_does_not_answer_is_no_ups_gone(tmp_path: Path) -> None:
    put(tmp_path, "usr/bin/upsc", "")
    assert found(told(tmp_path), "ups") == []
    put(tmp_path, "etc/systemd/system/multi-user.target.wants/nut-server.service", "")
    with pytest.raises(TimeoutError, match="upsd"):
        load("ups").collect(told(tmp_path))
    by_wire = {
        ("upsc", "-l"): "phong-may\n-x\n",
        ("upsc", "phong-may"): "ups.mfr: SANTAK\nups.model: 0\nups.power.nominal: 1000\n",
    }
    (ups,) = found(told(tmp_path, by_wire), "ups")
    assert (ups.key, ups.attrs) == ("phong-may", {"maker": "SANTAK", "power_va": 1000, "nut_name": "phong-may"})


def test_a_recording_names_nobody_and_says_what_the_machine_is(studio: Path, tmp_path: Path) -> None:
    record_case(tmp_path / "again", studio / "root")
    text = "".join(p.read_text("utf-8", "replace") for p in (tmp_path / "again").rglob("*") if p.is_file())
    assert not [word for word in ("khau123", "Q91P7LPR1a", "7A3B1C0F", "4B2035P11872") if word in text]
    again = recorded_machine(tmp_path / "again")
    for section in ("usb", "pci", "camera", "sound", "time", "encryption"):
        shapes = [[(item.cls, set(item.attrs)) for item in found(m, section)] for m in (recorded_machine(studio), again)]
        assert shapes[0] == shapes[1], section


def test_rubbish_from_devices_stays_short_and_clean(tmp_path: Path) -> None:
    rubbish = b"\xff\xfe\x00\x1b[31m\xe2\x80\xae" + b"A" * 5000
    for n in range(600):
        for name in ("product", "manufacturer", "serial", "uevent", "idVendor", "speed"):
            put(tmp_path, f"sys/bus/usb/devices/1-{n}/{name}", rubbish)
    put(tmp_path, "proc/asound/cards", rubbish * 20)
    put(tmp_path, "proc/asound/pcm", b"00-00: " * 9000)
    put(tmp_path, "etc/cups/printers.conf", b"<Printer a>\n" * 50_000 + rubbish)
    put(tmp_path, "sys/class/video4linux/video0/name", rubbish)
    put(tmp_path, "proc/self/mountinfo", rubbish + b"\n1 - \n - ext4\n" + b"2 1 8:1 / / rw - ext4 /dev/\xff rw\n" * 9000)
    names = ["usb", "pci", "ups", "printer", "camera", "sound", "os", "time", "updates", "encryption"]
    sections = wait_for(Survey(names, root=tmp_path))
    assert {section.status for section in sections} <= {SectionStatus.OK, SectionStatus.NO_DATA}
    for section in sections:
        assert len(section.items) <= 512
        for item in section.items:
            for word in (item.key, *(value for value in item.attrs.values() if isinstance(value, str))):
                assert len(word) <= 300
                assert word.isprintable()


def test_a_pipe_where_a_list_should_be_is_one_section_lost(tmp_path: Path) -> None:
    (tmp_path / "var/lib/update-notifier").mkdir(parents=True)
    os.mkfifo(tmp_path / "var/lib/update-notifier/updates-available")
    (tmp_path / "usr/lib/udev").mkdir(parents=True)
    os.mkfifo(tmp_path / "usr/lib/udev/hwdb.bin")
    put(tmp_path, "sys/bus/usb/devices/1-1/idVendor", "046d\n")
    put(tmp_path, "sys/bus/usb/devices/1-1/idProduct", "c31c\n")
    sections = {section.section: section.status for section in wait_for(Survey(["usb", "updates", "os"], root=tmp_path))}
    assert sections == {"usb": SectionStatus.OK, "updates": SectionStatus.TIMEOUT, "os": SectionStatus.OK}


@pytest.mark.parametrize("name", sorted(p.name for p in LSPCI.iterdir() if "." not in p.name) if LSPCI.is_dir() else ["none"])
def test_every_device_of_a_real_machine_is_found_with_its_kind(tmp_path: Path, name: str) -> None:
    """From recordings of `lspci -nn`, where there are any: the same devices as a tree."""
    text = (LSPCI / name).read_text("utf-8", "replace") if LSPCI.is_dir() else "00:02.0 VGA [0300]: A B [8086:0152]\n"
    lines = re.findall(r"^(\S+) .*?\[([0-9a-f]{4})\]: .*\[([0-9a-f]{4}):([0-9a-f]{4})\]", text, re.MULTILINE)
    for slot, cls, vendor, device in lines:
        put(
            tmp_path,
            f"sys/bus/pci/devices/0000:{slot}/uevent",
            f"PCI_CLASS={cls.lstrip('0')}00\nPCI_ID={vendor}:{device}\n".upper(),
        )
    items = found(told(tmp_path), "pci")
    assert [item.attrs["id"] for item in items] == [f"{vendor}:{device}" for _, _, vendor, device in sorted(lines)]
    assert all("kind" in item.attrs for item in items)
