"""The agent's counterparts: a broker with certificates and access lists, and a small hub."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.agent.broker import Broker
from tests.agent.front_door import FrontDoor
from tests.agent.school import School


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = Broker(tmp_path / "broker")
    made.allow("plug-1", "secret")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def school(broker: Broker) -> Iterator[School]:
    made = School(broker.hub_port)
    yield made
    made.close()


@pytest.fixture
def door(broker: Broker) -> Iterator[FrontDoor]:
    made = FrontDoor(broker.authority, broker.tls_port)
    yield made
    made.close()
