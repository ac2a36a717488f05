"""A hub put back from yesterday's backup onto an empty folder asks for what it forgot; nothing and nobody is lost."""

import pytest
from tests.fixtures.road import Agent, Road, densach, until

pytestmark = pytest.mark.timeout(300)


def whole(agent: Agent, first: int, last: int) -> None:
    agent.stop()
    agent.has_waiting(first, last)
    agent.start()


def test_from_yesterdays_backup(road: Road) -> None:
    hub = road.hub()
    room = hub.api("POST", "/rooms", {"name": "Phòng máy 1", "seats": 6})["id"]
    old = road.agent("old", root=road.machine("pc-01", 1))
    old.joins(hub, hub.room_token(room))
    old.has_waiting(1, 300)
    old.start()
    until(lambda: hub.told(old.device) == list(range(1, 301)))

    said = densach("backup", road.folder / "stick", "--data", hub.data)
    assert "Complete" in said

    # The day after: more is told, and a machine joins. All of it is acknowledged.
    new = road.agent("new", root=road.machine("pc-02", 2))
    new.joins(hub, hub.room_token(room))
    new.has_waiting(1, 400)
    new.start()
    whole(old, 301, 900)
    until(lambda: hub.told(old.device) == list(range(1, 901)) and hub.told(new.device) == list(range(1, 401)))
    until(lambda: old.outbox()[1] >= 900 and new.outbox()[1] >= 400)
    before = {machine["id"]: machine["name"] for machine in hub.machines()}
    hub.kill()

    # The disk died.
    again = road.hub_in_place_of(hub, road.folder / "again")
    assert "Restored" in densach("restore", road.folder / "stick", "--data", again.data)
    again.start()

    # Whom it knows fills the hole by itself …
    until(lambda: again.told(old.device) == list(range(1, 901)))

    # … and whom it has forgotten is a clear finding and one click.
    [asking] = until(again.waiting)
    assert asking["machine"] == new.device
    [finding] = again.findings("waiting")
    assert "restored from an older backup" in str(finding["what"])
    assert "đã từng được nhận" in again.page("/lab/waiting")
    assert not again.findings("quarantine")
    again.api("POST", f"/enrol/waiting/{asking['id']}/admit", {"room": room})
    until(lambda: again.told(new.device) == list(range(1, 401)))
    until(lambda: "cpu" in again.sections(new.device))

    assert {machine["id"]: machine["name"] for machine in again.machines()} == before
    assert not again.waiting()
    assert not again.rows("SELECT * FROM lost")
    for agent in (old, new):
        assert agent.stop() == 0
        stream, _, last = agent.outbox()
        until(lambda agent=agent, stream=stream, last=last: again.upto(agent.device, stream) == last)  # type: ignore[misc]
