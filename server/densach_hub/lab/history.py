"""What happened to a machine, as one list newest first: changes, events, faults, moves, lost records. Pure."""

from collections.abc import Iterable, Iterator

from densach_core.text import Text, t, tn
from densach_hub.fleet.comparing import PLUGGED
from densach_hub.fleet.parts import part_name, part_words
from densach_hub.fleet.sights import MachineSight
from densach_hub.fleet.telling import Change, ChangeKind, ChangeState, ClockDoubt, ClockTrust, SeenEvent
from densach_hub.lab.composition import ATTRIBUTES, class_icon
from densach_hub.lab.model import Happening

MOST = 60
EVENTS: dict[str, tuple[str, Text, bool]] = {
    "boot": ("sun", t("Started"), False),
    "shutdown": ("moon", t("Shut down"), False),
    "stopped": ("info", t("The agent stopped"), False),
    "asleep": ("moon", t("Went to sleep"), False),
    "awake": ("sun", t("Woke up"), False),
    "clock-jump": ("clock", t("The clock jumped"), False),
    "outbox-full": ("inbox", t("Its store was full: old records were dropped"), True),
    "outbox-memory": ("inbox", t("Its disk refused: records were held in memory"), True),
    "outbox-lost": ("inbox", t("Its store was lost and begun anew"), True),
    "twin-suspected": ("twin", t("It suspects that it is a copy of another machine"), True),
    "takeover": ("twin", t("Another machine took over its line"), True),
}
EVENT_FACTS: dict[str, Text] = {
    "agent": t("agent {value}"),
    "dropped": t("{value} records"),
    "why": t("reason: {value}"),
    "times": t("{value} times"),
    "asleep_ms": t("for {value} minutes"),
    "by_ms": t("by {value} minutes"),
}
"""What an event tells beside its kind; what has no words here is for programs."""
CLOCKS: dict[ClockTrust, Text] = {
    ClockTrust.GOOD: t("Its clock is right again"),
    ClockTrust.SKEWED: t("Its clock was wrong; times were corrected"),
    ClockTrust.NONE: t("Its clock could not be used; times come from the hub"),
}


def happened(sight: MachineSight) -> tuple[Happening, ...]:
    """At most MOST lines, newest first."""
    return tuple(sorted(_all(sight), key=lambda h: h.at, reverse=True)[:MOST])


def _all(sight: MachineSight) -> Iterator[Happening]:
    for change in sight.changes:
        yield changed(change)
    for event in sight.events:
        yield event_line(event)
    for fault in sight.faults:
        over = fault.closed_at is not None
        yield Happening(at=fault.at, icon="wrench", what=t("Fault reported"), detail=fault.text, urgent=not over, over=over)
    for lost in sight.lost:
        n = lost.last - lost.first + 1
        yield Happening(
            at=lost.at,
            icon="inbox",
            what=tn("{n} record will never come", "{n} records will never come", n=n),
            detail=lost.why,
            urgent=False,
        )
    yield from doubts(sight.clock)
    yield Happening(at=sight.machine.admitted_at, icon="door", what=t("Entered the register"), detail=sight.machine.admitted_by)
    if sight.machine.retired_at is not None:
        yield Happening(at=sight.machine.retired_at, icon="trash", what=t("Retired"))


def doubts(clock: Iterable[ClockDoubt]) -> Iterator[Happening]:
    """One line for each kind of doubt, at the newest boot, with how many boots it was: a dead battery doubts all of them."""
    found: dict[ClockTrust, list[int]] = {}
    for doubt in clock:
        if doubt.trust is not ClockTrust.GOOD:
            found.setdefault(doubt.trust, []).append(doubt.first_at)
    for trust, at in found.items():
        detail = tn("at {n} start", "at {n} starts", n=len(at)) if len(at) > 1 else None
        yield Happening(at=max(at), icon="clock", what=CLOCKS[trust], detail=detail, urgent=False)


def changed(change: Change) -> Happening:
    """One change of the machine's parts as a sentence."""
    thing = _thing(change)
    if change.kind is ChangeKind.REMOVED:
        what = {
            ChangeState.SUSPECTED: t("{thing} is missing (seen once, to be confirmed)", thing=thing),
            ChangeState.CONFIRMED: t("{thing} is gone", thing=thing),
            ChangeState.RETURNED: t("{thing} was missing and is back", thing=thing),
        }[change.state]
    elif change.kind is ChangeKind.ADDED:
        what = t("{thing} was added", thing=thing)
    elif change.kind is ChangeKind.MOVED:
        what = t("{thing} is in another slot", thing=thing)
    else:
        what = t("{thing} is not as it was", thing=thing)
    gone = change.kind is ChangeKind.REMOVED and change.state is not ChangeState.RETURNED
    urgent = gone and not change.planned and change.cls not in PLUGGED
    return Happening(
        at=change.at,
        icon=class_icon(change.cls),
        what=what,
        detail=t("Planned work: nobody was warned") if change.planned else _difference(change),
        urgent=urgent,
    )


def event_line(event: SeenEvent) -> Happening:
    """An event of the machine's own; unknown kinds in their own word."""
    icon, what, urgent = EVENTS.get(event.kind, ("info", Text(event.kind), False))
    told = [_told(EVENT_FACTS[n], n, value) for n, value in event.attrs.items() if n in EVENT_FACTS and value is not None]
    return Happening(at=event.at, icon=icon, what=what, detail=_joined(told), urgent=urgent)


def _told(words: Text, name: str, value: object) -> Text:
    """The words with the value in them; milliseconds become minutes."""
    if name.endswith("_ms") and isinstance(value, int | float):
        value = round(abs(value) / 60_000, 1)
    return Text(words.msgid, {"value": value})


def _thing(change: Change) -> Text:
    words = part_words(change)
    name = part_name(change.cls)
    return t("{part} ({words})", part=name, words=words) if words else name


def _difference(change: Change) -> Text | None:
    """What is different, attribute by attribute, at most three."""
    if change.kind is not ChangeKind.CHANGED:
        return None
    before, after = change.before or {}, change.after or {}
    names = [name for name in {**before, **after} if name in ATTRIBUTES and before.get(name) != after.get(name)][:3]
    lines = [
        t("{name}: {before} → {after}", name=ATTRIBUTES[n], before=_said(before.get(n)), after=_said(after.get(n))) for n in names
    ]
    return _joined(lines)


def _joined(lines: list[Text]) -> Text | None:
    if not lines:
        return None
    values: dict[str, object] = {f"p{n}": line for n, line in enumerate(lines)}
    return Text("; ".join(f"{{p{n}}}" for n in range(len(lines))), values)


def _said(value: object) -> object:
    return "–" if value is None else str(value)
