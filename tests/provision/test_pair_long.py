"""The pair with everything a school's hub and machines get: ffmpeg, Ansible on the hub, all the agent reads hardware with."""

from pathlib import Path

import pytest
from tests.provision.test_pair import pair

pytestmark = pytest.mark.timeout(2_400)


def test_nothing_left_out(tmp_path: Path) -> None:
    pair(tmp_path, {})
