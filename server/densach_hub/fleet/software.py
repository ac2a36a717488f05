"""The software of the school: what is on which machine, under which licence class, and the school's own word on it.

A class is worked out here, of the evidence machines told: the school's entries first (documents/licences.json, which a
technician may edit by hand), then what the package says of itself, then the list that comes with the product. When one of
these changes, all programs are judged anew at the next look.
"""

import asyncio
import hashlib

import msgspec
import structlog

from densach_core.clock import Clock
from densach_core.database import Database
from densach_core.documents import Documents
from densach_core.errors import BadInput, Conflict, NotFound, Unavailable
from densach_core.folding import fold
from densach_core.live import Bus
from densach_core.precedence import Precedence
from densach_core.text import Text, t
from densach_hub.fleet import store_software as store
from densach_hub.fleet.model import Kind, Machine
from densach_hub.fleet.register import Register
from densach_hub.fleet.store_software import Copy, Program, Wanted
from densach_wire.licences import Classes, Entry, LicenceClass, Verdict, shipped
from densach_wire.messages import Item

log = structlog.get_logger("fleet")
LOOK_EVERY_S = 30.0
QUIET_S = 1.0
PATIENCE_S = 1.0
"""So long a page waits for lists that are new; the rest is done behind it."""
MOST_ROWS = 20_000


