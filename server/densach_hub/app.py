"""One school's hub as a running process: broker, link, intake, rooms, web; stops cleanly on SIGTERM."""

import asyncio
import gc
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date
from datetime import time as daytime
from pathlib import Path
from typing import Any

import msgspec
import psutil
import structlog
from aiohttp import web

from densach_core.accounts.admin_pages import OWN_PLACES, PLACES
from densach_core.accounts.audit import AUDIT
from densach_core.accounts.classes import CLASS_LISTS
from densach_core.accounts.model import LIBRARIANS, PRINCIPALS, TEACHERS, TECHNICIANS
from densach_core.accounts.pages import FIRST_STOP
from densach_core.accounts.service import ACCOUNTS
from densach_core.clock import SystemClock
from densach_core.place import announce, host_and_port, is_loopback, keep_clock, kept_clock, occupied
from densach_core.schedules import daily, every
from densach_core.sender.service import SENDER
from densach_core.service_manager import ServiceManager
from densach_core.text import t
from densach_core.web.keys import METRICS, SITE
from densach_core.web.monitoring import READINESS, Check
from densach_core.web.routes import EVERYONE, Access
from densach_core.web.shared import Shared
from densach_core.web.site import Face, Site, make_app, serve
from densach_hub.fleet.asking import ASKER
from densach_hub.fleet.enrolment import Site as FleetSite
from densach_hub.fleet.service import FLEET
from densach_hub.fleet.sights import SlotOfDay
from densach_hub.intake.reasons import reason
from densach_hub.intake.service import INTAKE, Intake, dialect_filters
from densach_hub.lab.service import LAB, Lab, usual_slots
from densach_hub.library import web as library_web
from densach_hub.library.packages import by_host, packages_origin
from densach_hub.link.broker import Broker
from densach_hub.link.choice import choose_broker
from densach_hub.link.client import Link
from densach_hub.link.model import TlsFiles
from densach_hub.measures.service import MEASURES
from densach_hub.opening import Rooms, open_rooms
from densach_hub.people.pages import ROOM_CHOICES
from densach_hub.people.service import PEOPLE, People
from densach_hub.provisioning.service import PROVISIONING
from densach_hub.settings import HubSettings
from densach_hub.setup.service import SETUP, Setup
from densach_hub.studio.plugging import PLUGGING, Plugging
from densach_hub.studio.service import STUDIO, Studio
from densach_hub.upkeep.figures import Figures, tell
from densach_hub.upkeep.service import UPKEEP, Upkeep
from densach_hub.upkeep.storage import StorageWatch, make_room_to_start
from densach_hub.web_rooms import every_room
from densach_wire.enrolment import Endpoint

log = structlog.get_logger("hub")
CLOCK_KEPT_S = 300.0
STORAGE_LOOKED_AT_S = 5.0
YOUNG_OBJECTS = 5_000
"""So many new objects before Python looks for cycles among them, at about a microsecond for each that it takes away: while it
does, everybody waits."""


class Started(msgspec.Struct, frozen=True):
    """`address` is HOST:PORT of the pages; `setup` the path to open first while the hub has no school."""

    address: str
    rooms: Rooms
    setup: str | None = None

    def lines(self) -> list[str]:
        """What to print for whoever started it."""
        if self.setup is None:
            return [f"http://{self.address}/"]
        return ["Mở trang này để thiết lập / open this page to set up:", f"http://{self.address}{self.setup}"]


async def run_hub(data: Path, settings: HubSettings, *, ready: Callable[[list[str]], None] = lambda _: None) -> None:
    """Runs until SIGTERM or SIGINT. `ready` is told what to print once the first page can be asked for."""
    manager = ServiceManager()
    with occupied(data):
        make_room_to_start(data)
        stop = asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
        clock = kept_clock(data)
        async with running_hub(data, settings, clock) as started:
            # What is there now stays: looking for rubbish among it again and again costs intake a tenth of its pace.
            gc.collect()
            gc.freeze()
            gc.set_threshold(YOUNG_OBJECTS, 20, 20)
            announce(data, started.address)
            ready(started.lines())
            manager.ready()
            log.info("hub.ready", address=started.address)
            async with in_background({"watchdog": manager.turn()}):
                await stop.wait()
                manager.stopping()
                log.info("hub.stopping")
        keep_clock(data, clock)


