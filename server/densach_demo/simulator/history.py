"""Weeks of a machine's past, written into its outbox as it would have measured them."""

import random
from datetime import date

from densach_agent.outbox import Outbox
from densach_demo.simulator.clock import MachineClock
from densach_demo.simulator.habits import MINUTE_MS, Powered, Session, applications, day_of_machine, is_busy, past_days, slices
from densach_demo.simulator.hardware import GIB, Hardware
from densach_wire.messages import Body, Event, Health, Moment, UsageSlice, Volume

HEALTH_EVERY_MS = 15 * MINUTE_MS


def write_history(
    outbox: Outbox, clock: MachineClock, hardware: Hardware, *, seed: str, room: str, until: date, weeks: int, stop_days: int = 0
) -> int:
    """Every day before `until`, oldest first; the last `stop_days` are left out. Returns how many records there are."""
    first = True
    days = list(past_days(until, weeks))
    for day in days[: len(days) - stop_days]:
        for powered in day_of_machine(seed, room, hardware.number, day):
            _write_boot(outbox, clock, hardware, powered, inventory=first)
            first = False
    return outbox.pending


def _write_boot(outbox: Outbox, clock: MachineClock, hardware: Hardware, powered: Powered, *, inventory: bool) -> None:
    def at(moment: int) -> None:
        clock.freeze(powered.boot, moment + clock.error_ms, max(0, moment - powered.on_at) + 20_000)

    at(powered.on_at)
    bodies: list[Body] = [Event("boot")]
    if inventory:
        bodies += hardware.sections()
    outbox.add(*bodies)
    due: list[tuple[int, Body]] = [
        (moment, health(hardware, powered.on_at, moment, busy=is_busy(powered, moment)))
        for moment in range(powered.on_at + HEALTH_EVERY_MS, powered.off_at, HEALTH_EVERY_MS)
    ]
    front = hardware.model.shows_front
    for session in powered.sessions:
        due += [
            (stop, usage(session, powered.on_at, start, stop, clock.error_ms, shows_front=front))
            for start, stop in slices(session)
        ]
    due.append((powered.off_at, Event("shutdown")))
    for moment, body in sorted(due, key=lambda entry: entry[0]):
        at(moment)
        outbox.add(body)


def usage(session: Session, on_at: int, start: int, stop: int, error_ms: int = 0, *, shows_front: bool = True) -> UsageSlice:
    """A piece of a session between two moments of the same boot."""
    active = int((stop - start) * session.diligence)
    return UsageSlice(
        session=f"s{session.start_at // 1000}",
        user=session.user,
        start=Moment((start - on_at) / 1000 + 20, (start + error_ms) / 1000),
        end=Moment((stop - on_at) / 1000 + 20, (stop + error_ms) / 1000),
        active_ms=active,
        idle_ms=stop - start - active,
        apps=applications(session, active) if shows_front else dict.fromkeys(applications(session, active), active),
        apps_how="foreground" if shows_front else "running",
    )


def health(hardware: Hardware, on_at: int, moment: int, *, busy: bool) -> Health:
    chance = random.Random(moment * 1009 + hardware.number)
    load = 0.25 if busy else 0.04
    total = hardware.memory_bytes
    used = int(total * min(0.92, (0.28 + 0.3 * busy + 0.1 * chance.random()) * (8 * GIB / total) ** 0.5))
    disk = hardware.model.disk_gib * 10**9
    return Health(
        span_ms=HEALTH_EVERY_MS,
        cpu_pct=round(100 * load * (0.5 + chance.random()), 1),
        cpu_max_pct=round(min(100.0, 400 * load * (0.5 + chance.random())), 1),
        load_1m=round(load * hardware.model.cores * (0.5 + chance.random()), 2),
        mem_total_bytes=total,
        mem_used_bytes=used,
        volumes=(Volume("/", disk, min(disk, int(hardware.disk_free_gib * 10**9))),),
        temps={"cpu": round(38 + 30 * load + 6 * chance.random(), 1)},
        uptime_ms=max(0, moment - on_at) + 20_000,
    )
