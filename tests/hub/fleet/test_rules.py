"""Decisions about identity, silence and time; examples from the field, and properties that always hold."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.hub.fleet.conftest import DAY, HOUR, MINUTE, MORNING, factors

from densach_core.clock import day_start_ms, moment
from densach_hub.fleet.junk import is_junk, is_junk_serial
from densach_hub.fleet.model import Condition, FleetPolicy, Kind, Machine
from densach_hub.fleet.rules import Likeness, alternates, glyph, likeness, on_time, same_machine, used_energy
from densach_hub.fleet.sights import Glyph
from densach_hub.fleet.telling import Live
from densach_wire.factors import factor_digest
from densach_wire.messages import Factor, Presence

SEAT_1 = factors("board-1", "disk-1", "mac-1")
SEAT_2 = factors("board-2", "disk-2", "mac-2")
NOBODY: dict[str, int] = {}
letters = st.sampled_from(["a", "b", "c", "d"])
fingerprints = st.builds(factors, letters, letters, letters)


def test_a_disk_image_in_another_machine_is_another_machine() -> None:
    assert likeness(SEAT_1, SEAT_2, NOBODY) is Likeness.OTHER


def test_a_new_main_board_with_the_old_disk_is_the_same_machine() -> None:
    assert likeness(SEAT_1, factors("board-9", "disk-1", "mac-9"), NOBODY) is Likeness.SAME


def test_a_new_disk_is_the_same_machine_and_gets_its_id_back() -> None:
    renewed = factors("board-1", "disk-9", "mac-1", machine_id="fresh")
    assert likeness(SEAT_1, renewed, NOBODY) is Likeness.SAME
    assert same_machine(SEAT_1, renewed, NOBODY)


def test_a_disk_moved_into_another_machine_does_not_bring_its_id() -> None:
    moved = factors("board-2", "disk-1", "mac-2")
    assert not same_machine(SEAT_1, moved, NOBODY)


def test_a_lab_with_one_serial_for_all_boards_is_told_apart_by_the_rest() -> None:
    """Any value on three machines is junk, however plausible it looks; and until then it is outvoted."""
    one, other = factors("SAME", "disk-1", "mac-1"), factors("SAME", "disk-2", "mac-2")
    shared = {factor_digest("board", "SAME"): 2}
    assert likeness(one, other, NOBODY) is Likeness.OTHER
    assert likeness(one, other, shared) is Likeness.OTHER
    assert likeness(one, factors("SAME", "disk-1", "mac-2"), shared) is Likeness.SAME
    assert likeness(factors("SAME", "", ""), factors("SAME", "", ""), shared) is Likeness.UNSURE


def test_a_machine_without_strong_factors_cannot_be_told_apart() -> None:
    weak = (Factor("machine-id", factor_digest("machine-id", "x"), strong=False),)
    assert likeness(weak, weak, NOBODY) is Likeness.UNSURE
    assert not same_machine(weak, weak, NOBODY)


def test_junk_is_known_whatever_its_case_and_spaces() -> None:
    for value in ("To Be Filled By O.E.M.", " to be filled by  o.e.m. ", "0", "Default string"):
        assert is_junk(Factor("board", factor_digest("board", value)), NOBODY)
        assert is_junk_serial(value)
    assert is_junk(Factor("product-uuid", factor_digest("product-uuid", "03000200-0400-0500-0006-000700080009")), NOBODY)
    assert is_junk_serial("FFFFFFFF")
    assert not is_junk_serial("S3YJNX0K")


@given(fingerprints)
def test_a_machine_is_always_like_itself(shown: tuple[Factor, ...]) -> None:
    assert likeness(shown, shown, NOBODY) is Likeness.SAME
    assert same_machine(shown, shown, NOBODY)


@given(fingerprints, fingerprints)
def test_likeness_does_not_depend_on_the_order(one: tuple[Factor, ...], other: tuple[Factor, ...]) -> None:
    assert likeness(one, other, NOBODY) is likeness(other, one, NOBODY)
    if likeness(one, other, NOBODY) is Likeness.OTHER:
        assert not same_machine(one, other, NOBODY)


def test_a_boot_that_comes_back_is_two_machines() -> None:
    assert alternates("a", "b", ["a", "b"])
    assert not alternates("b", "b", ["a", "b"])
    assert not alternates("c", "b", ["a", "b"])
    assert not alternates("a", None, [])


def test_where_the_hardware_says_the_same_only_the_second_return_counts() -> None:
    """A virtual machine put back to a running snapshot returns once; two machines return again and again."""
    assert not alternates("a", "b", ["a", "b"], surely=True)
    assert alternates("b", "a", ["a", "b"], surely=True)


def machine(**more: object) -> Machine:
    plain = Machine(id="pc-1", name="PC-01", kind=Kind.AGENT, admitted_at=MORNING - 10 * DAY, admitted_by="Lan")
    return msgspec.structs.replace(plain, **more)


def live(presence: Presence, ago: int, *, active_ago: int | None = None) -> Live:
    active = None if active_ago is None else MORNING - active_ago
    return Live(device="pc-1", presence=presence, presence_at=MORNING - ago, heard_at=MORNING - ago, active_until_at=active)


def look(one: Live | None, *, neighbours: bool = False, **more: object) -> Glyph:
    return glyph(machine(**more), one, FleetPolicy(), MORNING, neighbours=neighbours)


def test_how_seats_look() -> None:
    assert look(live(Presence.ONLINE, MINUTE, active_ago=5 * MINUTE)) is Glyph.IN_USE
    assert look(live(Presence.ONLINE, MINUTE, active_ago=40 * MINUTE)) is Glyph.IDLE
    assert look(live(Presence.OFF, 2 * HOUR)) is Glyph.OFF
    assert look(live(Presence.OFF, 4 * DAY)) is Glyph.SILENT
    assert look(None) is Glyph.SILENT
    assert look(None, admitted_at=MORNING - HOUR) is Glyph.OFF
    assert look(live(Presence.ONLINE, MINUTE), condition=Condition.BROKEN) is Glyph.BROKEN
    assert look(None, kind=Kind.DECLARED) is Glyph.DECLARED


def test_a_main_switch_pulled_at_night_is_no_loss_but_one_machine_falling_out_is() -> None:
    assert look(live(Presence.OFFLINE, 2 * HOUR)) is Glyph.OFF
    assert look(live(Presence.OFFLINE, 2 * HOUR), neighbours=True) is Glyph.SILENT
    assert look(live(Presence.OFFLINE, 10 * MINUTE), neighbours=True) is Glyph.OFF
    assert look(live(Presence.ONLINE, 2 * HOUR), neighbours=True) is Glyph.SILENT


def test_on_time_is_cut_at_midnight_and_at_long_pauses() -> None:
    midnight = day_start_ms(moment(MORNING).date())
    assert on_time(True, midnight - MINUTE, midnight + 2 * MINUTE, HOUR) == [
        ("2026-11-23", MINUTE),
        ("2026-11-24", 2 * MINUTE),
    ]
    assert on_time(True, MORNING, MORNING + 5 * HOUR, 15 * MINUTE) == [("2026-11-24", 15 * MINUTE)]
    assert on_time(None, MORNING, MORNING + HOUR, HOUR) == []


@given(st.integers(0, 3 * DAY), st.integers(0, 3 * DAY))
def test_on_time_never_exceeds_what_passed(start: int, length: int) -> None:
    parts = on_time(True, MORNING + start, MORNING + start + length, DAY)
    assert sum(ms for _, ms in parts) == min(length, DAY)


def test_an_energy_counter_that_was_reset_counts_from_nought() -> None:
    assert used_energy(100.0, 130.0) == 30.0
    assert used_energy(100.0, 5.0) == 5.0
    assert used_energy(None, 5.0) is None
