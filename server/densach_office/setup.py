"""The first start of an office: whoever can read its console or data folder makes the first account."""

import hmac
import os
import secrets
from pathlib import Path

import msgspec
from aiohttp import web

from densach_core.accounts.model import Role
from densach_core.accounts.pages import start_session
from densach_core.accounts.service import ACCOUNTS
from densach_core.errors import BadInput, Conflict, Problem
from densach_core.text import t
from densach_core.web.identity import address_of
from densach_core.web.keys import SITE
from densach_core.web.respond import read_form, render, see_other
from densach_core.web.routes import EVERYONE, Routes
from densach_core.web.statuses import status_of
from densach_office.feed.pairing import ALPHABET
from densach_office.profile import PROFILE, OfficeProfile

routes = Routes("office")
FIRST: "web.AppKey[FirstCode]" = web.AppKey("first-code")


class FirstCode:
    """A code of 8 letters in the data folder (mode 0600); gone once the first account exists."""

    def __init__(self, data: Path) -> None:
        self._path = data / "first-code"

    def issue(self) -> str:
        """The code; the same one until it was used."""
        try:
            return self._path.read_text("ascii").strip()
        except FileNotFoundError:
            pass
        code = "".join(secrets.choice(ALPHABET) for _ in range(8))
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(code + "\n")
        return code

    def fits(self, typed: str) -> bool:
        try:
            code = self._path.read_text("ascii").strip()
        except FileNotFoundError:
            return False
        given = "".join(letter for letter in typed.upper() if letter.isalnum())
        return hmac.compare_digest(code.encode(), given.encode())

    def spend(self) -> None:
        self._path.unlink(missing_ok=True)


class SetupForm(msgspec.Struct, frozen=True):
    first_code: str = ""
    office: str = ""
    office_name: str = ""
    name: str = ""
    login: str = ""
    secret: str = ""


@routes.get("/setup", who=EVERYONE, before_setup=True)
async def page(request: web.Request) -> web.StreamResponse:
    if request.app[SITE].must_set_up and await request.app[ACCOUNTS].has_admin():
        request.app[SITE].must_set_up = False  # an account was added by command meanwhile
    if not request.app[SITE].must_set_up:
        return see_other(request, "/")
    return _shown(request, SetupForm(), None)


@routes.post("/setup", who=EVERYONE, before_setup=True)
async def done(request: web.Request) -> web.StreamResponse:
    if not request.app[SITE].must_set_up:
        raise Conflict("office.set-up-already", t("This office has been set up already."), t("Sign in."))
    form = await read_form(request, SetupForm)
    try:
        await _set_up(request, form)
    except Problem as problem:
        return _shown(request, form, problem)
    entry = await request.app[ACCOUNTS].log_in(form.login, form.secret, address=address_of(request))
    response = see_other(request, "/schools/new", flash=t("The office is set up. Now pair the first school."))
    start_session(request, response, entry)
    return response


async def _set_up(request: web.Request, form: SetupForm) -> None:
    first = request.app[FIRST]
    if not first.fits(form.first_code):
        raise BadInput(
            "office.wrong-first-code",
            t("This is not the code of this office."),
            t("It was printed when the office started, and is in the file first-code of its data folder."),
            field="first_code",
        )
    if not form.office_name.strip():
        raise BadInput("office.no-name", t("The name of the office is missing."), field="office_name")
    if len(form.secret) < 14:
        raise BadInput(
            "office.short-password",
            t("The password needs at least 14 characters."),
            t("Four or five words in a row are long and easy to remember."),
            field="secret",
        )
    await request.app[ACCOUNTS].add(
        login=form.login,
        name=form.name,
        roles=frozenset({Role.ADMIN, Role.OFFICE}),
        secret=form.secret,
        by="set-up",
    )
    profile = await request.app[PROFILE].get()
    await request.app[PROFILE].put(
        OfficeProfile(id=form.office.strip() or profile.id, name=" ".join(form.office_name.split())), by=form.login
    )
    first.spend()
    site = request.app[SITE]
    site.title = " ".join(form.office_name.split())
    site.must_set_up = False


def _shown(request: web.Request, form: SetupForm, problem: Problem | None) -> web.Response:
    status = status_of(problem)
    return render(request, "office/setup.html", status=status, title=t("Set up this office"), form=form, problem=problem)
