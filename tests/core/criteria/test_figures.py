"""The rules no figure may break, on facts of every shape; and the field's examples."""

from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from densach_core.criteria.engine import evaluate
from densach_core.criteria.facts import ClassFact, EquipmentFact, Facts, LibraryFact, MachineFact, RoomFact, StudioFact
from densach_core.criteria.figures import Asked, pupils_per_working_computer
from densach_core.criteria.model import Indicator, Norm, Reason
from densach_core.criteria.shelf import load
from densach_core.criteria.shown import figure, rounded
from densach_wire.upward import State

CRITERIA = load().criteria
ROOM = RoomFact("p1", "Phòng máy 1")


def machines(working: int, broken: int = 0, *, room: str = "p1", prefix: str = "m", **more: object) -> list[MachineFact]:
    return [
        MachineFact(id=f"{prefix}{n}", name=f"Máy {n}", room=room, working=n < working, connected=False, **more)  # type: ignore[arg-type]
        for n in range(working + broken)
    ]


def school(
    machines: list[MachineFact] | None,
    classes: list[ClassFact] | None,
    *,
    rooms: tuple[RoomFact, ...] = (ROOM,),
    levels: tuple[str, ...] = ("TH", "THCS", "THPT"),
) -> Facts:
    return Facts(
        as_of="2026-11-24",
        levels=levels,
        machines=tuple(machines) if machines is not None else None,
        rooms=rooms,
        classes=tuple(classes) if classes is not None else None,
        school_days=("2026-11-24", "2026-11-23", "2026-11-21", "2026-11-20", "2026-11-19"),
    )


def klass(name: str, level: str, pupils: int | None, *rooms: str) -> ClassFact:
    return ClassFact(id=name, name=name, level=level, pupils=pupils, rooms=rooms)


def indicator(facts: Facts, key: str) -> Indicator:
    return next(i for i in evaluate(CRITERIA, facts) if i.key == key)


def test_largest_class_of_each_level_over_the_working_machines_of_its_room() -> None:
    facts = school(machines(20, 5), [klass("6A", "THCS", 35), klass("6B", "THCS", 44), klass("10A", "THPT", 20)])
    lower = indicator(facts, "pupils-per-computer.THCS")
    assert lower.value == pytest.approx(2.2)
    assert (lower.within, lower.norm, lower.state) == (False, 2, State.MEASURED)
    assert len(lower.grounds.machines) == 20
    assert indicator(facts, "pupils-per-computer.THPT").within is True
    assert indicator(facts, "pupils-per-computer.TH").reason == Reason.NO_CLASS


def test_shortfall_counts_a_shared_room_once_for_the_level_that_needs_most() -> None:
    facts = school(machines(20), [klass("6A", "THCS", 44), klass("10A", "THPT", 30)])
    short = indicator(facts, "computers-short")
    assert short.value == 10  # THPT: 30 needed; THCS: 22 needed; one room
    assert {part.level: part.short for part in short.parts} == {"THCS": 2, "THPT": 10}


def test_without_a_roster_the_ratio_is_unknown_and_says_why() -> None:
    found = indicator(school(machines(20), None), "pupils-per-computer.THCS")
    assert (found.value, found.state, found.reason) == (None, State.UNKNOWN, Reason.NO_ROSTER)


def test_a_class_whose_room_nobody_named_is_unknown_when_there_are_two_rooms() -> None:
    rooms = (ROOM, RoomFact("p2", "Phòng máy 2"))
    found = indicator(school(machines(20), [klass("6A", "THCS", 40)], rooms=rooms), "pupils-per-computer.THCS")
    assert found.reason == Reason.ROOM_UNKNOWN
    assert indicator(school(machines(20), [klass("6A", "THCS", 40)], rooms=rooms), "computers-short").value is None


def test_a_room_that_serves_the_level_is_taken_when_it_is_the_only_one() -> None:
    rooms = (RoomFact("p1", "Tin 1", ("THCS",)), RoomFact("p2", "Tin 2", ("THPT",)))
    facts = school(machines(10) + machines(30, room="p2", prefix="n"), [klass("6A", "THCS", 30)], rooms=rooms)
    assert indicator(facts, "pupils-per-computer.THCS").value == 3


