"""A hub's people in a house of their own: accounts, people and set-up on a real server, without broker and machines."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

import densach_core.accounts
import densach_hub.people
import densach_hub.setup
from densach_core import documents as document_store
from densach_core.accounts import account_pages
from densach_core.accounts import admin_pages as user_pages
from densach_core.accounts import pages as entrance_pages
from densach_core.accounts import store as account_store
from densach_core.accounts.classes import CLASS_LISTS
from densach_core.accounts.hashing import Hashing
from densach_core.accounts.model import LIBRARIANS, TECHNICIANS, Account, Role
from densach_core.accounts.service import ACCOUNTS, AUDIT, COOKIE, Accounts, Audit
from densach_core.clock import SystemClock
from densach_core.database import Database
from densach_core.documents import Documents
from densach_core.live import Bus
from densach_core.text import t
from densach_core.web.routes import EVERYONE, Access, Routes
from densach_core.web.site import Face, Room, Site, core_rooms, make_app, serve
from densach_hub.fleet.rooms import Rooms
from densach_hub.people import admin_pages, api, pages, store
from densach_hub.people.service import PEOPLE, People
from densach_hub.setup import pages as setup_pages
from densach_hub.setup.service import SETUP, Setup

PASSWORD = "bốn từ rất dễ nhớ"
PIN = "804159"
start_page = Routes("start")


@start_page.get("/", who=EVERYONE)
async def _start(_: web.Request) -> web.Response:
    return web.Response(text="start")


class House(msgspec.Struct):
    base: str
    accounts: Accounts
    audit: Audit
    people: People
    setup: Setup
    rooms: Rooms
    clock: SystemClock
    site: Site
    school: Database
    browsers: list["Browser"] = []

    async def account(self, login: str, *roles: Role, name: str | None = None, **more: Any) -> Account:
        secret = PIN if roles == (Role.STUDENT,) else PASSWORD
        return await self.accounts.add(login=login, name=name or login, roles=frozenset(roles), by="test", secret=secret, **more)

    async def browser(self, login: str | None = None, secret: str = PASSWORD) -> "Browser":
        """A signed-in browser (or a stranger's)."""
        found = Browser(self.base, aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)))
        self.browsers.append(found)
        if login is not None:
            entry = await self.accounts.log_in(login, secret)
            assert entry.cookie is not None
            found.session.cookie_jar.update_cookies({COOKIE: entry.cookie}, response_url=found.url("/"))
        return found


class Answer(msgspec.Struct, frozen=True):
    status: int
    text: str
    location: str
    headers: Any


class Browser(msgspec.Struct):
    """Speaks as a browser on a plain-HTTP network does: Origin, no Sec-Fetch headers, no redirects followed by itself."""

    base: str
    session: aiohttp.ClientSession

    def url(self, path: str) -> Any:
        import yarl

        return yarl.URL(self.base + path)

    async def get(self, path: str) -> Answer:
        async with self.session.get(self.base + path, allow_redirects=False) as r:
            return Answer(r.status, await r.text(), r.headers.get("Location", ""), r.headers)

    async def post(self, path: str, data: Any = None, origin: str | None = None) -> Answer:
        headers = {"Origin": origin or self.base}
        async with self.session.post(self.base + path, data=data or {}, headers=headers, allow_redirects=False) as r:
            return Answer(r.status, await r.text(), r.headers.get("Location", ""), r.headers)

    async def close(self) -> None:
        await self.session.close()


def _folder(package: object) -> Path:
    return Path(str(vars(package)["__file__"])).parent


@asynccontextmanager
async def house_in(data: Path, clock: SystemClock | None = None) -> AsyncIterator[House]:
    clock, bus, site = clock or SystemClock(), Bus(), Site("Đèn Sách", "Trường THCS Thử")
    migrations = {
        "documents": document_store.MIGRATIONS, "accounts": account_store.MIGRATIONS, "people": store.MIGRATIONS,
    }  # fmt: skip
    async with Database(data / "school.db", migrations) as school:
        documents = Documents(data / "documents", school, clock)
        accounts = Accounts(school, clock, hashing=Hashing(memory_kib=64, rounds=1), pause_s=0.01)
        audit = Audit(school, clock)
        people = People(school=school, documents=documents, accounts=accounts, clock=clock, bus=bus)
        rooms = Rooms(documents, school)
        setup = Setup(people=people, accounts=accounts, audit=audit, rooms=rooms, documents=documents, clock=clock, data=data)
        parts = [
            *core_rooms(),
            Room("start", data, (start_page,)),
            Room(
                "accounts",
                _folder(densach_core.accounts),
                (entrance_pages.routes, account_pages.routes, user_pages.routes),
            ),
            Room("people", _folder(densach_hub.people), (pages.routes, admin_pages.routes, api.routes)),
            Room("setup", _folder(densach_hub.setup), (setup_pages.routes,)),
        ]
        faces = [
            Face("/", t("Library"), EVERYONE),
            Face("/desk", t("Library desk"), Access(roles=LIBRARIANS)),
            Face("/lab", t("Computer rooms"), Access(roles=TECHNICIANS)),
        ]
        services: dict[web.AppKey[Any], Any] = {
            ACCOUNTS: accounts, AUDIT: audit, PEOPLE: people, CLASS_LISTS: people, SETUP: setup,
            entrance_pages.FIRST_STOP: setup.first_stop, pages.ROOM_CHOICES: lambda: _choices(rooms),
        }  # fmt: skip
        app = make_app(site, parts, clock=clock, bus=bus, faces=faces, services=services)
        try:
            async with serve(app, "127.0.0.1", 0, grace_s=0.5) as port:
                house = House(f"http://127.0.0.1:{port}", accounts, audit, people, setup, rooms, clock, site, school)
                try:
                    yield house
                finally:
                    for browser in house.browsers:
                        await browser.close()
        finally:
            documents.close()


async def _choices(rooms: Rooms) -> list[tuple[str, str]]:
    return [(room.id, room.name) for room in await rooms.all()]
