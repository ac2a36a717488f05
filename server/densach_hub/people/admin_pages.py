"""The administrator's pages: the school, its year, its classes, and the import of a roster."""

import msgspec
from aiohttp import web

from densach_core.accounts.admin_pages import admin_places
from densach_core.accounts.model import ADMINS, TECHNICIANS
from densach_core.errors import BadInput, Conflict, NotFound, Problem, TooLarge
from densach_core.text import t, tn
from densach_core.web.identity import me
from densach_core.web.keys import SITE
from densach_core.web.respond import read_form, render, see_other, typed
from densach_core.web.routes import Routes
from densach_core.web.statuses import status_of
from densach_hub.people.calendar import proposed_for
from densach_hub.people.forms import (
    CalendarForm,
    ProfileForm,
    campuses_text,
    extra_days_text,
    holidays_text,
    periods_text,
)
from densach_hub.people.pages import ClassForm, to_sheet
from densach_hub.people.plan import What
from densach_hub.people.service import PEOPLE
from densach_hub.people.table import LARGEST_FILE
from densach_hub.people.words import FIELDS, LEVELS, WEEKDAYS

routes = Routes("people")
SHOWN = 200


class LeaveForm(msgspec.Struct, frozen=True):
    pupils: list[str] = []


class ApplyForm(msgspec.Struct, frozen=True):
    mark: str = ""


@routes.get("/admin", who=TECHNICIANS)
async def administration(request: web.Request) -> web.StreamResponse:
    """Administrators begin with the school, technicians with the box."""
    return see_other(request, "/admin/people" if me(request).has(ADMINS) else "/admin/upkeep")


@routes.get("/admin/people", who=ADMINS)
async def overview(request: web.Request) -> web.StreamResponse:
    return await _overview(request)


@routes.post("/admin/people/classes", who=ADMINS)
async def add_class(request: web.Request) -> web.StreamResponse:
    try:
        form = await read_form(request, ClassForm)
        one = await request.app[PEOPLE].put_class(name=form.name, grade=form.grade, by=me(request))
    except (BadInput, Conflict) as problem:
        return await _overview(request, problem)
    return see_other(request, f"/classes/{one.id}", flash=t("Class {name} is there.", name=one.name))


@routes.post("/admin/people/teachers/slips", who=ADMINS)
async def teacher_slips(request: web.Request) -> web.StreamResponse:
    made = await request.app[PEOPLE].slips.of_teachers(by=me(request))
    if not made:
        return see_other(request, "/admin/people", flash=t("Every teacher has a password already."))
    return to_sheet(request, made, title=me(request).name, back="/admin/people")


@routes.get("/admin/people/without-class", who=ADMINS)
async def without_class(request: web.Request) -> web.StreamResponse:
    people = request.app[PEOPLE]
    return render(
        request, "people/without_class.html", title=t("Without a class this year"),
        pupils=await people.pupils.without_class(), school_year=await people.school_year(),
    )  # fmt: skip


@routes.post("/admin/people/without-class", who=ADMINS)
async def left_school(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, LeaveForm)
    left = await request.app[PEOPLE].pupils.leave(form.pupils, by=me(request))
    return see_other(request, "/admin/people", flash=tn("{n} pupil noted as left.", "{n} pupils noted as left.", n=left))


@routes.post("/admin/people/grades/{grade}/slips", who=ADMINS)
async def grade_slips(request: web.Request) -> web.StreamResponse:
    """A whole grade at once; about 20 ms a pupil."""
    text = request.match_info["grade"]
    grade = int(text) if text.isdecimal() and len(text) < 3 else 0
    made = await request.app[PEOPLE].slips.of_grade(grade, by=me(request))
    if not made:
        return see_other(request, "/admin/people", flash=t("Every pupil of this grade has a PIN already."))
    return to_sheet(request, made, title=t("Grade {grade}", grade=grade), back="/admin/people")


async def _overview(request: web.Request, problem: Problem | None = None) -> web.Response:
    people = request.app[PEOPLE]
    words = request.query.get("q", "").strip()[:80]
    return render(
        request, "people/admin.html", places=admin_places(request), title=t("School and people"), profile=await people.profile(),
        calendars=await people.calendars(), school_year=await people.school_year(), classes=await people.classes(),
        counts=await people.levels(),
        lacking=await people.completeness(),
        unplaced=len(await people.pupils.without_class()), levels=LEVELS, teachers=await people.teachers(), words=words,
        found=await people.find_pupils(words) if words else None, problem=problem,
        status=status_of(problem),
    )  # fmt: skip


# --- the school and its year ----------------------------------------------------------------------------------------


@routes.get("/admin/people/profile", who=ADMINS)
async def profile(request: web.Request) -> web.StreamResponse:
    return await _profile_page(request)


