"""One office as a running process: its store, the feed, the pages, and the way up to its own parents."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import msgspec
import structlog
from aiohttp import web

from densach_core import documents as document_store
from densach_core import schedules
from densach_core.accounts import account_pages, admin_pages
from densach_core.accounts import pages as account_entrance
from densach_core.accounts import store as account_store
from densach_core.accounts.model import ADMINS, OFFICERS
from densach_core.accounts.service import ACCOUNTS, AUDIT, Accounts, Audit
from densach_core.clock import Clock, day_of
from densach_core.criteria import shelf
from densach_core.database import Database
from densach_core.documents import Documents, Single
from densach_core.live import Bus
from densach_core.metrics import Metrics
from densach_core.place import announce, host_and_port, keep_clock, kept_clock, occupied
from densach_core.schedules import daily
from densach_core.sender import store as sender_store
from densach_core.sender.api import upward_api
from densach_core.sender.model import Identity
from densach_core.sender.pages import upward_routes
from densach_core.sender.service import SENDER, Sender
from densach_core.sender.signing import open_key
from densach_core.service_manager import ServiceManager
from densach_core.text import t
from densach_core.web.monitoring import READINESS, Check
from densach_core.web.routes import Access
from densach_core.web.site import CORE, Face, Room, Site, core_rooms, make_app, serve
from densach_office import setup
from densach_office.feed import api as feed_api
from densach_office.feed import pages as feed_pages
from densach_office.feed import tree_api
from densach_office.feed.pages import STORE
from densach_office.feed.pairing import PAIRING, Pairing
from densach_office.feed.service import FEED, Feed
from densach_office.profile import PROFILE, TREE, OfficeProfile, Tree
from densach_office.schools import api as school_api
from densach_office.schools import pages as school_pages
from densach_office.schools import sqlite
from densach_office.schools.pages import CRITERIA
from densach_office.schools.port import SchoolStore
from densach_office.schools.service import SCHOOLS, Schools
from densach_office.schools.sqlite import SqliteSchools
from densach_office.settings import OfficeSettings
from densach_office.setup import FIRST, FirstCode

log = structlog.get_logger("office")
HERE = Path(__file__).parent
OFFICE_COOKIE = "densach_office"
"""Not a hub's: on one machine (the demonstration) both are sent to both ports."""
KEEP_EVERY_VERSION_DAYS = 14
"""Older days keep their last version only."""


