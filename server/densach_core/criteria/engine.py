"""Criteria on facts give indicators. Pure: the same facts give the same indicators and the same digest.

A headline figure is computed from facts that hold nothing simulated, so that no simulated machine can change it. Where
some are concerned, the same computation with them gives the second figure that is shown beside it.
"""

from collections.abc import Sequence

import msgspec

from densach_core.criteria.facts import Facts
from densach_core.criteria.figures import FIGURES, Asked
from densach_core.criteria.model import Criterion, Figure, Indicator, Norm, Part, Reason
from densach_wire.upward import State, digest

_MISSING = {
    "machines": Reason.NO_MACHINES,
    "rooms": Reason.NO_MACHINES,
    "classes": Reason.NO_ROSTER,
    "school_days": Reason.NO_CALENDAR,
    "studio": Reason.NO_STUDIO,
    "library": Reason.NO_LIBRARY,
}


def evaluate(criteria: Sequence[Criterion], facts: Facts) -> list[Indicator]:
    """Every criterion, per level of the school where the criterion asks for it, in the order of the files."""
    by_code = {criterion.code: criterion for criterion in criteria}
    found: list[Indicator] = []
    for criterion in criteria:
        levels: Sequence[str | None] = facts.levels if criterion.by_level else (None,)
        borrowed = by_code.get(criterion.norm_from) if criterion.norm_from else None
        norms = borrowed.norm if borrowed else criterion.norm
        found += [_indicator(criterion, facts, level, norms) for level in levels]
    return found


def _indicator(criterion: Criterion, facts: Facts, level: str | None, norms: dict[str, Norm]) -> Indicator:
    figure = _figure(criterion, facts.real(), level, norms)
    pretending = facts.simulated
    beside: float | None = None
    if pretending:
        whole = _figure(criterion, facts, level, norms)
        apart = tuple(one for one in (*whole.grounds.machines, *whole.grounds.equipment) if one in pretending)
        if apart:
            beside = float(whole.value) if whole.value is not None else None
            grounds = msgspec.structs.replace(figure.grounds, apart=apart, simulated=len(apart))
            figure = msgspec.structs.replace(figure, grounds=grounds)
        figure = msgspec.structs.replace(figure, parts=_parts(figure.parts, whole.parts))
    norm = criterion.norm.get(level or "*") or criterion.norm.get("*")
    within: bool | None = None
    if norm is not None and norm.bound is not None and figure.state is not State.UNKNOWN:
        if figure.value is not None:
            within = norm.admits(figure.value)
        elif figure.breaks:
            within = False
    return Indicator(
        code=criterion.code,
        version=criterion.version,
        level=level,
        as_of=facts.as_of,
        state=figure.state,
        value=float(figure.value) if figure.value is not None else None,
        reason=figure.reason,
        norm=norm.bound if norm else None,
        within=within,
        grounds=figure.grounds,
        parts=figure.parts,
        digest=digest(_digested(criterion, level, facts, figure)),
        with_simulated=beside,
    )


def _figure(criterion: Criterion, facts: Facts, level: str | None, norms: dict[str, Norm]) -> Figure:
    missing = next((need for need in criterion.needs if getattr(facts, need) is None), None)
    if missing is not None:
        return Figure(reason=_MISSING[missing])
    return FIGURES[criterion.compute](Asked(facts, level, norms))


def _parts(real: tuple[Part, ...], whole: tuple[Part, ...]) -> tuple[Part, ...]:
    """The rooms as they really are, each with what it would be with its simulated machines."""
    pretending = {(part.room, part.level): part for part in whole if part.simulated}
    found = []
    for part in real:
        with_them = pretending.get((part.room, part.level))
        if with_them is not None:
            part = msgspec.structs.replace(part, simulated=with_them.simulated, with_simulated=with_them.value)
        found.append(part)
    return tuple(found)


def _digested(criterion: Criterion, level: str | None, facts: Facts, figure: Figure) -> dict[str, object]:
    """What a figure's digest covers: the facts it stands on as they were, not the day they were looked at."""
    on = figure.grounds
    machines, classes, pieces = {*on.machines, *on.apart}, set(on.classes), {*on.equipment, *on.apart}
    return {
        "code": criterion.code,
        "version": criterion.version,
        "level": level,
        "machines": [m for m in facts.machines or () if m.id in machines],
        "classes": [k for k in facts.classes or () if k.id in classes],
        "rooms": on.rooms,
        "equipment": [e for e in (facts.studio.equipment if facts.studio else None) or () if e.id in pieces],
        "items": on.items,
    }
