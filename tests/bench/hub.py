"""A hub for a benchmark: its own folder and ports, started as the real process, measured from outside."""

import asyncio
import contextlib
import secrets
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import psutil

from densach_core.accounts.model import Role
from densach_core.clock import DAY_MS, SystemClock, day_of
from densach_demo.children import Child, densach
from densach_demo.notes import Ports, ports_from
from densach_demo.readiness import NotReadyError, taken, wait_ready
from densach_demo.school import SCHOOL_CODE, hub_toml
from densach_demo.simulator.hardware import hardware
from densach_demo.simulator.joining import join
from densach_hub.opening import Rooms, open_rooms
from densach_hub.people.calendar import proposed
from densach_hub.people.model import Level, SchoolCode, SchoolProfile

T = TypeVar("T")
BY = "bench"


class BenchHub:
    """A context manager: the folder goes with it. `web`: lines of the settings' table `[web]`."""

    def __init__(self, web: str = "") -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="densach-bench-"))
        self.data = self.folder / "hub"
        self.data.mkdir()
        self.ports = _ports()
        (self.data / "densach.toml").write_text(
            hub_toml(self.ports).replace("[web]\n", f"[web]\nsearches_per_s = 0\n{web}\n", 1) + '\n[logs]\nlevel = "warning"\n',
            "utf-8",
        )
        self._child = Child("hub", densach("hub", "run", "--data", str(self.data)), self.folder / "hub.log")
        self.token = ""

    @property
    def url(self) -> str:
        return self.ports.hub_url

    def prepare(self, work: Callable[[Rooms], Awaitable[T]]) -> T:
        """Works on the data folder while no hub runs."""

        async def inside() -> T:
            async with open_rooms(self.data, SystemClock()) as rooms:
                return await work(rooms)

        return asyncio.run(inside())

    def found(self, *, uses: int = 1) -> None:
        """A school with one room, an administrator, and a token for so many machines. Its nightly backup, which a hub that was
        off at night makes up for at its start, is put off: it would copy all files beside what is measured."""

        async def work(rooms: Rooms) -> str:
            profile = SchoolProfile(name="Bench", codes=(SchoolCode(code=SCHOOL_CODE),), levels=(Level.THCS,))
            await rooms.people.set_profile(profile, by=BY)
            await rooms.people.set_calendar(proposed(day_of(rooms.clock.now_ms())), by=BY)
            room = await rooms.fleet.rooms.new("Phòng máy", by=BY, seats=40)
            roles = frozenset({Role.ADMIN})
            await rooms.accounts.add(login="quantri", name="Quản trị", roles=roles, by=BY, secret="lamp-and-books-1")
            tomorrow = rooms.clock.now_ms() + DAY_MS
            await rooms.school.write(lambda c: c.execute("INSERT INTO schedule_run VALUES ('backup', ?, 'done')", (tomorrow,)))
            _, text = await rooms.fleet.enrolment.new_token(by=BY, room=room.id, hours=24, uses=uses)
            return text

        self.token = self.prepare(work)

    def launch(self) -> None:
        """Starts the process and waits for nothing."""
        self._child.start()

    def start(self, seconds: float = 60) -> None:
        """Raises RuntimeError with the hub's last words when it does not come up."""
        self.launch()
        try:
            wait_ready(self.url, seconds=seconds, gone=lambda: self._child.ended is not None)
        except NotReadyError as error:
            raise RuntimeError(f"the hub did not start: {error}\n{self.last_words()}") from error

    def stop(self) -> None:
        self._child.end()

    def process(self) -> psutil.Process:
        return psutil.Process(self._child.pid)

    def join(self, numbers: range) -> list[Path]:
        """Machines join over HTTP; returns their folders."""
        places = []
        for number in numbers:
            place = self.folder / "machines" / f"pc-{number:03}"
            join(self.url, self.token, hardware(number), place)
            places.append(place)
        return places

    @property
    def gone(self) -> bool:
        return self._child.ended is not None

    def last_words(self) -> str:
        return self._child.last_words()

    def __enter__(self) -> "BenchHub":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def _ports() -> Ports:
    """A row of ports nobody uses, drawn: another benchmark or a demonstration may be looking at the same moment."""
    for _ in range(100):
        row = ports_from("127.0.0.1", 21_000 + 10 * secrets.randbelow(1_000))
        if not taken(row):
            return row
    raise RuntimeError("no free ports on 127.0.0.1")


@contextlib.contextmanager
def running(child: Child) -> Iterator[Child]:
    child.start()
    try:
        yield child
    finally:
        child.end(3)
