"""A full disk: the hub starts on the room it had put by, and says in one line when there is none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from densach_hub.upkeep import storage

ROOT = Path(__file__).parents[3]
ON_ITS_OWN_DISK = 'mount -t tmpfs -o size=40m densach "$1" && exec "$2" -m tests.hub.upkeep.full_disk "$1"'


def test_a_hub_starts_on_a_full_disk_or_says_why_not(tmp_path: Path) -> None:
    alone = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-Urm"]
    command = [*alone, "sh", "-c", ON_ITS_OWN_DISK, "sh", str(tmp_path), sys.executable]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-6_000:]
    (line,) = done.stdout.splitlines()
    assert "hub.no-room-to-start" in line


def test_room_put_by_only_where_there_is_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / storage.PUT_BY
    path.write_bytes(b"cut off")
    monkeypatch.setattr(storage, "PUT_BY_FROM", 10**18)
    storage.put_room_by(tmp_path)
    assert path.read_bytes() == b"cut off"
    monkeypatch.setattr(storage, "PUT_BY_FROM", 0)
    monkeypatch.setattr(storage, "PUT_BY_BYTES", 4096)
    storage.put_room_by(tmp_path)
    assert path.stat().st_size == 4096
