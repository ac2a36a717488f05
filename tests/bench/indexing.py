"""How fast PDF pages become searchable, for each core that works on it, and what other pages feel of it meanwhile."""

import random
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
from tests.bench.figures import Figure, percentile
from tests.bench.hub import BY, BenchHub
from tests.bench.seeking import PagesTook, SeekingPlan
from tests.bench.shelves import Words
from tests.bench.talking import Talker
from tests.hub.library import made

from densach_core.folding import fold
from densach_hub.opening import Rooms

FILES, PAGES = 12, 250
LINES, WORDS_A_LINE = 40, 11
GROWS_MS = 100.0
MOST_S = 300.0
NEXT_LINE = ") Tj 0 -14 Td ("


def indexing() -> Iterator[Figure]:
    with BenchHub() as hub:
        hub.found()
        hub.start()
        still = percentile(_pages(hub, 6.0), 0.99)
        hub.stop()
        folder = hub.folder / "pdf"
        folder.mkdir()
        _write(folder)

        async def add(rooms: Rooms) -> None:
            for path in sorted(folder.iterdir()):
                await rooms.library.add_file(path, by=BY)

        hub.prepare(add)
        hub.start()
        began = time.monotonic()
        spent = _Spent(hub.process())
        with Talker("tests.bench.seeking", str(_plan(hub, MOST_S))) as visitor:
            while _ready(hub) < FILES:
                spent.look()
                if time.monotonic() - began > MOST_S:
                    raise RuntimeError(f"not read in time\n{hub.last_words()}")
                time.sleep(0.1)
            seconds = time.monotonic() - began
            spent.look()
            visitor.say()
            took = msgspec.json.decode(" ".join(visitor.hear("pages")), type=PagesTook).page_ms
        busy = percentile(took, 0.99)
    yield Figure(what="PDF pages made searchable", value=FILES * PAGES / seconds, unit="/s")
    rate = FILES * PAGES / spent.reader
    yield Figure(
        what="the same for each core-second of the reading process", value=rate, unit="/s", goal="≥ 300 /s", met=rate >= 300
    )
    yield Figure(
        what="the same for each core-second of hub and reading process",
        value=FILES * PAGES / (spent.reader + spent.hub),
        unit="/s",
    )
    yield Figure(
        what="page p99 while it goes on", value=busy, unit="ms", against=still, against_what="p99 before",
        goal=f"grows by ≤ {GROWS_MS:.0f} ms", met=busy - still <= GROWS_MS,
    )  # fmt: skip


class _Spent:
    """Processor seconds since the start: the hub's own, and those of the process that reads."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._before = _seconds(process)
        self._children: dict[int, float] = {}
        self.hub = 0.0

    def look(self) -> None:
        self.hub = _seconds(self._process) - self._before
        for child in self._process.children(recursive=True):
            try:
                self._children[child.pid] = _seconds(child)
            except psutil.NoSuchProcess:
                continue

    @property
    def reader(self) -> float:
        return max(sum(self._children.values()), 0.01)


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _write(folder: Path) -> None:
    words = Words(7)
    for number in range(FILES):
        chance = words.drawn(number)
        pages = [
            f") Tj /F1 9 Tf 0 60 Td ({NEXT_LINE.join(fold(' '.join(chance.some(WORDS_A_LINE))) for _ in range(LINES))}"
            for _ in range(PAGES)
        ]
        (folder / f"{number:02}.pdf").write_bytes(made.pdf(pages, title=f"Quyển {random.Random(number).random()}"))


def _ready(hub: BenchHub) -> int:
    with urllib.request.urlopen(f"{hub.url}/api/v1/items?limit=100&kind=pdf", timeout=30) as answer:
        return len(msgspec.json.decode(answer.read())["items"])


def _plan(hub: BenchHub, seconds: float) -> Path:
    path = hub.folder / "seeking.json"
    path.write_bytes(msgspec.json.encode(SeekingPlan(hub.url, page="/", seconds=seconds)))
    return path


def _pages(hub: BenchHub, seconds: float) -> list[float]:
    with Talker("tests.bench.seeking", str(_plan(hub, seconds))) as visitor:
        return msgspec.json.decode(" ".join(visitor.hear("pages")), type=PagesTook).page_ms
