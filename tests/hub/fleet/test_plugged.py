"""Things on cables: cameras, printers, headsets. They go and come; only one that stays away is worth a line."""

from tests.hub.fleet.conftest import DAY, HOUR, MINUTE, Lab

from densach_hub.fleet.comparing import PLUGGED, compare
from densach_hub.fleet.parts import part_name, part_words
from densach_hub.fleet.sights import Finding, FindingKind
from densach_hub.fleet.telling import Change, ChangeKind, ChangeState
from densach_hub.lab.history import changed
from densach_wire.messages import InventorySection, Item

CAMERA = Item("camera", "046d:082d A1B2", {"bus": "usb", "maker": "Logitech", "model": "HD Pro Webcam C920", "serial": "A1B2"})
EAR = Item("microphone", CAMERA.key, {"bus": "usb", "kind": "in a camera"})
PRINTER = Item("printer", "03f0:002a VN7", {"bus": "usb", "maker": "HP", "model": "LaserJet P1102", "serial": "VN7"})


def kinds(before: list[Item], after: list[Item]) -> list[tuple[ChangeKind, str]]:
    return [(d.kind, d.item.cls) for d in compare(before, after)]


def test_a_webcam_that_goes_is_one_thing_although_it_has_an_ear() -> None:
    assert kinds([CAMERA, EAR], []) == [(ChangeKind.REMOVED, "camera")]
    scanner = Item("scanner", PRINTER.key, {"bus": "usb"})
    assert kinds([PRINTER, scanner], []) == [(ChangeKind.REMOVED, "printer")]
    assert kinds([], [Item("microphone", "0000:00:1f.3 built in", {"kind": "built in"})]) == []


def test_another_port_or_a_better_name_is_no_change() -> None:
    attrs = {**CAMERA.attrs, "port": "3-2", "model": "Logitech Webcam C920 HD Pro"}
    assert kinds([CAMERA], [Item("camera", CAMERA.key, attrs)]) == []


def test_every_such_thing_has_a_name_and_its_key_is_not_told() -> None:
    assert all("{cls}" not in part_name(cls).msgid for cls in PLUGGED)
    gone = Change(
        id=1, device="d", at=1, boot="b", section="camera", cls="camera", key=CAMERA.key, kind=ChangeKind.REMOVED,
        state=ChangeState.CONFIRMED, before=CAMERA.attrs,
    )  # fmt: skip
    assert part_words(gone) == "Logitech HD Pro Webcam C920 A1B2"
    assert not changed(gone).urgent


def section(name: str, *items: Item) -> InventorySection:
    return InventorySection(name, items, f"{name}-{len(items)}-{'-'.join(item.key for item in items)}")


async def _findings(lab: Lab) -> list[Finding]:
    found = await lab.fleet.alerts.morning()
    return [f for f in found if f.kind not in (FindingKind.SILENT, FindingKind.NEVER_HEARD)]


async def test_a_camera_is_missed_after_a_day_and_softly(lab: Lab) -> None:
    machine = await lab.machine()
    tell = lab.fleet.telemetry.receive
    await tell(lab.arrival(machine.id, 1, section("camera", CAMERA)))
    await tell(lab.arrival(machine.id, 2, section("camera")))
    assert await _findings(lab) == []
    lab.clock.advance(2 * MINUTE)
    await tell(lab.arrival(machine.id, 3, section("camera")))
    assert await _findings(lab) == []
    lab.clock.advance(DAY)
    (finding,) = await _findings(lab)
    assert (finding.kind, finding.urgent) == (FindingKind.UNPLUGGED, False)
    assert finding.what.values["detail"] == "Logitech HD Pro Webcam C920 A1B2"
    await tell(lab.arrival(machine.id, 4, section("camera", CAMERA)))
    assert await _findings(lab) == []
    sight = await lab.fleet.alerts.machine(machine.id)
    assert sorted(c.kind for c in sight.changes) == [ChangeKind.ADDED, ChangeKind.REMOVED]


async def test_a_printer_switched_off_over_night_is_no_news(lab: Lab) -> None:
    machine = await lab.machine()
    tell, seq = lab.fleet.telemetry.receive, 0
    for _ in range(4):
        for there in ((PRINTER,), (), ()):
            seq += 1
            await tell(lab.arrival(machine.id, seq, section("printer", *there)))
            lab.clock.advance(8 * HOUR)
            assert await _findings(lab) == []


async def test_what_was_always_away_is_told_once_however_often_it_went(lab: Lab) -> None:
    machine = await lab.machine()
    tell = lab.fleet.telemetry.receive
    for seq, there in enumerate(((CAMERA,), (), (), (CAMERA,), (), ()), 1):
        await tell(lab.arrival(machine.id, seq, section("camera", *there)))
        lab.clock.advance(2 * MINUTE)
    lab.clock.advance(DAY)
    assert [f.kind for f in await _findings(lab)] == [FindingKind.UNPLUGGED]


async def test_headsets_that_come_and_go_push_no_stolen_memory_out(lab: Lab) -> None:
    machine, other = await lab.machine(), await lab.machine("PC-02")
    tell = lab.fleet.telemetry.receive
    modules = [Item("memory", slot, {"size_bytes": 4 * 1024**3, "serial": f"S-{slot}"}) for slot in "AB"]
    for n, there in enumerate((modules, modules[:1]), 1):
        await tell(lab.arrival(machine.id, n, section("memory", *there)))
    headsets = [Item("headset", f"0b0e:0301 {n}", {"bus": "usb"}) for n in range(300)]
    for n, some in enumerate((headsets, (), headsets, ()), 1):
        lab.clock.advance(2 * MINUTE)
        await tell(lab.arrival(other.id, n, section("sound", *some)))
    assert FindingKind.SUSPECTED in [f.kind for f in await _findings(lab)]
