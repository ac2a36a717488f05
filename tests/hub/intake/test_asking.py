"""Asking many machines: on disk before it is sent, sent once, settled by what the machines do."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.fixtures.device import Device, device
from tests.fixtures.intake import HubIntake, hub_intake
from tests.fixtures.mosquitto import Mosquitto

from densach_core.errors import BadInput, NotFound
from densach_hub.fleet.asking import Asked, AskedState, Wish, may_ask, wakeable
from densach_hub.fleet.model import Kind, Machine
from densach_hub.intake.waking import Plan
from densach_hub.link.model import BrokerAddress
from densach_wire import codec
from densach_wire.messages import Command, InventorySection, Item, Outcome, Result
from densach_wire.wake import magic_packet, plain_mac

MAC = "d8:bb:c1:00:00:07"
ETHERNET = Item("network", "eno1", {"kind": "ethernet", "mac": MAC, "bus": "pci"})


def plain(broker: Mosquitto) -> BrokerAddress:
    return BrokerAddress(broker.host, broker.port)


async def until(true: Callable[[], Awaitable[bool]], seconds: float = 40) -> None:
    end = time.monotonic() + seconds
    while not await true():
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.05)


async def command(pc: Device, name: str) -> Command:
    while not (heard := await pc.client.next(40))[0].endswith(f"/cmd/{name}"):
        pass
    return codec.decode(heard[1], Command)


async def state(hub: HubIntake, batch: str) -> list[tuple[str, AskedState]]:
    now = round(time.time() * 1000)
    return [(one.device, one.state(now)) for one in await hub.intake.requests.batch(batch)]


async def test_a_sleeping_machine_is_called_by_the_hub_and_a_neighbour_and_says_itself_that_it_woke(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    async with hub_intake(tmp_path, plain(mosquitto), devices=["pc-1", "pc-2"]) as hub:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as card:
            card.bind(("127.0.0.1", 0))
            card.settimeout(40)
            hub.intake.requests.waking.targets = ("127.0.0.1",)
            hub.intake.requests.waking.ports = (int(card.getsockname()[1]),)
            async with device(mosquitto.port, "pc-1") as asleep:
                await asleep.hello()
                await asleep.say(InventorySection("network", (ETHERNET,), "n"))
                await asleep.acked(1)
                await asleep.raw(b"asleep", "presence", retain=True)
            async with device(mosquitto.port, "pc-2") as near:
                await near.hello()
                await near.raw(b"online", "presence", retain=True)

                async def seen() -> bool:
                    lives = [await hub.fleet.telemetry.live(name) for name in ("pc-1", "pc-2")]
                    return [live.presence if live else None for live in lives] == ["asleep", "online"]

                await until(seen)
                batch = await hub.intake.requests.ask(["pc-1"], Wish.WAKE, {}, by="Cô Lan")
                heard = await command(near, "wake")
                assert heard.args == {"mac": MAC}
                assert await asyncio.to_thread(card.recv, 200) == magic_packet(MAC)
                await near.raw(codec.encode(Result(id=heard.id, outcome=Outcome.DONE)), "res/wake")
                assert await state(hub, batch) == [("pc-1", AskedState.ACCEPTED)], "called is not awake"
            async with device(mosquitto.port, "pc-1") as awake:
                awake.boot = "boot-2"
                await awake.hello()

                async def done() -> bool:
                    return await state(hub, batch) == [("pc-1", AskedState.DONE)]

                await until(done)
            assert [one.name for one in await hub.intake.requests.of("pc-2")] == [], "what was a help is no request of its own"


async def test_invented_machines_are_called_by_invented_ones_and_over_no_real_network(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    async with hub_intake(tmp_path, plain(mosquitto), devices=["pc-1"]) as hub:
        for name in ("sim-1", "sim-2"):
            one = Machine(id=name, name=name, kind=Kind.AGENT, admitted_at=1, admitted_by="test", simulated=True)
            await hub.fleet.register.add(one)
        for name in ("pc-1", "sim-1", "sim-2"):
            async with device(mosquitto.port, name) as pc:
                await pc.hello()
                await pc.say(InventorySection("network", (ETHERNET,), "n"))
                await pc.acked(1)
                await pc.raw(b"off" if name == "sim-1" else b"online", "presence", retain=True)

        async def seen() -> bool:
            return all([await hub.fleet.telemetry.live(name) for name in ("pc-1", "sim-1", "sim-2")])

        await until(seen)
        waking = hub.intake.requests.waking

        async def planned() -> bool:
            return (await waking.plans(["sim-1"]))["sim-1"] == Plan((MAC,), ("sim-2",), invented=True)

        await until(planned)


async def test_a_machine_that_goes_off_has_done_it(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with hub_intake(tmp_path, plain(mosquitto), devices=["pc-1"]) as hub, device(mosquitto.port, "pc-1") as pc:
        batch = await hub.intake.requests.ask(["pc-1", "pc-1"], Wish.SHUTDOWN, {}, by="Cô Lan")
        heard = await command(pc, "shutdown")
        await pc.raw(codec.encode(Result(id=heard.id, outcome=Outcome.ACCEPTED)), "res/shutdown")

        async def accepted() -> bool:
            return await state(hub, batch) == [("pc-1", AskedState.ACCEPTED)]

        await until(accepted)
        await pc.raw(b"off", "presence", retain=True)

        async def done() -> bool:
            return await state(hub, batch) == [("pc-1", AskedState.DONE)]

        await until(done)


async def test_a_hub_that_was_started_again_repeats_nothing(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with hub_intake(tmp_path, plain(mosquitto), devices=["pc-1"]) as hub:
        batch = await hub.intake.requests.ask(["pc-1"], Wish.RESTART, {}, by="Cô Lan")
    async with device(mosquitto.port, "pc-1") as pc, hub_intake(tmp_path, plain(mosquitto), devices=["pc-1"]) as hub:
        assert await state(hub, batch) == [("pc-1", AskedState.SENT)]
        await pc.hello()
        await pc.ack()
        await hub.intake.requests.request("pc-1", "refresh")  # whatever came before this came by now
        names: list[str] = []
        while not names or not names[-1].endswith("/cmd/refresh"):
            names.append((await pc.client.next(40))[0])
        assert not [name for name in names if name.endswith("/cmd/restart")]


async def test_without_a_line_the_row_says_so(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with hub_intake(tmp_path, plain(mosquitto), devices=["pc-1"]) as hub:
        mosquitto.stop()

        async def gone() -> bool:
            return not hub.link.connected

        await until(gone)
        batch = await hub.intake.requests.ask(["pc-1"], Wish.MESSAGE, {"text": "x"}, by="Cô Lan")
        [one] = await hub.intake.requests.batch(batch)
        assert (one.outcome, one.reason) == (Outcome.REFUSED, "no-line")


async def test_wrong_questions(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with hub_intake(tmp_path, plain(mosquitto), devices=["pc-1"]) as hub:
        for devices in ([], [f"pc-{n}" for n in range(201)]):
            with pytest.raises(BadInput):
                await hub.intake.requests.ask(devices, Wish.MESSAGE, {}, by="x")
        with pytest.raises(NotFound):
            await hub.intake.requests.ask(["pc-1", "stranger"], Wish.MESSAGE, {}, by="x")
        assert await hub.count("request") == 0
        with pytest.raises(NotFound):
            await hub.intake.requests.batch("")
        assert [m.kind for m in await hub.fleet.register.machines()] == [Kind.AGENT]


@pytest.mark.parametrize(
    ("attrs", "found"),
    [
        ({"kind": "ethernet", "mac": "D8-BB-C1-00-00-07"}, (MAC,)),
        ({"kind": "ethernet", "mac": "02:00:00:00:00:01", "permanent_mac": MAC}, (MAC,)),
        ({"kind": "wifi", "mac": MAC}, ()),
        ({"kind": "ethernet", "mac": MAC, "bus": "usb"}, ()),
        ({"kind": "ethernet", "mac": MAC, "random_mac": True}, ()),
        ({"kind": "ethernet"}, ()),
        ({"kind": "ethernet", "mac": "ff:ff:ff:ff:ff:ff"}, ()),
    ],
)
def test_what_can_be_woken(attrs: dict[str, str | bool], found: tuple[str, ...]) -> None:
    assert wakeable([Item("network", "x", dict(attrs))]) == found


def test_magic_packets() -> None:
    packet = magic_packet(MAC)
    assert len(packet) == 102
    assert packet[:6] == b"\xff" * 6
    assert packet[6:12] == packet[96:] == bytes.fromhex("d8bbc1000007")
    assert plain_mac("00:00:00:00:00:00") is None
    with pytest.raises(ValueError, match="no address"):
        magic_packet("01:00:5e:00:00:01")


def test_states_by_the_clock() -> None:
    one = Asked(id="a", device="pc-1", name="shutdown", args={}, by="x", sent_at=0, expires_at=1000)
    assert one.state(1000) is AskedState.SENT
    assert one.state(1001) is AskedState.EXPIRED
    from msgspec.structs import replace

    accepted = replace(one, outcome=Outcome.ACCEPTED)
    assert accepted.state(1001) is AskedState.ACCEPTED
    assert accepted.state(1000 + 16 * 60_000) is AskedState.UNFINISHED
    assert replace(accepted, name="wake").state(1001) is AskedState.EXPIRED


def test_who_may_ask_what() -> None:
    from densach_core.accounts.model import Role

    teacher, technician = frozenset({Role.TEACHER}), frozenset({Role.TECHNICIAN})
    assert {wish for wish in Wish if may_ask(wish, teacher)} == {Wish.MESSAGE, Wish.SHUTDOWN, Wish.WAKE, Wish.IDENTIFY}
    assert all(may_ask(wish, technician) for wish in Wish)
    assert not any(may_ask(wish, frozenset({Role.STUDENT, Role.LIBRARIAN})) for wish in Wish)
