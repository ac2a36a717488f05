"""Requests to devices: never retained, never run twice, never after they expire; the answer is kept."""

import secrets

from densach_core.clock import Clock
from densach_core.database import Database
from densach_core.errors import BadInput, NotFound
from densach_core.text import t
from densach_hub.fleet.register import Register
from densach_hub.intake import store
from densach_hub.intake.model import RequestRow
from densach_hub.link.client import Link
from densach_wire import codec, topics
from densach_wire.errors import BadTopic
from densach_wire.messages import Attrs, Command

SHORTEST_S, LONGEST_S = 5, 24 * 3600


class Requests:
    """Sends a request to one machine; a room is one request for each of its machines."""

    def __init__(self, *, link: Link, telemetry: Database, register: Register, school: str, clock: Clock) -> None:
        self._link = link
        self._db = telemetry
        self._register = register
        self._school = school
        self._clock = clock

    async def request(
        self, device: str, name: str, args: Attrs | None = None, *, expires_s: int = 120, by: str = ""
    ) -> RequestRow:
        """Asks a device; what becomes of it is asked with `get`.

        Args:
            name: as in the topic: `message`, `reenrol`…
            expires_s: a device that is away for longer never gets it.

        Raises NotFound("intake.no-device"), BadInput("intake.request-name"), Unavailable("link.offline").
        """
        if not self._register.knows(device):
            raise NotFound("intake.no-device", t("This machine is not in the register."))
        try:
            topic = topics.cmd(self._school, device, name)
        except BadTopic as error:
            raise BadInput("intake.request-name", t("“{name}” is no request.", name=name)) from error
        expires_s = min(max(expires_s, SHORTEST_S), LONGEST_S)
        now = self._clock.now_ms()
        row = RequestRow(
            id=secrets.token_hex(8),
            device=device,
            name=name,
            args=args or {},
            by=by,
            sent_at=now,
            expires_at=now + expires_s * 1000,
        )
        await self._db.write(lambda c: store.add_request(c, row))  # first the row: the answer may be quick
        command = Command(id=row.id, expires=row.expires_at / 1000, sent=now / 1000, by=by, args=row.args)
        await self._link.publish(topic, codec.encode(command), expiry_s=expires_s)
        return row

    async def get(self, request_id: str) -> RequestRow:
        """Raises NotFound("intake.no-request")."""
        row = await self._db.read(lambda c: store.request(c, request_id))
        if row is None:
            raise NotFound("intake.no-request", t("There is no such request."))
        return row

    async def of(self, device: str, *, limit: int = 50) -> list[RequestRow]:
        """What was asked of a device, newest first."""
        return await self._db.read(lambda c: store.requests_of(c, device, limit))
