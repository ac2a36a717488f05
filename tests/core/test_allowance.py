"""Buckets of tokens: what is let through, what has to wait, who is remembered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from densach_core.allowance import Allowance, neighbourhood


class Hand:
    """A clock moved by hand; seconds."""

    def __init__(self) -> None:
        self.s = 1000.0

    def now_ms(self) -> int:
        return int(self.s * 1000)

    def monotonic(self) -> float:
        return self.s


def test_a_burst_then_the_pace() -> None:
    clock = Hand()
    allowance = Allowance(clock, per_s=10, burst=30)
    assert [allowance.take("lan") for _ in range(30)] == [0.0] * 30
    assert allowance.take("lan") == pytest.approx(0.1)
    assert allowance.take("minh") == 0.0, "others are not held up"
    clock.s += 0.5
    assert [allowance.take("lan") for _ in range(5)] == [0.0] * 5
    assert allowance.take("lan") > 0
    clock.s += 3600
    assert allowance.left("lan") == 30


@given(st.lists(st.floats(0, 2), max_size=200))
def test_never_more_than_burst_and_pace_allow(pauses: list[float]) -> None:
    clock = Hand()
    allowance = Allowance(clock, per_s=2, burst=5)
    taken = 0
    for pause in pauses:
        clock.s += pause
        taken += allowance.take("x") == 0.0
    assert taken <= 5 + 2 * sum(pauses) + 1e-6


def test_it_remembers_so_many_and_no_more() -> None:
    allowance = Allowance(Hand(), per_s=1, burst=1, remembered=10)
    for n in range(1000):
        assert allowance.take(str(n)) == 0.0
    assert len(allowance._levels) == 10


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("10.0.0.7", "10.0.0.7"), ("::ffff:10.0.0.7", "10.0.0.7"), ("fe80::1%eth0", "fe80::/64"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"), ("local", "local"),
    ],
)  # fmt: skip
def test_another_address_of_the_same_machine_is_the_same(address: str, key: str) -> None:
    assert neighbourhood(address) == key
