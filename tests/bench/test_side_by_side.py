"""What the comparison with other libraries makes of what it measured; no times are judged here."""

from pathlib import Path

import pytest
from tests.bench.peers.served import LOCKS, NotStartedError, Served, running, version_of, wait_until
from tests.bench.side_by_side import CLIENTS, Measured, figures, table
from tests.bench.visiting import PATIENCE_S, WHAT, Visited
from tests.bench.wording import Mouths, questions


def measured(name: str, ms: float, *, data: bool = False, failed: int = 0, memory: float = 100.0) -> Measured:
    rounds = {
        (what, clients): Visited(what, clients, 10.0, [ms] * int(10_000 / ms), failed, 5_000, 0.5)
        for what in WHAT
        for clients in CLIENTS
    }
    return Measured(name, True, data, rounds, dict.fromkeys(rounds, ms), memory)


def test_ours_is_held_against_the_best_of_each_point() -> None:
    found = list(figures(measured("ours", 2.0), [measured("slow", 100.0), measured("fast", 25.0)]))
    assert {figure.against_what for figure in found} == {"fast"}
    assert {figure.met for figure in found if figure.goal} == {True}
    assert not all(figure.met for figure in figures(measured("ours", 2.0), [measured("fast", 10.0)]))


def test_a_class_asks_the_same_questions_of_every_library() -> None:
    titles = [f"Đại số và giải tích {n}" for n in range(300)]
    every = questions(titles, 200)
    assert every == questions(titles, 200)
    assert len(set(every)) == 200
    one, same, other = Mouths(every, 1), Mouths(every, 1), Mouths(every, 2)
    first = [one.next() for _ in range(500)]
    assert first == [same.next() for _ in range(500)]
    assert first != [other.next() for _ in range(500)]
    assert 50 < len(set(first)) < 200, "some again and again, many once"


def test_who_is_never_answered_counts_as_having_waited() -> None:
    assert measured("x", 100.0, failed=2).p99("search", 1) == 1000 * PATIENCE_S
    assert any("unanswered" in line for line in table([measured("ours", 2.0), measured("x", 100.0, failed=2)]))


def test_the_locks_name_versions_and_no_index() -> None:
    for lock in LOCKS.glob("*.txt"):
        text = lock.read_text("utf-8")
        assert version_of(lock.stem)
        assert "--hash=sha256:" in text
        assert "://" not in text


def test_a_peer_that_does_not_start_says_why(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with (
        pytest.raises(NotStartedError, match="its process ended\nno such book"),
        running("peer", ["sh", "-c", "echo no such book; exit 3"], log) as pid,
    ):
        wait_until("peer", "http://127.0.0.1:9/", pid, log)


def test_memory_and_time_of_a_process_and_its_children(tmp_path: Path) -> None:
    with running("peer", ["sh", "-c", "sleep 60 & wait"], tmp_path / "log") as pid:
        served = Served("peer", "", "", (), pid, "")
        assert served.memory() > 0
        assert served.processor_s() >= 0