@routes.post("/admin/people/profile", who=ADMINS)
async def set_profile(request: web.Request) -> web.StreamResponse:
    people = request.app[PEOPLE]
    try:
        changed = (await read_form(request, ProfileForm)).profile(await people.profile())
    except BadInput as problem:
        return await _profile_page(request, problem)
    await people.set_profile(changed, by=me(request))
    request.app[SITE].title = changed.name
    return see_other(request, "/admin/people", flash=t("Saved."))


async def _profile_page(request: web.Request, problem: Problem | None = None) -> web.Response:
    shown = await request.app[PEOPLE].profile()
    return render(
        request, "people/profile.html", title=t("The school"), profile=shown, levels=LEVELS,
        campuses=campuses_text(shown), problem=problem, given=await typed(request) if problem else None,
        status=status_of(problem),
    )  # fmt: skip


@routes.get("/admin/people/calendars/{year}", who=ADMINS)
async def calendar(request: web.Request) -> web.StreamResponse:
    return await _calendar_page(request)


@routes.post("/admin/people/calendars/{year}", who=ADMINS)
async def set_calendar(request: web.Request) -> web.StreamResponse:
    try:
        changed = (await read_form(request, CalendarForm)).calendar(request.match_info["year"])
        await request.app[PEOPLE].set_calendar(changed, by=me(request))
    except BadInput as problem:
        return await _calendar_page(request, problem)
    return see_other(request, "/admin/people", flash=t("Saved."))


async def _calendar_page(request: web.Request, problem: Problem | None = None) -> web.Response:
    people, year = request.app[PEOPLE], request.match_info["year"]
    shown = await people.calendar(year) or proposed_for(year)
    texts = {"holidays": holidays_text(shown), "extra_days": extra_days_text(shown), "periods": periods_text(shown)}
    return render(
        request, "people/calendar.html", title=t("School year {year}", year=year), calendar=shown, weekdays=WEEKDAYS,
        texts=texts, problem=problem, given=await typed(request) if problem else None,
        status=status_of(problem),
    )  # fmt: skip


# --- import ---------------------------------------------------------------------------------------------------------


@routes.get("/admin/people/import", who=ADMINS)
async def choose_file(request: web.Request) -> web.StreamResponse:
    return await _import_page(request)


@routes.post("/admin/people/import", who=ADMINS, limit_bytes=LARGEST_FILE + 100_000)
async def preview_file(request: web.Request) -> web.StreamResponse:
    posted = await request.post()
    given = posted.get("file")
    year = str(posted.get("year") or "") or None
    try:
        if not isinstance(given, web.FileField):
            raise BadInput("roster.no-file", t("Choose a file first."), field="file")
        if year is not None:
            proposed_for(year)
        found = await request.app[PEOPLE].rosters.preview(given.filename, given.file.read(), by=me(request), school_year=year)
    except (BadInput, TooLarge, NotFound) as problem:
        return await _import_page(request, problem)
    return see_other(request, f"/admin/people/import/{found.id}")


@routes.get("/admin/people/import/{id}", who=ADMINS)
async def preview(request: web.Request) -> web.StreamResponse:
    return await _preview_page(request)


@routes.post("/admin/people/import/{id}", who=ADMINS)
async def apply(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, ApplyForm)
    try:
        done = await request.app[PEOPLE].rosters.apply(request.match_info["id"], form.mark, by=me(request))
    except Conflict as problem:
        return await _preview_page(request, problem)
    return see_other(
        request,
        "/admin/people",
        flash=t("Imported: {new} new, {changed} changed, {left} left.", new=done.new, changed=done.changed, left=done.left),
    )


@routes.post("/admin/people/import/{id}/drop", who=ADMINS)
async def drop(request: web.Request) -> web.StreamResponse:
    await request.app[PEOPLE].rosters.drop(request.match_info["id"])
    return see_other(request, "/admin/people/import", flash=t("Dropped. Nothing was changed."))


async def _import_page(request: web.Request, problem: Problem | None = None) -> web.Response:
    people = request.app[PEOPLE]
    years = sorted({await people.school_year(), *(one.id for one in await people.calendars())}, reverse=True)
    return render(
        request, "people/import.html", title=t("Import a roster"), years=years, year=await people.school_year(),
        problem=problem, status=status_of(problem),
    )  # fmt: skip


async def _preview_page(request: web.Request, problem: Problem | None = None) -> web.Response:
    found = await request.app[PEOPLE].rosters.waiting(request.match_info["id"])
    plan = found.plan
    steps = [(step, True) for step in plan.pupils] + [(step, False) for step in plan.teachers]
    groups = {what.value: [pair for pair in steps if pair[0].what is what] for what in What}
    response = render(
        request, "people/preview.html", title=t("What the import would change"), preview=found, plan=plan, groups=groups,
        new_classes=[step for step in plan.classes if step.what is What.NEW],
        changed_classes=[step for step in plan.classes if step.what is What.CHANGED],
        fields=FIELDS, shown=SHOWN, problem=problem, status=status_of(problem),
    )  # fmt: skip
    response.headers["Cache-Control"] = "no-store"
    return response
