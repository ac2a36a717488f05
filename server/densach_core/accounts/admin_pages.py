"""Looking after accounts and tokens, and reading the audit log. For administrators only."""

from typing import Any

import msgspec
from aiohttp import web

from densach_core.accounts.model import ADMINS, Account, AccountState, Note, Role, Token
from densach_core.accounts.service import ACCOUNTS, AUDIT
from densach_core.accounts.words import DONE, ROLE_HINTS, ROLES
from densach_core.errors import BadInput, Conflict, Problem
from densach_core.text import Text, t
from densach_core.web.identity import me
from densach_core.web.respond import read_body, read_form, render, see_other
from densach_core.web.routes import Routes
from densach_core.web.statuses import status_of

routes = Routes("accounts")
PAGE = 50
PLACES: "web.AppKey[list[tuple[str, Text]]]" = web.AppKey("admin_places")
"""Addresses and names of the tabs above the administrator's pages; an application adds its own around `OWN_PLACES`."""
OWN_PLACES = [("/admin/users", t("Accounts")), ("/admin/tokens", t("API tokens")), ("/admin/audit", t("Audit log"))]


def admin_places(request: web.Request) -> list[tuple[str, Text]]:
    return request.app.get(PLACES, OWN_PLACES)


class AccountForm(msgspec.Struct, frozen=True):
    name: str = ""
    login: str = ""
    roles: list[Role] = []


class TokenForm(msgspec.Struct, frozen=True):
    name: str = ""
    role: Role = Role.TECHNICIAN
    days: int | None = None


class UserPage(msgspec.Struct, frozen=True):
    users: list[AccountState]
    total: int


class NewUser(msgspec.Struct, frozen=True):
    name: str
    login: str
    roles: frozenset[Role]


class Issued(msgspec.Struct, frozen=True):
    """A secret that is shown this once."""

    account: Account
    secret: str


class NewToken(msgspec.Struct, frozen=True):
    name: str
    roles: frozenset[Role]
    days: int | None = None


class IssuedToken(msgspec.Struct, frozen=True):
    token: Token
    bearer: str


class TokenList(msgspec.Struct, frozen=True):
    """Without the secrets, which nobody can show again."""

    tokens: list[Token]


class AuditPage(msgspec.Struct, frozen=True):
    notes: list[Note]


# --- accounts -------------------------------------------------------------------------------------------------------


@routes.get("/admin/users", who=ADMINS)
async def users(request: web.Request) -> web.StreamResponse:
    return await _users_page(request)


@routes.post("/admin/users", who=ADMINS)
async def add_user(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, AccountForm)
    accounts = request.app[ACCOUNTS]
    try:
        account = await accounts.add(login=form.login, name=form.name, roles=frozenset(form.roles), by=me(request))
    except (BadInput, Conflict) as problem:
        return await _users_page(request, problem, form)
    return _issued_page(request, account, await accounts.reset(account.id, by=me(request)))


@routes.get("/admin/users/{id}", who=ADMINS)
async def user(request: web.Request) -> web.StreamResponse:
    return await _user_page(request)


@routes.post("/admin/users/{id}", who=ADMINS)
async def change_user(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, AccountForm)
    key = request.match_info["id"]
    try:
        await request.app[ACCOUNTS].change(key, name=form.name, login=form.login, roles=frozenset(form.roles), by=me(request))
    except (BadInput, Conflict) as problem:
        return await _user_page(request, problem)
    return see_other(request, f"/admin/users/{key}", flash=t("Saved."))


@routes.post("/admin/users/{id}/reset", who=ADMINS)
async def reset_user(request: web.Request) -> web.StreamResponse:
    accounts, key = request.app[ACCOUNTS], request.match_info["id"]
    secret = await accounts.reset(key, by=me(request))
    return _issued_page(request, await accounts.get(key), secret)


@routes.post("/admin/users/{id}/unlock", who=ADMINS)
async def unlock_user(request: web.Request) -> web.StreamResponse:
    key = request.match_info["id"]
    await request.app[ACCOUNTS].unlock(key, by=me(request))
    return see_other(request, f"/admin/users/{key}", flash=t("Unlocked."))


