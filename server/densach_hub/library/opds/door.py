"""Who a reading app speaks for: a session, a token, or name and password with each request (HTTP Basic, RFC 7617).

The catalogue is open like the library's pages; only what is a reader's own needs this. A name and password that were right
stand for a session as long as it lives, so that a list with its covers is one log-in and not forty. Those that were wrong
are not tried again for a while: an app that goes on sending last year's PIN must not lock its owner out.
"""

import asyncio
import base64
import binascii
import hashlib
import os
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from functools import wraps
from weakref import WeakValueDictionary

import msgspec
from aiohttp import web

from densach_core.accounts.model import Account
from densach_core.accounts.service import ACCOUNTS
from densach_core.clock import Clock
from densach_core.errors import BadInput, NotAllowed, NotSignedIn
from densach_core.text import Text, t
from densach_core.web.identity import ACCOUNT, address_of, https_address, is_secure, who_is
from densach_core.web.keys import LANGUAGES, SITE
from densach_core.web.speech import LOCALE
from densach_hub.library.opds.addresses import ASKS, AUTHENTICATION, DOOR, origin

REMEMBERED = 2_000
WRONG_FOR_S = 600.0
MOST_HEADER = 2_000
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Labels(msgspec.Struct, frozen=True):
    login: str
    password: str


class Flow(msgspec.Struct, frozen=True):
    type: str
    labels: Labels


class DocumentLink(msgspec.Struct, frozen=True):
    rel: str
    href: str
    type: str


class AuthenticationDocument(msgspec.Struct, frozen=True):
    """Authentication for OPDS 1.0 §2.3."""

    id: str
    title: str
    description: str
    links: list[DocumentLink]
    authentication: list[Flow]


class Door:
    """Names and passwords already seen. Neither is kept: only digests under a key that dies with the process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._key = os.urandom(32)
        self._sessions: OrderedDict[bytes, str] = OrderedDict()
        self._wrong: OrderedDict[bytes, float] = OrderedDict()
        self._turns: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()

    async def reader(self, request: web.Request) -> Account:
        """Whose things are asked for. Raises NotSignedIn, NotAllowed, TooMany (locked after wrong tries)."""
        account = who_is(request)
        if account is None:
            account = await self._by_password(request)
            request[ACCOUNT] = account
            if account.locale in {"vi", "en"}:
                LOCALE.set("en" if account.locale == "en" else "vi")
        return account

    async def _by_password(self, request: web.Request) -> Account:
        header = request.headers.get("Authorization", "")
        given = _name_and_password(header)
        if given is None:
            raise NotSignedIn("account.not-signed-in", t("You are not signed in."), t("Sign in and try again."))
        digest = hashlib.blake2b(header.encode("utf-8", "surrogateescape"), key=self._key, digest_size=32).digest()
        turn = self._turns.get(digest)
        if turn is None:
            turn = self._turns[digest] = asyncio.Lock()
        async with turn:
            known = self._sessions.get(digest)
            account = await request.app[ACCOUNTS].session(known) if known else None
            if account is None:
                account = await self._log_in(request, digest, *given, instead_of=known)
        _check(request, account)
        return account

    async def _log_in(self, request: web.Request, digest: bytes, login: str, password: str, *, instead_of: str | None) -> Account:
        if self._clock.monotonic() < self._wrong.get(digest, 0.0):
            raise _refused()
        accounts = request.app[ACCOUNTS]
        try:
            entry = await accounts.log_in(login, password, address=address_of(request), instead_of=instead_of)
        except BadInput as problem:
            self._wrong[digest] = self._clock.monotonic() + WRONG_FOR_S
            _forget_oldest(self._wrong)
            raise _refused() from problem
        if entry.cookie is None:
            raise NotAllowed(
                "opds.second-factor",
                t("Reading apps cannot ask for the second factor of this account."),
                t("Read in the browser, or use an account without a second factor."),
            )
        try:
            _check(request, entry.account)
        except NotAllowed:
            await accounts.log_out(entry.cookie)
            raise
        self._sessions[digest] = entry.cookie
        self._sessions.move_to_end(digest)
        _forget_oldest(self._sessions)
        return entry.account


def answering(handler: Handler) -> Handler:
    """Whoever must sign in first is told how, in the words of Authentication for OPDS."""

    @wraps(handler)
    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except NotSignedIn as problem:
            return asking(request, problem)

    return answer


def document(request: web.Request, problem: NotSignedIn | None = None) -> AuthenticationDocument:
    """How to sign in here. Over plain HTTP it says that the password can be read on the way, and where it cannot."""
    say, locale = request.app[LANGUAGES].say, LOCALE.get()
    words: list[Text] = [] if problem is None or problem.code == "account.not-signed-in" else [problem.what]
    words.append(t("Pupils sign in with their log-in name and PIN, staff with their password. Only your own shelf needs it."))
    links = [DocumentLink("help", f"{origin(request)}/login", "text/html")]
    if not is_secure(request):
        words.append(t("This connection is not encrypted: others on the network could read what you type."))
        if (address := https_address(request)) is not None:
            safe = address.removesuffix(request.raw_path)
            words.append(t("Encrypted: {address}", address=f"{safe}/opds"))
    return AuthenticationDocument(
        id=f"{origin(request)}{DOOR}",
        title=say(request.app[SITE].title, locale),
        description=" ".join(say(text, locale) for text in words),
        links=links,
        authentication=[
            Flow("http://opds-spec.org/auth/basic", Labels(say(t("Log-in name"), locale), say(t("Password or PIN"), locale)))
        ],
    )


def asking(request: web.Request, problem: NotSignedIn) -> web.Response:
    """401 with the document; apps that do not know it go by the header (a realm has ASCII letters only)."""
    realm = "Den Sach" if is_secure(request) else "Den Sach (not encrypted)"
    headers = {
        "WWW-Authenticate": f'Basic realm="{realm}", charset="UTF-8"',
        "Link": f'<{origin(request)}{DOOR}>; rel="{ASKS}"; type="{AUTHENTICATION}"',
        "Cache-Control": "no-store",
        "Content-Type": AUTHENTICATION,
    }
    return web.Response(body=msgspec.json.encode(document(request, problem)), status=401, headers=headers)


def _check(request: web.Request, account: Account) -> None:
    if account.staff and (address := https_address(request)) is not None:
        raise NotAllowed(
            "opds.not-encrypted",
            t("Staff sign in over an encrypted connection only."),
            t("Encrypted: {address}", address=address),
        )
    if account.must_change:
        raise NotAllowed("opds.must-change", t("Choose a new password first."), t("Sign in once in the browser."))


def _refused() -> NotSignedIn:
    return NotSignedIn("accounts.wrong", t("Name and password or PIN do not fit together."), t("Check both and try again."))


def _name_and_password(header: str) -> tuple[str, str] | None:
    """RFC 7617 with UTF-8; None for anything else."""
    scheme, _, given = header.partition(" ")
    if scheme.lower() != "basic" or len(header) > MOST_HEADER:
        return None
    try:
        name, colon, password = base64.b64decode(given.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    return (name, password) if colon else None


def _forget_oldest(table: OrderedDict[bytes, str] | OrderedDict[bytes, float]) -> None:
    while len(table) > REMEMBERED:
        table.popitem(last=False)
