"""Requests to devices: never retained, never run twice, never after they expire; the answer is kept.

A request is on disk before it is sent, and sent once: a hub that was started again repeats nothing.
"""

import asyncio
import secrets
from collections.abc import Sequence

import structlog
from msgspec.structs import replace

from densach_core.clock import Clock
from densach_core.database import Database
from densach_core.errors import BadInput, NotFound, Unavailable
from densach_core.text import t
from densach_hub.fleet.asking import EXPIRES_S, Asked, Wish
from densach_hub.fleet.register import Register
from densach_hub.fleet.telemetry import Telemetry
from densach_hub.intake import store
from densach_hub.intake.waking import Waking
from densach_hub.link.client import Link
from densach_wire import codec, topics
from densach_wire.errors import BadTopic
from densach_wire.messages import Attrs, Command, Outcome

log = structlog.get_logger("intake")

SHORTEST_S, LONGEST_S = 5, 24 * 3600
USUAL_S = 120
MOST_AT_ONCE = 200


class Requests:
    """An `Asker` (fleet.asking) over the link."""

    def __init__(
        self, *, link: Link, telemetry: Database, register: Register, facts: Telemetry, school: str, clock: Clock
    ) -> None:
        self._link = link
        self._db = telemetry
        self._register = register
        self._school = school
        self._clock = clock
        self.waking = Waking(register, facts)

    async def request(
        self, device: str, name: str, args: Attrs | None = None, *, expires_s: int = USUAL_S, by: str = ""
    ) -> Asked:
        """Asks a device; what becomes of it is asked with `get`.

        Args:
            name: as in the topic: `message`, `reenrol`…
            expires_s: a device that is away for longer never gets it.

        Raises NotFound("intake.no-device"), BadInput("intake.request-name"), Unavailable("link.offline").
        """
        row = self._row(device, name, args or {}, by, expires_s)
        await self._db.write(lambda c: store.add_requests(c, [row]))  # first the row: the answer may be quick
        if await self._send([row]):
            raise Unavailable("link.offline", t("The hub has no line to its broker."), t("Try again in a moment."))
        return row

    async def ask(self, devices: Sequence[str], wish: Wish, args: Attrs, *, by: str) -> str:
        """One request for each device; the batch they belong to. Raises NotFound, BadInput."""
        chosen = list(dict.fromkeys(devices))
        if not 0 < len(chosen) <= MOST_AT_ONCE:
            raise BadInput("intake.how-many", t("Choose 1 to {n} machines.", n=MOST_AT_ONCE), field="machine")
        batch = secrets.token_hex(8)
        expires_s = EXPIRES_S.get(wish, USUAL_S)
        rows = [self._row(device, wish, args, by, expires_s, batch=batch) for device in chosen]
        if wish is Wish.WAKE:
            await self._wake(rows)
            return batch
        await self._db.write(lambda c: store.add_requests(c, rows))
        await self._send(rows)
        return batch

    async def get(self, request_id: str) -> Asked:
        """Raises NotFound("intake.no-request")."""
        row = await self._db.read(lambda c: store.request(c, request_id))
        if row is None:
            raise _no_request()
        return row

    async def batch(self, batch: str) -> list[Asked]:
        """Raises NotFound("intake.no-request")."""
        rows = await self._db.read(lambda c: store.batch(c, batch)) if batch else []
        if not rows:
            raise _no_request()
        return rows

    async def of(self, device: str, *, limit: int = 50) -> list[Asked]:
        """What was asked of a device, newest first."""
        return await self._db.read(lambda c: store.requests_of(c, device, limit))

    # ---- inside ---------------------------------------------------------------------------------------------------

    async def _wake(self, rows: Sequence[Asked]) -> None:
        """The hub calls by itself and asks awake machines beside the sleeping ones; that it is awake only the machine
        says, with its hello."""
        plans = await self.waking.plans([row.device for row in rows])
        now = self._clock.now_ms()
        kept: list[Asked] = []
        helpers: list[Asked] = []
        for row in rows:
            plan = plans[row.device]
            if plan.awake:
                kept.append(_with(row, outcome=Outcome.DONE, answered_at=now))
                continue
            if not plan.macs:
                kept.append(_with(row, outcome=Outcome.REFUSED, reason="no-address", answered_at=now))
                continue
            kept.append(_with(row, outcome=Outcome.ACCEPTED, attrs={"helpers": len(plan.helpers)}, answered_at=now))
            helpers += [
                self._row(helper, Wish.WAKE, {"mac": mac}, row.by, USUAL_S, helps=row.id)
                for helper in plan.helpers
                for mac in plan.macs
            ]
        await self._db.write(lambda c: store.add_requests(c, [*kept, *helpers]))
        mine = [plan for plan in (plans[row.device] for row in rows) if not plan.awake and not plan.invented]
        macs = [mac for plan in mine for mac in plan.macs]
        await asyncio.to_thread(self.waking.call, macs)
        await self._send(helpers)

    def _row(
        self, device: str, name: str, args: Attrs, by: str, expires_s: int, *, batch: str = "", helps: str | None = None
    ) -> Asked:
        if not self._register.knows(device):
            raise NotFound("intake.no-device", t("This machine is not in the register."))
        try:
            topics.cmd(self._school, device, name)
        except BadTopic as error:
            raise BadInput("intake.request-name", t("“{name}” is no request.", name=name)) from error
        now = self._clock.now_ms()
        until = now + min(max(expires_s, SHORTEST_S), LONGEST_S) * 1000
        return Asked(
            id=secrets.token_hex(8), batch=batch, device=device, name=str(name), args=args, by=by, sent_at=now, expires_at=until,
            helps=helps,
        )  # fmt: skip

    async def _send(self, rows: Sequence[Asked]) -> int:
        """Sends each once; what finds no line is refused by the hub itself. How many those are."""
        unsent = []
        for row in rows:
            command = Command(id=row.id, expires=row.expires_at / 1000, sent=row.sent_at / 1000, by=row.by, args=row.args)
            left_s = max(1, (row.expires_at - self._clock.now_ms()) // 1000)
            try:
                topic = topics.cmd(self._school, row.device, row.name)
                await self._link.publish(topic, codec.encode(command), expiry_s=left_s)
            except Unavailable as error:
                log.warning("intake.request-unsent", device=row.device, name=row.name, reason=error.code)
                unsent.append(row.id)
        if unsent:
            now = self._clock.now_ms()
            await self._db.write(lambda c: store.refuse(c, unsent, "no-line", now))
        return len(unsent)


def _no_request() -> NotFound:
    return NotFound("intake.no-request", t("There is no such request."))


def _with(row: Asked, **fields: object) -> Asked:
    return replace(row, **fields)
