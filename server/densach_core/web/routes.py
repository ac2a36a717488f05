"""Every address a room answers, with who may ask: one list a room, so that permissions can be tested over all of them."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import msgspec
from aiohttp import web

from densach_core.accounts.model import Account, Role

Handler = Callable[[web.Request], Awaitable[Any]]
H = TypeVar("H", bound=Handler)


class Access(msgspec.Struct, frozen=True):
    """Who may ask: anyone on the network, anyone signed in, or those with one of `roles` (admin always)."""

    open: bool = False
    roles: frozenset[Role] | None = None

    def admits(self, account: Account | None) -> bool:
        if self.open:
            return True
        if account is None:
            return False
        return self.roles is None or account.has(self.roles | {Role.ADMIN})


EVERYONE: Final = Access(open=True)
SIGNED_IN: Final = Access()
Who = Access | frozenset[Role]


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One address. `answers` and `takes` are the types of an API's bodies; pages have neither."""

    method: str
    path: str
    handler: Handler
    access: Access
    api: bool = False
    answers: Any = None
    takes: Any = None
    summary: str = ""
    status: int = 200
    limit_bytes: int | None = None
    same_site: bool = True
    lasting: bool = False
    before_setup: bool = False
    despite_must_change: bool = False


class Routes:
    """A room's addresses. The decorators return the handler unchanged."""

    def __init__(self, room: str) -> None:
        self.room = room
        self.all: list[Route] = []

    def get(self, path: str, *, who: Who, **more: Any) -> Callable[[H], H]:
        """A page. `more`: before_setup (answers while the hub has no school yet), despite_must_change, lasting (an answer that
        goes on until somebody leaves: its length says nothing of how fast pages are)."""
        return self._add("GET", path, who, more)

    def post(self, path: str, *, who: Who, **more: Any) -> Callable[[H], H]:
        """What a form does. `more`: limit_bytes, same_site=False (no CSRF check: only where no session is used)."""
        return self._add("POST", path, who, more)

    def api(self, method: str, path: str, *, who: Who, summary: str, **more: Any) -> Callable[[H], H]:
        """An operation of the API; the handler returns a Struct, (status, Struct) or a response.

        `more`: answers, takes (types), status (of success), same_site, limit_bytes, before_setup.
        """
        return self._add(method, path, who, {"api": True, "summary": summary, **more})

    def on(self, method: str, path: str, *, who: Who, **more: Any) -> Callable[[H], H]:
        """Any other method (HEAD, PATCH, DELETE) outside the API, as in resumable uploads."""
        return self._add(method, path, who, more)

    def _add(self, method: str, path: str, who: Who, more: dict[str, Any]) -> Callable[[H], H]:
        access = who if isinstance(who, Access) else Access(roles=who)

        def keep(handler: H) -> H:
            self.all.append(Route(method=method, path=path, handler=handler, access=access, **more))
            return handler

        return keep
