"""The teacher's pages: classes, the pupils of one's own class, new PINs, log-in slips."""

from collections.abc import Awaitable, Callable
from datetime import date

import msgspec
from aiohttp import web

from densach_core.accounts.model import ADMINS, TEACHERS
from densach_core.errors import BadInput, Conflict, NotFound, Problem
from densach_core.text import Text, t
from densach_core.web.identity import me
from densach_core.web.respond import read_form, render, see_other
from densach_core.web.routes import Routes
from densach_core.web.statuses import status_of
from densach_hub.people.model import Sex
from densach_hub.people.service import PEOPLE
from densach_hub.people.slips import Sheet, Slip
from densach_hub.people.words import LEVELS

routes = Routes("people")
ROOM_CHOICES: "web.AppKey[Callable[[], Awaitable[list[tuple[str, str]]]]]" = web.AppKey("people_room_choices")
"""(id, name) of the rooms a class can be taught in; lent by whoever puts people and fleet together."""


class ClassForm(msgspec.Struct, frozen=True):
    name: str = ""
    grade: int = 0
    homeroom_id: str | None = None
    room_ids: list[str] = []


class PupilForm(msgspec.Struct, frozen=True):
    name: str = ""
    code: str | None = None
    birth_date: date | None = None
    sex: Sex | None = None
    class_id: str = ""


class SlipsForm(msgspec.Struct, frozen=True):
    anew: bool = False


@routes.get("/classes", who=TEACHERS)
async def classes(request: web.Request) -> web.StreamResponse:
    """Own classes first; the others are named but cannot be opened."""
    people, account = request.app[PEOPLE], me(request)
    found = await people.classes()
    own = [one for one in found if one.homeroom_id == account.id]
    everything = account.has(ADMINS) or "principal" in account.roles
    if len(own) == 1 and not everything:
        return see_other(request, f"/classes/{own[0].id}")
    return render(
        request, "people/classes.html", title=t("Classes"), own=own, others=[one for one in found if one not in own],
        everything=everything, school_year=await people.school_year(), levels=LEVELS,
        teachers={x.id: x.name for x in await people.teachers()},
    )  # fmt: skip


@routes.get("/classes/{id}", who=TEACHERS)
async def school_class(request: web.Request) -> web.StreamResponse:
    return await _class_page(request)


@routes.post("/classes/{id}", who=ADMINS)
async def change_class(request: web.Request) -> web.StreamResponse:
    key = request.match_info["id"]
    try:
        form = await read_form(request, ClassForm)
        await request.app[PEOPLE].put_class(
            class_id=key, name=form.name, grade=form.grade, homeroom_id=form.homeroom_id,
            room_ids=tuple(form.room_ids), by=me(request),
        )  # fmt: skip
    except (BadInput, Conflict) as problem:
        return await _class_page(request, problem)
    return see_other(request, f"/classes/{key}", flash=t("Saved."))


@routes.post("/classes/{id}/pupils", who=ADMINS)
async def add_pupil(request: web.Request) -> web.StreamResponse:
    key = request.match_info["id"]
    try:
        form = await read_form(request, PupilForm)
        await request.app[PEOPLE].pupils.add(
            name=form.name, class_id=key, code=form.code, birth_date=form.birth_date, sex=form.sex, by=me(request)
        )
    except (BadInput, Conflict) as problem:
        return await _class_page(request, problem)
    return see_other(request, f"/classes/{key}", flash=t("{name} is in the class.", name=form.name))


@routes.get("/admin/people/pupils/{pupil}", who=ADMINS)
async def pupil(request: web.Request) -> web.StreamResponse:
    return await _pupil_page(request)


@routes.post("/admin/people/pupils/{pupil}", who=ADMINS)
async def change_pupil(request: web.Request) -> web.StreamResponse:
    try:
        form = await read_form(request, PupilForm)
        changed = await request.app[PEOPLE].pupils.change(
            request.match_info["pupil"], name=form.name, class_id=form.class_id, code=form.code,
            birth_date=form.birth_date, sex=form.sex, by=me(request),
        )  # fmt: skip
    except (BadInput, Conflict, NotFound) as problem:
        return await _pupil_page(request, problem)
    return see_other(request, f"/classes/{changed.class_id}", flash=t("Saved."))


