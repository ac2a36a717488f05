"""From what the rooms below know to facts and statements, without I/O."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from densach_core.clock import day_of
from densach_core.criteria.facts import ClassFact, EquipmentFact, Facts, MachineFact, RoomFact, StudioFact
from densach_core.criteria.model import Criterion, Indicator
from densach_core.sender.model import Statement
from densach_hub.fleet.model import Condition, Kind, Machine, Room, RoomKind
from densach_hub.fleet.sights import Finding, MachineRow
from densach_hub.people.model import SchoolClass, SchoolProfile
from densach_wire import upward
from densach_wire.messages import Presence
from densach_wire.upward import AlertCount, AlertSummary, Counts, Evidence, FleetSummary, IndicatorValue, RoomRatio

RATIO = "pupils-per-computer"
HEARD_STEP_MS = 10 * 60_000
"""`last_heard_at` is told in steps, or every minute would be a new record."""
WHOLE = frozenset({upward.Kind.PROFILE, upward.Kind.FLEET, upward.Kind.INDICATOR, upward.Kind.ALERTS, upward.Kind.ROOM})


def machine_fact(row: MachineRow, worked: frozenset[str], school_days: Sequence[date]) -> MachineFact:
    """A computer of the register.

    Measured: it worked when it did on one of the days; one admitted after the last of them and not seen at work is not
    known yet, which is not the same as broken. Declared: what a person says of it.
    """
    machine = row.machine
    measured = machine.kind is Kind.AGENT
    working: bool | None
    if not measured:
        working = {Condition.WORKING: True, Condition.BROKEN: False}.get(machine.condition)
    elif machine.condition is Condition.BROKEN:
        working = False  # a person says so, and a machine may run and still be of no use
    elif machine.id in worked:
        working = True
    else:
        new = not school_days or day_of(machine.admitted_at) >= max(school_days)
        working = None if new else False
    return MachineFact(
        id=machine.id,
        name=machine.name,
        room=machine.place.room if machine.place else None,
        measured=measured,
        simulated=machine.simulated,
        working=working,
        connected=(row.live is not None and row.live.presence is Presence.ONLINE) if measured else None,
    )


def room_facts(rooms: Iterable[Room]) -> tuple[RoomFact, ...]:
    return tuple(RoomFact(room.id, room.name, room.levels) for room in rooms if room.kind is RoomKind.COMPUTER_ROOM)


def class_facts(classes: Iterable[SchoolClass], rooms: Iterable[RoomFact]) -> tuple[ClassFact, ...]:
    """A class nobody is in yet has an unknown size, not 0."""
    known = {room.id for room in rooms}
    return tuple(
        ClassFact(
            id=klass.id,
            name=klass.name,
            level=klass.level.value,
            pupils=klass.pupils or None,
            rooms=tuple(room for room in klass.room_ids if room in known),
        )
        for klass in classes
    )


def studio_fact(rooms: Sequence[Room], equipment: Iterable[Machine], computers: Iterable[MachineFact]) -> StudioFact | None:
    """Studio rooms, what speaks for itself in them (or in no room yet), and the computers in them.

    None while no room at all has been entered: then nobody has said whether there is a studio.
    """
    if not rooms:
        return None
    studios = {room.id for room in rooms if room.kind is RoomKind.STUDIO}
    pieces = [
        EquipmentFact(
            id=piece.id,
            name=piece.name,
            kind=piece.tongue or "equipment",
            measured=piece.kind is not Kind.DECLARED,
            simulated=piece.simulated,
        )
        for piece in equipment
        if piece.place is None or piece.place.room in studios
    ]
    pieces += [
        EquipmentFact(
            id=computer.id,
            name=computer.name,
            kind="computer",
            measured=computer.measured,
            simulated=computer.simulated,
            working=computer.working,
        )
        for computer in computers
        if computer.room in studios
    ]
    return StudioFact(rooms=tuple(sorted(studios)), equipment=tuple(pieces))


def statements(
    facts: Facts,
    indicators: Iterable[Indicator],
    criteria: Mapping[str, Criterion],
    profile: SchoolProfile,
    findings: Iterable[Finding],
    software: str,
) -> list[Statement]:
    """Everything the school has to say upward. Counts, ratios, names of rooms; never a person, never a machine's name."""
    day = facts.as_of
    found = [
        Statement(kind=upward.Kind.PROFILE, as_of=day, body=_profile(profile, software)),
        Statement(kind=upward.Kind.FLEET, as_of=day, body=_fleet(facts)),
        Statement(kind=upward.Kind.ALERTS, as_of=day, body=_alerts(findings)),
    ]
    for indicator in indicators:
        criterion = criteria[indicator.code]
        found.append(Statement(kind=upward.Kind.INDICATOR, subject=indicator.key, as_of=day, body=_value(indicator, criterion)))
        if indicator.code == RATIO:
            found += [
                Statement(
                    kind=upward.Kind.ROOM,
                    subject=f"{part.room}.{part.level}",
                    as_of=day,
                    body=RoomRatio(
                        room=part.room,
                        name=part.name,
                        level=part.level or "",
                        state=part.state,
                        pupils=part.pupils,
                        working=part.working,
                        simulated=part.simulated,
                        value=part.value,
                        norm=part.norm,
                        within=part.within,
                        reason=part.reason,
                        with_simulated=part.with_simulated,
                    ),
                )
                for part in indicator.parts
            ]
    return found


