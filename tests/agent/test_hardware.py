"""Parsers of firmware and kernel words, on the words that trip."""

from pathlib import Path

import pytest

from densach_agent.collectors import cpu, filesystems, firmware, jedec, load, memory, network, system
from densach_agent.machine import Machine
from densach_agent.record import recorded_machine
from densach_wire.messages import Item

CASES = Path(__file__).parents[1] / "fixtures" / "machines"


def tree(root: Path, files: dict[str, str]) -> Machine:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, "utf-8")
    return Machine(root, lambda _argv, _seconds: None)


def of(items: list[Item], cls: str) -> list[Item]:
    return [item for item in items if item.cls == cls]


@pytest.mark.parametrize(
    ("text", "maker"),
    [
        ("80AD000080AD", "SK hynix"), ("00AD00B300AD", "SK hynix"), ("0xAD00000000000000", "SK hynix"), ("80CE", "Samsung"),
        ("CE00000000000000", "Samsung"), ("802C0000802C", "Micron"), ("7F98000000000000", "Kingston"), ("0198", "Kingston"),
        ("7F7F7F0B00000000", "Nanya"), ("832500008325", "Kingmax"), ("859B0000859B", "Crucial"), ("04CB", "ADATA"),
        ("Bank 4, Hex 0x25", "Kingmax"), ("Samsung", None), ("7F7F7F7F", None), ("", None), (None, None), ("0123", None),
    ],
)  # fmt: skip
def test_makers_by_number(text: str | None, maker: str | None) -> None:
    assert jedec.maker(text) == maker


def test_empty_slots_are_counted_and_rom_is_no_memory() -> None:
    text = "\n\n".join(
        f"Handle 0x{n:04x}, DMI type 17, 40 bytes\nMemory Device\n\tSize: {size}\n\tLocator: {slot}\n\tType: {kind}"
        for n, (slot, size, kind) in enumerate(
            [("A1", "8 GB", "DDR4"), ("A1", "8 GB", "DDR4"), ("B1", "No Module Installed", "Unknown"),
             ("SYSTEM ROM", "16 MB", "Flash"), ("B2", "Unknown", "DDR4"), ("B3", "0 MB", "DDR4")]
        )
    )  # fmt: skip
    found, empty = memory.modules(text)
    assert [item.key for item in found] == ["A1", "1 A1"]
    assert empty == 1


@pytest.mark.parametrize(
    ("told", "iso"),
    [("12/13/2012", "2012-12-13"), ("03/08/24", "2024-03-08"), ("01/02/98", "1998-01-02"), ("99/99/9999", None),
     ("2023-05-01", "2023-05-01"), (None, None)],
)  # fmt: skip
def test_dates_of_firmware(told: str | None, iso: str | None) -> None:
    assert firmware.iso_date(told) == iso


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({"sys/class/dmi/id/sys_vendor": "innotek GmbH"}, "virtualbox"),
        ({"sys/class/dmi/id/sys_vendor": "Microsoft Corporation", "sys/class/dmi/id/product_name": "Virtual Machine"}, "hyper-v"),
        ({"sys/class/dmi/id/sys_vendor": "Microsoft Corporation", "sys/class/dmi/id/product_name": "Surface Go"}, None),
        ({"sys/hypervisor/type": "xen"}, "xen"),
        ({"sys/hypervisor/type": "xen", "proc/xen/capabilities": "control_d"}, None),
        ({"proc/cpuinfo": "flags : fpu hypervisor lahf_lm"}, "yes"),
        ({"proc/sys/kernel/osrelease": "5.15.153.1-microsoft-standard-WSL2"}, "wsl"),
    ],
)
def test_virtual_machines(tmp_path: Path, files: dict[str, str], kind: str | None) -> None:
    assert firmware.virtual(tree(tmp_path, files)) == kind


@pytest.mark.parametrize(
    ("file", "text", "kind"),
    [
        (".dockerenv", "", "docker"),
        ("run/.containerenv", "", "podman"),
        ("run/systemd/container", "systemd-nspawn", "systemd-nspawn"),
    ],
)
def test_containers(tmp_path: Path, file: str, text: str, kind: str) -> None:
    (item,) = firmware.collect(tree(tmp_path, {file: text}))
    assert (item.cls, item.attrs["kind"]) == ("container", kind)


def test_two_sockets_and_big_and_little_cores(tmp_path: Path) -> None:
    two = "\n\n".join(
        f"processor : {n}\nmodel name : Xeon @ 2.40GHz\nphysical id : {n % 2}\ncore id : {n // 4}" for n in range(8)
    )
    assert [item.attrs for item in cpu.collect(tree(tmp_path, {"proc/cpuinfo": two}))] == [
        {"model": "Xeon @ 2.40GHz", "cores": 2, "threads": 4, "base_mhz": 2400}
    ] * 2
    arm = "\n\n".join(
        f"processor\t: {n}\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU part\t: {part}"
        for n, part in enumerate(["0xd03", "0xd03", "0xd09"])
    )
    (item,) = cpu.collect(tree(tmp_path, {"proc/cpuinfo": arm}))
    assert item.attrs == {"model": "Cortex-A73 + Cortex-A53", "maker": "ARM", "cores": 3, "threads": 3, "bits64": True}


def test_short_names_of_makers_are_names(tmp_path: Path) -> None:
    dmi = {"sys_vendor": "HP", "board_vendor": "To be filled by O.E.M.", "board_name": "K1", "chassis_type": "131"}
    items = system.collect(tree(tmp_path, {f"sys/class/dmi/id/{name}": text for name, text in dmi.items()}))
    assert {item.cls: item.attrs for item in items} == {
        "product": {"maker": "HP"}, "board": {"model": "K1"}, "chassis": {"kind": "desktop"},
    }  # fmt: skip


def test_file_systems_seen_from_inside_the_services_own_view() -> None:
    """The agent's service sees everything read-only and some places twice; shares and sticks are nobody's business."""
    items = load("filesystems").collect(recorded_machine(CASES / "laptop"))
    assert [(item.key, "read_only" in item.attrs) for item in of(items, "filesystem")] == [("/", False), ("/boot/efi", False)]
    items = load("filesystems").collect(recorded_machine(CASES / "all-in-one"))
    assert [(item.key, "read_only" in item.attrs) for item in of(items, "filesystem")] == [
        ("/", False), ("/boot/efi", False), ("/srv/du-lieu", True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "line", ["", "-", " - ", "1 2 3", "28 1 8:1 / / rw - ext4", "28 1 x / / rw - ext4 dev rw", "\0\xff - - -"]
)
def test_mounts_of_rubbish(tmp_path: Path, line: str) -> None:
    machine = tree(tmp_path, {"proc/self/mountinfo": line + "\n" + "30 1 8:9 / /srv rw - ext4 /dev/sdz9 rw\n"})
    assert "/srv" in [item.key for item in filesystems.collect(machine)]


def test_waking_is_told_of_wired_cards_that_know() -> None:
    cards = {item.key: item.attrs for item in network.collect(recorded_machine(CASES / "laptop"))}
    assert cards["enp4s0"]["wake_on_lan"] is True
    assert not {"wake_on_lan", "speed_mbps", "link_up"} & set(cards["wlp0s20f3"])
    (card,) = network.collect(recorded_machine(CASES / "all-in-one"))
    assert (card.attrs["wake_on_lan"], card.attrs["link_up"]) == (False, False)