async def _pupil_page(request: web.Request, problem: Problem | None = None) -> web.Response:
    people = request.app[PEOPLE]
    found = await people.pupil(request.match_info["pupil"])
    return render(
        request, "people/pupil.html", title=found.name, pupil=found, classes=await people.classes(), problem=problem,
        status=status_of(problem),
    )  # fmt: skip


@routes.post("/classes/{id}/slips", who=TEACHERS)
async def slips(request: web.Request) -> web.StreamResponse:
    """Leads to the sheet to print; these PINs are nowhere else."""
    people, key = request.app[PEOPLE], request.match_info["id"]
    form = await read_form(request, SlipsForm)
    one = await people.own_class(me(request), key)
    made = await people.slips.of_class(key, by=me(request), anew=form.anew)
    return to_sheet(request, made, title=one.name, back=f"/classes/{key}")


@routes.post("/classes/{id}/pupils/{pupil}/pin", who=TEACHERS)
async def new_pin(request: web.Request) -> web.StreamResponse:
    slip = await request.app[PEOPLE].reset_pin(request.match_info["pupil"], by=me(request))
    return to_sheet(request, [slip], title=slip.name, back=f"/classes/{request.match_info['id']}")


@routes.post("/classes/{id}/pupils/{pupil}/unlock", who=TEACHERS)
async def unlock(request: web.Request) -> web.StreamResponse:
    await request.app[PEOPLE].unlock(request.match_info["pupil"], by=me(request))
    return see_other(request, f"/classes/{request.match_info['id']}", flash=t("Unlocked."))


@routes.post("/classes/{id}/pupils/{pupil}/leave", who=ADMINS)
async def leave(request: web.Request) -> web.StreamResponse:
    await request.app[PEOPLE].pupils.leave([request.match_info["pupil"]], by=me(request))
    return see_other(request, f"/classes/{request.match_info['id']}", flash=t("Noted. What this pupil did stays."))


def to_sheet(request: web.Request, made: list[Slip], *, title: Text | str, back: str) -> web.Response:
    """On to the sheet, which this browser alone can open, and load again, for some minutes."""
    sheet = Sheet(slips=tuple(made), title=title, back=back)
    return see_other(request, f"/classes/slips/{request.app[PEOPLE].slips.sheets.keep(request, sheet, about=back)}")


@routes.get("/classes/slips/{sheet}", who=TEACHERS)
async def slips_page(request: web.Request) -> web.StreamResponse:
    sheet = request.app[PEOPLE].slips.sheets.see(request, request.match_info["sheet"])
    if sheet is None:
        raise NotFound(
            "people.sheet-gone",
            t("These PINs can no longer be shown."),
            t("If they were not printed, make new PINs on the class's page: the old ones then stop working."),
        )
    profile = await request.app[PEOPLE].profile()
    response = render(
        request, "people/slips.html", title=t("Log-in slips: {name}", name=sheet.title), slips=sheet.slips, back=sheet.back,
        school=profile.name, address=None if is_local_name(request.host) else f"{request.scheme}://{request.host}",
    )  # fmt: skip
    response.headers["Cache-Control"] = "no-store"
    return response


def is_local_name(host: str) -> bool:
    """On paper an address that only means "this machine" would send pupils nowhere."""
    return host.rpartition(":")[0].strip("[]") in {"127.0.0.1", "localhost", "::1"} or host in {"127.0.0.1", "localhost"}


async def _class_page(request: web.Request, problem: Problem | None = None) -> web.Response:
    people, key, account = request.app[PEOPLE], request.match_info["id"], me(request)
    await people.own_class(account, key)
    page = await people.class_page(key)
    choices = request.app.get(ROOM_CHOICES)
    return render(
        request, "people/class.html", title=t("Class {name}", name=page.school_class.name), page=page,
        admin=account.has(ADMINS), rooms=await choices() if choices is not None else [],
        teachers=[x for x in await people.teachers() if x.left_at is None], problem=problem,
        status=status_of(problem),
    )  # fmt: skip
