"""What did not fit, for programs: kept with its reason, its bytes and who sent it."""

import msgspec
from aiohttp import web

from densach_core.accounts.model import TECHNICIANS
from densach_core.errors import BadInput
from densach_core.text import t
from densach_core.web.routes import Routes
from densach_hub.fleet.service import FLEET
from densach_hub.fleet.telling import Quarantined

routes = Routes("fleet")
MOST = 500


class QuarantineList(msgspec.Struct, frozen=True):
    """Newest first. `raw` is the message (or its beginning) in base64; `total`: everything that ever did not fit."""

    total: int
    items: list[Quarantined]


@routes.api(
    "GET", "/api/v1/quarantine", who=TECHNICIANS, answers=QuarantineList,
    summary="Messages that did not fit, newest first (?device=, ?since= in epoch ms, ?limit= up to 500)",
)  # fmt: skip
async def quarantine(request: web.Request) -> QuarantineList:
    facts = request.app[FLEET].telemetry
    found = await facts.quarantined(
        device=request.query.get("device") or None,
        since=_number(request, "since", 0),
        limit=min(_number(request, "limit", 100), MOST),
    )
    return QuarantineList(await facts.quarantine_total(), found)


def _number(request: web.Request, name: str, usual: int) -> int:
    given = request.query.get(name, str(usual))
    if not (given.isascii() and given.isdecimal() and len(given) < 16):
        raise BadInput("fleet.number", t("“{text}” is no number.", text=given[:20]), field=name)
    return int(given)
