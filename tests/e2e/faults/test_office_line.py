"""The line to the office goes down and comes back: what the school said meanwhile arrives, each record once."""

import contextlib
import json
import sqlite3

import pytest
from tests.fixtures.road import SECRET, Hub, Road, Site, densach, until

pytestmark = pytest.mark.timeout(300)
CODE = "79761234"


def registered(office: Site, cookie: str) -> int | None:
    """What the office believes: machines in the school's register."""
    status, body, _ = office.ask("GET", f"/api/v1/schools/{CODE}", headers={"Cookie": cookie, "Authorization": ""})
    if status == 404:
        return None
    assert status == 200, body
    found: int | None = json.loads(body)["row"]["registered"]
    return found


def declare(hub: Hub, *names: str) -> None:
    for name in names:
        hub.api("POST", "/machines", {"name": name})


def restart(hub: Hub) -> None:
    """A hub says what changed soon after its start, and every ten minutes."""
    assert hub.stop() == 0
    hub.start()


def test_down_and_up(road: Road) -> None:
    hub = road.hub()
    hub.api("PUT", "/school", {**hub.api("GET", "/school"), "name": "THCS Ánh Sáng", "codes": [{"code": CODE}]})
    office = road.office()
    issued = json.loads(densach("office", "code", "--data", road.folder / "office", "--school", CODE, "--json"))
    office.start()
    office.wait_ready()
    (road.folder / "code").write_text(issued["code"])
    said = densach("hub", "pair", "--data", hub.data, "--office", office.url, "--code-file", road.folder / "code")
    assert "Paired" in said
    cookie = office.sign_in("admin", SECRET)
    declare(hub, "PC-01")
    restart(hub)
    until(lambda: registered(office, cookie) == 1)

    assert office.stop() == 0
    declare(hub, "PC-02", "PC-03")
    restart(hub)
    until(lambda: hub.rows("SELECT 1 FROM upward_outbox", file="school.db"))
    hub.page("/admin")  # a school works on without its office
    office.start()
    office.wait_ready()
    until(lambda: registered(office, cookie) == 3)
    until(lambda: not hub.rows("SELECT 1 FROM upward_outbox", file="school.db"))
    with contextlib.closing(sqlite3.connect(road.folder / "office" / "office.db")) as held:
        notices = held.execute("SELECT * FROM notice").fetchall()
    assert notices == []  # no version came twice, none was lower
    assert hub.stop() == 0
    assert office.stop() == 0
