"""The set-up pages: `/setup` and one page a step. Everything else of the hub leads here until it is done."""

from datetime import datetime

import msgspec
from aiohttp import web

from densach_core.accounts.model import ADMINS, TECHNICIANS, Account
from densach_core.accounts.pages import start_session
from densach_core.accounts.service import ACCOUNTS
from densach_core.clock import SCHOOL_TZ, moment
from densach_core.errors import BadInput, Conflict, NotFound, Problem, TooMany
from densach_core.text import t
from densach_core.web.identity import address_of, is_secure, me, who_is
from densach_core.web.keys import SITE
from densach_core.web.respond import read_form, render, see_other, typed
from densach_core.web.routes import EVERYONE, Routes
from densach_core.web.statuses import status_of
from densach_hub.fleet.model import RoomKind
from densach_hub.people.calendar import proposed
from densach_hub.people.forms import (
    CalendarForm,
    ProfileForm,
    campuses_text,
    extra_days_text,
    holidays_text,
    periods_text,
)
from densach_hub.people.model import Calendar, Level
from densach_hub.people.service import PEOPLE
from densach_hub.people.words import LEVELS, WEEKDAYS
from densach_hub.setup.model import STEPS
from densach_hub.setup.service import SETUP, Setup

routes = Routes("setup")
CODE = "densach_setup"
CLOCK_DOUBTED = "The hub is not sure of the time."
"""The notice on every page that is true no more once somebody has set the clock."""


class CodeForm(msgspec.Struct, frozen=True):
    code: str = ""


class ClockForm(msgspec.Struct, frozen=True):
    """`browser_ms` is filled in by the page's script; `typed` (school time) without one; `keep` takes the hub's time."""

    browser_ms: int | None = None
    typed: str | None = None
    keep: bool = False


class AdminForm(msgspec.Struct, frozen=True):
    name: str = ""
    login: str = ""
    password: str = ""
    again: str = ""


class RoomForm(msgspec.Struct, frozen=True):
    name: str = ""
    seats: int | None = None
    kind: RoomKind = RoomKind.COMPUTER_ROOM
    levels: list[Level] = []
    campus: str = ""


class NeedsCode(Problem):
    """Somebody came without the code from the hub's console."""


def _open(request: web.Request) -> Setup:
    """The set-up, for whoever brought the code (or the administrator it made). Raises NotFound when it is over."""
    if not request.app[SITE].must_set_up:
        raise NotFound("setup.over", t("This hub is already set up."), t("Sign in as administrator to change something."))
    setup = request.app[SETUP]
    account = who_is(request)
    if not (account is not None and account.has(ADMINS)) and not setup.fits(request.cookies.get(CODE, ""), address_of(request)):
        raise NeedsCode(
            "setup.code-needed",
            t("This page needs the code that the hub printed at its start."),
            t("Open /setup and type the code."),
        )
    return setup


@routes.get("/setup", who=EVERYONE, before_setup=True, despite_must_change=True)
async def start(request: web.Request) -> web.StreamResponse:
    if not request.app[SITE].must_set_up:
        return see_other(request, "/")
    if code := request.query.get("code"):
        return _entered(request, code)
    try:
        setup = _open(request)
    except NeedsCode as problem:
        return render(request, "setup/code.html", title=t("Set up this hub"), problem=None, status=status_of(problem))
    await setup.begin()
    return see_other(request, f"/setup/{(await setup.progress()).next}")


@routes.post("/setup", who=EVERYONE, before_setup=True, despite_must_change=True)
async def enter_code(request: web.Request) -> web.StreamResponse:
    return _entered(request, (await read_form(request, CodeForm)).code)


def _entered(request: web.Request, code: str) -> web.Response:
    try:
        if not request.app[SETUP].fits(code, address_of(request)):
            raise BadInput("setup.code-wrong", t("This is not the code."), t("Read it again where the hub was started."))
    except (BadInput, TooMany) as problem:
        return render(request, "setup/code.html", title=t("Set up this hub"), problem=problem, status=status_of(problem))
    response = see_other(request, "/setup")
    response.set_cookie(CODE, code, path="/setup", httponly=True, samesite="Lax", secure=is_secure(request))
    return response


async def _step(request: web.Request, step: str, problem: Problem | None = None, **values: object) -> web.Response:
    """A step's page; after a problem with everything that was typed, and the wrong field named."""
    setup = request.app[SETUP]
    response = render(
        request,
        f"setup/{step}.html",
        title=t("Set up this hub"),
        step=step,
        steps=STEPS,
        progress=await setup.progress(),
        problem=problem,
        given=await typed(request) if problem else None,
        status=status_of(problem),
        **values,
    )
    response.headers["Cache-Control"] = "no-store"
    return response


