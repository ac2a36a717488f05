"""A hub and an office on one machine: browsers send cookies to every port of a host, so each has a name of its own."""

from pathlib import Path

from aiohttp import web
from tests.core.accounts.conftest import cheap

from densach_core.accounts import store
from densach_core.accounts.model import Role
from densach_core.accounts.pages import start_session
from densach_core.accounts.service import ACCOUNTS, COOKIE, Accounts
from densach_core.clock import FixedClock
from densach_core.database import Database


async def test_each_names_its_own_cookie(school: Database, clock: FixedClock, tmp_path: Path) -> None:
    from aiohttp.test_utils import make_mocked_request

    async with Database(tmp_path / "office.db", {"accounts": store.MIGRATIONS}) as other:
        hub = Accounts(school, clock, hashing=cheap())
        office = Accounts(other, clock, hashing=cheap(), cookie="densach_office")
        set_by = {}
        for accounts in (hub, office):
            await accounts.add(login="lan", name="Lan", roles=frozenset({Role.ADMIN}), by="test", secret="bốn từ rất dễ nhớ")
            app = web.Application()
            app[ACCOUNTS] = accounts
            response = web.Response()
            start_session(make_mocked_request("GET", "/", app=app), response, await accounts.log_in("lan", "bốn từ rất dễ nhớ"))
            set_by[accounts.cookie] = list(response.cookies)
        assert set_by == {COOKIE: [COOKIE], "densach_office": ["densach_office"]}
