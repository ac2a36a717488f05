"""kill -9 and a full disk anywhere in an upload, an import, a reading: nothing acknowledged is lost, nothing half appears."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ON_ITS_OWN_DISK = 'mount -t tmpfs -o size="$1" densach "$2" && exec "$3" -m tests.hub.library.killed "$4" "$5" "$2"'


def run(how: str, name: str, folder: Path, size: str) -> int:
    """On a disk in memory that only this process sees; as nobody in particular in a name space of users, too."""
    alone = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-Urm"]
    command = [*alone, "sh", "-c", ON_ITS_OWN_DISK, "sh", size, str(folder), sys.executable, how, name]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-6_000:]
    return int(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", ["upload", "import", "reading"])
def test_killed_anywhere(tmp_path: Path, name: str) -> None:
    assert run("kill", name, tmp_path, "64m") >= 6


@pytest.mark.parametrize("name", ["upload", "import", "reading"])
def test_the_disk_is_full_anywhere(tmp_path: Path, name: str) -> None:
    assert run("full", name, tmp_path, "8m") >= 2
