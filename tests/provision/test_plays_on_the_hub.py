"""The hub gets the plays it may run: once, again when they change, and nobody's inventory with them."""

from pathlib import Path

import pytest
from tests.fixtures.hosts import hosts

pytestmark = pytest.mark.timeout(600)
PLAY = """
- name: Plays
  hosts: hub
  become: true
  gather_facts: false
  roles: [plays]
"""


def test_the_plays_lie_on_the_hub(tmp_path: Path) -> None:
    with hosts(tmp_path / "room", "hub") as room:
        room.inventory({"hub": ["hub"]})
        book = tmp_path / "project" / "hub_plays.yml"
        book.parent.mkdir()
        book.write_text(PLAY)
        (book.parent / "plays.yml").write_text("plays: []\n")
        (book.parent / "inventories").mkdir()
        (book.parent / "inventories" / "secret.yml").write_text("x: 1\n")
        assert room.play(book).changed > 0
        there = "/usr/share/densach/playbooks"
        assert room["hub"].read(f"{there}/plays.yml") == "plays: []\n"
        assert not (room["hub"].root / there.lstrip("/") / "inventories").exists()
        assert room.play(book).changes() == []
        (book.parent / "plays.yml").write_text("plays: [] # other\n")
        assert room.play(book).changed > 0
        assert "other" in room["hub"].read(f"{there}/plays.yml")
