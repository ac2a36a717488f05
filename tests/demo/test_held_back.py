"""The demonstration's real agent never switches off the computer the demonstration runs on."""

from pathlib import Path

import pytest

from densach_agent import settings
from densach_demo.demo import DemoError, hold_back


@pytest.mark.parametrize("before", [None, 'hub = "http://127.0.0.1:1"', 'hub = "http://127.0.0.1:1"\n[outbox]\nmax_mb = 2\n'])
def test_it_refuses_to_switch_off_and_restart_and_keeps_the_rest(tmp_path: Path, before: str | None) -> None:
    if before is not None:
        (tmp_path / settings.FILE).write_text(before)
    hold_back(tmp_path)
    hold_back(tmp_path)
    found = settings.load(tmp_path)
    assert not found.policy.allows("shutdown")
    assert not found.policy.allows("restart")
    assert found.policy.allows("message")
    assert before is None or found.hub == "http://127.0.0.1:1"
    settings.remember_hub(tmp_path, "http://other:2")
    assert not settings.load(tmp_path).policy.allows("shutdown")


def test_a_policy_that_stands_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / settings.FILE).write_text('[policy]\nrefuse = ["identify"]\n')
    hold_back(tmp_path)
    assert settings.load(tmp_path).policy.allows("shutdown")


def test_a_broken_file_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / settings.FILE).write_text("[policy")
    with pytest.raises(DemoError, match=r"agent\.toml"):
        hold_back(tmp_path)
