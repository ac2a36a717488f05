"""What monitoring reads of a running hub."""

from pathlib import Path

import aiohttp
from tests.fixtures.hub import hub_in

from densach_core.accounts.model import Role
from densach_core.accounts.service import COOKIE


async def test_metrics_health_and_the_upkeep_page(tmp_path: Path) -> None:
    async with hub_in(tmp_path / "hub") as hub, aiohttp.ClientSession() as http:
        async with http.get(hub.base + "/metrics") as response:
            text = await response.text()
        for name in ("densach_intake_records_total 0.0", "densach_link_up", "densach_link_waiting_messages 0.0"):
            assert name in text
        async with http.get(hub.base + "/healthz") as response:
            assert (await response.json())["live"] is True
        cookies = {COOKIE: await hub.cookie(Role.ADMIN)}
        async with http.post(
            hub.base + "/admin/upkeep/backup", cookies=cookies, headers={"Origin": hub.base}, allow_redirects=False
        ) as response:
            assert response.status == 303
        async with http.get(hub.base + "/admin/upkeep", cookies=cookies) as response:
            assert response.status == 200
        assert list((tmp_path / "hub/backups").glob("*/manifest.json"))
