"""A school's first day: who holds the code from the console sets the hub up, step by step, and nobody else."""

import asyncio
import hmac
import secrets
from pathlib import Path

import msgspec
import structlog
from aiohttp import web

from densach_core.accounts.model import TECHNICIANS, Account, Role
from densach_core.accounts.rules import CLEAR_LETTERS
from densach_core.accounts.service import Accounts, Audit
from densach_core.allowance import Allowance, neighbourhood
from densach_core.clock import SystemClock
from densach_core.documents import Documents
from densach_core.errors import BadInput, Conflict, TooMany
from densach_core.place import keep_clock, system_clock_is_synchronised
from densach_core.text import t
from densach_hub.fleet.model import Room, RoomKind
from densach_hub.fleet.rooms import Rooms
from densach_hub.people.service import People
from densach_hub.setup.model import Progress, SetupState

log = structlog.get_logger("setup")
EARLIEST_MS = 1_750_000_000_000
"""June 2025: no browser's clock before it is taken for the present."""
LATEST_MS = 4_102_444_800_000
"""2100."""
WRONG_CODES = 20
"""Of one address, one more every three seconds."""
WRONG_CODES_IN_ALL = 300
"""Of all addresses, one more every second; when they are spent, an address has only its first few tries."""
FIRST_FEW = 3


