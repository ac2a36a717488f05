"""Machines to be simulated down to their files: a body (board, cards), a disk that can be pulled, copied and put into
another body, and on it the real agent's code: fingerprint, membership, enrolment over HTTP, outbox, courier."""

import asyncio
import itertools
import shutil
from pathlib import Path

import msgspec
from tests.agent.clocks import HandClock
from tests.hub.fleet.conftest import Lab

from densach_agent.clock import moment
from densach_agent.courier import Courier
from densach_agent.enrol import attempt
from densach_agent.identity import fingerprint
from densach_agent.keys import request_for
from densach_agent.machine import Machine
from densach_agent.membership import Membership
from densach_agent.outbox import Outbox
from densach_hub.fleet.telling import Arrival
from densach_hub.intake.reading import Reader
from densach_hub.link.model import Message
from densach_wire import topics
from densach_wire.messages import Ack, Event, Hello, System

DMI = "sys/class/dmi/id"
_boots = itertools.count(1)


class Nic(msgspec.Struct, frozen=True):
    mac: str
    where: str = "board"
    """board, usb, or thunderbolt (PCI behind a socket)."""


class Body(msgspec.Struct):
    """What stays on the table when the disk is pulled."""

    name: str
    board: str = ""
    chassis: str = ""
    product: str = ""
    uuid: str = ""
    nics: list[Nic] = []
    hostname: str = "lab"


class Disk(msgspec.Struct):
    """A disk and what is on it. `virtual` ones carry no number of their own."""

    folder: Path
    serial: str
    virtual: bool = False

    @property
    def data(self) -> Path:
        return self.folder / "var/lib/densach-agent"

    def copy_to(self, other: "Disk") -> None:
        """An image of it, byte for byte: machine-id, agent key and outbox with it."""
        shutil.rmtree(other.folder, ignore_errors=True)
        shutil.copytree(self.folder, other.folder, symlinks=True)

    def install(self, machine_id: str) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "etc").mkdir(parents=True)
        (self.folder / "etc/machine-id").write_text(machine_id + "\n")


class Running(msgspec.Struct):
    """A body with a disk, powered on: what the agent holds between two boots."""

    device: str
    outbox: Outbox
    courier: Courier
    clock: HandClock
    hello: Hello


class Hub:
    """The hub's door over HTTP, its rooms directly: what a hello and a batch lead to, as intake does it."""

    def __init__(self, lab: Lab, url: str, token: str) -> None:
        self.lab = lab
        self.url = url
        self.token = token
        self._reader = Reader("truong")

    def now(self) -> int:
        return self.lab.clock.now_ms()

    async def greet(self, running: Running) -> bool:
        """True if the machine is sent back to the door."""
        self.lab.clock.advance(1_000)
        verdict = await self.lab.fleet.telemetry.hello(running.device, running.hello, at=self.now())
        if not verdict.twin:
            running.courier.acknowledged(Ack(running.outbox.stream, verdict.upto, self.now() / 1000))
        return verdict.twin

    async def drain(self, running: Running) -> None:
        for _ in range(20):
            while (payload := running.courier.next_batch()) is not None:
                topic = topics.batch("truong", running.device)
                heard = self._reader.read_one(Message(topic, payload, False, self.now(), (0, 0, 0)))
                assert isinstance(heard, Arrival), heard
                stored = await self.lab.fleet.telemetry.receive(heard)
                want = () if stored.resend_from is None else (stored.resend_from,)
                running.courier.acknowledged(Ack(heard.stream, stored.upto, self.now() / 1000, want))
            if not running.outbox.pending:
                return
            running.clock.advance(60_000)
        raise AssertionError(f"{running.outbox.pending} records of {running.device} are not taken in")


async def join(hub: Hub, body: Body, disk: Disk, *, token: str | None = "the lab's") -> Running:
    """Powers it on: the agent looks whether it is still where it was admitted, and joins if it is not."""
    machine = Machine(_tree(body, disk), lambda _argv, _seconds: None)
    member = Membership(disk.data)
    factors = fingerprint(machine)
    member.leave_if_copied(factors)
    words = hub.token if token is not None else None
    made = await asyncio.to_thread(attempt, disk.data, hub.url, words, machine, csr=request_for)
    if made.state == "waiting":  # one click of a technician
        waiting = next(w for w in await hub.lab.fleet.enrolment.waiting() if w.hostname == body.hostname)
        await hub.lab.fleet.enrolment.admit(waiting.id, by="Lan")
        made = await asyncio.to_thread(attempt, disk.data, hub.url, None, machine, csr=request_for)
    assert made.state == "admitted", made.reason
    clock = HandClock(boot=f"boot{next(_boots):08}", wall_ms=hub.now())
    outbox = Outbox(member.outbox, clock)
    hello = Hello(
        agent="densach-agent test", os=System("linux"), hostname=body.hostname, boot=clock.boot, stream=outbox.stream,
        clock=moment(clock), fingerprint=factors, kept=outbox.kept(),
    )  # fmt: skip
    return Running(made.device, outbox, Courier(outbox, made.device, clock), clock, hello)


async def switch_on(hub: Hub, body: Body, disk: Disk, *, token: str | None = "the lab's") -> Running:
    """As `join`, says hello and tells one thing that it saw; sent back to the door it goes there, once."""
    running = await join(hub, body, disk, token=token)
    if await hub.greet(running):
        running.outbox.close()
        Membership(disk.data).leave()
        running = await join(hub, body, disk, token=token)
        assert not await hub.greet(running), "sent to the door twice: it would go on for ever"
    running.outbox.add(Event("seen", {"body": body.name}))
    await hub.drain(running)
    return running


async def once(hub: Hub, body: Body, disk: Disk, *, token: str | None = "the lab's") -> str:
    """Switches it on and off again; returns who it is."""
    running = await switch_on(hub, body, disk, token=token)
    running.outbox.close()
    return running.device


def _tree(body: Body, disk: Disk) -> Path:
    """What the kernel shows of this body with this disk."""
    root = disk.folder
    for folder in ("sys", "proc"):
        shutil.rmtree(root / folder, ignore_errors=True)
    texts = {
        f"{DMI}/board_serial": body.board,
        f"{DMI}/chassis_serial": body.chassis,
        f"{DMI}/product_serial": body.product,
        f"{DMI}/product_uuid": body.uuid,
        "proc/sys/kernel/hostname": body.hostname,
    }
    block = "vda" if disk.virtual else "sda"
    texts |= {f"sys/block/{block}/size": "500118192", f"sys/block/{block}/removable": "0"}
    if not disk.virtual:
        texts[f"sys/block/{block}/device/serial"] = disk.serial
    for number, nic in enumerate(body.nics):
        base, device = f"sys/class/net/eth{number}", f"sys/devices/pci0000:00/0000:00:{number + 1:02}.0"
        texts |= {f"{base}/address": nic.mac, f"{base}/addr_assign_type": "0"}
        if nic.where == "thunderbolt":
            texts[f"{device}/removable"] = "removable"
        place = root / device / {"usb": "usb1/1-1", "thunderbolt": "0000:05:00.0"}.get(nic.where, "")
        place.mkdir(parents=True, exist_ok=True)
        (root / base).mkdir(parents=True, exist_ok=True)
        (root / base / "device").symlink_to(place.resolve())
    for path, text in texts.items():
        if text:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text + "\n")
    return root
