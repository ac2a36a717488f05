"""Fixtures of the library's tests."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright
from tests.hub.library.browsing import ARGUMENTS
from tests.hub.library.world import World, library_in, world_in

from densach_hub.library.service import Library


@pytest.fixture
async def library(tmp_path: Path) -> AsyncIterator[Library]:
    async with library_in(tmp_path / "data") as opened:
        yield opened


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with world_in(tmp_path / "data") as opened:
        yield opened


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[World]:
    """The library with its own tasks running, as in a hub."""
    async with world_in(tmp_path / "data", background=True) as opened:
        yield opened


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    path = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield started
        await started.close()