class Setup:
    """`code` is drawn at each start and lives in memory only: it is printed for whoever stands at the machine."""

    def __init__(
        self,
        *,
        people: People,
        accounts: Accounts,
        audit: Audit,
        rooms: Rooms,
        documents: Documents,
        clock: SystemClock,
        data: Path,
    ) -> None:
        self._people = people
        self._accounts = accounts
        self._audit = audit
        self._rooms = rooms
        self._clock = clock
        self._data = data
        self._state = documents.one("setup", SetupState, SetupState())
        letters = "".join(secrets.choice(CLEAR_LETTERS) for _ in range(10))
        self.code = f"{letters[:5]}-{letters[5:]}"
        self._wrong = Allowance(clock, per_s=1 / 3, burst=WRONG_CODES)
        self._wrong_in_all = Allowance(clock, per_s=1.0, burst=WRONG_CODES_IN_ALL)

    async def is_needed(self) -> bool:
        """Whether the hub has no school yet. A hub whose administrator was made by a command needs no set-up page."""
        state = await self._state.get()
        if state.done_at is not None:
            return False
        return state.started_at is not None or not await self._accounts.has_admin()

    def path(self) -> str:
        """What to open, below the hub's address: to be printed at the start while set-up is needed."""
        return f"/setup?code={self.code}"

    def fits(self, code: str, address: str | None = None) -> bool:
        """Whether somebody at `address` holds the code. Raises TooMany after twenty wrong ones from there.

        Whoever guesses from many addresses slows everybody down and stops nobody: an address that guessed wrong less than
        three times lately is always heard.
        """
        key = neighbourhood(address or "local")
        tired = self._wrong_in_all.left("") < 1 and self._wrong.left(key) < WRONG_CODES - FIRST_FEW + 1
        if tired or self._wrong.wait_s(key) > 0:
            raise TooMany("setup.too-many", t("Too many wrong codes."), t("Wait a minute."), retry_after_s=60)
        if hmac.compare_digest(_form(code).encode(), _form(self.code).encode()):
            return True
        if code:
            self._wrong.take(key)
            self._wrong_in_all.take("")
        return False

    async def progress(self) -> Progress:
        state = await self._state.get()
        profile = await self._people.profile()
        return Progress(
            clock=state.clock_at is not None,
            school=bool(profile.name),
            calendar=bool(await self._people.calendars()),
            admin=await self._accounts.has_admin(),
            rooms=state.rooms_at is not None or bool(await self._rooms.all()),
        )

    async def begin(self) -> None:
        state = await self._state.get()
        if state.started_at is None:
            await self._put(msgspec.structs.replace(state, started_at=self._clock.now_ms()))

    # --- clock ------------------------------------------------------------------------------------------------------

    @property
    def clock_source(self) -> str:
        """ "network", "browser", "doubted" or "system": where the hub's time comes from."""
        if self._clock.source == "system" and system_clock_is_synchronised():
            return "network"
        return self._clock.source

    def first_stop(self, account: Account) -> str | None:
        """A technician who signs in while the hub doubts its time is asked for it first."""
        doubted = self.clock_source == "doubted" or self._clock.now_ms() < EARLIEST_MS
        return "/admin/clock" if doubted and account.has(TECHNICIANS) else None

    def now(self) -> int:
        return self._clock.now_ms()

    async def set_clock(self, true_now_ms: int, *, by: Account | str) -> int:
        """Takes a browser's time as the present; returns by how many ms the hub's clock moved.

        Raises BadInput("setup.clock-odd") for a time that cannot be, Conflict("setup.clock-good") when a time service
        keeps the clock right.
        """
        if not EARLIEST_MS <= true_now_ms <= LATEST_MS:
            raise BadInput("setup.clock-odd", t("This time cannot be right."), t("Check the clock of your own device first."))
        if self.clock_source == "network":
            raise Conflict("setup.clock-good", t("The hub's clock is kept right by the network."))
        moved = true_now_ms - self._clock.now_ms()
        self._clock.correct(true_now_ms, "browser")
        await asyncio.to_thread(keep_clock, self._data, self._clock)
        await self._audit.note(by=by, what="setup.clock-set", detail={"moved_ms": moved})
        log.info("setup.clock-set", moved_ms=moved)
        return moved

    async def clock_done(self) -> None:
        state = await self._state.get()
        await self._put(msgspec.structs.replace(state, clock_at=self._clock.now_ms()))

    # --- administrator ----------------------------------------------------------------------------------------------

    async def first_admin(self, *, name: str, login: str, password: str, again: str) -> Account:
        """Raises Conflict("setup.admin-there") when there is one: the code is not worth more than their password."""
        if await self._accounts.has_admin():
            raise Conflict("setup.admin-there", t("There is already an administrator."))
        if password != again:
            raise BadInput("accounts.not-twice", t("The two passwords differ."), t("Type the same twice."), field="again")
        return await self._accounts.add(login=login, name=name, roles=frozenset({Role.ADMIN}), by="set-up", secret=password)

    # --- rooms ------------------------------------------------------------------------------------------------------

    async def rooms(self) -> list[Room]:
        return await self._rooms.all()

    async def add_room(self, *, name: str, seats: int, kind: RoomKind, levels: tuple[str, ...], campus: str) -> Room:
        """Raises BadInput for a name that is taken on this campus, and for a room without seats."""
        alike = _form(name)
        if alike and any(_form(room.name) == alike and room.campus == campus for room in await self._rooms.all()):
            raise BadInput(
                "setup.room-twice",
                t("There is already a room of this name."),
                t("Give it another name, or go on if it is entered already."),
                field="name",
            )
        if seats < 1 and kind in {RoomKind.COMPUTER_ROOM, RoomKind.STUDIO}:
            raise BadInput(
                "setup.no-seats", t("How many seats has this room?"), t("Count them; they can be changed later."), field="seats"
            )
        room = await self._rooms.new(name, by="set-up", kind=kind, seats=seats, levels=levels, campus=campus)
        await self._audit.note(by="set-up", what="setup.room-added", on=room.id, detail=room.name)
        return room

    async def rooms_done(self) -> None:
        state = await self._state.get()
        await self._put(msgspec.structs.replace(state, rooms_at=self._clock.now_ms()))

    # --- finish -----------------------------------------------------------------------------------------------------

    async def finish(self, *, by: Account | str) -> None:
        """Opens the hub to everybody. Raises Conflict("setup.unfinished") naming the step that is missing."""
        progress = await self.progress()
        if not progress.complete:
            raise Conflict("setup.unfinished", t("A step is still missing."), t("Do the steps in order."), step=progress.next)
        state = await self._state.get()
        await self._put(msgspec.structs.replace(state, done_at=self._clock.now_ms()))
        await self._audit.note(by=by, what="setup.finished")
        log.info("setup.finished")

    async def _put(self, state: SetupState) -> None:
        await self._state.put(state, by="set-up")


def _form(code: str) -> str:
    return "".join(ch for ch in code.lower() if ch.isalnum())


SETUP = web.AppKey("setup", Setup)
