"""A machine many use signs out whoever went away: the page with a countdown, the hub for browsers without script."""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect
from tests.hub.library import made
from tests.hub.library.browsing import looking, opened
from tests.hub.library.test_browser_marks import SELECT
from tests.hub.library.world import World, put_in

from densach_core.accounts.model import Role
from densach_core.errors import BadInput
from densach_core.web.shared import GRACE_S, Shared


def test_addresses_and_networks() -> None:
    shared = Shared(["10.0.5.0/24", "192.168.1.7", "fd00::/8"], 600)
    assert all(shared.has(one) for one in ("10.0.5.200", "192.168.1.7", "::ffff:10.0.5.1", "fd00::1%eth0"))
    assert not any(shared.has(one) for one in ("10.0.6.1", "192.168.1.8", "local", ""))
    with pytest.raises(BadInput, match=r"10\.0\.5|phòng máy 1|settings\.machines"):
        Shared(["phòng máy 1"], 600)


def test_the_hub_waits_longer_than_the_page_and_then_does_it_too() -> None:
    shared = Shared(["10.0.5.0/24"], 600)
    assert shared.still_there("a", 0.0)
    assert shared.still_there("a", 600.0 + GRACE_S)
    assert not shared.still_there("a", 2 * (600.0 + GRACE_S) + 1)
    assert shared.still_there("a", 5_000.0)


async def test_who_goes_away_is_signed_out_after_a_countdown_and_loses_nothing(
    browser: Browser, live: World, tmp_path: Path
) -> None:
    it = await put_in(live.library, tmp_path, "a.epub", made.epub())
    live.site.shared = Shared(["127.0.0.1"], 8)
    async with looking(browser, live, Role.STUDENT) as (page, wrong):
        await page.goto(f"{live.base}/read/{it.id}")
        await opened(page)
        await expect(page.locator("#idle")).to_contain_text("Nhiều người dùng máy này")
        await page.locator("#idle [data-stay]").click()
        await expect(page.locator("#idle")).to_be_hidden()
        assert await page.evaluate(SELECT, "bậc hai")
        await page.locator("#selbar [data-colour=blue]").click()
        account = await live.accounts.session(live.cookies[Role.STUDENT])
        assert account is not None
        await page.wait_for_url(f"{live.base}/")
        await expect(page.get_by_text("Đã đăng xuất.")).to_be_visible()
        assert len(await live.library.marking.of(account.id, it.id)) == 1
        async with asyncio.timeout(30):
            while await live.accounts.session(live.cookies[Role.STUDENT]) is not None:
                await asyncio.sleep(0.1)
        await page.go_back()
        await expect(page.locator("#marks a[href^='/login']")).to_have_count(1)
        assert wrong == []


async def test_a_session_without_script_ends_too_and_other_machines_are_left_alone(world: World) -> None:
    headers = await world.as_(Role.STUDENT)
    world.site.shared = Shared(["192.0.2.0/24"], 1)
    assert 'id="idle"' not in await world.text("/", headers)
    world.site.shared = Shared(["127.0.0.1"], 60)
    assert 'data-seconds="60"' in await world.text("/", headers)
    assert 'id="idle"' not in await world.text("/")
    world.site.shared.idle_s = -int(GRACE_S) - 1
    async with world.http.get(f"{world.base}/api/v1/me", headers=headers) as answer:
        assert answer.status == 401
    world.site.shared = None
    async with world.http.get(f"{world.base}/api/v1/me", headers=headers) as answer:
        assert answer.status == 401
