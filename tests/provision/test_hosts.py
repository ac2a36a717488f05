"""The room the other tests of the plays stand in: it boots, answers over ssh, loses its power and is cut off from everything."""

from pathlib import Path

import pytest
from tests.fixtures.hosts import Room, hosts

pytestmark = pytest.mark.timeout(600)

PLAY = """
- name: Hosts answer
  hosts: all
  tasks:
    - name: A file
      ansible.builtin.copy:
        content: "{{ ansible_facts['service_mgr'] }} {{ greeting }}\\n"
        dest: /etc/greeting
        mode: "0644"
    - name: What they are
      ansible.builtin.assert:
        that: ansible_facts['distribution_release'] == 'bookworm'
"""


def test_a_room_boots_answers_and_loses_its_power(tmp_path: Path) -> None:
    book = tmp_path / "book.yml"
    book.write_text(PLAY)
    with hosts(tmp_path / "room", "hub", "may-01") as room:
        room.inventory({"hub": ["hub"], "lab": ["may-01"]}, {"greeting": "xin chào"})
        first = room.play(book)
        assert first.hosts["hub"]["changed"] == first.hosts["may-01"]["changed"] == 1
        assert room.play(book).changes() == []
        assert room["may-01"].read("/etc/greeting") == "systemd xin chào\n"
        assert room["hub"].run("hostname").strip() == room.ssh("hub", "hostname").strip() == "hub"
        assert room["hub"].read("/etc/machine-id") != room["may-01"].read("/etc/machine-id")

        room["hub"].kill()
        assert room.play(book, "--limit", "hub", fails=True).hosts["hub"]["unreachable"] == 1
        room["hub"].boot()
        room["may-01"].reboot()
        assert room.play(book).changed == 0

        cut_off(room)


def cut_off(room: Room) -> None:
    """There is one cable, and it leads nowhere else."""
    routes = room["hub"].run("ip", "route")
    assert routes.splitlines() == [f"10.77.0.0/24 dev eth0 proto kernel scope link src {room['hub'].address} "]
    assert room.here("ip", "-4", "-o", "addr").count("inet") == 2
