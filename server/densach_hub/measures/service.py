"""Asks the rooms below, lets the criteria engine judge, keeps each day, and says upward what changed."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import structlog
from aiohttp import web

from densach_core.clock import Clock, day_of
from densach_core.criteria import shelf
from densach_core.criteria.engine import evaluate
from densach_core.criteria.facts import Facts, LibraryFact, RoomFact
from densach_core.criteria.model import Indicator
from densach_core.criteria.shelf import Shelf
from densach_core.criteria.trend import DAYS, days_up_to, trend
from densach_core.database import Database
from densach_core.errors import NotFound
from densach_core.folding import fold
from densach_core.live import Bus
from densach_core.sender.model import Identity
from densach_core.sender.service import Sender
from densach_core.text import t
from densach_hub.fleet.model import Kind
from densach_hub.fleet.service import Fleet
from densach_hub.library.model import HeldTitle, ItemReads
from densach_hub.library.service import Library
from densach_hub.measures import store
from densach_hub.measures.model import LISTED, Line, Opened, Report
from densach_hub.measures.rules import WHOLE, class_facts, machine_fact, room_facts, statements, studio_fact
from densach_hub.people.service import People

log = structlog.get_logger("measures")
MEASURES: "web.AppKey[Measures]" = web.AppKey("measures")

SCHOOL_DAYS = 5
READS_DAYS = 30
FIRST_ROUNDS_S = (20.0, 40.0, 120.0, 300.0)
"""Soon after a start much changes (machines come back); later a round every ten minutes is plenty."""
ROUND_S = 600.0


def school_identity(people: People, clock: Clock) -> Callable[[], Awaitable[Identity | None]]:
    """Who the school is to an office: its code in force today; None before set-up."""

    async def who() -> Identity | None:
        profile = await people.profile()
        code = profile.code_on(day_of(clock.now_ms()))
        return Identity(code, profile.name) if code else None

    return who


class Measures:
    """`criteria_folder` holds the school's own criteria files (DATA/criteria); it may be missing."""

    def __init__(
        self,
        *,
        school: Database,
        fleet: Fleet,
        people: People,
        library: Library,
        sender: Sender,
        clock: Clock,
        bus: Bus,
        criteria_folder: Path | None = None,
    ) -> None:
        self._db = school
        self._fleet = fleet
        self._people = people
        self._library = library
        self._sender = sender
        self._clock = clock
        self._bus = bus
        self._folder = criteria_folder
        self._shelf: Shelf | None = None

    async def shelf(self) -> Shelf:
        """The criteria in force. Files are read once; `reload` after changing one."""
        if self._shelf is None:
            self._shelf = await asyncio.to_thread(shelf.load, self._folder)
            for name, why in self._shelf.problems:
                log.warning("criteria.unusable", file=name, why=why.msgid)
        return self._shelf

    def reload(self) -> None:
        self._shelf = None

    async def facts(self) -> Facts:
        """What the school is like now."""
        now = self._clock.now_ms()
        today = day_of(now)
        days = await self._people.last_school_days(SCHOOL_DAYS, today + timedelta(days=1))
        rows = await self._fleet.alerts.machines()
        # A machine that works today works, also when today is no school day.
        worked = frozenset((await self._fleet.census.worked(sorted({*days, today}), simulated=True)).ids)
        machines = tuple(machine_fact(row, worked, days) for row in rows)
        rooms = await self._fleet.rooms.all()
        computer_rooms = room_facts(rooms)
        classes = class_facts(await self._people.classes(), computer_rooms)
        profile = await self._people.profile()
        heard = [row.live.heard_at for row in rows if row.live and row.live.heard_at is not None and not row.machine.simulated]
        return Facts(
            as_of=today.isoformat(),
            levels=tuple(level.value for level in profile.levels),
            machines=machines,
            rooms=computer_rooms,
            classes=classes or None,
            studio=studio_fact(rooms, await self._fleet.census.equipment(), machines),
            library=await self._library_fact(today),
            school_days=tuple(day.isoformat() for day in days) if days else None,
            last_heard_at=max(heard, default=None),
            register_known=await self._register_known(),
        )

    async def report(self, day: date | None = None) -> Report:
        """As of now, or as it was kept on a day (or the last kept before it). Raises NotFound("measures.no-day")."""
        if day is None or day >= day_of(self._clock.now_ms()):
            facts = await self.facts()
            indicators = evaluate((await self.shelf()).criteria, facts)
            return await self._report(facts.as_of, self._clock.now_ms(), indicators)
        kept_day, at, _, indicators = await self._kept(day)
        return await self._report(kept_day, at, indicators)

    async def opened(self, key: str, day: date | None = None) -> Opened:
        """A figure with the facts behind it. Raises NotFound("measures.no-indicator")."""
        if day is None or day >= day_of(self._clock.now_ms()):
            facts, at = await self.facts(), self._clock.now_ms()
            indicators = evaluate((await self.shelf()).criteria, facts)
        else:
            _, at, facts, indicators = await self._kept(day)
        report = await self._report(facts.as_of, at, indicators)
        line = next((line for line in report.lines if line.indicator.key == key), None)
        if line is None:
            raise NotFound("measures.no-indicator", t("There is no such figure."), t("Open the list of figures."))
        on = line.indicator.grounds
        machines, classes, pieces = {*on.machines, *on.apart}, set(on.classes), {*on.equipment, *on.apart}
        concerned = set(on.rooms)
        about_machines = line.criterion.needs[:1] == ("machines",)
        return Opened(
            line=line,
            day=facts.as_of,
            at=at,
            counted=tuple(m for m in facts.machines or () if m.id in machines and not m.simulated),
            simulated=tuple(m for m in facts.machines or () if m.id in machines and m.simulated),
            left_out=tuple(
                m
                for m in facts.machines or ()
                if about_machines and m.id not in machines and (not concerned or m.room in concerned)
            ),
            classes=tuple(k for k in facts.classes or () if k.id in classes),
            equipment=tuple(e for e in (facts.studio.equipment if facts.studio else None) or () if e.id in pieces),
            rooms={room.id: room.name for room in facts.rooms or ()},
            titles=await self._titles(at) if line.criterion.compute in ("library-titles", "library-items") else (),
            reads=await self._reads(date.fromisoformat(facts.as_of)) if line.criterion.compute == "library-reads" else (),
            studios=await self._studios(on.rooms) if line.criterion.compute == "studio-rooms" else (),
            school_days=facts.school_days or (),
        )

    async def _titles(self, at: int) -> tuple[HeldTitle, ...]:
        """What is held today of what was held then (what was taken out since is not remembered), in order of title."""
        held = await self._library.held_titles(limit=LISTED)
        return tuple(sorted((one for one in held if one.added_at <= at), key=lambda one: fold(one.title)))

    async def _reads(self, day: date) -> tuple[ItemReads, ...]:
        first = day - timedelta(days=READS_DAYS - 1)
        return (await self._library.reads(first.isoformat(), day.isoformat())).items

    async def _studios(self, rooms: tuple[str, ...]) -> tuple[RoomFact, ...]:
        """A room that is no more keeps its number for a name."""
        names = {room.id: room.name for room in await self._fleet.rooms.all()}
        return tuple(RoomFact(room, names.get(room, room)) for room in rooms)

    async def snapshot(self) -> int:
        """Keeps today's figures and says upward what changed; returns how many records were queued."""
        await self._fleet.telemetry.roll_up()
        facts = await self.facts()
        found = (await self.shelf()).criteria
        indicators = evaluate(found, facts)
        at = self._clock.now_ms()
        await self._db.write(lambda c: store.put(c, at=at, facts=facts, indicators=indicators))
        said = statements(
            facts,
            indicators,
            {criterion.code: criterion for criterion in found},
            await self._people.profile(),
            await self._fleet.alerts.morning(),
            _software(),
        )
        queued = await self._sender.publish(said, whole=WHOLE)
        self._bus.say("reports")
        return queued

    async def run(self) -> None:
        """Keeps and says, for ever; at once when an office turns out to hold newer records than we remember."""
        rounds = iter(FIRST_ROUNDS_S)
        while True:
            self._sender.behind.clear()
            try:
                await self.snapshot()
            except Exception:
                log.exception("measures.failed")
            try:
                async with asyncio.timeout(next(rounds, ROUND_S)):
                    await self._sender.behind.wait()
            except TimeoutError:
                pass

    async def _report(self, day: str, at: int, indicators: list[Indicator]) -> Report:
        criteria = {criterion.code: criterion for criterion in (await self.shelf()).criteria}
        days = days_up_to(date.fromisoformat(day), DAYS)
        kept = await self._db.read(lambda c: store.values(c, days[0].isoformat(), day))
        first, last = await self._db.read(store.span)
        lines = []
        for indicator in indicators:
            if indicator.code not in criteria:
                continue
            known = {**kept.get(indicator.key, {}), day: indicator.value}
            drawn = trend([(one, known.get(one.isoformat())) for one in days])
            lines.append(Line(criterion=criteria[indicator.code], indicator=indicator, trend=drawn))
        return Report(day=day, at=at, lines=tuple(lines), first_day=first, last_day=last)

    async def _kept(self, day: date) -> tuple[str, int, Facts, list[Indicator]]:
        found = await self._db.read(lambda c: store.snapshot(c, day.isoformat()))
        if found is None:
            raise NotFound("measures.no-day", t("Nothing was measured up to this day."), t("Choose a later day."))
        return found

    async def _register_known(self) -> bool:
        """Whether anything real was ever heard or declared; what left the register since was."""
        ever = await self._fleet.register.machines(kinds=tuple(Kind), retired=True)
        return any(not machine.simulated for machine in ever)

    async def _library_fact(self, today: date) -> LibraryFact:
        holdings = await self._library.holdings()
        first = today - timedelta(days=READS_DAYS - 1)
        reads = await self._library.reads(first.isoformat(), today.isoformat())
        return LibraryFact(titles=holdings.titles, items=holdings.items, reads=reads.total, reads_days=READS_DAYS)


def _software() -> str:
    try:
        return version("densach")
    except PackageNotFoundError:
        return ""
