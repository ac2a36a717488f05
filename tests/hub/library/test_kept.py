"""What is kept of pages: until something changes, and never more than its bytes."""

import random

import pytest

from densach_hub.library.kept import OVERHEAD, PACK_FROM, Kept


def test_it_is_kept_until_something_changes() -> None:
    kept = Kept(1_000)
    kept.put(1, "a", "Đèn Sách")
    assert kept.get(1, "a") == "Đèn Sách"
    assert kept.get(1, "b") is None
    assert kept.get(2, "a") is None
    assert len(kept) == 0


def test_it_never_grows_beyond_its_bytes_and_lets_the_oldest_go() -> None:
    kept = Kept(3 * (OVERHEAD + 40))
    for n in range(50):
        kept.put(1, n, "ễ" * 10)
        assert kept.get(1, 0) == "ễ" * 10, "asked for all the time"
        assert len(kept) <= 3
    assert kept.get(1, 49) == "ễ" * 10
    assert kept.get(1, 2) is None
    kept.put(1, 49, "x" * 40_000)
    assert kept.get(1, 49) == "x" * 40_000, "packed, it has room"
    kept.put(1, 49, random.Random(1).randbytes(5_000).hex())
    assert kept.get(1, 49) is None, "what has none takes the older one with it"
    for _ in range(20):
        kept.put(1, "same", "x" * 30)
    assert kept.get(1, "same") == "x" * 30
    assert kept.get(1, 0) == "ễ" * 10


@pytest.mark.parametrize("length", [0, 1, PACK_FROM - 1, PACK_FROM, 100_000])
def test_long_and_short_come_back_as_they_were(length: int) -> None:
    kept = Kept(1_000_000)
    html = ("zệ-" * length)[:length]
    kept.put(1, "a", html)
    assert kept.get(1, "a") == html
