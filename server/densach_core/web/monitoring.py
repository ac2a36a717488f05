"""`/healthz` and `/metrics`: for those who watch the box from outside."""

from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

from densach_core.errors import NotAllowed
from densach_core.text import t
from densach_core.web.identity import HERE, address_of, who_is
from densach_core.web.keys import METRICS
from densach_core.web.routes import EVERYONE, Routes

routes = Routes("core")


class Check(msgspec.Struct, frozen=True):
    """One thing that must be so for the process to be of use."""

    name: str
    ok: bool
    detail: str = ""


class Health(msgspec.Struct, frozen=True):
    """`live`: the process answers; `ready`: everything it needs is there."""

    live: bool
    ready: bool
    checks: list[Check]


READINESS: "web.AppKey[Callable[[], Awaitable[list[Check]]]]" = web.AppKey("readiness")


@routes.api("GET", "/healthz", who=EVERYONE, summary="Liveness and readiness", answers=Health, before_setup=True)
async def healthz(request: web.Request) -> tuple[int, Health]:
    checks = await request.app[READINESS]() if READINESS in request.app else []
    ready = all(check.ok for check in checks)
    return (200 if ready else 503), Health(live=True, ready=ready, checks=checks)


@routes.get("/metrics", who=EVERYONE, before_setup=True)
async def metrics(request: web.Request) -> web.Response:
    """For a monitor on this machine, or anywhere with a staff token: how a school uses its box is not for every pupil."""
    account = who_is(request)
    if address_of(request) not in HERE and not (account is not None and account.staff):
        raise NotAllowed(
            "metrics.not-here",
            t("Metrics are told to this machine and to staff only."),
            t("Give the monitor a token: densach token create --role technician"),
        )
    return web.Response(body=request.app[METRICS].text(), headers={"Content-Type": "text/plain; version=0.0.4"})