@routes.post("/admin/users/{id}/close", who=ADMINS)
async def close_user(request: web.Request) -> web.StreamResponse:
    key = request.match_info["id"]
    try:
        await request.app[ACCOUNTS].close(key, by=me(request))
    except Conflict as problem:
        return await _user_page(request, problem)
    return see_other(request, f"/admin/users/{key}", flash=t("Closed. What this account did stays."))


@routes.post("/admin/users/{id}/reopen", who=ADMINS)
async def reopen_user(request: web.Request) -> web.StreamResponse:
    key = request.match_info["id"]
    await request.app[ACCOUNTS].reopen(key, by=me(request))
    return see_other(request, f"/admin/users/{key}", flash=t("Open again."))


@routes.post("/admin/users/{id}/second-factor-off", who=ADMINS)
async def drop_factor(request: web.Request) -> web.StreamResponse:
    key = request.match_info["id"]
    await request.app[ACCOUNTS].second_factor.remove(key, by=me(request))
    return see_other(request, f"/admin/users/{key}", flash=t("The second factor is off."))


@routes.api("GET", "/api/v1/users", who=ADMINS, answers=UserPage, summary="Accounts: ?q=, ?role=, ?offset=")
async def users_api(request: web.Request) -> UserPage:
    found, total = await request.app[ACCOUNTS].page(**_asked(request), limit=PAGE)
    return UserPage(found, total)


@routes.api("POST", "/api/v1/users", who=ADMINS, takes=NewUser, answers=Issued, status=201, summary="Add an account")
async def add_user_api(request: web.Request) -> Issued:
    new = await read_body(request, NewUser)
    accounts = request.app[ACCOUNTS]
    account = await accounts.add(login=new.login, name=new.name, roles=new.roles, by=me(request))
    return Issued(account, await accounts.reset(account.id, by=me(request)))


@routes.api("POST", "/api/v1/users/{id}/reset", who=ADMINS, answers=Issued, summary="A new PIN or first password")
async def reset_api(request: web.Request) -> Issued:
    accounts, key = request.app[ACCOUNTS], request.match_info["id"]
    secret = await accounts.reset(key, by=me(request))
    return Issued(await accounts.get(key), secret)


@routes.api("POST", "/api/v1/users/{id}/unlock", who=ADMINS, answers=AccountState, summary="Unlock an account")
async def unlock_api(request: web.Request) -> AccountState:
    accounts, key = request.app[ACCOUNTS], request.match_info["id"]
    await accounts.unlock(key, by=me(request))
    return await accounts.state(key)


# --- tokens ---------------------------------------------------------------------------------------------------------


@routes.get("/admin/tokens", who=ADMINS)
async def tokens(request: web.Request) -> web.StreamResponse:
    return await _tokens_page(request)


@routes.post("/admin/tokens", who=ADMINS)
async def add_token(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, TokenForm)
    try:
        token, bearer = await request.app[ACCOUNTS].create_token(
            name=form.name, roles=frozenset({form.role}), by=me(request), days=form.days
        )
    except BadInput as problem:
        return await _tokens_page(request, problem)
    response = render(request, "accounts/token.html", title=t("API token"), token=token, bearer=bearer)
    response.headers["Cache-Control"] = "no-store"
    return response


@routes.post("/admin/tokens/{id}/revoke", who=ADMINS)
async def revoke_token(request: web.Request) -> web.StreamResponse:
    await request.app[ACCOUNTS].revoke_token(request.match_info["id"], by=me(request))
    return see_other(request, "/admin/tokens", flash=t("The token is revoked."))


@routes.api("POST", "/api/v1/tokens", who=ADMINS, takes=NewToken, answers=IssuedToken, status=201, summary="Create an API token")
async def add_token_api(request: web.Request) -> IssuedToken:
    new = await read_body(request, NewToken)
    token, bearer = await request.app[ACCOUNTS].create_token(name=new.name, roles=new.roles, by=me(request), days=new.days)
    return IssuedToken(token, bearer)


