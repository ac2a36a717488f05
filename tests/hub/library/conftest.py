"""Fixtures of the library's tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
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
