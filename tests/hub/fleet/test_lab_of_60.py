"""A lab of sixty with the traps of the field in it. `pytest -s` prints the table: trap → expected → result."""

import os
import tempfile
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from tests.hub.fleet.conftest import Lab
from tests.hub.fleet.pcs import Body, Disk, Hub, Nic, join, once, switch_on
from tests.hub.fleet.web import served

from densach_agent.membership import Membership
from densach_agent.seal import seal_disk
from densach_core.clock import FixedClock
from densach_core.database import Database
from densach_wire.likeness import DISK

OEM = "To be filled by O.E.M."
GIGA = "03000200-0400-0500-0006-000700080009"


class Row(msgspec.Struct):
    trap: str
    expected: int
    devices: list[str]
    """Who the bodies were at the end, one each."""

    @property
    def result(self) -> int:
        return len(set(self.devices))


class School:
    """Makes bodies and disks, and keeps the table."""

    def __init__(self, folder: Path, hub: Hub) -> None:
        self.folder = folder
        self.hub = hub
        self.rows: list[Row] = []
        self.count = 0

    def body(self, **more: object) -> Body:
        self.count += 1
        n = self.count
        plain = Body(
            name=f"body-{n}", board=f"BRD{n:05}X", chassis=f"CHS{n:05}X", product=f"CHS{n:05}X",
            uuid=str(uuid.UUID(int=0x4C4C4544_0058_4B10_8032_000000000000 + n * 7919)), nics=[Nic(f"90:b1:1c:00:{n:02x}:41")],
        )  # fmt: skip
        return msgspec.structs.replace(plain, **more)

    def oem(self, **more: object) -> Body:
        return self.body(board=OEM, chassis="Default string", product="System Serial Number", **more)

    def guest(self, uuid_text: str, mac: str) -> Body:
        return self.body(board="", chassis="None", product="", uuid=uuid_text, nics=[Nic(mac)])

    def disk(self, *, virtual: bool = False) -> Disk:
        self.count += 1
        made = Disk(self.folder / f"disk-{self.count}", f"S3Z{self.count:05}K", virtual)
        made.install(uuid.UUID(int=self.count * 1_000_003).hex)
        return made

    def copy_of(self, disk: Disk) -> Disk:
        made = self.disk(virtual=disk.virtual)
        disk.copy_to(made)
        return made

    async def on(self, *pairs: tuple[Body, Disk]) -> list[str]:
        return [await once(self.hub, *pair) for pair in pairs]

    def note(self, trap: str, expected: int, devices: list[str]) -> None:
        self.rows.append(Row(trap, expected, devices))

    async def imaged(self, trap: str, bodies: list[Body]) -> list[str]:
        """The first one's disk, agent and all, is written to the others'; then all are used in turns for some days."""
        master = self.disk()
        await once(self.hub, bodies[0], master)
        pairs = [(bodies[0], master), *((body, self.copy_of(master)) for body in bodies[1:])]
        first = await self.on(*pairs)
        assert await self.on(*reversed(pairs)) == first[::-1]
        self.note(trap, len(bodies), first)
        return first


@pytest.fixture
async def lab60(lab: Lab, school: Database, clock: FixedClock) -> AsyncIterator[School]:
    # Sixty disks in memory: nobody pulls this machine's plug, and its one disk is slower than theirs.
    shm = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shm if os.access(shm, os.W_OK) else None) as folder:
        async with served(lab.fleet, school, clock) as web:
            _, token = await lab.fleet.enrolment.new_token(by="Lan", room=None, uses=200)
            yield School(Path(folder), Hub(lab, web.base, token))


async def test_every_trap_ends_with_the_right_number_of_machines_each_with_its_own_history(
    lab60: School, telemetry: Database
) -> None:
    mixed = await _virtual_machines(lab60)
    await _images(lab60)
    await _sealed(lab60)
    await _wandering_things(lab60)
    await _repairs(lab60)
    for row in lab60.rows:
        print(f"{row.trap:62} {row.expected:3} → {row.result:3}")  # noqa: T201 - the table is there to be read
    assert [(row.trap, row.result) for row in lab60.rows] == [(row.trap, row.expected) for row in lab60.rows]
    machines = await lab60.hub.lab.fleet.register.machines()
    assert len(machines) == sum(row.expected for row in lab60.rows) == 60
    told = await telemetry.read(lambda c: c.execute("SELECT device, attrs FROM event WHERE kind = 'seen'").fetchall())
    bodies: dict[str, set[str]] = {}
    for device, attrs in told:
        bodies.setdefault(device, set()).add(msgspec.json.decode(attrs)["body"])
    assert {device: found for device, found in bodies.items() if len(found) > 1 and device not in mixed} == {}
    assert len(bodies) == 60


async def _images(lab: School) -> None:
    await lab.imaged("imaged disks: one machine-id, one agent key", [lab.body() for _ in range(6)])
    await lab.imaged('boards that say "To be filled by O.E.M."', [lab.oem() for _ in range(4)])
    same = "8a1f66b1-77c0-4a52-9d10-5f2b6c7e0a11"
    await lab.imaged("one UUID on all boards that no list knows", [lab.oem(uuid=same) for _ in range(4)])
    await lab.imaged("zero UUID, and the UUID of 689 schools", [
        lab.oem(uuid="00000000-0000-0000-0000-000000000000"), lab.oem(uuid=GIGA.upper()),
    ])  # fmt: skip


