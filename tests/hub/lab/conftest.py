"""A whole hub with a furnished school, asked over real HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import msgspec
import pytest
from tests.fixtures.hub import HubUnderTest, hub_in
from tests.fixtures.school import Furnisher, School

from densach_core.accounts.model import Role
from densach_core.accounts.service import COOKIE
from densach_hub.fleet.service import Fleet


class Browser:
    """Somebody with a browser: keeps cookies, sends Origin as browsers do on a plain-HTTP network."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self._session = session
        self.base = base
        self.status = 0
        self.path = ""
        self.landed = ""

    async def get(self, path: str, **headers: str) -> str:
        async with self._session.get(self.base + path, headers=headers) as answer:
            self.status, self.path = answer.status, answer.url.path
            return await answer.text()

    async def post(self, path: str, **fields: str | list[str]) -> str:
        form = aiohttp.FormData()
        for name, value in fields.items():
            for one in value if isinstance(value, list) else [value]:
                form.add_field(name, one)
        async with self._session.post(self.base + path, data=form, headers={"Origin": self.base}) as answer:
            self.status, self.path, self.landed = answer.status, answer.url.path, answer.url.path_qs
            return await answer.text()

    async def send(self, path: str, form: aiohttp.FormData) -> str:
        async with self._session.post(self.base + path, data=form, headers={"Origin": self.base}) as answer:
            self.status, self.path = answer.status, answer.url.path
            return await answer.text()


class Stage(msgspec.Struct):
    hub: HubUnderTest
    school: School
    technician: Browser
    pupil: Browser

    @property
    def fleet(self) -> Fleet:
        return self.hub.rooms.fleet


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with hub_in(tmp_path / "data") as hub:
        school = await Furnisher(hub.rooms.fleet, hub.rooms.clock).school()
        cookie = {COOKIE: await hub.cookie(Role.TECHNICIAN)}
        jar = aiohttp.CookieJar(unsafe=True)
        async with (
            aiohttp.ClientSession(cookies=cookie, cookie_jar=jar) as one,
            aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as other,
        ):
            yield Stage(hub, school, Browser(one, hub.base), Browser(other, hub.base))
