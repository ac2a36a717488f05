"""A hub with a furnished school and tiny plays of our own; machines are reached by `ansible_connection: local`."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from tests.fixtures.hub import HubUnderTest, hub_in
from tests.fixtures.school import GIB, Furnisher

from densach_core.clock import SystemClock
from densach_hub.fleet.model import Machine, Room, RoomKind
from densach_hub.opening import Rooms, open_rooms
from densach_hub.provisioning.service import Provisioning
from densach_wire.messages import Attrs, InventorySection, Item

PLAYBOOKS = Path(__file__).resolve().parents[3] / "playbooks"
LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
PLAYS = """
plays:
  - file: greet.yml
    title: {vi: "Chào máy", en: "Greet"}
    about: {vi: "Ghi một tệp.", en: "Writes a file."}
    variables:
      - name: word
        label: {vi: "Lời chào", en: "Word"}
        required: true
      - {name: times, label: {vi: "Số lần", en: "Times"}, kind: number, least: 1, most: 5, default: 1}
  - file: wipe.yml
    title: {vi: "Xóa hết", en: "Wipe"}
    about: {vi: "Nguy hiểm.", en: "Dangerous."}
    danger: high
  - file: look.yml
    title: {vi: "Chỉ xem", en: "Look"}
    about: {vi: "Không thay đổi gì.", en: "Changes nothing."}
    danger: none
  - file: slow.yml
    title: {vi: "Chạy lâu", en: "Slow"}
    about: {vi: "Chờ một phút.", en: "Waits a minute."}
    check: false
  - file: sudo.yml
    title: {vi: "Mật khẩu", en: "Password"}
    about: {vi: "Ghi mật khẩu nhận được.", en: "Writes the password it got."}
  - file: own.yml
    title: {vi: "Của trường", en: "Own"}
    about: {vi: "Ghi giá trị của trường.", en: "Writes the school's values."}
    fixed: {third: C}
  - file: gone.yml
    title: {vi: "Không có", en: "Gone"}
    about: {vi: "Tệp không có.", en: "Its file is not there."}
"""
GREET = """
- name: Greet
  hosts: lab
  gather_facts: false
  tasks:
    - name: Write the word
      ansible.builtin.copy:
        content: "{{ word }} {{ times }}"
        dest: "FOLDER/{{ inventory_hostname }}.txt"
        mode: "0644"
    - name: Fail on the second
      ansible.builtin.fail:
        msg: "máy này hỏng"
      when: inventory_hostname == "MAY-02"
    - name: A secret
      ansible.builtin.command: {argv: [sh, -c, "echo s3cret-word >&2; exit 3"]}
      no_log: true
      changed_when: false
      when: inventory_hostname == "MAY-03"
"""
WIPE = """
- name: Wipe
  hosts: lab
  gather_facts: false
  tasks:
    - name: Say what the disks are
      ansible.builtin.debug:
        var: densach_disks
"""
SLOW = """
- name: Slow
  hosts: lab
  gather_facts: false
  tasks:
    - name: Wait
      ansible.builtin.command: sleep 71
      changed_when: false
"""
SUDO = """
- name: Password
  hosts: lab
  gather_facts: false
  tasks:
    - name: Write what became of it
      ansible.builtin.copy:
        content: "{{ ansible_become_password | default('') }}"
        dest: "FOLDER/password.txt"
        mode: "0600"
"""
OWN = """
- name: Own
  hosts: lab
  gather_facts: false
  tasks:
    - name: Write what the school has set
      ansible.builtin.copy:
        content: "{{ first }} {{ second }} {{ third }} {{ densach_hub_url }} {{ agent_room }}"
        dest: "FOLDER/own.txt"
        mode: "0644"
"""


class Stage(msgspec.Struct, frozen=True):
    """Five real machines (MAY-01 … MAY-05) in one room, one simulated, one written down by hand in another."""

    rooms: Rooms
    room: Room
    other: Room
    machines: tuple[Machine, ...]
    out: Path
    """Where the plays write."""

    @property
    def provisioning(self) -> Provisioning:
        return self.rooms.provisioning


def network(n: int, *, ipv4: str | None = None) -> InventorySection:
    attrs: Attrs = {"mac": f"d8:bb:c1:00:00:{n:02x}", "kind": "ethernet", "ipv4": ipv4 or f"10.11.0.{n}/24"}
    return InventorySection("network", (Item("network", "eno1", attrs),), f"n{n}")


def memory(n: int, modules: int) -> InventorySection:
    items = tuple(Item("memory", f"DIMM {k}", {"size_bytes": 4 * GIB}) for k in range(modules))
    return InventorySection("memory", items, f"m{n}")


@pytest.fixture
def playbooks(tmp_path: Path) -> Path:
    """A folder with our tiny plays and the real callback plugin."""
    folder, out = tmp_path / "playbooks", tmp_path / "out"
    out.mkdir()
    (folder / "callback_plugins").mkdir(parents=True)
    (folder / "roles").mkdir()
    (folder / "plays.yml").write_text(PLAYS, "utf-8")
    for name, text in (("greet", GREET), ("wipe", WIPE), ("look", WIPE), ("slow", SLOW), ("sudo", SUDO), ("own", OWN)):
        (folder / f"{name}.yml").write_text(text.replace("FOLDER", str(out)), "utf-8")
    plugin = PLAYBOOKS / "callback_plugins" / "densach_report.py"
    (folder / "callback_plugins" / plugin.name).write_text(plugin.read_text("utf-8"), "utf-8")
    return folder


@pytest.fixture
def data(tmp_path: Path, playbooks: Path) -> Path:
    """A hub's data folder whose settings know our plays."""
    folder = tmp_path / "hub"
    folder.mkdir()
    (folder / "densach.toml").write_text(f'[provision]\nplaybooks = "{playbooks}"\nuser = "quantri"\n', "utf-8")
    return folder


@pytest.fixture
async def stage(data: Path, tmp_path: Path) -> AsyncIterator[Stage]:
    """The rooms of a hub without its broker and pages."""
    async with open_rooms(data, SystemClock()) as rooms:
        rooms.provisioning.also = dict(LOCAL)
        yield await furnish(rooms, tmp_path / "out")
        await rooms.provisioning.close()


class Site(msgspec.Struct, frozen=True):
    """The same with its pages."""

    hub: HubUnderTest
    stage: Stage


@pytest.fixture
async def site(data: Path, tmp_path: Path) -> AsyncIterator[Site]:
    async with hub_in(data) as hub:
        hub.rooms.provisioning.also = dict(LOCAL)
        yield Site(hub, await furnish(hub.rooms, tmp_path / "out"))


async def furnish(rooms: Rooms, out: Path) -> Stage:
    fleet = rooms.fleet
    furnisher = Furnisher(fleet, rooms.clock)
    room = await fleet.rooms.new("Phòng Tin học 2 (nhà Đ)", by="test", seats=12, columns=4)
    other = await fleet.rooms.new("Phòng studio", by="test", seats=2, columns=2, kind=RoomKind.STUDIO)
    made = []
    for n in range(1, 6):
        machine = await furnisher.machine(f"MAY-{n:02d}", room, f"{n:02d}", quiet=True)
        await furnisher.tell(machine.id, network(n), memory(n, 1 if n < 3 else 2), at=rooms.clock.now_ms())
        made.append(machine)
    ghost = await furnisher.machine("GIA-LAP", room, "06", quiet=True, simulated=True)
    await furnisher.tell(ghost.id, network(6), at=rooms.clock.now_ms())
    made.append(ghost)
    return Stage(rooms, room, other, tuple(made), out)