class SchoolLicence(msgspec.Struct, frozen=True, kw_only=True):
    """What the school says of software. `id` is the name, which may hold `*` and `?`. A whole name goes
    before a pattern, the upper of two patterns before the lower."""

    id: str
    licence_class: LicenceClass
    note: str = ""
    """Why: the number of the contract, who looked it up."""
    by: str = ""
    at: int = 0


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """`room` "" is every room. `simulated` counts simulated machines, and them alone."""

    q: str = ""
    room: str = ""
    licence_class: LicenceClass | None = None
    source: str = ""
    apps: bool = True
    simulated: bool = False
    by_count: bool = False


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A page of programs. `counts` are all that fit, by class; `told` of `machines` have told their software; `waiting`
    lists are still to be taken apart; `all_of_them`: no application was known, so everything is shown."""

    programs: list[Program]
    counts: dict[LicenceClass, int]
    machines: int
    told: int
    waiting: int = 0
    all_of_them: bool = False

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def free_share(self) -> float | None:
        """Of all that fit, unknown ones included: nobody can say less of them."""
        return 100 * self.counts[LicenceClass.FREE] / self.total if self.total else None


class Place(msgspec.Struct, frozen=True, kw_only=True):
    machine: Machine
    copy: Copy


class Software:
    def __init__(
        self,
        telemetry: Database,
        documents: Documents,
        clock: Clock,
        bus: Bus,
        register: Register,
        precedence: Precedence,
    ) -> None:
        self._db = telemetry
        self._entries = documents.many("licences", SchoolLicence)
        self._clock = clock
        self._bus = bus
        self._register = register
        self._precedence = precedence
        self._stamp = ""
        self._classes: Classes | None = None
        self.fault: Text | None = None
        """Why the school's entries cannot be read; the last good ones count on."""

    async def entries(self) -> list[SchoolLicence]:
        """Raises Conflict where a person left the file in a shape that does not fit."""
        return await self._entries.all()

    async def say(self, name: str, licence_class: LicenceClass, *, by: str, note: str = "") -> SchoolLicence:
        """The school's word on software of this name (a pattern). Raises BadInput, Conflict for a broken file."""
        name = " ".join(name.split())
        if not 0 < len(name) <= 200 or not name.strip("*?"):
            raise BadInput("fleet.licence-name", t("Say a name, at most {n} letters.", n=200), field="name")
        if len(note) > 500:
            raise BadInput("fleet.licence-note", t("At most {n} letters.", n=500), field="note")
        said = SchoolLicence(id=name, licence_class=licence_class, note=note.strip(), by=by, at=self._clock.now_ms())
        await self._entries.all()  # a file that does not fit is corrected first: what is put into it would not count
        await self._entries.put(said, by=by)
        await self.classes()
        self._bus.say("fleet")
        return said

    async def unsay(self, name: str, *, by: str) -> None:
        """Raises NotFound."""
        if await self._entries.get(name) is None:
            raise NotFound("fleet.no-licence", t("The school has said nothing of this name."))
        await self._entries.remove(name, by=by)
        await self.classes()
        self._bus.say("fleet")

    async def classes(self) -> Classes:
        """The rules in force; judges everything anew where they changed."""
        try:
            entries = await self._entries.all()
            self.fault = None
        except Conflict as error:
            self.fault = error.what
            if self._classes is not None:
                return self._classes
            entries = []
        words = msgspec.json.encode((shipped(), [(e.id, e.licence_class) for e in entries]))
        stamp = hashlib.sha256(words).hexdigest()[:32]
        if self._classes is None or stamp != self._stamp:
            classes = Classes(shipped(), (Entry(name=e.id, cls=e.licence_class) for e in entries if e.id))
            if await self._db.read(store.rules_stamp) != stamp:
                await self._db.write(lambda c: store.judge_all(c, classes, stamp))
            self._classes, self._stamp = classes, stamp
        return self._classes

    async def catch_up(self, seconds: float = PATIENCE_S, *, quiet_s: float = 0.0) -> int:
        """Takes lists apart that changed, each in a transaction of its own; returns how many are left.

        `quiet_s`: before each, wait so long for a moment in which nobody waits for a page.
        """
        classes = await self.classes()
        until = self._clock.monotonic() + seconds
        while todo := await self._db.read(lambda c: store.pending(c, 1_000)):
            for n, (device, stamp) in enumerate(todo):
                if self._clock.monotonic() > until:
                    return len(todo) - n
                await self._precedence.quiet(quiet_s)
                await self._take_apart(device, stamp, classes)
            if len(todo) < 1_000:
                break
        return 0

    async def _take_apart(self, device: str, stamp: str, classes: Classes) -> None:
        await self._db.write(lambda c: store.take_apart(c, device, stamp, classes))

    async def run(self) -> None:
        """For ever: what machines told is in the roll-up before anybody asks."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.catch_up(seconds=LOOK_EVERY_S, quiet_s=QUIET_S)
            except Unavailable as error:  # a full disk: the lists stay, and are taken apart when there is room
                log.warning("fleet.software-waits", reason=error.code)

    async def ask(self, question: Question, *, first: int = 0, most: int = 50) -> Answer:
        waiting = await self.catch_up()
        machines = await self._machines(question)
        devices = tuple(m.id for m in machines)
        wanted = Wanted(
            devices=devices,
            words=tuple(fold(question.q).split()),
            cls=question.licence_class,
            source=question.source,
            apps=question.apps,
            by_count=question.by_count,
        )
        counts = await self._db.read(lambda c: store.count(c, wanted), seconds=10)
        all_of_them = False
        if question.apps and not sum(counts.values()) and not question.q and not question.source:
            wanted = msgspec.structs.replace(wanted, apps=False)
            counts = await self._db.read(lambda c: store.count(c, wanted), seconds=10)
            all_of_them = sum(counts.values()) > 0
        found = await self._db.read(lambda c: store.programs(c, wanted, first=first, most=min(most, MOST_ROWS)), seconds=10)
        told = await self._db.read(lambda c: store.machines_told(c, devices))
        return Answer(
            programs=found, counts=counts, machines=len(machines), told=told, waiting=waiting, all_of_them=all_of_them
        )  # fmt: skip

    async def one(self, source: str, name: str) -> tuple[Program, list[Place]]:
        """A program and the machines it is on, simulated ones among them. Raises NotFound."""
        await self.catch_up()
        machines = {m.id: m for m in await self._register.machines()}
        found = await self._db.read(lambda c: store.program(c, source, name, tuple(machines)))
        if found is None:
            raise NotFound("fleet.no-software", t("No machine has this software."), t("Look in the list of software."))
        program, copies = found
        return program, [Place(machine=machines[copy.device], copy=copy) for copy in copies]

    async def sources(self) -> list[str]:
        return await self._db.read(store.sources)

    async def verdicts(self, items: list[Item]) -> list[Verdict]:
        """The classes of a machine's own list, in its order."""
        classes = await self.classes()
        return [classes.verdict(store.evidence_of(item)) for item in items]

    async def _machines(self, question: Question) -> list[Machine]:
        found = await self._register.machines(room=question.room or None, kinds=(Kind.AGENT,))
        return [m for m in found if m.simulated is question.simulated]
