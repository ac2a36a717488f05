"""Provisioning over /api/v1: the inventory for Ansible, reports of runs, and everything the pages do."""

from typing import Any

import msgspec
from aiohttp import web

from densach_core.accounts.model import TECHNICIANS
from densach_core.web.identity import me
from densach_core.web.respond import answer, read_body
from densach_core.web.routes import Routes
from densach_hub.provisioning.model import KnownHost, Last, Order, Play, Report, Run, RunLine
from densach_hub.provisioning.service import PROVISIONING

routes = Routes("provisioning")
REPORT_BYTES = 8 * 1024**2


class ScriptInventory(msgspec.Struct, frozen=True):
    """What an inventory script of Ansible answers to `--list`: groups beside `_meta`, which holds the hosts' variables."""

    meta: dict[str, Any] = msgspec.field(name="_meta")


class PlayList(msgspec.Struct, frozen=True):
    """`ready`: whether plays can be run from this hub."""

    plays: list[Play]
    ready: bool


class Runs(msgspec.Struct, frozen=True):
    runs: list[RunLine]


class Standings(msgspec.Struct, frozen=True):
    """Machine id → the last real run that touched it."""

    machines: dict[str, Last]


class Key(msgspec.Struct, frozen=True):
    """The line for `authorized_keys` on the machines, and the host keys the hub has met."""

    public_key: str
    user: str
    known_hosts: list[KnownHost]


@routes.api(
    "GET", "/api/v1/provisioning/inventory", who=TECHNICIANS, answers=ScriptInventory, summary="Inventory for Ansible",
)  # fmt: skip
async def inventory(request: web.Request) -> web.Response:
    return answer((await request.app[PROVISIONING].inventory()).script())


@routes.api(
    "POST", "/api/v1/provisioning/reports", who=TECHNICIANS, takes=Report, answers=Run, status=201, limit_bytes=REPORT_BYTES,
    summary="Tell what a run of a playbook did; at its start and at its end, under the same id",
)  # fmt: skip
async def report(request: web.Request) -> Run:
    return await request.app[PROVISIONING].history.report(await read_body(request, Report), by=me(request))


@routes.api("GET", "/api/v1/provisioning/plays", who=TECHNICIANS, answers=PlayList, summary="Plays that can be run from here")
async def plays(request: web.Request) -> PlayList:
    service = request.app[PROVISIONING]
    return PlayList(list(service.plays()), service.readiness().ready)


@routes.api("GET", "/api/v1/provisioning/runs", who=TECHNICIANS, answers=Runs, summary="Runs of playbooks, newest first")
async def runs(request: web.Request) -> Runs:
    return Runs(await request.app[PROVISIONING].history.runs())


@routes.api(
    "POST", "/api/v1/provisioning/runs", who=TECHNICIANS, takes=Order, answers=Run, status=201, summary="Run a play on machines"
)
async def start(request: web.Request) -> Run:
    return await request.app[PROVISIONING].start(await read_body(request, Order), by=me(request))


@routes.api("GET", "/api/v1/provisioning/runs/{run}", who=TECHNICIANS, answers=Run, summary="A run and each machine in it")
async def one(request: web.Request) -> Run:
    return await request.app[PROVISIONING].history.one(request.match_info["run"])


@routes.api("POST", "/api/v1/provisioning/runs/{run}/stop", who=TECHNICIANS, summary="Stop a run of this hub")
async def stop(request: web.Request) -> None:
    await request.app[PROVISIONING].stop(request.match_info["run"], by=me(request))


@routes.api(
    "GET", "/api/v1/provisioning/machines", who=TECHNICIANS, answers=Standings, summary="Which machines are set up, by which run"
)
async def machines(request: web.Request) -> Standings:
    return Standings(await request.app[PROVISIONING].history.lasts())


@routes.api("GET", "/api/v1/provisioning/key", who=TECHNICIANS, answers=Key, summary="The hub's ssh key and the keys it knows")
async def key(request: web.Request) -> Key:
    service = request.app[PROVISIONING]
    return Key(service.public_key(), service.user, service.known_hosts())


@routes.api(
    "DELETE", "/api/v1/provisioning/host-keys/{machine}", who=TECHNICIANS,
    summary="Forget the host key of a machine that was installed anew",
)  # fmt: skip
async def forget(request: web.Request) -> None:
    await request.app[PROVISIONING].forget(request.match_info["machine"], by=me(request))
