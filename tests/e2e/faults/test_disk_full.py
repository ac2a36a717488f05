"""The hub's disk is full: pages are served, the hub says so, nothing is acknowledged that is not stored, and it recovers."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fixtures.road import Road, until
from tests.hub.library import made

pytestmark = pytest.mark.timeout(300)
TOTAL = 20_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """64 MB that are full when they are full."""
    disk = tmp_path / "small"
    disk.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk takes root")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(disk)], capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"mount: {done.stderr.decode().strip()}")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk(small_disk: Path, road: Road, hub_seed: Path) -> None:
    data = small_disk / "hub"
    shutil.copytree(hub_seed, data)
    hub = road.hub(data=data)
    agent = road.agent()
    agent.joins(hub, hub.room_token())
    agent.start()
    device = agent.device
    until(lambda: hub.sections(device))
    agent.stop()
    hub.upload(("huong-dan.pdf", made.pdf()))
    book = hub.item("huong-dan.pdf")["id"]
    hub.page("/lab")  # the technician is signed in already

    with (small_disk / "other people's files").open("wb", buffering=0) as filler, pytest.raises(OSError):
        while True:
            filler.write(b"x" * 65_536)
    agent.has_waiting(1, TOTAL)
    agent.start()

    until(lambda: "intake.cannot-store" in hub.said)
    _, acknowledged, last = agent.outbox()
    assert acknowledged <= hub.upto(device) < last  # nothing was let go of that is not on the disk
    # The hub says so on every page; pages and books go on, and a page that must write says why it cannot.
    until(lambda: "đã đầy" in hub.page("/"))
    status, body, _ = hub.ask("GET", "/healthz")
    assert status == 503
    assert [check["name"] for check in json.loads(body)["checks"] if not check["ok"]] == ["storage"]
    for path in ("/search?q=huong+dan", f"/read/{book}", "/lab", "/lab/machines", f"/lab/machines/{device}", "/reports"):
        assert "đã đầy" in hub.page(path) or path.startswith("/read/"), path
    status, body, _ = hub.ask("POST", "/api/v1/rooms", b'{"name": "Phong 9"}', {"Content-Type": "application/json"})
    assert (status, b"database.disk-full" in body) == (503, True), body
    until(lambda: "library.reads-not-written" in hub.said)  # the book was opened: that waits, too

    (small_disk / "other people's files").unlink()
    subprocess.run(["mount", "-o", "remount,size=200m", str(small_disk)], check=True)
    until(lambda: hub.told(device) == list(range(1, TOTAL + 1)))
    until(lambda: "đã đầy" not in hub.page("/"))
    until(lambda: hub.ask("GET", "/healthz")[0] == 200)
    until(lambda: hub.rows("SELECT * FROM item_read", file="school.db"))
    assert not hub.rows("SELECT * FROM lost")
    assert hub.rows("PRAGMA integrity_check") == [("ok",)]
    assert hub.rows("PRAGMA integrity_check", file="school.db") == [("ok",)]
    hub.api("POST", "/rooms", {"name": "Phòng 9"})
    assert agent.stop() == 0
    assert hub.stop() == 0
