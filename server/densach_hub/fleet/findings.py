"""From facts to the sentences of the morning page. Pure: facts in, findings out; what is over is simply not found."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from densach_core.clock import DAY_MS
from densach_core.text import Text, t, tn
from densach_hub.fleet.comparing import PLUGGED
from densach_hub.fleet.model import FaultReport, FleetPolicy, Kind, Machine, Maintenance, Room, Waiting
from densach_hub.fleet.parts import PRECIOUS, part_name, part_words, size_words
from densach_hub.fleet.rules import NEVER_HEARD_MS, is_on, is_silent
from densach_hub.fleet.sights import Finding, FindingKind
from densach_hub.fleet.store_told import OpenTwin
from densach_hub.fleet.telling import Change, ChangeKind, ChangeState, ClockDoubt, Live, LostRange, SeenEvent, SickDisk

ORDER = {kind: n for n, kind in enumerate(FindingKind)}
DISK_EVENTS = ("disk-failing", "disk-error", "smart-failed")
UNPLUGGED_MS = DAY_MS
TWIN_EVENTS = ("twin-suspected", "takeover")


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """What every finding stands on."""

    machines: Mapping[str, Machine]
    rooms: Mapping[str, Room]
    lives: Mapping[str, Live]
    policy: FleetPolicy
    now: int

    def rooms_on(self) -> frozenset[str]:
        """Rooms in which a machine is on now."""
        return frozenset(
            m.place.room for m in self.machines.values() if m.place and is_on(self.lives.get(m.id), self.policy, self.now)
        )


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What was told and written lately, as the stores give it."""

    changes: Sequence[Change] = ()
    maintenance: Sequence[Maintenance] = ()
    twins: Sequence[OpenTwin] = ()
    made_twins: Sequence[Waiting] = ()
    waiting: Sequence[Waiting] = ()
    faults: Sequence[FaultReport] = ()
    clock: Sequence[ClockDoubt] = ()
    disk_events: Sequence[SeenEvent] = ()
    twin_events: Sequence[SeenEvent] = ()
    smart: Sequence[SickDisk] = ()
    sick_disks: Sequence[tuple[str, float, int]] = ()
    full_disks: Sequence[tuple[str, float, int]] = ()
    hot: Sequence[tuple[str, float, int]] = ()
    quarantine: Sequence[tuple[str | None, str, int, int, int]] = ()
    lost: Sequence[LostRange] = ()


def find(ground: Ground, facts: Facts) -> list[Finding]:
    """All findings, most pressing kind first, newest first within a kind."""
    found = [
        *_parts(ground, facts.changes, facts.maintenance),
        *_disks(ground, facts),
        *_twins(ground, facts),
        *_taken_over(ground, facts),
        *_silent(ground),
        *_faults(ground, facts.faults),
        *_measured(ground, facts),
        *_clocks(ground, facts.clock),
        *_waiting(facts.waiting),
        *_lost(ground, facts),
    ]
    return sorted(found, key=lambda f: (ORDER[f.kind], -f.since_at, f.key))


def is_planned(change: Change, machine: Machine | None, windows: Iterable[Maintenance]) -> bool:
    """Whether a change fell into announced work on its machine or room."""
    room = machine.place.room if machine is not None and machine.place is not None else None
    return any(window.covers(change.device, room, change.at) for window in windows)


def _about(
    ground: Ground, machine_id: str, kind: FindingKind, *, key: str, urgent: bool, what: Text, do: Text, since: int,
    twin: int | None = None,
) -> Finding:  # fmt: skip
    machine = ground.machines[machine_id]
    room = ground.rooms.get(machine.place.room) if machine.place is not None else None
    seat = room.seat(machine.place.seat) if room is not None and machine.place is not None and machine.place.seat else None
    return Finding(
        key=key, kind=kind, urgent=urgent, what=what, do=do, since_at=since, machine=machine_id, machine_name=machine.name,
        simulated=machine.simulated, room=room.id if room else None, room_name=room.name if room else None,
        seat=seat.id if seat else None, seat_label=seat.label if seat else None, href=f"/lab/machines/{machine_id}",
        twin=twin,
    )  # fmt: skip


