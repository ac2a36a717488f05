"""Releases of a hub side by side: a newer one, back again, and one that does not start. What people entered stays."""

import hashlib
import os
import re
import shutil
import zipfile
from pathlib import Path

import pytest
from tests.fixtures.bundle import opened_bundle
from tests.fixtures.hosts import Host, Room, hosts
from tests.provision.test_pair import linked, until

pytestmark = pytest.mark.timeout(2_400)


def release(wheels: Path, folder: Path, path: str, body: str, *, after: bool = False) -> Path:
    """The same wheels, with one file of ours another one (or more behind its end): a release of its own."""
    shutil.copytree(wheels, folder, copy_function=os.link)
    (own,) = folder.glob("densach-*.whl")
    old = own.read_bytes()
    own.unlink()
    with zipfile.ZipFile(next(wheels.glob("densach-*.whl"))) as old_wheel, zipfile.ZipFile(own, "w") as new_wheel:
        for entry in old_wheel.infolist():
            if entry.filename != path:
                new_wheel.writestr(entry, old_wheel.read(entry))
        new_wheel.writestr(path, old_wheel.read(path).decode() + body if after else body)
    lock = (wheels / "hub.txt").read_text()
    (folder / "hub.txt").unlink()
    fresh = hashlib.sha256(own.read_bytes()).hexdigest()
    (folder / "hub.txt").write_text(lock.replace(hashlib.sha256(old).hexdigest(), fresh))
    return folder


def current(hub: Host) -> str:
    return (hub.root / "opt/densach/current").readlink().name


def name_of(wheels: Path) -> str:
    found = re.search(r"^densach\S*==(\S+) .*\n\s*--hash=sha256:([0-9a-f]{12})", (wheels / "hub.txt").read_text(), re.MULTILINE)
    assert found is not None
    return f"{found[1]}-{found[2]}"


def add(hub: Host, login: str) -> None:
    words = ("densach", "user", "add", login, "--role", "technician", "--data", "/var/lib/densach")
    hub.run(*words, said="một mật khẩu thật dài\n")


def logins(hub: Host) -> set[str]:
    question = (
        "import sqlite3; c = sqlite3.connect('/var/lib/densach/school.db'); "
        "print(*(row[0] for row in c.execute('SELECT login FROM account')))"
    )
    return set(hub.run("python3", "-c", question).split())


def switch(hub: Host, wheels: Path) -> None:
    """As a person does it on the hub."""
    hub.run("densach-release", "switch", name_of(wheels))
    assert current(hub) == name_of(wheels)
    assert hub.run("systemctl", "is-active", "densach-hub").strip() == "active"


def under_way(hub: Host) -> Path:
    return hub.root / "var/lib/densach-releases/under-way.json"


def play(room: Room, *, fails: bool = False, **extra: str) -> str:
    return room.play("hub.yml", "--tags", "hub", extra=extra, fails=fails, timeout_s=1_200).output


def test_forward_back_and_a_release_that_does_not_start(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(opened_bundle(), bundle, copy_function=linked)
    first = bundle / "wheels"
    second = release(first, tmp_path / "second", "densach_hub/newer.py", "")
    broken = release(first, tmp_path / "broken", "densach_hub/app.py", "raise SystemExit('does not start')\n")
    more_tables = "\nMIGRATIONS.append(Migration('tried', 'CREATE TABLE tried (n INTEGER)'))\n"
    changed = release(first, tmp_path / "changed", "densach_hub/provisioning/store.py", more_tables, after=True)
    with hosts(tmp_path / "room", "may-chu") as room:
        hub = room["may-chu"]
        facts = {"bundle_dir": str(bundle), "densach_hub_name": "densach.lan", "densach_school": "79000001"}
        room.inventory({"hub": ["may-chu"]}, {**facts, "hub_school_name": "Trường THCS Đèn Sách"})
        room.play("hub.yml", "--tags", "source,server_base,hub", timeout_s=1_200)
        assert current(hub) == name_of(first)
        add(hub, "lan")

        play(room, hub_wheels=str(second))
        assert current(hub) == name_of(second)
        assert (hub.root / f"var/lib/densach-releases/{name_of(first)}.before-{name_of(second)}/school.db").exists()
        add(hub, "hoa")

        play(room, hub_release=name_of(first))
        assert current(hub) == name_of(first)
        assert {"quantri", "lan", "hoa"} <= logins(hub)

        said = play(room, hub_wheels=str(broken), fails=True)
        assert "does not start" in said
        assert current(hub) == name_of(first)
        assert hub.run("systemctl", "is-active", "densach-hub").strip() == "active"
        assert {"quantri", "lan", "hoa"} <= logins(hub)
        assert "changed=0" in play(room, hub_release=name_of(first))
        assert not under_way(hub).exists()

        # A release that changes the databases: back is its copy from before, forward again takes along what came since.
        play(room, hub_wheels=str(changed))
        add(hub, "mai")
        switch(hub, first)
        assert logins(hub) == {"quantri", "lan", "hoa"}
        kept = hub.root / f"var/lib/densach-releases/{name_of(changed)}.before-{name_of(first)}/school.db"
        assert kept.exists(), "what was entered since is kept"
        add(hub, "nam")
        switch(hub, changed)
        assert logins(hub) == {"quantri", "lan", "hoa", "nam"}
        listed = set(hub.run("densach-release", "list").split()) - {"*"}
        assert listed == {name_of(one) for one in (first, broken, changed)}, "three stay: those that ran last"

        # The power goes while a release is tried that does not start: nobody is there, and it gives way by itself.
        hub.run("systemd-run", "densach-release", "switch", name_of(broken))
        until("it is tried", lambda: current(hub) == name_of(broken))
        hub.kill()
        assert under_way(hub).exists()
        hub.boot()
        until("the one before runs again", lambda: current(hub) == name_of(changed) and not under_way(hub).exists(), 300)
        until("it is there", lambda: hub.run("systemctl", "is-active", "densach-hub", fails=True).strip() == "active")
        assert logins(hub) == {"quantri", "lan", "hoa", "nam"}