def test_no_working_machine_breaks_the_norm_without_inventing_a_number() -> None:
    found = indicator(school(machines(0, 10), [klass("6A", "THCS", 40)]), "pupils-per-computer.THCS")
    assert (found.value, found.within, found.reason) == (None, False, Reason.NO_WORKING)
    assert indicator(school(machines(0, 10), [klass("6A", "THCS", 40)]), "computers-short").value == 20


def test_a_ratio_is_of_real_machines_and_the_one_with_simulated_ones_stands_beside() -> None:
    mixed = machines(10, simulated=True) + machines(2, prefix="d", measured=False)
    found = indicator(school(mixed, [klass("6A", "THCS", 24)]), "pupils-per-computer.THCS")
    assert (found.value, found.within, found.with_simulated) == (12, False, 2)
    assert (found.grounds.simulated, found.grounds.declared, found.state) == (10, 2, State.DECLARED)
    assert (found.parts[0].working, found.parts[0].simulated, found.parts[0].with_simulated) == (2, 10, 2)
    short = indicator(school(mixed, [klass("6A", "THCS", 24)]), "computers-short")
    assert (short.value, short.with_simulated) == (10, 0)


def test_simulated_machines_are_counted_apart() -> None:
    found = indicator(school(machines(3) + machines(40, prefix="s", simulated=True), None), "machines-registered")
    assert (found.value, found.grounds.simulated, len(found.grounds.machines), len(found.grounds.apart)) == (3, 40, 3, 40)


def test_before_anything_was_heard_or_declared_a_count_is_unknown_and_nought_once_all_have_gone() -> None:
    fresh = msgspec.structs.replace(school([], None), studio=StudioFact(rooms=("st",)), register_known=False)
    for key in ("machines-registered", "machines-working", "machines-connected", "studio-equipment"):
        found = indicator(fresh, key)
        assert (found.value, found.state, found.reason) == (None, State.UNKNOWN, Reason.NO_MACHINES)
        assert indicator(msgspec.structs.replace(fresh, register_known=True), key).value == 0
    pretending = msgspec.structs.replace(fresh, machines=tuple(machines(4, simulated=True)))
    found = indicator(pretending, "machines-registered")
    assert (found.value, found.with_simulated, found.reason) == (None, 4, Reason.NO_MACHINES)
    assert indicator(fresh, "studio-rooms").value == 1


def test_loans_are_unknown_until_there_is_a_desk_and_reads_of_nothing_are_a_true_zero() -> None:
    facts = msgspec.structs.replace(school([], []), library=LibraryFact(titles=3, items=4, reads=0), studio=StudioFact())
    assert indicator(facts, "library-loans").reason == Reason.NO_DESK
    assert indicator(facts, "library-reads").value == 0
    assert indicator(facts, "studio-rooms").value == 0


def test_half_is_rounded_up_and_written_with_a_comma() -> None:
    assert figure(2.25, 1, "vi") == "2,3"
    assert figure(2.675, 2, "en") == "2.68"
    assert figure(1234.5, 0, "vi") == "1.235"
    assert figure(None, 1, "vi") is None
    assert str(rounded(0.5, 0)) == "1"


def test_the_norm_is_held_against_the_exact_value_not_the_rounded_one() -> None:
    found = indicator(school(machines(49), [klass("6A", "THCS", 99)]), "pupils-per-computer.THCS")
    assert figure(found.value, 1, "vi") == "2,0"
    assert found.within is False


maybe = st.one_of(st.none(), st.booleans())
some_machines = st.lists(
    st.builds(
        MachineFact,
        id=st.uuids().map(str),
        name=st.just("Máy"),
        room=st.sampled_from([None, "p1", "p2"]),
        measured=st.booleans(),
        simulated=st.booleans(),
        working=maybe,
        connected=maybe,
        for_pupils=st.booleans(),
    ),
    max_size=12,
)
some_classes = st.lists(
    st.builds(
        ClassFact,
        id=st.uuids().map(str),
        name=st.just("6A"),
        level=st.sampled_from(["TH", "THCS", "THPT"]),
        pupils=st.one_of(st.none(), st.integers(0, 60)),
        rooms=st.sampled_from([(), ("p1",), ("p2",), ("p1", "p2")]),
    ),
    max_size=6,
)
some_facts = st.builds(
    lambda m, c, known: msgspec.structs.replace(
        school(m, c, rooms=(ROOM, RoomFact("p2", "Phòng máy 2"))), studio=StudioFact(rooms=("st",)), register_known=known
    ),
    st.one_of(st.none(), some_machines),
    st.one_of(st.none(), some_classes),
    st.booleans(),
)


