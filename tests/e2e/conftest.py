"""Real Chromium over whole hubs: one furnished, one that is empty but set up, one with a thousand machines."""

import asyncio
import shutil
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright
from tests.fixtures.hub import HubUnderTest, hub_in
from tests.fixtures.school import BY, Furnisher
from tests.hub.library import made

from densach_core.accounts.model import Role
from densach_core.accounts.service import COOKIE
from densach_hub.library.model import State

T = TypeVar("T")
ROOT = Path(__file__).parent.parent.parent
SCREENSHOTS = ROOT / "screenshots"
AXE = ROOT / "server" / "assets" / "node_modules" / "axe-core" / "axe.min.js"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
SIZES = {"phone": (360, 740), "panel": (1366, 768)}


class Served(msgspec.Struct):
    """A hub running in a thread of its own. `run` carries a coroutine out on its loop."""

    hub: HubUnderTest
    loop: asyncio.AbstractEventLoop
    cookies: dict[Role, str] = msgspec.field(default_factory=dict)

    @property
    def base(self) -> str:
        return self.hub.base

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def cookie(self, role: Role) -> str:
        if role not in self.cookies:
            self.cookies[role] = self.run(self.hub.cookie(role))
        return self.cookies[role]


ITEMS: dict[str, str] = {}
"""What the furnished school's library holds, by a short word: filled when that school is."""
Furnish = Callable[[HubUnderTest], Coroutine[Any, Any, None]]


def serving(data: Path, furnish: Furnish, *, set_up: bool = True) -> Iterator[Served]:
    """Starts a hub in `data`, lets `furnish` fill it, stops it in the end."""
    ready: Future[Served] = Future()

    async def main() -> None:
        stop = asyncio.Event()
        try:
            async with hub_in(data, set_up=set_up) as hub:
                await furnish(hub)
                loop = asyncio.get_running_loop()
                stops.append(lambda: loop.call_soon_threadsafe(stop.set))
                ready.set_result(Served(hub, loop))
                await stop.wait()
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)

    stops: list[Callable[[], object]] = []
    thread = threading.Thread(target=lambda: asyncio.run(main()), name=f"hub in {data.name}")
    thread.start()
    try:
        yield ready.result(60)
    finally:
        for stop in stops:
            stop()
        thread.join(20)


async def _furnished(hub: HubUnderTest) -> None:
    await Furnisher(hub.rooms.fleet, hub.rooms.clock).school()
    await _shelved(hub)


async def _shelved(hub: HubUnderTest) -> None:
    """A book, a paper, a film, a simulation and a broken file, all read; the ids of the readable ones go into `ITEMS`."""
    library = hub.rooms.library
    folder = hub.rooms.data / "brought"
    folder.mkdir()
    files = {
        "book": ("dai-so-10.epub", made.epub()),
        "paper": ("huong-dan.pdf", made.pdf(["Hướng dẫn thí nghiệm con lắc đơn", "Trang hai"])),
        "film": ("thi-nghiem.mp4", made.mp4()),
        "simulation": ("con-lac.zip", made.simulation()),
        "broken": ("hong.pdf", b"%PDF-1.7 and then nothing"),
    }
    for key, (name, body) in files.items():
        added = await library.add_file(made.put(folder, name, body), by=BY)
        ITEMS[key] = added.item
    async with asyncio.timeout(60):
        while await library.desk([State.WAITING]):
            await asyncio.sleep(0.1)


async def _crowded(hub: HubUnderTest) -> None:
    await Furnisher(hub.rooms.fleet, hub.rooms.clock).crowd(1000)


async def _nothing(_hub: HubUnderTest) -> None:
    """An empty school."""


@pytest.fixture(scope="session")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    yield from serving(tmp_path_factory.mktemp("school"), _furnished)


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    yield from serving(tmp_path_factory.mktemp("empty"), _nothing)


@pytest.fixture(scope="session")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    yield from serving(tmp_path_factory.mktemp("crowd"), _crowded)


@pytest.fixture(scope="session")
def new_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    yield from serving(tmp_path_factory.mktemp("new"), _nothing, set_up=False)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe() -> str:
    if not AXE.is_file():
        pytest.skip("axe-core is not here (python server/assets/vendor.py --tests)")
    return AXE.read_text()


class Looking(msgspec.Struct):
    """Opens contexts: who looks, at what size, by day or by night."""

    browser: Browser
    opened: list[BrowserContext] = msgspec.field(default_factory=list)

    def at(
        self, served: Served, role: Role | None = Role.TECHNICIAN, size: str = "panel", scheme: str = "light", **more: Any
    ) -> BrowserContext:
        width, height = SIZES[size]
        context = self.browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            locale="vi-VN",
            **more,
        )
        if role is not None:
            context.add_cookies([{"name": COOKIE, "value": served.cookie(role), "url": served.base}])
        self.opened.append(context)
        return context


@pytest.fixture
def looking(chromium: Browser) -> Iterator[Looking]:
    look = Looking(chromium)
    yield look
    for context in look.opened:
        context.close()
