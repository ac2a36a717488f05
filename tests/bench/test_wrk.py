"""What is made of what wrk counts, and that whoever asks asks the same; no times are judged here, and wrk is not needed."""

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.bench.asking import LENGTH, drawn
from tests.bench.peers.served import NotStartedError, Served
from tests.bench.sampling import SAMPLE, hits
from tests.bench.side_by_side import PEERS, chosen
from tests.bench.visiting import HEADERS, VisitingPlan, repeated, visit
from tests.bench.wording import questions
from tests.bench.wrk import Pressed, measured, press, visited

QUESTIONS = questions([f"Đại số và giải tích {n}" for n in range(300)], 200)
PLAN = VisitingPlan("http://127.0.0.1:9", "page", 2, "", 1.0)


def corrected(times: list[int], apart: int) -> dict[int, int]:
    """As wrk does it: from twice the mean upwards."""
    counts: dict[int, int] = {}
    for time in times:
        counts[time] = counts.get(time, 0) + 1
    for time in range(2 * apart, max(times) + 1):
        n, less = counts.get(time, 0), time - apart
        while n and less > apart:
            counts[less] = counts.get(less, 0) + n
            less -= apart
    return counts


def test_times_that_wrk_added_are_taken_away_again() -> None:
    times = sorted([10] * 90 + [35, 36, 200, 200, 410, 999, 1_000, 1_003] + [21, 19])
    counts = corrected(times, 30)
    assert sum(counts.values()) > len(times)
    assert measured(list(counts.items()), 30 * len(times) // 2, len(times), 2) == times
    assert measured([(7, 1)], 100, 1, 2) == [7]


def test_what_is_not_answered_with_200_is_named_and_no_quick_answer() -> None:
    found = Pressed(1_000_000, 5, 3, 900, 0, 1, 0.25, {"404": 2}, [(1_000, 2), (2_000, 3)])
    seen = visited(PLAN, found)
    assert (seen.took_ms, seen.failed, seen.others) == ([2.0, 2.0, 2.0], 3, {"404": 2, "broken connection": 1})
    assert (seen.rate, seen.own_share) == (3.0, 0.25)
    with pytest.raises(RuntimeError, match="another version"):
        visited(PLAN, Pressed(1_000_000, 5, 5, 900, 0, 0, 0.25, {}, [(1_000, 2)]))


def test_only_this_machine_is_asked(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="not on this machine"):
        press("wrk", VisitingPlan("http://192.0.2.1:80", "page", 1, "", 1.0), tmp_path)


def test_every_client_begins_elsewhere_and_every_library_is_asked_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.bench.asking.LENGTH", dict.fromkeys(LENGTH, 600))
    pages = [f"/{n}" for n in range(5_000)]
    for what in LENGTH:
        one, other = (drawn(what, 10, search, pages, QUESTIONS) for search in ("/search?q={}", "/find?q={}"))
        assert [path.split("=")[-1] for path in one] == [path.split("=")[-1] for path in other]
        assert len(one) == 600
        assert len({tuple(one[number::10]) for number in range(10)}) == 10
    seen: set[str] = set()
    assert repeated(4, ["/a", "/b", "/a"], seen) == 0.5
    assert repeated(2, ["/a", "/c"], seen) == 0.5


def test_peers_are_chosen_by_name() -> None:
    assert chosen("") == list(PEERS)
    assert [start.__name__ for start in chosen("kiwix, kolibri")] == ["kolibri", "kiwix"]
    with pytest.raises(RuntimeError, match="no koha"):
        chosen("koha,kiwix")


class Library(BaseHTTPRequestHandler):
    """Finds whatever is asked with `so` in it; `/gone` is not there."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        assert self.headers["Accept-Language"] == HEADERS["Accept-Language"]
        body = b"an item" if "so" in self.path or self.path == "/page" else b"nothing"
        self.send_response(404 if self.path == "/gone" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        """Nothing: the test says what is wrong."""


@pytest.fixture
def library() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Library) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_without_wrk_a_client_asks_the_same_list(library: str, tmp_path: Path) -> None:
    paths = tmp_path / "paths"
    paths.write_text("/page\n/gone\n")
    seen = asyncio.run(visit(VisitingPlan(library, "page", 2, str(paths), 0.2)))
    assert seen.took_ms
    assert seen.others == {"404": seen.failed}
    assert seen.failed > 0
    assert seen.body_bytes == 7 * seen.asked


def test_who_finds_nothing_or_everything_is_not_timed(library: str) -> None:
    served = Served("peer", library, "/search?q={}", ("/page",) * 20, 0, "an item")
    some = ["so"] * SAMPLE + ["toan"] * SAMPLE
    assert hits(served, some) == SAMPLE // 2
    with pytest.raises(NotStartedError, match="found nothing"):
        hits(served, ["toan"])
    with pytest.raises(NotStartedError, match="in none of them"):
        hits(Served("peer", library, "/search?q={}", ("/page",), 0, "nothing"), some)
    with pytest.raises(NotStartedError, match="/gone answers 404"):
        hits(Served("peer", library, "/search?q={}", ("/gone",), 0, "an item"), some)
