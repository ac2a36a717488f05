"""A technician with a Windows laptop: a hub made by the play, its pages in a browser, two lines on a bare machine, and the hub
does the rest. No Ansible anywhere but on the hub."""

import html
import re
import shutil
import time
from pathlib import Path

import pytest
from tests.fixtures.bundle import opened_bundle
from tests.fixtures.hosts import BARE, TECHNICIAN, Room, hosts
from tests.provision.test_pair import linked

pytestmark = pytest.mark.timeout(1_800)


class Browser:
    """curl with cookies, on the laptop; over the hub's own HTTPS, as staff is led to it."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self.url = f"https://{room['may-chu'].address}"
        self._words = ["curl", "-sS", "--max-time", "60", "--cacert", str(room.folder / "ca.pem")]
        self._words += [
            "-b",
            str(room.folder / "jar"),
            "-c",
            str(room.folder / "jar"),
            "-L",
            "-w",
            "\n%{url_effective} %{http_code}",
        ]

    def get(self, path: str) -> str:
        return self._ask(path)

    def post(self, path: str, **form: str) -> str:
        sent = [word for name, value in form.items() for word in ("--data-urlencode", f"{name}={value}")]
        return self._ask(path, "-H", f"Origin: {self.url}", *sent)

    def _ask(self, path: str, *more: str) -> str:
        said = self._room.here(*self._words, *more, f"{self.url}{path}")
        assert said.rsplit(" ", 1)[1] == "200", said[-3000:]
        return said


def line(page: str, name: str) -> str:
    found = re.search(rf'<code[^>]* id="{name}"[^>]*>(.*?)</code>', page)
    assert found is not None
    return html.unescape(found[1])


def reachable(browser: Browser) -> str:
    """The id of the room's machine, once it has told its address."""
    end = time.monotonic() + 120
    while True:
        page = browser.get("/lab/provision/new?play=reach&room=phong-tin-1")
        if (found := re.search(r'name="machine" value="(pc-\w+)"', page)) is not None:
            return found[1]
        assert time.monotonic() < end, page
        time.sleep(1)


def ran(browser: Browser, play: str, machine: str) -> str:
    """The end of a run that was started on the page."""
    page = browser.post("/lab/provision/runs", play=play, machine=machine, user="root")
    found = re.search(r"/lab/provision/runs/\w{16}", page.rsplit("\n", 1)[1])
    assert found is not None, page[-2000:]
    end = time.monotonic() + 900
    while "hx-trigger" in (page := browser.get(f"{found[0]}/state")):
        assert time.monotonic() < end, page
        time.sleep(1)
    return page + browser.get(f"{found[0]}/log")[-4000:]


def test_a_room_from_the_hubs_pages(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(opened_bundle(), bundle, copy_function=linked)
    with hosts(tmp_path / "room", "may-chu", "may-01", packages=(*BARE, "wget")) as room:
        hub, pc = room["may-chu"], room["may-01"]
        room.inventory(
            {"hub": ["may-chu"]},
            {
                "bundle_dir": str(bundle), "densach_hub_name": "densach.lan", "densach_hub_url": "https://densach.lan",
                "densach_hub_address": hub.address, "densach_school": "79000001", "hub_school_name": "Trường THCS Đèn Sách",
                "hub_rooms": [{"name": "Phòng Tin 1", "seats": 4}], "server_base_left_out": ["ffmpeg"],
                "densach_token_file": str(room.folder / "token"), "densach_hub_ca_file": str(room.folder / "ca.pem"),
            },
        )  # fmt: skip
        room.play("hub.yml", timeout_s=1_200)
        browser = Browser(room)
        browser.post("/login", login="quantri", secret=hub.read("/etc/densach/admin-password").strip())
        for join in (line(browser.post("/join", room="phong-tin-1", uses="5", hours="5"), "line"),
                     line(browser.get("/lab/provision"), "let-in")):  # fmt: skip
            pc.run("su", "-", TECHNICIAN, "-c", join)
        machine = reachable(browser)
        for play, said in (("reach", "pstate--ok"), ("preconditions", "pstate--ok"), ("lab", "pstate--changed")):
            page = ran(browser, play, machine)
            assert f'"pstate {said}"' in page, page
        assert f"{hub.address} densach.lan" in pc.read("/etc/hosts"), "no name server here: the hub says where it is"
        assert "/bundle/apt" in pc.read("/etc/apt/sources.list.d/densach-bundle.sources")
        assert '"pstate pstate--ok"' in ran(browser, "lab", machine)
        assert "1 trên 1 máy đã được cài đặt" in " ".join(re.sub(r"<[^>]+>", " ", browser.get("/lab/rooms/phong-tin-1")).split())
