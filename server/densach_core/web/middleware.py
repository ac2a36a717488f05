"""What happens around every handler: language, who is asking, same-site check, permission, errors, headers, metrics."""

import errno
import gzip
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import nullcontext, suppress
from urllib.parse import quote

import msgspec
import structlog
from aiohttp import web

from densach_core.accounts.audit import noted_from
from densach_core.accounts.model import Account
from densach_core.accounts.service import ACCOUNTS
from densach_core.errors import Conflict, NotAllowed, NotFound, NotSignedIn, Problem, TooLarge, disk_full
from densach_core.i18n import Locale, t
from densach_core.web.identity import ACCOUNT, BY_TOKEN, address_of, https_address, is_secure
from densach_core.web.keys import ASSETS, CLOCK, LANGUAGES, METRICS, PRECEDENCE, SITE
from densach_core.web.openapi import ROUTES
from densach_core.web.respond import render
from densach_core.web.routes import Route
from densach_core.web.speech import LOCALE
from densach_core.web.statuses import status_of

log = structlog.get_logger("web")
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
COMPRESS_FROM = 1400
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
LAST_WORDS: dict[Locale, tuple[str, str]] = {
    "vi": (
        "Có lỗi trong máy chủ (sự cố {token}).",
        "Hãy thử lại; nếu vẫn lỗi, báo nhân viên CNTT số sự cố này.",
    ),
    "en": (
        "Something went wrong here (incident {token}).",
        "Try again; if it stays, tell the technician this number.",
    ),
}
"""Translated here and not in the catalogue: what is said when no file can be relied upon."""
YEAR_S = 365 * 86_400
PAGE_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; style-src 'self'; script-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)
Next = Callable[[web.Request], Awaitable[web.StreamResponse]]


def guarded(route: Route) -> Next:
    """The route's handler behind everything that must hold before it runs."""

    async def handler(request: web.Request) -> web.StreamResponse:
        began = time.perf_counter()
        status = 500
        try:
            with noted_from(address_of(request)), nullcontext() if route.lasting else request.app[PRECEDENCE].answering():
                response = await _answered(request, route)
            status = response.status
        except web.HTTPException as error:
            status = error.status
            raise
        finally:
            metrics = request.app[METRICS]
            metrics.requests.labels(request.method, route.path, str(status)).inc()
            if not route.lasting:
                metrics.seconds.labels(route.path).observe(time.perf_counter() - began)
        return response

    return handler


async def _answered(request: web.Request, route: Route) -> web.StreamResponse:
    changed = _chosen(request, route)
    if changed is not None:
        return changed
    try:
        account = await _identify(request)
        if account is not None and not route.lasting and await _went_away(request):
            account = None
        request[ACCOUNT] = account
        LOCALE.set(_locale(request, account))
        moved = _https_first(request, route)
        if moved is not None:
            return moved
        _check(request, route, account)
        if route.limit_bytes is not None:
            request._client_max_size = route.limit_bytes  # noqa: SLF001 - aiohttp has no public per-route limit
        given = await route.handler(request)
        response = given if isinstance(given, web.StreamResponse) else _json(given, route)
    except Problem as problem:
        response = problem_response(request, route, problem)
    except web.HTTPRequestEntityTooLarge:
        response = problem_response(
            request, route, TooLarge("body.too-large", t("This is larger than allowed here."), t("Send less at once."))
        )
    except web.HTTPNotFound:
        response = problem_response(
            request, route, NotFound("page.not-found", t("There is nothing at this address."), t("Go back to the start page."))
        )
    except web.HTTPException:
        raise
    except Exception as error:
        failure = disk_full() if isinstance(error, OSError) and error.errno in NO_ROOM else _incident()
        log.exception("request.failed", path=request.path, method=request.method, incident=failure.facts.get("incident"))
        response = problem_response(request, route, failure)
    if not response.prepared:
        _headers(request, response)
        _compress(request, response)
    return response


def _incident() -> Problem:
    """Nobody foresaw it: the log knows more under the number that the reader is told."""
    token = uuid.uuid4().hex[:8]
    return Problem(
        "internal",
        t("Something went wrong here (incident {token}).", token=token),
        t("Try again; if it stays, tell the technician this number."),
        incident=token,
    )


