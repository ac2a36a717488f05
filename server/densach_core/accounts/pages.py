"""Signing in and out. Works without scripts: each step is a page, each choice a link."""

from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from densach_core.accounts.classes import CLASS_LISTS, ClassChoice, ClassLists, PupilChoice
from densach_core.accounts.model import Account, Entry, Role
from densach_core.accounts.service import ACCOUNTS
from densach_core.errors import BadInput, NotFound, Problem, TooMany
from densach_core.text import t
from densach_core.web.identity import address_of, https_address, is_secure, who_is
from densach_core.web.keys import FACES
from densach_core.web.respond import is_own, read_form, render, see_other
from densach_core.web.routes import EVERYONE, SIGNED_IN, Routes
from densach_core.web.statuses import status_of

routes = Routes("accounts")
FIRST_STOP: "web.AppKey[Callable[[Account], str | None]]" = web.AppKey("first_stop")
"""Where somebody is led right after signing in, before anything else; lent by the application (a doubted clock)."""


class LogInForm(msgspec.Struct, frozen=True):
    """`login` is typed, or `pupil` (an account's id) was chosen from a class's names."""

    secret: str = ""
    login: str = ""
    pupil: str | None = None
    school_class: str | None = None
    next: str = "/"


class CodeForm(msgspec.Struct, frozen=True):
    ticket: str = ""
    code: str = ""
    next: str = "/"


class _Choice(msgspec.Struct, frozen=True):
    classes: list[ClassChoice] = []
    school_class: ClassChoice | None = None
    pupils: list[PupilChoice] = []
    pupil: PupilChoice | None = None


@routes.get("/login", who=EVERYONE)
async def log_in_page(request: web.Request) -> web.StreamResponse:
    """Pupils choose class and name; `?as=staff` (or a place without class lists) asks for a log-in name."""
    onward = safe_path(request.query.get("next", "/"))
    if who_is(request) is not None:
        return see_other(request, onward)
    if request.query.get("as") == "staff" and (address := https_address(request)) is not None:
        return web.Response(status=307, headers={"Location": address})
    return await _page(request, onward, class_id=request.query.get("class"), pupil_id=request.query.get("pupil"))


@routes.post("/login", who=EVERYONE, despite_must_change=True)
async def log_in(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, LogInForm)
    onward = safe_path(form.next)
    accounts = request.app[ACCOUNTS]
    try:
        login = form.login
        if form.pupil:
            try:
                login = (await accounts.get(form.pupil)).login
            except NotFound:
                login = f"nobody {form.pupil}"
        entry = await accounts.log_in(
            login, form.secret, address=address_of(request), instead_of=request.cookies.get(request.app[ACCOUNTS].cookie)
        )
    except (BadInput, TooMany) as problem:
        said = _of_chosen(problem) if form.pupil else problem
        return await _page(request, onward, class_id=form.school_class, pupil_id=form.pupil, login=form.login, problem=said)
    if entry.ticket is not None:
        return _code_page(request, onward, entry.ticket)
    return _entered(request, entry, onward)


@routes.post("/login/code", who=EVERYONE, despite_must_change=True)
async def log_in_code(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, CodeForm)
    onward = safe_path(form.next)
    try:
        entry = await request.app[ACCOUNTS].log_in_with_code(
            form.ticket, form.code, address=address_of(request), instead_of=request.cookies.get(request.app[ACCOUNTS].cookie)
        )
    except (BadInput, TooMany) as problem:
        if problem.code == "accounts.ticket-over":
            return await _page(request, onward, class_id=None, pupil_id=None, problem=problem)
        return _code_page(request, onward, form.ticket, problem=problem)
    return _entered(request, entry, onward)


@routes.post("/logout", who=EVERYONE, despite_must_change=True)
async def log_out(request: web.Request) -> web.StreamResponse:
    if cookie := request.cookies.get(request.app[ACCOUNTS].cookie):
        await request.app[ACCOUNTS].log_out(cookie)
    response = see_other(request, "/", flash=t("You are signed out."))
    response.del_cookie(request.app[ACCOUNTS].cookie, path="/")
    return response


@routes.api("GET", "/api/v1/me", who=SIGNED_IN, answers=Account, summary="The account that asks")
async def me_api(request: web.Request) -> Account:
    from densach_core.web.identity import me

    return me(request)


def _of_chosen(problem: Problem) -> Problem:
    """Who chose a name from the list typed no name: only the PIN can be wrong, whether or not the account is still there."""
    if problem.code != "accounts.wrong":
        return problem
    return BadInput(problem.code, t("The PIN is not right."), t("Type it once more."), **problem.facts)


def start_session(request: web.Request, response: web.StreamResponse, entry: Entry) -> None:
    """Gives the browser its cookie: not for scripts, not for other sites' forms, gone when the browser is closed."""
    if entry.cookie is not None:
        response.set_cookie(
            request.app[ACCOUNTS].cookie, entry.cookie, path="/", httponly=True, samesite="Lax", secure=is_secure(request)
        )


def safe_path(path: str) -> str:
    """A page of ours to go on to after signing in."""
    return path if is_own(path) and not path.startswith("/login") else "/"


def _entered(request: web.Request, entry: Entry, onward: str) -> web.Response:
    if entry.account.must_change:
        onward = "/account"
    elif FIRST_STOP in request.app and (stop := request.app[FIRST_STOP](entry.account)) is not None:
        onward = stop
    elif onward == "/":
        onward = _own_face(request, entry.account)
    response = see_other(request, onward)
    start_session(request, response, entry)
    return response


def _own_face(request: web.Request, account: Account) -> str:
    """Where somebody works: the first face of the house that is for their role; the start page for everybody else."""
    own = account.roles - {Role.STUDENT, Role.TEACHER}
    for face in request.app[FACES]:
        if face.access.roles is not None and not own.isdisjoint(face.access.roles):
            return face.path
    return "/"


def _code_page(request: web.Request, onward: str, ticket: str, problem: Problem | None = None) -> web.Response:
    response = render(
        request, "accounts/code.html", title=t("Second step"), next=onward, ticket=ticket, problem=problem,
        status=status_of(problem),
    )  # fmt: skip
    response.headers["Cache-Control"] = "no-store"
    return response


async def _page(
    request: web.Request,
    onward: str,
    *,
    class_id: str | None,
    pupil_id: str | None,
    login: str = "",
    problem: Problem | None = None,
) -> web.Response:
    values: dict[str, Any] = {"title": t("Sign in"), "next": onward, "login": login, "problem": problem}
    status = status_of(problem)
    choice = await _choice(request, class_id, pupil_id)
    as_staff = request.query.get("as") == "staff" or bool(login) or not choice.classes
    if as_staff and choice.pupil is None:
        response = render(request, "accounts/login.html", status=status, pupils_too=bool(choice.classes), **values)
    else:
        response = render(request, "accounts/login_pupil.html", status=status, choice=choice, **values)
    response.headers["Cache-Control"] = "no-store"
    if problem and isinstance(retry := problem.facts.get("retry_after_s"), int):
        response.headers["Retry-After"] = str(retry)
    return response


async def _choice(request: web.Request, class_id: str | None, pupil_id: str | None) -> _Choice:
    lists: ClassLists | None = request.app.get(CLASS_LISTS)
    if lists is None:
        return _Choice()
    classes = await lists.log_in_classes()
    school_class = next((c for c in classes if c.id == class_id), None)
    if school_class is None:
        return _Choice(classes)
    pupils = await lists.log_in_pupils(school_class.id)
    return _Choice(classes, school_class, pupils, next((p for p in pupils if p.id == pupil_id), None))
