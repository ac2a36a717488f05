"""Decisions of sending: versions that only rise, answers read rightly, waiting spread out."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from densach_core.errors import BadInput
from densach_core.sender.courier import address
from densach_core.sender.model import Current, Waiting
from densach_core.sender.rules import (
    BATCH_BYTES,
    LONGEST_WAIT_MS,
    Fate,
    batch,
    changed,
    event_for,
    fate,
    next_version,
    wait_ms,
)
from densach_wire.upward import MAX_RECORDS, Answer, Sukien, Verdict

maybe = st.one_of(st.none(), st.integers(0, 10**9))


@given(maybe, maybe)
def test_the_next_version_is_above_all_that_was_stored_or_told(stored: int | None, told: int | None) -> None:
    found = next_version(stored, told)
    assert found > (stored or 0)
    assert found > (told or 0)


@given(st.integers(0, 60), st.floats(0, 1, exclude_max=True))
def test_waiting_is_bounded_and_takes_the_whole_span(failures: int, chance: float) -> None:
    found = wait_ms(failures, chance)
    assert 0 <= found <= LONGEST_WAIT_MS
    assert wait_ms(failures, 0.0) == 0
    assert wait_ms(failures + 1, 0.999) >= wait_ms(failures, 0.999)


def current(event: Sukien = Sukien.UPDATE, digest: str | None = "a") -> Current:
    return Current(record="1/fleet", kind="fleet", version=3, event=event, as_of="2026-11-24", digest=digest, body=b"{}")


def test_what_must_be_sent_and_under_which_event() -> None:
    assert changed(None, "a")
    assert not changed(current(), "a")
    assert changed(current(), "b")
    assert changed(current(digest=None), "a")  # the office holds something newer than we remember
    assert changed(current(Sukien.CANCEL), "a")
    assert event_for(None, cancelled=False) is Sukien.NEW
    assert event_for(current(Sukien.CANCEL), cancelled=False) is Sukien.NEW
    assert event_for(current(), cancelled=False) is Sukien.UPDATE
    assert event_for(current(), cancelled=True) is Sukien.CANCEL


@pytest.mark.parametrize(
    ("answer", "kept", "expected"),
    [
        (Answer(id="x", verdict=Verdict.ACCEPTED), False, Fate.DONE),
        (Answer(id="x", verdict=Verdict.REFUSED, code="c"), False, Fate.REFUSED),
        (Answer(id="x", verdict=Verdict.IGNORED, version=3, digest="mine"), False, Fate.DONE),
        (Answer(id="x", verdict=Verdict.IGNORED, version=3, digest="other"), False, Fate.BEHIND),
        (Answer(id="x", verdict=Verdict.IGNORED, version=9, digest="other"), False, Fate.BEHIND),
        (Answer(id="x", verdict=Verdict.IGNORED, version=9, digest="other"), True, Fate.DONE),
    ],
)
def test_what_an_answer_means(answer: Answer, kept: bool, expected: Fate) -> None:
    assert fate(answer, sent_digest="mine", kept_version=kept) is expected


@given(st.lists(st.integers(1, BATCH_BYTES * 2), max_size=20))
def test_a_batch_takes_from_the_front_at_least_one_and_no_more_than_fits(sizes: list[int]) -> None:
    waiting = [
        Waiting(record=str(n), as_of="2026-11-24", version=1, event="NEW", body=b"x" * (size % 4096 or 1), queued_at=0)
        for n, size in enumerate(sizes * 20)
    ]
    taken = batch(waiting)
    assert taken == waiting[: len(taken)]
    assert len(taken) <= MAX_RECORDS
    assert bool(taken) is bool(waiting)
    assert len(taken) <= 1 or sum(len(one.body) for one in taken) <= BATCH_BYTES


def test_a_record_too_large_for_a_batch_goes_alone() -> None:
    big = Waiting(record="1", as_of="d", version=1, event="NEW", body=b"x" * (BATCH_BYTES + 1), queued_at=0)
    assert batch([big, msgspec.structs.replace(big, record="2")]) == [big]


def test_addresses_of_offices() -> None:
    assert address(" so.example.edu.vn/ ") == "https://so.example.edu.vn"
    assert address("http://10.0.0.5:8081") == "http://10.0.0.5:8081"
    for bad in (
        "",
        "ftp://x",
        "https://",
        "http://x?y=1",
        "javascript://x",
        "http://[::1",
        "http://x:y",
        "http://x:99999",
        "http://a:b@x",
    ):
        with pytest.raises(BadInput):
            address(bad)
