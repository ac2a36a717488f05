"""Who is asking: a session's cookie, or a program's token."""

import re

from aiohttp import web

from densach_core.accounts.model import Account
from densach_core.errors import NotSignedIn
from densach_core.text import t
from densach_core.web.keys import SITE

ACCOUNT: "web.RequestKey[Account | None]" = web.RequestKey("account")
HERE = frozenset({"127.0.0.1", "::1", "local"})
"""Addresses of this machine itself."""
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
    return request.secure or (is_local(request) and request.headers.get("X-Forwarded-Proto") == "https")


def address_here(request: web.Request) -> str:
    """This application as it was asked for; nothing but a name or an address gets into a script or a line for a terminal."""
    host = request.host if re.fullmatch(r"[A-Za-z0-9.\-:\[\]_]+", request.host) else "localhost"
    return f"{'https' if is_secure(request) else 'http'}://{host}"


def through_proxy(request: web.Request) -> bool:
    """Whether a proxy on this machine asks, for somebody else. What another machine says of itself is never believed."""
    return is_local(request) and "X-Forwarded-For" in request.headers


def is_local(request: web.Request) -> bool:
    """Whether the connection comes from this machine itself."""
    return request.remote is None or request.remote in HERE


def https_address(request: web.Request) -> str | None:
    """Where staff is to ask the same thing by HTTPS; None when this came by it, from this machine, or there is none (yet)."""
    site = request.app[SITE]
    if site.https is None or site.must_set_up or is_secure(request) or address_of(request) in HERE:
        return None
    host = re.sub(r":\d+$", "", request.host)
    return f"https://{host}:{site.https}{request.raw_path}"


def address_of(request: web.Request) -> str:
    """The asking machine's address; behind a proxy on this machine, what the proxy says."""
    forwarded = request.headers.get("X-Forwarded-For")
    if forwarded and is_local(request):
        return forwarded.rpartition(",")[2].strip()
    return request.remote or "local"