def _parts(ground: Ground, changes: Sequence[Change], windows: Sequence[Maintenance]) -> Iterator[Finding]:
    other: dict[str, list[Change]] = defaultdict(list)
    yield from _unplugged(ground, [change for change in changes if change.cls in PLUGGED], windows)
    for change in changes:
        if change.cls in PLUGGED:
            continue
        machine = ground.machines.get(change.device)
        if machine is None or change.state is ChangeState.RETURNED or is_planned(change, machine, windows):
            continue
        urgent = change.cls in PRECIOUS
        if _is_less_memory(change):
            before, after = change.before or {}, change.after or {}
            yield _about(
                ground, change.device, FindingKind.REMOVED, key=f"removed:{change.id}", urgent=True, since=change.at,
                what=t("{name} has {after} of memory; it had {before}.", name=machine.name,
                       after=size_words(after.get("size_bytes")), before=size_words(before.get("size_bytes"))),
                do=_OPEN_CASE,
            )  # fmt: skip
        elif change.kind is not ChangeKind.REMOVED:
            other[change.device].append(change)
        elif change.state is ChangeState.SUSPECTED:
            yield _about(
                ground, change.device, FindingKind.SUSPECTED, key=f"suspected:{change.id}", urgent=urgent, since=change.at,
                what=t("{name}: {part} ({detail}) was not seen the last time.", name=machine.name,
                       part=part_name(change.cls), detail=part_words(change)),
                do=t("The machine looks a second time by itself. If you can, look at it now."),
            )  # fmt: skip
        else:
            yield _about(
                ground, change.device, FindingKind.REMOVED, key=f"removed:{change.id}", urgent=urgent, since=change.at,
                what=t("{name}: {part} ({detail}) is gone.", name=machine.name, part=part_name(change.cls),
                       detail=part_words(change)),
                do=_OPEN_CASE,
            )  # fmt: skip
    for device, several in other.items():
        newest = max(several, key=lambda c: c.at)
        yield _about(
            ground, device, FindingKind.CHANGED, key=f"changed:{device}:{max(c.id for c in several)}", urgent=False,
            since=newest.at,
            what=tn("{name}: {part} is new or different ({detail}).",
                    "{name}: {n} parts are new or different, last {part} ({detail}).",
                    n=len(several), name=ground.machines[device].name, part=part_name(newest.cls), detail=part_words(newest)),
            do=t("If this was your work, note it as a repair; then it is explained for ever."),
        )  # fmt: skip


def _unplugged(ground: Ground, changes: Sequence[Change], windows: Sequence[Maintenance]) -> Iterator[Finding]:
    """Things on cables that have been away for a day: printers are switched off at night, headsets put into the cupboard.
    What came back is no finding, what came new neither; the machine's history has both."""
    come: dict[tuple[str, str, str], int] = {}
    for change in changes:
        if change.kind is ChangeKind.ADDED:
            thing = (change.device, change.cls, change.key)
            come[thing] = max(change.id, come.get(thing, 0))
    told = set()
    for change in sorted(changes, key=lambda one: -one.id):
        thing, machine = (change.device, change.cls, change.key), ground.machines.get(change.device)
        if change.kind is not ChangeKind.REMOVED or change.state is not ChangeState.CONFIRMED or machine is None or thing in told:
            continue
        told.add(thing)
        if come.get(thing, 0) > change.id or ground.now - change.at < UNPLUGGED_MS or is_planned(change, machine, windows):
            continue
        yield _about(
            ground, change.device, FindingKind.UNPLUGGED, key=f"unplugged:{change.id}", urgent=False, since=change.at,
            what=t("{name}: {part} ({detail}) is not connected any more, or switched off.", name=machine.name,
                   part=part_name(change.cls), detail=part_words(change)),
            do=t("See whether it was unplugged or taken elsewhere. If that was on purpose, note it as a repair."),
        )  # fmt: skip


_OPEN_CASE = t("Open the case and compare. If nobody of the school took it out, report the loss.")


def _is_less_memory(change: Change) -> bool:
    if change.cls != "memory-total" or change.kind is not ChangeKind.CHANGED:
        return False
    before, after = (change.before or {}).get("size_bytes"), (change.after or {}).get("size_bytes")
    return isinstance(before, int) and isinstance(after, int) and after < before


def _disks(ground: Ground, facts: Facts) -> Iterator[Finding]:
    """Which disk and why, where the inventory says it; else that one of the machine's disks has complained."""
    for disk in facts.smart:
        if disk.device not in ground.machines:
            continue
        name = ground.machines[disk.device].name
        yield _about(
            ground, disk.device, FindingKind.DISK, key=f"disk:{disk.device}:{disk.key}:{'failing' if disk.failing else 'weak'}",
            urgent=disk.failing, since=disk.at,
            what=t("{name}: the disk reports that it is failing ({disk}).", name=name, disk=disk.name) if disk.failing
            else t("{name}: the disk is getting weak ({disk}).", name=name, disk=disk.name),
            do=t("Copy what is needed, then replace the disk.") if disk.failing
            else t("Keep a copy of what is on it, and have a new disk ready."),
        )  # fmt: skip
    named = {disk.device for disk in facts.smart if disk.failing}
    sick: dict[str, int] = {}
    for event in facts.disk_events:
        sick[event.device] = min(event.at, sick.get(event.device, event.at))
    for device, _, since in facts.sick_disks:
        sick[device] = min(since, sick.get(device, since))
    for device, since in sick.items():
        if device in ground.machines and device not in named:
            yield _about(
                ground, device, FindingKind.DISK, key=f"disk:{device}:{since}", urgent=True, since=since,
                what=t("{name}: the disk reports that it is failing.", name=ground.machines[device].name),
                do=t("Copy what is needed, then replace the disk."),
            )  # fmt: skip


