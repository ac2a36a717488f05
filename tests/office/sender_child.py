"""A school's way up as a process of its own, to be killed: publishes ever newer counts and sends them.

Usage: python -m tests.office.sender_child FOLDER ROUNDS. Prints each count once it is safely queued.
"""

import asyncio
import sys
from pathlib import Path

from densach_core.clock import SystemClock
from densach_core.database import Database
from densach_core.sender import store
from densach_core.sender.courier import Courier
from densach_core.sender.model import Identity, Statement
from densach_core.sender.service import Sender
from densach_core.sender.signing import open_key
from densach_wire.upward import Counts, FleetSummary, Kind


async def who() -> Identity:
    return Identity("0123456", "THCS Ánh Sáng")


def count(n: int, day: str) -> Statement:
    none = Counts()
    return Statement(kind=Kind.FLEET, as_of=day, body=FleetSummary(measured=Counts(registered=n), declared=none, simulated=none))


async def main(folder: Path, rounds: int) -> None:
    mark = folder / "count"
    begun = int(mark.read_text()) if mark.exists() else 0
    async with Database(folder / "school.db", {"sender": store.MIGRATIONS}) as database, Courier(seconds=5) as courier:
        sender = Sender(database, SystemClock(), open_key(folder / "keys"), who)
        for n in range(begun + 1, begun + rounds + 1):
            fresh = mark.with_suffix(".new")
            fresh.write_text(str(n))
            fresh.replace(mark)  # the kill may come between emptying a file and writing it
            await sender.publish([count(n, f"2026-{n // 28 % 12 + 1:02}-{n % 28 + 1:02}")])
            sys.stdout.write(f"{n}\n")
            sys.stdout.flush()
            await sender.turn(courier)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
