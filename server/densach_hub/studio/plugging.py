"""How equipment and home-made devices connect: the plain listener, and the accounts that may log in there."""

import asyncio

import msgspec
from aiohttp import web

from densach_core.briefly import Briefly
from densach_core.clock import Clock
from densach_core.errors import Conflict, NotFound, Unavailable
from densach_core.text import t
from densach_hub.fleet.register import Register, is_minted
from densach_hub.link.accounts import STUDIO, EquipmentAccounts
from densach_hub.link.broker import Broker, MosquittoBroker
from densach_hub.link.model import AccountKind


class DeviceAccount(msgspec.Struct, frozen=True):
    """An account of a device that speaks our contract; its name is the device's id."""

    name: str


class NewDeviceAccount(msgspec.Struct, frozen=True):
    """`password` is shown now and never again: the hub keeps a hash."""

    name: str
    password: str


class PlainLine(msgspec.Struct, frozen=True):
    """The listener without TLS. `password` is that of the user `studio`, None where its file is missing; `school` is the
    id used in topics."""

    port: int
    user: str
    password: str | None
    school: str
    devices: tuple[DeviceAccount, ...]


class Plugging:
    """Accounts change while the broker runs: it reads them anew, connections of the others stay."""

    def __init__(self, broker: Broker, register: Register, clock: Clock, *, school: str) -> None:
        self._broker = broker if isinstance(broker, MosquittoBroker) and broker.equipment is not None else None
        self._register = register
        self._school = school
        self._one_at_a_time = asyncio.Lock()
        self.made: Briefly[NewDeviceAccount] = Briefly(clock)

    async def line(self) -> PlainLine | None:
        """None where this hub has no plain listener of its own (another broker, or switched off)."""
        broker = self._broker
        if broker is None or broker.equipment is None:
            return None
        return PlainLine(
            port=broker.equipment.port,
            user=STUDIO,
            password=await asyncio.to_thread(_studio_password, broker.accounts),
            school=self._school,
            devices=tuple(DeviceAccount(name) for name in await self._names(broker)),
        )

    async def add(self, name: str) -> NewDeviceAccount:
        """An account for one device. Raises BadInput("link.account-name"), Conflict, Unavailable("studio.no-listener").

        A machine with a certificate is no name to give, nor what looks like one: the account would speak for that machine.
        """
        broker = self._there()
        async with self._one_at_a_time:
            known = await self._register.find(name)
            taken = {account.name for account in await asyncio.to_thread(broker.accounts.all)}
            if name in taken or is_minted(name) or (known is not None and known.certificate is not None):
                raise Conflict(
                    "studio.account-there",
                    t("“{name}” is taken already.", name=name),
                    t("Choose another name, or remove the account first."),
                    field="name",
                )
            password = await asyncio.to_thread(broker.accounts.put, name, AccountKind.DEVICE)
            await broker.reload()
        return NewDeviceAccount(name, password)

    async def remove(self, name: str) -> None:
        """Its connection ends as well. Raises NotFound, Unavailable("studio.no-listener")."""
        broker = self._there()
        async with self._one_at_a_time:
            if name not in await self._names(broker):
                raise NotFound("studio.no-account", t("There is no such account."))
            await asyncio.to_thread(broker.accounts.remove, name)
            await broker.reload()

    async def _names(self, broker: MosquittoBroker) -> list[str]:
        accounts = await asyncio.to_thread(broker.accounts.all)
        return sorted(account.name for account in accounts if account.kind is AccountKind.DEVICE)

    def _there(self) -> MosquittoBroker:
        if self._broker is None:
            raise Unavailable(
                "studio.no-listener",
                t("This hub has no line for devices without a certificate."),
                t("Whoever runs its message broker makes the accounts there."),
            )
        return self._broker


def _studio_password(accounts: EquipmentAccounts) -> str | None:
    try:
        return accounts.studio_password()
    except FileNotFoundError:
        return None


PLUGGING = web.AppKey("plugging", Plugging)
