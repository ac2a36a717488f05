"""Who may say and hear what on the production broker: verified on a real Mosquitto, with real certificates."""

import asyncio
import ssl

import pytest
from tests.fixtures.broker import SCHOOL, ProductionBroker

from densach_hub.link.configuration import PACKET_LIMIT
from densach_hub.link.model import AccountKind

OWN = f"densach/1/{SCHOOL}/pc-1"
OTHER = f"densach/1/{SCHOOL}/pc-2"
TAKEN = ("Success", "No matching subscribers")


async def test_a_device_writes_its_own_topics_and_nothing_else(production: ProductionBroker) -> None:
    pc = await production.device("pc-1")
    for channel in ("presence", "hello", "batch", "res/message"):
        assert await pc.publish(f"{OWN}/{channel}", b"x") in TAKEN
    for topic in (f"{OTHER}/batch", f"{OTHER}/presence", f"{OWN}/ack", f"{OWN}/desired", f"{OWN}/cmd/off",
                  f"densach/1/{SCHOOL}/hub", "tele/plug/LWT", "densach/1/other/pc-1/batch"):  # fmt: skip
        assert await pc.publish(topic, b"x") == "Not authorized", topic


async def test_a_device_hears_only_what_is_said_to_it(production: ProductionBroker) -> None:
    one, two = await production.device("pc-1"), await production.device("pc-2")
    await one.subscribe("#")
    hub = await production.hub()
    assert await two.publish(f"{OTHER}/batch", b"secret") in TAKEN
    await hub.publish(f"{OTHER}/ack", b"for two")
    for channel in ("ack", "desired", "cmd/message"):
        await hub.publish(f"{OWN}/{channel}", channel.encode())
    await hub.publish(f"densach/1/{SCHOOL}/hub", b"hub")
    heard = [(await one.next())[1] for _ in range(4)]
    assert heard == [b"ack", b"desired", b"cmd/message", b"hub"]
    assert one.received.empty()


async def test_without_a_certificate_there_is_no_connection(production: ProductionBroker) -> None:
    context = ssl.create_default_context(cafile=production.authority.ca)
    with pytest.raises((ssl.SSLError, ConnectionRefusedError, OSError)):
        await production.device("pc-1", context=context)


async def test_a_revoked_device_is_cut_off_at_once_and_refused_after_a_restart(production: ProductionBroker) -> None:
    context = production.tls_context("pc-1")
    pc = await production.device("pc-1", context=context)
    assert await pc.publish(f"{OWN}/batch", b"x") in TAKEN
    production.authority.revoke("pc-1")
    await production.broker.revoke(frozenset({"pc-1"}))
    for _ in range(50):
        if await pc.publish(f"{OWN}/batch", b"x") == "Not authorized":
            break
        await asyncio.sleep(0.05)
    else:
        pytest.fail("a revoked device was still heard")
    fine = await production.device("pc-2")
    assert await fine.publish(f"{OTHER}/batch", b"x") in TAKEN
    await production.broker._stop()
    await asyncio.sleep(0)
    for _ in range(100):
        if production.broker.status().running and production.broker._starts > 1:
            break
        await asyncio.sleep(0.1)
    with pytest.raises((ssl.SSLError, ConnectionRefusedError, OSError)):
        await production.device("pc-1", context=context)


async def test_equipment_sees_its_dialects_and_no_machines(production: ProductionBroker) -> None:
    plug = await production.equipment()
    hub = await production.hub()
    await hub.subscribe("#")
    await plug.subscribe("#")
    await plug.publish("tele/plug/LWT", b"Online", retain=True)
    assert await hub.next() == ("tele/plug/LWT", b"Online")
    await plug.publish(f"{OWN}/batch", b"forged")
    await plug.publish("tele/plug/STATE", b"{}")
    assert await hub.next() == ("tele/plug/STATE", b"{}")
    await hub.publish(f"{OWN}/ack", b"not for plugs")
    await hub.publish("cmnd/plug/Power", b"TOGGLE")
    assert await plug.next() == ("cmnd/plug/Power", b"TOGGLE")


async def test_equipment_needs_its_password(production: ProductionBroker) -> None:
    with pytest.raises(ConnectionRefusedError):
        await production.equipment(user="studio", password="wrong")


async def test_a_small_device_speaks_the_contract_without_tls(production: ProductionBroker) -> None:
    password = production.broker.accounts.put("lamp-7", AccountKind.DEVICE)
    await production.broker.reload()
    await asyncio.sleep(0.3)
    hub = await production.hub()
    await hub.subscribe("densach/#")
    lamp = await production.equipment("lamp", user="lamp-7", password=password)
    await lamp.subscribe(f"densach/1/{SCHOOL}/lamp-7/ack")
    await lamp.publish(f"densach/1/{SCHOOL}/pc-1/batch", b"forged")
    await lamp.publish(f"densach/1/{SCHOOL}/lamp-7/batch", b"{}")
    assert await hub.next() == (f"densach/1/{SCHOOL}/lamp-7/batch", b"{}")
    await hub.publish(f"densach/1/{SCHOOL}/lamp-7/ack", b"ack")
    assert await lamp.next() == (f"densach/1/{SCHOOL}/lamp-7/ack", b"ack")


async def test_ten_megabytes_are_bounced_and_nobody_else_notices(production: ProductionBroker) -> None:
    hub = await production.hub()
    await hub.subscribe(f"densach/1/{SCHOOL}/+/batch")
    one, two = await production.device("pc-1"), await production.device("pc-2")
    assert await one.publish(f"{OWN}/batch", b"y" * (PACKET_LIMIT - 100)) == "Success"
    one.paho.publish(f"{OWN}/batch", b"z" * 10_000_000, 1)
    await asyncio.wait_for(one.gone.wait(), 30)
    assert await two.publish(f"{OTHER}/batch", b"ordinary") == "Success"
    assert [(await hub.next())[1][:1] for _ in range(2)] == [b"y", b"o"]  # and nothing that begins with z
