"""The page a seat's QR label opens on a phone: what is broken, in one tap. No log-in, no name."""

from aiohttp import web

from densach_core.errors import BadInput, Problem
from densach_core.text import t
from densach_core.web.identity import address_of, who_is
from densach_core.web.keys import LANGUAGES
from densach_core.web.respond import read_form, render, see_other
from densach_core.web.routes import EVERYONE
from densach_core.web.statuses import status_of
from densach_hub.lab.frame import routes
from densach_hub.lab.model import FaultForm, FaultKind, FaultPlace
from densach_hub.lab.rules import FAULT_WORDS
from densach_hub.lab.service import LAB

FAULT_ICONS = {FaultKind.NO_START: "moon", FaultKind.NO_NETWORK: "globe", FaultKind.BROKEN_PART: "wrench"}


@routes.get("/fault/{code}", who=EVERYONE)
async def ask(request: web.Request) -> web.StreamResponse:
    return _page(request, await request.app[LAB].fault_place(request.match_info["code"]), FaultForm(), None)


@routes.post("/fault/{code}", who=EVERYONE)
async def report(request: web.Request) -> web.StreamResponse:
    """Kept in the school's language. A member of staff is named, a pupil never."""
    lab = request.app[LAB]
    place = await lab.fault_place(request.match_info["code"])
    form = await read_form(request, FaultForm)
    account = who_is(request)
    try:
        await lab.fleet.faults.report(
            room=place.room.id,
            seat=place.seat.id,
            machine=place.machine.id if place.machine else None,
            text=sentence(request, form),
            address=address_of(request),
            by=account.name if account and account.staff else None,
        )
    except Problem as problem:
        page = _page(request, place, form, problem)
        page.set_status(status_of(problem))
        return page
    return see_other(request, f"/fault/{place.code}/thanks")


@routes.get("/fault/{code}/thanks", who=EVERYONE)
async def thanks(request: web.Request) -> web.StreamResponse:
    place = await request.app[LAB].fault_place(request.match_info["code"])
    return render(request, "lab/fault_thanks.html", title=t("Thank you"), place=place)


def sentence(request: web.Request, form: FaultForm) -> str:
    """The choice in Vietnamese and what was typed. Raises BadInput when there is neither."""
    words = form.text.strip()
    if form.kind in set(FaultKind):
        chosen = request.app[LANGUAGES].say(FAULT_WORDS[FaultKind(form.kind)], "vi")
        return f"{chosen}: {words}" if words else chosen
    if not words:
        raise BadInput("lab.fault-nothing", t("Nothing was chosen."), t("Tap what is wrong, then send."), field="kind")
    return words


def _page(request: web.Request, place: FaultPlace, form: FaultForm, problem: Problem | None) -> web.Response:
    return render(
        request,
        "lab/fault.html",
        title=t("Report a fault"),
        place=place,
        form=form,
        problem=problem,
        kinds=FAULT_WORDS,
        icons=FAULT_ICONS,
    )
