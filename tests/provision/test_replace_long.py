"""A hub's second life: its backup on a second disk, tried, and put into another machine, which the lab trusts again. And what
stands between a reader and the hub meanwhile: nginx, its second name, large uploads, new certificates. Minutes."""

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.fixtures.bundle import opened_bundle
from tests.fixtures.hosts import Host, Room, hosts
from tests.hub.library import made
from tests.provision.test_pair import LAB_ROLES, NAME, linked, machine, presence, ready, until

pytestmark = pytest.mark.timeout(3_000)
LABEL = "densach-sao"
DATA = "/var/lib/densach"
SKIP = ("--skip-tags", "plays,updates,watchdog,logs,apt_cache")
"""What has nothing to do with it and takes its time."""


@contextmanager
def second_disk(folder: Path, host: Host) -> Iterator[None]:
    """A small disk with a file system of that label, as a USB disk that was plugged into the host."""
    image = folder / "disk.img"
    with image.open("wb") as file:
        file.truncate(400_000_000)
    subprocess.run(["mkfs.ext4", "-q", "-L", LABEL, str(image)], check=True)
    done = subprocess.run(["losetup", "--find", "--show", str(image)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no loop devices: {done.stderr.strip()}")
    device = Path(done.stdout.strip())
    try:
        host.run("mknod", str(device), "b", "7", device.name.removeprefix("loop"))
        yield
    finally:
        host.run("umount", "--lazy", "/srv/backup", fails=True)
        subprocess.run(["losetup", "--detach", str(device)], check=False)


class Reader:
    """Somebody at the hub's pages: over nginx and TLS, trusting the school's own CA."""

    def __init__(self, room: Room, hub: Host) -> None:
        self.room, self.hub = room, hub
        roles = ("--role", "librarian", "--role", "admin")
        self.token = hub.run("densach", "token", "create", *roles, "--name", "thu", "--json", "--data", DATA)

    def asks(self, path: str, *more: str, name: str = NAME, fails: bool = False) -> str:
        token = json.loads(self.token)["token"]
        return self.room.here(
            "curl", "--silent", "--show-error", "--max-time", "300", "--cacert", str(self.hub.root / f"{DATA[1:]}/keys/ca.pem"),
            "--resolve", f"{name}:443:{self.hub.address}", "--header", f"Authorization: Bearer {token}", *more,
            f"https://{name}{path}", fails=fails, timeout_s=320,
        )  # fmt: skip

    def puts(self, name: str, file: Path) -> str:
        """An upload; the item's id, or what was said instead."""
        said = f"filename {base64.b64encode(name.encode()).decode()}"
        tus = ("--header", "Tus-Resumable: 1.0.0", "--dump-header", "-")
        size = file.stat().st_size
        opened = self.asks(
            "/api/v1/uploads", "--request", "POST", *tus, "--header", f"Upload-Length: {size}",
            "--header", f"Upload-Metadata: {said}",
        )  # fmt: skip
        sent = self.asks(
            heads(opened)["location"], "--request", "PATCH", *tus, "--header", "Upload-Offset: 0", "--header", "Expect:",
            "--header", "Content-Type: application/offset+octet-stream", "--upload-file", str(file),
        )  # fmt: skip
        assert heads(sent)["upload-offset"] == str(size), sent
        return heads(sent).get("densach-item", sent)


def heads(said: str) -> dict[str, str]:
    """Headers of the answer, names in small letters."""
    lines = [line.partition(":") for line in said.splitlines() if ":" in line]
    return {name.strip().lower(): value.strip() for name, _, value in lines}


def fingerprint(room: Room, hub: Host) -> str:
    """Of the certificate nginx shows now."""
    asked = f"openssl s_client -connect {hub.address}:443 -servername {NAME} </dev/null 2>/dev/null"
    return room.here("sh", "-c", f"{asked} | openssl x509 -noout -fingerprint", fails=True).strip()


def test_a_hub_is_backed_up_and_another_takes_its_place(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(opened_bundle(), bundle, copy_function=linked)
    with hosts(tmp_path / "room", "may-chu", "may-moi", "may-01") as room, second_disk(tmp_path, room["may-chu"]):
        hub = room["may-chu"]
        facts = {
            "bundle_dir": str(bundle), "densach_hub_name": NAME, "densach_hub_address": hub.address,
            "densach_hub_url": f"https://{NAME}", "agent_api_url": f"https://{hub.address}", "densach_school": "79000001",
            "densach_token_file": str(room.folder / "token"), "densach_hub_ca_file": str(room.folder / "ca.pem"),
            "hub_school_name": "Trường THCS Đèn Sách", "hub_rooms": [{"name": "Phòng Tin 1", "seats": 24}],
            "agent_room": "phong-tin-1",
        }  # fmt: skip
        room.inventory({"hub": ["may-chu"], "lab": ["may-01"]}, {**facts, "backup_device": f"LABEL={LABEL}"})
        room.play("hub.yml", *SKIP, timeout_s=1_500)
        room.play("lab.yml", "--tags", LAB_ROLES, timeout_s=1_200)
        device = until("the machine shows up", lambda: machine(room).get("id"))
        until("it is there", lambda: presence(room, device) == "online")

        reader = Reader(room, hub)
        book = what_nginx_does(reader, tmp_path)
        new_certificates(room, hub, device)

        a_disk_that_comes_and_goes(reader)
        hub.run("systemctl", "start", "densach-try-backup.service")
        tried = json.loads((hub.root / "var/lib/densach/backup-tried.json").read_text())
        assert tried.get("code") is None
        assert tried["counts"]["machines"] == 1
        assert list((hub.root / "var/lib/densach-trial").iterdir()) == []
        assert "densach-try-backup.timer" in hub.run("systemctl", "list-timers", "--no-legend")

        # The old one breaks; its disk goes into a new machine that gets its name and its address.
        fresh = room["may-moi"]
        shutil.copytree(root_of(hub) / "srv/backup/densach", fresh.root / "media/usb/densach")
        film = max((fresh.root / "media/usb/densach/files").rglob("*"), key=lambda path: path.stat().st_size)
        film.write_bytes(b"a bad spot of the disk")
        authority = (hub.root / "var/lib/densach/keys/ca.pem").read_bytes()
        hub.kill()
        subprocess.run(["ip", "-n", hub.wire.name, "link", "set", "eth0", "down"], check=True)
        subprocess.run(["ip", "-n", fresh.wire.name, "addr", "add", f"{hub.address}/24", "dev", "eth0"], check=True)
        (fresh.root / "etc/densach").mkdir()
        (fresh.root / "etc/densach/provision-token").write_text("dst_of_the_hub_this_machine_was_before\n")
        room.inventory({"hub": ["may-moi"], "lab": ["may-01"]}, facts)
        unnamed = room.play("day2/replace_hub.yml", *SKIP, extra={"backup": "/media/usb"}, fails=True, timeout_s=300)
        assert "the folder the old hub wrote into" in " ".join(unnamed.output.split()), "said before anything is done"
        assert unnamed.changes() == []
        replaced = room.play("day2/replace_hub.yml", *SKIP, extra={"backup": "/media/usb/densach"}, timeout_s=1_500)
        assert "1 library files are damaged" in " ".join(replaced.output.split())
        assert (fresh.root / "var/lib/densach/keys/ca.pem").read_bytes() == authority
        until("the new hub answers under the old address", lambda: ready(room))
        until("its machine trusts it again", lambda: presence(room, device) == "online", 300)
        again = Reader(room, fresh)
        assert again.asks(f"/items/{book}/file", "--output", "/dev/null", "--write-out", "%{http_code}") == "200"
        refused = room.play("day2/replace_hub.yml", *SKIP, extra={"backup": "/media/usb/densach"}, fails=True, timeout_s=600)
        assert "is a school's hub already" in refused.output, "no school is overwritten"
        assert room.play("hub.yml", *SKIP, timeout_s=1_200).changes() == []


def a_disk_that_comes_and_goes(reader: Reader) -> None:
    """The hub itself backs up to it, shut in as its service is; without the disk it says so, and nothing lands elsewhere."""
    hub, request = reader.hub, ("--request", "POST", "--output", "/dev/null", "--write-out", "%{http_code}")
    assert hub.run("findmnt", "--noheadings", "--output", "FSTYPE", "/srv/backup").strip() == "ext4"
    assert reader.asks("/api/v1/backups", *request) == "201"
    hub.run("umount", "/srv/backup")
    assert reader.asks("/api/v1/backups", *request)[0] in "45"
    assert hub.run("ls", "--almost-all", "/srv/backup") == ""
    hub.run("systemctl", "restart", "densach-hub.service")
    until("the hub without its disk", lambda: ready(reader.room))
    hub.run("systemctl", "start", "densach-backup-disk.service")
    until("a backup on the disk that was plugged in again", lambda: reader.asks("/api/v1/backups", *request, fails=True) == "201")
    assert len(list((root_of(hub) / "srv/backup/densach").glob("*/manifest.json"))) == 2


def root_of(host: Host) -> Path:
    """Its files as it sees them itself, with the disks it has mounted."""
    first = host._init()
    assert first is not None
    return Path(f"/proc/{first.pid}/root")


def what_nginx_does(reader: Reader, folder: Path) -> str:
    """A book's bytes come from nginx with the hub's policy; the second name answers; a film of 300 MB gets through."""
    file = folder / "sach.pdf"
    file.write_bytes(made.pdf())
    book = reader.puts("sach.pdf", file)
    until("the book can be read", lambda: reader.asks(f"/items/{book}/file", "--head", fails=True).startswith("HTTP/2 200"))
    seen = heads(reader.asks(f"/items/{book}/file", "--output", "/dev/null", "--dump-header", "-"))
    assert seen["server"] == "nginx"
    assert "-" in seen["etag"], "nginx's own tag: it has sent the file"
    assert "x-accel-redirect" not in seen
    assert "default-src" in seen["content-security-policy"] or "sandbox" in seen["content-security-policy"]
    assert (seen["x-content-type-options"], seen["referrer-policy"], seen["x-frame-options"]) == (
        "nosniff",
        "same-origin",
        "SAMEORIGIN",
    )
    second = reader.asks("/healthz", "--output", "/dev/null", "--write-out", "%{http_code}", name=f"sach.{NAME}")
    assert second == "404", "over TLS by the same authority, and no page of the hub's under the packages' name"
    film = folder / "phim.mp4"
    with film.open("wb") as large:
        large.write(b"\0\0\0\x18ftypmp42")
        large.truncate(300_000_000)
    reader.puts("phim.mp4", film)
    return book


def new_certificates(room: Room, hub: Host, device: str) -> None:
    """The hub's own, by the day-2 play: nginx takes it by itself, the machine comes back."""
    old = fingerprint(room, hub)
    assert "Fingerprint" in old
    room.play("day2/rotate_certificates.yml", extra={"only": "hub"}, timeout_s=600)
    until("nginx shows the new certificate", lambda: fingerprint(room, hub) not in {"", old})
    until("the hub answers", lambda: ready(room))
    until("the machine is back", lambda: presence(room, device) == "online", 300)
    room.play("day2/rotate_certificates.yml", extra={"only": "machines"}, timeout_s=600)
    until("the machine is back with a certificate of its own", lambda: presence(room, device) == "online", 300)
