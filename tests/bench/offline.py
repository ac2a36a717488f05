"""Thirty days without a hub: how much disk the outbox takes at default settings, how long it takes to tell everything when
the hub is there again, one machine and a whole room at once, and what a technician's pages feel of it meanwhile."""

import http.client
import time
from collections.abc import Iterator, Sequence
from threading import Event, Thread
from urllib.parse import urlsplit

import msgspec
from tests.bench.draining import DrainingPlan
from tests.bench.figures import Figure, percentile
from tests.bench.hub import BenchHub
from tests.bench.month import DAYS, copied, size_on_disk, write_month
from tests.bench.talking import Talker

from densach_core.accounts.service import COOKIE
from densach_demo.simulator.hardware import hardware
from densach_hub.opening import Rooms

ROOM = 30
IDLE_S = 15.0
MOST_MB, MOST_S, MOST_SLOWER = 20.0, 60.0, 2.0
SLOW_MS = 100.0
"""Below this nobody feels a page being slow, whatever it is a multiple of."""
PAGES = ("/lab", "/lab/alerts")


def offline() -> Iterator[Figure]:
    with BenchHub() as hub:
        first = hub.folder / "outboxes" / "pc-001" / "outbox.db"
        first.parent.mkdir(parents=True)
        written = write_month(first, hardware(1), until=time.time_ns() // 1_000_000, days=DAYS)
        megabytes = size_on_disk(first) / 1e6
        yield Figure(
            what=f"{DAYS} days offline on disk ({written:,} records)", value=megabytes, unit="MB", goal=f"≤ {MOST_MB:.0f} MB",
            met=megabytes <= MOST_MB,
        )  # fmt: skip
        hub.found(uses=ROOM + 1)
        cookie = hub.prepare(_sign_in)
        hub.start()
        places = hub.join(range(1, ROOM + 2))
        files = [first]
        for number in range(2, ROOM + 2):
            files.append(first.parent.parent / f"pc-{number:03}" / "outbox.db")
            copied(first, files[-1], f"{number:016x}")
        browser = Browser(hub.url, cookie)
        browser.look(3)  # the first sight of each page compiles its template
        idle = browser.look(IDLE_S)
        yield Figure(what="a technician's pages, idle hub, p99", value=percentile(idle, 0.99), unit="ms")
        yield from _drained(hub, browser, idle, {1: (str(places[0]), str(files[0]))}, "one machine")
        room = {n: (str(places[n - 1]), str(files[n - 1])) for n in range(2, ROOM + 2)}
        yield from _drained(hub, browser, idle, room, f"{ROOM} machines at once")
        kept = _kept(hub)
        total = written * (ROOM + 1)
        yield Figure(
            what="records stored", value=kept, unit="records", against=total, against_what="written", goal="1.00 ×",
            met=kept == total,
        )  # fmt: skip


def _drained(
    hub: BenchHub, browser: "Browser", idle: Sequence[float], machines: dict[int, tuple[str, str]], who: str
) -> Iterator[Figure]:
    plan = hub.folder / "draining.json"
    plan.write_bytes(msgspec.json.encode(DrainingPlan(machines)))
    over = Event()
    found: list[float] = []
    with Talker("tests.bench.draining", str(plan)) as talker:
        talker.hear("ready")
        looking = Thread(target=lambda: found.extend(browser.look(600, over)))
        looking.start()
        talker.say()
        try:
            seconds, left = talker.hear("done")
        finally:
            over.set()
            looking.join()
    yield Figure(
        what=f"{who}: everything told and acknowledged", value=float(seconds), unit="s", goal=f"≤ {MOST_S:.0f} s",
        met=float(seconds) <= MOST_S and left == "0",
    )  # fmt: skip
    for share in (0.5, 0.99):
        during, before = percentile(found, share), percentile(list(idle), share)
        yield Figure(
            what=f"{who}: pages meanwhile, p{share * 100:.0f} of {len(found)}", value=during, unit="ms", against=before,
            against_what="idle", goal=f"≤ {MOST_SLOWER:.0f} × or ≤ {SLOW_MS:.0f} ms",
            met=during <= max(SLOW_MS, MOST_SLOWER * before),
        )  # fmt: skip


class Browser:
    """A technician who looks from page to page without resting long."""

    def __init__(self, url: str, cookie: str) -> None:
        self._host = urlsplit(url).netloc
        self._cookie = cookie
        self._pages = list(PAGES)

    def look(self, seconds: float, over: Event | None = None) -> list[float]:
        """Milliseconds of each page."""
        took: list[float] = []
        connection = http.client.HTTPConnection(self._host, timeout=60)
        until = time.monotonic() + seconds
        try:
            while time.monotonic() < until and not (over is not None and over.is_set()):
                page = self._pages[len(took) % len(self._pages)]
                began = time.monotonic()
                connection.request("GET", page, headers={"Cookie": f"{COOKIE}={self._cookie}"})
                answer = connection.getresponse()
                body = answer.read()
                took.append(1000 * (time.monotonic() - began))
                if answer.status != 200:
                    raise RuntimeError(f"{page}: {answer.status}")
                self._learn(body)
                time.sleep(0.05)
        finally:
            connection.close()
        return took

    def _learn(self, body: bytes) -> None:
        """A machine and a room to look at, from the first page that links them."""
        for start in (b"/lab/machines/", b"/lab/rooms/"):
            at = body.find(b'href="' + start)
            if at > 0 and not any(page.startswith(start.decode()) for page in self._pages):
                self._pages.append(body[at + 6 : body.find(b'"', at + 6)].decode().split("#")[0])


async def _sign_in(rooms: Rooms) -> str:
    entry = await rooms.accounts.log_in("quantri", "lamp-and-books-1")
    if entry.cookie is None:
        raise RuntimeError("the administrator cannot sign in")
    return entry.cookie


def _kept(hub: BenchHub) -> int:
    """Records the hub has, read from its files after it stopped; lost ones do not count."""
    hub.stop()

    async def work(rooms: Rooms) -> int:
        total = 0
        for machine in await rooms.fleet.register.machines():
            live = await rooms.fleet.telemetry.live(machine.id)
            mark = await rooms.fleet.telemetry.mark(machine.id, live.stream) if live is not None and live.stream else None
            total += mark.upto - mark.lost if mark is not None else 0
        return total

    return hub.prepare(work)
