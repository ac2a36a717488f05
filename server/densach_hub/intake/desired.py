"""What the hub wishes of its devices: one retained state each, and a ledger of it, so that nothing stays behind."""

import asyncio
import hashlib

import structlog

from densach_core.clock import Clock
from densach_core.database import Database
from densach_core.documents import Single
from densach_core.errors import Unavailable
from densach_hub.fleet.model import Kind
from densach_hub.fleet.register import Register
from densach_hub.intake import store
from densach_hub.link.client import Link
from densach_wire import codec, topics
from densach_wire.messages import Desired

log = structlog.get_logger("intake")
EVERY_S = 60.0


class DesiredStates:
    """Publishes the policy to every agent of the register, and clears what was retained by those who left it.

    `soon()` after something changed; otherwise it looks once a minute.
    """

    def __init__(
        self, *, link: Link, telemetry: Database, register: Register, policy: Single[Desired], school: str, clock: Clock
    ) -> None:
        self._link = link
        self._db = telemetry
        self._register = register
        self._policy = policy
        self._school = school
        self._clock = clock
        self._wanted = asyncio.Event()

    def soon(self) -> None:
        self._wanted.set()

    async def run(self) -> None:
        while True:
            await self._link.until_connected()
            try:
                await self.bring_up_to_date()
            except Unavailable as error:
                log.info("intake.desired-later", reason=error.code)
            try:
                async with asyncio.timeout(EVERY_S):  # not wait_for: it may swallow being cancelled
                    await self._wanted.wait()
            except TimeoutError:
                continue
            self._wanted.clear()

    async def bring_up_to_date(self) -> None:
        """Raises Unavailable when the line goes down meanwhile; what was done stays done."""
        state = codec.encode(await self._policy.get())
        digest = hashlib.sha256(state).hexdigest()[:16]
        devices = {m.id for m in await self._register.machines(kinds=(Kind.AGENT,))}
        ledger = await self._db.read(store.ledger)
        published = {device for _, device, known in ledger if known == digest}
        for device in sorted(devices - published):
            topic = topics.desired(self._school, device)
            await self._link.publish(topic, state, retain=True)
            entry = (topic, device, digest, self._clock.now_ms())
            await self._db.write_grouped(lambda c, entry=entry: store.note_retained(c, (entry,)))  # type: ignore[misc]
        for device in sorted({device for _, device, _ in ledger} - devices):
            for place in (topics.desired, topics.presence, topics.hello):
                await self._link.publish(place(self._school, device), b"", retain=True)
            await self._db.write_grouped(lambda c, device=device: store.forget_retained(c, device))  # type: ignore[misc]
            log.info("intake.retained-cleared", device=device)
