"""Who is asking: a session's cookie, or a program's token."""

from aiohttp import web

from densach_core.accounts.model import Account
from densach_core.errors import NotSignedIn
from densach_core.text import t

ACCOUNT: "web.RequestKey[Account | None]" = web.RequestKey("account")
BY_TOKEN: web.RequestKey[bool] = web.RequestKey("by_token", bool)


def who_is(request: web.Request) -> Account | None:
    """The signed-in account, or None."""
    return request.get(ACCOUNT)


def me(request: web.Request) -> Account:
    """The signed-in account. Raises NotSignedIn."""
    account = who_is(request)
    if account is None:
        raise NotSignedIn("account.not-signed-in", t("You are not signed in."), t("Sign in and try again."))
    return account


def is_secure(request: web.Request) -> bool:
    """Whether the browser came by HTTPS: directly, or through a proxy on this machine that says so."""
    if request.secure:
        return True
    return is_local(request) and request.headers.get("X-Forwarded-Proto") == "https"


def is_local(request: web.Request) -> bool:
    """Whether the connection comes from this machine itself."""
    return request.remote is None or request.remote in {"127.0.0.1", "::1"}


def address_of(request: web.Request) -> str:
    """The asking machine's address; behind a proxy on this machine, what the proxy says."""
    forwarded = request.headers.get("X-Forwarded-For")
    if forwarded and is_local(request):
        return forwarded.rpartition(",")[2].strip()
    return request.remote or "local"
