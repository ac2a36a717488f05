"""What only root may read reaches the unprivileged agent, for one boot, and nobody else."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from densach_agent.collectors import load
from densach_agent.facts import current, write
from densach_agent.identity import fingerprint
from densach_agent.machine import Denied, Machine
from densach_agent.record import recorded_machine

CASE = Path(__file__).parents[1] / "fixtures" / "machines" / "office-2012"
NOBODY = 65534


@contextmanager
def unprivileged() -> Iterator[None]:
    """As another user than root for a while; the tests may run as either."""
    if os.geteuid() != 0:
        yield
        return
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that other users may enter, with a machine whose serial numbers only root may read."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    shutil.copytree(CASE / "root", folder / "root", symlinks=True)
    for name in ("board_serial", "chassis_serial", "product_serial", "product_uuid"):
        (folder / "root/sys/class/dmi/id" / name).chmod(0o400 if os.geteuid() == 0 else 0)
    yield folder
    shutil.rmtree(folder)


def group() -> int:
    return NOBODY if os.geteuid() == 0 else os.getegid()


def test_root_leaves_its_facts_for_one_boot(place: Path) -> None:
    case, facts = recorded_machine(CASE), place / "facts"
    for _ in range(2):  # again at the next start of the service
        assert write(facts, group(), case, "boot-1") == 6
    assert current("boot-2", facts) is None
    assert current("boot-1", place / "nowhere") is None
    with unprivileged():
        blind = Machine(place / "root", lambda _argv, _seconds: None)
        with pytest.raises(Denied):
            blind.text("sys/class/dmi/id/board_serial")
        seeing = Machine(place / "root", lambda _argv, _seconds: None, facts=current("boot-1", facts))
        assert fingerprint(seeing) == fingerprint(case)
        assert len(fingerprint(blind)) < len(fingerprint(seeing))
        assert [item.key for item in load("memory").collect(seeing)] == ["DIMM1", "DIMM2", "total"]
        assert [item.key for item in load("memory").collect(blind)] == ["total"]
        assert load("system").collect(seeing) == load("system").collect(case)


def test_the_agent_may_read_and_nobody_else_and_only_root_may_write(place: Path) -> None:
    write(place / "facts", group(), recorded_machine(CASE), "boot-1")
    for path in (place / "facts", *(place / "facts").rglob("*")):
        assert path.stat().st_uid == os.geteuid()
        assert path.stat().st_gid == group()
        assert stat.S_IMODE(path.stat().st_mode) & 0o027 == 0
    assert [path.name for path in place.iterdir() if path.name.startswith(".")] == []
