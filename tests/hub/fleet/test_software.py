"""The roll-up of software and its licence classes, on real databases."""

from pathlib import Path
from typing import Any

import pytest
from tests.hub.fleet.conftest import Lab

from densach_core.database import Database
from densach_core.errors import BadInput, Conflict, NotFound
from densach_hub.fleet import store_software
from densach_hub.fleet.service import Fleet
from densach_hub.fleet.software import Answer, Question
from densach_wire.codec import section_digest
from densach_wire.licences import Ground, LicenceClass
from densach_wire.messages import InventorySection, Item, SectionStatus

ROOM = "phong-tin-1"


def package(name: str, version: str = "1.0", *, source: str = "dpkg", arch: str = "amd64", **more: Any) -> Item:
    return Item("package", f"{source}:{name}:{arch}", {"name": name, "version": version, "source": source, "app": True, **more})


class Told:
    """Machines that tell their software, list after list."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.seq: dict[str, int] = {}

    async def tell(self, device: str, *items: Item, status: SectionStatus = SectionStatus.OK) -> None:
        seq = self.seq[device] = self.seq.get(device, 0) + 1
        section = InventorySection("packages", items, section_digest(items), status=status)
        self.lab.clock.advance(86_400)
        await self.lab.fleet.telemetry.receive(self.lab.arrival(device, seq, section))

    async def ask(self, **question: Any) -> Answer:
        return await self.lab.fleet.software.ask(Question(**question))


@pytest.fixture
async def told(lab: Lab) -> Told:
    for name in ("PC-01", "PC-02", "PC-03"):
        await lab.machine(name, room=ROOM if name != "PC-03" else None)
    await lab.machine("PC-99", simulated=True)
    return Told(lab)


def names(answer: Answer) -> dict[str, int]:
    return {program.name: program.machines for program in answer.programs}


async def test_a_program_is_counted_once_a_machine(told: Told) -> None:
    await told.tell("pc-pc-01", package("a"), package("a", "2.0", arch="i386"), package("b"))
    await told.tell("pc-pc-02", package("a"))
    await told.tell("pc-pc-99", package("a"), package("chỉ-mô-phỏng"))
    answer = await told.ask()
    assert names(answer) == {"a": 2, "b": 1}
    assert answer.programs[0].versions == {"1.0": 1, "1.0, 2.0": 1}
    assert (answer.machines, answer.told, answer.waiting) == (3, 2, 0)
    assert names(await told.ask(simulated=True)) == {"a": 1, "chỉ-mô-phỏng": 1}


async def test_what_a_machine_lost_is_gone_and_what_it_could_not_read_stays(told: Told) -> None:
    await told.tell("pc-pc-01", package("a"), package("b"))
    assert names(await told.ask()) == {"a": 1, "b": 1}
    await told.tell("pc-pc-01", package("b", "2.0"))
    answer = await told.ask()
    assert (names(answer), answer.programs[0].versions) == ({"b": 1}, {"2.0": 1})
    await told.tell("pc-pc-01", status=SectionStatus.FAILED)
    assert names(await told.ask()) == {"b": 1}
    with pytest.raises(NotFound):
        await told.lab.fleet.software.one("dpkg", "a")


async def test_retired_machines_and_other_rooms_do_not_count(told: Told) -> None:
    for device in ("pc-pc-01", "pc-pc-02", "pc-pc-03"):
        await told.tell(device, package("a"))
    assert names(await told.ask(room=ROOM)) == {"a": 2}
    await told.lab.fleet.register.retire("pc-pc-02", by="Lan", why="cháy")
    assert names(await told.ask(room=ROOM)) == {"a": 1}
    assert names(await told.ask()) == {"a": 2}


async def test_libraries_come_only_when_asked_for(told: Told) -> None:
    await told.tell(
        "pc-pc-01", package("vẽ", title="Phần mềm Vẽ"), package("libqt", app=None), package("zalo", source="registry", app=None)
    )
    assert names(await told.ask()) == {"vẽ": 1, "zalo": 1}
    assert names(await told.ask(apps=False)) == {"vẽ": 1, "zalo": 1, "libqt": 1}
    assert names(await told.ask(q="phan mem VE")) == {"vẽ": 1}
    assert names(await told.ask(source="registry")) == {"zalo": 1}


async def test_without_any_application_everything_is_shown(told: Told) -> None:
    await told.tell("pc-pc-01", package("libqt", app=None))
    answer = await told.ask()
    assert (names(answer), answer.all_of_them) == ({"libqt": 1}, True)
    assert not (await told.ask(q="khong-co")).all_of_them


async def test_classes_by_evidence_and_their_share(told: Told) -> None:
    known = [package("google-chrome-stable"), package("a", licence="MIT"), package("b", area="games", origin="Debian")]
    await told.tell("pc-pc-01", *known, package("c"))
    answer = await told.ask()
    assert answer.counts == {LicenceClass.FREE: 2, LicenceClass.PROPRIETARY: 1, LicenceClass.UNKNOWN: 1}
    assert answer.free_share == 50
    only = await told.ask(licence_class=LicenceClass.UNKNOWN)
    assert (names(only), only.counts) == ({"c": 1}, answer.counts)


async def test_the_school_s_word_counts_at_once_and_is_taken_back_at_once(told: Told) -> None:
    software = told.lab.fleet.software
    await told.tell("pc-pc-01", package("violet-2", area="x"), package("a"))
    await told.ask()
    await software.say("Violet*", LicenceClass.FREE, by="Lan", note="hợp đồng 12")
    program, [place] = await software.one("dpkg", "violet-2")
    assert (program.licence_class, program.ground, program.because) == (LicenceClass.FREE, Ground.SCHOOL, "Violet*")
    assert (place.machine.name, place.copy.version) == ("PC-01", "1.0")
    await software.unsay("Violet*", by="Lan")
    assert (await software.one("dpkg", "violet-2"))[0].licence_class is LicenceClass.PROPRIETARY
    with pytest.raises(NotFound):
        await software.unsay("Violet*", by="Lan")
    for bad in ("", "  ", "*", "?" * 9, "x" * 201):
        with pytest.raises(BadInput):
            await software.say(bad, LicenceClass.FREE, by="Lan")


async def test_a_person_edits_the_file_by_hand(told: Told, tmp_path: Path) -> None:
    """A good edit counts at the next look; a broken one is told, and changes nothing until it is corrected."""
    software = told.lab.fleet.software
    await told.tell("pc-pc-01", package("a"))
    await software.say("a", LicenceClass.FREE, by="Lan")
    file = tmp_path / "documents" / "licences.json"
    file.write_text(file.read_text("utf-8").replace('"free"', '"proprietary"'), "utf-8")
    assert (await told.ask()).programs[0].licence_class is LicenceClass.PROPRIETARY
    file.write_text(file.read_text("utf-8").replace('"proprietary"', '"tự do"'), "utf-8")
    assert (await told.ask()).programs[0].licence_class is LicenceClass.PROPRIETARY
    assert software.fault is not None
    with pytest.raises(Conflict):
        await software.say("b", LicenceClass.FREE, by="Lan")
    file.write_text(file.read_text("utf-8").replace('"tự do"', '"free"'), "utf-8")
    assert (await told.ask()).programs[0].licence_class is LicenceClass.FREE
    assert software.fault is None


async def test_a_hub_that_starts_anew_judges_by_new_rules(told: Told, telemetry: Database) -> None:
    """As after an update with a newer list: what was judged before is judged again, without machines telling anything."""
    await told.tell("pc-pc-01", package("zalo"))
    await told.ask()
    await telemetry.write(lambda c: c.execute("UPDATE software SET cls = 'unknown', ground = 'none'"))
    await telemetry.write(lambda c: c.execute("UPDATE software_rules SET stamp = 'older'"))
    told.lab.fleet.software._classes = None
    assert (await told.ask()).programs[0].licence_class is LicenceClass.PROPRIETARY


async def test_a_cut_while_a_list_is_taken_apart_leaves_it_to_do(told: Told, telemetry: Database) -> None:
    await told.tell("pc-pc-01", package("a"))
    classes = await told.lab.fleet.software.classes()
    [(device, stamp)] = await telemetry.read(lambda c: store_software.pending(c, 10))

    def cut(c: Any) -> None:
        store_software.take_apart(c, device, stamp, classes)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await telemetry.write(cut)
    assert await telemetry.read(lambda c: store_software.pending(c, 10)) == [(device, stamp)]
    assert names(await told.ask()) == {"a": 1}


async def test_what_machines_tell_is_no_trap(told: Told) -> None:
    """Numbers for names, rubbish, enormous texts: kept as far as it makes sense, and nothing fails."""
    items = (
        Item("package", "k1", {"name": 7, "version": True, "source": None, "size_bytes": -1, "install_date": 20261005}),
        Item("package", "k2", {}),
        Item(
            "package",
            "k3",
            {"name": "x" * 5000, "source": "y" * 500, "version": "9" * 5000, "size_bytes": 1.5, "publisher": "'; --"},
        ),
        Item("os", "os", {"name": "Debian"}),
    )
    await told.tell("pc-pc-01", *items)
    answer = await told.ask(apps=False)
    assert sorted(p.name[:3] for p in answer.programs) == ["k1", "k2", "xxx"]
    assert names(await told.ask(q="'; --")) != {}
    assert names(await told.ask(q="%")) == {}


async def test_by_count_and_page_by_page(told: Told) -> None:
    await told.tell("pc-pc-01", *(package(f"p{n}") for n in range(5)))
    await told.tell("pc-pc-02", package("p3"))
    software: Fleet = told.lab.fleet
    first = await software.software.ask(Question(by_count=True), first=0, most=2)
    second = await software.software.ask(Question(by_count=True), first=2, most=2)
    assert [p.name for p in (*first.programs, *second.programs)] == ["p3", "p0", "p1", "p2"]
    assert first.total == 5
