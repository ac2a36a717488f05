"""So many clients search, then turn pages; who is answered asks again. Either `wrk` asks (C, a few µs a request) or, where it is
not installed, `python -m tests.bench.visiting PLAN.json`, which takes a good part of a core from the server it asks.

`search`: what a class types, the same few words again and again (`wording`), so that whoever remembers answers is quicker for it;
`fresh`: words drawn as in `seeking`, hardly ever the same, so that nobody's memory helps. The lists are the same for every
library (`asking`).
"""

import asyncio
import itertools
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import msgspec

PATIENCE_S = 60.0
WHAT = ("search", "fresh", "page")
HEADERS = {"Accept": "*/*", "Accept-Encoding": "gzip, deflate", "Accept-Language": "vi", "User-Agent": "densach-bench"}
"""Of every request, whoever asks."""


class VisitingPlan(msgspec.Struct, frozen=True):
    """`paths` is a file with a path in each line, woven of every client's own row."""

    url: str
    what: str
    clients: int
    paths: str
    seconds: float


class Visited(msgspec.Struct, frozen=True):
    """`took_ms` of what was answered with 200; `failed` was not, or not within PATIENCE_S; `seconds` until the last answer, or
    until wrk stopped; `body_bytes` of all answers, as they were sent; `own_s` what asking took of the processor."""

    what: str
    clients: int
    seconds: float
    took_ms: list[float]
    failed: int
    body_bytes: int
    own_s: float
    others: dict[str, int] = {}
    """Of `failed`: what was said instead of 200, how often."""

    @property
    def rate(self) -> float:
        return len(self.took_ms) / self.seconds

    @property
    def own_share(self) -> float:
        """Of one core."""
        return self.own_s / self.seconds

    @property
    def asked(self) -> int:
        return len(self.took_ms) + self.failed


def repeated(asked: int, paths: Sequence[str], seen: set[str]) -> float:
    """The share of the first so many requests that were for what somebody had asked before in this run; adds them to `seen`."""
    again = 0
    for path in itertools.islice(itertools.cycle(paths), asked):
        again += path in seen
        seen.add(path)
    return again / max(1, asked)


async def visit(plan: VisitingPlan) -> Visited:
    paths = Path(plan.paths).read_text("utf-8").splitlines()
    took: list[float] = []
    others: dict[str, int] = {}
    failed = moved = 0
    own, began = time.process_time(), time.monotonic()
    until = began + plan.seconds

    async def one(row: Sequence[str]) -> None:
        nonlocal failed, moved
        limit = aiohttp.ClientTimeout(total=PATIENCE_S)
        jar = aiohttp.DummyCookieJar()
        async with aiohttp.ClientSession(timeout=limit, cookie_jar=jar, headers=HEADERS, auto_decompress=False) as session:
            for path in itertools.cycle(row):
                if time.monotonic() >= until:
                    break
                start = time.monotonic()
                try:
                    async with session.get(plan.url + path, allow_redirects=False) as answer:
                        body = await answer.read()
                        said = str(answer.status)
                except (aiohttp.ClientError, TimeoutError) as error:
                    said = type(error).__name__
                    await asyncio.sleep(0.05)
                else:
                    moved += len(body)
                if said == "200":
                    took.append(1000 * (time.monotonic() - start))
                else:
                    failed += 1
                    others[said] = others.get(said, 0) + 1

    await asyncio.gather(*(one(paths[number :: plan.clients]) for number in range(plan.clients)))
    own_s = time.process_time() - own
    return Visited(plan.what, plan.clients, time.monotonic() - began, took, failed, moved, own_s, others)


if __name__ == "__main__":
    plan = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=VisitingPlan)
    print(f"visited {msgspec.json.encode(asyncio.run(visit(plan))).decode()}", flush=True)
