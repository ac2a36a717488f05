"""Bad input and bad days: a clear reason, nobody else harmed, nothing lost."""

import asyncio
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.fixtures.device import Device, device, events
from tests.fixtures.intake import HubIntake, hub_intake
from tests.fixtures.mosquitto import Mosquitto

from densach_hub.fleet import receiving
from densach_hub.fleet.telling import Quarantined
from densach_hub.intake.model import Code
from densach_hub.link.model import BrokerAddress
from densach_wire import codec
from densach_wire.messages import Ack


def plain(broker: Mosquitto) -> BrokerAddress:
    return BrokerAddress(broker.host, broker.port)


@asynccontextmanager
async def lab(mosquitto: Mosquitto, folder: Path) -> AsyncIterator[tuple[HubIntake, Device, Device]]:
    """A hub, a device that misbehaves and one that does not."""
    async with AsyncExitStack() as stack:
        hub = await stack.enter_async_context(hub_intake(folder, plain(mosquitto), devices=["bad", "good"]))
        bad = await stack.enter_async_context(device(mosquitto.port, "bad"))
        good = await stack.enter_async_context(device(mosquitto.port, "good"))
        yield hub, bad, good


async def kept_apart(hub: HubIntake, n: int) -> list[Quarantined]:
    """The quarantine, once it has as many as expected (facts go before it)."""
    for _ in range(200):
        found = await hub.intake.quarantine()
        if len(found) >= n:
            break
        await asyncio.sleep(0.02)
    return found


def one_gigabyte() -> bytes:
    packer = zlib.compressobj(9)
    chunk = b" " * 1_000_000
    return b"".join([packer.compress(b"{"), *(packer.compress(chunk) for _ in range(1000)), packer.flush()])


BAD: list[tuple[str, Any, str]] = [
    ("not json", b"what is this", "wire.not-json"),
    ("empty", b"", "wire.not-json"),
    ("half of a compressed one", zlib.compress(b'{"v":1}' * 50)[:-9], "wire.bad-zlib"),
    ("ten megabytes", b"{" + b" " * 10_000_000 + b"}", "wire.too-large"),
    ("inflates to a gigabyte", one_gigabyte, "wire.too-large"),
    ("wrong type", {"v": 1, "dev": "bad", "stream": 7, "boot": "b", "sent": {"up": 1}, "recs": []}, "wire.bad-shape"),
    ("no records", {"v": 1, "dev": "bad", "stream": "s", "boot": "b", "sent": {"up": 1}}, "wire.bad-shape"),
    ("nested", b'{"v":1,"recs":' + b"[" * 100_000, "wire.too-deep"),
    ("tomorrow's contract", {"v": 2, "dev": "bad", "stream": "s", "boot": "b", "sent": {"up": 1}, "recs": []}, "wire.version"),
    ("another's id", {"v": 1, "dev": "good", "stream": "s", "boot": "b", "sent": {"up": 1}, "recs": []}, Code.FOREIGN_DEVICE),
]


