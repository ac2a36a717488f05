"""Classes of application: the file, the school's own, and that shell and Python read it alike."""

import re
import subprocess
from pathlib import Path

import pytest
from tests.agent.desk import Desk

from densach_agent import applications
from densach_agent.applications import CLASSES, Applications, read, rules
from densach_agent.machine import Denied

SESSION = Path(applications.__file__).parent / "session"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "root")


@pytest.mark.parametrize(
    ("program", "label"),
    [
        ("firefox-esr", "browser"),
        ("soffice.bin", "office"),
        ("thonny", "coding"),
        ("GIMP-2.10", "media"),
        ("scratch-desktop", "e-learning"),
        ("gcompris-qt", "e-learning"),
        ("supertuxkart", "game"),
        ("gnome-terminal-", "system"),
        ("simplescreenrec", "media"),  # the kernel keeps fifteen letters of simplescreenrecorder
        ("bash", None),
        ("", None),
    ],
)
def test_programs_are_sorted_by_name(desk: Desk, program: str, label: str | None) -> None:
    assert read(desk.machine).of(program) == label


def test_the_school_s_lines_come_first_and_a_slip_of_the_pen_harms_nobody(desk: Desk) -> None:
    own = desk.root / "etc/densach/applications.txt"
    own.parent.mkdir(parents=True)
    own.write_text("# ours\ne-learning: vnedu* firefox-esr\nspiele: pong\noffice\n:::\n\xff\n")
    known = read(desk.machine)
    assert [known.of(name) for name in ("vnedu-client", "firefox-esr", "firefox", "pong")] == [
        "e-learning",
        "e-learning",
        "browser",
        None,
    ]


def test_a_school_s_file_that_only_root_may_read_is_passed_over(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: str, limit: int = 0) -> str | None:
        raise Denied(path)

    monkeypatch.setattr(desk.machine, "whole", denied)
    assert read(desk.machine).of("firefox") == "browser"


def test_the_file_names_only_known_classes_and_small_letters() -> None:
    text = (SESSION / "applications.txt").read_text("utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert all(line.partition(":")[0] in CLASSES for line in lines)
    for pattern, _ in rules(text):
        assert re.fullmatch(r"[a-z0-9][a-z0-9._+-]*\*?", pattern), pattern


def test_helper_and_agent_sort_alike() -> None:
    """The helper reads the same file in shell: each name of the list, and variations of it, one class in both."""
    script = (SESSION / "densach-session").read_text("utf-8")
    function = script[script.index("sort_in() {") : script.index("# Sets $class")]
    found = rules((SESSION / "applications.txt").read_text("utf-8"))
    names = sorted({pattern.rstrip("*") + end for pattern, _ in found[::7] for end in ("", "x")} | {"a*b", "[x]", "$(id)"})
    loop = f'set -fu; here={SESSION}; school=/nowhere\n{function}\nfor name; do sort_in "$name"; echo "$class"; done'
    shell = subprocess.run(["sh", "-c", loop, "sh", *names], capture_output=True, text=True, check=True).stdout.split()
    known = Applications(found)
    # Only process names are cut off: the agent may take a cut name for the beginning of a listed one.
    pairs = [(name, told) for name, told in zip(names, shell, strict=True) if len(name) < 15]
    assert [(name, (known.of(name) or "other").removeprefix("e-")) for name, _ in pairs] == pairs
