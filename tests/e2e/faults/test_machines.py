"""Which machine is it? One disk image in two machines is two; one machine renamed and moved is one."""

import shutil

import pytest
from tests.fixtures.road import Road, until

pytestmark = pytest.mark.timeout(300)


def test_one_disk_image_in_two_machines(road: Road) -> None:
    hub = road.hub()
    model = road.agent("seat-7", root=road.machine("pc-07", 7))
    model.joins(hub, hub.room_token())
    model.has_waiting(1, 100)
    model.start()
    until(lambda: hub.told(model.device) == list(range(1, 101)))
    assert model.stop() == 0

    # Its disk is copied into the machine of seat 8, and both are switched on.
    shutil.copytree(model.data, road.folder / "seat-8")
    copy = road.agent("seat-8", root=road.machine("pc-08", 8))
    copy.start()
    model.start()
    [asking] = until(hub.waiting)
    assert (asking["twin_of"], asking["was"]) == (model.device, model.device)
    [finding] = until(lambda: hub.findings("twin"))
    assert (finding["waiting"], finding["urgent"]) == (asking["id"], True)
    assert "cùng một ổ đĩa" in hub.page("/lab/waiting") or asking["hostname"] in hub.page("/lab/waiting")
    assert hub.told(model.device) == list(range(1, 101))  # the copy of its outbox is not told again under its name

    admitted = hub.api("POST", f"/enrol/waiting/{asking['id']}/admit", {})
    copy.stop()  # it would ask by itself within half a minute
    copy.start()
    until(lambda: copy.device == admitted["id"])
    until(lambda: {"cpu", "disk"} <= set(hub.sections(copy.device)))
    assert {m["id"] for m in hub.machines()} == {model.device, copy.device}
    assert hub.told(copy.device) == []
    [word] = hub.findings("twin")  # a word to the technician: what it was, and what to do before the next copy
    assert (word["machine"], word["urgent"]) == (copy.device, False)
    for agent in (model, copy):
        assert agent.stop() == 0
        stream, _, last = agent.outbox()
        until(lambda agent=agent, stream=stream, last=last: hub.upto(agent.device, stream) == last)  # type: ignore[misc]


def test_renamed_and_moved_it_is_still_one(road: Road) -> None:
    hub = road.hub()
    rooms = [hub.api("POST", "/rooms", {"name": f"Phòng máy {n}", "seats": 6})["id"] for n in (1, 2)]
    tree = road.machine("pc-01", 1)
    agent = road.agent(root=tree)
    agent.joins(hub, hub.room_token(rooms[0]))
    agent.has_waiting(1, 100)
    agent.start()
    device = agent.device
    until(lambda: hub.told(device) == list(range(1, 101)))
    assert agent.stop() == 0

    # Renamed by a technician at its keyboard, carried into the other room; then even its system is installed anew.
    (tree / "proc/sys/kernel/hostname").write_text("may-giao-vien\n")
    hub.api("POST", f"/machines/{device}/move", {"room": rooms[1], "seat": None})
    agent.start()
    until(lambda: hub.rows("SELECT hostname FROM live WHERE device = ?", device) == [("may-giao-vien",)])
    assert agent.stop() == 0
    shutil.rmtree(agent.data)
    agent.data.mkdir()
    agent.joins(hub, hub.room_token())
    agent.start()
    assert agent.device == device
    until(lambda: len(hub.rows("SELECT stream FROM stream WHERE device = ?", device)) == 2)

    [machine] = hub.machines()
    assert (machine["id"], machine["hostname"], machine["place"]["room"]) == (device, "may-giao-vien", rooms[1])
    assert hub.told(device) == list(range(1, 101))  # its past is its own
    assert not hub.findings("twin")
    assert not hub.waiting()
