"""From a device to the disk and back, through a real Mosquitto and real databases."""

import asyncio
from pathlib import Path

from tests.fixtures.device import device, events
from tests.fixtures.intake import hub_intake
from tests.fixtures.mosquitto import Mosquitto

from densach_hub.link.model import BrokerAddress
from densach_wire import codec
from densach_wire.messages import Command, Event, Factor, Gap, Health, Kept, Moment, UsageSlice


def plain(broker: Mosquitto) -> BrokerAddress:
    return BrokerAddress(broker.host, broker.port)


async def test_what_was_told_is_stored_once_and_acknowledged(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with hub_intake(tmp_path, plain(mosquitto), devices=["pc-1"]) as hub, device(mosquitto.port, "pc-1") as pc:
        payload = pc.batch(
            [
                Event("boot"),
                Health(cpu_pct=12.5),
                UsageSlice(session="s1", start=Moment(940, None), end=Moment(1000, None), active_ms=50_000, idle_ms=5_000),
            ]
        )
        for _ in range(3):  # MQTT's at-least-once, the agent's impatience
            await pc.raw(payload)
        ack = await pc.ack()
        assert (ack.stream, ack.upto, ack.want) == ("stream-1", 3, ())
        await pc.say(*events(2))
        assert (await pc.acked(5)).upto == 5
        assert [await hub.count(table) for table in ("event", "health", "usage")] == [3, 1, 1]
        status = hub.intake.status()
        assert status.records == 5
        assert status.repeated == 6


async def test_two_devices_do_not_mix(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with hub_intake(tmp_path, plain(mosquitto), devices=["pc-1", "pc-2"]) as hub:
        async with device(mosquitto.port, "pc-1") as one, device(mosquitto.port, "pc-2") as two:
            await one.say(*events(5))
            await two.say(*events(7))
            assert (await one.acked(5)).upto == 5
            assert (await two.acked(7)).upto == 7
        assert await hub.upto("pc-1", "stream-1") == 5


async def test_a_hole_is_asked_for_and_filled(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with hub_intake(tmp_path, plain(mosquitto), devices=["pc-1"]) as hub, device(mosquitto.port, "pc-1") as pc:
        await pc.say(*events(2))
        await pc.acked(2)
        await pc.say(*events(3), first_seq=6)
        ack = await pc.ack()
        assert (ack.upto, ack.resend_from) == (2, 3)
        await pc.say(*events(6), first_seq=3)
        assert (await pc.acked(8)).want == ()
        assert await hub.count("event") == 8


async def test_a_gap_that_the_device_tells_is_counted_as_lost(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with hub_intake(tmp_path, plain(mosquitto), devices=["pc-1"]) as hub, device(mosquitto.port, "pc-1") as pc:
        await pc.say(*events(2))
        await pc.say(Gap(3, 90, "size"), first_seq=90)
        assert (await pc.acked(90)).want == ()
        await pc.say(*events(1))
        assert (await pc.acked(91)).want == ()
        assert hub.intake.status().lost == 88
        assert await hub.count("lost") == 1


async def test_what_nobody_keeps_any_more_is_lost_with_its_size(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with hub_intake(tmp_path, plain(mosquitto), devices=["pc-1"]) as hub, device(mosquitto.port, "pc-1") as pc:
        await pc.hello(kept=Kept(501, 510))
        assert (await pc.ack()).upto == 0
        await pc.say(*events(10), first_seq=501)
        assert (await pc.acked(510)).want == ()
        assert hub.intake.status().lost == 500


async def test_a_hub_restored_from_yesterday_asks_for_what_it_forgot(mosquitto: Mosquitto, tmp_path: Path) -> None:
    now, backup = tmp_path / "now", tmp_path / "backup"
    now.mkdir()
    backup.mkdir()
    async with device(mosquitto.port, "pc-1") as pc:
        async with hub_intake(now, plain(mosquitto), devices=["pc-1"]) as hub:
            await pc.say(*events(100))
            await pc.acked(100)
            for name in ("telemetry.db", "school.db"):
                await (hub.telemetry if name == "telemetry.db" else hub.school).copy_to(backup / name)
            await pc.say(*events(400))
            await pc.acked(500)
        async with hub_intake(backup, plain(mosquitto)) as restored:
            assert await restored.upto("pc-1", "stream-1") == 100
            await pc.say(*events(1))  # the device believes that 500 is safe
            while (ack := await pc.ack()).resend_from is None:
                pass
            assert ack.resend_from == 101
            await pc.say(*events(401), first_seq=101)
            await pc.acked(501)
            assert await restored.count("event") == 501
            assert restored.intake.status().lost == 0


async def test_hello_is_answered_with_what_is_stored(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with hub_intake(tmp_path, plain(mosquitto), devices=["pc-1"]) as hub, device(mosquitto.port, "pc-1") as pc:
        await pc.say(*events(4))
        await pc.acked(4)
        await pc.hello()
        ack = await pc.ack()
        assert (ack.upto, ack.sections) == (4, ("*",))  # it has no inventory of this machine yet
        live = await hub.fleet.telemetry.live("pc-1")
        assert live is not None
        assert live.agent == "test 1"


async def test_an_agent_in_2009_and_one_in_2040(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with hub_intake(tmp_path, plain(mosquitto), devices=["old", "new"]) as hub:
        for name, clock_s in (("old", 1_230_768_000.0), ("new", 2_208_988_800.0)):
            async with device(mosquitto.port, name) as pc:
                pc.clock_s = clock_s
                before = hub.link._clock.now_ms()
                await pc.say(*events(3))
                assert (await pc.acked(3)).now * 1000 >= before
        rows = await hub.telemetry.read(lambda c: c.execute("SELECT at FROM event").fetchall())
        assert all(abs(row["at"] - hub.link._clock.now_ms()) < 60_000 for row in rows)
        clocks = await hub.telemetry.read(lambda c: c.execute("SELECT clock FROM live").fetchall())
        assert {row["clock"] for row in clocks} == {"none"}


async def test_a_room_is_switched_on_at_once(mosquitto: Mosquitto, tmp_path: Path) -> None:
    names = [f"pc-{n}" for n in range(20)]
    async with hub_intake(tmp_path, plain(mosquitto), devices=names) as hub, device(mosquitto.port, "pc-0") as pc:
        for name in names:
            pc.name = name
            await pc.hello()
            await pc.raw(b"online", "presence", retain=True)
            await pc.say(*events(10), first_seq=1)
        online = 0
        for _ in range(200):
            online = await hub.count("live WHERE presence = 'online'")
            if online == 20:
                break
            await asyncio.sleep(0.05)
        assert online == 20
        assert await hub.count("event") == 200


async def test_the_acknowledgement_comes_after_the_disk(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """Power lost right after an acknowledgement: what counts is `synchronous`, per file."""
    async with hub_intake(tmp_path, plain(mosquitto), devices=["pc-1"]) as hub, device(mosquitto.port, "pc-1") as pc:
        await pc.say(*events(1))
        await pc.acked(1)
        for db in (hub.telemetry, hub.school):
            assert await db.write(lambda c: c.execute("PRAGMA synchronous").fetchone()[0]) == 2  # FULL
            assert await db.write(lambda c: c.execute("PRAGMA journal_mode").fetchone()[0]) == "wal"


async def test_a_twin_is_told_to_join_under_its_own_name(mosquitto: Mosquitto, tmp_path: Path) -> None:
    def factors(n: int) -> tuple[Factor, ...]:
        return tuple(Factor(kind, f"{kind}-{n:08}") for kind in ("board", "chassis", "disk"))

    async with hub_intake(tmp_path, plain(mosquitto), devices=["pc-1"]) as hub, device(mosquitto.port, "pc-1") as pc:
        await pc.hello(fingerprint=factors(1))
        assert (await pc.ack()).sections == ("*",)
        pc.boot, pc.stream = "boot-of-the-other", "stream-2"
        await pc.hello(fingerprint=factors(2), hostname="other")
        assert (await pc.ack()).upto == 0
        while not (heard := await pc.client.next())[0].endswith("/cmd/reenrol"):
            pass
        command = codec.decode(heard[1], Command)
        assert command.args == {"why": "twin", "boot": "boot-of-the-other"}
        await pc.say(*events(3))
        assert (await pc.ack()).upto == 0  # kept by the twin, until it has a name of its own
        assert await hub.count("event") == 0