def _twins(ground: Ground, facts: Facts) -> Iterator[Finding]:
    for twin in facts.twins:
        if twin.device in ground.machines:
            yield _about(
                ground, twin.device, FindingKind.TWIN, key=f"twin:{twin.id}", urgent=True, since=twin.first_at, twin=twin.id,
                what=t("Another machine ({host}) goes by the name of {name}: they were made from one disk.",
                       host=twin.hostname or "?", name=ground.machines[twin.device].name),
                do=t("It is asked to join by a name of its own: look for it among those who wait, and admit it there."),
            )  # fmt: skip
    for made in facts.made_twins:
        if made.machine in ground.machines and made.machine is not None and made.twin_of is not None:
            model = ground.machines.get(made.twin_of)
            yield _about(
                ground, made.machine, FindingKind.TWIN, key=f"twin-made:{made.id}", urgent=False,
                since=made.decided_at or made.asked_at,
                what=t("{name} was made from the disk of {other}; now it has a name of its own.",
                       name=ground.machines[made.machine].name, other=model.name if model else made.twin_of),
                do=t("Nothing to do. Before you copy a disk again, run “densach agent seal” on it."),
            )  # fmt: skip


def _taken_over(ground: Ground, facts: Facts) -> Iterator[Finding]:
    """The agent's own word; where the hub has seen the other machine, or let it in, that finding says more."""
    known = {*(twin.device for twin in facts.twins), *(made.machine for made in facts.made_twins)}
    newest: dict[str, SeenEvent] = {}
    for event in facts.twin_events:
        if event.device in ground.machines and event.device not in known and event.at > newest.get(event.device, event).at - 1:
            newest[event.device] = event
    for device, event in newest.items():
        yield _about(
            ground, device, FindingKind.TWIN, key=f"takeover:{event.id}", urgent=True, since=event.at,
            what=t("Another machine takes the line away from {name}: it may have been made from the same disk.",
                   name=ground.machines[device].name),
            do=t("Look for the copy: “densach agent status” says there who it believes to be."),
        )  # fmt: skip


def _silent(ground: Ground) -> Iterator[Finding]:
    rooms_on = ground.rooms_on()
    for machine in ground.machines.values():
        if machine.kind is not Kind.AGENT:
            continue
        live = ground.lives.get(machine.id)
        if live is None or live.heard_at is None:
            if ground.now - machine.admitted_at >= NEVER_HEARD_MS:
                yield _about(
                    ground, machine.id, FindingKind.NEVER_HEARD, key=f"never-heard:{machine.id}", urgent=False,
                    since=machine.admitted_at,
                    what=t("{name} was admitted but has never reported.", name=machine.name),
                    do=t("Switch it on and look at “densach agent status” there."),
                )  # fmt: skip
        elif is_silent(live, ground.policy, ground.now, neighbours=machine.place is not None and machine.place.room in rooms_on):
            yield _about(
                ground, machine.id, FindingKind.SILENT, key=f"silent:{machine.id}:{live.heard_at}", urgent=True,
                since=live.heard_at, what=t("{name} has not reported.", name=machine.name),
                do=t("Check its power and its network cable."),
            )  # fmt: skip


def _faults(ground: Ground, faults: Sequence[FaultReport]) -> Iterator[Finding]:
    for fault in faults:
        room = ground.rooms.get(fault.room)
        seat = room.seat(fault.seat) if room is not None and fault.seat else None
        machine = ground.machines.get(fault.machine) if fault.machine else None
        yield Finding(
            key=f"fault:{fault.id}", kind=FindingKind.FAULT, urgent=True, since_at=fault.at, fault=fault.id,
            what=t("Reported at seat {seat}: “{text}”", seat=seat.label, text=fault.text) if seat
            else t("Reported in {room}: “{text}”", room=room.name if room else fault.room, text=fault.text),
            do=t("Look at it; then note the repair or close the report."),
            machine=machine.id if machine else None, machine_name=machine.name if machine else None,
            simulated=machine.simulated if machine else False, room=fault.room, room_name=room.name if room else None,
            seat=fault.seat, seat_label=seat.label if seat else None,
            href=f"/lab/machines/{machine.id}" if machine else f"/lab/rooms/{fault.room}",
        )  # fmt: skip


