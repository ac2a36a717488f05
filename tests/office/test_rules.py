"""Decisions of the office without I/O: what adds up, and what must not."""

from hypothesis import given
from hypothesis import strategies as st
from tests.office.store_contract import arrival, child

from densach_office.schools.model import ChildKind, Held, NoticeKind
from densach_office.schools.rules import counted, is_code, judge, total
from densach_wire.upward import Counts, FleetSummary

numbers = st.one_of(st.none(), st.integers(0, 500))
counts = st.builds(Counts, registered=numbers, working=numbers, connected=numbers)
fleets = st.builds(FleetSummary, measured=counts, declared=counts, simulated=counts)


def test_unknown_of_many_and_none_declared_is_unknown_not_nought() -> None:
    fleet = FleetSummary(
        measured=Counts(registered=40, working=None, connected=3),
        declared=Counts(registered=0, working=0),
        simulated=Counts(registered=12, working=12, connected=12),
    )
    assert (counted(fleet, "registered"), counted(fleet, "working"), counted(fleet, "connected")) == (40, None, 3)


@given(fleets)
def test_a_part_that_does_not_know_is_never_counted_as_nought(fleet: FleetSummary) -> None:
    for part in (fleet.measured, fleet.declared):
        if part.registered and part.working is None:
            assert counted(fleet, "working") is None
    value = counted(fleet, "registered")
    assert value is None or value == (fleet.measured.registered or 0) + (fleet.declared.registered or 0)


@given(st.lists(numbers))
def test_schools_that_do_not_know_are_left_out(parts: list[int | None]) -> None:
    known = [part for part in parts if part is not None]
    assert total(*parts) == (sum(known) if known else None)


@given(st.integers(1, 9), st.integers(1, 9), st.booleans())
def test_only_a_rising_version_is_taken(held: int, new: int, same: bool) -> None:
    old = arrival("1", held)
    coming = arrival("1", new, digest=old.digest if same else "other")
    verdict = judge(Held(record=old.record, digest=old.digest, received_at=0, via="1"), coming, child("1"), paired_itself=True)
    if new > held:
        assert verdict is None
    elif new < held:
        assert verdict is NoticeKind.OLDER
    else:
        assert verdict is (NoticeKind.REPEAT if same else NoticeKind.OTHER)
    office = child("xa", ChildKind.OFFICE)
    assert judge(None, coming, office, paired_itself=True) is NoticeKind.DIRECT
    assert judge(None, coming, office, paired_itself=False) is None


def test_codes_keep_their_zeros_and_hold_no_paths() -> None:
    assert is_code("0123456")
    assert is_code("79-THCS.a_1")
    for bad in ("", "a/b", "../x", "a b", "ă", "x" * 41, "\n", "0123\n"):
        assert not is_code(bad)
