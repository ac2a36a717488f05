"""`python -m tests.bench.visiting PLAN.json`: so many clients search, then turn pages; who is answered asks again.

Words are drawn as in `seeking`, so that nobody's cache helps. Prints one line of JSON for each round.
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

PATIENCE_S = 60.0


class VisitingPlan(msgspec.Struct, frozen=True):
    url: str
    search: str
    pages: tuple[str, ...]
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

    @property
    def rate(self) -> float:
        return len(self.took_ms) / self.seconds


async def visit(plan: VisitingPlan, what: str, clients: int) -> Visited:
    every = Words(7)
    took: list[float] = []
    failed = moved = 0
    began = time.monotonic()
    until = began + plan.seconds

    async def one(number: int) -> None:
        nonlocal failed, moved
        seed = clients * 1_000 + number
        words, chance = every.drawn(seed), random.Random(seed)
        limit = aiohttp.ClientTimeout(total=PATIENCE_S)
        async with aiohttp.ClientSession(timeout=limit, cookie_jar=aiohttp.DummyCookieJar()) as session:
            while time.monotonic() < until:
                path = (
                    plan.search.format(urllib.parse.quote(asked(chance, words)))
                    if what == "search"
                    else chance.choice(plan.pages)
                )
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
    return Visited(what, clients, time.monotonic() - began, took, failed, moved)


if __name__ == "__main__":
    plan = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=VisitingPlan)
    for what in ("search", "page"):
        for clients in plan.clients:
            print(f"visited {msgspec.json.encode(asyncio.run(visit(plan, what, clients))).decode()}", flush=True)