class Office(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of an office that works without a network: what `run` serves and what commands use."""

    data: Path
    clock: Clock
    bus: Bus
    metrics: Metrics
    database: Database
    documents: Documents
    accounts: Accounts
    audit: Audit
    profile: Single[OfficeProfile]
    tree: Tree
    store: SchoolStore
    schools: Schools
    pairing: Pairing
    feed: Feed
    sender: Sender


@asynccontextmanager
async def open_office(data: Path, clock: Clock) -> AsyncIterator[Office]:
    """Opens (and brings up to date) an office's data folder."""
    await asyncio.to_thread(data.mkdir, parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(
            Database(
                data / "office.db",
                {
                    "documents": document_store.MIGRATIONS,
                    "schedules": schedules.MIGRATIONS,
                    "accounts": account_store.MIGRATIONS,
                    "sender": sender_store.MIGRATIONS,
                    "schools": sqlite.MIGRATIONS,
                },
                backups=data / "backups",
            )
        )
        documents = Documents(data / "documents", database, clock)
        stack.callback(documents.close)
        profile = documents.one("office", OfficeProfile, OfficeProfile())

        async def who() -> Identity:
            known = await profile.get()
            return Identity(known.id, known.name)

        bus, metrics = Bus(), Metrics()
        store = SqliteSchools(database)
        tree = Tree(documents)
        audit = Audit(database, clock)
        sender = Sender(database, clock, open_key(data / "keys"), who)
        yield Office(
            data=data,
            clock=clock,
            bus=bus,
            metrics=metrics,
            database=database,
            documents=documents,
            accounts=Accounts(database, clock, cookie=OFFICE_COOKIE),
            audit=audit,
            profile=profile,
            tree=tree,
            store=store,
            schools=Schools(store, tree, clock),
            pairing=Pairing(store, clock, audit),
            feed=Feed(store, clock, bus, metrics, sender.forward),
            sender=sender,
        )


async def office_app(office: Office, settings: OfficeSettings) -> web.Application:
    """The web application of an opened office."""
    known = await office.profile.get()
    must_set_up = not await office.accounts.has_admin()
    officers = Access(roles=OFFICERS)
    services: dict[web.AppKey[Any], Any] = {
        ACCOUNTS: office.accounts,
        AUDIT: office.audit,
        CRITERIA: shelf.load(office.data / "criteria"),
        FEED: office.feed,
        FIRST: FirstCode(office.data),
        PAIRING: office.pairing,
        PROFILE: office.profile,
        SCHOOLS: office.schools,
        SENDER: office.sender,
        STORE: office.store,
        TREE: office.tree,
    }

    async def ready() -> list[Check]:
        await office.database.read(lambda c: c.execute("SELECT 1").fetchone())
        return [Check("database", ok=True), Check("set-up", ok=True, detail="needed" if must_set_up else "done")]

    app = make_app(
        Site(
            name="Đèn Sách office",
            title=known.name,
            must_set_up=must_set_up,
            https=settings.web.https or None,
        ),
        [
            *core_rooms(),
            Room("accounts", CORE / "accounts", (account_entrance.routes, account_pages.routes, admin_pages.routes)),
            Room(
                "office",
                HERE,
                (
                    setup.routes,
                    feed_api.routes,
                    feed_pages.routes,
                    school_pages.routes,
                    school_api.routes,
                    tree_api.routes,
                    upward_routes("/upward", ADMINS),
                    upward_api(ADMINS),
                ),
            ),
        ],
        clock=office.clock,
        bus=office.bus,
        faces=[
            Face("/", t("Schools"), officers),
            Face("/machines", t("Computer rooms"), officers),
            Face("/hubs", t("Pairing"), officers),
            Face("/tree", t("Units"), officers),
            Face("/upward", t("Sending up"), Access(roles=ADMINS)),
            Face("/admin/users", t("Accounts"), Access(roles=ADMINS)),
        ],
        services=services,
        metrics=office.metrics,
    )
    app[READINESS] = ready
    return app


@asynccontextmanager
async def running_office(data: Path, settings: OfficeSettings, clock: Clock) -> AsyncIterator[tuple[str, Office]]:
    """Serves while the block runs; yields the address (port 0 picks a free one) and the office behind it."""
    host, port = host_and_port(settings.web.http)
    async with AsyncExitStack() as stack:
        office = await stack.enter_async_context(open_office(data, clock))
        app = await office_app(office, settings)
        taken = await stack.enter_async_context(serve(app, host, port))
        tasks = [
            asyncio.create_task(office.sender.run(), name="office: send up"),
            asyncio.create_task(_pass_on(office), name="office: pass on"),
            asyncio.create_task(
                daily(time(3), lambda: _thin(office), name="thin", school=office.database, clock=clock), name="office: thin"
            ),
        ]
        try:
            shown = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - only compared
            yield f"http://{shown}:{taken}", office
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _pass_on(office: Office) -> None:
    """Gives everything held to the level above: at start (a crash may have come between storing and passing on) and
    after each pairing. What the parent has already it ignores, by version."""
    while True:
        office.sender.behind.clear()
        try:
            if await office.sender.lines():
                await office.sender.forward(one.record for one in await office.store.held())
        except Exception:
            log.exception("office.pass-on-failed")
        await office.sender.behind.wait()


async def _thin(office: Office) -> None:
    await office.store.thin((day_of(office.clock.now_ms()) - timedelta(days=KEEP_EVERY_VERSION_DAYS)).isoformat())


async def run_office(data: Path, settings: OfficeSettings, *, ready: Callable[[str, str | None], None]) -> None:
    """Runs until SIGTERM or SIGINT. `ready` is told the address, and the first code while there is no account yet."""
    manager = ServiceManager()
    with occupied(data):
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, stop.set)
        clock = kept_clock(data)
        async with running_office(data, settings, clock) as (address, office):
            announce(data, address)
            ready(address, None if await office.accounts.has_admin() else FirstCode(data).issue())
            manager.ready()
            log.info("office.ready", address=address)
            turning = asyncio.create_task(manager.turn(), name="office: watchdog")
            try:
                await stop.wait()
            finally:
                turning.cancel()
            manager.stopping()
            log.info("office.stopping")
        keep_clock(data, clock)
