"""A dead clock battery: agents in 2009 and in 2040, over TLS with the school's certificates, as processes."""

import time

import pytest
from tests.fixtures.road import Road, until

from densach_agent.membership import Membership

pytestmark = pytest.mark.timeout(300)
HOUR_MS = 3_600_000


def test_agents_in_2009_and_2040_are_heard_at_the_right_time(road: Road) -> None:
    hub = road.hub()
    room = hub.api("POST", "/rooms", {"name": "Phòng máy 1", "seats": 6})["id"]
    token = hub.room_token(room)
    agents = {}
    for number, year in enumerate(("2009", "2040", "now"), 1):
        agent = road.agent(f"agent-{year}", year, root=road.machine(f"pc-{year}", number))
        agent.joins(hub, token)
        agent.start()
        agents[year] = agent
    for agent in agents.values():
        enrolled = until(Membership(agent.data).enrolled)
        assert enrolled is not None
        assert enrolled.mqtt[0].tls
        until(lambda agent=agent: {"cpu", "disk"} <= set(hub.sections(agent.device)))  # type: ignore[misc]
    now = time.time() * 1000
    for agent in agents.values():
        ats = hub.rows("SELECT at FROM event WHERE device = ? AND kind = 'boot'", agent.device)
        assert ats
        assert all(abs(at - now) < HOUR_MS for (at,) in ats)
    doubted = {one["machine"] for one in hub.findings("clock")}
    assert doubted == {agents["2009"].device, agents["2040"].device}
    assert len(hub.machines()) == 3
    for agent in agents.values():
        assert agent.stop() == 0
        stream, _, last = agent.outbox()
        until(lambda agent=agent, stream=stream, last=last: hub.upto(agent.device, stream) == last)  # type: ignore[misc]
    assert not hub.rows("SELECT * FROM lost")
