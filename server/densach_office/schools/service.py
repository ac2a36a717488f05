"""What an officer asks: how are the schools, how does it add up, what stands behind a figure."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import date
from typing import Literal, TypeVar

import msgspec
from aiohttp import web

from densach_core.clock import Clock, day_of
from densach_core.criteria.trend import Trend, days_up_to, trend
from densach_core.errors import NotFound
from densach_core.folding import fold
from densach_core.text import t
from densach_office.profile import Tree
from densach_office.schools.model import Child, Heard, Held, SchoolRow, SchoolSight
from densach_office.schools.port import SchoolStore
from densach_office.schools.rules import alive, counted, of_real_machines, silent, total
from densach_wire.upward import AlertSummary, FleetSummary, IndicatorValue, Kind, Profile, RoomRatio

SCHOOLS: "web.AppKey[Schools]" = web.AppKey("schools")
RATIO = "pupils-per-computer"
_ROW_KINDS = (Kind.PROFILE, Kind.FLEET, Kind.ALERTS)
_TREND_LASTS_S = 300.0
B = TypeVar("B", Profile, FleetSummary, IndicatorValue, AlertSummary, RoomRatio)
V = TypeVar("V")
Name = Literal["registered", "working", "connected"]
NAMES: tuple[Name, ...] = ("registered", "working", "connected")


class Total(msgspec.Struct, frozen=True, kw_only=True):
    """A figure over all schools: `behind` schools know it, of `schools` known here."""

    value: int | None
    behind: int
    schools: int
    simulated: int = 0
    trend: Trend | None = None


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """The five figures of the first page. `kept` counts schools whose every known level keeps its norm."""

    registered: Total
    working: Total
    connected: Total
    kept: Total
    alerts: Total
    silent: int


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """What the table shows and in which order."""

    search: str = ""
    unit: str | None = None
    only: str | None = None
    sort: str = "name"
    down: bool = False


class Schools:
    """Reads the store, decodes, adds up. Trends are remembered for five minutes: they look at a month of records."""

    def __init__(self, store: SchoolStore, tree: Tree, clock: Clock) -> None:
        self._store = store
        self._tree = tree
        self._clock = clock
        self._trends: tuple[float, frozenset[str], dict[str, Trend | None]] | None = None

    async def rows(self, chosen: Filter | None = None) -> list[SchoolRow]:
        chosen = chosen or Filter()
        heard = await self._store.schools()
        held = await self._store.held(_ROW_KINDS) + await self._store.held((Kind.INDICATOR,), starting=f"{RATIO}.")
        members = await self._tree.memberships()
        by_school: dict[str, list[Held]] = {}
        for one in held:
            by_school.setdefault(one.record.school, []).append(one)
        now = self._clock.now_ms()
        rows = [_row(school, by_school.get(school.code, ()), members.get(school.code, ()), now) for school in heard]
        below = await self._tree.below(chosen.unit) if chosen.unit else None
        words = fold(chosen.search).split()
        kept = [row for row in rows if _fits(row, chosen, words, below)]
        return sort_rows(kept, chosen.sort, down=chosen.down)

    async def overview(self, rows: list[SchoolRow]) -> Overview:
        """The figures over `rows`."""
        trends = await self._month(frozenset(row.code for row in rows))
        many = len(rows)

        def over(name: str, values: Iterable[int | None], simulated: int = 0) -> Total:
            known = [value for value in values if value is not None]
            return Total(value=total(*known), behind=len(known), schools=many, simulated=simulated, trend=trends.get(name))

        def apart(name: str) -> int:
            return total(*(getattr(row.fleet.simulated, name) for row in rows if row.fleet)) or 0

        judged = [row for row in rows if any(value.within is not None for value in row.levels.values())]
        return Overview(
            registered=over("registered", (row.registered for row in rows), apart("registered")),
            working=over("working", (row.working for row in rows), apart("working")),
            connected=over("connected", (row.connected for row in rows), apart("connected")),
            kept=Total(
                value=sum(not row.beyond for row in judged) if judged else None,
                behind=len(judged),
                schools=many,
                trend=trends.get("kept"),
            ),
            alerts=over("alerts", (row.alerts for row in rows), sum(row.simulated_alerts for row in rows)),
            silent=sum(row.silent for row in rows),
        )

    async def school(self, code: str) -> SchoolSight:
        """Raises NotFound("office.no-school")."""
        heard = next((school for school in await self._store.schools() if school.code == code), None)
        if heard is None:
            raise NotFound("office.no-school", t("No school with this code is known here."))
        held = await self._store.held(school=code)
        units = (await self._tree.memberships()).get(code, ())
        of_kind = {kind: [one for one in held if one.record.kind == kind] for kind in Kind}
        alerts = of_kind[Kind.ALERTS][:1]
        return SchoolSight(
            row=_row(heard, held, units, self._clock.now_ms()),
            child=await self._store.child(code),
            profile=next(iter(of_kind[Kind.PROFILE]), None),
            fleet=next(iter(of_kind[Kind.FLEET]), None),
            indicators=tuple((of_real_machines(_body(one, IndicatorValue)), one) for one in of_kind[Kind.INDICATOR]),
            rooms=tuple((of_real_machines(_body(one, RoomRatio)), one) for one in of_kind[Kind.ROOM]),
            alerts=(_body(alerts[0], AlertSummary), alerts[0]) if alerts else None,
            notices=tuple(await self._store.notices(code, 50)),
        )

    async def versions(self, record_id: str) -> list[Held]:
        """What was said under one id, newest first. Raises NotFound("office.no-record")."""
        found = await self._store.versions(record_id, 200)
        if not found:
            raise NotFound("office.no-record", t("No record has this id."))
        return found

    async def rooms(self) -> list[tuple[Heard, RoomRatio, Held]]:
        """Every computer room of every school, per level taught in it."""
        schools = {school.code: school for school in await self._store.schools()}
        return [
            (schools[one.record.school], of_real_machines(_body(one, RoomRatio)), one)
            for one in await self._store.held((Kind.ROOM,))
            if one.record.school in schools
        ]

    async def children(self) -> list[Child]:
        return await self._store.children()

    async def _month(self, codes: frozenset[str]) -> dict[str, Trend | None]:
        if self._trends is not None and self._trends[1] == codes and self._clock.monotonic() - self._trends[0] < _TREND_LASTS_S:
            return self._trends[2]
        days = days_up_to(day_of(self._clock.now_ms()))
        since = days[0].isoformat()
        fleets = [one for one in await self._store.days(Kind.FLEET, since) if one.record.school in codes]
        ratios = await self._store.days(Kind.INDICATOR, since, f"{RATIO}.")
        ratios = [one for one in ratios if one.record.school in codes]
        found = await asyncio.to_thread(_trends, fleets, ratios, days)
        self._trends = (self._clock.monotonic(), codes, found)
        return found


def sort_rows(rows: list[SchoolRow], by: str, *, down: bool) -> list[SchoolRow]:
    """By a column; what is unknown is always last, whichever way."""

    def text(row: SchoolRow) -> str:
        return row.code if by == "code" else fold(row.name)

    def number(row: SchoolRow) -> float | None:
        if by.startswith("ratio-"):
            level = row.levels.get(by.removeprefix("ratio-"))
            return level.value if level else None
        numbers: dict[str, float | None] = {
            "heard": row.heard_at,
            "registered": row.registered,
            "working": row.working,
            "connected": row.connected,
            "alerts": row.alerts,
        }
        return numbers.get(by)

    ordered = sorted(rows, key=text)
    if by not in {"heard", "registered", "working", "connected", "alerts"} and not by.startswith("ratio-"):
        return ordered[::-1] if down else ordered
    known = [row for row in ordered if number(row) is not None]
    known.sort(key=lambda row: number(row) or 0, reverse=down)
    return known + [row for row in ordered if number(row) is None]


def _row(school: Heard, held: Iterable[Held], units: tuple[str, ...], now: int) -> SchoolRow:
    profile: Profile | None = None
    fleet: FleetSummary | None = None
    alerts: AlertSummary | None = None
    levels: dict[str, IndicatorValue] = {}
    for one in held:
        match one.record.kind:
            case Kind.PROFILE:
                profile = _body(one, Profile)
            case Kind.FLEET:
                fleet = _body(one, FleetSummary)
            case Kind.ALERTS:
                alerts = _body(one, AlertSummary)
            case Kind.INDICATOR:
                indicator = of_real_machines(_body(one, IndicatorValue))
                if indicator.code == RATIO and indicator.level:
                    levels[indicator.level] = indicator
    return SchoolRow(
        code=school.code,
        name=school.name,
        via=school.via,
        heard_at=school.heard_at,
        silent=silent(school.heard_at, now),
        units=units,
        profile=profile,
        fleet=fleet,
        registered=counted(fleet, "registered") if fleet else None,
        working=counted(fleet, "working") if fleet else None,
        connected=counted(fleet, "connected") if fleet else None,
        simulated=(fleet.simulated.registered or 0) if fleet else 0,
        levels=levels,
        alerts=sum(alert.open for alert in alerts.alerts) if alerts else None,
        simulated_alerts=sum(alert.simulated for alert in alerts.alerts) if alerts else 0,
    )


def _fits(row: SchoolRow, chosen: Filter, words: list[str], below: frozenset[str] | None) -> bool:
    if below is not None and row.code not in below:
        return False
    if chosen.only == "beyond" and not row.beyond:
        return False
    if chosen.only == "silent" and not row.silent:
        return False
    if chosen.only == "alerts" and not row.alerts:
        return False
    known = fold(f"{row.code} {row.name}")
    return all(word in known for word in words)


def _body(held: Held, kind: type[B]) -> B:
    return msgspec.json.decode(held.record.body, type=kind)


def _trends(fleets: list[Held], ratios: list[Held], days: list[date]) -> dict[str, Trend | None]:
    """A month of every school's records, each read once."""
    machines = _day_by_day(fleets, days, lambda one: _body(one, FleetSummary))
    found: dict[str, Trend | None] = {
        name: trend(
            [
                (day, total(*(counted(fleet, name) for _, line in machines if (fleet := line[n]) is not None)))
                for n, day in enumerate(days)
            ]
        )
        for name in NAMES
    }
    kept: list[tuple[date, float | None]] = []
    judged = _day_by_day(ratios, days, lambda one: of_real_machines(_body(one, IndicatorValue)).within)
    for n, day in enumerate(days):
        schools: dict[str, bool] = {}
        for school, line in judged:
            if (within := line[n]) is not None:
                schools[school] = schools.get(school, True) and within
        kept.append((day, sum(schools.values()) if schools else None))
    return {**found, "kept": trend(kept)}


def _day_by_day(held: list[Held], days: list[date], read: Callable[[Held], V | None]) -> list[tuple[str, list[V | None]]]:
    """For each record its school and what stood on each day: the last said up to then, nothing once it was cancelled."""
    by_id: dict[str, list[Held]] = {}
    for one in held:
        by_id.setdefault(one.record.id, []).append(one)
    names = [day.isoformat() for day in days]
    found: list[tuple[str, list[V | None]]] = []
    for said in by_id.values():
        standing: list[V | None] = []
        place = 0
        last: V | None = None
        for name in names:
            while place < len(said) and said[place].record.as_of <= name:
                last = read(said[place]) if alive(said[place]) else None
                place += 1
            standing.append(last)
        found.append((said[0].record.school, standing))
    return found
