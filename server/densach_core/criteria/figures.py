"""The named computations a criteria file may ask for: plain functions over typed facts.

Each gives a Figure. The rule of the house holds in all of them: what is unknown is left unknown, never turned into 0;
values are exact fractions, rounded only where a person reads them. They count whatever they are given: it is the engine
that asks them about real machines only, and once more with the simulated ones for the figure beside.
"""

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from math import ceil

import msgspec

from densach_core.criteria.facts import ClassFact, Facts, LibraryFact, MachineFact
from densach_core.criteria.model import Figure, Grounds, Norm, Part, Reason
from densach_wire.upward import State


class Asked(msgspec.Struct, frozen=True):
    """The facts, the level asked about (None: the whole school), and the norms of the criterion by level."""

    facts: Facts
    level: str | None = None
    norms: Mapping[str, Norm] = {}


Compute = Callable[[Asked], Figure]


def machines_registered(asked: Asked) -> Figure:
    return _machine_count(asked.facts.machines or (), lambda _: True)


def machines_working(asked: Asked) -> Figure:
    return _machine_count(asked.facts.machines or (), lambda machine: machine.working)


def machines_connected(asked: Asked) -> Figure:
    """Only a machine that speaks can be seen to be connected; declared ones stay out of this figure."""
    return _machine_count([m for m in asked.facts.machines or () if m.measured], lambda machine: machine.connected)


def pupils_per_working_computer(asked: Asked) -> Figure:
    """The level's largest class against the working computers of the room it is taught in (letter 4771, duty 1).

    Of several classes equally large the one that has it worst counts. A room may serve two levels: each level asks it
    with its own largest class. A class whose room nobody named is taught in the school's only computer room, if there
    is exactly one (or exactly one that serves the level). Taught in several rooms, the worst of them counts.
    """
    facts, level = asked.facts, asked.level
    norm = asked.norms.get(level or "*")
    classes = [klass for klass in facts.classes or () if klass.level == level]
    if not classes:
        return Figure(reason=Reason.NO_CLASS)
    if any(klass.pupils is None for klass in classes):
        return Figure(reason=Reason.SIZE_UNKNOWN, grounds=Grounds(classes=tuple(k.id for k in classes)))
    size = max(klass.pupils or 0 for klass in classes)
    largest = [klass for klass in classes if klass.pupils == size]
    figures = [_class_in_room(facts, klass, room, norm) for klass in largest for room in _rooms_of(facts, klass) or (None,)]
    unknown = next((figure for figure in figures if figure.state is State.UNKNOWN), None)
    figure = unknown or max(figures, key=lambda f: (f.breaks, f.value or 0))
    return Figure(
        value=figure.value,
        state=figure.state,
        reason=figure.reason,
        breaks=figure.breaks,
        grounds=figure.grounds,
        parts=rooms_of_level(facts, level, norm),
    )


def computers_short(asked: Asked) -> Figure:
    """How many computers are missing so that every room keeps to the norms of the levels taught in it.

    A room needs, for its largest class of each level, pupils ÷ norm rounded up; the level that needs most decides.
    """
    facts, norms = asked.facts, asked.norms
    classes = facts.classes or ()
    if not classes:
        return Figure(reason=Reason.NO_CLASS)
    if not norms:
        return Figure(reason=Reason.NO_NORM)
    parts: list[Part] = []
    for of_level in dict.fromkeys(klass.level for klass in classes):
        parts += rooms_of_level(facts, of_level, norms.get(of_level))
    if not all(_rooms_of(facts, klass) for klass in classes):
        return Figure(reason=Reason.ROOM_UNKNOWN, parts=tuple(parts))
    missing = next((part for part in parts if part.short is None), None)
    if missing is not None:
        return Figure(reason=missing.reason or Reason.NO_NORM, parts=tuple(parts))
    worst: dict[str, int] = {}
    for part in parts:
        worst[part.room] = max(worst.get(part.room, 0), part.short or 0)
    grounds = _grounds(
        [m for m in facts.machines or () if m.room in worst and m.for_pupils and m.working],
        classes=tuple(klass.id for klass in classes),
        rooms=tuple(worst),
        uncertain=sum(1 for m in facts.machines or () if m.room in worst and m.for_pupils and m.working is None),
    )
    return Figure(value=Fraction(sum(worst.values())), state=_state(grounds), grounds=grounds, parts=tuple(parts))


def studio_rooms(asked: Asked) -> Figure:
    """Studio rooms: what a person entered, so *declared*."""
    rooms = asked.facts.studio.rooms if asked.facts.studio else ()
    grounds = Grounds(rooms=rooms, declared=len(rooms))
    return Figure(value=Fraction(len(rooms)), state=State.DECLARED, grounds=grounds)


def studio_equipment(asked: Asked) -> Figure:
    equipment = asked.facts.studio.equipment if asked.facts.studio else None
    if equipment is None:
        return Figure(reason=Reason.NO_MACHINES)
    grounds = Grounds(
        equipment=tuple(piece.id for piece in equipment),
        measured=sum(piece.measured and not piece.simulated for piece in equipment),
        declared=sum(not piece.measured and not piece.simulated for piece in equipment),
        simulated=sum(piece.simulated for piece in equipment),
    )
    return Figure(value=Fraction(len(equipment)), state=_state(grounds), grounds=grounds)


def library_titles(asked: Asked) -> Figure:
    return _library(asked.facts.library, lambda library: library.titles)


