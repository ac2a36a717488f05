"""A studio's machine on a Debian that really boots, with the programs for recording and cutting really installed."""

from pathlib import Path

import pytest
from tests.fixtures.certificates import TestAuthority
from tests.fixtures.hosts import PLAYBOOKS, hosts
from tests.provision.lab_settings import LAB_TREE, lab_settings

pytestmark = pytest.mark.timeout(1_800)
ROLES = "desktop_defaults,hub_ca,base_lab,power_plan,studio_tools"


def programs() -> tuple[str, ...]:
    """What a bundle brings for a studio, without the other one of the two editors."""
    lines = (PLAYBOOKS / "packages/studio.txt").read_text("utf-8").splitlines()
    return tuple(line for line in lines if line and not line.startswith("#") and line != "shotcut")


def test_programs_for_recording_and_cutting(tmp_path: Path) -> None:
    """They lie in its tree, since the room has no line: they fit together, and the play finds nothing missing."""
    ca = TestAuthority(tmp_path).ca
    with hosts(tmp_path / "room", "studio-01", packages=(*LAB_TREE, *programs())) as room:
        machine = room["studio-01"]
        machine.run("useradd", "--create-home", "quay")
        settings = lab_settings(tmp_path, ca) | {"studio_tools_users": ["quay"]}
        room.inventory({"studio": ["studio-01"]}, settings)
        room.play("studio.yml", "--tags", ROLES)
        assert room.play("studio.yml", "--tags", ROLES, extra={"standing_all": True}).changes() == []

        for program in ("obs", "audacity", "kdenlive", "ffmpeg", "v4l2-ctl", "soffice"):
            machine.run("which", program)
        assert "OBS" in machine.run("env", "QT_QPA_PLATFORM=offscreen", "obs", "--version")
        assert "v4l2loopback" in machine.read("/etc/modules-load.d/densach-studio.conf")
        assert {"audio", "video"} <= set(machine.run("id", "-nG", "quay").split())
        assert "rtprio" in machine.read("/etc/security/limits.d/50-densach-studio.conf")
