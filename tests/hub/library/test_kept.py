"""What is kept of pages: until something changes, and never more than its bytes."""

from densach_hub.library.kept import Kept


def test_it_is_kept_until_something_changes() -> None:
    kept = Kept(1_000)
    kept.put(1, "a", "Đèn Sách")
    assert kept.get(1, "a") == "Đèn Sách"
    assert kept.get(1, "b") is None
    assert kept.get(2, "a") is None
    assert len(kept) == 0


def test_it_never_grows_beyond_its_bytes() -> None:
    kept = Kept(100)
    for n in range(50):
        kept.put(1, n, "ễ" * 10)
        assert len(kept) <= 3
    assert kept.get(1, 49) == "ễ" * 10
    kept.put(1, "large", "x" * 101)
    assert kept.get(1, "large") is None
    for _ in range(20):
        kept.put(1, "same", "x" * 30)
    assert kept.get(1, "same") == "x" * 30