def _compress(request: web.Request, response: web.StreamResponse) -> None:
    """Pages and JSON go compressed (fastest level: a page of 30 KB costs 0.3 ms and saves the radio 24 KB)."""
    if not isinstance(response, web.Response) or "Content-Encoding" in response.headers:
        return
    body = response.body
    if not isinstance(body, bytes) or len(body) < COMPRESS_FROM or "gzip" not in request.headers.get("Accept-Encoding", ""):
        return
    if response.content_type.startswith("text/") or response.content_type.endswith(("json", "xml")):
        response.body = gzip.compress(body, 1, mtime=0)
        response.headers["Content-Encoding"] = "gzip"
        varies = [name.strip() for name in response.headers.get("Vary", "").split(",") if name.strip()]
        if not {"*", "accept-encoding"} & {name.lower() for name in varies}:
            response.headers["Vary"] = ", ".join(["Accept-Encoding", *varies])


async def _identify(request: web.Request) -> Account | None:
    header = request.headers.get("Authorization", "")
    if header.startswith("Bearer "):
        request[BY_TOKEN] = True
        account = await request.app[ACCOUNTS].token(header.removeprefix("Bearer ").strip())
        if account is None:
            raise NotSignedIn("account.bad-token", t("This token is not valid."), t("Create a new token."))
        return account
    cookie = request.cookies.get(request.app[ACCOUNTS].cookie)
    return await request.app[ACCOUNTS].session(cookie) if cookie else None


async def _went_away(request: web.Request) -> bool:
    """Ends the session of a shared machine at which nobody was for too long."""
    shared = request.app[SITE].shared
    cookie = request.cookies.get(request.app[ACCOUNTS].cookie)
    if shared is None or cookie is None or request.get(BY_TOKEN) or not shared.has(address_of(request)):
        return False
    if shared.still_there(cookie, request.app[CLOCK].monotonic()):
        return False
    await request.app[ACCOUNTS].log_out(cookie)
    return True


def _check(request: web.Request, route: Route, account: Account | None) -> None:
    if request.app[SITE].must_set_up and not route.before_setup:
        raise Conflict("setup.needed", t("This hub has not been set up yet."), t("Open the set-up page."))
    if request.method not in SAFE and route.same_site and not request.get(BY_TOKEN):
        check_same_site(request)
    if not route.access.admits(account):
        if account is None:
            raise NotSignedIn("account.not-signed-in", t("You are not signed in."), t("Sign in and try again."))
        raise NotAllowed(
            "account.not-allowed", t("This page is not for your account."), t("Ask the school's administrator if you need it.")
        )
    if account is not None and account.must_change and not route.despite_must_change and not request.get(BY_TOKEN):
        raise Conflict("account.must-change", t("Choose a new password first."), t("Open your account page."))


def check_same_site(request: web.Request) -> None:
    """Refuses a change that another site's page asked for (Sec-Fetch-Site, or Origin where the network has only HTTP).

    A request with neither header comes from no browser; it passes only without a session cookie.
    """
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site is not None:
        fine = site in {"same-origin", "none"}
    elif origin is not None:
        scheme = "https" if is_secure(request) else "http"
        fine = origin == f"{scheme}://{request.host}"
    else:
        fine = request.app[ACCOUNTS].cookie not in request.cookies
    if not fine:
        raise NotAllowed(
            "request.other-site", t("This was sent from another site's page."), t("Open the page here and send it again.")
        )


def _https_first(request: web.Request, route: Route) -> web.Response | None:
    """Staff's pages move to HTTPS before anybody is asked to sign in, so that no password of theirs crosses the air in clear."""
    if route.access.roles is None or (address := https_address(request)) is None:
        return None
    return web.Response(status=307, headers={"Location": address})


def _chosen(request: web.Request, route: Route) -> web.Response | None:
    """`?lang=en` and `?theme=night` choose for the whole browser, and leave the address clean."""
    if request.method != "GET" or route.api or not request.query_string:
        return None
    picks = {"lang": {"vi", "en"}, "theme": {"auto", "day", "night"}}
    chosen = {name: request.query[name] for name, values in picks.items() if request.query.get(name) in values}
    if not chosen:
        return None
    rest = request.rel_url.without_query_params(*picks)
    response = web.Response(status=303, headers={"Location": str(rest)})
    for name, value in chosen.items():
        response.set_cookie(name, value, max_age=YEAR_S, samesite="Lax")
    return response


def _locale(request: web.Request, account: Account | None) -> Locale:
    chosen = request.cookies.get("lang") or (account.locale if account else None)
    return "en" if chosen == "en" else "vi"


def _json(given: object, route: Route) -> web.Response:
    status, value = given if isinstance(given, tuple) else (route.status, given)
    if value is None:
        return web.Response(status=204 if status == 200 else status)
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")