def _measured(ground: Ground, facts: Facts) -> Iterator[Finding]:
    for device, value, since in facts.full_disks:
        if device in ground.machines:
            yield _about(
                ground, device, FindingKind.SPACE, key=f"space:{device}", urgent=False, since=since,
                what=t("{name}: the disk is {n} % full.", name=ground.machines[device].name, n=int(value)),
                do=t("Delete what nobody needs, or clean up old packages."),
            )  # fmt: skip
    for device, value, since in facts.hot:
        if device in ground.machines:
            yield _about(
                ground, device, FindingKind.HEAT, key=f"heat:{device}", urgent=False, since=since,
                what=t("{name} is hot: {n} °C.", name=ground.machines[device].name, n=int(value)),
                do=t("Clean fan and air holes; see whether the fan turns."),
            )  # fmt: skip


def _clocks(ground: Ground, doubts: Sequence[ClockDoubt]) -> Iterator[Finding]:
    by_device: dict[str, list[ClockDoubt]] = defaultdict(list)
    for doubt in doubts:
        if doubt.device in ground.machines:
            by_device[doubt.device].append(doubt)
    for device, several in by_device.items():
        name = ground.machines[device].name
        yield _about(
            ground, device, FindingKind.CLOCK, key=f"clock:{device}", urgent=False, since=min(d.first_at for d in several),
            what=tn("{name}: the clock was wrong; times were corrected.",
                    "{name}: the clock was wrong after {n} starts; times were corrected.", n=len(several), name=name),
            do=t("Replace the battery on its main board.") if len(several) > 1
            else t("If it happens again, the battery on its main board is empty."),
        )  # fmt: skip


def _waiting(waiting: Sequence[Waiting]) -> Iterator[Finding]:
    for one in waiting:
        name = one.hostname or one.model or "?"
        if one.machine is not None:
            yield Finding(
                key=f"waiting:{one.id}", kind=FindingKind.WAITING, urgent=True, since_at=one.asked_at,
                what=t("{name} is in the school but not in the register: this hub was restored from an older backup.", name=name),
                do=t("Admit it again: it keeps its name, and what it has kept since then comes by itself."),
                simulated=one.simulated, href="/lab/waiting", waiting=one.id,
            )  # fmt: skip
            continue
        twin = one.twin_of is not None
        yield Finding(
            key=f"waiting:{one.id}", kind=FindingKind.TWIN if twin else FindingKind.WAITING, urgent=twin, since_at=one.asked_at,
            what=t("{name} waits to be admitted; it was made from the disk of a machine that is here already.", name=name)
            if twin else t("{name} waits to be admitted.", name=name),
            do=t("Admit it into its room, or refuse it."), simulated=one.simulated, href="/lab/waiting", waiting=one.id,
        )  # fmt: skip


def _lost(ground: Ground, facts: Facts) -> Iterator[Finding]:
    for device, code, n, first, last in facts.quarantine:
        machine = ground.machines.get(device) if device else None
        yield Finding(
            key=f"quarantine:{device}:{code}:{last}", kind=FindingKind.QUARANTINE, urgent=False, since_at=first,
            what=tn("{name} sent something that could not be read ({code}).",
                    "{name} sent {n} things that could not be read ({code}).",
                    n=n, name=machine.name if machine else device or t("A device"), code=code),
            do=t("It is kept in quarantine with its reason. If it goes on, update the program on the device."),
            machine=machine.id if machine else None, machine_name=machine.name if machine else None,
            simulated=machine.simulated if machine else False, href="/lab/quarantine",
        )  # fmt: skip
    by_device: dict[str, list[LostRange]] = defaultdict(list)
    for lost in facts.lost:
        if lost.device in ground.machines:
            by_device[lost.device].append(lost)
    for device, ranges in by_device.items():
        n = sum(lost.last - lost.first + 1 for lost in ranges)
        yield _about(
            ground, device, FindingKind.LOST, key=f"lost:{device}:{max(lost.at for lost in ranges)}", urgent=False,
            since=min(lost.at for lost in ranges),
            what=tn("{name}: {n} record was lost for good.", "{name}: {n} records were lost for good.", n=n,
                    name=ground.machines[device].name),
            do=t("Nothing to do. It is counted as lost, and figures of that time may be too low."),
        )  # fmt: skip