@routes.api("GET", "/api/v1/tokens", who=ADMINS, answers=TokenList, summary="API tokens, revoked ones too")
async def tokens_api(request: web.Request) -> TokenList:
    return TokenList(await request.app[ACCOUNTS].tokens())


@routes.api("DELETE", "/api/v1/tokens/{id}", who=ADMINS, summary="Revoke an API token")
async def revoke_token_api(request: web.Request) -> None:
    await request.app[ACCOUNTS].revoke_token(request.match_info["id"], by=me(request))


# --- audit ----------------------------------------------------------------------------------------------------------


@routes.get("/admin/audit", who=ADMINS)
async def audit(request: web.Request) -> web.StreamResponse:
    search = request.query.get("q", "").strip()[:100]
    before = _number(request.query.get("before"))
    found = await request.app[AUDIT].latest(limit=PAGE + 1, before=before, search=search or None)
    return render(
        request, "accounts/audit.html", title=t("Audit log"), places=admin_places(request), done=DONE, search=search,
        notes=[(note, plain_detail(note.detail)) for note in found[:PAGE]],
        names=await request.app[ACCOUNTS].names(note.on for note in found if note.on), newest=before is None,
        older=found[PAGE - 1].seq if len(found) > PAGE else None,
    )  # fmt: skip


def plain_detail(detail: str | None) -> str:
    """What a person reads of a detail: `{"n":3}` as `n: 3`."""
    if not detail or not detail.startswith("{"):
        return detail or ""
    try:
        found = msgspec.json.decode(detail, type=dict[str, Any])
    except msgspec.DecodeError:
        return detail
    parts = ((key, ", ".join(map(str, value)) if isinstance(value, list) else value) for key, value in found.items())
    return "; ".join(f"{key}: {value}" for key, value in parts)


@routes.api("GET", "/api/v1/audit", who=ADMINS, answers=AuditPage, summary="The audit log, newest first: ?q=, ?before=")
async def audit_api(request: web.Request) -> AuditPage:
    search = request.query.get("q", "").strip()[:100]
    before = _number(request.query.get("before"))
    return AuditPage(await request.app[AUDIT].latest(limit=200, before=before, search=search or None))


# --- inside ---------------------------------------------------------------------------------------------------------


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 16 else None


def _asked(request: web.Request) -> dict[str, Any]:
    role = request.query.get("role")
    return {
        "search": request.query.get("q", "").strip()[:100],
        "role": Role(role) if role in set(Role) else None,
        "offset": _number(request.query.get("offset")) or 0,
    }


async def _users_page(request: web.Request, problem: Problem | None = None, form: AccountForm | None = None) -> web.Response:
    asked = _asked(request)
    found, total = await request.app[ACCOUNTS].page(**asked, limit=PAGE)
    return render(
        request, "accounts/users.html", places=admin_places(request),
        title=t("Accounts"), users=found, total=total, page_size=PAGE, roles=ROLES,
        hints=ROLE_HINTS, problem=problem, form=form or AccountForm(), status=status_of(problem), **asked,
    )  # fmt: skip


async def _user_page(request: web.Request, problem: Problem | None = None) -> web.Response:
    state = await request.app[ACCOUNTS].state(request.match_info["id"])
    return render(
        request, "accounts/user.html", title=state.account.name, state=state, user=state.account, roles=ROLES,
        hints=ROLE_HINTS, problem=problem, now=request.app[ACCOUNTS].now(), status=status_of(problem),
    )  # fmt: skip


async def _tokens_page(request: web.Request, problem: Problem | None = None) -> web.Response:
    return render(
        request, "accounts/tokens.html", places=admin_places(request),
        title=t("API tokens"), tokens=await request.app[ACCOUNTS].tokens(), roles=ROLES,
        problem=problem, now=request.app[ACCOUNTS].now(), status=status_of(problem),
    )  # fmt: skip


def _issued_page(request: web.Request, account: Account, secret: str) -> web.Response:
    response = render(request, "accounts/issued.html", title=account.name, user=account, secret=secret)
    response.headers["Cache-Control"] = "no-store"
    return response
