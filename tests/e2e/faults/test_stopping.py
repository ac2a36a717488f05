"""SIGTERM is a clean end: exit code 0, no process left; the second start has kept what was there."""

import signal
import time

import psutil
import pytest
from tests.fixtures.road import SECRET, Child, Road, until
from tests.hub.library import made

pytestmark = pytest.mark.timeout(300)


def left(children: list[psutil.Process]) -> list[str]:
    gone = time.monotonic() + 10
    while still := [p for p in children if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]:
        if time.monotonic() > gone:
            return [" ".join(p.cmdline()) for p in still]
        time.sleep(0.05)
    return []


def ends(child: Child, number: int = signal.SIGTERM) -> None:
    """Exit code 0, and none of its children stays."""
    children = child.children()
    assert child.stop(number) == 0, child.said
    assert left(children) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_hub_agent_and_office_end_cleanly_and_start_again(road: Road, number: int) -> None:
    hub, office = road.hub(), road.office()
    office.start()
    office.wait_ready()
    room = hub.api("POST", "/rooms", {"name": "Phòng máy 1", "seats": 4})["id"]
    agent = road.agent()
    agent.joins(hub, hub.room_token(room))
    agent.has_waiting(1, 100)
    agent.start()
    device = agent.device
    until(lambda: hub.told(device) == list(range(1, 101)))
    hub.upload(("sach.epub", made.epub()))
    book = hub.item("sach.epub")
    page = hub.page("/lab/machines")
    cookie = hub.cookie
    assert [c.name() for c in hub.children()].count("mosquitto") == 1

    ends(agent)  # what it measured last is told first
    until(lambda: hub.rows("SELECT 1 FROM event WHERE device = ? AND kind = 'stopped'", device))
    ends(hub, number)
    ends(office, number)
    assert not (hub.data / "running.json").exists()
    assert "Traceback" not in hub.said + office.said + agent.said

    hub.start()  # some 1.2 s when nothing else runs
    office.start()
    office.wait_ready()
    agent.start()
    assert hub.cookie == cookie
    assert device in page
    assert device in hub.page("/lab/machines")  # the session of before still holds
    assert hub.item("sach.epub") == book
    assert hub.api("GET", f"/rooms/{room}")["room"]["name"] == "Phòng máy 1"
    assert office.sign_in("admin", SECRET)
    until(lambda: hub.rows("SELECT presence FROM live WHERE device = ?", device) == [("online",)])
    assert hub.told(device) == list(range(1, 101))
    for child in (agent, office, hub):
        ends(child)


def test_a_broker_killed_and_a_hub_killed_leave_nothing(road: Road) -> None:
    hub = road.hub()
    children = hub.children()
    assert children
    hub.kill()
    assert left(children) == []  # Mosquitto goes with its hub, however that ends
    hub.start()
    assert hub.ask("GET", "/healthz")[0] == 200
    ends(hub)