# --- clock ----------------------------------------------------------------------------------------------------------


@routes.get("/setup/clock", who=EVERYONE, before_setup=True, despite_must_change=True)
async def clock(request: web.Request) -> web.StreamResponse:
    return await _clock_page(request, _open(request))


@routes.post("/setup/clock", who=EVERYONE, before_setup=True, despite_must_change=True)
async def set_clock(request: web.Request) -> web.StreamResponse:
    setup = _open(request)
    try:
        await _take_time(setup, await read_form(request, ClockForm), by="set-up")
    except (BadInput, Conflict) as problem:
        return await _clock_page(request, setup, problem)
    await setup.clock_done()
    return see_other(request, "/setup")


@routes.get("/admin/clock", who=TECHNICIANS)
async def clock_later(request: web.Request) -> web.StreamResponse:
    return await _clock_later(request)


@routes.post("/admin/clock", who=TECHNICIANS)
async def set_clock_later(request: web.Request) -> web.StreamResponse:
    try:
        await _take_time(request.app[SETUP], await read_form(request, ClockForm), by=me(request))
    except (BadInput, Conflict) as problem:
        return await _clock_later(request, problem)
    site = request.app[SITE]
    site.notices = [notice for notice in site.notices if notice.msgid != CLOCK_DOUBTED]
    return see_other(request, "/admin/clock", flash=t("The hub's clock is set."))


async def _clock_later(request: web.Request, problem: Problem | None = None) -> web.Response:
    setup = request.app[SETUP]
    return render(
        request, "setup/clock_later.html", title=t("The hub's clock"), now=setup.now(), source=setup.clock_source,
        shown=_shown(setup.now()), problem=problem, given=await typed(request) if problem else None,
        status=status_of(problem),
    )  # fmt: skip


async def _take_time(setup: Setup, form: ClockForm, *, by: Account | str) -> None:
    if form.keep:
        if setup.clock_source == "doubted":
            await setup.set_clock(setup.now(), by=by)
        return
    if form.browser_ms is not None:
        await setup.set_clock(form.browser_ms, by=by)
    elif form.typed is not None:
        try:
            moment_typed = datetime.fromisoformat(form.typed).replace(tzinfo=SCHOOL_TZ)
        except ValueError as error:
            raise BadInput("setup.clock-typed", t("This is no date and time."), field="typed") from error
        await setup.set_clock(int(moment_typed.timestamp() * 1000), by=by)


async def _clock_page(request: web.Request, setup: Setup, problem: Problem | None = None) -> web.Response:
    now = setup.now()
    return await _step(request, "clock", problem, now=now, source=setup.clock_source, shown=_shown(now))


def _shown(now: int) -> str:
    return moment(now).strftime("%Y-%m-%dT%H:%M")


# --- school and year ------------------------------------------------------------------------------------------------


@routes.get("/setup/school", who=EVERYONE, before_setup=True, despite_must_change=True)
async def school(request: web.Request) -> web.StreamResponse:
    _open(request)
    return await _school_page(request)


@routes.post("/setup/school", who=EVERYONE, before_setup=True, despite_must_change=True)
async def set_school(request: web.Request) -> web.StreamResponse:
    setup, people = _open(request), request.app[PEOPLE]
    try:
        form = await read_form(request, ProfileForm)
        profile = form.profile(await people.profile())
    except BadInput as problem:
        return await _school_page(request, problem)
    await people.set_profile(profile, by="set-up")
    request.app[SITE].title = profile.name
    return see_other(request, f"/setup/{(await setup.progress()).next}")


async def _school_page(request: web.Request, problem: Problem | None = None) -> web.Response:
    profile = await request.app[PEOPLE].profile()
    return await _step(request, "school", problem, profile=profile, levels=LEVELS, campuses=campuses_text(profile))


@routes.get("/setup/calendar", who=EVERYONE, before_setup=True, despite_must_change=True)
async def calendar(request: web.Request) -> web.StreamResponse:
    _open(request)
    return await _calendar_page(request)


@routes.post("/setup/calendar", who=EVERYONE, before_setup=True, despite_must_change=True)
async def set_calendar(request: web.Request) -> web.StreamResponse:
    setup, people = _open(request), request.app[PEOPLE]
    try:
        found = (await read_form(request, CalendarForm)).calendar()
        await people.set_calendar(found, by="set-up")
    except BadInput as problem:
        return await _calendar_page(request, problem)
    return see_other(request, f"/setup/{(await setup.progress()).next}")


