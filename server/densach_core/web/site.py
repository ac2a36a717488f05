"""Puts rooms together into one web application and serves it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from densach_core.clock import Clock
from densach_core.i18n import Languages, Text
from densach_core.live import Bus
from densach_core.metrics import Metrics
from densach_core.precedence import Precedence
from densach_core.web import assets, live, monitoring, openapi
from densach_core.web.assets import Assets
from densach_core.web.keys import ASSETS, BUS, CLOCK, FACES, LANGUAGES, METRICS, PRECEDENCE, SITE, TEMPLATES
from densach_core.web.middleware import guarded, last_words, unknown_addresses
from densach_core.web.routes import Access, Route, Routes
from densach_core.web.shared import Shared
from densach_core.web.speech import Speech
from densach_core.web.templates import Templates

CORE = Path(__file__).parent.parent
BODY_LIMIT = 2 * 1024 * 1024
NUMBER = r":\d+}"
KEPT_NUMBER = r":[0-9]{1,18}}"
"""What SQLite can hold (63 bits). A longer number in an address names nothing: the router says so, before any handler."""


class Face(msgspec.Struct, frozen=True):
    """One entry of the header: a face of the house (library, desk, lab, reports…)."""

    path: str
    label: Text
    access: Access


class Site(msgspec.Struct):
    """What is particular to this installation. `https` is the port staff are sent to, when there is one."""

    name: str
    title: Text | str
    must_set_up: bool = False
    setup_path: str = "/setup"
    https: int | None = None
    packages: str | None = None
    search_path: str | None = None
    notices: list[Text] = []
    shared: Shared | None = None
    only_here: bool = False
    """Whether the pages listen on this machine's own loopback address, so that no other machine can open them."""


class Room(msgspec.Struct, frozen=True):
    """A room as the web sees it: its name, its folder (templates/, static/, vi.po), its addresses and what its macros call."""

    name: str
    folder: Path
    routes: Sequence[Routes] = ()
    calls: Mapping[str, Any] = {}


def core_rooms() -> list[Room]:
    """What every application has: the house's own templates, static files, liveness, metrics and API description."""
    return [
        Room("core", CORE, (assets.routes, live.routes, monitoring.routes, openapi.routes)),
        Room("criteria", CORE / "criteria"),
        Room("sender", CORE / "sender"),
    ]


def languages(rooms: Iterable[Room]) -> Languages:
    return Languages(path for room in rooms if (path := room.folder / "vi.po").exists())


def make_app(
    site: Site,
    rooms: Sequence[Room],
    *,
    clock: Clock,
    bus: Bus,
    faces: Sequence[Face],
    services: Mapping[web.AppKey[Any], Any],
    metrics: Metrics | None = None,
    precedence: Precedence | None = None,
) -> web.Application:
    """The application of hub or office. `services`: each room's service under its AppKey; `precedence`: whom to tell that
    somebody waits for an answer."""
    app = web.Application(client_max_size=BODY_LIMIT, middlewares=[last_words, unknown_addresses])
    spoken = languages(rooms)
    found = Assets({room.name: room.folder / "static" for room in rooms if (room.folder / "static").is_dir()})
    speech = Speech(spoken, clock.now_ms)
    folders = {room.name: room.folder / "templates" for room in rooms if (room.folder / "templates").is_dir()}
    app[ASSETS] = found
    app[BUS] = bus
    app[CLOCK] = clock
    app[FACES] = list(faces)
    app[LANGUAGES] = spoken
    app[METRICS] = metrics or Metrics()
    app[PRECEDENCE] = precedence or Precedence(clock)
    app[SITE] = site
    app[TEMPLATES] = Templates(folders, speech, found, {name: call for room in rooms for name, call in room.calls.items()})
    for key, service in services.items():
        app[key] = service
    app[openapi.ROUTES] = all_routes(rooms)
    for route in app[openapi.ROUTES]:
        _add(app, route)
    live.prepare(app)
    return app


def all_routes(rooms: Iterable[Room]) -> list[Route]:
    return [route for room in rooms for routes in room.routes for route in routes.all]


def _add(app: web.Application, route: Route) -> None:
    path = route.path.replace(NUMBER, KEPT_NUMBER)
    if route.method == "GET":
        app.router.add_get(path, guarded(route))
    else:
        app.router.add_route(route.method, path, guarded(route))


@asynccontextmanager
async def serve(
    app: web.Application, host: str, port: int, *, tls: ssl.SSLContext | None = None, grace_s: float = 3.0
) -> AsyncIterator[int]:
    """Listens while the block runs; yields the port really taken (port 0 picks a free one)."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=grace_s, handler_cancellation=False)
    await runner.setup()
    site = web.TCPSite(runner, host, port, ssl_context=tls, backlog=512)
    try:
        await site.start()
        taken: int = runner.addresses[0][1]
        yield taken
    finally:
        await asyncio.shield(runner.cleanup())
