"""A backup is tried by restoring it: a good one, none, and one that lost a byte."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from densach_core.accounts.model import Role
from densach_core.clock import SystemClock
from densach_hub.opening import open_rooms
from densach_hub.upkeep.backup import backup
from densach_hub.upkeep.doctor import Verdict, examine
from densach_hub.upkeep.trial import attempt, last_trial


@pytest.fixture
async def data(tmp_path: Path) -> AsyncIterator[Path]:
    (tmp_path / "hub").mkdir()
    async with open_rooms(tmp_path / "hub", SystemClock()) as rooms:
        await rooms.accounts.add(
            login="lan", name="Lan", roles=frozenset({Role.ADMIN}), by="test", secret="một mật khẩu thật dài"
        )  # fmt: skip
        yield tmp_path / "hub"


def verdict(data: Path, backups: Path) -> Verdict | None:
    found = [one.verdict for one in examine(data, backups, SystemClock()) if one.subject == "backup/restore"]
    return found[0] if found else None


async def test_a_good_backup_and_what_doctor_says_of_it(data: Path, tmp_path: Path) -> None:
    backups, scratch = tmp_path / "stick", tmp_path / "scratch"
    scratch.mkdir()
    assert verdict(data, backups) is None
    assert attempt(data, backups, SystemClock(), scratch).code == "restore.no-backup"
    assert verdict(data, backups) is Verdict.BROKEN

    backup(data, backups, now_ms=SystemClock().now_ms())
    trial = attempt(data, backups, SystemClock(), scratch)
    assert trial.good
    assert trial.counts["accounts"] == 1
    assert last_trial(data) == trial
    assert verdict(data, backups) is Verdict.FINE
    assert not list(scratch.iterdir())


async def test_a_byte_that_was_lost_is_found(data: Path, tmp_path: Path) -> None:
    taken = backup(data, tmp_path / "stick", now_ms=SystemClock().now_ms())
    body = bytearray((taken / "school.db").read_bytes())
    body[5000] ^= 1
    (taken / "school.db").write_bytes(body)
    assert attempt(data, tmp_path / "stick", SystemClock()).code == "restore.damaged"
    assert json.loads((data / "backup-tried.json").read_text())["code"] == "restore.damaged"
    assert verdict(data, tmp_path / "stick") is Verdict.BROKEN