def headline(found: Indicator) -> Indicator:
    """All of a figure but what is said of simulated machines."""
    grounds = msgspec.structs.replace(found.grounds, apart=(), simulated=0)
    parts = tuple(msgspec.structs.replace(part, simulated=0, with_simulated=None) for part in found.parts)
    return msgspec.structs.replace(found, grounds=grounds, parts=parts, with_simulated=None, digest="")


@given(some_facts, some_machines, st.integers(0, 3))
def test_simulated_machines_and_equipment_change_no_headline(facts: Facts, more: list[MachineFact], pieces: int) -> None:
    pretending = tuple(msgspec.structs.replace(machine, simulated=True) for machine in more)
    equipment = tuple(EquipmentFact(id=f"plug{n}", name="Ổ cắm", simulated=True) for n in range(pieces))
    with_them = msgspec.structs.replace(
        facts,
        machines=(*facts.machines, *pretending)
        if facts.machines is not None
        else pretending
        if not facts.register_known
        else None,
        studio=StudioFact(rooms=("st",), equipment=equipment),
    )
    before, after = evaluate(CRITERIA, facts), evaluate(CRITERIA, with_them)
    assert [headline(one) for one in before] == [headline(one) for one in after]
    for one in after:
        assert one.grounds.simulated == len(one.grounds.apart)
        assert one.with_simulated is None or one.grounds.simulated


@given(some_facts)
def test_unknown_is_never_a_number_and_always_has_a_reason(facts: Facts) -> None:
    for found in evaluate(CRITERIA, facts):
        if found.state is State.UNKNOWN:
            assert found.value is None
            assert found.within is None
        if found.value is None:
            assert found.reason is not None
        if found.grounds.declared and found.value is not None and found.code != "studio-rooms":
            assert found.state is State.DECLARED


@given(some_facts)
def test_what_nobody_knows_is_never_counted_as_nought(facts: Facts) -> None:
    by_key = {found.key: found for found in evaluate(CRITERIA, facts)}
    judged = [machine.working for machine in facts.machines or () if not machine.simulated]
    if judged and all(working is None for working in judged):
        assert by_key["machines-working"].value is None
    for level in facts.levels:
        sizes = [k.pupils for k in facts.classes or () if k.level == level]
        if facts.classes is None or None in sizes:
            assert by_key[f"pupils-per-computer.{level}"].value is None


@given(st.integers(1, 60), st.integers(0, 40), st.integers(1, 10))
def test_a_machine_more_never_makes_the_ratio_worse_nor_the_need_larger(pupils: int, working: int, more: int) -> None:
    before = school(machines(working, 3), [klass("6A", "THCS", pupils)])
    after = school(machines(working + more, 3), [klass("6A", "THCS", pupils)])
    one = pupils_per_working_computer(Asked(before, "THCS", {"THCS": Norm(at_most=2)}))
    two = pupils_per_working_computer(Asked(after, "THCS", {"THCS": Norm(at_most=2)}))
    assert two.value is not None
    assert one.value is None or two.value < one.value
    assert (indicator(after, "computers-short").value or 0) <= (indicator(before, "computers-short").value or 0)


@given(st.integers(0, 59), st.integers(1, 40))
def test_a_pupil_more_in_the_largest_class_never_makes_it_better(pupils: int, working: int) -> None:
    def ratio(size: int) -> Fraction:
        asked = Asked(school(machines(working), [klass("6A", "THCS", size)]), "THCS", {})
        value = pupils_per_working_computer(asked).value
        assert value is not None
        return value

    assert ratio(pupils) < ratio(pupils + 1)


@given(some_facts)
def test_the_same_facts_give_the_same_digest_and_a_changed_machine_another(facts: Facts) -> None:
    first, again = evaluate(CRITERIA, facts), evaluate(CRITERIA, facts)
    assert [i.digest for i in first] == [i.digest for i in again]
    if facts.machines:
        renamed = msgspec.structs.replace(
            facts, machines=(msgspec.structs.replace(facts.machines[0], name="Khác"), *facts.machines[1:])
        )
        registered = next(i for i in evaluate(CRITERIA, renamed) if i.code == "machines-registered")
        assert registered.digest != first[0].digest
