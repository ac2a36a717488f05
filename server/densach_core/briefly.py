"""What may be seen for a few minutes by the browser that asked for it, and is kept nowhere but in memory: PINs, join lines.

A page that answered a form with a secret would lose it, or make another one, when it is loaded again. So the form leads to
an address that holds no secret, and only the session that sent the form sees something there.
"""

import hashlib
import secrets
from collections.abc import Hashable
from typing import Generic, TypeVar

import msgspec
from aiohttp import web

from densach_core.accounts.service import ACCOUNTS
from densach_core.clock import Clock

T = TypeVar("T")
MINUTES = 10
MOST = 200


class _Kept(msgspec.Struct, Generic[T], frozen=True):
    owner: str
    about: Hashable
    until_s: float
    value: T


class Briefly(Generic[T]):
    """Values under handles, for MINUTES, each for one session. A restart forgets them all."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[str, _Kept[T]] = {}

    def keep(self, request: web.Request, value: T, *, about: Hashable) -> str:
        """The handle to put into an address. What the same session kept about the same thing before is out of date: gone."""
        owner, now = _session(request), self._clock.monotonic()
        self._kept = {
            handle: one for handle, one in self._kept.items() if one.until_s > now and (one.owner, one.about) != (owner, about)
        }
        while len(self._kept) >= MOST:
            del self._kept[next(iter(self._kept))]
        handle = secrets.token_urlsafe(12)
        self._kept[handle] = _Kept(owner, about, now + 60 * MINUTES, value)
        return handle

    def see(self, request: web.Request, handle: str) -> T | None:
        """None when the time is over, or for anybody else."""
        found = self._kept.get(handle)
        if found is None or found.until_s <= self._clock.monotonic() or found.owner != _session(request):
            return None
        return found.value


def _session(request: web.Request) -> str:
    """A session as a digest of its cookie; a cookie itself is kept nowhere."""
    return hashlib.sha256(request.cookies.get(request.app[ACCOUNTS].cookie, "").encode()).hexdigest()
