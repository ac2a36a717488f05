"""`densach bench provision`: lab.yml a second time over thirty machines, beside a play that only gathers facts on them.

Thirty Debians that really boot, reached over ssh by a laptop in their own network namespace. The first is provisioned; the
others are copies of its disk, as after imaging: what a second run costs does not depend on who provisioned a machine. Roles that
need a hub (agent) or packages from a line (updates) are skipped in all runs of lab.yml. Both plays use the project's own
ansible.cfg; each is run twice, in turns, and the quicker one counts. Needs root and the packages of the tests; six minutes.
While it runs, this machine's kernel lets a user watch more (fs.inotify.max_user_instances): thirty systemds need more than 128.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.bench.figures import Figure
from tests.fixtures.booted import debian
from tests.fixtures.certificates import TestAuthority
from tests.fixtures.hosts import PLAYBOOKS, Host, Room, hosts
from tests.provision.lab_settings import LAB_TREE, lab_settings

MACHINES = 30
SKIPPED = ("--skip-tags", "agent,hub_access,source,apt_cache,updates")
LOOK = 2
"""Tasks of a run that finds nothing to do, as in test_standing_long."""
FACTS = "- {name: Facts, hosts: lab, become: true, gather_facts: true}\n"

WATCHES = Path("/proc/sys/fs/inotify/max_user_instances")
WATCHED = 1_024


@contextmanager
def watches_for_all() -> Iterator[None]:
    """Enough of them for all machines, and afterwards what it was; a machine without starts, and stands still."""
    before = WATCHES.read_text()
    if int(before) >= WATCHED:
        yield
        return
    try:
        WATCHES.write_text(str(WATCHED))
    except OSError as error:
        raise RuntimeError(f"{WATCHES} says {before.strip()}, {WATCHED} are needed: {error.strerror}") from error
    try:
        yield
    finally:
        WATCHES.write_text(before)


def copy_of(image: Path, other: Host, tree: Path) -> None:
    """The other's disk shows the first one's, names and keys included, and keeps to itself what it writes; it is switched off."""
    subprocess.run(["umount", str(other.root)], check=True)
    own, work = (other.root.parent / name for name in ("own", "own-work"))
    own.mkdir()
    work.mkdir()
    mounted = f"lowerdir={image}:{tree},upperdir={own},workdir={work},volatile"
    subprocess.run(["mount", "-t", "overlay", other.wire.name, "-o", mounted, str(other.root)], check=True)


def room_of_copies(room: Room, folder: Path, lab: Path) -> list[str]:
    """The names of thirty running machines that have been provisioned."""
    tree, first = debian(LAB_TREE), room["may-01"]
    variables = lab_settings(folder, TestAuthority(folder).ca)
    room.inventory({"lab": ["may-01"]}, variables)
    room.play(lab, *SKIPPED)
    first.halt()
    image = folder / "image"
    subprocess.run(["cp", "-a", str(first.root.parent / "upper"), str(image)], check=True)
    names = ["may-01"] + [f"may-{number:02d}" for number in range(2, MACHINES + 1)]
    for number, name in enumerate(names[1:], 12):
        copy_of(image, room.add(name, tree, number), tree)
    known = [f"{room[name].address} {first.host_key}\n" for name in names]
    (room.folder / "known_hosts").write_text("".join(known))
    for start in range(0, MACHINES, 6):
        for name in names[start : start + 6]:
            room[name].start()
        for name in names[start : start + 6]:
            room[name].wait()
    room.inventory({"lab": names}, variables)
    return names


def provision() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="densach-bench-") as place:
        folder = Path(place)
        facts_only = folder / "facts.yml"
        facts_only.write_text(FACTS)
        # All runs play the same, whoever works on the plays meanwhile.
        lab = folder / "playbooks/lab.yml"
        shutil.copytree(PLAYBOOKS, lab.parent)
        try:
            with watches_for_all(), hosts(folder / "room", "may-01", packages=LAB_TREE) as room:
                names = room_of_copies(room, folder, lab)
                facts, second = [], []
                for _ in range(2):
                    facts.append(room.play(facts_only).took_s)
                    run = room.play(lab, *SKIPPED)
                    told = {name: (one["ok"], one["changed"]) for name, one in run.hosts.items()}
                    if told != dict.fromkeys(names, (LOOK, 0)):
                        found = {name: one for name, one in told.items() if one != (LOOK, 0)}
                        raise RuntimeError(f"the second run found something to do: {found}")
                    second.append(run.took_s)
                yield Figure(
                    what=f"lab.yml a second time, {MACHINES} machines", value=min(second), unit="s", against=min(facts),
                    against_what="a play that only gathers facts", goal="≤ 1.5 ×", met=min(second) <= 1.5 * min(facts),
                )  # fmt: skip
                one = room.play(lab, *SKIPPED, "--limit", "may-01", extra={"standing_all": True})
                yield Figure(what="the same through every role (standing_all=true), one machine", value=one.took_s, unit="s")
        except pytest.skip.Exception as reason:
            raise RuntimeError(str(reason)) from None
