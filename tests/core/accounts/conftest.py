"""Accounts over a real database, with a clock that tests own and cheap hashing (the real costs have a test of their own)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from densach_core.accounts import store
from densach_core.accounts.audit import Audit
from densach_core.accounts.hashing import Hashing
from densach_core.accounts.service import Accounts
from densach_core.clock import FixedClock
from densach_core.database import Database


def cheap() -> Hashing:
    return Hashing(memory_kib=64, rounds=1)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
async def school(tmp_path: Path) -> AsyncIterator[Database]:
    async with Database(tmp_path / "school.db", {"accounts": store.MIGRATIONS}) as database:
        yield database


@pytest.fixture
async def accounts(school: Database, clock: FixedClock) -> Accounts:
    return Accounts(school, clock, hashing=cheap(), pause_s=0.01)


@pytest.fixture
async def audit(school: Database, clock: FixedClock) -> Audit:
    return Audit(school, clock)
