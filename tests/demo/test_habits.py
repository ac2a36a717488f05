"""Habits: the same every time, never across an hour, nobody at night, Sundays off."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from densach_core.clock import moment
from densach_demo.simulator import habits

MONDAY = date(2026, 9, 7)
days = st.integers(0, 400).map(lambda n: MONDAY + timedelta(days=n))


@given(days, st.integers(1, 60))
def test_the_same_day_is_always_the_same(day: date, number: int) -> None:
    assert habits.day_of_machine("s", "r1", number, day) == habits.day_of_machine("s", "r1", number, day)


@given(days, st.integers(1, 60))
def test_sessions_lie_inside_the_time_the_machine_is_on(day: date, number: int) -> None:
    for powered in habits.day_of_machine("s", "r1", number, day):
        assert 6 <= moment(powered.on_at).hour <= 16
        assert moment(powered.off_at).hour < 18
        for session in powered.sessions:
            assert powered.on_at <= session.start_at < session.end_at <= powered.off_at


@given(days, st.integers(1, 60))
def test_slices_never_cross_an_hour_and_add_up(day: date, number: int) -> None:
    for powered in habits.day_of_machine("s", "r1", number, day):
        for session in powered.sessions:
            pieces = list(habits.slices(session))
            assert sum(stop - start for start, stop in pieces) == session.end_at - session.start_at
            assert all(start // habits.HOUR_MS == (stop - 1) // habits.HOUR_MS for start, stop in pieces)


def test_sundays_are_free() -> None:
    assert habits.day_of_machine("s", "r1", 1, date(2026, 9, 6)) == []


def test_a_week_is_well_used() -> None:
    week = [habits.day_of_machine("s", "r1", n, MONDAY + timedelta(days=d)) for n in range(1, 16) for d in range(6)]
    assert sum(len(powered.sessions) for day in week for powered in day) > 200
