"""The library beside others that can be installed here, in one run, on the same 5,000 records: search, an item's page, memory.

Like is held against like: whole pages against whole pages (calibre-web), `/api/v1` against the JSON that a peer's pages fetch
(kolibri). Searched is what a class types: some hundred questions from the records' own words, drawn by Zipf's law, the same rows
of them to every library; beside it stand questions that hardly ever come twice. One after the other, so that none takes the
machine from another. What does not start is named with the reason, and the benchmark then ends as not (wholly) measured.
"""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
from tests.bench.figures import Figure, percentile, written
from tests.bench.hub import BenchHub
from tests.bench.peers.calibreweb import calibreweb
from tests.bench.peers.kiwix import kiwix
from tests.bench.peers.kolibri import kolibri
from tests.bench.peers.served import NotStartedError, Served, say
from tests.bench.shelves import Words, fill
from tests.bench.talking import Talker
from tests.bench.visiting import PATIENCE_S, WHAT, Visited, VisitingPlan
from tests.bench.wording import DISTINCT, questions

from densach_hub.library.model import Item

RECORDS = 5_000
SEED = 7
CLIENTS = (1, 10, 60)
OURS = "Đèn Sách"
PEERS: tuple[Callable[[Path, Sequence[Item]], contextlib.AbstractContextManager[Served]], ...] = (kolibri, calibreweb, kiwix)


class Measured(msgspec.Struct, frozen=True):
    """`memory` in MB after everything; `each_ms` what one answer cost in processor time."""

    name: str
    python: bool
    data: bool
    rounds: dict[tuple[str, int], Visited]
    each_ms: dict[tuple[str, int], float]
    memory: float

    def rate(self, what: str, clients: int) -> float:
        return self.rounds[what, clients].rate

    def p99(self, what: str, clients: int) -> float:
        """Milliseconds; who was never answered waited as long as anybody was ready to."""
        visited = self.rounds[what, clients]
        return percentile([*visited.took_ms, *([1000 * PATIENCE_S] * visited.failed)] or [1000 * PATIENCE_S], 0.99)


def peers() -> Iterator[Figure]:
    words = Words(SEED)
    items = [words.item(number) for number in range(RECORDS)]
    typed = questions([it.title for it in items])
    say(f"{DISTINCT} different questions, such as: {', '.join(typed[:8])}")
    missing: list[str] = []
    others: list[Measured] = []
    with BenchHub() as hub:
        for start in PEERS:
            folder = hub.folder / start.__name__
            folder.mkdir()
            try:
                with start(folder, items) as served:
                    others.append(_measured(served, hub.folder, typed))
            except NotStartedError as error:
                missing.append(str(error))
                say(f"NOT compared: {error}")
        hub.found()
        hub.prepare(lambda rooms: fill(rooms, RECORDS, 0, seed=SEED))
        say(f"{OURS}: starting")
        hub.start()
        pages = tuple(f"/items/{it.id}" for it in items)
        records = tuple(f"/api/v1/items/{it.id}" for it in items)
        whole = Served(OURS, hub.url, "/search?q={}", pages, hub.process().pid)
        ours = [_measured(whole, hub.folder, typed)]
        hub.stop()
        hub.start()  # what the pages were told before does not help the data
        data = Served(f"{OURS} /api/v1", hub.url, "/api/v1/search?q={}", records, hub.process().pid, data=True)
        ours.append(_measured(data, hub.folder, typed))
    for line in table([*ours, *others]):
        say(line)
    python = [one for one in others if one.python]
    for own in ours:
        yield from figures(own, [one for one in python if one.data == own.data])
    if python:
        best = min(python, key=lambda one: one.memory)
        memory = max(own.memory for own in ours)
        yield Figure(
            what="memory after it", value=memory, unit="MB", against=best.memory, against_what=best.name, goal="below it",
            met=memory < best.memory,
        )  # fmt: skip
    if missing:
        raise RuntimeError(f"not all were compared: {'; '.join(missing)}")


