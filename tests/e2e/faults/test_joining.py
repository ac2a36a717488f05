"""A machine becomes the school's: by a room's token, or by one click; what it is made of shows on the hub."""

from tests.fixtures.road import Road, densach, until

from densach_agent.collectors import ALL


def test_a_machine_joins_by_a_token_and_its_facts_show(road: Road) -> None:
    hub = road.hub()
    room = hub.api("POST", "/rooms", {"name": "Phòng máy 1", "seats": 6})
    agent = road.agent()
    said = densach("agent", "enrol", "--hub", hub.url, "--token-file", "-", "--data", agent.data, said=hub.room_token(room["id"]))
    assert "Admitted as" in said
    agent.start()
    device = agent.device
    until(lambda: set(hub.sections(device)) == set(ALL))
    sight = hub.api("GET", f"/machines/{device}")
    once = densach("agent", "once", "--json")
    assert '"section": "cpu"' in once
    assert sight["machine"]["place"]["room"] == room["id"]
    assert not sight["machine"].get("simulated")
    assert hub.sections(device)["cpu"]["items"]
    assert f"/lab/machines/{device}" in hub.page("/lab/machines")
    assert until(agent.status)["device"] == device
    assert agent.stop() == 0
    until(lambda: hub.rows("SELECT 1 FROM event WHERE device = ? AND kind = 'stopped'", device))
    assert hub.rows("SELECT presence FROM live WHERE device = ?", device) == [("offline",)]


def test_without_a_token_it_waits_for_one_click_and_tells_what_it_saw_before(road: Road) -> None:
    hub = road.hub()
    agent = road.agent()
    agent.joins(hub)
    agent.has_waiting(1, 50)  # it measures from its first second, admitted or not
    words = ("agent", "enrol", "--no-wait", "--hub", hub.url, "--data", agent.data)
    assert "Waiting to be admitted" in densach(*words)
    [asked] = hub.waiting()
    assert not hub.machines()
    assert asked["hostname"] in hub.page("/lab/waiting")
    assert "Waiting to be admitted" in densach(*words)
    [still] = hub.waiting()
    assert still["id"] == asked["id"]
    admitted = hub.api("POST", f"/enrol/waiting/{asked['id']}/admit", {})
    assert f"Admitted as {admitted['id']}" in densach(*words)
    agent.start()
    until(lambda: hub.told(admitted["id"]) == list(range(1, 51)))
    assert not hub.waiting()
