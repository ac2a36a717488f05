"""Secrets shown for some minutes: to the session that made them, until the time is over or something newer is there."""

from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from densach_core.accounts.service import ACCOUNTS, COOKIE, Accounts
from densach_core.briefly import MINUTES, MOST, Briefly
from densach_core.clock import FixedClock


def asked_by(accounts: Accounts, cookie: str) -> web.Request:
    app = web.Application()
    app[ACCOUNTS] = accounts
    return make_mocked_request("GET", "/", headers={"Cookie": f"{COOKIE}={cookie}"}, app=app)


async def test_only_the_session_that_kept_it_sees_it_and_only_for_minutes(accounts: Accounts, clock: FixedClock) -> None:
    own, other = asked_by(accounts, "one"), asked_by(accounts, "two")
    shown: Briefly[str] = Briefly(clock)
    handle = shown.keep(own, "804159", about="6A1")
    assert shown.see(own, handle) == shown.see(own, handle) == "804159"
    assert shown.see(other, handle) is None
    assert shown.see(own, "no-such") is None
    clock.advance(MINUTES * 60_000)
    assert shown.see(own, handle) is None


async def test_what_is_newer_takes_the_place_of_what_is_out_of_date(accounts: Accounts, clock: FixedClock) -> None:
    own, other = asked_by(accounts, "one"), asked_by(accounts, "two")
    shown: Briefly[str] = Briefly(clock)
    theirs, old = shown.keep(other, "theirs", about="6A1"), shown.keep(own, "old", about="6A1")
    new = shown.keep(own, "new", about="6A1")
    assert (shown.see(own, old), shown.see(own, new), shown.see(other, theirs)) == (None, "new", "theirs")


async def test_memory_has_an_end(accounts: Accounts, clock: FixedClock) -> None:
    own = asked_by(accounts, "one")
    shown: Briefly[int] = Briefly(clock)
    handles = [shown.keep(own, n, about=n) for n in range(MOST + 5)]
    assert shown.see(own, handles[0]) is None
    assert shown.see(own, handles[-1]) == MOST + 4