@asynccontextmanager
async def running_hub(data: Path, settings: HubSettings, clock: SystemClock) -> AsyncIterator[Started]:
    """A whole hub while the block runs."""
    async with AsyncExitStack() as stack:
        rooms = await stack.enter_async_context(open_rooms(data, clock))
        certificate, key = await rooms.fleet.authority.server_certificate(_names(settings))
        tls = TlsFiles(rooms.fleet.authority.ca_file, certificate, key, rooms.fleet.authority.revoked_file)
        shut_out = frozenset(machine.id for machine in await rooms.fleet.register.machines(retired=True) if not machine.alive)
        broker = choose_broker(settings.mqtt, folder=data / "mosquitto", school=rooms.school_id, tls=tls, revoked=shut_out)
        await stack.enter_async_context(broker)
        rooms.fleet.enrolment.doorkeeper = broker
        rooms.fleet.enrolment.site = FleetSite(
            school=rooms.school_id, mqtt=(Endpoint(port=broker.device_port, tls=broker.device_tls),)
        )
        link = Link(broker.address, school=rooms.school_id, clock=clock, filters=dialect_filters())
        intake = Intake(
            link=link,
            fleet=rooms.fleet,
            telemetry=rooms.telemetry,
            documents=rooms.documents,
            school=rooms.school_id,
            clock=clock,
            bus=rooms.bus,
        )
        upkeep = Upkeep(
            data=data,
            backups=_backups(data, settings),
            keep=settings.backup.keep,
            clock=clock,
            audit=rooms.audit,
            mqtt=settings.mqtt,
        )
        setup = Setup(
            people=rooms.people,
            accounts=rooms.accounts,
            audit=rooms.audit,
            rooms=rooms.fleet.rooms,
            documents=rooms.documents,
            clock=clock,
            data=data,
        )
        storage = StorageWatch(data, lambda: intake.status().trouble)
        app = _web(
            rooms, settings, link=link, broker=broker, intake=intake, upkeep=upkeep, setup=setup, storage=storage
        )  # fmt: skip
        app[SITE].must_set_up = await setup.is_needed()
        if name := (await rooms.people.profile()).name:
            app[SITE].title = name
        link.named = lambda: title if isinstance(title := app[SITE].title, str) else ""
        work: dict[str, Coroutine[Any, Any, object]] = {
            "link": link.run(),
            "intake": intake.run(),
            "fleet": rooms.fleet.run(),
            "library": rooms.library.run(),
            "measures": rooms.measures.run(),
            "provisioning": rooms.provisioning.watch(),
            "sender": rooms.sender.run(),
            "clock": every(CLOCK_KEPT_S, lambda: asyncio.to_thread(keep_clock, data, clock), name="clock"),
            "storage": every(STORAGE_LOOKED_AT_S, lambda: storage.look(app[SITE]), name="storage"),
            "backup": daily(
                daytime(settings.backup.hour),
                lambda: upkeep.back_up(by="schedule"),
                name="backup",
                school=rooms.school,
                clock=clock,
            ),
        }
        await stack.enter_async_context(in_background(work))
        host, port = host_and_port(settings.web.http)
        taken = await stack.enter_async_context(serve(app, host, port))
        if settings.web.https:
            secure = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            secure.load_cert_chain(certificate, key)
            secure_host, secure_port = host_and_port(settings.web.https)
            await stack.enter_async_context(serve(app, secure_host, secure_port, tls=secure))
        app[SITE].packages = await stack.enter_async_context(packages_origin(rooms.library, settings.web.packages, host, taken))
        address = f"{host}:{taken}"
        yield Started(address, rooms, setup.path() if app[SITE].must_set_up else None)


