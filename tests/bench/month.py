"""A school month without a hub: what the agent of a lab machine puts into its outbox in thirty days, at its default
settings, in the order and at the (simulated) moments in which it would."""

import hashlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from densach_agent.collectors import ALL, load
from densach_agent.machine import Denied, NoData
from densach_agent.outbox import Limits, Outbox
from densach_agent.record import recorded_machine
from densach_agent.settings import Settings
from densach_demo.simulator.clock import MachineClock
from densach_demo.simulator.hardware import Hardware
from densach_demo.simulator.history import health
from densach_wire.messages import Attrs, Body, Desired, Event, InventorySection, Item, Moment, UsageSlice, digest_bytes

CASES = Path(__file__).parents[1] / "fixtures" / "machines"
DAYS = 30
PACKAGES = 2_000
MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
QUANTUM_MS = 15 * MINUTE_MS
ON_MS = 9 * HOUR_MS
LESSONS = 8
"""Hours of sessions a day, each with another user, in a machine that is on for nine."""
APPS = ("browser", "office", "coding", "media", "e-learning", "game", "other")


def write_month(path: Path, machine: Hardware, *, until: int, days: int = DAYS) -> int:
    """Fills a new outbox file with the days before `until` (epoch ms); returns the number of records.

    Six days a week from 07:00; the machine is on every day of them, updates come every night (so the list of packages is
    another one every day), and every other day something is plugged in or out.
    """
    clock = MachineClock("boot")
    outbox = Outbox(path, clock, limits(Settings()))
    # So much is written here that only the form of the file counts, not how safely it came there.
    outbox._db.execute("PRAGMA synchronous=OFF")
    known: dict[str, str] = {}
    for day in range(days):
        on_at = until - (days - day) * DAY_MS
        if day % 7 == 6:
            continue
        boot = f"{machine.number:04x}{day:012x}"
        for at, bodies in sorted(_day(machine, day, on_at), key=lambda entry: entry[0]):
            clock.freeze(boot, at, at - on_at + 20_000)
            for body in bodies:
                if not isinstance(body, InventorySection):
                    outbox.add(body)
                elif known.get(body.section) != body.digest:
                    known[body.section] = body.digest
                    outbox.add_section(body, body.section, body.digest)
    last = outbox.last
    outbox.close()
    return last


def limits(settings: Settings) -> Limits:
    """What the resident agent allows its outbox."""
    size = settings.outbox
    return Limits(size.max_mb * 2**20, size.max_days * DAY_MS, Desired().keep_days * DAY_MS)


def copied(path: Path, into: Path, stream: str) -> None:
    """The same month as another machine's stream."""
    into.parent.mkdir(parents=True, exist_ok=True)
    into.write_bytes(path.read_bytes())
    with sqlite3.connect(into) as db:
        db.execute("UPDATE meta SET value = ? WHERE key = 'stream'", (stream,))
    db.close()


def size_on_disk(path: Path) -> int:
    """All files of an outbox."""
    return sum(part.stat().st_size for part in path.parent.glob(f"{path.name}*"))


def sections(day: int) -> Iterator[InventorySection]:
    """A recorded studio PC as the collectors read it, with the package list of a desktop that is kept up to date."""
    machine = recorded_machine(CASES / "studio-pc")
    for name in ALL:
        try:
            items = list(load(name).collect(machine))
        except (NoData, Denied):
            continue
        if name == "packages" or name == "software":
            items = [item for item in items if item.cls in {"package", "software"}][:1] or [Item("package", "x", {})]
            items = [_package(items[0], n, day) for n in range(PACKAGES)]
        if name == "usb" and day % 2:
            items = items[:-1]
        yield InventorySection(name, tuple(items), hashlib.sha256(digest_bytes(tuple(items))).hexdigest()[:32])


def _package(like: Item, number: int, day: int) -> Item:
    """Every day some forty packages have another version. Names and numbers as irregular as real ones."""
    noise = hashlib.sha256(f"package {number}".encode()).hexdigest()
    name = f"lib{noise[:7]}-{noise[7:12]}"
    version = f"{number % 9}.{int(noise[12:14], 16)}.{(day if number % 50 == day % 50 else 0)}-{noise[14]}+deb12u{number % 7}"
    attrs: Attrs = {"name": name, "version": version, "size_bytes": int(noise[15:21], 16) * 8, "publisher": noise[21:32]}
    return Item(like.cls, f"dpkg:{name}:amd64", {**like.attrs, **attrs})


def _day(machine: Hardware, day: int, on_at: int) -> Iterator[tuple[int, list[Body]]]:
    yield on_at, [Event("boot", {"agent": "0.1.0"})]
    yield on_at + MINUTE_MS, list(sections(day))
    wish = Desired()
    for at in range(on_at + wish.health_send_s * 1000, on_at + ON_MS, wish.health_send_s * 1000):
        yield at, [health(machine, on_at, at, busy=True)]
    for lesson in range(LESSONS):
        start = on_at + 5 * MINUTE_MS + lesson * HOUR_MS
        for begin in range(start, start + HOUR_MS, QUANTUM_MS):
            yield begin + QUANTUM_MS, [_slice(begin - on_at, begin, f"{day:04x}-c{lesson}", f"{lesson * 31 + day:032x}")]
    yield on_at + ON_MS, [Event("shutdown")]


def _slice(up: int, wall: int, session: str, user: str) -> UsageSlice:
    share = QUANTUM_MS // len(APPS)
    start, end = Moment(up / 1000, wall / 1000), Moment((up + QUANTUM_MS) / 1000, (wall + QUANTUM_MS) / 1000)
    return UsageSlice(
        session=session, user=user, start=start, end=end, active_ms=QUANTUM_MS * 3 // 4, idle_ms=QUANTUM_MS // 4,
        apps=dict.fromkeys(APPS, share), apps_how="foreground",
    )  # fmt: skip
