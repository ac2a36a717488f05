"""What machines were used for: kinds of session, classes of application, and what nobody can know."""

import msgspec
from tests.hub.fleet.conftest import MINUTE, Lab

from densach_hub.fleet import store_use
from densach_hub.fleet.telling import Arrival, Arrived
from densach_wire.messages import Moment, SessionKind, UsageSlice


async def _tell(lab: Lab, device: str, **said: object) -> None:
    mark = await lab.fleet.telemetry.mark(device, "s1")
    piece = UsageSlice(session="s", start=Moment(0), end=Moment(900), **said)  # type: ignore[arg-type]
    now = lab.clock.now_ms()
    record = Arrived(mark.upto + 1 if mark else 1, now, piece, now - 15 * MINUTE, now)
    arrival = Arrival(device=device, stream="s1", boot="b1", received_at=now, records=(record,))
    await lab.fleet.telemetry.receive(arrival)
    await lab.fleet.telemetry.receive(arrival)  # the same once more: counted once
    await lab.fleet.telemetry.roll_up()


async def test_classes_and_kinds_add_up_over_machines(lab: Lab) -> None:
    one, two = await lab.machine("PC-01"), await lab.machine("PC-02")
    front = {"browser": 5 * MINUTE, "office": 4 * MINUTE}
    await _tell(lab, one.id, active_ms=10 * MINUTE, idle_ms=0, apps=front, apps_how="foreground")
    await _tell(
        lab, two.id, active_ms=3 * MINUTE, idle_ms=0, kind=SessionKind.EXAM, apps={"office": 3 * MINUTE}, apps_how="foreground"
    )
    ran = {"browser": 2 * MINUTE, "game": 2 * MINUTE}
    await _tell(lab, two.id, active_ms=2 * MINUTE, idle_ms=MINUTE, unknown_ms=2 * MINUTE, apps=ran, apps_how="running")
    parts, unknown = await lab.fleet.telemetry.uses([one.id, two.id], "2000-01-01", "2100-01-01")
    assert {(p.what, p.name): (p.ms // MINUTE, p.machines) for p in parts} == {
        ("foreground", "office"): (7, 2),
        ("foreground", "browser"): (5, 1),
        ("running", "browser"): (2, 1),
        ("running", "game"): (2, 1),
        ("kind", "local"): (12, 2),
        ("kind", "exam"): (3, 1),
    }
    assert unknown == 2 * MINUTE
    assert await lab.fleet.telemetry.uses([], "2000-01-01", "2100-01-01") == ([], 0)
    (day,) = await lab.fleet.telemetry.usage_days(two.id, "2000-01-01", "2100-01-01")
    assert (day.active_ms, day.unknown_ms) == (5 * MINUTE, 2 * MINUTE)


def test_what_a_device_makes_up_fills_no_table_and_no_hour() -> None:
    sums: store_use.Sums = {}
    made_up = {f"x{n}": 10 * MINUTE for n in range(1000)} | {"browser": 10 * MINUTE}
    apps = msgspec.json.encode(made_up)
    store_use.note(sums, "d", "2026-11-24", "local", 15 * MINUTE, apps, "foreground")
    store_use.note(sums, "d", "2026-11-24", "local", 15 * MINUTE, apps, "telepathy")
    assert sum(ms for (_, _, what, _), ms in sums.items() if what == "foreground") == 15 * MINUTE
    assert {name for _, _, what, name in sums if what == "foreground"} == {"other"}
    assert {what for _, _, what, _ in sums} == {"foreground", "kind"}
