"""How a batch becomes facts, inside one transaction of telemetry.db: each record once, holes asked for, nothing silent."""

from collections.abc import Callable, Iterable
from sqlite3 import Connection

import msgspec

from densach_hub.fleet import comparing, store_use
from densach_hub.fleet import store_telling as store
from densach_hub.fleet.rules import day_name
from densach_hub.fleet.telling import Arrival, Arrived, ChangeKind, ChangeState, LostRange, Misfit, Stored
from densach_wire.messages import Event, Gap, Health, InventorySection, Item, SectionStatus, UsageSlice

HOLE_ASKS = 3
HOLE_PATIENCE_MS = 60_000
"""A hole is asked for so often and for so long; then it is recorded as lost and the stream goes on."""

_Entry = Arrived | Misfit


class _Fresh(msgspec.Struct):
    """What of a batch is new, and what that leaves behind."""

    records: list[Arrived]
    misfits: list[Misfit]
    upto: int
    repeated: int = 0
    lost: list[LostRange] = []
    hole: bool = False


def receive_all(c: Connection, arrivals: Iterable[Arrival], give_way: Callable[[], None] = lambda: None) -> list[Stored]:
    """Stores what is new of the batches, in their order; `give_way` is called between pieces of work."""
    facts = store.Facts()
    stored = [_receive(c, arrival, facts, give_way) for arrival in arrivals]
    facts.append(c)
    return stored


def receive(c: Connection, a: Arrival) -> Stored:
    """Stores what is new of a batch. What was stored before is only counted; see `Stored` for holes."""
    return receive_all(c, (a,))[0]


def _receive(c: Connection, a: Arrival, facts: store.Facts, give_way: Callable[[], None]) -> Stored:
    give_way()
    mark = store.mark(c, a.device, a.stream, a.boot)
    if mark.twin:
        # Another machine with this id: what it says must not mix with the first one's history. It is not acknowledged,
        # so that the agent still has it when it has joined under its own name.
        store.hold_back(c, a.device, a.boot, len(a.records) + len(a.misfits), a.received_at)
        return Stored(upto=mark.upto)
    fresh = _sift(a, mark)
    store_records(c, a, fresh.records, facts, give_way)
    homeless = [m for m in a.misfits if m.seq is None]
    kept = store.add_quarantine(c, [*fresh.misfits, *homeless], a.device, a.received_at)
    for lost in fresh.lost:
        store.add_lost(c, lost)
    missing = sum(lost.last - lost.first + 1 for lost in fresh.lost)
    if fresh.upto > mark.upto:
        store.set_mark(c, a.device, a.stream, fresh.upto, missing, a.received_at)
    if fresh.hole:
        store.note_hole(c, a.device, a.stream, fresh.upto, a.received_at)
    return Stored(
        upto=fresh.upto,
        stored=len(fresh.records),
        repeated=fresh.repeated,
        misfits=kept,
        lost=missing,
        resend_from=fresh.upto + 1 if fresh.hole else None,
        want=store.suspected_sections(c, a.device, a.received_at - comparing.SECOND_LOOK_MS),
    )


def _sift(a: Arrival, mark: store.Mark) -> _Fresh:
    first = a.records[0].seq if a.records else 0
    if first == mark.upto + 1 and not a.misfits and [r.seq for r in a.records] == list(range(first, first + len(a.records))):
        lost = [_told_gap(a, r.body, first) for r in a.records if type(r.body) is Gap]
        return _Fresh(list(a.records), [], mark.upto + len(a.records), lost=lost)
    return _sift_slowly(a, mark)


def _sift_slowly(a: Arrival, mark: store.Mark) -> _Fresh:
    entries: list[tuple[int, _Entry]] = [(r.seq, r) for r in a.records]
    entries += [(m.seq, m) for m in a.misfits if m.seq is not None]
    entries.sort(key=lambda e: e[0])
    fresh = _Fresh([], [], mark.upto, lost=[])
    for seq, entry in entries:
        following = fresh.upto + 1
        if seq < following:
            fresh.repeated += 1
            continue
        gap = entry.body if isinstance(entry, Arrived) and isinstance(entry.body, Gap) else None
        begins = min(seq, gap.from_seq) if gap is not None else seq
        if begins > following and not _fill(a, mark, fresh, following, begins):
            fresh.hole = True
            break
        if gap is not None:
            fresh.lost.append(_told_gap(a, gap, fresh.upto + 1))
        if isinstance(entry, Arrived):
            fresh.records.append(entry)
        else:
            fresh.misfits.append(entry)
        fresh.upto = seq
    return fresh


