"""An office on a bare Debian: the play over ssh, pages by TLS, a backup, a pulled plug, a second run that changes nothing."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.fixtures.bundle import opened_bundle
from tests.fixtures.hosts import Room, hosts
from tests.provision.test_pair import linked

pytestmark = pytest.mark.timeout(1_800)
NAME = "van-phong.lan"


def until(what: str, found: Callable[[], bool], seconds: float = 180) -> None:
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.3)


def asked(room: Room, path: str) -> str:
    office = room["van-phong"]
    return room.here(
        "curl", "--silent", "--max-time", "10", "--cacert", str(office.root / "srv/densach-office-ca.pem"),
        "--resolve", f"{NAME}:443:{office.address}", "--write-out", " %{http_code}", f"https://{NAME}{path}", fails=True,
    )  # fmt: skip


def test_an_office_from_a_bundle(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(opened_bundle("office"), bundle, copy_function=linked)
    with hosts(tmp_path / "room", "van-phong") as room:
        office = room["van-phong"]
        room.inventory({"office": ["van-phong"]}, {"bundle_dir": str(bundle), "densach_hub_name": "densach.lan"})
        room.play("office.yml", timeout_s=1_200)
        assert asked(room, "/healthz").endswith(" 200")
        plain = room.here("curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}", f"http://{office.address}/")
        assert plain == "308"
        assert office.run("stat", "--format=%a %U", "/etc/densach/office-admin-password").strip() == "600 root"
        # An administrator is there: nobody can take the office with a code from its log.
        assert "Not set up yet" not in office.run("journalctl", "--unit=densach-office", "--no-pager")

        office.run("systemctl", "start", "densach-office-backup.service")
        kept = list((office.root / "srv/backup/densach-office").glob("*/office.db"))
        assert len(kept) == 1

        office.kill()
        office.boot()
        until("the office after a pulled plug", lambda: asked(room, "/healthz").endswith(" 200"))
        assert room.play("office.yml", timeout_s=1_200).changes() == []
