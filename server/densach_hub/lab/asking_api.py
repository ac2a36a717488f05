"""Asking machines over /api/v1: what the lab's pages do."""

import msgspec
from aiohttp import web

from densach_core.accounts.model import TECHNICIANS
from densach_core.web.respond import read_body
from densach_hub.fleet.asking import ASKER, ASKERS, Asked, AskedState, Wish
from densach_hub.lab.asking import ask_machines
from densach_hub.lab.frame import routes
from densach_hub.lab.service import LAB


class NewAsking(msgspec.Struct, frozen=True):
    """`text` for a message. `force`: switch off or restart although somebody is at work (there is a warning)."""

    what: Wish
    machines: list[str]
    text: str = ""
    force: bool = False


class Standing(msgspec.Struct, frozen=True):
    """A request and how it stands now."""

    request: Asked
    state: AskedState


class Asking(msgspec.Struct, frozen=True):
    batch: str
    requests: list[Standing]


class Requests(msgspec.Struct, frozen=True):
    requests: list[Standing]


@routes.api(
    "POST", "/api/v1/requests", who=ASKERS, takes=NewAsking, answers=Asking, status=201,
    summary="Ask machines to do something",
)  # fmt: skip
async def ask(request: web.Request) -> Asking:
    wish = await read_body(request, NewAsking)
    batch = await ask_machines(request, wish.machines, wish.what, text=wish.text, force=wish.force)
    return Asking(batch, _standing(request, await request.app[ASKER].batch(batch)))


@routes.api("GET", "/api/v1/requests/{batch}", who=ASKERS, answers=Asking, summary="What became of a request")
async def asked(request: web.Request) -> Asking:
    batch = request.match_info["batch"]
    return Asking(batch, _standing(request, await request.app[ASKER].batch(batch)))


@routes.api("GET", "/api/v1/machines/{id}/requests", who=TECHNICIANS, answers=Requests, summary="What was asked of a machine")
async def of_machine(request: web.Request) -> Requests:
    machine = await request.app[LAB].fleet.register.machine(request.match_info["id"])
    return Requests(_standing(request, await request.app[ASKER].of(machine.id)))


def _standing(request: web.Request, found: list[Asked]) -> list[Standing]:
    now = request.app[LAB].now_ms()
    return [Standing(one, one.state(now)) for one in found]
