"""The inventory: groups and facts as Ansible itself reads them, what machines say made harmless, a thousand of them quickly."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures.school import GIB, Furnisher
from tests.hub.provisioning.conftest import PLAYBOOKS, Stage, memory, network

from densach_hub.fleet.model import Condition, Declaration
from densach_hub.provisioning import rules
from densach_hub.provisioning.model import Order, RunState
from densach_wire.messages import InventorySection, Item, Presence

TOOLS = Path(sys.executable).parent


def ansible(tool: str, *words: str | Path, folder: Path, **more: str) -> str:
    place = f"{TOOLS}:{os.environ['PATH']}"
    home = {"HOME": str(folder), "ANSIBLE_LOCALHOST_WARNING": "0", "ANSIBLE_NOCOLOR": "1", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [TOOLS / tool, *words], env={"PATH": place, **home, **more}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def script(stage: Stage) -> dict[str, Any]:
    return (await stage.provisioning.inventory()).script()


async def test_groups_and_facts(stage: Stage) -> None:
    fleet, now = stage.rooms.fleet, stage.rooms.clock.now_ms()
    await fleet.telemetry.presence("pc-may-01", Presence.ONLINE, at=now)
    await fleet.telemetry.presence("pc-may-02", Presence.ASLEEP, at=now)
    await fleet.register.set_condition("pc-may-03", Condition.BROKEN, by="x")
    await fleet.register.retire("pc-may-05", by="x")
    await fleet.register.declare(Declaration(name="Máy cũ", room=stage.room.id, condition=Condition.WORKING), by="x")
    cpu = InventorySection("cpu", (Item("cpu", "CPU 0", {"model": "Core i3", "cores": 2, "threads": 4}),), "c")
    disk = InventorySection("disk", (Item("disk", "sda", {"model": "WD", "serial": "S1", "size_bytes": 240 * 10**9}),), "d")
    furnisher = Furnisher(fleet, stage.rooms.clock)
    furnisher._next["pc-may-04"] = 3  # after what furnished it
    await furnisher.tell("pc-may-04", cpu, disk, at=now)
    await furnisher.machine("MOI", stage.room, quiet=True)
    found = await script(stage)
    room = "room_phong_tin_hoc_2_nha_d"
    assert found[room]["vars"] == {"densach_room_name": "Phòng Tin học 2 (nhà Đ)"}
    assert sorted(found["lab"]["hosts"]) == ["MAY-01", "MAY-02", "MAY-03", "MAY-04", "MOI"]
    assert found["simulated"]["hosts"] == ["GIA-LAP"]
    assert "GIA-LAP" not in found[room]["hosts"], "the simulated are in no group but their own"
    assert found["state_retired"]["hosts"] == ["MAY-05"]
    states = {name.removeprefix("state_"): group["hosts"] for name, group in found.items() if name.startswith("state_")}
    assert states == {
        "online": ["MAY-01"], "asleep": ["MAY-02"], "broken": ["MAY-03"], "offline": ["MAY-04"], "never_heard": ["MOI"],
        "declared": ["May-cu"], "retired": ["MAY-05"],
    }  # fmt: skip
    assert found["kind_declared"]["hosts"] == ["May-cu"]
    assert "May-cu" not in found["lab"]["hosts"], "nothing can be run where no agent is"
    assert {"model_dell_inc_optiplex_3080", "os_debian_gnu_linux_12"} <= set(found)
    facts = found["_meta"]["hostvars"]["MAY-04"]
    assert facts["ansible_host"] == "10.11.0.4"
    assert facts["densach_memory_bytes"] == 8 * GIB
    assert (facts["densach_cpu"], facts["densach_cpu_cores"], facts["densach_disk_bytes"]) == ("Core i3", 2, 240 * 10**9)
    assert facts["densach_disks"] == [{"device": "sda", "model": "WD", "serial": "S1", "size_bytes": 240 * 10**9}]
    assert (facts["densach_room"], facts["densach_seat"], facts["densach_mac"]) == (stage.room.id, "04", "d8:bb:c1:00:00:04")
    old = found["_meta"]["hostvars"]["May-cu"]
    assert (old["densach_name"], "densach_memory_bytes" in old, "ansible_host" in old) == ("Máy cũ", False, False)
    assert "ansible_host" not in found["_meta"]["hostvars"]["GIA-LAP"]


async def test_what_machines_say_is_run_by_nobody(stage: Stage, tmp_path: Path) -> None:
    """Two machines of one name; one whose disk is called like a command, whose address is an option of ssh."""
    fleet, now = stage.rooms.fleet, stage.rooms.clock.now_ms()
    furnisher = Furnisher(fleet, stage.rooms.clock)
    trap = "{{ lookup('pipe', 'touch $HOME/bitten') }}"
    await fleet.register.rename("pc-may-02", "MAY-01", by="x")
    evil = await furnisher.machine("XAU", stage.room, "09", quiet=True)
    disk = InventorySection("disk", (Item("disk", trap, {"model": trap, "serial": "{% x %}", "size_bytes": 1}),), "d")
    await furnisher.tell(evil.id, network(9, ipv4="-oProxyCommand=x, 127.0.0.1/8, 10.11.0.9/24"), disk, at=now)
    await fleet.register.rename(evil.id, f"XAU {trap}", by="x")
    found = await script(stage)
    assert {"pc-may-01", "pc-may-02"} <= set(found["lab"]["hosts"]), "who shares a name is called by the id"
    name = next(name for name, facts in found["_meta"]["hostvars"].items() if facts["densach_id"] == evil.id)
    assert name.isascii()
    assert " " not in name
    assert found["_meta"]["hostvars"][name]["ansible_host"] == "10.11.0.9"
    run = await stage.provisioning.start(Order(play="wipe", machines=(evil.id,), confirmed=True), by="x")
    assert (await stage.provisioning.wait(run.id)).state is RunState.DONE
    assert "touch $HOME/bitten" in stage.provisioning.log_of(run.id), "it is said as it is"
    assert not list(tmp_path.rglob("bitten"))


async def test_ansible_reads_it_and_picks_machines_by_their_facts(stage: Stage, tmp_path: Path) -> None:
    """A script inventory beside `groups.yml`: machines of a room with less than 8 GB."""
    folder = tmp_path / "inventory"
    folder.mkdir()
    (folder / "answer.txt").write_bytes(msgspec.json.encode(await script(stage)))
    (folder / "densach.py").write_text(f"#!/bin/sh\ncat {folder}/answer.txt\n")
    (folder / "densach.py").chmod(0o755)
    (folder / "groups.yml").write_text((PLAYBOOKS / "inventories/hub/groups.yml").read_text("utf-8"), "utf-8")
    read = json.loads(ansible("ansible-inventory", "-i", folder, "--list", folder=tmp_path))
    assert read["small_memory"]["hosts"] == ["MAY-01", "MAY-02"]
    assert read["_meta"]["hostvars"]["MAY-01"]["densach_memory_bytes"] == 4 * GIB
    limit = "room_phong_tin_hoc_2_nha_d:&small_memory"
    listed = ansible("ansible", "-i", folder, "lab", "--limit", limit, "--list-hosts", folder=tmp_path)
    assert listed.split() == ["hosts", "(2):", "MAY-01", "MAY-02"]


async def test_the_script_and_the_command_ask_a_running_hub(stage: Stage, tmp_path: Path) -> None:
    """Called wrongly: one line, nothing else. (What they answer when all is well: tests of the pages.)"""
    for words, more in (
        ((PLAYBOOKS / "inventories/hub/densach.py", "--list"), {}),
        ((TOOLS / "densach", "inventory", "--list"), {}),
        ((TOOLS / "densach", "inventory", "--list", "--hub", "http://127.0.0.1:9"), {}),
        ((TOOLS / "densach", "inventory", "--list", "--hub", "ftp://x", "--token-file", "/dev/null"), {}),
        ((PLAYBOOKS / "inventories/hub/densach.py",), {"DENSACH_HUB_URL": "file:///etc", "DENSACH_TOKEN_FILE": "/dev/null"}),
    ):
        env = {"PATH": os.environ["PATH"], **more}
        done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode != 0
        assert "Traceback" not in done.stderr
        assert done.stderr.strip()


async def test_a_thousand_machines(stage: Stage) -> None:
    furnisher, now = Furnisher(stage.rooms.fleet, stage.rooms.clock), stage.rooms.clock.now_ms()
    rooms = [await stage.rooms.fleet.rooms.new(f"Phòng {k}", by="x", seats=0) for k in range(20)]
    for n in range(1000):
        machine = await furnisher.machine(f"KHOI-{n:04d}", rooms[n % 20], quiet=True)
        if n % 20 == 0:
            await furnisher.tell(machine.id, network(7), memory(n, 2), at=now)
    start = time.monotonic()
    body = msgspec.json.encode(await script(stage))
    took = time.monotonic() - start
    assert len(json.loads(body)["_meta"]["hostvars"]) == 1006
    assert took < 10, f"{took:.1f} s; a third of a second where nothing else runs"


@given(st.dictionaries(st.text(max_size=8, alphabet="abc-0123"), st.text(max_size=12)))
def test_every_machine_has_a_name_of_its_own(names: dict[str, str]) -> None:
    found = rules.named_once({key: rules.host_name(name) for key, name in names.items()})
    assert set(found) == set(names)
    assert len(set(found.values())) == len(found)
    assert all(name.isascii() for name in found.values())


@given(st.text())
def test_no_text_is_a_template_once_it_is_harmless(text: str) -> None:
    assert rules.TEMPLATE.search(rules.harmless(text)) is None


@pytest.mark.parametrize(
    ("told", "found"),
    [
        (["192.168.1.7/24"], "192.168.1.7"),
        (["fe80::1/64", "2001:db8::7/64", "10.0.0.7/8"], "10.0.0.7"),
        (["127.0.0.1/8", "169.254.3.4/16"], None),
        (["-oProxyCommand=touch,10.0.0.1 ; rm", ""], "10.0.0.1"),
        (["10.0.0.999"], None),
    ],
)
def test_only_addresses_get_through(told: list[str], found: str | None) -> None:
    assert rules.address(told) == found
