"""What was acknowledged is on the disk, not only out of the process: `synchronous`, and fsync before every rename.

A kill -9 cannot show this (the kernel still has what was written), so the running hub's own calls are written down.
"""

import json
import textwrap
from pathlib import Path

import pytest
from tests.fixtures.road import Road, until
from tests.hub.library import made

from densach_core.clock import SystemClock
from densach_hub.opening import open_rooms

pytestmark = pytest.mark.timeout(300)

RECORDER = textwrap.dedent(
    """\
    # Read by Python at its start: writes down what is synced, what is renamed and which files are committed to.
    import json, os, sqlite3

    _fsync, _replace, _rename, _connect = os.fsync, os.replace, os.rename, sqlite3.connect
    _out = os.open(os.environ["SYNCS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def tell(*words):
        os.write(_out, json.dumps([str(word) for word in words]).encode() + b"\\n")

    def fsync(handle):
        number = handle if isinstance(handle, int) else handle.fileno()
        _fsync(number)
        tell("sync", os.readlink(f"/proc/self/fd/{number}"))

    def moved(plain):
        def call(old, new, **more):
            plain(old, new, **more)
            tell("rename", os.path.abspath(old), os.path.abspath(new))
        return call

    def connect(name, *words, **more):
        made = _connect(name, *words, **more)
        if "mode=rwc" in str(name):
            made.set_trace_callback(lambda sql: tell("sql", name, sql) if "synchronous=" in sql else None)
        return made

    os.fsync, os.replace, os.rename, sqlite3.connect = fsync, moved(_replace), moved(_rename), connect
    """
)


async def test_every_file_that_acknowledges_is_opened_with_full(hub_seed: Path) -> None:
    """2 is FULL. The search index is made anew at will: 1, NORMAL."""
    async with open_rooms(hub_seed, SystemClock()) as rooms:
        for database in (rooms.school, rooms.telemetry):
            assert await database.write(lambda c: c.execute("PRAGMA synchronous").fetchone()[0]) == 2
            assert await database.write(lambda c: c.execute("PRAGMA journal_mode").fetchone()[0]) == "wal"


def test_nothing_takes_its_name_before_it_is_on_the_disk(road: Road, tmp_path: Path) -> None:
    """A running hub: a room, a token, a machine that joins, an upload, a clean end."""
    folder = tmp_path / "recorder"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(RECORDER)
    data = tmp_path / "new-hub"
    data.mkdir()
    for name in ("school.db", "telemetry.db", "search.db"):
        (data / name).write_bytes((road.seed / name).read_bytes())  # accounts, but no keys yet and no school id
    hub = road.hub(data=data, start=False)
    hub.env = {"PYTHONPATH": str(folder), "SYNCS": str(tmp_path / "syncs")}
    hub.start()
    room = hub.api("POST", "/rooms", {"name": "Phòng máy 1", "seats": 4})["id"]
    agent = road.agent(root=road.machine("pc-01", 1))
    agent.joins(hub, hub.room_token(room))
    agent.start()
    until(lambda: hub.sections(agent.device))
    hub.upload(("sach.epub", made.epub()))
    hub.item("sach.epub")
    assert agent.stop() == 0
    assert hub.stop() == 0

    told = [json.loads(line) for line in (tmp_path / "syncs").read_text("utf-8").splitlines()]
    opened = {Path(name.split("?")[0]).name: sql for kind, name, *sql in told if kind == "sql"}
    assert opened["school.db"] == opened["telemetry.db"] == ["PRAGMA synchronous=FULL"]

    # Mosquitto's files are written anew at each start: losing them loses nothing.
    renames = [
        (at, Path(old), Path(new))
        for at, (kind, old, *rest) in enumerate(told)
        for new in rest
        if kind == "rename" and Path(new).is_relative_to(data) and "mosquitto" not in Path(new).parts
    ]
    kept = {new.name for _, _, new in renames}
    assert {"school-id", "clock.json", "rooms.json", "ca.key"} <= kept
    assert any("files" in new.parts for _, _, new in renames)
    for at, old, new in renames:
        assert ["sync", str(old)] in told[:at], f"{new.name} was renamed before it was synced"
        assert ["sync", str(new.parent)] in told[at:], f"the name of {new.name} is not on the disk"