def _fill(a: Arrival, mark: store.Mark, fresh: _Fresh, following: int, begins: int) -> bool:
    """Whether the stream may go on over the hole following…begins-1: only when nobody can fill it."""
    if mark.kept_first is not None and mark.kept_first > following:
        last = min(begins, mark.kept_first) - 1
        fresh.lost.append(_lost(a, following, last, "not-kept"))
        fresh.upto = last
        if last == begins - 1:
            return True
        following = last + 1
    patient = mark.hole_asks < HOLE_ASKS or mark.hole_at is None or a.received_at - mark.hole_at < HOLE_PATIENCE_MS
    if patient:
        return False
    fresh.lost.append(_lost(a, following, begins - 1, "hole"))
    fresh.upto = begins - 1
    return True


def _told_gap(a: Arrival, gap: object, following: int) -> LostRange:
    assert isinstance(gap, Gap)  # noqa: S101 - both callers have looked
    return _lost(a, max(following, gap.from_seq), max(following, gap.to_seq), gap.why or "unknown")


def _lost(a: Arrival, first: int, last: int, why: str) -> LostRange:
    return LostRange(device=a.device, stream=a.stream, first=first, last=last, why=why, at=a.received_at)


def store_records(
    c: Connection, a: Arrival, records: list[Arrived], facts: store.Facts, give_way: Callable[[], None]
) -> None:  # fmt: skip
    """Adds the records to what will be appended, compares inventories and says that the device was heard."""
    health, usage, events = facts.health, facts.usage, facts.events
    active_until = session_until = 0
    device, encode = a.device, store.encode
    for r in records:
        body = r.body
        kind = type(body)
        if kind is Health:
            health.append((device, r.at, encode(body)))
        elif isinstance(body, UsageSlice) and not a.placed:
            store_use.note_undated(c, device, body)
        elif isinstance(body, UsageSlice):
            end = r.end_at if r.end_at is not None else r.at
            start = r.start_at if r.start_at is not None else end - body.active_ms - body.idle_ms
            usage.append(
                (device, start, end, body.active_ms, body.idle_ms, body.session, body.kind, body.user, body.name,
                 encode(body.apps) if body.apps else None, body.unknown_ms, body.apps_how)
            )  # fmt: skip
            if end > session_until:
                session_until = end
            if body.active_ms and end > active_until:
                active_until = end
        elif isinstance(body, Event):
            events.append((device, r.at, body.kind, encode(body.attrs)))
        elif isinstance(body, InventorySection):
            give_way()
            take_section(c, a, body, r.at, facts)
    at = a.received_at
    store.heard(
        c, device, at, day=day_name(at), stream=a.stream, boot=a.boot, trust=a.clock, offset_ms=a.offset_ms,
        active_until=min(active_until, at) or None, session_until=min(session_until, at) or None,
    )  # fmt: skip


def take_section(c: Connection, a: Arrival, s: InventorySection, at: int, facts: store.Facts) -> None:
    """Compares a section with what was known. A try that failed says nothing about the machine."""
    if s.status not in (SectionStatus.OK, SectionStatus.NO_DATA):
        store.failed_section(c, a.device, s, a.boot, at)
        return
    known = store.told(c, a.device, s.section)
    if known is None or known.nothing:
        store.put_section(c, a.device, s, a.boot, at)
        return
    returned = _settle(c, a, s, at)
    if s.digest and s.digest == known.digest:
        store.confirm_section(c, a.device, s, a.boot, at)
        return
    written = store.encode(s.items)
    old, new = store.unlike(known.items, written)
    # What is the same word for word matters only where parts are compared: it says what else is there.
    parts = any(item.cls not in comparing.SOFTWARE for item in (*old, *new))
    for d in comparing.compare(store.items_of(known.items), s.items) if parts else ():
        back = next((gone for gone in returned if d.kind is ChangeKind.ADDED and _one(gone, d.item)), None)
        if back is None:
            store.add_change(c, a.device, s.section, d, at, a.boot)
        elif (back.cls, back.key) != (d.item.cls, d.item.key):
            store.add_change(c, a.device, s.section, comparing.moved(back, d.item), at, a.boot)
    added, removed, changed = comparing.software_difference(old, new)
    if added or removed or changed:
        attrs = {"section": s.section, "added": added, "removed": removed, "changed": changed}
        facts.events.append((a.device, at, "inventory-changed", store.encode(attrs)))
    store.put_section(c, a.device, s, a.boot, at, written=written)


def _settle(c: Connection, a: Arrival, s: InventorySection, at: int) -> list[Item]:
    """Confirms or takes back what was suspected; returns the things that are there again."""
    returned: list[Item] = []
    for change in store.suspected(c, a.device, s.section):
        gone = Item(change.cls, change.key, change.before or {})
        if comparing.is_back(gone, s.items):
            store.settle_change(c, change.id, ChangeState.RETURNED, at)
            returned.append(gone)
        elif comparing.confirms(change.at, change.boot, at, a.boot):
            store.settle_change(c, change.id, ChangeState.CONFIRMED, at)
    return returned


def _one(gone: Item, there: Item) -> bool:
    if (gone.cls, gone.key) == (there.cls, there.key):
        return True
    serial = comparing.serial_of(gone)
    return serial is not None and gone.cls == there.cls and serial == comparing.serial_of(there)