async def _calendar_page(request: web.Request, problem: Problem | None = None) -> web.Response:
    people = request.app[PEOPLE]
    known = await people.calendars()
    shown: Calendar = known[-1] if known else proposed(await people.today())
    texts = {"holidays": holidays_text(shown), "extra_days": extra_days_text(shown), "periods": periods_text(shown)}
    return await _step(request, "calendar", problem, calendar=shown, weekdays=WEEKDAYS, texts=texts)


# --- administrator --------------------------------------------------------------------------------------------------


@routes.get("/setup/admin", who=EVERYONE, before_setup=True, despite_must_change=True)
async def admin(request: web.Request) -> web.StreamResponse:
    _open(request)
    return await _step(request, "admin", there=await request.app[ACCOUNTS].has_admin())


@routes.post("/setup/admin", who=EVERYONE, before_setup=True, despite_must_change=True)
async def set_admin(request: web.Request) -> web.StreamResponse:
    setup = _open(request)
    try:
        form = await read_form(request, AdminForm)
        await setup.first_admin(name=form.name, login=form.login, password=form.password, again=form.again)
        entry = await request.app[ACCOUNTS].log_in(form.login, form.password, address=address_of(request))
    except (BadInput, Conflict) as problem:
        there = await request.app[ACCOUNTS].has_admin()
        return await _step(request, "admin", _at_password(problem), there=there)
    response = see_other(request, f"/setup/{(await setup.progress()).next}")
    start_session(request, response, entry)
    return response


def _at_password(problem: Problem) -> Problem:
    """Rules of passwords name the field of the account page; here the same thing is called otherwise."""
    if problem.facts.get("field") != "new":
        return problem
    return BadInput(problem.code, problem.what, problem.do, field="password")


# --- rooms and the end ----------------------------------------------------------------------------------------------


@routes.get("/setup/rooms", who=EVERYONE, before_setup=True, despite_must_change=True)
async def rooms(request: web.Request) -> web.StreamResponse:
    _open(request)
    return await _rooms_page(request)


@routes.post("/setup/rooms", who=EVERYONE, before_setup=True, despite_must_change=True)
async def add_room(request: web.Request) -> web.StreamResponse:
    setup = _open(request)
    try:
        form = await read_form(request, RoomForm)
        await setup.add_room(name=form.name, seats=form.seats or 0, kind=form.kind, levels=tuple(form.levels), campus=form.campus)
    except BadInput as problem:
        return await _rooms_page(request, problem)
    return see_other(request, "/setup/rooms")


@routes.post("/setup/rooms/done", who=EVERYONE, before_setup=True, despite_must_change=True)
async def rooms_done(request: web.Request) -> web.StreamResponse:
    await _open(request).rooms_done()
    return see_other(request, "/setup/finish")


async def _rooms_page(request: web.Request, problem: Problem | None = None) -> web.Response:
    profile = await request.app[PEOPLE].profile()
    return await _step(
        request, "rooms", problem, rooms=await request.app[SETUP].rooms(), levels=LEVELS, profile=profile, kinds=RoomKind
    )


@routes.get("/setup/finish", who=EVERYONE, before_setup=True, despite_must_change=True)
async def finish_page(request: web.Request) -> web.StreamResponse:
    setup = _open(request)
    progress = await setup.progress()
    if not progress.complete:
        return see_other(request, f"/setup/{progress.next}")
    profile = await request.app[PEOPLE].profile()
    return await _step(request, "finish", profile=profile, rooms=await setup.rooms(), alone=request.app[SITE].only_here)


@routes.post("/setup/finish", who=EVERYONE, before_setup=True, despite_must_change=True)
async def finish(request: web.Request) -> web.StreamResponse:
    setup = _open(request)
    try:
        await setup.finish(by=who_is(request) or "set-up")
    except Conflict as problem:
        return see_other(request, f"/setup/{problem.facts['step']}")
    request.app[SITE].must_set_up = False
    response = see_other(request, "/admin/start" if who_is(request) is not None else "/login?as=staff&next=/admin/start")
    response.del_cookie(CODE, path="/setup")
    return response


@routes.get("/admin/start", who=ADMINS)
async def what_next(request: web.Request) -> web.StreamResponse:
    """What to do on the first days: join machines, add books, import the roster."""
    people = request.app[PEOPLE]
    return render(
        request, "setup/next.html", title=t("What to do next"), rooms=await request.app[SETUP].rooms(),
        pupils=await people.pupil_count(),
    )  # fmt: skip
