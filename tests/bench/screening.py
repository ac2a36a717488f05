"""`python -m tests.bench.screening PLAN.json`: a class of players, each asks for the next second of the film every second.

Says `playing` when all play, goes on until it reads a line, and prints one line of JSON.
"""

import asyncio
import sys
import time
from pathlib import Path

import aiohttp
import msgspec

AHEAD_S = 2.0
"""So much a player has in hand when it begins; a piece that takes longer stops the picture."""


class ScreeningPlan(msgspec.Struct, frozen=True):
    """`log_ins` are (log-in, PIN), one a player; `rate` in bytes a second."""

    url: str
    log_ins: tuple[tuple[str, str], ...]
    film: str
    size: int
    rate: int = 1_000_000


class Screened(msgspec.Struct, frozen=True):
    """`took_ms` of every piece, `starved` players whose picture stopped, `failed` answers that were no range."""

    rate: int
    moved: int
    seconds: float
    took_ms: list[float]
    starved: int
    failed: int


class Class:
    def __init__(self, plan: ScreeningPlan) -> None:
        self._plan = plan
        self._over = asyncio.Event()
        self.moved = self.failed = self.starved = 0
        self.took_ms: list[float] = []

    async def sign_in(self, session: aiohttp.ClientSession, who: tuple[str, str]) -> None:
        form = {"login": who[0], "secret": who[1]}
        async with session.post(f"{self._plan.url}/login", data=form, allow_redirects=False) as answer:
            await answer.read()
            if answer.status != 303:
                raise RuntimeError(f"{who[0]} was not let in: {answer.status}")

    async def play(self, session: aiohttp.ClientSession, number: int) -> None:
        """From a place of its own, so that not all ask in the same moment; over at the end of the film it begins anew."""
        plan = self._plan
        begins = asyncio.get_running_loop().time() + number / len(plan.log_ins)
        pieces = plan.size // plan.rate
        stopped = False
        for piece in range(10**9):
            due = begins + piece
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
            if self._over.is_set():
                break
            start = (number + piece) % pieces * plan.rate
            headers = {"Range": f"bytes={start}-{start + plan.rate - 1}"}
            began = time.monotonic()
            async with session.get(f"{plan.url}/items/{plan.film}/file", headers=headers) as answer:
                self.failed += answer.status != 206
                async for part in answer.content.iter_any():
                    self.moved += len(part)
            self.took_ms.append(1000 * (time.monotonic() - began))
            stopped = stopped or asyncio.get_running_loop().time() > due + AHEAD_S
        self.starved += stopped

    async def wait_for_end(self) -> None:
        await asyncio.to_thread(sys.stdin.readline)
        self._over.set()


async def screen(plan: ScreeningPlan) -> Screened:
    room = Class(plan)
    sessions = [
        aiohttp.ClientSession(
            cookie_jar=aiohttp.CookieJar(unsafe=True), headers={"Origin": plan.url}, read_bufsize=2**20, auto_decompress=False
        )
        for _ in plan.log_ins
    ]
    try:
        await asyncio.gather(*(room.sign_in(*pair) for pair in zip(sessions, plan.log_ins, strict=True)))
        print("playing", flush=True)
        began = time.monotonic()
        await asyncio.gather(room.wait_for_end(), *(room.play(session, number) for number, session in enumerate(sessions)))
        return Screened(plan.rate, room.moved, time.monotonic() - began, room.took_ms, room.starved, room.failed)
    finally:
        for session in sessions:
            await session.close()


if __name__ == "__main__":
    found = asyncio.run(screen(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=ScreeningPlan)))
    print(f"screened {msgspec.json.encode(found).decode()}", flush=True)
