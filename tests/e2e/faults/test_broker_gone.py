"""The broker is away: nothing is lost, nothing counts twice."""

import msgspec
import pytest
from tests.fixtures.mosquitto import Mosquitto
from tests.fixtures.road import Road, until

from densach_wire.messages import Desired

pytestmark = pytest.mark.timeout(300)
HOUR_MS = 3_600_000
PACE = 600


def test_the_hubs_own_broker_is_killed_and_comes_back_by_itself(road: Road) -> None:
    hub = road.hub()
    agent = road.agent()
    agent.joins(hub, hub.room_token())
    agent.has_waiting(1, 200)
    agent.start()
    device = agent.device
    until(lambda: hub.told(device) == list(range(1, 201)))
    first = hub.broker()
    first.kill()
    until(lambda: hub.broker().pid != first.pid)
    agent.stop()
    agent.has_waiting(201, 5000)
    agent.start()
    until(lambda: hub.told(device) == list(range(1, 5001)))
    assert not hub.rows("SELECT * FROM lost")
    until(lambda: hub.ask("GET", "/healthz")[0] == 200)


def test_an_hour_without_a_broker(road: Road, mosquitto: Mosquitto) -> None:
    """Somebody else's broker stops for an hour of the agent's time; what it measured meanwhile arrives, each record once."""
    hub = road.hub(mosquitto.url)
    pace = road.folder / "pace"
    pace.write_text("1")
    agent = road.agent("agent", "now", pace, root=road.machine("pc-07", 7))
    agent.joins(hub, hub.room_token())
    wish = Desired(health_sample_s=30, health_send_s=60, usage_sample_s=60, batch_s=5)
    (agent.data / "desired.json").write_bytes(msgspec.json.encode(wish))
    agent.start()
    device = agent.device
    until(lambda: hub.sections(device))

    mosquitto.stop()
    until(lambda: hub.ask("GET", "/healthz")[0] != 200)  # the hub says so itself
    _, _, before = agent.outbox()
    pace.write_text(str(PACE))
    until(lambda: agent.outbox()[2] >= before + 50, 120)  # one a minute
    pace.write_text("1")
    hub.page("/lab")  # and everything else of it works on
    mosquitto.start()

    until(lambda: hub.upto(device) >= before + 50)
    assert agent.stop() == 0
    stream, _, last = agent.outbox()
    until(lambda: hub.upto(device, stream) == last)
    assert not hub.rows("SELECT * FROM lost")
    ats = [at for (at,) in hub.rows("SELECT at FROM health WHERE device = ? ORDER BY id", device)]
    assert len(ats) >= 50
    assert len(set(ats)) == len(ats)
    assert ats[-1] - ats[0] >= 0.7 * HOUR_MS
    assert hub.ask("GET", "/healthz")[0] == 200
