"""What a machine is made of, and what happened to it, in a person's words."""

import ast
import re
from datetime import date
from pathlib import Path

from densach_agent import collectors
from densach_core.text import Text
from densach_hub.fleet.telling import Change, ChangeKind, ChangeState, Section, SeenEvent
from densach_hub.lab.composition import ATTRIBUTES, IN_NAME, WORDS, group, groups, named, part, software_count
from densach_hub.lab.history import EVENTS, changed, event_line
from densach_hub.studio.rules import bars, known_sum
from densach_wire.messages import Item, SectionStatus

GIB = 1024**3


def section(name: str, *items: Item, status: SectionStatus = SectionStatus.OK, reason: str = "") -> Section:
    return Section(device="d", section=name, items=items, digest="x", at=1, seen_at=2, status=status, reason=reason)


def test_maker_and_model_are_one_name_and_the_maker_not_twice() -> None:
    assert named(Item("display", "HDMI-1", {"maker": "Dell", "model": "Dell P2219H"})) == "Dell P2219H"
    assert named(Item("memory", "DIMM 0", {"maker": "Kingston"})) == "Kingston"
    assert named(Item("network", "eno1", {})) == "eno1"


def test_a_part_says_its_size_and_the_facts_that_have_words() -> None:
    found = part(Item("memory", "DIMM 0", {"size_bytes": 8 * GIB, "kind": "DDR4", "colour": "green", "bad": None}))
    assert found.size == 8 * GIB
    assert [(fact.label.msgid, fact.value) for fact in found.facts] == [("Kind", "DDR4")]


def test_sections_stand_in_the_order_a_technician_reads_and_software_is_counted() -> None:
    packages = section("packages", *(Item("package", f"p{n}", {"name": f"p{n}"}) for n in range(3)))
    found = [packages, section("disk", Item("disk", "sda")), section("cpu", Item("cpu", "CPU 0"))]
    assert [g.section for g in groups(found)] == ["cpu", "disk"]
    assert software_count(found) == 3


def test_a_look_that_failed_is_said_even_without_parts() -> None:
    failed = section("memory", status=SectionStatus.DENIED, reason="permission")
    assert [g.reason for g in groups([failed])] == ["permission"]
    assert group(section("zigbee", Item("lamp", "1"))).label == Text("zigbee")


def change(kind: ChangeKind, state: ChangeState = ChangeState.CONFIRMED, *, planned: bool = False) -> Change:
    return Change(
        device="d", at=1, boot="b", section="memory", cls="memory", key="DIMM 1", kind=kind, state=state, planned=planned,
        before={"size_bytes": 8 * GIB, "speed_mts": 2666}, after={"size_bytes": 4 * GIB, "speed_mts": 2666},
    )  # fmt: skip


def test_a_removal_is_urgent_until_it_is_back_or_was_planned() -> None:
    assert changed(change(ChangeKind.REMOVED)).urgent
    assert changed(change(ChangeKind.REMOVED, ChangeState.SUSPECTED)).urgent
    assert not changed(change(ChangeKind.REMOVED, ChangeState.RETURNED)).urgent
    assert not changed(change(ChangeKind.REMOVED, planned=True)).urgent


def test_a_change_says_only_what_differs() -> None:
    detail = changed(change(ChangeKind.CHANGED)).detail
    assert isinstance(detail, Text)
    assert list(detail.values) == ["p0"]


def test_an_event_nobody_named_keeps_its_word() -> None:
    assert event_line(SeenEvent(id=1, device="d", at=1, kind="lamp-worn", attrs={"hours": 3000})).what == Text("lamp-worn")


def test_equipment_that_never_measured_has_no_sum() -> None:
    assert known_sum([None, None]) is None
    assert known_sum([None, 2.0]) == 2.0
    assert [bar.hours for bar in bars([], date(2026, 11, 24), 2)] == [None, None]


NOT_ON_THE_CARD = {
    "id", "sku", "family", "codename", "machine_id_linked", "area", "source", "width_mm", "height_mm",
    "function", "functions", "subsystem", "revision", "uuid", "wwn", "stepping", "serial_number", "week", "analog", "design_mv",
    "primary",
    "app", "install_date", "licence", "licence_class", "origin", "publisher", "title",
}  # fmt: skip
"""For programs and the list of software; a technician reads the rest."""


def test_every_attribute_an_agent_sends_has_words_or_is_left_out_on_purpose() -> None:
    sent = set()
    for path in Path(str(collectors.__file__)).parent.glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "item":
                sent |= {word.arg for word in call.keywords if word.arg}
    assert len(sent) > 30
    assert sent - set(ATTRIBUTES) - set(IN_NAME) == NOT_ON_THE_CARD


def test_every_event_an_agent_tells_has_words() -> None:
    told = set()
    for path in Path(str(collectors.__file__)).parent.parent.glob("*.py"):
        told |= set(re.findall(r'Event\(\s*"([a-z-]+)"', path.read_text("utf-8")))
    assert told >= {"boot", "outbox-full", "takeover"}
    assert told | {"shutdown", "stopped"} <= set(EVENTS)


def test_what_is_in_all_is_called_so_and_what_has_no_words_is_left_out() -> None:
    said = part(Item("memory-total", "total", {"size_bytes": 4 * 1024**3, "something_new": 7}))
    assert said.name == ""
    assert (said.label.msgid, said.size, said.facts) == ("In all", 4 * 1024**3, ())


def test_kinds_of_parts_and_the_only_one_of_its_class_are_not_told_in_the_agents_words() -> None:
    for kind in ("bridge", "network", "yes"):
        [fact] = part(Item("pci", "00:1f.0", {"kind": kind})).facts
        assert fact.value == WORDS[kind]
    assert named(Item("route", "default", {"gateway": "192.0.2.1"})) == ""