@asynccontextmanager
async def in_background(work: Mapping[str, Coroutine[Any, Any, object]]) -> AsyncIterator[None]:
    """Named tasks that live as long as the block; one that fails ends it (the service manager starts the hub again)."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one, name=name) for name, one in work.items()]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


def _web(
    rooms: Rooms,
    settings: HubSettings,
    *,
    link: Link,
    broker: Broker,
    intake: Intake,
    upkeep: Upkeep,
    setup: Setup,
    storage: StorageWatch,
) -> web.Application:
    site = Site(name="Đèn Sách", title=t("Đèn Sách"), search_path="/search")
    if settings.web.https:
        site.https = host_and_port(settings.web.https)[1]
    elif settings.web.https_port:
        site.https = settings.web.https_port
    listening = filter(None, (settings.web.http, settings.web.https))
    behind = bool(settings.web.https_port or settings.web.x_accel)
    site.only_here = not behind and all(is_loopback(host_and_port(address)[0]) for address in listening)
    rooms.library.imports.shelves = tuple(Path(folder) for folder in settings.library.import_folders)
    if settings.shared.machines:
        site.shared = Shared(settings.shared.machines, settings.shared.idle_minutes * 60)
    if upkeep.clock_is_doubtful():
        site.notices.append(t("The hub is not sure of the time."))
    faces = [
        Face("/", t("Library"), EVERYONE),
        Face("/desk", t("Library desk"), Access(roles=LIBRARIANS)),
        Face("/lab", t("Computer rooms"), Access(roles=TECHNICIANS)),
        Face("/reports", t("Reports"), Access(roles=PRINCIPALS | TECHNICIANS)),
        Face("/classes", t("Classes"), Access(roles=TEACHERS)),
        Face("/admin", t("Administration"), Access(roles=TECHNICIANS)),
    ]
    services: dict[web.AppKey[Any], Any] = {
        ACCOUNTS: rooms.accounts,
        AUDIT: rooms.audit,
        FLEET: rooms.fleet,
        INTAKE: intake,
        ASKER: intake.requests,
        LAB: Lab(
            rooms.fleet,
            rooms.clock,
            slots_of=lambda day: _slots(rooms.people, day),
            reason_of=reason,
            set_ups=rooms.provisioning.history,
        ),
        STUDIO: Studio(rooms.fleet, rooms.clock),
        PLUGGING: Plugging(broker, rooms.fleet.register, rooms.clock, school=rooms.school_id),
        **library_web.services(
            rooms.library, rooms.clock, searches_per_s=settings.web.searches_per_s, x_accel=settings.web.x_accel
        ),
        PEOPLE: rooms.people,
        CLASS_LISTS: rooms.people,
        PLACES: [
            ("/admin/people", t("School and people")),
            *OWN_PLACES,
            ("/admin/upkeep", t("Upkeep of the hub")),
            ("/admin/clock", t("The hub's clock")),
        ],
        FIRST_STOP: setup.first_stop,
        ROOM_CHOICES: lambda: _room_choices(rooms),
        MEASURES: rooms.measures,
        PROVISIONING: rooms.provisioning,
        SENDER: rooms.sender,
        SETUP: setup,
        UPKEEP: upkeep,
    }
    app = make_app(
        site, every_room(), clock=rooms.clock, bus=rooms.bus, faces=faces, services=services, precedence=rooms.precedence
    )  # fmt: skip

    if settings.web.packages.startswith("//"):
        app.middlewares.append(by_host(rooms.library, settings.web.packages))

    tell(app[METRICS].registry, lambda: _figures(intake, link))

    async def readiness() -> list[Check]:
        await rooms.school.read(lambda c: c.execute("SELECT 1").fetchone())
        state = broker.status()
        return [
            Check("database", ok=True),
            Check("broker", ok=state.running, detail=state.where),
            Check("storage", ok=(problem := storage.problem()) is None, detail=problem or ""),
            Check("link", ok=link.connected, detail=link.status().trouble or ""),
        ]

    app[READINESS] = readiness
    return app


async def _room_choices(rooms: Rooms) -> list[tuple[str, str]]:
    return [(room.id, room.name) for room in await rooms.fleet.rooms.all()]


def _figures(intake: Intake, link: Link) -> Figures:
    taken, line = intake.status(), link.status()
    return Figures(
        messages=taken.messages,
        records=taken.records,
        repeated=taken.repeated,
        lost=taken.lost,
        quarantined=taken.quarantined,
        line_up=line.connected,
        waiting_messages=line.waiting,
        broker_dropped=line.dropped,
    )


async def _slots(people: People, day: date) -> tuple[SlotOfDay, ...]:
    """The school's own periods on a day; the usual ones where no calendar covers it."""
    for calendar in await people.calendars():
        if calendar.first <= day <= calendar.last and calendar.periods:
            return tuple(
                SlotOfDay(
                    number=period.number,
                    start_min=period.starts.hour * 60 + period.starts.minute,
                    end_min=period.ends.hour * 60 + period.ends.minute,
                )
                for period in calendar.periods
            )
    return await usual_slots(day)


def _backups(data: Path, settings: HubSettings) -> Path:
    return data / (settings.backup.folder or "backups")


def _names(settings: HubSettings) -> tuple[str, ...]:
    """Every name and address devices may reach this hub by."""
    addresses = [
        address.address.partition("%")[0]
        for interface in psutil.net_if_addrs().values()
        for address in interface
        if address.family in {socket.AF_INET, socket.AF_INET6}
    ]
    apart = (settings.web.packages[2:].partition(":")[0],) if settings.web.packages.startswith("//") else ()
    return (*settings.web.names, *apart, "localhost", socket.gethostname(), f"{socket.gethostname()}.local", *sorted(addresses))
