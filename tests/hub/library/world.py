"""A library with its own databases, and the same behind real HTTP on a free port."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec

from densach_core import accounts
from densach_core.accounts import store as account_store
from densach_core.accounts.model import Role
from densach_core.accounts.pages import routes as entrance
from densach_core.accounts.service import ACCOUNTS, AUDIT, COOKIE, Accounts, Audit
from densach_core.clock import Clock, FixedClock, SystemClock
from densach_core.database import Database
from densach_core.live import Bus
from densach_core.text import t
from densach_core.web.keys import SITE
from densach_core.web.routes import EVERYONE
from densach_core.web.site import Face, Room, Site, core_rooms, make_app, serve
from densach_hub import library as library_room
from densach_hub.library import index, lessons, store, tracks
from densach_hub.library import views as library_views
from densach_hub.library import web as library_web
from densach_hub.library.model import Added, Item, State
from densach_hub.library.packages import packages_origin
from densach_hub.library.service import Library

LONG = "a very long password"


@asynccontextmanager
async def library_in(data: Path, *, clock: Clock | None = None, wall_seconds: float = 60.0) -> AsyncIterator[Library]:
    """A library; nothing runs in the background, `read_all` does its work."""
    data.mkdir(parents=True, exist_ok=True)
    beside = [*tracks.MIGRATIONS, *lessons.MIGRATIONS]
    rooms = {"library": store.MIGRATIONS, "learning": beside, "accounts": account_store.MIGRATIONS}
    async with (
        Database(data / "school.db", rooms) as school,
        Database(data / "search.db", {"library": index.MIGRATIONS}, durable=False) as search,
    ):
        library = Library(
            school=school, search=search, data=data, clock=clock or FixedClock(), bus=Bus(), wall_seconds=wall_seconds
        )
        await library.recover()
        async with library.cataloguer.extractor:
            yield library


async def read_all(library: Library) -> list[Item]:
    """Reads what waits; every item, oldest first."""
    await library.cataloguer.read_waiting()
    return list(reversed(await library.desk(list(State), limit=1000)))


async def put_in(library: Library, folder: Path, name: str, body: bytes) -> Item:
    """Adds a file and reads it."""
    path = folder / f"in-{name.replace(chr(47), chr(45))}"
    await asyncio.to_thread(path.write_bytes, body)
    added: Added = await library.add_file(path, by="test", name=name)
    await library.cataloguer.read_waiting()
    return await library.item(added.item, hidden=True)


class World(msgspec.Struct):
    """The library on the network. `http` keeps no cookies: sessions are given with `as_`."""

    base: str
    packages: str
    library: Library
    accounts: Accounts
    http: aiohttp.ClientSession
    site: Site
    cookies: dict[Role, str] = {}

    async def as_(self, role: Role) -> dict[str, str]:
        """Headers of somebody signed in (an account of each role is made when first needed)."""
        if role not in self.cookies:
            secret = "246813" if role is Role.STUDENT else LONG
            await self.accounts.add(login=role.value, name=role.value, roles=frozenset({role}), by="test", secret=secret)
            entry = await self.accounts.log_in(role.value, secret)
            assert entry.cookie is not None
            self.cookies[role] = entry.cookie
        return {"Cookie": f"{COOKIE}={self.cookies[role]}", "Origin": self.base}

    async def text(self, path: str, headers: dict[str, str] | None = None) -> str:
        async with self.http.get(self.base + path, headers=headers or {}) as response:
            assert response.status == 200, (path, response.status, await response.text())
            return await response.text()


@asynccontextmanager
async def world_in(
    data: Path, *, background: bool = False, searches_per_s: float = 0.0, x_accel: str = ""
) -> AsyncIterator[World]:
    """The library behind its pages. `background`: its own tasks run as in a hub."""
    clock = SystemClock()
    async with library_in(data, clock=clock) as library, asyncio.TaskGroup() as group:
        school = library._school
        site = Site(name="Trường thử", title="Trường THCS Thử Nghiệm", search_path="/search")
        rooms = [
            *core_rooms(),
            Room("accounts", Path(str(accounts.__file__)).parent, (entrance,)),
            Room("library", Path(str(library_room.__file__)).parent, library_web.ROUTES, library_views.CALLS),
        ]
        people = Accounts(school, clock)
        app = make_app(
            site,
            rooms,
            clock=clock,
            bus=library._bus,
            faces=[Face("/", t("Library"), EVERYONE)],
            services={
                ACCOUNTS: people,
                AUDIT: Audit(school, clock),
                **library_web.services(library, clock, searches_per_s=searches_per_s, x_accel=x_accel),
            },
        )
        run = group.create_task(library.run(), name="library") if background else None
        async with (
            serve(app, "127.0.0.1", 0) as port,
            packages_origin(library, "127.0.0.1:0", "127.0.0.1", port) as packages,
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
        ):
            app[SITE].packages = packages
            yield World(f"http://127.0.0.1:{port}", f"http://127.0.0.1{packages}", library, people, http, app[SITE])
        if run is not None:
            run.cancel()
