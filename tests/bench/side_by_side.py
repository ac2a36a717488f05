"""The library beside others that can be installed here, in one run, on the same 5,000 records: search, an item's page, memory.

Like is held against like: whole pages against whole pages (calibre-web), `/api/v1` against the JSON that a peer's pages fetch
(kolibri). Searched is what a class types: some hundred questions from the records' own words, drawn by Zipf's law, the same rows
of them to every library; beside it stand questions that hardly ever come twice. One after the other, so that none takes the
machine from another. What does not start is named with the reason, and the benchmark then ends as not (wholly) measured.
`wrk` asks (apt-get install wrk); where it is missing a client in Python does, which itself takes a core from quick servers.
`PEERS=kolibri,kiwix` chooses whom to compare with, `PEERS_SECONDS` how long each round takes (6).
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
from tests.bench.asking import drawn
from tests.bench.figures import Figure, percentile, written
from tests.bench.hub import BenchHub
from tests.bench.peers.calibreweb import calibreweb
from tests.bench.peers.kiwix import kiwix
from tests.bench.peers.kolibri import kolibri
from tests.bench.peers.served import NotStartedError, Served, say
from tests.bench.sampling import SAMPLE, hits
from tests.bench.shelves import Words, fill
from tests.bench.talking import Talker
from tests.bench.visiting import PATIENCE_S, WHAT, Visited, VisitingPlan, repeated
from tests.bench.wording import DISTINCT, questions
from tests.bench.wrk import find_wrk, press

from densach_hub.library.model import Item

RECORDS = 5_000
SEED = 7
CLIENTS = (1, 10, 60)
SECONDS = 6.0
WARM_CLIENTS, WARM_S = 10, 2.0
OURS = "Đèn Sách"
PEERS: tuple[Callable[[Path, Sequence[Item]], contextlib.AbstractContextManager[Served]], ...] = (kolibri, calibreweb, kiwix)


class Measured(msgspec.Struct, frozen=True):
    """`memory` in MB after everything; `each_ms` what one answer cost in processor time; `repeated` the share of a round asked
    before; `hits` of SAMPLE questions."""

    name: str
    python: bool
    data: bool
    rounds: dict[tuple[str, int], Visited]
    each_ms: dict[tuple[str, int], float]
    memory: float
    repeated: dict[tuple[str, int], float] = {}
    hits: int = 0

    def rate(self, what: str, clients: int) -> float:
        return self.rounds[what, clients].rate

    def p99(self, what: str, clients: int) -> float:
        """Milliseconds; who was refused waited as long as anybody was ready to. No answer at all: at least the whole round."""
        visited = self.rounds[what, clients]
        return percentile([*visited.took_ms, *([1000 * PATIENCE_S] * visited.failed)] or [1000 * visited.seconds], 0.99)


def chosen(names: str) -> list[Callable[[Path, Sequence[Item]], contextlib.AbstractContextManager[Served]]]:
    """All, or those named, separated by commas. Raises RuntimeError."""
    wanted = {name.strip() for name in names.split(",") if name.strip()}
    if unknown := wanted - {start.__name__ for start in PEERS}:
        raise RuntimeError(f"PEERS: no {', '.join(sorted(unknown))}; there are {', '.join(start.__name__ for start in PEERS)}")
    return [start for start in PEERS if not wanted or start.__name__ in wanted]


def peers() -> Iterator[Figure]:
    starts = chosen(os.environ.get("PEERS", ""))
    if find_wrk() is None:
        say("wrk is not installed (apt-get install wrk): a client in Python asks, at the servers' cost")
    words = Words(SEED)
    items = [words.item(number) for number in range(RECORDS)]
    typed = questions([it.title for it in items])
    say(f"{DISTINCT} different questions, such as: {', '.join(typed[:8])}")
    missing: list[str] = []
    others: list[Measured] = []
    with BenchHub() as hub:
        for start in starts:
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
        whole = Served(OURS, hub.url, "/search?q={}", pages, hub.process().pid, 'class="hit__title"')
        ours = [_measured(whole, hub.folder, typed)]
        hub.stop()
        hub.start()  # what the pages were told before does not help the data
        data = Served(f"{OURS} /api/v1", hub.url, "/api/v1/search?q={}", records, hub.process().pid, '"title":', data=True)
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
            if all(one.took_ms for one in rounds):
                yield _row(f"{what} by {clients}, p50 ms", [percentile(one.took_ms, 0.5) for one in rounds])
            yield _row(f"{what} by {clients}, p99 ms", [one.p99(what, clients) for one in every])
            yield _row(f"{what} by {clients}, processor ms each", [one.each_ms[what, clients] for one in every])
            if what != "page":
                yield _row(f"{what} by {clients}, % asked before", [100 * one.repeated.get((what, clients), 0) for one in every])
            yield _row(
                f"{what} by {clients}, KB each as sent", [one.body_bytes / 1000 / max(1, len(one.took_ms)) for one in rounds]
            )
            yield _row(f"{what} by {clients}, % of a core to ask", [100 * one.own_share for one in rounds])
            if any(one.failed for one in rounds):
                yield _row(f"{what} by {clients}, unanswered", [float(one.failed) for one in rounds])
    yield _row(f"of {SAMPLE} questions with hits", [float(one.hits) for one in every])
    yield _row("memory after it, MB", [one.memory for one in every])


def _row(what: str, values: Sequence[float]) -> str:
    ours = values[0]
    cells = [written(ours).rjust(22)]
    cells += [
        f"{written(value)} ({written(value / ours)} ×)".rjust(22) if ours else written(value).rjust(22) for value in values[1:]
    ]
    return " | ".join([what.ljust(34), *cells])


def _measured(served: Served, folder: Path, typed: tuple[str, ...]) -> Measured:
    """Raises NotStartedError when it does not find what it is to be timed for."""
    found = hits(served, typed)
    say(f"{served.name}: hits for {found} of {SAMPLE} questions")
    seconds = float(os.environ.get("PEERS_SECONDS", SECONDS))
    rounds: dict[tuple[str, int], Visited] = {}
    each_ms: dict[tuple[str, int], float] = {}
    again: dict[tuple[str, int], float] = {}
    _round(
        served,
        folder,
        "warm",
        WARM_CLIENTS,
        min(WARM_S, seconds),
        drawn("warm", WARM_CLIENTS, served.search, served.pages, typed),
    )
    for what in WHAT:
        seen: set[str] = set()
        for clients in CLIENTS:
            paths = drawn(what, clients, served.search, served.pages, typed)
            _wait_until_quiet(served)
            spent = served.processor_s()
            visited = _round(served, folder, what, clients, seconds, paths)
            key = what, clients
            each_ms[key] = 1000 * (served.processor_s() - spent) / max(1, visited.asked)
            rounds[key], again[key] = visited, repeated(visited.asked, paths, seen)
            others = "".join(f", {n} × {said}" for said, n in visited.others.items())
            say(
                f"{served.name}: {what} by {clients}: {visited.rate:.1f}/s{others}, {again[key]:.0%} asked before,"
                f" {visited.own_share:.0%} of a core to ask, load {os.getloadavg()[0]:.1f}"
            )
    return Measured(served.name, served.python, served.data, rounds, each_ms, served.memory(), again, found)


def _round(served: Served, folder: Path, what: str, clients: int, seconds: float, paths: Sequence[str]) -> Visited:
    file = folder / "paths"
    file.write_text("".join(f"{path}\n" for path in paths), "utf-8")
    plan = VisitingPlan(served.url, what, clients, str(file), seconds)
    if program := find_wrk():
        return press(program, plan, folder)
    written_down = folder / "visiting.json"
    written_down.write_bytes(msgspec.json.encode(plan))
    with Talker("tests.bench.visiting", str(written_down)) as visitors:
        return msgspec.json.decode(" ".join(visitors.hear("visited")), type=Visited)


def _wait_until_quiet(served: Served, seconds: float = 30.0) -> None:
    """Until it no longer works for those who went away when the round was over."""
    until = time.monotonic() + seconds
    spent = served.processor_s()
    while time.monotonic() < until:
        time.sleep(0.5)
        now = served.processor_s()
        if now - spent < 0.1:
            return
        spent = now