def figures(ours: Measured, python: Sequence[Measured]) -> Iterator[Figure]:
    """Ours against the best of the others in each point, which need not be the same one in all of them."""
    if not python:
        return
    answer, one_item = ("searches as data", "an item as data") if ours.data else ("searches as pages", "an item's page")
    for clients in CLIENTS:
        best = max(python, key=lambda one: one.rate("search", clients))
        rate, theirs = ours.rate("search", clients), best.rate("search", clients)
        yield Figure(
            what=f"{answer}, {clients} clients", value=rate, unit="/s", against=theirs, against_what=best.name, goal="≥ 10 ×",
            met=rate >= 10 * theirs,
        )  # fmt: skip
        best = min(python, key=lambda one: one.p99("search", clients))
        p99, least = ours.p99("search", clients), best.p99("search", clients)
        yield Figure(
            what=f"{answer}, {clients} clients, p99", value=p99, unit="ms", against=least, against_what=best.name,
            goal="≤ 0.1 ×", met=p99 <= 0.1 * least,
        )  # fmt: skip
        best = max(python, key=lambda one: one.rate("fresh", clients))
        yield Figure(
            what=f"{answer}, {clients} clients, hardly any asked before", value=ours.rate("fresh", clients), unit="/s",
            against=best.rate("fresh", clients), against_what=best.name,
        )  # fmt: skip
    for clients in CLIENTS:
        best = min(python, key=lambda one: one.p99("page", clients))
        p99, least = ours.p99("page", clients), best.p99("page", clients)
        yield Figure(
            what=f"{one_item}, {clients} clients, p99", value=p99, unit="ms", against=least, against_what=best.name,
            goal="below it", met=p99 < least,
        )  # fmt: skip


def table(every: Sequence[Measured]) -> Iterator[str]:
    """A line for each figure, a column for each library; behind a figure how often the first one's is contained in it."""
    yield " | ".join(["".ljust(34), *(one.name.rjust(22) for one in every)])
    for what in WHAT:
        for clients in CLIENTS:
            rounds = [one.rounds[what, clients] for one in every]
            yield _row(f"{what} by {clients}, per second", [one.rate for one in rounds])
            yield _row(f"{what} by {clients}, p99 ms", [one.p99(what, clients) for one in every])
            yield _row(f"{what} by {clients}, processor ms each", [one.each_ms[what, clients] for one in every])
            if what != "page":
                yield _row(f"{what} by {clients}, % asked before", [100 * one.repeated for one in rounds])
            yield _row(f"{what} by {clients}, KB each", [one.body_bytes / 1000 / max(1, len(one.took_ms)) for one in rounds])
            if any(one.failed for one in rounds):
                yield _row(f"{what} by {clients}, unanswered", [float(one.failed) for one in rounds])
    yield _row("memory after it, MB", [one.memory for one in every])


def _row(what: str, values: Sequence[float]) -> str:
    ours = values[0]
    cells = [written(ours).rjust(22)]
    cells += [
        f"{written(value)} ({written(value / ours)} ×)".rjust(22) if ours else written(value).rjust(22) for value in values[1:]
    ]
    return " | ".join([what.ljust(34), *cells])


def _measured(served: Served, folder: Path, typed: tuple[str, ...]) -> Measured:
    plan = VisitingPlan(served.url, served.search, served.pages, typed, clients=CLIENTS)
    path = folder / "visiting.json"
    path.write_bytes(msgspec.json.encode(plan))
    rounds: dict[tuple[str, int], Visited] = {}
    each_ms: dict[tuple[str, int], float] = {}
    spent = served.processor_s()
    with Talker("tests.bench.visiting", str(path)) as visitors:
        for _ in range(len(WHAT) * len(CLIENTS)):
            visited = msgspec.json.decode(" ".join(visitors.hear("visited")), type=Visited)
            now = served.processor_s()
            rounds[visited.what, visited.clients] = visited
            each_ms[visited.what, visited.clients] = 1000 * (now - spent) / max(1, len(visited.took_ms))
            spent = now
            say(
                f"{served.name}: {visited.what} by {visited.clients}: {visited.rate:.1f}/s, {visited.failed} unanswered,"
                f" {visited.repeated:.0%} asked before, load {os.getloadavg()[0]:.1f}"
            )
    return Measured(served.name, served.python, served.data, rounds, each_ms, served.memory())
