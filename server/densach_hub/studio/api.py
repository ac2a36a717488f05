"""The accounts of devices without a certificate, for scripts."""

import msgspec
from aiohttp import web

from densach_core.accounts.audit import AUDIT
from densach_core.accounts.model import TECHNICIANS
from densach_core.web.identity import me
from densach_core.web.respond import read_body
from densach_core.web.routes import Routes
from densach_hub.studio.plugging import PLUGGING, DeviceAccount, NewDeviceAccount

routes = Routes("studio")


class DeviceAccounts(msgspec.Struct, frozen=True):
    accounts: tuple[DeviceAccount, ...]


@routes.api(
    "GET", "/api/v1/equipment-accounts", who=TECHNICIANS, answers=DeviceAccounts, summary="Accounts of simple devices"
)  # fmt: skip
async def accounts(request: web.Request) -> DeviceAccounts:
    line = await request.app[PLUGGING].line()
    return DeviceAccounts(() if line is None else line.devices)


@routes.api(
    "POST",
    "/api/v1/equipment-accounts",
    who=TECHNICIANS,
    takes=DeviceAccount,
    answers=NewDeviceAccount,
    status=201,
    summary="Make an account for a device; its password is told once",
)
async def add(request: web.Request) -> NewDeviceAccount:
    wish = await read_body(request, DeviceAccount)
    made = await request.app[PLUGGING].add(wish.name)
    await request.app[AUDIT].note(by=me(request), what="studio.account-added", on=made.name)
    return made


@routes.api("DELETE", "/api/v1/equipment-accounts/{name}", who=TECHNICIANS, summary="Remove a device's account")
async def remove(request: web.Request) -> None:
    name = request.match_info["name"]
    await request.app[PLUGGING].remove(name)
    await request.app[AUDIT].note(by=me(request), what="studio.account-removed", on=name)
