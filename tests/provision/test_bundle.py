"""A bundle on Debians that have no route anywhere: the machine of a room that takes its packages from the hub, over the cable
and nothing else. What a technician does on a bare machine is in test_bundle_long.py."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.fixtures.bundle import SMALL, opened_bundle
from tests.fixtures.hosts import LAPTOP, Room, hosts

pytestmark = pytest.mark.timeout(900)
BOOK = """
- name: Packages
  hosts: lab
  become: true
  gather_facts: false
  pre_tasks:
    - ansible.builtin.setup:
        gather_subset: ["!all", "!min", distribution, platform]
  roles: [source]
"""
SERVE = """
import functools, http.server, sys
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[2])
with http.server.ThreadingHTTPServer((sys.argv[1], 0), handler) as server:
    print(server.server_port, flush=True)
    server.serve_forever()
"""


@contextmanager
def served(room: Room, folder: Path) -> Iterator[str]:
    """The folder as the hub's nginx shows it; gives its address."""
    words = ["nsenter", f"--net=/run/netns/{room.bridge}", "python3", "-c", SERVE, LAPTOP, str(folder)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout is not None
            yield f"http://{LAPTOP}:{int(server.stdout.readline())}"
        finally:
            server.terminate()


def test_a_machine_of_a_room_lives_from_the_bundle(tmp_path: Path) -> None:
    bundle = opened_bundle(*SMALL)
    (tmp_path / "book.yml").write_text(BOOK)
    with hosts(tmp_path / "room", "may-01") as room, served(room, bundle) as address:
        machine = room["may-01"]
        assert "default" not in machine.run("ip", "route")
        room.inventory({"lab": ["may-01"]}, {"bundle_dir": str(bundle), "source_url": f"{address}/apt"})
        room.play(tmp_path / "book.yml")
        said = machine.run("apt-get", "install", "--yes", "--no-install-recommends", "chrony")
        assert address in said
        assert "ii" in machine.run("dpkg-query", "--show", "--showformat=${db:Status-Abbrev}", "chrony")

        # A repository somebody changed on the way is not believed.
        forged = tmp_path / "forged"
        shutil.copytree(bundle / "apt", forged / "apt", copy_function=os.link)
        text = (forged / "apt/InRelease").read_text()
        (forged / "apt/InRelease").unlink()
        (forged / "apt/InRelease").write_text(re.sub(r"^ [0-9a-f]{64}", " " + "0" * 64, text, flags=re.MULTILINE))
        with served(room, forged) as other:
            entry = machine.root / "etc/apt/sources.list.d/densach-bundle.sources"
            entry.write_text(entry.read_text().replace(address, other))
            assert "signature" in machine.run("sh", "-c", "apt-get update --error-on=any; test $? != 0", fails=True)
