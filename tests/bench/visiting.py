"""`python -m tests.bench.visiting PLAN.json`: so many clients search, then turn pages; who is answered asks again.

`search`: what a class types, the same few words again and again (`wording`), so that whoever remembers answers is quicker for it;
`fresh`: words drawn as in `seeking`, hardly ever the same, so that nobody's memory helps. The rows of questions are the same for
every library. Prints one line of JSON for each round.
"""

import asyncio
import random
import sys
import time
import urllib.parse
from pathlib import Path

import aiohttp
import msgspec
from tests.bench.seeking import asked
from tests.bench.shelves import Words
from tests.bench.wording import Mouths

PATIENCE_S = 60.0
WHAT = ("search", "fresh", "page")


class VisitingPlan(msgspec.Struct, frozen=True):
    url: str
    search: str
    pages: tuple[str, ...]
    questions: tuple[str, ...]
    clients: tuple[int, ...] = (1, 10, 60)
    seconds: float = 8.0


class Visited(msgspec.Struct, frozen=True):
    """`took_ms` of what was answered with 200; `failed` was not, or not within PATIENCE_S; `seconds` until the last answer;
    `body_bytes` of all answers, unpacked."""

    what: str
    clients: int
    seconds: float
    took_ms: list[float]
    failed: int
    body_bytes: int
    repeated: float
    """The share of requests for what somebody had asked before in this run."""

    @property
    def rate(self) -> float:
        return len(self.took_ms) / self.seconds


async def visit(plan: VisitingPlan, what: str, clients: int, seen: set[str]) -> Visited:
    every = Words(7)
    took: list[float] = []
    failed = moved = again = 0
    began = time.monotonic()
    until = began + plan.seconds

    async def one(number: int) -> None:
        nonlocal failed, moved, again
        seed = clients * 1_000 + number
        words, chance, mouths = every.drawn(seed), random.Random(seed), Mouths(plan.questions, seed)
        limit = aiohttp.ClientTimeout(total=PATIENCE_S)
        async with aiohttp.ClientSession(timeout=limit, cookie_jar=aiohttp.DummyCookieJar()) as session:
            while time.monotonic() < until:
                if what == "page":
                    path = chance.choice(plan.pages)
                else:
                    typed = mouths.next() if what == "search" else asked(chance, words)
                    path = plan.search.format(urllib.parse.quote(typed))
                again += path in seen
                seen.add(path)
                start = time.monotonic()
                try:
                    async with session.get(plan.url + path) as answer:
                        moved += len(await answer.read())
                        fine = answer.status == 200
                except (aiohttp.ClientError, TimeoutError):
                    fine = False
                    await asyncio.sleep(0.05)
                if fine:
                    took.append(1000 * (time.monotonic() - start))
                else:
                    failed += 1

    await asyncio.gather(*(one(number) for number in range(clients)))
    return Visited(what, clients, time.monotonic() - began, took, failed, moved, again / max(1, len(took) + failed))


if __name__ == "__main__":
    plan = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=VisitingPlan)
    for what in WHAT:
        seen: set[str] = set()
        for clients in plan.clients:
            print(f"visited {msgspec.json.encode(asyncio.run(visit(plan, what, clients, seen))).decode()}", flush=True)
