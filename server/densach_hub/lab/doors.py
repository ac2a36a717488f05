"""How machines come in: the join page with its one line, those who wait, and what did not fit (quarantine)."""

import asyncio
import re

from aiohttp import web

from densach_core.accounts.model import TECHNICIANS
from densach_core.place import is_loopback
from densach_core.text import t
from densach_core.web.identity import address_here, is_secure, me
from densach_core.web.keys import SITE
from densach_core.web.respond import read_form, see_other
from densach_hub.fleet.register import is_minted
from densach_hub.lab.frame import chosen, places, routes, show
from densach_hub.lab.model import AdmitForm, JoinLine, TokenForm
from densach_hub.lab.service import LAB

MOST_HOURS = 24 * 14
MOST_USES = 200


@routes.get("/lab/waiting", who=TECHNICIANS)
async def waiting(request: web.Request) -> web.StreamResponse:
    """Who asks to be admitted; a twin says whose. `returning` had a certificate of this school its register forgot."""
    lab = request.app[LAB]
    found = await lab.fleet.enrolment.waiting()
    twins = {w.twin_of: await lab.fleet.register.find(w.twin_of) for w in found if w.twin_of}
    return await show(
        request,
        "lab/waiting.html",
        here="/lab/waiting",
        title=t("Waiting to be admitted"),
        waiting=found,
        returning={w.id for w in found if w.machine is not None and is_minted(w.machine)},
        twins=twins,
        places=await places(lab),
    )


@routes.post("/lab/waiting/{id}/admit", who=TECHNICIANS)
async def admit(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, AdmitForm)
    room, seat = chosen(form.place)
    admitted = await request.app[LAB].fleet.enrolment.admit(request.match_info["id"], by=me(request).name, room=room, seat=seat)
    said = t("{name} is admitted. It gets its certificate within half a minute.", name=admitted.name)
    return see_other(request, "/lab/waiting", flash=said)


@routes.post("/lab/waiting/{id}/refuse", who=TECHNICIANS)
async def refuse(request: web.Request) -> web.StreamResponse:
    await request.app[LAB].fleet.enrolment.refuse(request.match_info["id"], by=me(request).name)
    return see_other(request, "/lab/waiting", flash=t("Refused. It may ask again later."))


@routes.get("/lab/quarantine", who=TECHNICIANS)
async def quarantine(request: web.Request) -> web.StreamResponse:
    """What machines sent and could not be understood; kept with its reason, never dropped silently."""
    lab = request.app[LAB]
    found = await lab.fleet.telemetry.quarantined(device=request.query.get("device") or None, limit=200)
    names = {m.id: m.name for m in await lab.fleet.register.machines(retired=True)}
    return await show(
        request,
        "lab/quarantine.html",
        here="/lab/alerts",
        title=t("Messages that did not fit"),
        items=found,
        names=names,
        reason=lab.reason_of,
    )


@routes.get("/join", who=TECHNICIANS)
async def join(request: web.Request) -> web.StreamResponse:
    """`?made=` shows a line to the session that made it, for some minutes: the page may be loaded again."""
    handle = request.query.get("made", "")
    made = request.app[LAB].lines.see(request, handle) if handle else None
    response = await _join(request, made=made, gone=bool(handle) and made is None)
    response.headers["Cache-Control"] = "no-store"
    return response


@routes.post("/join", who=TECHNICIANS)
async def make_line(request: web.Request) -> web.StreamResponse:
    """Makes a room's token and leads to the page that shows its line: loading that again makes no second token."""
    form = await read_form(request, TokenForm)
    hours, uses = min(max(form.hours, 1), MOST_HOURS), min(max(form.uses, 1), MOST_USES)
    lab = request.app[LAB]
    token, secret = await lab.fleet.enrolment.new_token(by=me(request).name, room=form.room, hours=hours, uses=uses)
    made = JoinLine(one_line(address_for_machines(request), secret), token)
    return see_other(request, f"/join?made={lab.lines.keep(request, made, about=token.id)}")


@routes.post("/join/tokens/{id}/revoke", who=TECHNICIANS)
async def revoke(request: web.Request) -> web.StreamResponse:
    await request.app[LAB].fleet.enrolment.revoke_token(request.match_info["id"], by=me(request).name)
    return see_other(request, "/join", flash=t("This line opens no door any more."))


def address_for_machines(request: web.Request) -> str:
    """As a machine that is new can ask it: it does not trust the hub's own authority yet, and nginx before the hub answers
    plain HTTP as well. Who joins by a token still finds out a false hub: the token names the authority."""
    here = address_here(request)
    if is_secure(request) and not request.secure:
        return re.sub(r"^https(.*?)(:[0-9]+)?$", r"http\1", here)
    return here


def fetch(address: str) -> str:
    """The script into a file, `$f`, by what a fresh system has: Debian's desktop has wget, others curl."""
    return f'f=$(mktemp) && (wget -qO "$f" {address}/join/linux.sh || curl -fsSo "$f" {address}/join/linux.sh)'


def one_line(address: str, secret: str) -> str:
    """The line for Linux. The token goes through the script's standard input, so that `ps` never shows it."""
    return f"{fetch(address)} && echo '{secret}' | sudo sh \"$f\""


async def _join(request: web.Request, **values: object) -> web.Response:
    lab = request.app[LAB]
    return await show(
        request,
        "lab/join.html",
        here="/join",
        title=t("Bring machines in"),
        address=address_here(request),
        without_token=f'{fetch(address_for_machines(request))} && sudo sh "$f"',
        alone=request.app[SITE].only_here,
        local=is_loopback(request.host),
        rooms=await lab.fleet.rooms.all(),
        tokens=await lab.fleet.enrolment.tokens(),
        room=request.query.get("room", ""),
        kit_filled=len(await asyncio.to_thread(lab.fleet.kit.files)) > 1,
        **values,
    )
