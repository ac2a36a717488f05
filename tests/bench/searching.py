"""Search in a catalogue of 5,000 and of 100,000 records with text inside: fresh questions from 1, 10 and 60 clients; what the
index takes on disk, how long making it anew takes, and what pages feel of it meanwhile.

`search-large` fills its catalogue for some minutes first; with SEARCH_TEXT_MB=2000 with 2 GB of text (an hour).
Figures of 100,000 records are measured, none is extrapolated.
"""

import asyncio
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from tests.bench.figures import Figure, percentile
from tests.bench.hub import BenchHub
from tests.bench.seeking import PagesTook, SeekingPlan, Sought
from tests.bench.shelves import Filled, fill
from tests.bench.talking import Talker

from densach_demo.children import densach

SMALL, SMALL_TEXT = 5_000, 20 * 10**6
LARGE, LARGE_TEXT = 100_000, 200 * 10**6
GROWS_MS = 100.0


def search() -> Iterator[Figure]:
    yield from _measured(SMALL, SMALL_TEXT)


def search_large() -> Iterator[Figure]:
    yield from _measured(LARGE, int(os.environ.get("SEARCH_TEXT_MB", LARGE_TEXT // 10**6)) * 10**6)


def _measured(records: int, text_bytes: int) -> Iterator[Figure]:
    with BenchHub() as hub:
        hub.found()
        filled = hub.prepare(lambda rooms: fill(rooms, records, text_bytes))
        yield from figures(hub, filled)


def figures(hub: BenchHub, filled: Filled) -> Iterator[Figure]:
    """Everything measured of a hub whose catalogue is filled and that does not run yet."""
    name = f"{filled.records:,} records, {filled.text_bytes / 1e6:.0f} MB of text"
    size = (hub.data / "search.db").stat().st_size / 1e6
    yield Figure(what=f"{name}: index on disk", value=size, unit="MB")
    hub.start()
    spent, searches = _processor_s(hub), 0
    for sought in _seek(hub, "/search?q={}", (1, 10, 60)):
        searches += len(sought.search_ms)
        yield from _of(sought, f"{name}: search by {sought.clients}", most_ms=500.0)
    each = 1000 * (_processor_s(hub) - spent) / searches
    yield Figure(what=f"{name}: processor time of a search and its page", value=each, unit="ms")
    for sought in _seek(hub, "/search/suggest?q={}", (1, 10)):
        yield from _of(sought, f"{name}: suggestions to {sought.clients}", most_ms=50.0 if sought.clients == 1 else None)
    yield Figure(what=f"{name}: the hub's memory", value=hub.process().memory_info().rss / 1e6, unit="MB")
    yield from _rebuilt(hub, name)


def _processor_s(hub: BenchHub) -> float:
    times = hub.process().cpu_times()
    return float(times.user + times.system)


def _seek(hub: BenchHub, path: str, clients: tuple[int, ...]) -> Iterator[Sought]:
    plan = _written(hub.folder, SeekingPlan(hub.url, path=path, clients=clients))
    with Talker("tests.bench.seeking", str(plan)) as seekers:
        for _ in clients:
            sought = msgspec.json.decode(" ".join(seekers.hear("sought")), type=Sought)
            if sought.failed:
                raise RuntimeError(f"{sought.failed} searches failed")
            yield sought


def _of(sought: Sought, what: str, *, most_ms: float | None) -> Iterator[Figure]:
    p99 = percentile(sought.search_ms, 0.99)
    yield Figure(what=f"{what}, rate", value=len(sought.search_ms) / sought.seconds, unit="/s")
    yield Figure(what=f"{what}, p50", value=percentile(sought.search_ms, 0.5), unit="ms")
    goal = {} if most_ms is None else {"goal": f"≤ {most_ms:.0f} ms", "met": p99 <= most_ms}
    yield Figure(what=f"{what}, p99", value=p99, unit="ms", **goal)  # type: ignore[arg-type]


def _rebuilt(hub: BenchHub, name: str) -> Iterator[Figure]:
    """The index is made anew by the command while the hub answers."""
    still = percentile(_pages(hub, 5.0), 0.99)
    began = time.monotonic()
    with subprocess.Popen(
        densach("library", "reindex", "--data", str(hub.data)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as child:
        took = asyncio.run(asyncio.to_thread(_pages, hub, 5.0))
        said = child.communicate()[1]
    seconds = time.monotonic() - began
    if child.returncode:
        raise RuntimeError(f"the index could not be made anew: {said.decode()[-300:]}")
    busy = percentile(took, 0.99)
    yield Figure(what=f"{name}: index made anew", value=seconds, unit="s")
    yield Figure(
        what=f"{name}: page p99 while it is", value=busy, unit="ms", against=still, against_what="p99 before",
        goal=f"grows by ≤ {GROWS_MS:.0f} ms", met=busy - still <= GROWS_MS,
    )  # fmt: skip


def _pages(hub: BenchHub, seconds: float) -> list[float]:
    plan = _written(hub.folder, SeekingPlan(hub.url, page="/", seconds=seconds))
    with Talker("tests.bench.seeking", str(plan)) as visitor:
        return msgspec.json.decode(" ".join(visitor.hear("pages")), type=PagesTook).page_ms


def _written(folder: Path, plan: SeekingPlan) -> Path:
    path = folder / "seeking.json"
    path.write_bytes(msgspec.json.encode(plan))
    return path