def problem_response(request: web.Request, route: Route | None, problem: Problem) -> web.Response:
    """A problem as problem+json (RFC 9457) for programs, as a page for people, as a short note inside a page."""
    say = request.app[LANGUAGES].say
    locale = LOCALE.get()
    headers = {}
    if isinstance(retry := problem.facts.get("retry_after_s"), int):
        headers["Retry-After"] = str(retry)
    if request.path.startswith("/api/") or (route is not None and route.api):
        body = {
            "type": "about:blank",
            "status": status_of(problem),
            "code": problem.code,
            "title": say(problem.what, locale),
            "detail": say(problem.do, locale) if problem.do else None,
            **{key: value for key, value in problem.facts.items() if isinstance(value, str | int | float | bool | list)},
        }
        return web.Response(
            body=msgspec.json.encode(body), status=status_of(problem), content_type="application/problem+json", headers=headers
        )
    site = request.app[SITE]
    if problem.code == "setup.needed":
        return web.Response(status=303, headers={"Location": site.setup_path})
    if problem.code == "account.must-change":
        return web.Response(status=303, headers={"Location": "/account"})
    if isinstance(problem, NotSignedIn) and request.method == "GET" and request.headers.get("HX-Request") is None:
        return web.Response(status=303, headers={"Location": f"/login?next={quote(request.path_qs, safe='')}"})
    if ACCOUNT not in request:
        request[ACCOUNT] = None
    part = "core/problem.html" if request.headers.get("HX-Request") else "core/error.html"
    response = render(request, part, status=status_of(problem), title=problem.what, problem=problem)
    response.headers.update(headers)
    return response


def _headers(request: web.Request, response: web.StreamResponse) -> None:
    headers = response.headers
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Content-Security-Policy", PAGE_POLICY)
    headers.setdefault("X-Frame-Options", "SAMEORIGIN")
    if "Cache-Control" not in headers:
        headers["Cache-Control"] = "no-store" if request.get(ACCOUNT) is not None else "no-cache"


def _for_programs(request: web.Request) -> Route | None:
    """A route for programs that begins like the address asked for, where no page does (`/opds/…`)."""
    beside = [route for route in request.app[ROUTES] if route.path.split("/")[1:2] == request.path.split("/")[1:2]]
    return beside[0] if beside and all(route.api for route in beside) else None


@web.middleware
async def unknown_addresses(request: web.Request, handler: Next) -> web.StreamResponse:
    """Addresses no route answers, and methods a route does not know."""
    try:
        return await handler(request)
    except web.HTTPNotFound:
        LOCALE.set(_locale(request, None))
        if request.app[SITE].must_set_up and not request.path.startswith("/api/"):
            return web.Response(status=303, headers={"Location": request.app[SITE].setup_path})
        missing = NotFound("page.not-found", t("There is nothing at this address."), t("Go back to the start page."))
        response = problem_response(request, None, missing)
    except web.HTTPMethodNotAllowed as error:
        LOCALE.set(_locale(request, None))
        problem = Problem("request.method", t("This address does not take {method}.", method=request.method))
        response = problem_response(request, _for_programs(request), problem)
        response.headers["Allow"] = ",".join(sorted(error.allowed_methods))
    _headers(request, response)
    return response


@web.middleware
async def last_words(request: web.Request, handler: Next) -> web.StreamResponse:
    """Around everything: an error whose own page cannot be drawn is still told in our words."""
    try:
        return await handler(request)
    except web.HTTPException:
        raise
    except Exception:
        incident = uuid.uuid4().hex[:8]
        log.exception("request.page-failed", path=request.path, method=request.method, incident=incident)
        response = _last_resort(request, incident)
    _headers(request, response)
    return response


def _last_resort(request: web.Request, incident: str) -> web.Response:
    """When even the page of an error cannot be drawn (templates that changed under a running hub): words that need no file."""
    locale = _locale(request, None)
    what, do = LAST_WORDS[locale]
    what = what.format(token=incident)
    if request.path.startswith("/api/"):
        body = {"type": "about:blank", "status": 500, "code": "internal", "title": what, "detail": do, "incident": incident}
        return web.Response(body=msgspec.json.encode(body), status=500, content_type="application/problem+json")
    style = ""
    with suppress(Exception):
        style = f'<link rel="stylesheet" href="{request.app[ASSETS].address("core/base.css")}">'
    page = (
        f'<!doctype html><html lang="{locale}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<title>Đèn Sách</title>{style}</head><body><main><section class="card slim mishap"><h1>{what}</h1><p>{do}</p>'
        '<p><a class="btn" href="/">Đèn Sách</a></p><p class="quiet small mono">500 · internal</p></section></main></body></html>'
    )
    return web.Response(text=page, status=500, content_type="text/html")
