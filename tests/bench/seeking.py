"""`python -m tests.bench.seeking PLAN.json`: searches nobody asked before, from so many clients at once, without a breath.

Prints for each number of clients what every search took, as one line of JSON.
"""

import asyncio
import random
import sys
import time
import urllib.parse
from pathlib import Path

import aiohttp
import msgspec
from tests.bench.shelves import Words


class SeekingPlan(msgspec.Struct, frozen=True):
    """`path` is asked with the words put into its `{}`; `page` is asked beside, once every 100 ms (empty: not)."""

    url: str
    path: str = "/search?q={}"
    page: str = ""
    clients: tuple[int, ...] = (1, 10, 60)
    seconds: float = 6.0


class Sought(msgspec.Struct, frozen=True):
    clients: int
    seconds: float
    search_ms: list[float]
    failed: int


class PagesTook(msgspec.Struct, frozen=True):
    page_ms: list[float]


def asked(chance: random.Random, words: Words) -> str:
    """One to three words, one in ten with a slip, one in three without its marks or unfinished."""
    typed = " ".join(words.some(chance.choice((1, 2, 2, 3))))
    if chance.random() < 0.1 and len(typed) > 4:
        at = chance.randrange(1, len(typed) - 1)
        typed = typed[:at] + typed[at + 1] + typed[at] + typed[at + 2 :]
    return typed[:-1] if chance.random() < 0.3 and len(typed) > 3 else typed


async def seek(plan: SeekingPlan, clients: int) -> Sought:
    every = Words(7)
    found: list[float] = []
    failed = 0
    began = time.monotonic()
    until = began + plan.seconds

    async def one(number: int) -> None:
        nonlocal failed
        seed = clients * 1_000 + number
        words, chance = every.drawn(seed), random.Random(seed)
        async with aiohttp.ClientSession() as session:
            while time.monotonic() < until:
                path = plan.path.format(urllib.parse.quote(asked(chance, words)))
                start = time.monotonic()
                async with session.get(plan.url + path) as answer:
                    await answer.read()
                    failed += answer.status != 200
                found.append(1000 * (time.monotonic() - start))

    await asyncio.gather(*(one(number) for number in range(clients)))
    return Sought(clients, time.monotonic() - began, found, failed)


async def pages(plan: SeekingPlan) -> PagesTook:
    """What a page takes while something else goes on: for so many seconds, or until a line comes in."""
    found = []
    until = time.monotonic() + plan.seconds
    over = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, over.set)
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < until and not over.is_set():
            start = time.monotonic()
            async with session.get(plan.url + plan.page) as answer:
                await answer.read()
            found.append(1000 * (time.monotonic() - start))
            await asyncio.sleep(0.02)
    asyncio.get_running_loop().remove_reader(sys.stdin)
    return PagesTook(found)


if __name__ == "__main__":
    plan = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=SeekingPlan)
    if plan.page:
        print(f"pages {msgspec.json.encode(asyncio.run(pages(plan))).decode()}", flush=True)
    else:
        for clients in plan.clients:
            print(f"sought {msgspec.json.encode(asyncio.run(seek(plan, clients))).decode()}", flush=True)
