"""How machines join: by a room's token, or by waiting until somebody admits them with one click."""

from typing import Protocol

import msgspec

from densach_core.clock import Clock
from densach_core.database import Database
from densach_core.live import Bus
from densach_hub.fleet.authority import Authority
from densach_hub.fleet.model import Machine, RoomToken, Waiting
from densach_hub.fleet.register import Register
from densach_hub.fleet.rooms import Rooms
from densach_hub.fleet.telemetry import Telemetry
from densach_wire.enrolment import Endpoint, EnrolAnswer, EnrolRequest


class Doorkeeper(Protocol):
    """The broker's access list, as whoever runs the broker provides it."""

    async def admit(self, device: str) -> str | None:
        """Lets a device in; a password where the listener has no TLS, else None."""

    async def shut_out(self, device: str) -> None:
        """Closes the door for a device (its certificate is on the revocation list by then)."""


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """What an admitted machine is told. `school` is the id used in topics."""

    school: str
    mqtt: tuple[Endpoint, ...] = ()
    name: str = ""


class Enrolment:
    def __init__(
        self,
        school: Database,
        clock: Clock,
        bus: Bus,
        register: Register,
        rooms: Rooms,
        authority: Authority,
        telemetry: Telemetry,
        site: Site,
    ) -> None:
        self._db = school
        self._clock = clock
        self._bus = bus
        self._register = register
        self._rooms = rooms
        self._authority = authority
        self._telemetry = telemetry
        self.site = site
        self.doorkeeper: Doorkeeper | None = None
        """Set by whoever runs the broker."""

    async def enrol(self, request: EnrolRequest, *, address: str) -> EnrolAnswer:
        """One request of a machine: admitted (token, or admitted meanwhile), waiting (with a ticket), refused.

        The same machine that asks again with a token gets its old id back (same strong fingerprint, old one silent):
        renamed, moved or re-installed, it is still one machine. Raises TooMany.
        """
        raise NotImplementedError

    async def new_token(self, *, by: str, room: str | None, hours: int = 24, uses: int = 60) -> tuple[RoomToken, str]:
        """A token and its text (`ds1.…`), which is shown now and never again."""
        raise NotImplementedError

    async def tokens(self) -> list[RoomToken]:
        """Those that still open the door, newest first."""
        raise NotImplementedError

    async def revoke_token(self, token: str, *, by: str) -> None:
        raise NotImplementedError

    async def waiting(self) -> list[Waiting]:
        """Those who ask to be admitted, newest first."""
        raise NotImplementedError

    async def admit(self, waiting: str, *, by: str, room: str | None = None, seat: str | None = None) -> Machine:
        """One click: the machine gets its certificate the next time it asks (within half a minute)."""
        raise NotImplementedError

    async def refuse(self, waiting: str, *, by: str) -> None:
        raise NotImplementedError

    async def shut_out(self, machine: str, *, by: str) -> None:
        """Revokes a machine's certificate and retires it."""
        raise NotImplementedError
