"""A fleet behind real HTTP, with one technician and one pupil signed in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from densach_core.accounts.model import Role
from densach_core.accounts.service import ACCOUNTS, AUDIT, COOKIE, Accounts, Audit
from densach_core.clock import FixedClock
from densach_core.database import Database
from densach_core.live import Bus
from densach_core.web.site import Room, Site, core_rooms, make_app, serve
from densach_hub import fleet as fleet_room
from densach_hub.fleet import api, register_api, software_api
from densach_hub.fleet.service import FLEET, Fleet


class Web(msgspec.Struct):
    base: str
    technician: dict[str, str]
    pupil: dict[str, str]

    @property
    def here(self) -> dict[str, str]:
        """What a browser on one of our own pages says."""
        return {"Origin": self.base}


@asynccontextmanager
async def served(fleet: Fleet, school: Database, clock: FixedClock) -> AsyncIterator[Web]:
    accounts = Accounts(school, clock)
    room = Room("fleet", Path(str(fleet_room.__file__)).parent, (api.routes, register_api.routes, software_api.routes))
    services: dict[Any, Any] = {ACCOUNTS: accounts, AUDIT: Audit(school, clock), FLEET: fleet}
    app = make_app(Site("test", "Test"), [*core_rooms(), room], clock=clock, bus=Bus(), faces=(), services=services)
    cookies = []
    for role, secret in ((Role.TECHNICIAN, "a very long password"), (Role.STUDENT, "246813")):
        await accounts.add(login=role.value, name=role.value, roles=frozenset({role}), by="test", secret=secret)
        entry = await accounts.log_in(role.value, secret)
        assert entry.cookie is not None
        cookies.append({COOKIE: entry.cookie})
    async with serve(app, "127.0.0.1", 0, grace_s=0.5) as port:
        yield Web(f"http://127.0.0.1:{port}", *cookies)