def library_items(asked: Asked) -> Figure:
    return _library(asked.facts.library, lambda library: library.items)


def library_reads(asked: Asked) -> Figure:
    return _library(asked.facts.library, lambda library: library.reads)


def library_loans(asked: Asked) -> Figure:
    return _library(asked.facts.library, lambda library: library.loans, reason=Reason.NO_DESK)


FIGURES: dict[str, Compute] = {
    "machines-registered": machines_registered,
    "machines-working": machines_working,
    "machines-connected": machines_connected,
    "pupils-per-working-computer": pupils_per_working_computer,
    "computers-short": computers_short,
    "studio-rooms": studio_rooms,
    "studio-equipment": studio_equipment,
    "library-titles": library_titles,
    "library-items": library_items,
    "library-reads": library_reads,
    "library-loans": library_loans,
}


def rooms_of_level(facts: Facts, level: str | None, norm: Norm | None) -> tuple[Part, ...]:
    """Each room with the level's largest class taught in it."""
    largest: dict[str, ClassFact] = {}
    for klass in facts.classes or ():
        for room in _rooms_of(facts, klass) if klass.level == level else ():
            before = largest.get(room)
            if before is None or (before.pupils is not None and (klass.pupils is None or klass.pupils > before.pupils)):
                largest[room] = klass
    return tuple(part for room, klass in largest.items() for part in _class_in_room(facts, klass, room, norm).parts)


def _class_in_room(facts: Facts, klass: ClassFact, room: str | None, norm: Norm | None) -> Figure:
    if room is None:
        return Figure(reason=Reason.ROOM_UNKNOWN, grounds=Grounds(classes=(klass.id,)))
    machines = [m for m in facts.machines or () if m.room == room and m.for_pupils]
    working = [m for m in machines if m.working]
    grounds = _grounds(working, classes=(klass.id,), rooms=(room,), uncertain=sum(1 for m in machines if m.working is None))
    bound = norm.at_most if norm else None
    value: Fraction | None = None
    reason: str | None = None
    if klass.pupils is None:
        reason = Reason.SIZE_UNKNOWN
    elif working:
        value = Fraction(klass.pupils, len(working))
    elif grounds.uncertain:
        reason = Reason.NOT_HEARD
    else:
        reason = Reason.NO_WORKING
    known = value is not None or reason == Reason.NO_WORKING
    state = _state(grounds) if known else State.UNKNOWN
    breaks = reason == Reason.NO_WORKING and (klass.pupils or 0) > 0
    needed = ceil(Fraction(klass.pupils) / Fraction(str(bound))) if bound and klass.pupils is not None else None
    part = Part(
        room=room,
        name=next((r.name for r in facts.rooms or () if r.id == room), room),
        level=klass.level,
        klass=klass.name,
        pupils=klass.pupils,
        working=len(working) if known else None,
        simulated=grounds.simulated,
        needed=needed,
        short=max(0, needed - len(working)) if needed is not None and known else None,
        value=float(value) if value is not None else None,
        norm=bound,
        within=_within(norm, value, breaks=breaks),
        state=state,
        reason=reason,
    )
    return Figure(value=value, state=state, reason=reason, breaks=breaks, grounds=grounds, parts=(part,))


def _within(norm: Norm | None, value: Fraction | None, *, breaks: bool) -> bool | None:
    if norm is None or norm.bound is None:
        return None
    if value is None:
        return False if breaks else None
    return norm.admits(value)


def _rooms_of(facts: Facts, klass: ClassFact) -> tuple[str, ...]:
    if klass.rooms:
        return klass.rooms
    rooms = facts.rooms or ()
    serving = [room for room in rooms if klass.level in room.levels] or [room for room in rooms if not room.levels]
    return (serving[0].id,) if len(serving) == 1 else ()


def _machine_count(machines: Iterable[MachineFact], counts: Callable[[MachineFact], bool | None]) -> Figure:
    judged = [(machine, counts(machine)) for machine in machines]
    unknown = sum(1 for _, yes in judged if yes is None)
    grounds = _grounds([m for m, yes in judged if yes], uncertain=unknown)
    if judged and unknown == len(judged):
        return Figure(reason=Reason.NOT_HEARD, grounds=grounds)
    return Figure(value=Fraction(len(grounds.machines)), state=_state(grounds), grounds=grounds)


def _grounds(
    machines: Iterable[MachineFact],
    *,
    classes: tuple[str, ...] = (),
    rooms: tuple[str, ...] = (),
    uncertain: int = 0,
) -> Grounds:
    machines = list(machines)
    return Grounds(
        machines=tuple(machine.id for machine in machines),
        classes=classes,
        rooms=rooms,
        measured=sum(machine.measured and not machine.simulated for machine in machines),
        declared=sum(not machine.measured and not machine.simulated for machine in machines),
        simulated=sum(machine.simulated for machine in machines),
        uncertain=uncertain,
    )


def _state(grounds: Grounds) -> State:
    """A figure is as good as the weakest thing it stands on."""
    return State.DECLARED if grounds.declared else State.MEASURED


def _library(library: LibraryFact | None, pick: Callable[[LibraryFact], int | None], reason: str = Reason.NO_LIBRARY) -> Figure:
    count = pick(library) if library else None
    if count is None:
        return Figure(reason=reason)
    return Figure(value=Fraction(count), state=State.MEASURED, grounds=Grounds(items=count, measured=count))
