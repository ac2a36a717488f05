"""The SQLite store against the contract."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.office.store_contract import SchoolStoreContract

from densach_core.database import Database
from densach_office.schools.port import SchoolStore
from densach_office.schools.sqlite import MIGRATIONS, SqliteSchools


class TestSqlite(SchoolStoreContract):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[SchoolStore]:
        async with Database(tmp_path / "office.db", {"schools": MIGRATIONS}) as database:
            yield SqliteSchools(database)


async def test_what_is_answered_is_on_disk(tmp_path: Path) -> None:
    async with Database(tmp_path / "office.db", {"schools": MIGRATIONS}) as database:
        assert await database.write(lambda c: c.execute("PRAGMA synchronous").fetchone()[0]) == 2