@pytest.mark.parametrize(("payload", "code"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
async def test_what_does_not_fit_is_kept_apart(mosquitto: Mosquitto, tmp_path: Path, payload: Any, code: str) -> None:
    if callable(payload):
        payload = payload()
    elif isinstance(payload, dict):
        payload = msgspec.json.encode(payload)
    async with lab(mosquitto, tmp_path) as (hub, bad, good):
        await bad.raw(payload)
        await good.say(*events(3))
        assert (await good.acked(3)).upto == 3
        [kept] = await kept_apart(hub, 1)
        assert (kept.code, kept.device) == (code, "bad")
        assert len(kept.raw) <= 4096
        if len(payload) > 16_384:
            assert str(len(payload)) in kept.detail
        await bad.say(*events(2))  # and the bad one is heard as soon as it speaks sense
        assert (await bad.acked(2)).upto == 2
        assert hub.intake.status().quarantined == {code: 1}


async def test_a_bad_record_never_blocks_its_stream(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with lab(mosquitto, tmp_path) as (hub, bad, _):
        letter = msgspec.json.decode(codec.unpack(bad.batch(events(5))))
        letter["recs"][1]["d"] = {"kind": 3}
        letter["recs"][2]["k"] = "horoscope"
        await bad.raw(msgspec.json.encode(letter))
        assert (await bad.acked(5)).upto == 5
        kept = await kept_apart(hub, 2)
        assert {k.code for k in kept} == {"wire.bad-shape", "wire.unknown-kind"}
        assert await hub.count("event") == 3


async def test_a_flood_of_nonsense_is_counted_and_not_kept(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with lab(mosquitto, tmp_path) as (hub, bad, good):
        for _ in range(300):
            bad.client.paho.publish("densach/1/truong-1/bad/batch", b"flood", 1)
        await good.say(*events(3))
        await good.acked(3)
        for _ in range(100):
            if hub.intake.status().quarantined.get("wire.not-json") == 300:
                break
            await asyncio.sleep(0.05)
        assert hub.intake.status().quarantined == {"wire.not-json": 300}
        assert len(await kept_apart(hub, 1)) == 1


async def test_a_device_that_nobody_admitted(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """As after a restore from an old backup: it is not acknowledged, so it keeps what it has until it is admitted."""
    async with lab(mosquitto, tmp_path) as (hub, _, good), device(mosquitto.port, "stranger") as stranger:
        payload = stranger.batch(events(4))
        await stranger.raw(payload)
        await stranger.hello()
        await stranger.raw(b"online", "presence")
        await good.say(*events(1))
        await good.acked(1)
        assert {k.code for k in await kept_apart(hub, 1)} == {Code.UNKNOWN_DEVICE}
        assert await hub.count("event") == 1
        await hub.admit("stranger")
        await stranger.raw(payload)
        assert (await stranger.acked(4)).upto == 4


async def test_words_and_results_that_do_not_fit(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with lab(mosquitto, tmp_path) as (hub, bad, good):
        await bad.raw(b"perhaps", "presence")
        await bad.raw(b"{}", "hello")
        await bad.raw(b"[]", "res/message")
        await bad.raw(b"{}", "res/Not-A-Name")
        await good.say(*events(1))
        await good.acked(1)
        await kept_apart(hub, 2)
        assert hub.intake.status().quarantined == {"wire.bad-shape": 3, "wire.bad-topic": 1}


async def test_the_hubs_own_fault_costs_one_record(mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store_records = receiving.store_records

    def stumble(c: sqlite3.Connection, arrival: Any, records: Any, facts: Any, give_way: Any) -> None:
        if any(getattr(r.body, "attrs", {}).get("n") == 2 for r in records):
            raise ZeroDivisionError("a bug")
        store_records(c, arrival, records, facts, give_way)

    monkeypatch.setattr(receiving, "store_records", stumble)
    async with lab(mosquitto, tmp_path) as (hub, bad, _):
        await bad.say(*events(5))
        assert (await bad.acked(5)).upto == 5
        [kept] = await kept_apart(hub, 1)
        assert kept.code == Code.HUB_FAULT
        assert "a bug" in kept.detail
        assert await hub.count("event") == 4


async def test_a_full_disk_stops_acknowledging_and_loses_nothing(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with lab(mosquitto, tmp_path) as (hub, _, good):
        await good.say(*events(1))
        await good.acked(1)

        def limit(pages: int) -> Any:
            return lambda c: c.execute(f"PRAGMA max_page_count = {pages}").fetchone()[0]

        now = await hub.telemetry.write(lambda c: c.execute("PRAGMA page_count").fetchone()[0])
        await hub.telemetry.write(limit(now))
        await good.say(*events(2000))
        for _ in range(200):
            if hub.intake.status().trouble is not None:
                break
            await asyncio.sleep(0.02)
        assert hub.intake.status().trouble == "database.disk-full"
        assert good.client.received.empty()
        await hub.telemetry.write(limit(2**30))
        assert (await good.acked(2001)).upto == 2001
        assert hub.intake.status().trouble is None


async def test_killed_in_the_middle_of_a_batch(mosquitto: Mosquitto, tmp_path: Path) -> None:
    """kill -9, again and again, while batches pour in: what was acknowledged is there, and everything exactly once."""
    total, acked = 3000, 0
    command = [sys.executable, "-m", "tests.fixtures.intake", str(tmp_path), str(mosquitto.port), "pc-1"]
    async with device(mosquitto.port, "pc-1") as pc:
        for life in range(4):
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as hub:
                assert hub.stdout is not None
                await asyncio.to_thread(_until_ready, hub.stdout)
                sent = acked
                while sent < total:  # as an agent does after each new connection: from the last acknowledged on
                    await pc.say(*events(20), first_seq=sent + 1)
                    sent += 20
                    while not pc.client.received.empty():
                        acked = max(acked, (await pc.ack()).upto)
                    if life < 3 and acked >= (life + 1) * 600:
                        break
                hub.kill()
            while not pc.client.received.empty():
                topic, payload = await pc.client.next()
                if topic.endswith("/ack"):
                    acked = max(acked, codec.decode(payload, Ack).upto)
        async with hub_intake(tmp_path, plain(mosquitto)) as hub_again:
            assert await hub_again.upto("pc-1", "stream-1") >= acked
            while (stored := await hub_again.upto("pc-1", "stream-1")) < total:
                await pc.say(*events(total - stored), first_seq=stored + 1)
                await pc.acked(total)
            rows = await hub_again.telemetry.read(lambda c: c.execute("SELECT attrs FROM event").fetchall())
            assert len(rows) == total
            assert await hub_again.count("lost") == 0


def _until_ready(stdout: Any) -> None:
    for line in stdout:
        if line.startswith(b"ready"):
            return
    raise AssertionError("the hub did not start")