def _profile(profile: SchoolProfile, software: str) -> upward.Profile:
    return upward.Profile(
        name=profile.name,
        levels=tuple(level.value for level in profile.levels),
        codes=tuple(code.code for code in profile.codes),
        campuses=len(profile.campuses) or None,
        province=profile.province,
        commune=profile.commune,
        software=software,
    )


def _fleet(facts: Facts) -> FleetSummary:
    pretending = [m for m in facts.machines or () if m.simulated]
    real = facts.real().machines
    heard = facts.last_heard_at
    return FleetSummary(
        measured=_counts([m for m in real if m.measured], facts) if real is not None else Counts(),
        declared=_counts([m for m in real if not m.measured], facts, speaks=False) if real is not None else Counts(),
        simulated=_counts(pretending, facts) if real is not None or pretending else Counts(),
        last_heard_at=heard - heard % HEARD_STEP_MS if heard is not None else None,
    )


def _counts(machines: Sequence[MachineFact], facts: Facts, *, speaks: bool = True) -> Counts:
    known = [m.working for m in machines if m.working is not None]
    unknown = (speaks and facts.school_days is None) or (bool(machines) and not known)
    return Counts(
        registered=len(machines),
        working=None if unknown else sum(known),
        connected=sum(bool(m.connected) for m in machines) if speaks else None,
    )


def _alerts(findings: Iterable[Finding]) -> AlertSummary:
    by_kind: dict[str, list[Finding]] = {}
    for finding in findings:
        by_kind.setdefault(finding.kind.value, []).append(finding)
    return AlertSummary(
        tuple(
            AlertCount(
                kind,
                open=sum(not one.simulated for one in same),
                oldest_at=min(one.since_at for one in same),
                simulated=sum(one.simulated for one in same),
            )
            for kind, same in sorted(by_kind.items())
        )
    )


def _value(indicator: Indicator, criterion: Criterion) -> IndicatorValue:
    on = indicator.grounds
    return IndicatorValue(
        code=indicator.code,
        criterion_version=indicator.version,
        state=indicator.state,
        value=indicator.value,
        level=indicator.level,
        unit=criterion.unit.vi,
        reason=indicator.reason,
        norm=indicator.norm,
        within=indicator.within,
        evidence=Evidence(
            machines=len(on.machines),
            declared=on.declared,
            simulated=on.simulated,
            classes=len(on.classes),
            rooms=len(on.rooms),
            items=on.items or len(on.equipment),
            digest=indicator.digest,
        ),
        with_simulated=indicator.with_simulated,
    )