async def _sealed(lab: School) -> None:
    """The image was made on seat 1, tried, sealed, and is rolled out on thirty; a token was left in it."""
    body, master = lab.body(), lab.disk()
    await once(lab.hub, body, master)
    seal_disk(master.data, master.folder)
    pairs = [(body, master), *((lab.body(), lab.copy_of(master)) for _ in range(29))]
    for n, (_, disk) in enumerate(pairs):
        (disk.folder / "etc/machine-id").write_text(uuid.UUID(int=10**9 + n).hex)  # as each makes at its first start
    devices = await lab.on(*pairs[:28])
    # Two lose power while they join: the hub had admitted them, the answer never came to their disks.
    for body, disk in pairs[28:]:
        running = await join(lab.hub, body, disk)
        running.outbox.close()
        (disk.data / "enrolled.json").unlink()
    devices += await lab.on(*pairs[28:])
    lab.note("a sealed image on thirty, all named alike; two lose power", 30, devices)


async def _wandering_things(lab: School) -> None:
    usb, dock = Nic("00:e0:4c:99:12:34", "usb"), Nic("64:4b:f0:11:22:33", "thunderbolt")
    three = [lab.body(nics=[Nic(f"3c:52:82:00:00:{n:02x}", "board")]) for n in range(3)]
    pairs = [(body, lab.disk()) for body in three]
    found: list[list[str]] = []
    for day in range(3):
        for n, (body, disk) in enumerate(pairs):
            plugged = [usb] if n == day else [dock] if n == (day + 1) % 3 else []
            found.append(await lab.on((msgspec.structs.replace(body, nics=[*body.nics, *plugged]), disk)))
    devices = [one[0] for one in found]
    assert devices[:3] == devices[3:6] == devices[6:]
    lab.note("a dock and a USB card that wander between three", 3, devices[:3])

    one, other = (lab.body(), lab.disk()), (lab.body(), lab.disk())
    first = await lab.on(one, other)
    one[1].install("f" * 8 + "0" * 24)  # the disk of one, installed anew, and put into the other's body by mistake
    moved = await lab.on((other[0], one[1]))
    assert moved == [first[1]]
    back = lab.disk()
    again = await lab.on((one[0], back), other)
    assert again == first
    running = await switch_on(lab.hub, other[0], back)  # with its agent as it is, a disk goes into the other's body
    running.outbox.close()
    assert running.device == first[1]
    lab.note("a disk moved into another PC, empty and as it was", 2, first)


async def _repairs(lab: School) -> None:
    turned = [lab.oem(nics=[], uuid=str(uuid.UUID(int=0x11223344_5566_4788_8032_000000000000 + n))) for n in range(2)]
    pairs = [(body, lab.disk()) for body in turned]
    before = await lab.on(*pairs)
    for body, disk in pairs:
        groups = body.uuid.split("-")
        body.uuid = "-".join([bytes.fromhex(group)[::-1].hex() for group in groups[:3]] + groups[3:]).upper()
        disk.install("0" * 31 + "1")  # another system, which reads the bytes the other way round
    assert await lab.on(*pairs) == before
    lab.note("UUID in the other byte order after another system", 2, before)

    body, disk = lab.body(), lab.disk()
    before = await lab.on((body, disk))
    fresh = lab.body()
    body.board, body.uuid, body.nics = fresh.board, fresh.uuid, fresh.nics
    body.chassis = body.product = ""
    after = await lab.on((body, disk))
    found = await lab.hub.lab.fleet.identity.decisions(before[0])
    assert [(d.what, d.kept, d.open) for d in found] == [("new-parts", (DISK,), True)]
    lab.note("main board swapped, disk kept", 1, [*before, *after])

    body, disk = lab.body(), lab.disk()
    before = await lab.on((body, disk))
    after = [await once(lab.hub, body, lab.disk(), token=None)]
    assert (await lab.hub.lab.fleet.identity.decisions(before[0]))[-1].what == "returned"
    lab.note("disk swapped and installed anew, admitted by a click", 1, [*before, *after])

    body, disk = lab.body(), lab.disk()
    before = await lab.on((body, disk))
    body.hostname = "THU-VIEN-07"
    lab.note("renamed host", 1, before + await lab.on((body, disk)))


async def _virtual_machines(lab: School) -> set[str]:
    """Returns who is allowed a word of the other: nothing told them apart but that both spoke."""
    one = "6f2a1c34-9b1d-4c7e-8f00-00000000aa01"
    original = (lab.guest(one, "52:54:00:00:00:01"), lab.disk(virtual=True))
    first = await lab.on(original)
    copies = [
        (lab.guest("6f2a1c34-9b1d-4c7e-8f00-00000000aa02", "52:54:00:00:00:02"), lab.copy_of(original[1])),
    ]
    devices = first + await lab.on(*copies)
    lab.note("a virtual machine copied: new UUID, new MAC", 2, devices)

    # Copied with everything, both run: the hub lets them be until the second return, then one goes to the door.
    other = "6f2a1c34-9b1d-4c7e-8f00-00000000aa03"
    pair = [(lab.guest(other, "52:54:00:00:00:03"), lab.disk(virtual=True))]
    await lab.on(*pair)
    pair.append((lab.guest(other, "52:54:00:00:00:03"), lab.copy_of(pair[0][1])))
    running = [await join(lab.hub, *one_of) for one_of in pair]
    sent = [await lab.hub.greet(running[n % 2]) for n in range(4)]
    assert sent == [False, False, False, True]
    for one_of in running:
        one_of.outbox.close()
    shared = running[0].device
    Membership(pair[1][1].data).leave()
    parted = await lab.on(*pair)
    lab.note("a virtual machine copied with UUID and MAC", 2, parted)
    return {shared}
