"""`python -m tests.bench.browsing PLAN.json`: a class of browsers. Prints what each phase took as one line of JSON."""

import asyncio
import random
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import msgspec

RANGE = 512 * 1024


class BrowsingPlan(msgspec.Struct, frozen=True):
    """`log_ins` are (log-in, PIN), one a client; `video` the item whose file is read in ranges (empty: none)."""

    url: str
    log_ins: tuple[tuple[str, str], ...]
    items: tuple[str, ...]
    words: tuple[str, ...]
    video: str
    video_bytes: int
    seconds: float = 12.0


class Browsed(msgspec.Struct, frozen=True):
    """Milliseconds of every request; `failed` counts answers other than expected."""

    log_in_s: float
    search_ms: list[float]
    page_ms: list[float]
    range_bytes: int
    range_s: float
    failed: int


class Browsers:
    def __init__(self, plan: BrowsingPlan, sessions: list[aiohttp.ClientSession]) -> None:
        self._plan = plan
        self._sessions = sessions
        self.failed = 0

    async def log_in(self) -> float:
        """Seconds until the last of all at once has been let in."""
        began = time.monotonic()
        await asyncio.gather(*(self._one(*pair) for pair in zip(self._sessions, self._plan.log_ins, strict=True)))
        return time.monotonic() - began

    async def _one(self, session: aiohttp.ClientSession, who: tuple[str, str]) -> None:
        form = {"login": who[0], "secret": who[1]}
        async with session.post(f"{self._plan.url}/login", data=form, allow_redirects=False) as answer:
            await answer.read()
            self.failed += answer.status != 303

    async def each(self, path: Callable[[random.Random], str]) -> list[float]:
        """Every client asks again and again, with a breath between, as people do."""
        found: list[float] = []
        until = time.monotonic() + self._plan.seconds

        async def ask(number: int, session: aiohttp.ClientSession) -> None:
            chance = random.Random(number)
            while time.monotonic() < until:
                began = time.monotonic()
                async with session.get(self._plan.url + path(chance)) as answer:
                    await answer.read()
                    self.failed += answer.status != 200
                found.append(1000 * (time.monotonic() - began))
                await asyncio.sleep(0.5 + chance.random())

        await asyncio.gather(*(ask(number, session) for number, session in enumerate(self._sessions)))
        return found

    async def ranges(self) -> tuple[int, float]:
        """Bytes and seconds of ranges of a film, as players ask for them."""
        total = 0
        began = time.monotonic()
        until = began + self._plan.seconds

        async def watch(number: int, session: aiohttp.ClientSession) -> None:
            nonlocal total
            chance = random.Random(number)
            while time.monotonic() < until:
                start = chance.randrange(self._plan.video_bytes - RANGE)
                headers = {"Range": f"bytes={start}-{start + RANGE - 1}"}
                async with session.get(f"{self._plan.url}/items/{self._plan.video}/file", headers=headers) as answer:
                    async for piece in answer.content.iter_any():
                        total += len(piece)
                    self.failed += answer.status != 206

        await asyncio.gather(*(watch(number, session) for number, session in enumerate(self._sessions)))
        return total, time.monotonic() - began


async def browse(plan: BrowsingPlan) -> Browsed:
    headers = {"Origin": plan.url}

    async def session() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(limit=2)
        jar = aiohttp.CookieJar(unsafe=True)
        return aiohttp.ClientSession(connector=connector, cookie_jar=jar, headers=headers, read_bufsize=2**20)

    sessions = [await session() for _ in plan.log_ins]
    try:
        clients = Browsers(plan, sessions)
        log_in_s = await clients.log_in()
        search = await clients.each(lambda chance: f"/search?q={chance.choice(plan.words)}")
        page = await clients.each(lambda chance: f"/items/{chance.choice(plan.items)}" if chance.random() < 0.8 else "/")
        moved, took = await clients.ranges() if plan.video else (0, 1.0)
        return Browsed(log_in_s, search, page, moved, took, clients.failed)
    finally:
        await asyncio.gather(*(_close(one) for one in sessions))


def _close(session: aiohttp.ClientSession) -> Awaitable[None]:
    return session.close()


if __name__ == "__main__":
    found = asyncio.run(browse(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=BrowsingPlan)))
    print(f"browsed {msgspec.json.encode(found).decode()}", flush=True)
