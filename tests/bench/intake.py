"""Intake: records a second from outboxes through Mosquitto to committed and acknowledged, against a subscriber that
only counts; and what is left of a week's backlog when 200 machines tell it at once (nothing may be lost)."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from tests.bench.figures import Figure
from tests.bench.hub import BenchHub
from tests.bench.pouring import PouringPlan
from tests.bench.talking import Talker
from tests.fixtures.mosquitto import Mosquitto

from densach_hub.opening import Rooms

MACHINES = 24
RECORDS = 5_000
"""A room at once. (Fewer machines wait for their acknowledgements together, and the hub then waits for them.)"""
DRAIN_MACHINES = 200
DRAIN_RECORDS = 700
"""A week: five days of eight hours of health each quarter of an hour, slices, boots; rounded up."""


def intake() -> Iterator[Figure]:
    total = MACHINES * RECORDS
    with tempfile.TemporaryDirectory(prefix="densach-bench-") as name:
        folder = Path(name)
        floor = _floor(folder, total, "json")
        typed = _floor(folder, total, "msgspec")
    with BenchHub() as hub:
        rate = total / _pour_into(hub, MACHINES, RECORDS)
        kept = _kept(hub, MACHINES)
    yield Figure(
        what="committed and acknowledged", value=rate, unit="records/s", against=floor,
        against_what="paho + json.loads that counts", goal="≥ 0.50 ×", met=rate >= 0.5 * floor and kept == total,
    )  # fmt: skip
    yield Figure(
        what="the same subscriber with msgspec", value=typed, unit="records/s", against=floor, against_what="with json.loads"
    )


def drain() -> Iterator[Figure]:
    total = DRAIN_MACHINES * DRAIN_RECORDS
    with BenchHub() as hub:
        seconds = _pour_into(hub, DRAIN_MACHINES, DRAIN_RECORDS)
        memory = hub.process().memory_info().rss / 1e6
        kept = _kept(hub, DRAIN_MACHINES)
    yield Figure(
        what=f"records stored of {DRAIN_MACHINES} machines", value=kept, unit="records", against=total,
        against_what="written into outboxes", goal="1.00 ×", met=kept == total,
    )  # fmt: skip
    yield Figure(what="time until all was acknowledged", value=seconds, unit="s")
    yield Figure(what="the hub's memory after it", value=memory, unit="MB")


def _floor(folder: Path, total: int, how: str) -> float:
    place = folder / how
    place.mkdir()
    broker = Mosquitto(place)
    broker.start()
    plan = place / "plan.json"
    machines = dict.fromkeys(range(1, MACHINES + 1), "")
    plan.write_bytes(msgspec.json.encode(PouringPlan(machines, RECORDS, acked=False, port=broker.port)))
    try:
        with (
            Talker("tests.bench.counting", str(broker.port), str(total), how) as counter,
            Talker("tests.bench.pouring", str(plan)) as pourer,
        ):
            counter.hear("ready")
            pourer.hear("ready")
            pourer.say()
            _, start, _ = pourer.hear("done")
            end = float(counter.hear("done")[0])
    finally:
        broker.stop()
    return total / (end - float(start))


def _pour_into(hub: BenchHub, machines: int, records: int) -> float:
    """Seconds from the first batch to the last acknowledgement."""
    hub.found(uses=machines)
    hub.start()
    places = hub.join(range(1, machines + 1))
    time.sleep(1)
    plan = hub.folder / "plan.json"
    folders = {number: str(place) for number, place in enumerate(places, 1)}
    plan.write_bytes(msgspec.json.encode(PouringPlan(folders, records, acked=True)))
    with Talker("tests.bench.pouring", str(plan)) as pourer:
        pourer.hear("ready")
        pourer.say()
        return float(pourer.hear("done")[0])


def _kept(hub: BenchHub, machines: int) -> int:
    """Records the hub says it has, read from its files after it stopped; lost ones do not count."""
    hub.stop()

    async def work(rooms: Rooms) -> int:
        total = 0
        for machine in await rooms.fleet.register.machines():
            live = await rooms.fleet.telemetry.live(machine.id)
            mark = await rooms.fleet.telemetry.mark(machine.id, live.stream) if live is not None and live.stream else None
            total += mark.upto - mark.lost if mark is not None else 0
        return total

    return hub.prepare(work)
