"""The way of a technician who has a stick and nothing else: a bare Debian without Python or a line, the three commands of the
bundle's own README, and the hub's pages answer. Minutes."""

import shutil
import time
from pathlib import Path

import pytest
from tests.fixtures.bundle import bundle_file
from tests.fixtures.hosts import Host, Room, hosts
from tests.provision.test_bundle_long import BARE, SETUP, long
from tests.provision.test_pair import until

pytestmark = pytest.mark.timeout(2_400)
NAME = "densach.lan"


def page(room: Room, hub: Host, path: str, name: str = NAME) -> str:
    """Status and where it sends to, seen from a laptop that trusts the school's own CA."""
    authority = hub.root / "var/lib/densach/keys/ca.pem"
    return room.here(
        "curl", "--silent", "--show-error", "--max-time", "20", "--cacert", str(authority),
        "--resolve", f"{name}:443:{hub.address}", "--output", "/dev/null",
        "--write-out", "%{http_code} %{redirect_url}", f"https://{name}{path}", fails=True,
    )  # fmt: skip


def test_three_commands_make_a_hub(tmp_path: Path) -> None:
    file = bundle_file()
    with hosts(tmp_path / "room", "hub", packages=BARE) as room:
        hub = room["hub"]
        assert hub.run("sh", "-c", "command -v python3 || echo none").strip() == "none"
        (hub.root / "media/usb").mkdir(parents=True)
        shutil.copy(file, hub.root / "media/usb/densach.bundle")
        begun = time.monotonic()
        long(hub, "mkdir -p /srv/densach/bundle && tar xf /media/usb/densach.bundle -C /srv/densach/bundle")
        said = long(hub, f"{SETUP} hub")
        print(f"{time.monotonic() - begun:7.1f} s  from a stick to a hub")  # noqa: T201 - what -s is for
        assert "failed=0" in said

        until("the hub's pages", lambda: page(room, hub, "/healthz").startswith("200"))
        assert page(room, hub, "/healthz", f"sach.{NAME}").startswith("200"), "the name for packages is in the certificate"
        # Nobody set it up yet: its first page asks for the code that its log shows.
        first = page(room, hub, "/")
        assert first.startswith(("200", "302", "303", "307")), first
        code = hub.run("journalctl", "--unit=densach-hub", "--no-pager", "--output=cat")
        assert "/setup" in code, code[-1500:]

        # The same again, with a name for the school: nothing is undone, and a person is told where to go on.
        begun = time.monotonic()
        again = long(hub, SETUP)
        print(f"{time.monotonic() - begun:7.1f} s  the same command again")  # noqa: T201
        assert "changed=0" in again
        hub.reboot()
        until("the hub's pages after a restart", lambda: page(room, hub, "/healthz").startswith("200"))
