"""All plays and roles by ansible-lint's strictest profile, which brings yamllint along. A minute and more."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.fixtures.hosts import PLAYBOOKS

pytestmark = pytest.mark.timeout(900)


def test_the_strictest_profile_passes() -> None:
    programs = Path(sys.executable).parent
    told = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [str(programs / "ansible-lint"), "--offline", "--nocolor", "--profile", "production", "."],
        capture_output=True, text=True, check=False, cwd=PLAYBOOKS, env=told, timeout=880,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
