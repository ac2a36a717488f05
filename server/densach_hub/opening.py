"""Opens a hub's data folder: databases, documents, and the rooms in the order they stand on each other."""

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec

from densach_core import documents as document_store
from densach_core import schedules
from densach_core.accounts import store as account_store
from densach_core.accounts.service import Accounts, Audit
from densach_core.clock import SystemClock
from densach_core.database import Database
from densach_core.documents import Documents
from densach_core.errors import Unavailable
from densach_core.live import Bus
from densach_core.place import host_and_port, is_loopback
from densach_core.precedence import Precedence
from densach_core.sender import store as sender_store
from densach_core.sender.model import Identity
from densach_core.sender.service import Sender
from densach_core.sender.signing import open_key
from densach_core.text import t
from densach_core.whole_file import write_whole
from densach_hub.fleet import store as fleet_store
from densach_hub.fleet.enrolment import Site as FleetSite
from densach_hub.fleet.service import Fleet
from densach_hub.intake import store as intake_store
from densach_hub.library import index as library_index
from densach_hub.library import lessons as library_lessons
from densach_hub.library import store as library_store
from densach_hub.library import tracks as library_tracks
from densach_hub.library.service import Library
from densach_hub.measures import store as measures_store
from densach_hub.measures.service import Measures
from densach_hub.people import store as people_store
from densach_hub.people.service import People
from densach_hub.provisioning import store as provisioning_store
from densach_hub.provisioning.service import Provisioning
from densach_hub.settings import WebSettings, hub_settings
from densach_hub.upkeep.backup import quick_check


class Rooms(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of a hub that works without a network: what `hub run` serves and what commands use."""

    data: Path
    school_id: str
    clock: SystemClock
    precedence: Precedence
    bus: Bus
    school: Database
    telemetry: Database
    documents: Documents
    accounts: Accounts
    audit: Audit
    fleet: Fleet
    library: Library
    people: People
    sender: Sender
    measures: Measures
    provisioning: Provisioning


@asynccontextmanager
async def open_rooms(data: Path, clock: SystemClock) -> AsyncIterator[Rooms]:
    """Opens (and brings up to date) a data folder. Raises Unavailable("hub.damaged") for a damaged school.db."""
    backups = data / "backups"
    if (data / "school.db").exists() and (fault := quick_check(data / "school.db")) is not None:
        raise Unavailable(
            "hub.damaged",
            t("{file} is damaged: {reason}", file="school.db", reason=fault),
            t("Restore the newest backup into a new folder: densach restore"),
        )
    bus = Bus()
    precedence = Precedence(clock)
    async with AsyncExitStack() as stack:
        school = await stack.enter_async_context(
            Database(
                data / "school.db",
                {
                    "documents": document_store.MIGRATIONS,
                    "schedules": schedules.MIGRATIONS,
                    "accounts": account_store.MIGRATIONS,
                    "sender": sender_store.MIGRATIONS,
                    "people": people_store.MIGRATIONS,
                    "fleet": fleet_store.SCHOOL_MIGRATIONS,
                    "library": library_store.MIGRATIONS,
                    "learning": [*library_tracks.MIGRATIONS, *library_lessons.MIGRATIONS],
                    "measures": measures_store.MIGRATIONS,
                    "provisioning": provisioning_store.MIGRATIONS,
                },
                backups=backups,
            )
        )
        telemetry = await stack.enter_async_context(
            Database(
                data / "telemetry.db",
                {"fleet": fleet_store.TELEMETRY_MIGRATIONS, "intake": intake_store.TELEMETRY_MIGRATIONS},
                backups=backups,
            )
        )
        search = await stack.enter_async_context(
            Database(data / "search.db", {"library": library_index.MIGRATIONS}, durable=False)
        )
        documents = Documents(data / "documents", school, clock)
        stack.callback(documents.close)
        school_id = school_id_of(data)
        fleet = Fleet(
            school=school,
            telemetry=telemetry,
            documents=documents,
            clock=clock,
            bus=bus,
            keys=data / "keys",
            site=FleetSite(school=school_id),
            kit=kit_folder(data),
            precedence=precedence,
        )
        await fleet.open()
        accounts = Accounts(school, clock)
        people = People(school=school, documents=documents, accounts=accounts, clock=clock, bus=bus)
        library = Library(school=school, search=search, data=data, clock=clock, bus=bus)
        sender = Sender(school, clock, open_key(data / "keys"), lambda: _identity(people))
        yield Rooms(
            data=data,
            school_id=school_id,
            clock=clock,
            precedence=precedence,
            bus=bus,
            school=school,
            telemetry=telemetry,
            documents=documents,
            accounts=accounts,
            audit=Audit(school, clock),
            fleet=fleet,
            library=library,
            people=people,
            sender=sender,
            measures=Measures(
                school=school,
                fleet=fleet,
                people=people,
                library=library,
                sender=sender,
                clock=clock,
                bus=bus,
                criteria_folder=data / "criteria",
            ),
            provisioning=Provisioning(
                school=school,
                fleet=fleet,
                clock=clock,
                bus=bus,
                data=data,
                settings=lambda: hub_settings(data).provision,
                hub_url=lambda: hub_url(hub_settings(data).web),
            ),
        )


async def _identity(people: People) -> Identity | None:
    """What offices know this school by: the code in force today; None before set-up."""
    profile = await people.profile()
    code = profile.code_on(await people.today())
    return None if code is None else Identity(code, profile.name)


def hub_url(web: WebSettings) -> str:
    """Where machines of the school reach the pages: by HTTPS where the hub serves it, or something in front of it does."""
    name = web.names[0] if web.names else "densach.lan"
    if web.https:
        port = host_and_port(web.https)[1]
        return f"https://{name}" if port == 443 else f"https://{name}:{port}"
    host, port = host_and_port(web.http) if web.http else ("127.0.0.1", 0)
    if is_loopback(host):
        return f"https://{name}"
    return f"http://{name}" if port == 80 else f"http://{name}:{port}"


def kit_folder(data: Path) -> Path:
    """Where the wheels for lab machines lie: in the data folder, or where the launcher packed them (DENSACH_AGENT_KIT)."""
    own, packed = data / "kit", os.environ.get("DENSACH_AGENT_KIT")
    return Path(packed) if packed and not own.is_dir() else own


def school_id_of(data: Path) -> str:
    """The id of this school in topics: made once, never changed (school codes change and hold capital letters)."""
    path = data / "school-id"
    if not path.exists():
        write_whole(path, f"s{secrets.token_hex(5)}".encode("ascii"))
    return path.read_text("ascii").strip()
