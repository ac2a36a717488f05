"""One's own account: password or PIN, second factor, language, other sessions."""

from io import BytesIO
from typing import Literal

import msgspec
import segno
from aiohttp import web
from markupsafe import Markup

from densach_core.accounts import totp
from densach_core.accounts.service import ACCOUNTS
from densach_core.accounts.words import ROLES
from densach_core.errors import BadInput, Conflict, NotAllowed, Problem, TooMany
from densach_core.text import t
from densach_core.web.identity import address_of, me
from densach_core.web.keys import SITE
from densach_core.web.respond import read_form, render, see_other
from densach_core.web.routes import SIGNED_IN, Routes
from densach_core.web.statuses import status_of

routes = Routes("accounts")
YEAR_S = 365 * 86_400


class SecretForm(msgspec.Struct, frozen=True):
    old: str = ""
    new: str = ""
    again: str = ""


class LanguageForm(msgspec.Struct, frozen=True):
    locale: Literal["vi", "en"]


class FactorForm(msgspec.Struct, frozen=True):
    code: str = ""


class FactorOffForm(msgspec.Struct, frozen=True):
    old: str = ""


@routes.get("/account", who=SIGNED_IN, despite_must_change=True)
async def account_page(request: web.Request) -> web.StreamResponse:
    return await _page(request)


@routes.post("/account/secret", who=SIGNED_IN, despite_must_change=True)
async def change_secret(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, SecretForm)
    try:
        if form.new != form.again:
            raise BadInput("accounts.not-twice", t("The two new ones differ."), t("Type the same twice."), field="again")
        await request.app[ACCOUNTS].change_secret(
            me(request),
            form.old,
            form.new,
            cookie=request.cookies.get(request.app[ACCOUNTS].cookie, ""),
            address=address_of(request),
        )
    except (BadInput, TooMany) as problem:
        return await _page(request, problem)
    return see_other(request, "/account", flash=t("Changed. Sessions elsewhere have ended."))


@routes.post("/account/language", who=SIGNED_IN, despite_must_change=True)
async def change_language(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, LanguageForm)
    await request.app[ACCOUNTS].set_locale(me(request), form.locale)
    response = see_other(request, "/account")
    response.set_cookie("lang", form.locale, max_age=YEAR_S, samesite="Lax")
    return response


@routes.post("/account/sessions", who=SIGNED_IN, despite_must_change=True)
async def end_other_sessions(request: web.Request) -> web.StreamResponse:
    account = me(request)
    await request.app[ACCOUNTS].end_sessions(account.id, by=account, but=request.cookies.get(request.app[ACCOUNTS].cookie))
    return see_other(request, "/account", flash=t("Sessions elsewhere have ended."))


@routes.get("/account/second-factor", who=SIGNED_IN, despite_must_change=True)
async def factor_page(request: web.Request) -> web.StreamResponse:
    return await _factor_page(request)


@routes.post("/account/second-factor", who=SIGNED_IN, despite_must_change=True)
async def factor_on(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, FactorForm)
    _staff_only(request)
    if me(request).second_factor:
        raise Conflict("accounts.factor-there", t("The second factor is already on."))
    try:
        codes = await request.app[ACCOUNTS].second_factor.finish(me(request), form.code)
    except BadInput as problem:
        return await _factor_page(request, problem)
    response = render(request, "accounts/recovery.html", title=t("Recovery codes"), codes=codes)
    response.headers["Cache-Control"] = "no-store"
    return response


@routes.post("/account/second-factor/off", who=SIGNED_IN, despite_must_change=True)
async def factor_off(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, FactorOffForm)
    account, accounts = me(request), request.app[ACCOUNTS]
    try:
        await accounts.confirm(account, form.old, address_of(request))
    except (BadInput, TooMany) as problem:
        return await _page(request, problem)
    await accounts.second_factor.remove(account.id, by=account)
    return see_other(request, "/account", flash=t("The second factor is off."))


def _staff_only(request: web.Request) -> None:
    if not me(request).staff:
        raise NotAllowed("accounts.factor-staff", t("The second factor is for teachers and staff."))


async def _page(request: web.Request, problem: Problem | None = None) -> web.Response:
    account = me(request)
    left = await request.app[ACCOUNTS].second_factor.recovery_left(account) if account.second_factor else None
    response = render(
        request, "accounts/account.html", title=t("My account"), problem=problem, recovery_left=left,
        roles=[ROLES[role] for role in sorted(account.roles)], status=status_of(problem),
    )  # fmt: skip
    response.headers["Cache-Control"] = "no-store"
    return response


async def _factor_page(request: web.Request, problem: Problem | None = None) -> web.Response:
    _staff_only(request)
    account = me(request)
    if account.second_factor:
        return see_other(request, "/account")
    key = await request.app[ACCOUNTS].second_factor.begin(account)
    issuer = request.app[SITE].name
    drawn = BytesIO()
    segno.make(totp.address(key, login=account.login, issuer=issuer), error="m").save(
        drawn, kind="svg", xmldecl=False, svgns=False, border=3, omitsize=True
    )
    typed = totp.key_text(key)
    response = render(
        request, "accounts/second_factor.html", title=t("Second factor"), problem=problem,
        qr=Markup(drawn.getvalue().decode()),  # noqa: S704 - drawn by segno, holds no text of a person
        key=" ".join(typed[i : i + 4] for i in range(0, len(typed), 4)), status=status_of(problem),
    )  # fmt: skip
    response.headers["Cache-Control"] = "no-store"
    return response
