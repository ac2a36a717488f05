"""The client that asks for ranges reads each answer to its end, and goes on where a server closes the connection."""

from pathlib import Path

import pytest
from tests.bench.watching import WatchingPlan, watch
from tests.fixtures.nginx import Nginx, plain_files, required_nginx


def test_ranges_from_a_real_server(tmp_path: Path) -> None:
    program = required_nginx()
    (tmp_path / "film").write_bytes(bytes(range(256)) * 4_000)
    with Nginx(program, tmp_path) as nginx:
        nginx.start(plain_files(nginx.port, tmp_path).replace("100000", "5"))
        plan = WatchingPlan(nginx.port, "/film", 256 * 4_000, range_bytes=10_000, seconds=0.3)
        watched = watch(plan, 3)
        assert watched.requests > 0
        assert watched.moved >= watched.requests * plan.range_bytes
        with pytest.raises(RuntimeError, match="no range came"):
            watch(WatchingPlan(nginx.port, "/none", 256 * 4_000, seconds=0.3), 1)
