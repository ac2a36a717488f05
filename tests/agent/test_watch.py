"""What is measured when: sections on change and on demand, clocks that are set, sleep, a disk that takes nothing."""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest
from tests.agent.clocks import HandClock

from densach_agent.collectors import ALL
from densach_agent.collectors.smart import argv
from densach_agent.machine import Machine, command_file
from densach_agent.outbox import Outbox
from densach_agent.settings import Settings
from densach_agent.watch import Watch
from densach_wire.messages import Desired, Event, InventorySection, UsageSlice

CASE = Path(__file__).parents[1] / "fixtures" / "machines" / "office-2012" / "root"

T = TypeVar("T")


class Scene:
    """A watch over a copy of a recorded machine, turned by hand."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.clock = HandClock()
        self.outbox = Outbox(None, self.clock)
        self.nudges = 0
        self.watch = self.new_watch(Settings(off=("packages",)))

    def new_watch(self, settings: Settings) -> Watch:
        machine = Machine(self.root, lambda _argv, _seconds: None)
        return Watch(machine, self.clock, self.outbox, settings, self.nudge)

    def nudge(self) -> None:
        self.nudges += 1

    def inventory(self) -> list[str]:
        """Runs a round of collectors to its end; the sections that were put into the stream by it."""
        before, nudges = self.outbox.last, self.nudges
        end = time.monotonic() + 40
        while self.nudges == nudges:
            self.watch.turn()
            time.sleep(0.01)
            assert time.monotonic() < end
        return [one.section for one in self.told(InventorySection, before)]

    def told(self, kind: type[T], after: int = 0) -> list[T]:
        names: dict[type, str] = {InventorySection: "inventory", Event: "event", UsageSlice: "usage"}
        rows = self.outbox.after(after, max_records=1000)
        return [msgspec.json.decode(row.body, type=kind) for row in rows if row.kind == names[kind]]

    def session(self, name: str, text: str | None) -> None:
        path = self.root / "run/systemd/sessions" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            path.unlink()
        else:
            path.write_text(text)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    shutil.copytree(CASE, tmp_path / "root", symlinks=True)
    made = Scene(tmp_path / "root")
    yield made
    made.watch.stop()
    made.outbox.close()


def test_all_sections_at_first_then_only_what_changed_and_what_is_wanted(scene: Scene) -> None:
    scene.clock.advance(3_000)
    assert scene.inventory() == [name for name in ALL if name != "packages"]
    scene.clock.advance(4 * 3600 * 1000)
    assert scene.inventory() == []
    (scene.root / "proc/sys/kernel/hostname").write_text("phong2-may01\n")
    scene.clock.advance(4 * 3600 * 1000)
    assert scene.inventory() == ["os"]
    scene.watch.want(["disk", "nonsense"])
    assert scene.inventory() == ["disk"]
    scene.watch.want(["*"])
    assert len(scene.inventory()) == len(ALL) - 1


def test_a_pupils_lesson_becomes_slices_under_a_number(scene: Scene) -> None:
    scene.watch.user_key = b"school"
    scene.session("3", "UID=1001\nUSER=hs.an\nACTIVE=1\nSTATE=active\nREMOTE=0\nTYPE=tty\nCLASS=user\n")
    scene.session("c1", "UID=116\nUSER=gdm\nACTIVE=1\nSTATE=active\nTYPE=wayland\nCLASS=greeter\n")
    for _ in range(8):
        scene.watch.turn()
        scene.clock.advance(30_000)
    scene.session("3", None)
    scene.watch.turn()
    (piece,) = scene.told(UsageSlice)
    assert piece.active_ms == 240_000
    assert piece.session == "boot-1-3"
    assert piece.name is None
    assert piece.user is not None
    assert "an" not in piece.user


def test_names_leave_only_where_the_school_says_so(scene: Scene) -> None:
    scene.watch.wish(Desired(names=True))
    scene.session("3", "USER=hs.an\nACTIVE=1\nSTATE=active\nTYPE=tty\nCLASS=user\n")
    scene.watch.turn()
    scene.clock.advance(30_000)
    scene.watch.turn()
    scene.watch.stop()
    (piece,) = scene.told(UsageSlice)
    assert (piece.name, piece.user) == ("hs.an", None)


def test_a_set_clock_is_told_and_cuts_the_slice(scene: Scene) -> None:
    scene.session("3", "USER=an\nACTIVE=1\nSTATE=active\nTYPE=tty\nCLASS=user\n")
    scene.watch.turn()
    scene.clock.advance(30_000)
    scene.watch.turn()
    scene.clock.set_wall(scene.clock.now_ms() + 86_400_000)
    scene.watch.turn()
    assert [(event.kind, event.attrs) for event in scene.told(Event)] == [("clock-jump", {"by_ms": 86_400_000})]
    assert [piece.active_ms for piece in scene.told(UsageSlice)] == [30_000]


def test_sleep_is_told_and_is_nobodys_time(scene: Scene) -> None:
    scene.session("3", "USER=an\nACTIVE=1\nSTATE=active\nTYPE=tty\nCLASS=user\n")
    scene.watch.turn()
    scene.clock.advance(30_000)
    scene.watch.turn()
    scene.clock.advance(8 * 3600 * 1000)
    scene.watch.turn()
    assert [(event.kind, event.attrs) for event in scene.told(Event)] == [("awake", {"asleep_ms": 28_800_000})]
    assert [piece.active_ms for piece in scene.told(UsageSlice)] == [30_000]


def test_what_is_switched_off_is_not_measured(scene: Scene) -> None:
    scene.watch.wish(Desired(off=("usage", "health", "inventory")))
    scene.session("3", "USER=an\nACTIVE=1\nSTATE=active\nTYPE=tty\nCLASS=user\n")
    for _ in range(60):
        scene.watch.turn()
        scene.clock.advance(30_000)
    scene.watch.stop()
    assert scene.outbox.last == 0


def test_one_measurement_that_fails_does_not_end_the_others(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> None:
        raise OSError("a sensor that is not there any more")

    scene.watch._work["health"] = broken
    scene.clock.advance(60_000)
    scene.watch.turn()
    scene.watch.turn()
    assert "health could not be measured" in caplog.text
    assert [row.kind for row in scene.outbox.after(0)][:1] == ["health"]  # the record of the window came all the same


def test_what_root_finds_out_later_is_told_soon(scene: Scene, tmp_path: Path) -> None:
    facts = tmp_path / "facts"
    facts.mkdir()
    (facts / "boot").write_text("boot-1")
    machine = Machine(scene.root, lambda _argv, _seconds: None, facts=facts)
    scene.watch = Watch(machine, scene.clock, scene.outbox, Settings(off=("packages",)), scene.nudge)
    scene.clock.advance(3_000)
    scene.inventory()
    scene.clock.advance(61_000)
    scene.watch.turn()
    assert not scene.watch.surveying
    asleep = '{"power_mode": {"sct_value": 0}, "smart_status": {"passed": true}}'
    left = facts / "cmd" / command_file(argv("sda"))
    left.parent.mkdir()
    left.write_text(asleep)
    os.utime(facts / "boot", (1, 1))
    scene.clock.advance(61_000)
    assert "smart" in scene.inventory()
